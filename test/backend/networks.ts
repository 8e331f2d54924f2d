// Small networks, data and comparisons that the backend tests share.
import { expect } from 'vitest';
import type { DataHandle, Executor, ExecutorState, LoadOptions, Targets } from '../../src/backend/contract/executor.js';
import { activationOps, lossOps, namesOf } from '../../src/backend/contract/ops.js';
import { outputSize, parameterShapes, slotNames, slotStart, STEP_NUMBERS, statisticShapes, stepNumbers } from '../../src/backend/contract/spec.js';
import type { ActivationSpec, BatchNormalizationSpec, ClippingSpec, DenseSpec, ElementwiseLossSpec, LayerNormalizationSpec, LayerSpec, LossSpec, NetworkSpec, OptimizerSpec, RowLossSpec } from '../../src/backend/contract/spec.js';
import type { InputArray, DType, FloatArray } from '../../src/base/arrays.js';
import { stepScalars } from '../../src/model/optimizers/index.js';

/** Deterministic numbers in [0, 1). */
export function uniforms(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let z = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 4294967296;
  };
}

export const softmaxLoss = (changes: Partial<LossSpec & { name: 'softmaxCrossEntropy' }> = {}): LossSpec => ({
  name: 'softmaxCrossEntropy', reduction: 'mean', labelSmoothing: 0, classWeights: null, ...changes,
});
export const sigmoidLoss = (changes: Partial<LossSpec & { name: 'sigmoidCrossEntropy' }> = {}): LossSpec => ({
  name: 'sigmoidCrossEntropy', reduction: 'mean', labelSmoothing: 0, positiveWeights: null, ...changes,
});
export const squaredLoss = (reduction: 'mean' | 'sum' = 'mean'): LossSpec => ({ name: 'meanSquaredError', reduction });
export const sgd = (changes: Partial<OptimizerSpec & { name: 'sgd' }> = {}): OptimizerSpec => ({ name: 'sgd', momentum: 0, nesterov: false, weightDecay: 0, ...changes });
export const adam = (changes: Partial<OptimizerSpec & { name: 'adam' }> = {}): OptimizerSpec => ({ name: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, amsgrad: false, weightDecay: 0, ...changes });

/** An activation by name, parameters where it has some. */
export function withDefaults(name: ActivationSpec['name']): ActivationSpec {
  if (name === 'leakyRelu') return { name, negativeSlope: 0.25 };
  if (name === 'elu') return { name, alpha: 0.75 };
  if (name === 'thresholdedRelu') return { name, theta: 0.25 };
  if (name === 'softplus') return { name, beta: 2, threshold: 20 };
  return { name };
}
/** Every loss that compares each output with its value. */
export const everyElementwiseLoss: readonly ElementwiseLossSpec[] = namesOf(lossOps).flatMap((name): ElementwiseLossSpec[] => {
  if (name === 'huber') return [{ name, reduction: 'mean', delta: 0.6 }];
  return isElementwise(name) ? [{ name, reduction: 'mean' }] : [];
});
/** Every loss that compares rows. */
export const everyRowLoss: readonly RowLossSpec[] = namesOf(lossOps).filter(isRowwise).map((name) => ({ name, reduction: 'mean' }));
/** Every activation but softmax, whose numbers depend on one another. */
export const everyActivation: readonly ActivationSpec['name'][] = namesOf(activationOps).filter((name) => name !== 'softmax');

function isElementwise(name: LossSpec['name']): name is Exclude<ElementwiseLossSpec['name'], 'huber'> {
  return lossOps[name].compares === 'element' && name !== 'huber';
}
function isRowwise(name: LossSpec['name']): name is RowLossSpec['name'] {
  return lossOps[name].compares === 'row';
}

export function dense(units: number, activation: ActivationSpec['name'] | ActivationSpec = 'linear', changes: Partial<DenseSpec> = {}): DenseSpec {
  return { kind: 'dense', name: `dense${units}`, units, useBias: true, activation: typeof activation === 'string' ? withDefaults(activation) : activation, l2: 0, learningRateFactor: 1, ...changes };
}
export const dropout = (rate: number): LayerSpec => ({ kind: 'dropout', name: 'dropout', rate });
export const rescaling = (scale: number, offset = 0): LayerSpec => ({ kind: 'rescaling', name: 'rescaling', scale, offset });

export const normalization = (mean: readonly number[], variance: readonly number[]): LayerSpec => ({ kind: 'normalization', name: 'normalization', mean, variance });

export const activationPass = (activation: ActivationSpec['name']): LayerSpec => ({ kind: 'activation', name: 'activation', activation: withDefaults(activation) });
export const noise = (deviation: number): LayerSpec => ({ kind: 'gaussianNoise', name: 'noise', deviation });
export const prelu: LayerSpec = { kind: 'prelu', name: 'prelu' };
export const layerNorm = (changes: Partial<LayerNormalizationSpec> = {}): LayerNormalizationSpec => ({ kind: 'layerNormalization', name: 'layerNorm', epsilon: 1e-5, center: true, scale: true, ...changes });
export const batchNorm = (changes: Partial<BatchNormalizationSpec> = {}): BatchNormalizationSpec => ({
  kind: 'batchNormalization', name: 'batchNorm', momentum: 0.75, epsilon: 1e-5, center: true, scale: true, ...changes,
});

