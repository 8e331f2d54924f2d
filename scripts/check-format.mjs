// clang-format over native/: checks, or with --fix rewrites. Without clang-format: an error where CI is set, else one line and exit 0.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const files = readdirSync(join(top, 'native'), { recursive: true }).filter((name) => /\.(cc|h)$/.test(name)).map((name) => join('native', name)).sort();
if (spawnSync('clang-format', ['--version'], { stdio: 'ignore' }).status !== 0) {
  console.error('format: clang-format is missing (apt-get install clang-format): native/ was not looked at');
  process.exit(process.env.CI === undefined ? 0 : 1);
}
const fix = process.argv.includes('--fix');
const bad = files.filter((file) => {
  const result = spawnSync('clang-format', fix ? ['-i', file] : ['--dry-run', '-Werror', '--ferror-limit=1', file], { cwd: top, encoding: 'utf8' });
  if (result.status !== 0) console.error(result.stderr.split('\n')[0]);
  return result.status !== 0;
});
if (bad.length > 0) {
  console.error(`format: ${bad.length} of ${files.length} native files differ: npm run format`);
  process.exit(1);
}
console.log(`format: ${files.length} native files`);
