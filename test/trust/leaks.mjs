// Models made, trained, asked, saved, loaded and let go, with and without dispose: resident memory settles. Needs --expose-gc.
import { join } from 'node:path';
import process from 'node:process';
import * as nabla from '../../dist/index.js';
import { fail, finish, pause, scratch, untilTimeIsOver } from './common.mjs';

const { layers } = nabla;
/** Megabytes that resident memory may grow by after the warm-up. A round holds 13 MB; one that kept them would pass this in eight rounds. */
const GROWTH = 100;
const folder = scratch();
const x = new Uint8Array(4000 * 784).map((_, i) => (i * 31) % 251);
const y = Int32Array.from({ length: 4000 }, (_, i) => i % 10);

async function round(number) {
  const model = nabla.sequential({ seed: number }, [layers.rescaling({ scale: 1 / 255, inputShape: [784] }), layers.dense({ units: 100, activation: 'relu' }), layers.dense({ units: 10, activation: 'softmax' })]);
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
  if (number % 3 === 0) {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 3);
    await model.fit(x, y, { epochs: 100, signal: controller.signal }).catch((error) => { if (error.code !== 'ERR_ABORTED') throw error; });
  } else await model.fit(x, y, { epochs: 1, batchSize: 256 });
  await Promise.all([model.predict(x, { rows: 4000 }), model.evaluate(x, y)]);
  const path = join(folder, 'm.safetensors');
  await model.save(path, { includeOptimizer: true });
  const again = await nabla.loadModel(path);
  await again.predict(x.subarray(0, 784));
  again.freeze().dispose?.();
  if (number % 2 === 0) { model.dispose(); again.dispose(); }
}
async function settled() {
  for (let i = 0; i < 4; i++) { globalThis.gc(); await pause(20); }
  return process.memoryUsage().rss / 2 ** 20;
}
if (typeof globalThis.gc !== 'function') throw new Error('leaks.mjs needs node --expose-gc');
let warm = 0;
await untilTimeIsOver(async (number) => { await round(number); warm = number + 1; }, 0.35);
const before = await settled();
const rounds = await untilTimeIsOver(round, 0.6);
const grown = (await settled()) - before;
if (!(grown < GROWTH)) fail(`${rounds} rounds grew resident memory by ${grown.toFixed(0)} MB`);
finish({ rounds: rounds + warm }, { 'resident growth, MB': Math.round(grown) });
