// Activations: worked values, slopes against central differences, and the same bytes however a step is run.
import { expect } from 'vitest';
import type { Executor } from '../../../src/backend/contract/executor.js';
import type { ActivationSpec, ElementwiseLossSpec } from '../../../src/backend/contract/spec.js';
import type { Suite } from '../executor.cases.js';
import { adam, dense, dropout, everyActivation, everyElementwiseLoss, expectClose, expectSameState, floats, network, randomData, randomState, squaredLoss, trainInSlices, withDefaults } from '../networks.js';

export function activationCases({ make, dtype, tolerance, test }: Suite): void {
  /** f(z) and f'(z) of some z, through a layer of one unit with weight 1. */
  function values(activation: ActivationSpec, z: readonly number[]): { f: number[]; slope: number[] } {
    const executor = make(network(dtype, 1, [dense(1, activation, { useBias: false })], { loss: squaredLoss() }));
    executor.setState({ parameters: [floats(dtype, [1])], slots: {}, step: 0 });
    const x = floats(dtype, z);
    const data = executor.load({ x, rows: z.length, y: { kind: 'values', values: x } });
    const { outputs } = executor.forwardTrain(data, { order: null, from: 0, to: z.length });
    const { dx } = executor.backward(floats(dtype, z.map(() => 1)));
    return { f: [...outputs], slope: [...dx] };
  }

  test('worked values', () => {
    const cases: readonly [ActivationSpec, z: readonly number[], f: readonly number[], slope: readonly number[]][] = [
      [{ name: 'relu6' }, [-1, 0, 2, 6, 7], [0, 0, 2, 6, 6], [0, 0, 1, 0, 0]],
      [{ name: 'leakyRelu', negativeSlope: 0.25 }, [-2, 0, 2], [-0.5, 0, 2], [0.25, 0.25, 1]],
      [{ name: 'elu', alpha: 2 }, [0, 3, -100], [0, 3, -2], [2, 1, 0]],
      [{ name: 'thresholdedRelu', theta: 0.5 }, [-1, 0.5, 0.75], [0, 0, 0.75], [0, 0, 1]],
      [{ name: 'thresholdedRelu', theta: -1 }, [-2, -1, -0.5], [0, 0, -0.5], [0, 0, 1]],
      [{ name: 'selu' }, [0, 1, -100], [0, 1.0507009873554805, -1.7580993408473768], [1.7580993408473768, 1.0507009873554805, 0]],
      // Φ(1) = 0.8413447460685429, φ(1) = 0.24197072451914337
      [{ name: 'gelu' }, [0, 1, -1, 40, -40], [0, 0.8413447460685429, -0.15865525393145707, 40, 0], [0.5, 0.8413447460685429 + 0.24197072451914337, 0.15865525393145707 - 0.24197072451914337, 1, 0]],
      [{ name: 'hardSigmoid' }, [-4, -3, 0, 1.5, 3, 4], [0, 0, 0.5, 0.75, 1, 1], [0, 0, 1 / 6, 1 / 6, 0, 0]],
      [{ name: 'softplus', beta: 1, threshold: 20 }, [0, 30, -800], [Math.LN2, 30, 0], [0.5, 1, 0]],
      [{ name: 'softplus', beta: 2, threshold: 4 }, [0, 3], [Math.LN2 / 2, 3], [0.5, 1]],
      [{ name: 'softsign' }, [0, 1, -3], [0, 0.5, -0.75], [1, 0.25, 0.0625]],
      [{ name: 'silu' }, [0, 50, -800], [0, 50, 0], [0.5, 1, 0]],
      [{ name: 'mish' }, [0, 50], [0, 50], [0.6, 1]],
      [{ name: 'exponential' }, [0, 1], [1, Math.E], [1, Math.E]],
    ];
    for (const [activation, z, f, slope] of cases) {
      const worked = values(activation, z);
      z.forEach((_, i) => {
        for (const [what, actual, expected] of [['f', worked.f[i], f[i]], ['slope', worked.slope[i], slope[i]]] as const) {
          if (!(Math.abs(actual - expected) <= tolerance * Math.max(1, Math.abs(expected)))) expect.fail(`${activation.name} ${what}(${z[i]}) = ${actual} instead of ${expected}`);
        }
      });
    }
  });

  test('not a number stays one', () => {
    for (const name of everyActivation) {
      const executor = make(network(dtype, 1, [dense(1, name, { useBias: true })], { loss: squaredLoss() }));
      executor.setState({ parameters: [floats(dtype, [1]), floats(dtype, [NaN])], slots: {}, step: 0 });
      expect(executor.predictArraySync(floats(dtype, [1]), 1, 'outputs')[0], name).toBeNaN();
    }
  });

  if (dtype === 'float64') {
    test('slopes are central differences', () => {
      const h = 1e-5;
      // Kinks (0, 6, ±3, a threshold) are further away than h.
      const z = [-30, -5.3, -2.9, -1.1, -0.4, -0.03, 0.02, 0.7, 1.3, 2.8, 3.1, 5.9, 6.2, 12.5];
      for (const name of everyActivation) {
        const activation = withDefaults(name);
        const above = values(activation, z.map((value) => value + h)).f;
        const below = values(activation, z.map((value) => value - h)).f;
        values(activation, z).slope.forEach((slope, i) => {
          const difference = (above[i] - below[i]) / (2 * h);
          if (!(Math.abs(slope - difference) <= 1e-8 * Math.max(1, Math.abs(difference)))) expect.fail(`${name}'(${z[i]}) = ${slope}, differences say ${difference}`);
        });
      }
    });

    test('losses: gradients are central differences', () => {
      const h = 1e-5;
      const a = [-2.3, -1.2, -0.45, 0.3, 0.9, 1.7, 2.6];
      for (const loss of everyElementwiseLoss) {
        const executor = make(network(dtype, 1, [dense(1, 'linear', { useBias: false })], { loss }));
        executor.setState({ parameters: [floats(dtype, [1])], slots: {}, step: 0 });
        for (const y of [-1, 1]) {
          const at = (x: number): ReturnType<Executor['lossAndGradients']> => executor.lossAndGradients(executor.load({ x: floats(dtype, [x]), rows: 1, y: { kind: 'values', values: floats(dtype, [y]) } }), { order: null, from: 0, to: 1 });
          for (const value of a) {
            // Logarithms end at 0.
            if (loss.name === 'poisson' && value < 0) continue;
            const difference = (at(value + h).loss - at(value - h).loss) / (2 * h);
            const gradient = at(value).dx[0];
            if (!(Math.abs(gradient - difference) <= 1e-8)) expect.fail(`${loss.name}(${value}, ${y}): ${gradient}, differences say ${difference}`);
          }
        }
      }
    });
  }

  test('losses: worked values', () => {
    // Two outputs, one row: a = (3, -1).
    const cases: readonly [ElementwiseLossSpec, y: readonly number[], loss: number, dx: readonly number[]][] = [
      [{ name: 'meanAbsoluteError', reduction: 'mean' }, [1, -1], 1, [0.5, 0]],
      [{ name: 'meanAbsoluteError', reduction: 'sum' }, [4, 1], 3, [-1, -1]],
      [{ name: 'huber', reduction: 'sum', delta: 2 }, [0, -1.5], 2 * (3 - 1) + 0.125, [2, 0.5]],
      [{ name: 'hinge', reduction: 'sum' }, [1, 1], 2, [0, -1]],
      [{ name: 'squaredHinge', reduction: 'sum' }, [-1, -1], 16, [8, 0]],
      [{ name: 'logCosh', reduction: 'sum' }, [3, 999], 1000 - Math.LN2, [0, -1]],
    ];
    for (const [loss, y, expected, dx] of cases) {
      const executor = make(network(dtype, 2, [dense(2, 'linear', { useBias: false })], { loss }));
      executor.setState({ parameters: [floats(dtype, [1, 0, 0, 1])], slots: {}, step: 0 });
      const data = executor.load({ x: floats(dtype, [3, -1]), rows: 1, y: { kind: 'values', values: floats(dtype, y) } });
      const worked = executor.lossAndGradients(data, { order: null, from: 0, to: 1 });
      expectClose(floats(dtype, [worked.loss]), floats(dtype, [expected]), tolerance);
      expectClose(worked.dx, floats(dtype, dx), tolerance);
      expect(executor.evaluateSync(data, { order: null, from: 0, to: 1 }).correct).toBe(null);
    }
  });

  test('every activation: steps as one call, as slices and materialised, with dropout behind it', () => {
    for (const name of everyActivation) {
      // Powers of powers end beyond every number: one layer of exponentials.
      const inner = name === 'exponential' ? 'tanh' : name;
      const spec = network(dtype, 9, [dense(19, inner), dropout(0.3), dense(17, name, { l2: 0.01 }), dense(5, inner), dense(2)], { loss: { name: 'huber', reduction: 'mean', delta: 0.5 }, optimizer: adam() });
      const data = randomData(spec, 50, 3);
      const run = (plan: 'auto' | 'materialised', slice: number): Executor => {
        const executor = make(spec, { plan });
        executor.setState(randomState(spec, 9));
        trainInSlices(executor, executor.load(data), name, slice);
        return executor;
      };
      const whole = run('auto', Infinity);
      expectSameState(run('auto', 0), whole);
      expectSameState(run('materialised', Infinity), whole);
      expect(whole.getState().parameters[0].every(Number.isFinite), name).toBe(true);
    }
  });
}
