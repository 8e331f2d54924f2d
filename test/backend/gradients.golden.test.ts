// Forward, losses and gradients against PyTorch: test/golden/gradients, made by scripts/golden/grad_goldens.py.
import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { ActivationSpec, LossSpec, NetworkSpec } from '../../src/backend/contract/spec.js';
import type { DType } from '../../src/base/arrays.js';
import { golden, goldenJson, goldenNumber, type GoldenNumber } from '../golden-files.js';
import { configurations, skippedBecause } from './configurations.js';
import { dense, expectSame, floats, network, rounded, sigmoidLoss, softmaxLoss, squaredLoss, stepOf } from './networks.js';

type Values = GoldenNumber | readonly Values[];
interface GradientCase {
  readonly id: string;
  readonly layers: readonly number[];
  readonly batch: number;
  readonly activations: readonly { readonly name: string; readonly slope?: number; readonly alpha?: number; readonly beta?: number; readonly threshold?: number }[];
  readonly params: readonly { readonly W: Values; readonly b?: Values | null }[];
  readonly x: Values;
  readonly y: Values;
  readonly loss: {
    readonly name: string; readonly reduction: 'mean' | 'sum'; readonly label_smoothing?: number; readonly class_weights?: readonly number[] | null;
    readonly pos_weight?: readonly number[] | null; readonly delta?: number;
  };
  readonly l2: number;
  readonly outputs: Values;
  readonly probabilities?: Values;
  readonly layer_outputs?: readonly Values[];
  readonly data_loss: GoldenNumber;
  readonly total_loss: GoldenNumber;
  readonly grad_params: readonly { readonly W: Values; readonly b?: Values | null }[];
  readonly grad_x: Values;
  readonly after_one_sgd_step: { readonly lr: number; readonly total_loss: GoldenNumber };
}

const CASES = 127;
// float64: |a - b| <= 1e-10·max(1, |b|); worst measured 6.9e-14. float32: 1e-4 of the tensor's largest magnitude; worst measured 1.5e-5.
const TOLERANCE: Readonly<Record<DType, number>> = { float64: 1e-10, float32: 1e-4 };

function flat(values: Values): number[] {
  return typeof values === 'object' ? values.flatMap(flat) : [goldenNumber(values)];
}

function lossOf({ loss }: GradientCase): LossSpec {
  switch (loss.name) {
    case 'softmax_cross_entropy':
      return softmaxLoss({ reduction: loss.reduction, labelSmoothing: loss.label_smoothing ?? 0, classWeights: loss.class_weights ?? null });
    case 'bce_with_logits':
      return sigmoidLoss({ reduction: loss.reduction, positiveWeights: loss.pos_weight ?? null });
    case 'mse':
      return squaredLoss(loss.reduction);
    case 'mae':
      return { name: 'meanAbsoluteError', reduction: loss.reduction };
    case 'huber':
      return { name: 'huber', reduction: loss.reduction, delta: loss.delta ?? NaN };
    default:
      throw new Error(`no loss for ${loss.name}`);
  }
}

function activationOf({ name, slope = NaN, alpha = NaN, beta = NaN, threshold = NaN }: GradientCase['activations'][number]): ActivationSpec {
  switch (name) {
    case 'linear':
    case 'relu':
    case 'sigmoid':
    case 'tanh':
    case 'silu':
      return { name };
    case 'leaky_relu':
      return { name: 'leakyRelu', negativeSlope: slope };
    case 'elu':
      return { name, alpha };
    case 'softplus':
      return { name, beta, threshold };
    case 'gelu_erf':
      return { name: 'gelu' };
    case 'gelu_tanh':
      return { name: 'geluTanh' };
  }
  throw new Error(`no activation for ${name}`);
}

function specOf(of: GradientCase, dtype: DType): NetworkSpec {
  const layers = of.layers.slice(1).map((units, i) => dense(units, activationOf(of.activations[i]), { l2: of.l2, useBias: (of.params[i].b ?? null) !== null }));
  return network(dtype, of.layers[0], layers, { loss: lossOf(of) });
}

const arrays = (params: GradientCase['params'], dtype: DType) => params.flatMap(({ W, b }) => [W, ...(b === undefined || b === null ? [] : [b])].map((values) => floats(dtype, flat(values))));

const cases = readdirSync(golden('gradients')).filter((name) => name.endsWith('.json')).map((name) => goldenJson(`gradients/${name}`) as GradientCase);
const all = configurations([1, 2]);
const ran = new Map<string, number>();
const worst: Record<DType, number> = { float64: 0, float32: 0 };

