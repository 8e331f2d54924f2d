// Update rules against PyTorch: test/golden/optimizers, made by scripts/golden/optim_goldens.py and nadam_goldens.py.
import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { OptimizerSpec } from '../../src/backend/contract/spec.js';
import { stepScalars } from '../../src/model/optimizers/index.js';
import { golden, goldenJson } from '../golden-files.js';
import { configurations } from './configurations.js';
import { adam, dense, freshSlots, network, sgd, stepOf } from './networks.js';

type Matrix = readonly (readonly number[])[];
interface OptimizerCase {
  readonly id: string;
  readonly optimizer: string;
  readonly hyperparameters: {
    readonly lr: number; readonly weight_decay: number; readonly momentum?: number; readonly dampening?: number; readonly nesterov?: boolean;
    readonly betas?: readonly [number, number]; readonly eps?: number; readonly amsgrad?: boolean; readonly maximize?: boolean;
    readonly alpha?: number; readonly centered?: boolean; readonly rho?: number; readonly lr_decay?: number; readonly initial_accumulator_value?: number;
    readonly momentum_decay?: number; readonly decay?: number;
  };
  readonly given_gradients: {
    readonly initial: readonly [Matrix, readonly number[]];
    readonly gradients: readonly (readonly [Matrix, readonly number[]])[];
    readonly params_after_step: readonly (readonly [Matrix, readonly number[]])[];
  };
  readonly mlp: {
    readonly x: Matrix; readonly y: readonly number[];
    readonly initial: Layers; readonly loss_before_step: readonly number[]; readonly params_after_step: Readonly<Record<string, Layers>>; readonly loss_after_20: number;
  };
}
interface Layers { readonly W1: Matrix; readonly b1: readonly number[]; readonly W2: Matrix; readonly b2: readonly number[] }

const CASES = 28;
// |a - b| <= 1e-10·max(1, |b|); worst measured 1.3e-15.
const TOLERANCE = 1e-10;
let worst = 0;
let ran = 0;

function check(actual: ArrayLike<number>, expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    const error = Math.abs(actual[i] - value) / Math.max(1, Math.abs(value));
    if (!(error <= TOLERANCE)) expect.fail(`element ${i}: ${actual[i]} instead of ${value}`);
    worst = Math.max(worst, error);
  });
}

function optimizerOf({ optimizer, hyperparameters: h }: OptimizerCase): OptimizerSpec {
  const epsilon = h.eps ?? NaN;
  switch (optimizer) {
    case 'SGD':
      return sgd({ momentum: h.momentum ?? 0, nesterov: h.nesterov ?? false, weightDecay: h.weight_decay });
    case 'Adam':
    case 'AdamW':
      return adam({ beta1: h.betas?.[0] ?? NaN, beta2: h.betas?.[1] ?? NaN, epsilon, amsgrad: h.amsgrad ?? false, weightDecay: optimizer === 'AdamW' ? h.weight_decay : 0 });
    case 'RMSprop':
      return { name: 'rmsprop', rho: h.alpha ?? NaN, momentum: h.momentum ?? NaN, epsilon, centered: h.centered ?? false };
    case 'Adagrad':
      return { name: 'adagrad', epsilon, initialAccumulatorValue: h.initial_accumulator_value ?? NaN };
    case 'Adadelta':
      return { name: 'adadelta', rho: h.rho ?? NaN, epsilon };
    case 'NAdam':
    case 'NAdamW':
      return { name: 'nadam', beta1: h.betas?.[0] ?? NaN, beta2: h.betas?.[1] ?? NaN, epsilon, momentumDecay: h.momentum_decay ?? NaN, weightDecay: h.decay ?? 0 };
  }
  throw new Error(`no rule for ${optimizer}`);
}
/** Outside SGD and AdamW PyTorch adds its weight decay to the gradient: our L2 penalty. */
const l2Of = ({ optimizer, hyperparameters: h }: OptimizerCase): number => (optimizer === 'SGD' || optimizer === 'AdamW' ? 0 : h.weight_decay);

