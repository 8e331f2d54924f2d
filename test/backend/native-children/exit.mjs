// Leaves while jobs are under way: process.exit, an uncaught error, or simply nothing left to do.
import process from 'node:process';
import { addonAt, fingerprint, prepare, scalars, spec, trainSlices } from './common.mjs';

const [path, how] = process.argv.slice(2);
const addon = addonAt(path);
const job = prepare(addon, spec(100, [120], 10), 600, 5);
if (how === 'finish') {
  // Only the job keeps the process alive.
  void trainSlices(addon, job, 64, 30, 3).then((steps) => console.log(`${steps} steps, ${fingerprint(addon, job.network).length}`));
} else {
  const other = prepare(addon, spec(100, [120], 10), 600, 6);
  const numbers = scalars(600, 64, 200000);
  for (const { network, data } of [job, other]) void addon.train(network, data, null, 0, 600, 64, 200000, 0, numbers, Infinity, false);
  void addon.predict(job.network, job.data, null, 0, 600, false, false);
  setTimeout(() => {
    if (how === 'exit') process.exit(7);
    throw new Error('uncaught');
  }, 30);
}
