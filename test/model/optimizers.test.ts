import { describe, expect, it } from 'vitest';
import { checkOptimizer, optimizers, stepScalars } from '../../src/model/optimizers.js';

describe('stepScalars', () => {
  it('gives sgd the rate, undampened', () => {
    const { spec } = optimizers.sgd();
    expect([...stepScalars(spec, 0.1, 5, 2)]).toEqual([0.1, 1, 0.1, 1]);
    expect([...stepScalars(spec, (step) => step / 10, 5, 2)]).toEqual([0.5, 1, 0.6, 1]);
  });

  it('gives adam its bias corrections, counted from 1', () => {
    const { spec } = optimizers.adam({ beta1: 0.5, beta2: 0.75 });
    const scalars = stepScalars(spec, 0.1, 0, 2);
    expect([...scalars]).toEqual([0.1 / 0.5, 1 / Math.sqrt(0.25), 0.1 / 0.75, 1 / Math.sqrt(1 - 0.5625)]);
    expect([...stepScalars(spec, 0.1, 1, 1)]).toEqual([...scalars.subarray(2)]);
  });
});

describe('checkOptimizer', () => {
  it('takes names with their defaults, objects, and plain data from files', () => {
    expect(checkOptimizer('test', 'sgd')).toEqual({ learningRate: 0.01, spec: { name: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } });
    expect(checkOptimizer('test', 'adam')).toEqual({ learningRate: 0.001, spec: { name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8 } });
    const made = optimizers.sgd({ learningRate: 0.2, momentum: 0.9, nesterov: true, weightDecay: 0.1 });
    expect(checkOptimizer('test', made)).toEqual(made);
    expect(checkOptimizer('test', { ...made.spec, learningRate: 0.2 })).toEqual(made);
  });
});
