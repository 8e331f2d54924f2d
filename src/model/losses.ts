import type { Reduction } from '../backend/spec.js';
import { NablaError, show } from '../errors.js';
import { checkBoolean, checkName, checkNumbers, checkOptions, checkReal } from './checks.js';

/** Losses by name; 'mse' and 'mae' are short for 'meanSquaredError' and 'meanAbsoluteError'. */
export const lossNames = ['sparseCategoricalCrossentropy', 'categoricalCrossentropy', 'binaryCrossentropy', 'meanSquaredError', 'meanAbsoluteError', 'huber', 'logCosh', 'hinge', 'squaredHinge'] as const;
const shortNames = { mse: 'meanSquaredError', mae: 'meanAbsoluteError' } as const;
/** Name of a loss with all its defaults. */
export type LossName = (typeof lossNames)[number] | keyof typeof shortNames;

/** A loss with its settings, as plain data; made by {@link losses}. */
export type LossConfig =
  | {
      readonly name: 'sparseCategoricalCrossentropy' | 'categoricalCrossentropy';
      readonly labelSmoothing: number;
      readonly classWeights: readonly number[] | null;
      readonly reduction: Reduction;
      readonly fromLogits: boolean;
    }
  | { readonly name: 'binaryCrossentropy'; readonly positiveWeights: readonly number[] | null; readonly reduction: Reduction; readonly fromLogits: boolean }
  | { readonly name: 'meanSquaredError' | 'meanAbsoluteError' | 'logCosh' | 'hinge' | 'squaredHinge'; readonly reduction: Reduction }
  | { readonly name: 'huber'; readonly reduction: Reduction; readonly delta: number };

/** Options of the categorical cross-entropies. */
export interface CategoricalCrossentropyOptions {
  readonly labelSmoothing?: number;
  readonly classWeights?: readonly number[] | Float32Array | Float64Array;
  readonly reduction?: Reduction;
  readonly fromLogits?: boolean;
}
/** Options of {@link losses.binaryCrossentropy}. */
export interface BinaryCrossentropyOptions {
  readonly positiveWeights?: readonly number[] | Float32Array | Float64Array;
  readonly reduction?: Reduction;
  readonly fromLogits?: boolean;
}
/** Options of the losses that compare each output with its target. */
export interface MeanSquaredErrorOptions {
  readonly reduction?: Reduction;
}

/** Options of {@link losses.huber}. */
export interface HuberOptions {
  readonly delta?: number;
  readonly reduction?: Reduction;
}

function elementwise(name: 'meanSquaredError' | 'meanAbsoluteError' | 'logCosh' | 'hinge' | 'squaredHinge', options: MeanSquaredErrorOptions): LossConfig {
  const op = `losses.${name}`;
  checkOptions(op, options, ['reduction']);
  return Object.freeze({ name, reduction: checkReduction(op, options.reduction) });
}

function checkReduction(op: string, value: Reduction | undefined): Reduction {
  return checkName(op, 'reduction', value ?? 'mean', ['mean', 'sum']);
}
function checkWeights(op: string, name: string, value: unknown): readonly number[] | null {
  return value === undefined || value === null ? null : Object.freeze(checkNumbers(op, name, value, { minimum: 0 }));
}
function categorical(name: 'sparseCategoricalCrossentropy' | 'categoricalCrossentropy', options: CategoricalCrossentropyOptions): LossConfig {
  const op = `losses.${name}`;
  checkOptions(op, options, ['labelSmoothing', 'classWeights', 'reduction', 'fromLogits']);
  return Object.freeze({
    name,
    labelSmoothing: checkReal(op, 'labelSmoothing', options.labelSmoothing ?? 0, { minimum: 0, maximum: 1, maximumOpen: true }),
    classWeights: checkWeights(op, 'classWeights', options.classWeights),
    reduction: checkReduction(op, options.reduction),
    fromLogits: checkBoolean(op, 'fromLogits', options.fromLogits ?? false),
  });
}

