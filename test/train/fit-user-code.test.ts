// Code of the caller that throws or starts other work while fit runs it: fit settles only when its job is over, and the counters tell what the weights hold.
import { describe, expect, it } from 'vitest';
import { layers, optimizers, sequential, type Callback, type FitOptions, type Sequential } from '../../src/index.js';
import { backends } from '../model/support.js';

const ROWS = 600;
const x = Float32Array.from({ length: ROWS * 20 }, (_, i) => Math.sin(i * 1.7));
const y = Float32Array.from({ length: ROWS }, (_, i) => Math.cos(i));
const orderOf = (epoch: number): Uint32Array => Uint32Array.from({ length: ROWS }, (_, i) => (i * 7 + 11 * epoch) % ROWS);

function build(backend: 'native' | 'typescript'): Sequential {
  const model = sequential({ seed: 1, backend }, [layers.dense({ units: 30, activation: 'tanh', inputShape: [20] }), layers.dense({ units: 1 })]);
  model.compile({ loss: 'meanSquaredError', optimizer: optimizers.sgd({ learningRate: 0.01, momentum: 0.9 }) });
  return model;
}
const weights = (model: Sequential): number[][] => model.getWeights().map((array) => [...array]);
const turn = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 5); });

/** Weights after so many updates, made by a fit that a callback ends. */
async function after(backend: 'native' | 'typescript', steps: number, options: FitOptions): Promise<number[][]> {
  const model = build(backend);
  let made = 0;
  const callbacks: Callback = { onBatchEnd: () => { if ((made += 1) === steps) throw new Error('enough'); } };
  if (steps > 0) await expect(model.fit(x, y, { ...options, order: orderOf, callbacks })).rejects.toThrow('enough');
  return weights(model);
}

describe.each(backends)('%s', (backend) => {
  it.each([1, 2, 5])('an order that throws for epoch %i leaves no job behind and honest counters', async (bad) => {
    const model = build(backend);
    const options = { epochs: 8, batchSize: 10 };
    const order = (epoch: number): Uint32Array => {
      if (epoch === bad) throw new Error('no order');
      return orderOf(epoch);
    };
    await expect(model.fit(x, y, { ...options, order })).rejects.toThrow('no order');
    const settled = weights(model);
    const { step, nextEpoch } = model;
    await turn();
    expect(weights(model)).toEqual(settled);
    expect([step, nextEpoch]).toEqual([bad * ROWS / 10, bad]);
    expect(await after(backend, step, options)).toEqual(settled);
    await model.fit(x, y, { epochs: 1 });
  });

  it.each(['epochs', 'order', 'callbacks', 'signal', 'validationData', 'sampleWeight', 'classWeight'] as const)('a getter of %s that starts another fit is refused', async (name) => {
    const model = build(backend);
    let inner: Promise<unknown> = Promise.resolve('not read');
    let reads = 0;
    const options: FitOptions = {
      batchSize: 100,
      get [name](): undefined {
        if ((reads += 1) === 1) inner = model.fit(x, y).then(() => 'fitted', (error: unknown) => error);
        return undefined;
      },
    };
    await model.fit(x, y, options);
    expect(await inner).toMatchObject({ code: 'ERR_BUSY' });
    expect(model.step).toBe(6);
    await model.fit(x, y);
  });

  it('samples whose elements compile or dispose of the model are refused, and the model stays usable', async () => {
    const model = build(backend);
    const trap = (act: () => void): number[][] => {
      const row = new Array<number>(20).fill(1);
      Object.defineProperty(row, 3, { get: () => { act(); return 1; } });
      return [row];
    };
    await expect(model.fit(trap(() => { model.dispose(); }), [[1]])).rejects.toMatchObject({ code: 'ERR_BUSY' });
    await expect(model.fit(trap(() => { model.compile({ loss: 'mse', optimizer: 'adam' }); }), [[1]])).rejects.toMatchObject({ code: 'ERR_BUSY' });
    await model.fit(x, y);
    expect(model.step).toBe(Math.ceil(ROWS / 32));
  });
});