/** Scalars of update t, from 1: PyTorch damps the gradient that enters the momentum from the second step on; to maximise is to step the other way. */
function scalarsOf(of: OptimizerCase, t: number): Float64Array {
  const { optimizer, hyperparameters: h } = of;
  // NAdam's are what the model computes: its momenta are under test here.
  if (h.momentum_decay !== undefined) return stepScalars(optimizerOf(of), h.lr, t - 1, 1);
  if (optimizer === 'SGD') return stepOf({ rate: h.maximize === true ? -h.lr : h.lr, dampening: t === 1 ? 1 : 1 - (h.dampening ?? 0) });
  if (optimizer === 'Adagrad') return stepOf({ rate: h.lr / (1 + (t - 1) * (h.lr_decay ?? NaN)) });
  if (h.betas === undefined) return stepOf({ rate: h.lr });
  const [beta1, beta2] = h.betas;
  return stepOf({ rate: h.lr / (1 - beta1 ** t), correction: 1 / Math.sqrt(1 - beta2 ** t), decay: optimizer === 'AdamW' ? h.lr * h.weight_decay : 0 });
}

const cases = readdirSync(golden('optimizers')).filter((name) => name.endsWith('.json')).map((name) => goldenJson(`optimizers/${name}`) as OptimizerCase);
const all = configurations([1, 2]);

for (const { name, make } of all) {
  describe(name, () => {
    it.each(cases)('$id: given gradients', (of) => {
      const { initial, gradients, params_after_step: after } = of.given_gradients;
      // The matrix and the vector are weights of two networks: the penalty spares biases.
      for (const part of [0, 1] as const) {
        const [units, inputs] = part === 0 ? [3, 2] : [1, 2];
        const spec = network('float64', inputs, [dense(units, 'linear', { useBias: false, l2: l2Of(of) })], { loss: null, optimizer: optimizerOf(of) });
        const executor = make(spec);
        const parameters = [Float64Array.from(initial[part].flat())];
        executor.setState({ parameters, slots: freshSlots(spec, parameters), step: 0 });
        gradients.forEach((gradient, step) => {
          executor.applyGradients([Float64Array.from(gradient[part].flat())], scalarsOf(of, step + 1));
          check(executor.getState().parameters[0], after[step][part].flat());
        });
        expect(executor.getState().step).toBe(20);
      }
      ran++;
    });

    it.each(cases.filter((of) => l2Of(of) === 0))('$id: 20 steps of a classifier', (of) => {
      const { x, y, initial, loss_before_step: losses, params_after_step: after, loss_after_20: last } = of.mlp;
      const spec = network('float64', 4, [dense(6, 'relu'), dense(3)], { optimizer: optimizerOf(of) });
      const executor = make(spec);
      const arrays = ({ W1, b1, W2, b2 }: Layers): Float64Array[] => [W1.flat(), b1, W2.flat(), b2].map((values) => Float64Array.from(values));
      const parameters = arrays(initial);
      executor.setState({ parameters, slots: freshSlots(spec, parameters), step: 0 });
      const data = executor.load({ x: Float64Array.from(x.flat()), rows: y.length, y: { kind: 'labels', values: Int32Array.from(y) } });
      const rows = { order: null, from: 0, to: y.length };
      for (let t = 1; t <= 20; t++) {
        const result = executor.trainStepsSync(data, { ...rows, batchSize: y.length, stepScalars: scalarsOf(of, t) });
        check(result.losses, [losses[t - 1]]);
        const expected = after[String(t)];
        if (expected === undefined) continue;
        const state = executor.getState().parameters;
        arrays(expected).forEach((values, i) => check(state[i], [...values]));
      }
      const { lossSum, denominator } = executor.evaluateSync(data, rows);
      check([lossSum / denominator], [last]);
    });
  });
}

describe('the goldens themselves', () => {
  it(`are ${CASES} cases`, () => expect(cases.length).toBe(CASES));
});

afterAll(() => {
  console.log(`optimizer goldens: ${ran} runs, worst error ${worst.toExponential(1)}`);
  if (ran !== CASES * all.length) throw new Error('some optimizer goldens did not run or did not pass');
});
