import { describe, expect, it } from 'vitest';
import { layers, optimizers, sequential, type Callback, type LastBatch, type Sequential } from '../../src/index.js';
import { backends } from '../model/support.js';

const ROWS = 33;
const x = Array.from({ length: ROWS }, (_, row) => [Math.sin(row), Math.cos(2 * row), row / ROWS]);
const y = x.map(([a, b]) => [a * b]);

function build(backend: 'native' | 'typescript', normalized = false): Sequential {
  const model = sequential({ seed: 4, dtype: 'float64', backend }, [
    layers.dense({ units: 6, activation: 'tanh', inputShape: [3] }), ...(normalized ? [layers.batchNormalization()] : []), layers.dense({ units: 1 }),
  ]);
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.05, momentum: 0.9 }), loss: 'meanSquaredError', metrics: ['mae'] });
  return model;
}
const weights = (model: Sequential): number[][] => model.getWeights().map((array) => [...array]);
/** Trains on the given runs of rows, a batch each. */
function byHand(backend: 'native' | 'typescript', epochs: number, runs: readonly (readonly [from: number, to: number])[]): number[][] {
  const model = build(backend);
  for (let epoch = 0; epoch < epochs; epoch++) for (const [from, to] of runs) model.trainOnBatchSync(x.slice(from, to), y.slice(from, to));
  return weights(model);
}
const sizes = (seen: number[]): Callback => ({ onBatchBegin: (_batch, { size }) => void seen.push(size) });

describe.each(backends)('lastBatch, %s', (backend) => {
  it.each<[LastBatch, number, (readonly [number, number])[]]>([
    ['keep', 10, [[0, 10], [10, 20], [20, 30], [30, 33]]],
    ['drop', 10, [[0, 10], [10, 20], [20, 30]]],
    ['merge', 10, [[0, 10], [10, 20], [20, 33]]],
    ['merge', 32, [[0, 33]]],
    ['drop', 32, [[0, 32]]],
    ['merge', 11, [[0, 11], [11, 22], [22, 33]]],
    ['drop', 50, [[0, 33]]],
    ['merge', 50, [[0, 33]]],
  ])('%s, batches of %i', async (lastBatch, batchSize, runs) => {
    const wanted = byHand(backend, 3, runs);
    const options = { epochs: 3, batchSize, lastBatch, shuffle: false } as const;
    const model = build(backend);
    const history = await model.fit(x, y, options);
    expect(weights(model)).toEqual(wanted);
    expect(model.step).toBe(3 * runs.length);
    expect(history.params).toMatchObject({ steps: runs.length, samples: runs.at(-1)?.[1] });
    const seen: number[] = [];
    const [withHooks, sync] = [build(backend), build(backend)];
    const other = await withHooks.fit(x, y, { ...options, callbacks: sizes(seen) });
    sync.fitSync(x, y, options);
    expect(seen).toEqual([0, 1, 2].flatMap(() => runs.map(([from, to]) => to - from)));
    for (const copy of [withHooks, sync]) expect(weights(copy)).toEqual(wanted);
    for (const name of ['loss', 'mae']) other.history[name].forEach((value, epoch) => { expect(history.history[name][epoch]).toBeCloseTo(value, 12); });
  });

  it('leaves other rows out in every shuffled epoch', async () => {
    const model = build(backend);
    await model.fit(x, y, { epochs: 2, batchSize: 16, lastBatch: 'drop' });
    expect(model.step).toBe(4);
  });

  it('one row left over for a batch normalization is refused before the first step, with a way out', async () => {
    for (const options of [{ batchSize: 16 }, { batchSize: 8, validationSplit: 0.24 }, { batchSize: 1 }, { batchSize: 3, order: [0, 1, 2, 3] }]) {
      const model = build(backend, true);
      const before = weights(model);
      await expect(model.fit(x, y, options)).rejects.toMatchObject({ code: 'ERR_RANGE', message: expect.stringMatching(/^\[fit\] batch normalization needs at least two rows in every batch\. Expected (another batchSize, or lastBatch 'drop' or 'merge'|a batchSize of at least 2), received/u) as unknown });
      expect(() => model.fitSync(x, y, options)).toThrow(/^\[fitSync\] batch normalization/u);
      expect([weights(model), model.step]).toEqual([before, 0]);
    }
    for (const lastBatch of ['drop', 'merge'] as const) {
      const model = build(backend, true);
      await model.fit(x, y, { batchSize: 16, lastBatch });
      expect(model.step).toBe(2);
    }
  });
});

it('has three values', () => {
  const options: object = { lastBatch: 'skip' };
  expect(() => build('typescript').fitSync(x, y, options)).toThrow(expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringMatching(/keep, drop, merge, received "skip"/u) as unknown }));
});
