// Native memory comes back: --expose-gc. Prints megabytes of the resident set and of external memory after each way of letting go.
import process from 'node:process';
import { addonAt, prepare, scalars, spec } from './common.mjs';

const [path] = process.argv.slice(2);
const addon = addonAt(path);
const megabytes = () => ({ rss: process.memoryUsage().rss / 1048576, external: process.memoryUsage().external / 1048576 });
const settle = async () => {
  for (let i = 0; i < 3; i++) {
    globalThis.gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
};
// About 15 MB of parameters and state, 4 MB of samples, and what training takes.
const description = spec(1000, [1000], 10);
const trained = () => {
  const job = prepare(addon, description, 4000, 3);
  addon.trainSync(job.network, job.data, null, 0, 128, 64, 1, 0, scalars(128, 64, 1), Infinity, false);
  return job;
};
const cycles = 25;
const report = {};
trained();
await settle();
report.start = megabytes();
for (let i = 0; i < cycles; i++) {
  const { network, data } = trained();
  addon.disposeData(data);
  addon.disposeNetwork(network);
}
// Before any collection: what was disposed of is not told to V8 any more.
report.disposed = megabytes();
await settle();
report.disposedSettled = megabytes();
for (let i = 0; i < cycles; i++) {
  trained();
  // As a program does: the loop runs, collections come when V8 wants them.
  await new Promise((resolve) => setImmediate(resolve));
}
report.forgotten = megabytes();
await settle();
report.forgottenSettled = megabytes();
const { network } = trained();
for (let i = 0; i < cycles; i++) addon.load(network, new Uint8Array(8_000_000), 8000, null, null, false, false);
await settle();
report.samples = megabytes();
console.log(JSON.stringify(report));
