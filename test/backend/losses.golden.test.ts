// Losses of values and of rows against PyTorch: test/golden/losses.json, made by scripts/golden/loss_goldens.py.
import { afterAll, describe, expect, it } from 'vitest';
import type { LossSpec } from '../../src/backend/contract/spec.js';
import type { DType } from '../../src/base/arrays.js';
import { goldenJson } from '../golden-files.js';
import { configurations } from './configurations.js';
import { dense, everyElementwiseLoss, everyRowLoss, floats, network } from './networks.js';

interface LossCase {
  readonly id: string;
  readonly loss: string;
  readonly reduction: 'mean' | 'sum';
  readonly rows: number;
  readonly outputs: number;
  readonly a: readonly number[];
  readonly y: readonly number[];
  readonly value: number;
  readonly gradient: readonly number[];
}

const CASES = 71;
// Of the largest magnitude, or of 1 where that is less. Worst measured: float64 3.8e-16; float32 2.5e-7.
const TOLERANCE: Readonly<Record<DType, number>> = { float64: 1e-13, float32: 1e-5 };
const worst: Record<DType, number> = { float64: 0, float32: 0 };

const { cases } = goldenJson('losses.json') as { readonly cases: readonly LossCase[] };
const named = [...everyElementwiseLoss, ...everyRowLoss];

function specOf({ loss, reduction }: LossCase): LossSpec {
  const known = named.find(({ name }) => name === loss);
  if (known === undefined) throw new Error(`no loss for ${loss}`);
  return { ...known, reduction };
}

for (const { name, make } of configurations([1, 2])) {
  for (const dtype of ['float64', 'float32'] as const) {
    describe(`${name} ${dtype}`, () => {
      it.each(cases)('$id', (of) => {
        // Weights that hand the samples on: the outputs are the golden's.
        const executor = make(network(dtype, of.outputs, [dense(of.outputs, 'linear', { useBias: false })], { loss: specOf(of) }));
        const identity = Array.from({ length: of.outputs ** 2 }, (_, i) => (i % (of.outputs + 1) === 0 ? 1 : 0));
        executor.setState({ parameters: [floats(dtype, identity)], slots: {}, step: 0 });
        const data = executor.load({ x: floats(dtype, of.a), rows: of.rows, y: { kind: 'values', values: floats(dtype, of.y) } });
        const rows = { order: null, from: 0, to: of.rows };
        const check = (what: string, actual: ArrayLike<number>, expected: readonly number[]): void => {
          const largest = Math.max(1, ...expected.map(Math.abs));
          expected.forEach((value, i) => {
            const error = Math.abs(actual[i] - value) / largest;
            if (!(error <= TOLERANCE[dtype])) expect.fail(`${what}[${i}]: ${actual[i]} instead of ${value}`);
            worst[dtype] = Math.max(worst[dtype], error);
          });
        };
        const worked = executor.lossAndGradients(data, rows);
        check('loss', [worked.loss], [of.value]);
        check('gradient', worked.dx, of.gradient);
        const { lossSum, denominator, correct } = executor.evaluateSync(data, rows);
        check('evaluate', [lossSum / denominator], [of.value]);
        expect(correct).toBe(null);
      });
    });
  }
}

it('the goldens have every loss that PyTorch or Keras defines', () => {
  expect(cases.length).toBe(CASES);
  expect(new Set(cases.map(({ loss }) => loss))).toEqual(
    new Set(['meanAbsolutePercentageError', 'meanSquaredLogarithmicError', 'poisson', 'kullbackLeiblerDivergence', 'categoricalHinge', 'cosineSimilarity']),
  );
});

afterAll(() => console.log(`loss goldens: worst error float64 ${worst.float64.toExponential(1)}, float32 ${worst.float32.toExponential(1)}`));
