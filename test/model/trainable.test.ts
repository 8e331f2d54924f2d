import { describe, expect, it } from 'vitest';
import { constraints, layers, optimizers, regularizers, sequential, sequentialFromRecord, type Optimizer, type Sequential } from '../../src/index.js';
import { backends } from './support.js';

const ROWS = 24;
const x = Array.from({ length: ROWS }, (_, row) => Array.from({ length: 5 }, (_, i) => Math.sin(1.3 * row + i)));
const y = x.map((row) => [row[0] * row[1], Math.cos(row[2])]);
const kept = (): ReturnType<typeof layers.dense> =>
  layers.dense({ units: 6, activation: 'tanh', inputShape: [5], name: 'kept', trainable: false, kernelRegularizer: regularizers.l2(0.5), kernelConstraint: constraints.maxNorm(0.01) });

function build(backend: 'native' | 'typescript', optimizer: Optimizer): Sequential {
  const model = sequential({ seed: 2, dtype: 'float64', backend }, [kept(), layers.dense({ units: 2, name: 'head' })]);
  model.compile({ optimizer, loss: 'meanSquaredError' });
  return model;
}

const all: Readonly<Record<string, () => Optimizer>> = {
  sgd: () => optimizers.sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 0.1 }),
  adamW: () => optimizers.adamW({ learningRate: 0.01, weightDecay: 0.2 }),
  lion: () => optimizers.lion({ learningRate: 0.01, weightDecay: 0.2 }),
  nadam: () => optimizers.nadam({ learningRate: 0.01 }),
  rmsprop: () => optimizers.rmsprop({ learningRate: 0.01, centered: true }),
  'sgd, global norm': () => optimizers.sgd({ learningRate: 0.5, globalClipnorm: 0.05 }),
  lbfgs: () => optimizers.lbfgs(),
};

describe.each(backends)('trainable: false, %s', (backend) => {
  it.each(Object.keys(all))('%s leaves the layer as it is and trains the rest as if the layer were data', async (name) => {
    const model = build(backend, all[name]());
    const before = model.getWeights();
    const fit = name === 'lbfgs' ? { epochs: 3 } : { epochs: 3, batchSize: 8, shuffle: false };
    await model.fit(x, y, fit);
    const after = model.getWeights();
    expect(after[0]).toEqual(before[0]);
    expect(after[1]).toEqual(before[1]);
    expect(after[2]).not.toEqual(before[2]);
    // The head alone, on what the layer gives. A penalty of a layer that does not learn is no part of the loss.
    const features = sequential({ dtype: 'float64', backend }, [layers.dense({ units: 6, activation: 'tanh', inputShape: [5], weights: [before[0], before[1]] })]).predictSync(x);
    const head = sequential({ dtype: 'float64', backend }, [layers.dense({ units: 2, inputShape: [6], weights: [before[2], before[3]] })]);
    head.compile({ optimizer: all[name](), loss: 'meanSquaredError' });
    await head.fit(Array.from({ length: ROWS }, (_, row) => [...features.row(row)]), y, fit);
    head.getWeights().forEach((array, i) => { array.forEach((value, k) => { expect(after[2 + i][k]).toBeCloseTo(value, 10); }); });
    expect(model.evaluateSync(x, y)['loss']).toBeCloseTo(head.evaluateSync(Array.from({ length: ROWS }, (_, row) => [...features.row(row)]), y)['loss'], 10);
  });

  it('is part of the record, of clones and of the summary', () => {
    const model = build(backend, optimizers.sgd());
    const record: unknown = JSON.parse(JSON.stringify(model.toRecord().config));
    expect(record).toMatchObject({ layers: [{ name: 'kept', trainable: false, l2: 0.5 }, { name: 'head' }] });
    for (const again of [sequentialFromRecord(model.toRecord(), { backend }), model.clone()]) {
      again.fitSync(x, y, { epochs: 2 });
      expect(again.getWeights()[0]).toEqual(model.getWeights()[0]);
    }
    expect(model.summary()).toMatch(/Total params: 50\nTrainable params: 14\nNon-trainable params: 36/u);
    expect(sequential([layers.dense({ units: 2, inputShape: [3] })]).toRecord().config.layers[0]).not.toHaveProperty('trainable');
  });
});

it('is a boolean', () => {
  const options: { units: number } = { units: 1, ...{ trainable: 0 } };
  expect(() => layers.dense(options)).toThrow(expect.objectContaining({ code: 'ERR_TYPE', message: expect.stringMatching(/trainable is true or false/u) as unknown }));
});
