// Losses that look at whole rows, and those of values with a limit: worked values, their edges, and the same bytes however a step is run.
import { expect } from 'vitest';
import type { Executor, LossAndGradients } from '../../../src/backend/contract/executor.js';
import type { ElementwiseLossSpec, RowLossSpec } from '../../../src/backend/contract/spec.js';
import type { Suite } from '../executor.cases.js';
import { adam, dense, dropout, everyElementwiseLoss, everyRowLoss, expectClose, expectSame, expectSameState, floats, network, randomData, randomState, trainInSlices } from '../networks.js';

export function valueLossCases({ make, dtype, tolerance, test }: Suite): void {
  type Spec = ElementwiseLossSpec | RowLossSpec;
  /** Loss and da of rows of outputs, through a layer that hands them on. */
  function worked(loss: Spec, a: readonly number[], y: readonly number[], outputs: number): LossAndGradients & { readonly denominator: number } {
    const executor = make(network(dtype, outputs, [dense(outputs, 'linear', { useBias: false })], { loss }));
    const identity = Array.from({ length: outputs ** 2 }, (_, i) => (i % (outputs + 1) === 0 ? 1 : 0));
    executor.setState({ parameters: [floats(dtype, identity)], slots: {}, step: 0 });
    const rows = { order: null, from: 0, to: a.length / outputs };
    const data = executor.load({ x: floats(dtype, a), rows: rows.to, y: { kind: 'values', values: floats(dtype, y) } });
    return { ...executor.lossAndGradients(data, rows), denominator: executor.evaluateSync(data, rows).denominator };
  }
  const ln = Math.log;

  test('losses of values and of rows: worked by hand', () => {
    const cases: readonly [Spec, a: readonly number[], y: readonly number[], outputs: number, loss: number, da: readonly number[]][] = [
      // |3 - 2| / 2 and |5 - 10| / 10 of a hundred, mean of two.
      [{ name: 'meanAbsolutePercentageError', reduction: 'mean' }, [3, 5], [2, 10], 2, 50, [25, -5]],
      [{ name: 'meanAbsolutePercentageError', reduction: 'sum' }, [-3, 1], [-4, 1], 1, 25, [25, 0]],
      [{ name: 'meanSquaredLogarithmicError', reduction: 'sum' }, [1, 3], [3, 1], 2, 2 * ln(2) ** 2, [-ln(2), ln(2) / 2]],
      [{ name: 'poisson', reduction: 'mean' }, [1, 4], [2, 4], 2, (1 - 2 * ln(1 + 1e-7) + 4 - 4 * ln(4 + 1e-7)) / 2, [(1 - 2 / (1 + 1e-7)) / 2, (1 - 4 / (4 + 1e-7)) / 2]],
      [{ name: 'kullbackLeiblerDivergence', reduction: 'mean' }, [0.5, 0.5, 0.25, 0.75], [0.25, 0.75, 0.25, 0.75], 2, (0.25 * ln(0.5) + 0.75 * ln(1.5)) / 2, [-0.25, -0.75, -0.5, -0.5]],
      // Right by 2 of 1, and wrong by 1: the margin is 2.
      [{ name: 'categoricalHinge', reduction: 'sum' }, [3, 1, 0, 1, 2, 0], [1, 0, 0, 1, 0, 0], 3, 2, [0, 0, 0, -1, 1, 0]],
      // Right by 1 of 1: at the corner it is flat.
      [{ name: 'categoricalHinge', reduction: 'sum' }, [2, 1, 0], [1, 0, 0], 3, 0, [0, 0, 0]],
      // Of equal rivals the first; 0 of the class itself is a rival too.
      [{ name: 'categoricalHinge', reduction: 'mean' }, [0, 2, 2, -4, -1, -2], [1, 0, 0, 1, 0, 0], 3, (3 + 5) / 2, [-0.5, 0.5, 0, -0.5, 0, 0]],
      // (3, 4) against (4, 3): 24/25, q - c·p = (0.8 - 0.96·0.6, 0.6 - 0.96·0.8) = (0.224, -0.168), over the length 5.
      [{ name: 'cosineSimilarity', reduction: 'sum' }, [3, 4], [8, 6], 2, -0.96, [-0.0448, 0.0336]],
      [{ name: 'cosineSimilarity', reduction: 'mean' }, [0, 0, 1, 0], [1, 1, 0, 0], 2, 0, [0, 0, 0, 0]],
    ];
    for (const [loss, a, y, outputs, expected, da] of cases) {
      const { loss: value, dx } = worked(loss, a, y, outputs);
      expectClose([value], [expected], 4 * tolerance, 1);
      expectClose(dx, floats(dtype, da), 4 * tolerance, 1);
    }
  });

  test('the mean of row losses divides by rows, of element losses by outputs too', () => {
    for (const loss of everyRowLoss) expect(worked(loss, [0.5, 0.25, 0.25, 0.5], [0.5, 0.5, 1, 0], 2).denominator, loss.name).toBe(2);
    for (const loss of everyElementwiseLoss) expect(worked(loss, [0.5, 0.25, 0.25, 0.5], [0.5, 0.5, 1, 0], 2).denominator, loss.name).toBe(4);
  });

  test('limits are flat outside, and 1 belongs to the inside', () => {
    const sum = { reduction: 'sum' } as const;
    expect([...worked({ name: 'meanSquaredLogarithmicError', ...sum }, [-3, -0.5], [2, 0], 2).dx]).toEqual([0, 0]);
    const kl = worked({ name: 'kullbackLeiblerDivergence', ...sum }, [-1, 0, 1, 2], [1, 0.5, 0.5, 1], 4);
    expect([...kl.dx]).toEqual([0, 0, -0.5, 0]);
    // A value of 0 counts as 1e-7: that of an absolute difference of 1e-7 is all of a hundred.
    expectClose([worked({ name: 'meanAbsolutePercentageError', ...sum }, [1e-7], [0], 1).loss], [100], tolerance);
    // Outputs shorter than 1e-7 point nowhere.
    expect([...worked({ name: 'cosineSimilarity', ...sum }, [1e-8, 0], [1, 1], 2).dx]).toEqual([0, 0]);
  });

  test('poisson: the logarithm of what is below 0 is not a number, of 0 not finite', () => {
    const poisson = { name: 'poisson', reduction: 'sum' } as const;
    expect(worked(poisson, [-1], [2], 1).loss).toBeNaN();
    expect(worked(poisson, [1, -1, 1], [1, 1, 1], 1).loss).toBeNaN();
    expect(worked(poisson, [-1e-7], [2], 1).loss).toBe(Infinity);
  });

  test('outputs that are not numbers give such a loss', () => {
    for (const loss of [...everyRowLoss, ...everyElementwiseLoss]) {
      for (const at of [0, 2]) {
        const executor = make(network(dtype, 3, [dense(3)], { loss }));
        const bias = [0.25, 0.25, 0.5];
        bias[at] = NaN;
        executor.setState({ parameters: [floats(dtype, new Float64Array(9)), floats(dtype, bias)], slots: {}, step: 0 });
        // The first target is the class: a rival that is not a number must show too.
        const data = executor.load({ x: floats(dtype, [1, 1, 1]), rows: 1, y: { kind: 'values', values: floats(dtype, [1, 0, 0]) } });
        expect(executor.evaluateSync(data, { order: null, from: 0, to: 1 }).lossSum, `${loss.name} ${at}`).toBeNaN();
      }
    }
  });

  if (dtype === 'float64') {
    test('row losses: gradients are central differences', () => {
      const h = 1e-6;
      const a = [0.7, 0.2, 0.4, 0.9, 0.05, 0.6, 0.31, 0.62, 0.93, 0.11];
      const y = [0.1, 0.3, 0.6, 0, 1, 0, 0.25, 0.25, 0.4, 0.1];
      for (const loss of everyRowLoss) {
        for (const outputs of [2, 5, 10]) {
          const { dx } = worked(loss, a, y, outputs);
          a.forEach((value, i) => {
            const at = (x: number): number => worked(loss, a.with(i, x), y, outputs).loss;
            const difference = (at(value + h) - at(value - h)) / (2 * h);
            if (!(Math.abs(dx[i] - difference) <= 1e-8)) expect.fail(`${loss.name} ${outputs}: ${dx[i]} at ${i}, differences say ${difference}`);
          });
        }
      }
    });
  }

  test('every loss of values and of rows: steps as one call, as slices and materialised, weighted, with dropout', () => {
    for (const loss of [...everyElementwiseLoss, ...everyRowLoss]) {
      // All outputs between 0 and 1: every loss is defined there.
      const spec = network(dtype, 9, [dense(19, 'tanh'), dropout(0.3), dense(17, 'softmax')], { loss, optimizer: adam() });
      const data = { ...randomData(spec, 50, 3), sampleWeight: Float64Array.from({ length: 50 }, (_, row) => (row % 4) / 2) };
      const run = (plan: 'auto' | 'materialised', slice: number): Executor => {
        const executor = make(spec, { plan });
        executor.setState(randomState(spec, 9));
        trainInSlices(executor, executor.load(data), loss.name, slice);
        return executor;
      };
      const whole = run('auto', Infinity);
      expectSameState(run('auto', 0), whole);
      expectSameState(run('materialised', Infinity), whole);
      expect(whole.getState().parameters[0].every(Number.isFinite), loss.name).toBe(true);
      expect(whole.evaluateSync(whole.load(data), { order: null, from: 0, to: 50 }).correct, loss.name).toBe(null);
      expectSame(run('auto', 5).getState().parameters[0], whole.getState().parameters[0]);
    }
  });
}
