// npm run bench:kernels -- [--benchmark_filter=dense_forward/avx512/float32] …: builds the kernels with their own flags (native/sources.txt) and
// Google Benchmark (Debian: libbenchmark-dev) and runs them; all options are Google Benchmark's.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { readSources } from '../scripts/native-sources.mjs';
import { bench, top } from './lib/places.mjs';

const folder = join(bench, 'build/kernels');
const kernels = join(top, 'native/kernels');
const compiler = process.env.CXX ?? 'g++';
mkdirSync(folder, { recursive: true });

function run(args) {
  const { status, error } = spawnSync(compiler, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  if (status === 0) return;
  console.error(`bench:kernels: ${error?.message ?? `${compiler} failed`}. Needed: g++ and libbenchmark-dev (npm run bench:setup).`);
  process.exit(1);
}
const newest = Math.max(...readdirSync(kernels).map((name) => statSync(join(kernels, name)).mtimeMs), statSync(join(top, 'native/sources.txt')).mtimeMs);
const fresh = (object, source) => existsSync(object) && statSync(object).mtimeMs > Math.max(newest, statSync(source).mtimeMs);

const sources = readSources();
const common = sources.get('common')?.flags ?? [];
const jobs = [...sources]
  .filter(([name]) => name.startsWith('kernels'))
  .flatMap(([, target]) => target.files.map((file) => ({ file: join(top, file), flags: [...target.flags, ...(process.arch === 'x64' ? target.flagsX64 : [])] })));
jobs.push({ file: join(bench, 'kernels/kernels_bench.cc'), flags: [] });
const objects = jobs.map(({ file, flags }) => {
  const object = join(folder, `${basename(file, '.cc')}.o`);
  if (!fresh(object, file)) run([...common, ...flags, '-c', file, '-o', object]);
  return object;
});
const program = join(folder, 'kernels_bench');
run([...objects, '-o', program, '-lbenchmark', '-pthread']);
const { status } = spawnSync(program, ['--benchmark_counters_tabular=true', ...process.argv.slice(2)], { stdio: 'inherit' });
process.exitCode = status ?? 1;