export function network(dtype: DType, inputSize: number, layers: readonly LayerSpec[], changes: Partial<NetworkSpec> = {}): NetworkSpec {
  const loss = changes.loss === undefined ? softmaxLoss() : changes.loss;
  const heads: Partial<Record<LossSpec['name'], NetworkSpec['head']>> = { softmaxCrossEntropy: 'softmax', sigmoidCrossEntropy: 'sigmoid' };
  const head = loss === null ? 'none' : (heads[loss.name] ?? 'none');
  return { inputSize, layers, head, loss, optimizer: sgd(), dtype, seed: 7, ...changes };
}

export function floats(dtype: DType, values: ArrayLike<number>): FloatArray {
  return dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
}
export const rounded = (dtype: DType, value: number): number => (dtype === 'float32' ? Math.fround(value) : value);

/** A state with spread-out parameters, scaled so that activations stay of order 1; slots zero. */
export function randomState(spec: NetworkSpec, seed: number): ExecutorState {
  const next = uniforms(seed);
  const parameters = parameterShapes(spec).map(({ shape, size }) => {
    const range = shape.length === 2 ? 2 / Math.sqrt(shape[1]) : 0.5;
    return floats(spec.dtype, Array.from({ length: size }, () => (next() * 2 - 1) * range));
  });
  const statistics = statisticShapes(spec).map(({ name, size }) => floats(spec.dtype, Array.from({ length: size }, () => (name === 'movingMean' ? next() - 0.5 : 0.5 + next()))));
  return { parameters, slots: freshSlots(spec, parameters), step: 0, statistics };
}
export function freshSlots(spec: NetworkSpec, parameters: readonly FloatArray[]): Record<string, FloatArray[]> {
  const names = spec.optimizer === null ? [] : slotNames(spec.optimizer);
  const start = spec.optimizer === null ? 0 : slotStart(spec.optimizer);
  return Object.fromEntries(names.map((name) => [name, parameters.map((parameter) => floats(spec.dtype, new Float64Array(parameter.length).fill(start)))]));
}

/** What load takes, targets included. */
export interface Loaded extends LoadOptions { readonly x: InputArray; readonly y: Targets }

/** Data that fits a spec: x in [-1, 1], targets as the loss wants them. */
export function randomData(spec: NetworkSpec, rows: number, seed: number, kind: 'labels' | 'values' = spec.loss?.name === 'softmaxCrossEntropy' ? 'labels' : 'values'): Loaded {
  const next = uniforms(seed);
  const outputs = outputSize(spec);
  const x = floats(spec.dtype, Array.from({ length: rows * spec.inputSize }, () => next() * 2 - 1));
  if (kind === 'labels') return { x, rows, y: { kind, values: Int32Array.from({ length: rows }, () => Math.floor(next() * outputs)) } };
  return { x, rows, y: { kind, values: floats(spec.dtype, Array.from({ length: rows * outputs }, () => next())) } };
}

/** Every update rule, each with all it has. */
export const everyOptimizer: readonly OptimizerSpec[] = [
  sgd(), sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.01 }), adam(), adam({ amsgrad: true, weightDecay: 0.02 }),
  { name: 'rmsprop', rho: 0.9, momentum: 0.5, epsilon: 1e-3, centered: true }, { name: 'rmsprop', rho: 0.9, momentum: 0, epsilon: 1e-3, centered: false },
  { name: 'adagrad', epsilon: 1e-3, initialAccumulatorValue: 0.1 }, { name: 'adadelta', rho: 0.9, epsilon: 1e-3 },
  { name: 'adamax', beta1: 0.9, beta2: 0.99, epsilon: 1e-3 }, { name: 'lion', beta1: 0.9, beta2: 0.99, weightDecay: 0.01 },
  { name: 'nadam', beta1: 0.9, beta2: 0.99, epsilon: 1e-3, momentumDecay: 0.004, weightDecay: 0 },
  { name: 'nadam', beta1: 0.9, beta2: 0.99, epsilon: 1e-3, momentumDecay: 0.5, weightDecay: 0.02, clipvalue: 0.05 },
  sgd({ clipvalue: 0.02 }), adam({ clipnorm: 0.05 }), sgd({ momentum: 0.9, globalClipnorm: 0.1 }),
  { name: 'lion', beta1: 0.9, beta2: 0.99, weightDecay: 0.01, globalClipnorm: 0.2, normType: 1 }, { name: 'adagrad', epsilon: 1e-3, initialAccumulatorValue: 0.1, clipnorm: 0.01, normType: 'inf' },
];

/** No clipping, then every way of it. */
export const everyClipping: readonly ClippingSpec[] = [
  {}, { clipvalue: 0.03 }, { clipnorm: 0.05 }, { globalClipnorm: 0.1 }, { globalClipnorm: 0.2, normType: 1 }, { clipnorm: 0.02, normType: 'inf' }, { globalClipnorm: 1e3 },
];