/** What is minimised; formulas in docs/numerics.md. With `fromLogits` the last layer is linear and predict applies softmax or sigmoid. */
export const losses = {
  /**
   * -log p[label], labels are class indices (rows); the last layer is a softmax.
   * @param options `labelSmoothing` ε in [0, 1), default 0; `classWeights` one a class, 'mean' then divides by the weights of the batch's labels
   * (PyTorch); `reduction` 'mean' (default) or 'sum'; `fromLogits` default false
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   */
  sparseCategoricalCrossentropy: (options: CategoricalCrossentropyOptions = {}): LossConfig => categorical('sparseCategoricalCrossentropy', options),
  /** -Σ y·log p, y is one-hot or a distribution, (rows, classes). Options as for sparseCategoricalCrossentropy; 'mean' divides by the rows. */
  categoricalCrossentropy: (options: CategoricalCrossentropyOptions = {}): LossConfig => categorical('categoricalCrossentropy', options),
  /**
   * -(w·y·log p + (1-y)·log(1-p)), y from 0 to 1, (rows, outputs); the last layer is a sigmoid.
   * @param options `positiveWeights` w, one an output, default 1; `reduction` 'mean' (over rows and outputs, default) or 'sum'; `fromLogits` default false
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   */
  binaryCrossentropy(options: BinaryCrossentropyOptions = {}): LossConfig {
    const op = 'losses.binaryCrossentropy';
    checkOptions(op, options, ['positiveWeights', 'reduction', 'fromLogits']);
    return Object.freeze({
      name: 'binaryCrossentropy',
      positiveWeights: checkWeights(op, 'positiveWeights', options.positiveWeights),
      reduction: checkReduction(op, options.reduction),
      fromLogits: checkBoolean(op, 'fromLogits', options.fromLogits ?? false),
    });
  },
  /** (a - y)², mean over rows and outputs, without a factor 1/2. @param options `reduction` 'mean' (default) or 'sum' @throws ERR_OPTION */
  meanSquaredError: (options: MeanSquaredErrorOptions = {}): LossConfig => elementwise('meanSquaredError', options),
  /** |a - y|, mean over rows and outputs; gradient 0 where they are equal. @param options `reduction` @throws ERR_OPTION */
  meanAbsoluteError: (options: MeanSquaredErrorOptions = {}): LossConfig => elementwise('meanAbsoluteError', options),
  /**
   * d = a - y: d²/2 where |d| <= delta, else delta·(|d| - delta/2) (P. Huber 1964), mean over rows and outputs.
   * @param options `delta` above 0, default 1; `reduction` @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   */
  huber(options: HuberOptions = {}): LossConfig {
    const op = 'losses.huber';
    checkOptions(op, options, ['delta', 'reduction']);
    return Object.freeze({ name: 'huber', reduction: checkReduction(op, options.reduction), delta: checkReal(op, 'delta', options.delta ?? 1, { minimum: 0, minimumOpen: true }) });
  },
  /** log cosh(a - y), computed without overflow, mean over rows and outputs. @param options `reduction` @throws ERR_OPTION */
  logCosh: (options: MeanSquaredErrorOptions = {}): LossConfig => elementwise('logCosh', options),
  /** max(0, 1 - y·a), targets -1 or 1, mean over rows and outputs. @param options `reduction` @throws ERR_OPTION */
  hinge: (options: MeanSquaredErrorOptions = {}): LossConfig => elementwise('hinge', options),
  /** max(0, 1 - y·a)², targets -1 or 1, mean over rows and outputs. @param options `reduction` @throws ERR_OPTION */
  squaredHinge: (options: MeanSquaredErrorOptions = {}): LossConfig => elementwise('squaredHinge', options),
} as const;

/** @param value what `compile` was given @throws ERR_OPTION, ERR_TYPE */
export function checkLoss(op: string, value: unknown): LossConfig {
  if (typeof value === 'string') return losses[value === 'mse' || value === 'mae' ? shortNames[value] : checkName(op, 'loss', value, lossNames)]();
  if (typeof value === 'object' && value !== null && 'name' in value) {
    const { name, ...options } = { ...value };
    const known = checkName(op, 'loss', name, lossNames);
    // Configurations hold null where a weight list is absent.
    const given = Object.fromEntries(Object.entries(options).filter(([, option]) => option !== null));
    return losses[known](given);
  }
  throw new NablaError('ERR_TYPE', `[${op}] the loss is a name or an object. Expected one of ${lossNames.join(', ')}, or losses.NAME({ ... }), received ${show(value)}.`);
}

/** Losses that see the network's outputs as they are and compare each with its value: everything but the cross-entropies. */
export function isElementwise(loss: LossConfig): loss is Exclude<LossConfig, { readonly fromLogits: boolean }> {
  return !('fromLogits' in loss);
}
