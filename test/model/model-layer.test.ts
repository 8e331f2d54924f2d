import { describe, expect, it } from 'vitest';
import { layers, sequential, type Sequential } from '../../src/index.js';
import { messageOf } from '../thrown.js';
import { backends, samples } from './support.js';

describe.each(backends)('layers of a model on %s', (backend) => {
  const autoencoder = (): Sequential =>
    sequential({ backend, seed: 5, classNames: ['a', 'b', 'c'] }, [
      layers.rescaling({ scale: 0.5, inputShape: [3] }),
      layers.dense({ units: 8, activation: 'tanh' }),
      layers.batchNormalization(),
      layers.dense({ units: 2, name: 'code' }),
      layers.dense({ units: 8, activation: 'tanh' }),
      layers.prelu(),
      layers.dense({ units: 3 }),
    ]);
  const trained = (): Sequential => {
    const model = autoencoder();
    model.compile({ optimizer: 'adam', loss: 'mse' });
    const { x } = samples(40);
    model.fitSync(x, x, { epochs: 2 });
    return model;
  };

  it('are listed with their names, shapes and numbers', () => {
    const model = autoencoder();
    expect(model.layers.map(({ index, name, config, outputShape }) => [index, name, config.kind, outputShape[0]])).toEqual([
      [0, 'rescaling', 'rescaling', 3], [1, 'dense', 'dense', 8], [2, 'batchNormalization', 'batchNormalization', 8], [3, 'code', 'dense', 2], [4, 'dense_1', 'dense', 8], [5, 'prelu', 'prelu', 8], [6, 'dense_2', 'dense', 3],
    ]);
    expect(model.layers.map((layer) => layer.countParams())).toEqual([0, 32, 32, 18, 24, 8, 27]);
    expect(model.layers.map((layer) => layer.getWeights().length)).toEqual([0, 2, 4, 2, 2, 1, 2]);
    expect(sequential({ backend }).layers).toEqual([]);
  });

  it('are found by name and by position, and hold the model\'s own numbers', () => {
    const model = trained();
    const weights = model.getWeights();
    expect(model.getLayer('code').getWeights()).toEqual([weights[4], weights[5]]);
    expect(model.getLayer('dense').getWeights()).toEqual(weights.slice(0, 2));
    expect(model.getLayer('batchNormalization').getWeights()).toEqual([weights[2], weights[3], weights[11], weights[12]]);
    expect(model.getLayer(3).name).toBe('code');
    expect(model.getLayer(-1).name).toBe('dense_2');
    expect(messageOf(() => model.getLayer('dense_3'))).toMatch(/^ERR_OPTION \[getLayer\] .*"code", "dense_1".* received "dense_3"\. Did you mean "dense/);
    expect(messageOf(() => model.getLayer(7))).toContain('ERR_RANGE [getLayer]');
    expect(messageOf(() => model.getLayer(0.5))).toContain('ERR_RANGE');
  });

  it('take numbers; wrong ones change nothing', () => {
    const model = trained();
    const before = model.getWeights();
    const code = model.getLayer('code');
    expect(messageOf(() => { code.setWeights([new Float32Array(16)]); })).toMatch(/ERR_SHAPE .*Expected 2 arrays for weights of "code"/);
    expect(messageOf(() => { code.setWeights([new Float32Array(16), new Float32Array(3)]); })).toMatch(/ERR_SHAPE/);
    expect(model.getWeights()).toEqual(before);
    code.setWeights([new Float32Array(16).fill(2), [1, 1]]);
    expect(code.getWeights()).toEqual([new Float32Array(16).fill(2), Float32Array.of(1, 1)]);
    expect(model.getWeights().map((array, i) => (i === 4 || i === 5 ? [] : [...array]))).toEqual(before.map((array, i) => (i === 4 || i === 5 ? [] : [...array])));
  });

  it('some of them are a model: an encoder and its decoder give what the whole gives', () => {
    const model = trained();
    const { x } = samples(10, 3);
    const end = model.getLayer('code').index + 1;
    const encoder = model.slice(0, end);
    const decoder = model.slice(end);
    const codes = encoder.predictSync(x);
    expect(codes.shape).toEqual([10, 2]);
    expect([...decoder.predictSync(codes.data, { rows: 10 }).data]).toEqual([...model.predictSync(x).data]);
    expect(decoder.layers.map(({ name }) => name)).toEqual(['input', 'dense_1', 'prelu', 'dense_2']);
    expect([encoder.seed, encoder.dtype, encoder.backend, encoder.classNames, decoder.classNames]).toEqual([5, 'float32', backend, undefined, ['a', 'b', 'c']]);
    expect([...model.slice().predictSync(x).data]).toEqual([...model.predictSync(x).data]);
  });

  it('weights are copies: the two go their own ways', () => {
    const model = trained();
    const encoder = model.slice(0, 4);
    const before = model.getWeights();
    encoder.compile({ optimizer: 'sgd', loss: 'mse' });
    const { x } = samples(10);
    encoder.fitSync(x, new Float32Array(20), { epochs: 1 });
    expect(model.getWeights()).toEqual(before);
    expect(encoder.getWeights()[0]).not.toEqual(before[0]);
  });

  it('a range that is no model is refused', () => {
    const model = autoencoder();
    for (const [from, to] of [[0, 0], [3, 2], [-1, 2], [0, 8], [0.5, 2]]) expect(messageOf(() => model.slice(from, to))).toContain('ERR_RANGE [slice]');
    expect(messageOf(() => model.slice(0, 1))).toMatch(/ERR_OPTION \[slice\] a network has a dense layer/);
  });
});

describe('options and layers in either order', () => {
  const list = [layers.dense({ units: 2, inputShape: [3] })];
  const call = (...args: unknown[]): unknown => Reflect.apply(sequential, undefined, args);

  it('are the same model', () => {
    const [one, other] = [sequential({ seed: 9, dtype: 'float64' }, list), sequential(list, { seed: 9, dtype: 'float64' })];
    expect([other.seed, other.dtype]).toEqual([9, 'float64']);
    expect(other.getWeights()).toEqual(one.getWeights());
    expect(sequential(undefined, { seed: 3 }).seed).toBe(3);
    expect(sequential({ seed: 3 }).seed).toBe(3);
    expect(call(undefined, list)).toMatchObject({ seed: 0 });
  });

  it('are checked in both', () => {
    expect(messageOf(() => call(list, { backend: 'nonsense' }))).toContain('ERR_OPTION [sequential] unknown backend');
    expect(messageOf(() => call(list, { sead: 1 }))).toContain('Did you mean "seed"?');
    expect(messageOf(() => call(list, 7))).toContain('ERR_TYPE [sequential] options are an object');
    expect(messageOf(() => call(list, null))).toContain('ERR_TYPE');
    expect(messageOf(() => call(list, list))).toContain('ERR_TYPE [sequential] options are an object');
    expect(messageOf(() => call({}, {}))).toContain('ERR_TYPE [sequential] layers are a list');
    expect(messageOf(() => call(3))).toContain('ERR_TYPE');
    expect(messageOf(() => call({ inputs: 1, outputs: 2 }))).toContain('a model is one chain of layers');
  });
});
