// Clipping, penalties and constraints against PyTorch and Keras' definitions: test/golden/clipping, made by scripts/golden/optim_goldens.py, and
// test/golden/limits, made by scripts/golden/limits_goldens.py.
import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { parameterShapes, type ClippingSpec, type ConstraintSpec, type DenseSpec, type NormType, type OptimizerSpec } from '../../src/backend/contract/spec.js';
import type { FloatArray } from '../../src/base/arrays.js';
import { stepScalars } from '../../src/model/optimizers/index.js';
import { golden, goldenJson } from '../golden-files.js';
import { configurations } from './configurations.js';
import { adam, dense, freshSlots, network, sgd, stepOf } from './networks.js';

type Numbers = readonly (number | readonly number[])[];
interface ClippingCase {
  readonly id: string;
  readonly gradients: readonly Numbers[];
  readonly parameters: { readonly max_norm?: number; readonly norm_type?: number | 'inf'; readonly clip_value?: number };
  readonly clipped?: readonly Numbers[];
  readonly clipped_torch?: readonly Numbers[];
}
type Layers = Readonly<Record<'W1' | 'b1' | 'W2' | 'b2', Numbers>>;
interface LimitsCase {
  readonly id: string;
  readonly optimizer: string;
  readonly hyperparameters: Readonly<Record<string, number | boolean | readonly number[]>>;
  readonly l1: readonly number[];
  readonly l2: readonly number[];
  readonly clip: readonly [keyof ClippingSpec, number, NormType] | null;
  readonly constraint: readonly (null | number | 'nonNegative' | 'unitNorm')[];
  readonly x: Numbers;
  readonly y: readonly number[];
  readonly initial: Layers;
  readonly loss_before_step: readonly number[];
  readonly params_after_step: Readonly<Record<string, Layers>>;
}

const CLIPPING_CASES = 10;
const LIMITS_CASES = 7;
// |a - b| <= 1e-10·max(1, |b|); worst measured 2.9e-15.
const TOLERANCE = 1e-10;
let worst = 0;
let ran = 0;

function check(actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i] - expected[i]) / Math.max(1, Math.abs(expected[i]));
    if (!(error <= TOLERANCE)) expect.fail(`element ${i}: ${actual[i]} instead of ${expected[i]}`);
    worst = Math.max(worst, error);
  }
}

const flat = (values: Numbers): Float64Array => Float64Array.from(values.flat());
/** (rows, columns) -> (columns, rows): a norm does not see it, and the first tensor becomes a weight that goes before a bias of three. */
const transposed = (values: Numbers): Float64Array => {
  const rows = values.map((row) => (typeof row === 'number' ? [row] : row));
  return Float64Array.from(rows[0].flatMap((_, column) => rows.map((row) => row[column])));
};

/** A network whose parameters have the shapes of a case's tensors: [4x3, 3, 2x3], [2x2, 2] or one row. */
function shaped({ gradients }: ClippingCase, optimizer: OptimizerSpec): { spec: ReturnType<typeof network>; arrays: (tensors: readonly Numbers[]) => Float64Array[] } {
  const options = { loss: null, optimizer };
  if (gradients.length === 3) {
    const arrays = ([first, second, third]: readonly Numbers[]): Float64Array[] => [transposed(first), flat(second), flat(third)];
    return { spec: network('float64', 4, [dense(3), dense(2, 'linear', { useBias: false })], options), arrays };
  }
  const arrays = (tensors: readonly Numbers[]): Float64Array[] => tensors.map(flat);
  if (gradients.length === 2) return { spec: network('float64', 2, [dense(2)], options), arrays };
  return { spec: network('float64', gradients[0].length, [dense(1, 'linear', { useBias: false })], options), arrays };
}

function clippingOf({ parameters: { max_norm: norm, norm_type: type, clip_value: value } }: ClippingCase): ClippingSpec {
  if (value !== undefined) return { clipvalue: value };
  if (norm === undefined || (type !== undefined && type !== 1 && type !== 2 && type !== 'inf')) throw new Error('no such clipping');
  return { globalClipnorm: norm, ...(type === undefined ? {} : { normType: type }) };
}