/** A kernel's and a bias' constraint. */
export type Constraints = Pick<DenseSpec, 'kernelConstraint' | 'biasConstraint'>;
/** No constraint, then every one. */
export const everyConstraint: readonly Constraints[] = [
  {}, { kernelConstraint: { name: 'maxNorm', maxValue: 0.5 } }, { kernelConstraint: { name: 'unitNorm' }, biasConstraint: { name: 'nonNegative' } }, { kernelConstraint: { name: 'nonNegative' } },
];

/** The numbers of one step. */
export function stepOf(numbers: Partial<Record<keyof typeof stepNumbers, number>>): Float64Array {
  const { rate = 0, dampening = 1, correction = 1, momentumRate = 0, decay = 0 } = numbers;
  const scalars = new Float64Array(STEP_NUMBERS);
  scalars[stepNumbers.rate] = rate;
  scalars[stepNumbers.dampening] = dampening;
  scalars[stepNumbers.correction] = correction;
  scalars[stepNumbers.momentumRate] = momentumRate;
  scalars[stepNumbers.decay] = decay;
  return scalars;
}

/** Step scalars for a constant rate, bias corrections from update `t0` on; other optimizers see [rate, 1]. */
export function constantScalars(spec: NetworkSpec, steps: number, learningRate = 0.1, t0 = 1): Float64Array {
  const { optimizer } = spec;
  if (optimizer?.name === 'nadam') return stepScalars(optimizer, learningRate, t0 - 1, steps);
  const scalars = new Float64Array(STEP_NUMBERS * steps);
  for (let i = 0; i < steps; i++) {
    const t = t0 + i;
    const corrected = optimizer?.name === 'adam' || optimizer?.name === 'adamax';
    scalars.set(stepOf({
      rate: corrected ? learningRate / (1 - optimizer.beta1 ** t) : learningRate,
      correction: optimizer?.name === 'adam' ? 1 / Math.sqrt(1 - optimizer.beta2 ** t) : 1,
      decay: optimizer?.name === 'adam' || optimizer?.name === 'lion' ? learningRate * optimizer.weightDecay : 0,
    }), STEP_NUMBERS * i);
  }
  return scalars;
}

/** 15 steps, three passes over 50 rows, in slices of so many milliseconds. @param what named where a step is not made */
export function trainInSlices(executor: Executor, data: DataHandle, what: string, maxMilliseconds: number): void {
  let step = 0;
  while (step < 15) {
    const options = { order: null, from: 0, to: 50, batchSize: 11, repeat: 3, stepScalars: constantScalars(executor.spec, 15, 0.01), firstStep: step, maxMilliseconds };
    const result = executor.trainStepsSync(data, options);
    if (result.steps === 0) expect.fail(`${what}: ${result.stopped}, loss ${result.losses[0]}`);
    step += result.steps;
  }
}

/** Every element the same number: NaN equals NaN, 0 is not -0. */
export function expectSame(actual: FloatArray | null, expected: FloatArray | null): void {
  if (actual === null || expected === null) {
    expect(actual).toBe(expected);
    return;
  }
  expect(actual.constructor).toBe(expected.constructor);
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < actual.length; i++) {
    if (!Object.is(actual[i], expected[i])) expect.fail(`element ${i} of ${actual.length}: ${actual[i]} instead of ${expected[i]}`);
  }
}
export function expectSameLists(actual: readonly FloatArray[], expected: readonly FloatArray[]): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((array, i) => expectSame(array, expected[i]));
}
export function expectSameState(actual: Executor, expected: Executor): void {
  const [a, b] = [actual.getState(), expected.getState()];
  expect(a.step).toBe(b.step);
  expectSameLists(a.parameters, b.parameters);
  expectSameLists(a.statistics ?? [], b.statistics ?? []);
  expect(Object.keys(a.slots)).toEqual(Object.keys(b.slots));
  for (const name of Object.keys(a.slots)) expectSameLists(a.slots[name], b.slots[name]);
}

/** Largest difference relative to the largest magnitude in `expected` (or to `floor` where that is smaller); NaN where only one is NaN. */
export function relativeDifference(actual: ArrayLike<number>, expected: ArrayLike<number>, floor = 0): number {
  expect(actual.length).toBe(expected.length);
  let scale = floor;
  let difference = 0;
  for (let i = 0; i < expected.length; i++) if (Number.isFinite(expected[i])) scale = Math.max(scale, Math.abs(expected[i]));
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i]) || actual[i] === expected[i]) continue;
    const d = Math.abs(actual[i] - expected[i]);
    if (!(d <= difference)) difference = d;
  }
  return difference === 0 ? 0 : difference / scale;
}
export function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number, floor = 0): void {
  const difference = relativeDifference(actual, expected, floor);
  if (!(difference <= tolerance)) expect.fail(`relative difference ${difference} above ${tolerance}`);
}