for (const { name, make } of all) {
  for (const dtype of ['float64', 'float32'] as const) {
    const label = `${name} ${dtype}`;
    const check = (what: string, actual: ArrayLike<number>, expected: readonly number[]): void => {
      expect(actual.length, what).toBe(expected.length);
      // What float32 cannot hold (1e-300) is 0 there.
      const held = expected.map((value) => rounded(dtype, value));
      const largest = Math.max(...held.map(Math.abs));
      held.forEach((value, i) => {
        if (Object.is(actual[i], value) || actual[i] === value) return;
        const error = Math.abs(actual[i] - value) / (dtype === 'float64' ? Math.max(1, Math.abs(value)) : largest);
        if (!(error <= TOLERANCE[dtype])) expect.fail(`${what}[${i}]: ${actual[i]} instead of ${value}`);
        worst[dtype] = Math.max(worst[dtype], error);
      });
    };
    describe(label, () => {
      it.each(cases)('$id', (of) => {
        const spec = specOf(of, dtype);
        const executor = make(spec);
        executor.setState({ parameters: arrays(of.params, dtype), slots: {}, step: 0 });
        const values = floats(dtype, flat(of.y));
        const y = of.loss.name === 'softmax_cross_entropy' ? { kind: 'labels' as const, values: Int32Array.from(values) } : { kind: 'values' as const, values };
        const data = executor.load({ x: floats(dtype, flat(of.x)), rows: of.batch, y });
        const rows = { order: null, from: 0, to: of.batch };
        const { logits, outputs, activations } = executor.forwardTrain(data, rows);
        check('logits', logits, flat(of.outputs));
        if (of.probabilities !== undefined) check('outputs', outputs, flat(of.probabilities));
        of.layer_outputs?.forEach((expected, layer) => check(`layer ${layer}`, activations[layer], flat(expected)));
        expectSame(executor.predictSync(data, { ...rows, output: 'logits' }), logits);
        const worked = executor.lossAndGradients(data, rows);
        check('loss', [worked.loss], [goldenNumber(of.data_loss)]);
        check('total loss', [worked.loss + worked.penalty], [goldenNumber(of.total_loss)]);
        // z is exactly 0 there, where the slope jumps; float32 inputs move it to one side.
        const onTheKink = dtype === 'float32' && (of.id === 'edge_elu0.7_at_zero' || of.id === 'edge_leaky_relu_at_zero');
        const expected = of.grad_params.flatMap(({ W, b }) => [W, ...(b === undefined || b === null ? [] : [b])].map(flat));
        if (!onTheKink) {
          worked.gradients.forEach((gradient, i) => check(`gradient ${i}`, gradient, expected[i]));
          check('dx', worked.dx, flat(of.grad_x));
        }
        const { losses } = executor.trainStepsSync(data, { ...rows, batchSize: of.batch, stepScalars: stepOf({ rate: of.after_one_sgd_step.lr }) });
        check('loss of the step', losses, [goldenNumber(of.total_loss)]);
        // Biases of 1e6 are stored to 0.06 in float32: they cannot hold an update of 0.02.
        if (!onTheKink && (dtype === 'float64' || of.id !== 'edge_ce_offset')) {
          const after = executor.evaluateSync(data, rows);
          check('loss after a step', [after.lossSum / after.denominator + after.penalty], [goldenNumber(of.after_one_sgd_step.total_loss)]);
        }
        ran.set(label, (ran.get(label) ?? 0) + 1);
      });
    });
  }
}

describe('the goldens themselves', () => {
  it(`are ${CASES} cases`, () => expect(cases.length).toBe(CASES));
  it('have every activation and loss', () => {
    expect(new Set(cases.flatMap((of) => of.activations.map(({ name }) => name)))).toEqual(new Set(['linear', 'relu', 'sigmoid', 'tanh', 'leaky_relu', 'elu', 'softplus', 'silu', 'gelu_erf', 'gelu_tanh']));
    expect(new Set(cases.map((of) => of.loss.name))).toEqual(new Set(['softmax_cross_entropy', 'bce_with_logits', 'mse', 'mae', 'huber']));
  });
});

afterAll(() => {
  console.log(`gradient goldens: ${CASES} cases on ${ran.size} configurations (${[...ran.keys()].join(', ')}); worst error float64 ${worst.float64.toExponential(1)}, float32 ${worst.float32.toExponential(1)}`
    + (skippedBecause === '' ? '' : `; no native: ${skippedBecause}`));
  if (ran.size !== 2 * all.length || [...ran.values()].some((count) => count < CASES)) throw new Error('some gradient goldens did not run or did not pass');
});
