// npm run example -- NAME [options]: runs examples/NAME with tsx.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const names = readdirSync(join(top, 'examples'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && existsSync(join(top, 'examples', entry.name, `${entry.name}.ts`)))
  .map(({ name }) => name)
  .sort();
const [name, ...rest] = process.argv.slice(2);
if (name === undefined || !names.includes(name)) {
  console.error(`${name === undefined || name === '--help' ? 'Which example?' : `There is no example ${name}.`} npm run example -- ${names.join('|')}`);
  process.exit(name === '--help' ? 0 : 2);
}
const { status } = spawnSync(process.execPath, ['--import', 'tsx', join(top, 'examples', name, `${name}.ts`), ...rest], { cwd: top, stdio: 'inherit' });
process.exit(status ?? 1);
