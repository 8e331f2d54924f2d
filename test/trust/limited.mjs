// Trains under a limit that it sets for itself once Node's own threads run. node limited.mjs none|nproc|'address space'; prints { weights, backend, applied }.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import * as nabla from '../../dist/index.js';
import { fingerprint, pause } from './common.mjs';

const limit = process.argv[2];
const x = Float32Array.from({ length: 3000 * 60 }, (_, i) => Math.sin(i));
const y = Int32Array.from({ length: 3000 }, (_, i) => i % 5);
const model = nabla.sequential({ seed: 1, ...(nabla.sequential([nabla.layers.dense({ units: 1, inputShape: [1] })]).backend === 'native' ? { threads: 6 } : {}) }, [
  nabla.layers.dense({ units: 128, activation: 'relu', inputShape: [60] }), nabla.layers.dense({ units: 5, activation: 'softmax' }),
]);
model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
await pause(50);
const size = Number(/VmSize:\s*(\d+)/u.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) * 1024;
// Room for the work's arrays, not for stacks of 8 MB each.
const wanted = limit === 'nproc' ? ['--nproc=1:1'] : limit === 'address space' ? [`--as=${size + 16 * 2 ** 20}`] : [];
const applied = wanted.length > 0 && spawnSync('prlimit', ['--pid', String(process.pid), ...wanted]).status === 0;
// The limit of processes does not hold for root.
if (limit === 'nproc' && process.getuid?.() === 0) process.setuid(65534);
await model.fit(x, y, { epochs: 2, batchSize: 100 });
console.log(JSON.stringify({ weights: fingerprint(model), backend: model.backend, applied }));
