// npm run bench:steps: instructions of one training step of W2 by `valgrind --tool=callgrind`, repeatable where clocks are not. One thread;
// the instruction sets that valgrind knows. Set-up is taken off: the difference of two runs.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import process from 'node:process';
import { readSources } from '../scripts/native-sources.mjs';
import { bench, mnist, top } from './lib/places.mjs';

const folder = join(bench, 'build/steps');
mkdirSync(folder, { recursive: true });

function run(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', cwd: folder });
  if (result.status === 0) return result;
  console.error(`bench:steps: ${command} failed: ${result.error?.message ?? result.stderr}\nNeeded: g++ and valgrind (Debian: apt-get install g++ valgrind).`);
  process.exit(1);
}

const sources = readSources();
const common = sources.get('common')?.flags ?? [];
const objects = [...sources]
  .filter(([name]) => name === 'core' || name.startsWith('kernels'))
  .flatMap(([, target]) => target.files.map((file) => ({ file: join(top, file), flags: [...target.flags, ...(process.arch === 'x64' ? target.flagsX64 : [])] })))
  .map(({ file, flags }) => {
    const object = `${basename(file, '.cc')}.o`;
    run('g++', [...common, ...flags, '-g', '-c', file, '-o', object]);
    return object;
  });
run('g++', [...common, '-g', join(bench, 'steps/steps.cc'), ...objects, '-o', 'steps', '-pthread']);

const files = [join(mnist, 'train-images-idx3-ubyte'), join(mnist, 't10k-labels-idx1-ubyte').replace('t10k', 'train')];
for (const isa of process.arch === 'x64' ? ['avx2', 'baseline'] : ['baseline']) {
  const counts = [64, 128].map((steps) => {
    const { stderr } = run('valgrind', ['--tool=callgrind', `--callgrind-out-file=callgrind.${isa}.${steps}`, './steps', isa, String(steps), ...files]);
    return Number(/Collected : (\d+)/.exec(stderr)?.[1]);
  });
  console.log(`${isa}: ${((counts[1] - counts[0]) / 64 / 1e6).toFixed(3)} million instructions a step`);
}
console.log(`By function: callgrind_annotate ${join(folder, 'callgrind.avx2.128')}`);