function ruleOf({ optimizer, hyperparameters: h }: LimitsCase): OptimizerSpec {
  const number = (name: string): number => (typeof h[name] === 'number' ? h[name] : NaN);
  const betas = Array.isArray(h['betas']) ? { beta1: Number(h['betas'][0]), beta2: Number(h['betas'][1]) } : { beta1: NaN, beta2: NaN };
  const epsilon = number('eps');
  switch (optimizer) {
    case 'SGD':
      return sgd({ momentum: number('momentum'), weightDecay: number('weight_decay') });
    case 'Adam':
      return adam({ ...betas, epsilon });
    case 'AdamW':
      return adam({ ...betas, epsilon, weightDecay: number('weight_decay') });
    case 'NAdam':
      return { name: 'nadam', ...betas, epsilon, momentumDecay: number('momentum_decay'), weightDecay: 0 };
    case 'Adagrad':
      return { name: 'adagrad', epsilon, initialAccumulatorValue: number('initial_accumulator_value') };
    case 'RMSprop':
      return { name: 'rmsprop', rho: number('alpha'), momentum: 0, epsilon, centered: false };
  }
  throw new Error(`no rule for ${optimizer}`);
}

function constraintOf(constraint: LimitsCase['constraint'][number]): ConstraintSpec | undefined {
  if (constraint === null) return undefined;
  return typeof constraint === 'number' ? { name: 'maxNorm', maxValue: constraint } : { name: constraint };
}
function limits(of: LimitsCase, layer: 0 | 1): Partial<DenseSpec> {
  const [kernel, bias] = [constraintOf(of.constraint[2 * layer]), constraintOf(of.constraint[2 * layer + 1])];
  return {
    l1: of.l1[layer], l2: of.l2[layer],
    ...(kernel === undefined ? {} : { kernelConstraint: kernel }), ...(bias?.name === 'nonNegative' ? { biasConstraint: bias } : {}),
  };
}

const files = (folder: string): string[] => readdirSync(golden(folder)).filter((name) => name.endsWith('.json')).map((name) => `${folder}/${name}`);
const clipping = files('clipping').map((name) => goldenJson(name) as ClippingCase);
const trained = files('limits').map((name) => goldenJson(name) as LimitsCase);
const all = configurations([1, 3]);

for (const { name, make } of all) {
  describe(name, () => {
    it.each(clipping)('$id: given gradients', (of) => {
      const { spec, arrays } = shaped(of, { ...sgd(), ...clippingOf(of) });
      const executor = make(spec);
      const start = parameterShapes(spec).map(({ size }) => new Float64Array(size));
      executor.setState({ parameters: start, slots: {}, step: 0 });
      // With rate -1 from 0 the parameters become the gradients.
      executor.applyGradients(arrays(of.gradients), stepOf({ rate: -1 }));
      arrays(of.clipped_torch ?? of.clipped ?? []).forEach((expected, i) => check(executor.getState().parameters[i], expected));
      ran++;
    });

    for (const plan of ['auto', 'materialised'] as const) {
      it.each(trained)(`$id: 20 steps of a classifier, ${plan}`, (of) => {
        const optimizer = { ...ruleOf(of), ...(of.clip === null ? {} : { [of.clip[0]]: of.clip[1], ...(of.clip[0] === 'clipvalue' ? {} : { normType: of.clip[2] }) }) };
        const executor = make(network('float64', 4, [dense(6, 'relu', limits(of, 0)), dense(3, 'linear', limits(of, 1))], { optimizer }), { plan });
        const arrays = ({ W1, b1, W2, b2 }: Layers): Float64Array[] => [W1, b1, W2, b2].map(flat);
        const parameters: FloatArray[] = arrays(of.initial);
        executor.setState({ parameters, slots: freshSlots(executor.spec, parameters), step: 0 });
        const data = executor.load({ x: flat(of.x), rows: of.y.length, y: { kind: 'labels', values: Int32Array.from(of.y) } });
        for (let t = 1; t <= 20; t++) {
          const stepScalarsOf = stepScalars(optimizer, Number(of.hyperparameters['lr']), t - 1, 1);
          const { losses } = executor.trainStepsSync(data, { order: null, from: 0, to: of.y.length, batchSize: of.y.length, stepScalars: stepScalarsOf });
          check(losses, [of.loss_before_step[t - 1]]);
          const expected = of.params_after_step[String(t)];
          if (expected !== undefined) arrays(expected).forEach((values, i) => check(executor.getState().parameters[i], values));
        }
        ran++;
      });
    }
  });
}

describe('the goldens themselves', () => {
  it(`are ${CLIPPING_CASES} and ${LIMITS_CASES} cases`, () => expect([clipping.length, trained.length]).toEqual([CLIPPING_CASES, LIMITS_CASES]));
});

afterAll(() => {
  console.log(`clipping, penalties and constraints: ${ran} runs, worst error ${worst.toExponential(1)}`);
  if (ran !== (CLIPPING_CASES + 2 * LIMITS_CASES) * all.length) throw new Error('some goldens did not run or did not pass');
});
