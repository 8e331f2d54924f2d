// A model that goes on at an epoch without its optimizer's state: its schedule does not begin anew in silence.
import { describe, expect, it, vi } from 'vitest';
import { getEnvironment } from '../../src/base/environment.js';
import { optimizers, schedules, layers, sequential, sequentialFromRecord, type Optimizer, type Sequential } from '../../src/index.js';
import { backends } from './support.js';

const x = Array.from({ length: 8 }, (_, row) => [row / 8, Math.sin(row)]);
const y = x.map(([a, b]) => [a - b]);
const build = (backend: 'native' | 'typescript', optimizer: Optimizer): Sequential => {
  const model = sequential({ seed: 1, dtype: 'float64', backend }, [layers.dense({ units: 4, inputShape: [2] }), layers.dropout({ rate: 0.25 }), layers.dense({ units: 1 })]);
  model.compile({ optimizer, loss: 'mse' });
  return model;
};
const weights = (model: Sequential): number[][] => model.getWeights().map((array) => [...array]);
const rate = (): ReturnType<typeof schedules.stepDecay> => schedules.stepDecay({ initialLearningRate: 0.1, factor: 0.1, every: 2 });

describe.each(backends)('initialEpoch without optimizer state, %s', (backend) => {
  it('plain sgd goes on to the bytes of one fit, masks and schedule included', async () => {
    const whole = build(backend, optimizers.sgd({ learningRate: rate() }));
    await whole.fit(x, y, { epochs: 4, batchSize: 4 });
    const half = build(backend, optimizers.sgd({ learningRate: rate() }));
    await half.fit(x, y, { epochs: 2, batchSize: 4 });
    const again = sequentialFromRecord(half.toRecord(), { backend });
    expect(again.step).toBe(0);
    await again.fit(x, y, { epochs: 4, initialEpoch: 2, batchSize: 4 });
    expect(again.step).toBe(8);
    expect(weights(again)).toEqual(weights(whole));
    // What is written now goes on as well.
    expect(sequentialFromRecord(again.toRecord({ includeOptimizer: true }), { backend }).step).toBe(8);
  });

  it('an optimizer with bias corrections begins anew, and says so', async () => {
    const warn = vi.spyOn(getEnvironment(), 'warn').mockImplementation(() => undefined);
    const model = build(backend, optimizers.adam({ learningRate: rate() }));
    await model.fit(x, y, { epochs: 4, initialEpoch: 2, batchSize: 4 });
    expect(model.step).toBe(4);
    expect(warn.mock.calls.map(([text, code]) => [code, text.includes('initialEpoch is 2') && text.includes('includeOptimizer')])).toEqual([['NABLA_SCHEDULE', true]]);
    warn.mockClear();
    // Without a schedule there is nothing to begin anew; with its state a model knows its step.
    await build(backend, optimizers.adam()).fit(x, y, { epochs: 4, initialEpoch: 2 });
    await model.fit(x, y, { epochs: 6, initialEpoch: 4, batchSize: 4 });
    expect(warn).not.toHaveBeenCalled();
    warn.mockRestore();
  });

  it('a number as learning rate changes nothing', async () => {
    const model = build(backend, optimizers.sgd());
    await model.fit(x, y, { epochs: 4, initialEpoch: 2, batchSize: 4 });
    expect(model.step).toBe(4);
  });
});
