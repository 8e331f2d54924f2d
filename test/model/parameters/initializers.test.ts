import { describe, expect, it } from 'vitest';
import { initializers, layers, sequential, sequentialFromRecord, type InitializerConfig, type InitializerOption } from '../../../src/index.js';

function weights(kernelInitializer: InitializerOption, seed = 1): Float64Array {
  const model = sequential({ seed, dtype: 'float64', backend: 'typescript' }, [layers.dense({ units: 200, inputShape: [300], kernelInitializer })]);
  return Float64Array.from(model.getWeights()[0]);
}
/** Options as a caller without types writes them. */
const of = (text: string): never => JSON.parse(text) as never;
const variance = (values: Float64Array): number => values.reduce((sum, value) => sum + value * value, 0) / values.length;
const largest = (values: Float64Array): number => values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe('initializers', () => {
  // 60,000 draws: the relative error of a variance is about 0.6 % (normal) or 0.4 % (uniform); 2 % is more than three deviations.
  it.each<[name: InitializerOption, variance: number, limit: number]>([
    ['glorotUniform', 2 / 500, Math.sqrt(6 / 500)],
    ['glorotNormal', 2 / 500, Infinity],
    ['heUniform', 2 / 300, Math.sqrt(6 / 300)],
    ['heNormal', 2 / 300, Infinity],
    ['lecunUniform', 1 / 300, Math.sqrt(3 / 300)],
    ['lecunNormal', 1 / 300, Infinity],
    ['randomNormal', 0.05 ** 2, Infinity],
    ['randomUniform', 0.05 ** 2 / 3, 0.05],
    [initializers.randomNormal({ stddev: 2 }), 4, Infinity],
  ])('%o has its variance and stays within its limit', (option, expected, limit) => {
    const values = weights(option);
    expect(Math.abs(variance(values) / expected - 1)).toBeLessThan(0.02);
    expect(largest(values)).toBeLessThanOrEqual(limit);
    if (limit === Infinity) expect(largest(values)).toBeGreaterThan(3.5 * Math.sqrt(expected));
    else expect(largest(values)).toBeGreaterThan(0.999 * limit);
  });

  it('fills with constants and takes arrays', () => {
    expect(new Set(weights('zeros'))).toEqual(new Set([0]));
    expect(new Set(weights('ones'))).toEqual(new Set([1]));
    expect(new Set(weights(initializers.constant({ value: 0.25 })))).toEqual(new Set([0.25]));
    const given = Float32Array.from({ length: 60_000 }, (_, i) => i / 7);
    const taken = weights(given);
    expect([...taken.subarray(0, 3)]).toEqual([...given.subarray(0, 3)]);
    given.fill(0);
    expect(taken[1]).not.toBe(0);
  });

  it('depends on the seed and the layer\'s place, not on what other layers draw', () => {
    expect(weights('heNormal', 1)).not.toEqual(weights('heNormal', 2));
    const second = (first: InitializerOption) =>
      sequential({ seed: 3, backend: 'typescript' }, [layers.dense({ units: 4, inputShape: [4], kernelInitializer: first }), layers.dense({ units: 4 })]).getWeights();
    const [a, b] = [second('zeros'), second('heNormal')];
    expect(a[2]).toEqual(b[2]);
    expect(b[0]).not.toEqual(b[2]);
  });

  it('starts biases at zero unless told otherwise', () => {
    const [, zero] = sequential([layers.dense({ units: 3, inputShape: [1] })]).getWeights();
    expect([...zero]).toEqual([0, 0, 0]);
    const [, ones] = sequential([layers.dense({ units: 3, inputShape: [1], biasInitializer: 'ones' })]).getWeights();
    expect([...ones]).toEqual([1, 1, 1]);
  });

  // 300 inputs, 200 units: deviations as above.
  it.each<[name: InitializerOption, variance: number, limit: number]>([
    ['truncatedNormal', 0.05 ** 2 * 0.773741, 0.1],
    [initializers.truncatedNormal({ stddev: 3 }), 9 * 0.773741, 6],
    ['varianceScaling', 1 / 300, 2 * Math.sqrt(1 / 300 / 0.773741)],
    [initializers.varianceScaling({ scale: 2, mode: 'fanOut' }), 2 / 200, 2 * Math.sqrt(2 / 200 / 0.773741)],
    [initializers.varianceScaling({ scale: 3, mode: 'fanAvg', distribution: 'uniform' }), 3 / 250, Math.sqrt(9 / 250)],
    [initializers.varianceScaling({ scale: 2, distribution: 'normal' }), 2 / 300, Infinity],
  ])('%o has its variance and stays within its limit', (option, expected, limit) => {
    const values = weights(option);
    expect(Math.abs(variance(values) / expected - 1)).toBeLessThan(0.02);
    expect(largest(values)).toBeLessThanOrEqual(limit * (1 + 1e-6));
    expect(largest(values)).toBeGreaterThan(limit === Infinity ? 3.5 * Math.sqrt(expected) : 0.999 * limit);
  });

  it('scales the variance to the initializers that have a name', () => {
    expect(weights(initializers.varianceScaling({ scale: 2, distribution: 'normal' }))).toEqual(weights('heNormal'));
    expect(weights(initializers.varianceScaling({ distribution: 'uniform' }))).toEqual(weights('lecunUniform'));
    expect(weights(initializers.varianceScaling({ mode: 'fanAvg', distribution: 'normal' }))).toEqual(weights('glorotNormal'));
  });

  it('keeps lengths with an orthogonal matrix: |weightᵀ·v| = gain·|v|', () => {
    const values = weights(initializers.orthogonal({ gain: 2 }));
    const v = Float64Array.from({ length: 200 }, (_, i) => Math.sin(i));
    const image = Float64Array.from({ length: 300 }, (_, j) => v.reduce((sum, value, i) => sum + value * values[i * 300 + j], 0));
    const length = (of: Float64Array): number => Math.sqrt(of.reduce((sum, value) => sum + value * value, 0));
    expect(length(image) / (2 * length(v))).toBeCloseTo(1, 13);
    expect(weights('orthogonal')).toEqual(weights(initializers.orthogonal()));
  });

  it('fills with the identity', () => {
    const values = weights(initializers.identity({ gain: 0.5 }));
    values.forEach((value, i) => {
      if (value !== (i % 300 === Math.floor(i / 300) ? 0.5 : 0)) expect.fail(`element ${i} is ${value}`);
    });
    expect(largest(weights('identity'))).toBe(1);
  });

  it.each<InitializerConfig>([
    initializers.truncatedNormal({ mean: 1, stddev: 0.5 }), initializers.orthogonal({ gain: 1.5 }), initializers.identity({ gain: 2 }),
    initializers.varianceScaling({ scale: 0.5, mode: 'fanOut', distribution: 'uniform' }),
  ])('stores %o with the model', (config) => {
    const model = sequential({ backend: 'typescript' }, [layers.dense({ units: 4, inputShape: [3], kernelInitializer: config })]);
    const record = model.toRecord();
    expect(record.config.layers[0]).toMatchObject({ kernelInitializer: config });
    const again = sequentialFromRecord({ ...record, config: JSON.parse(JSON.stringify(record.config)) }, { backend: 'typescript' });
    expect(again.toRecord()).toEqual(record);
  });

  it.each<[bad: () => unknown, code: string, part: string]>([
    [() => initializers.orthogonal({ gain: NaN }), 'ERR_RANGE', 'gain'],
    [() => initializers.truncatedNormal({ stddev: -1 }), 'ERR_RANGE', 'stddev'],
    [() => initializers.varianceScaling({ scale: 0 }), 'ERR_RANGE', 'scale'],
    [() => initializers.varianceScaling(of('{"mode":"fan_in"}')), 'ERR_OPTION', 'fanIn, fanOut, fanAvg'],
    [() => initializers.varianceScaling(of('{"distribution":"cauchy"}')), 'ERR_OPTION', 'truncatedNormal, normal, uniform'],
    [() => initializers.identity(of('{"size":3}')), 'ERR_OPTION', 'gain'],
    [() => layers.dense({ units: 2, biasInitializer: 'orthogonal' }), 'ERR_OPTION', 'biasInitializer'],
    [() => layers.dense({ units: 2, biasInitializer: 'identity' }), 'ERR_OPTION', 'truncatedNormal'],
    [() => layers.dense(of('{"units":2,"kernelInitializer":"orthogonall"}')), 'ERR_OPTION', 'orthogonal, identity'],
  ])('refuses %o', (bad, code, part) => {
    expect(bad).toThrow(expect.objectContaining({ code, message: expect.stringContaining(part) }));
  });
});
