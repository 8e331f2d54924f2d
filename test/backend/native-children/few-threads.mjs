// How a process fares whose system refuses threads after the first ones: argument 3 says how many the pool can have ('all', 'none').
import { Buffer } from 'node:buffer';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import process from 'node:process';
import { addonAt, fingerprint, prepare, spec } from './common.mjs';

const addon = addonAt(process.argv[2]);
const warnings = [];
process.on('warning', ({ name, code }) => warnings.push(`${name} ${code}`));

const rows = 2000, batch = 500;
const { network, data } = prepare(addon, spec(100, [300], 10), rows, 1, 4);
if (process.argv[3] === 'none') {
  // The default stack of a thread is larger than what is left of the address space (the parent sees to that).
  const pages = Number(readFileSync('/proc/self/statm', 'utf8').split(' ')[0]);
  const { status } = spawnSync('prlimit', ['--pid', String(process.pid), `--as=${pages * 4096 + 2 ** 28}`]);
  if (status !== 0) throw new Error('prlimit failed');
}

const digest = (array) => createHash('sha256').update(Buffer.from(array.buffer)).digest('hex');
let turns = 0;
let over = false;
const count = () => {
  turns += 1;
  if (!over) setImmediate(count);
};
setImmediate(count);
const scalars = Float64Array.of(0.05, 1, 1, 0, 0);
const trained = await addon.train(network, data, null, 0, rows, batch, 20, 0, scalars, 1e6, false);
const [predicted, evaluated] = await Promise.all([
  addon.predict(network, data, null, 0, rows, false, false), addon.evaluate(network, data, null, 0, rows, false, false),
]);
const again = addon.predictSync(network, data, null, 0, rows, false, false);
const slice = await addon.train(network, data, null, 0, rows, batch, 1, 0, scalars, 1e6, false);
over = true;
// Warnings come in a turn of their own.
await new Promise((resolve) => { setImmediate(resolve); });
console.log(JSON.stringify({
  steps: trained.steps + slice.steps, bytes: [digest(predicted), digest(again), fingerprint(addon, network)], loss: evaluated.lossSum, turned: turns > 2, warnings,
}));
