// Several environments at once; some are terminated in mid-training. The main thread never loads the addon, so the last worker to end
// would unload it if nothing held it. Prints { expected, together, survivors, again }.
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

const [path] = process.argv.slice(2);
const start = (workerData) => new Worker(fileURLToPath(new URL('worker.mjs', import.meta.url)), { workerData: { path, ...workerData } });
const message = (worker) => new Promise((resolve, reject) => {
  worker.once('message', resolve);
  worker.once('error', reject);
});
const ended = (worker) => new Promise((resolve) => worker.once('exit', resolve));
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
const result = async (seed) => {
  const worker = start({ seed });
  const exit = ended(worker);
  const fingerprint = await message(worker);
  await exit;
  return fingerprint;
};

const seeds = [1, 2, 3];
const expected = [];
for (const seed of seeds) {
  expected.push(await result(seed));
  // Every worker is gone and the pool's threads sleep or spin: in code that must still be there.
  await pause(40);
}
const together = await Promise.all(seeds.map(result));
const survivors = [];
for (let turn = 0; turn < 4; turn++) {
  const victims = [start({ seed: 7, forever: true }), start({ seed: 8, forever: true })];
  await Promise.all(victims.map(message));
  const survivor = result(seeds[turn % 3]);
  await pause(turn * 7);
  await Promise.all(victims.map((victim) => victim.terminate()));
  survivors.push(await survivor);
}
const again = await result(1);
console.log(JSON.stringify({ expected, together, survivors, again }));
