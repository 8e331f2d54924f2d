// Worker threads that train and are terminated at any moment: the process lives, and nobody else's numbers change.
import process from 'node:process';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import * as nabla from '../../dist/index.js';
import { caseRandom, fail, finish, fingerprint, pause, untilTimeIsOver } from './common.mjs';

const { layers } = nabla;
const x = Float32Array.from({ length: 2000 * 40 }, (_, i) => Math.sin(i));
const y = Int32Array.from({ length: 2000 }, (_, i) => i % 5);
async function train(seed, epochs) {
  const model = nabla.sequential({ seed }, [layers.dense({ units: 64, activation: 'relu', inputShape: [40] }), layers.dense({ units: 5, activation: 'softmax' })]);
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
  await model.fit(x, y, { epochs, batchSize: 50, validationSplit: 0.2 });
  return fingerprint(model);
}

if (isMainThread) {
  const wanted = await train(1, 2);
  let terminated = 0;
  const rounds = await untilTimeIsOver(async (number) => {
    const random = caseRandom(number);
    const workers = Array.from({ length: random.integer(1, 5) }, (_, i) => new Worker(new URL(import.meta.url), { workerData: { seed: i, epochs: 1e6 }, argv: process.argv.slice(2) }));
    const errors = [];
    for (const worker of workers) worker.on('error', (error) => errors.push(error.message));
    const mine = train(1, 2);
    await pause(random.integer(0, 250));
    terminated += workers.length;
    await Promise.all(workers.map((worker) => worker.terminate()));
    if ((await mine) !== wanted) fail(`round ${number}: the main thread's weights changed`);
    if (errors.length > 0) fail(`round ${number}: ${errors[0]}`);
  });
  finish({ rounds, 'workers terminated': terminated });
} else {
  await train(workerData.seed, workerData.epochs);
  parentPort.postMessage('done');
}
