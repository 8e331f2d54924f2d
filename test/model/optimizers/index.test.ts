import { describe, expect, it } from 'vitest';
import { STEP_NUMBERS } from '../../../src/backend/contract/spec.js';
import { checkOptimizer, optimizers, stepScalars } from '../../../src/model/optimizers/index.js';
import type { Optimizer } from '../../../src/model/optimizers/optimizer.js';

describe('stepScalars', () => {
  it('gives sgd the rate, undampened', () => {
    const { spec } = optimizers.sgd();
    expect([...stepScalars(spec, 0.1, 5, 2)]).toEqual([0.1, 1, 1, 0, 0]);
    expect([...stepScalars(spec, (step) => step / 10, 5, 2)]).toEqual([0.5, 1, 1, 0, 0, 0.6, 1, 1, 0, 0]);
  });

  it('gives adam its bias corrections, counted from 1', () => {
    const { spec } = optimizers.adam({ beta1: 0.5, beta2: 0.75 });
    const scalars = stepScalars(spec, 0.1, 0, 2);
    expect([...scalars]).toEqual([0.1 / 0.5, 1, 1 / Math.sqrt(0.25), 0, 0, 0.1 / 0.75, 1, 1 / Math.sqrt(1 - 0.5625), 0, 0]);
    expect([...stepScalars(spec, 0.1, 1, 1)]).toEqual([...scalars.subarray(STEP_NUMBERS)]);
  });
});

describe('stepScalars of the other rules', () => {
  it('adds the decoupled decay, and corrects adamax', () => {
    const adamW = stepScalars(optimizers.adamW({ beta1: 0.5, beta2: 0.75, weightDecay: 0.25 }).spec, 0.5, 0, 2);
    expect([...adamW]).toEqual([1, 1, 2, 0, 0.125, 0.5 / 0.75, 1, 1 / Math.sqrt(1 - 0.5625), 0, 0.125]);
    expect([...stepScalars(optimizers.lion({ weightDecay: 0.5 }).spec, (step) => 2 ** -step, 1, 2)]).toEqual([0.5, 1, 1, 0, 0.25, 0.25, 1, 1, 0, 0.125]);
    expect([...stepScalars(optimizers.adamax({ beta1: 0.5 }).spec, 0.5, 1, 1)]).toEqual([0.5 / 0.75, 1, 1, 0, 0]);
    for (const rule of [optimizers.rmsprop(), optimizers.adagrad(), optimizers.adadelta()]) expect([...stepScalars(rule.spec, 0.5, 3, 3)]).toEqual([0.5, 1, 1, 0, 0]);
  });
});

describe('NAdam', () => {
  it('has momenta that grow towards beta1, and their product', () => {
    const momenta = (t: number): number => 0.9 * (1 - 0.5 * 0.96 ** (0.004 * t));
    const { spec } = optimizers.nadam({ weightDecay: 0.5, beta2: 0.75 });
    const scalars = stepScalars(spec, 0.25, 0, 3);
    let product = 1;
    for (let t = 1; t <= 3; t++) {
      product *= momenta(t);
      const expected = [(0.25 * (1 - momenta(t))) / (1 - product), 1, 1 / Math.sqrt(1 - 0.75 ** t), (0.25 * momenta(t + 1)) / (1 - product * momenta(t + 1)), 0.125];
      expected.forEach((value, i) => expect(scalars[STEP_NUMBERS * (t - 1) + i]).toBeCloseTo(value, 14));
    }
    expect(stepScalars(optimizers.nadam().spec, 0.25, 0, 2)).toHaveLength(2 * STEP_NUMBERS);
    // momentumDecay 0: µ = beta1/2 for ever.
    expect([...stepScalars(optimizers.nadam({ beta1: 0.5, beta2: 0.75, momentumDecay: 0 }).spec, 1, 0, 1)]).toEqual([1, 1, 2, 0.25 / (1 - 0.0625), 0]);
  });

  it('gives the same scalars whatever was asked before', () => {
    for (const beta1 of [0.5, 0.9, 0.999]) {
      const make = (): Optimizer => optimizers.nadam({ beta1 });
      const whole = [...stepScalars(make().spec, 0.25, 0, 1000)];
      const parts = make().spec;
      expect([...stepScalars(parts, 0.25, 0, 400), ...stepScalars(parts, 0.25, 400, 1), ...stepScalars(parts, 0.25, 401, 599)]).toEqual(whole);
      expect([...stepScalars(parts, 0.25, 7, 3)]).toEqual(whole.slice(7 * STEP_NUMBERS, 10 * STEP_NUMBERS));
      expect([...stepScalars(make().spec, 0.25, 997, 3)]).toEqual(whole.slice(997 * STEP_NUMBERS));
      expect(whole.every(Number.isFinite)).toBe(true);
    }
  });
});

describe('checkOptimizer', () => {
  it('takes names with their defaults, objects, and plain data from files', () => {
    expect(checkOptimizer('test', 'sgd')).toEqual({ learningRate: 0.01, spec: { name: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } });
    expect(checkOptimizer('test', 'adam')).toEqual({ learningRate: 0.001, spec: { name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, amsgrad: false, weightDecay: 0 } });
    expect(checkOptimizer('test', 'adamW').spec).toMatchObject({ name: 'adam', weightDecay: 0.01 });
    for (const name of ['rmsprop', 'adagrad', 'adadelta', 'adamax', 'lion', 'nadam']) expect(checkOptimizer('test', name).spec.name).toBe(name);
    // A model file from before amsgrad and weightDecay.
    expect(checkOptimizer('test', { name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, learningRate: 0.001 })).toEqual(checkOptimizer('test', 'adam'));
    const made = optimizers.sgd({ learningRate: 0.2, momentum: 0.9, nesterov: true, weightDecay: 0.1 });
    expect(checkOptimizer('test', made)).toEqual(made);
    expect(checkOptimizer('test', { ...made.spec, learningRate: 0.2 })).toEqual(made);
  });
});
