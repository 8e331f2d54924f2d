import { describe, expect, it } from 'vitest';
import { initializers, layers, sequential, type InitializerOption } from '../../src/index.js';

function weights(kernelInitializer: InitializerOption, seed = 1): Float64Array {
  const model = sequential({ seed, dtype: 'float64', backend: 'typescript' }, [layers.dense({ units: 200, inputShape: [300], kernelInitializer })]);
  return Float64Array.from(model.getWeights()[0]);
}
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
});
