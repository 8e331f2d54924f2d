// Saving copies the weights beside the event loop: what is written is the model of the call, whatever comes after it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { layers, loadModel, saveModel, sequential, type Sequential } from '../../src/index.js';
import { backends } from './support.js';

const folder = mkdtempSync(join(tmpdir(), 'save-moment-'));
afterAll(() => { rmSync(folder, { recursive: true }); });

/** Wide enough for a job of its own. */
function wide(backend: 'native' | 'typescript'): Sequential {
  const model = sequential({ seed: 2, backend }, [layers.dense({ units: 530, activation: 'relu', inputShape: [512] }), layers.dense({ units: 1 })]);
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  return model;
}
const x = new Float32Array(4 * 512).fill(0.25), y = [1, 2, 3, 4];
const bytes = (arrays: readonly { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }[]): Buffer => Buffer.concat(arrays.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)));

describe.each(backends)('saving on %s', (backend) => {
  it('writes the model of the call: before it was used, and with its optimizer\'s state', async () => {
    const model = wide(backend);
    const path = join(folder, `${backend}.safetensors`);
    const blank = bytes(model.getWeights());
    const early = model.save(path);
    model.setWeights(model.getWeights().map((array) => array.fill(0.001)));
    await early;
    expect(bytes((await loadModel(path)).getWeights()).equals(blank)).toBe(true);

    await model.fit(x, y, { epochs: 2, batchSize: 2 });
    const [weights, slots] = [bytes(model.getWeights()), Object.values(model.getOptimizerState().slots).flat()];
    const late = saveModel(model, path, { includeOptimizer: true });
    const fitted = model.fit(x, y, { epochs: 3 });
    await late;
    await fitted;
    const loaded = await loadModel(path);
    expect(bytes(loaded.getWeights()).equals(weights)).toBe(true);
    const state = loaded.getOptimizerState();
    expect([state.step, state.nextEpoch]).toEqual([4, 2]);
    expect(bytes(Object.values(state.slots).flat()).equals(bytes(slots))).toBe(true);
    expect(bytes(model.getWeights()).equals(weights)).toBe(false);
    const last = model.save(path);
    model.dispose();
    await last;
    loaded.dispose();
  });
});
