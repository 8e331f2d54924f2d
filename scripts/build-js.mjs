// Makes dist/ anew: declarations by tsc, JavaScript by esbuild, one file an entry and shared chunks. A file a module would cost a program that imports
// nabla a tenth of a second: node scripts/build-js.mjs
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
// The package's entry and its commands; then what scripts and the bench use.
const entries = ['index', 'cli/main', 'cli/digits', 'random/permutation', 'random/purposes'];

rmSync(join(top, 'dist'), { recursive: true, force: true });
const tsc = spawnSync(process.execPath, [join(top, 'node_modules/typescript/bin/tsc'), '-p', join(top, 'tsconfig.json')], { encoding: 'utf8' });
if (tsc.status !== 0) {
  console.error(`${tsc.stdout}build: the sources do not compile`);
  process.exit(1);
}
await build({
  absWorkingDir: top,
  entryPoints: entries.map((name) => ({ in: join(top, `src/${name}.ts`), out: name })),
  outdir: join(top, 'dist'),
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  packages: 'external',
  logLevel: 'warning',
});
