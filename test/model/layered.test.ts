import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { callbacks, exportNpz, initializers, layers, loadModel, optimizers, sequential, sequentialFromRecord, type Layer } from '../../src/index.js';
import { backends } from './support.js';

const x = Array.from({ length: 60 }, (_, i) => [Math.sin(i * 7), Math.cos(i * 3), Math.sin(i * i)]);
const y = x.map(([a = 0, b = 0]) => (a > b ? 1 : 0));
const far = x.map((row) => row.map((value) => 5 * value - 3));

describe.each(backends)('a model of normalizations, noise and prelu, %s', (backend) => {
  const list = (): Layer[] => [
    layers.gaussianNoise({ stddev: 0.05, inputShape: [3] }),
    layers.dense({ units: 16, useBias: false }), layers.batchNormalization({ momentum: 0.8, name: 'bn' }), layers.activation('relu'), layers.dropout({ rate: 0.1 }),
    layers.dense({ units: 8, activation: 'tanh' }), layers.layerNormalization({ center: false }), layers.prelu({ alphaInitializer: initializers.constant({ value: 0.25 }) }),
    layers.dense({ units: 2 }), layers.batchNormalization({ scale: false }), layers.activation('softmax'),
  ];
  const build = (seed = 3) => {
    const model = sequential({ seed, backend }, list());
    model.compile({ optimizer: optimizers.adam({ learningRate: 0.02 }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    return model;
  };

  it('has its parameters and statistics by name, and a summary that counts them', () => {
    const model = build();
    expect(model.parameterNames()).toEqual([
      'dense.weight', 'bn.gamma', 'bn.beta', 'dense_1.weight', 'dense_1.bias', 'layerNormalization.gamma', 'prelu.alpha', 'dense_2.weight', 'dense_2.bias', 'batchNormalization.beta',
    ]);
    expect(model.statisticNames()).toEqual(['bn.movingMean', 'bn.movingVariance', 'batchNormalization.movingMean', 'batchNormalization.movingVariance']);
    expect(model.countParams()).toBe(48 + 32 + 136 + 8 + 8 + 18 + 2);
    const weights = model.getWeights();
    expect(weights.map((array) => array.length)).toEqual([48, 16, 16, 128, 8, 8, 8, 16, 2, 2, 16, 16, 2, 2]);
    expect([weights[1]?.[0], weights[2]?.[0], weights[6]?.[7], weights[10]?.[3], weights[11]?.[3]]).toEqual([1, 0, 0.25, 0, 1]);
    const text = model.summary();
    expect(text).toMatch(/bn \(BatchNormalization\) +\(null, 16\) +64/);
    expect(text).toMatch(/prelu \(PReLU\) +\(null, 8\) +8/);
    expect(text).toContain('Total params: 288\nTrainable params: 252\nNon-trainable params: 36');
    expect(model.spec.layers.at(-1)?.kind).toBe('batchNormalization');
    expect(model.spec.head).toBe('softmax');
  });

  it('learns, and is the same model as a record, a file, a clone, frozen and compiled again', async () => {
    const model = build();
    const { history } = await model.fit(x, y, { epochs: 30, batchSize: 20, validationData: [x, y] });
    expect(history['val_accuracy']?.at(-1) ?? 0).toBeGreaterThan(0.9);
    const expected = [...model.predictSync(far).data];
    const record = model.toRecord();
    expect(record.tensors.map((tensor) => tensor.name)).toEqual([...model.parameterNames(), ...model.statisticNames()]);
    const again = sequentialFromRecord({ ...record, config: JSON.parse(JSON.stringify(record.config)) }, { backend });
    expect(again.toRecord()).toEqual(record);
    const folder = await mkdtemp(join(tmpdir(), 'nabla-layered-'));
    try {
      await model.save(join(folder, 'model.safetensors'));
      const loaded = await loadModel(join(folder, 'model.safetensors'), { backend });
      for (const other of [again, loaded, model.clone(), model.freeze()]) expect([...other.predictSync(far).data]).toEqual(expected);
      await expect(exportNpz(model, join(folder, 'weights.npz'))).rejects.toMatchObject({ code: 'ERR_OPTION', message: expect.stringContaining('bn.gamma') });
    } finally {
      await rm(folder, { recursive: true });
    }
    expect([...(model.freeze().getWeights().at(-1) ?? [])]).toEqual([...(model.getWeights().at(-1) ?? [])]);
    model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
    expect([...model.predictSync(far).data]).toEqual(expected);
    const other = build(9);
    expect([...other.predictSync(far).data]).not.toEqual(expected);
    other.setWeights(model.getWeights());
    expect([...other.predictSync(far).data]).toEqual(expected);
    const clone = model.clone();
    model.fitSync(x, y, { batchSize: 30 });
    clone.fitSync(x, y, { batchSize: 30 });
    expect(clone.toRecord().tensors).toEqual(model.toRecord().tensors);
  });

  it('early stopping brings back the moving statistics too', async () => {
    const model = build();
    const stopping = callbacks.earlyStopping({ monitor: 'val_loss', patience: 2, restoreBestWeights: true });
    const { history } = await model.fit(x, y, { epochs: 40, batchSize: 12, validationData: [far, y], callbacks: [stopping] });
    expect(history['val_loss']?.length).toBeLessThan(40);
    expect(model.evaluateSync(far, y)['loss']).toBe(stopping.best);
  });

  it('has the gradients that differences say, and steps by hand that are a fit', () => {
    // Noise and dropout are the same numbers in every loss of one step; relu and prelu have kinks that 1e-5 seldom meets.
    const model = sequential({ seed: 4, dtype: 'float64', backend }, list());
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1, momentum: 0.9 }), loss: 'sparseCategoricalCrossentropy' });
    for (const { name, worst } of model.checkGradients(x.slice(0, 12), y.slice(0, 12))) expect(worst, name).toBeLessThan(name === 'dense_2.bias' ? 1e-3 : 1e-6);
    const byHand = model.clone();
    model.trainOnBatchSync(x, y);
    const { gradients } = byHand.gradients(x, y);
    byHand.applyGradients(gradients);
    expect(byHand.toRecord().tensors).toEqual(model.toRecord().tensors);
    const { activations, outputs } = byHand.forwardTrain(x);
    expect(Object.keys(activations)).toEqual(['dense', 'dense_1', 'dense_2']);
    expect(activations['dense']?.length).toBe(60 * 16);
    byHand.backward(outputs);
  });

  it('refuses single rows, wrong statistics and records that lack them', () => {
    const model = build();
    const before = model.getWeights();
    expect(() => model.fitSync(x, y, { batchSize: 59 })).toThrow(expect.objectContaining({ code: 'ERR_RANGE', message: expect.stringContaining('received 60 rows in batches of 59') }));
    expect(() => model.forwardTrain([[1, 2, 3]])).toThrow(expect.objectContaining({ code: 'ERR_RANGE' }));
    expect(() => { model.setWeights(before.slice(0, 10)); }).toThrow(expect.objectContaining({ code: 'ERR_SHAPE', message: expect.stringContaining('Expected 14 arrays') }));
    expect(() => { model.setWeights([...before.slice(0, 13), [1, -1]]); }).toThrow(expect.objectContaining({ code: 'ERR_RANGE', message: expect.stringContaining('movingVariance') }));
    expect(model.getWeights()).toEqual(before);
    const record = model.toRecord();
    expect(() => sequentialFromRecord({ ...record, tensors: record.tensors.slice(0, 10) })).toThrow(expect.objectContaining({ code: 'ERR_FORMAT', message: expect.stringMatching(/bn\.movingVariance.* received 10 tensors/u) }));
  });
});

