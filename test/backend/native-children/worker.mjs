// One worker: trains with its seed and posts the fingerprint, or trains for ever until it is terminated.
import { parentPort, workerData } from 'node:worker_threads';
import { addonAt, fingerprint, prepare, spec, trainSlices } from './common.mjs';

const { path, seed, forever } = workerData;
const addon = addonAt(path);
const job = prepare(addon, spec(60, [70], 10), 300, seed);
if (forever) {
  const second = prepare(addon, spec(60, [70], 10), 300, seed + 1);
  parentPort.postMessage('training');
  // Two jobs at a time: one runs, one waits in the queue.
  for (;;) await Promise.all([trainSlices(addon, job, 32, 20, 5), trainSlices(addon, second, 32, 20, 1e9)]);
}
await trainSlices(addon, job, 32, 12, 1);
parentPort.postMessage(fingerprint(addon, job.network));