describe('layers behind a dense layer refuse', () => {
  const dense = layers.dense({ units: 2, inputShape: [3] });
  it.each<[what: string, code: string, text: RegExp, make: () => unknown]>([
    ['an epsilon of 0', 'ERR_RANGE', /epsilon/, () => layers.batchNormalization({ epsilon: 0 })],
    ['a momentum above 1', 'ERR_RANGE', /momentum/, () => layers.batchNormalization({ momentum: 1.1 })],
    ['a scale in words', 'ERR_TYPE', /scale/, () => void Reflect.apply(layers.layerNormalization, null, [{ scale: 'yes' }])],
    ['a momentum of a layer normalization', 'ERR_OPTION', /one of epsilon, center/, () => void Reflect.apply(layers.layerNormalization, null, [{ momentum: 0.5 }])],
    ['a negative deviation', 'ERR_RANGE', /stddev/, () => layers.gaussianNoise({ stddev: -0.1 })],
    ['an orthogonal alpha', 'ERR_OPTION', /an? alpha is no matrix.*for alphaInitializer/, () => layers.prelu({ alphaInitializer: initializers.orthogonal() })],
    ['a gamma of another length', 'ERR_SHAPE', /batchNormalization\.gamma/, () => sequential([dense, layers.batchNormalization({ gammaInitializer: [1, 2, 3] })])],
    ['pictures', 'ERR_SHAPE', /layers\.flatten\(\) before "layerNormalization"/, () => sequential([layers.layerNormalization({ inputShape: [2, 2] }), layers.dense({ units: 1 })])],
    ['no dense layer', 'ERR_OPTION', /at least one layers\.dense/, () => sequential([layers.batchNormalization({ inputShape: [2] })])],
    ['noise at the end', 'ERR_OPTION', /received layers\.gaussianNoise/, () => sequential([dense, layers.gaussianNoise({ stddev: 1 })])],
    ['rescaling behind them', 'ERR_OPTION', /rescaling prepares/, () => sequential([layers.layerNormalization({ inputShape: [2] }), layers.rescaling({ scale: 2 }), layers.dense({ units: 1 })])],
    ['a loss whose activation a normalization hides', 'ERR_OPTION', /activation 'softmax' there/, () => {
      sequential([layers.dense({ units: 2, inputShape: [3], activation: 'softmax' }), layers.layerNormalization()]).compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
    }],
  ])('%s', (_what, code, text, make) => {
    expect(make).toThrow(expect.objectContaining({ code, message: expect.stringMatching(text) }));
  });
});
