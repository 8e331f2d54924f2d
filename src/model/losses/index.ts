import { lossOps } from '../../backend/contract/ops.js';
import { readSettings } from '../../backend/contract/settings.js';
import type { Reduction } from '../../backend/contract/spec.js';
import { checkBoolean, checkName, checkNumbers, checkOptions } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';
import { lossNames, shortLossNames, type LossName } from '../../metrics/loss-names.js';
import { CustomLoss, customLoss, type CustomLossOptions } from './custom-loss.js';

/** What the short names stand for. */
const shortNames = {
  mse: 'meanSquaredError', mae: 'meanAbsoluteError', mape: 'meanAbsolutePercentageError', msle: 'meanSquaredLogarithmicError', klDivergence: 'kullbackLeiblerDivergence',
} as const satisfies Readonly<Record<(typeof shortLossNames)[number], (typeof lossNames)[number]>>;

/** Losses with nothing to set but the reduction. */
type PlainLossName = Exclude<(typeof lossNames)[number], 'sparseCategoricalCrossentropy' | 'categoricalCrossentropy' | 'binaryCrossentropy' | 'huber'>;

/** A loss with its settings, as plain data; made by {@link losses}. */
export type LossConfig =
  | {
      readonly name: 'sparseCategoricalCrossentropy' | 'categoricalCrossentropy';
      readonly labelSmoothing: number;
      readonly classWeights: readonly number[] | null;
      readonly reduction: Reduction;
      readonly fromLogits: boolean;
    }
  | {
      readonly name: 'binaryCrossentropy';
      readonly labelSmoothing: number;
      readonly positiveWeights: readonly number[] | null;
      readonly reduction: Reduction;
      readonly fromLogits: boolean;
    }
  | { readonly name: PlainLossName; readonly reduction: Reduction }
  | { readonly name: 'huber'; readonly reduction: Reduction; readonly delta: number };

/** Any loss: one of nabla's, or a function of the user's. */
export type Loss = LossConfig | CustomLoss;

/** Options of the categorical cross-entropies. */
export interface CategoricalCrossentropyOptions {
  readonly labelSmoothing?: number;
  readonly classWeights?: readonly number[] | Float32Array | Float64Array;
  readonly reduction?: Reduction;
  readonly fromLogits?: boolean;
}
/** Options of {@link losses.binaryCrossentropy}. */
export interface BinaryCrossentropyOptions {
  readonly labelSmoothing?: number;
  readonly positiveWeights?: readonly number[] | Float32Array | Float64Array;
  readonly reduction?: Reduction;
  readonly fromLogits?: boolean;
}
/** Options of the losses with nothing else to set. */
export interface MeanSquaredErrorOptions {
  readonly reduction?: Reduction;
}

/** Options of {@link losses.huber}. */
export interface HuberOptions {
  readonly delta?: number;
  readonly reduction?: Reduction;
}

function plain(name: PlainLossName, options: MeanSquaredErrorOptions): LossConfig {
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
    ...readSettings(op, lossOps.softmaxCrossEntropy.settings, options),
    classWeights: checkWeights(op, 'classWeights', options.classWeights),
    reduction: checkReduction(op, options.reduction),
    fromLogits: checkBoolean(op, 'fromLogits', options.fromLogits ?? false),
  });
}

/** What is minimised; formulas in docs/numerics.md. With `fromLogits` the last layer is linear and predict applies softmax or sigmoid. */
export const losses = {
  /**
   * -log p[label], labels are class indices (rows); the last layer is a softmax.
   * @param options `labelSmoothing` ε in [0, 1], default 0: (1-ε) on the label and ε/classes on every class; `classWeights` one a class, 'mean' then divides by the weights of the batch's labels
   * (PyTorch); `reduction` 'mean' (default) or 'sum'; `fromLogits` default false
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   */
  sparseCategoricalCrossentropy: (options: CategoricalCrossentropyOptions = {}): LossConfig => categorical('sparseCategoricalCrossentropy', options),
  /** -Σ y·log p, y is one-hot or a distribution, (rows, classes). Options as for sparseCategoricalCrossentropy; 'mean' divides by the rows. */
  categoricalCrossentropy: (options: CategoricalCrossentropyOptions = {}): LossConfig => categorical('categoricalCrossentropy', options),
  /**
   * -(w·y·log p + (1-y)·log(1-p)), y from 0 to 1, (rows, outputs); the last layer is a sigmoid.
   * @param options `labelSmoothing` ε in [0, 1], default 0: y counts as y·(1-ε) + ε/2 (Keras); `positiveWeights` w, one an output, default 1; `reduction` 'mean' (over rows and outputs, default) or 'sum'; `fromLogits` default false
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   */
  binaryCrossentropy(options: BinaryCrossentropyOptions = {}): LossConfig {
    const op = 'losses.binaryCrossentropy';
    checkOptions(op, options, ['labelSmoothing', 'positiveWeights', 'reduction', 'fromLogits']);
    return Object.freeze({
      name: 'binaryCrossentropy',
      ...readSettings(op, lossOps.sigmoidCrossEntropy.settings, options),
      positiveWeights: checkWeights(op, 'positiveWeights', options.positiveWeights),
      reduction: checkReduction(op, options.reduction),
      fromLogits: checkBoolean(op, 'fromLogits', options.fromLogits ?? false),
    });
  },
  /** (a - y)², mean over rows and outputs, without a factor 1/2. @param options `reduction` 'mean' (default) or 'sum' @throws ERR_OPTION */
  meanSquaredError: (options: MeanSquaredErrorOptions = {}): LossConfig => plain('meanSquaredError', options),
  /** |a - y|, mean over rows and outputs; gradient 0 where they are equal. @param options `reduction` @throws ERR_OPTION */
  meanAbsoluteError: (options: MeanSquaredErrorOptions = {}): LossConfig => plain('meanAbsoluteError', options),
  /**
   * d = a - y: d²/2 where |d| <= delta, else delta·(|d| - delta/2) (P. Huber 1964), mean over rows and outputs.
   * @param options `delta` above 0, default 1; `reduction` @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   */
  huber(options: HuberOptions = {}): LossConfig {
    const op = 'losses.huber';
    checkOptions(op, options, ['delta', 'reduction']);
    return Object.freeze({ name: 'huber', reduction: checkReduction(op, options.reduction), ...readSettings(op, lossOps.huber.settings, options) });
  },
  /** log cosh(a - y), computed without overflow, mean over rows and outputs. @param options `reduction` @throws ERR_OPTION */
  logCosh: (options: MeanSquaredErrorOptions = {}): LossConfig => plain('logCosh', options),
  /** max(0, 1 - y·a), targets -1 or 1, mean over rows and outputs. @param options `reduction` @throws ERR_OPTION */
  hinge: (options: MeanSquaredErrorOptions = {}): LossConfig => plain('hinge', options),
  /** max(0, 1 - y·a)², targets -1 or 1, mean over rows and outputs. @param options `reduction` @throws ERR_OPTION */
  squaredHinge: (options: MeanSquaredErrorOptions = {}): LossConfig => plain('squaredHinge', options),
  /** 100·|a - y| / max(|y|, 1e-7), mean over rows and outputs (Keras); slope 0 where they are equal. Targets near 0 weigh most. @param options `reduction` @throws ERR_OPTION */
  meanAbsolutePercentageError: (options: MeanSquaredErrorOptions = {}): LossConfig => plain('meanAbsolutePercentageError', options),
  /**
   * (log(1 + max(a, 1e-7)) - log(1 + max(y, 1e-7)))², targets from 0, mean over rows and outputs (Keras); flat where a <= 1e-7.
   * @param options `reduction` @throws ERR_OPTION
   */
  meanSquaredLogarithmicError: (options: MeanSquaredErrorOptions = {}): LossConfig => plain('meanSquaredLogarithmicError', options),
  /**
   * a - y·log(a + 1e-7), mean over rows and outputs (Keras; PyTorch with log_input=False): the outputs are rates above 0, so the last layer is 'exponential',
   * 'softplus' or 'relu'; targets are counts from 0. Outputs below 0 have no logarithm: the loss is NaN and fit stops. @param options `reduction` @throws ERR_OPTION
   */
  poisson: (options: MeanSquaredErrorOptions = {}): LossConfig => plain('poisson', options),
  /**
   * Σ y·log(y / a) of a row, a and y limited to [1e-7, 1], mean over rows (Keras); the last layer is a softmax (or sigmoids). Also 'klDivergence'.
   * @param options `reduction` @throws ERR_OPTION
   */
  kullbackLeiblerDivergence: (options: MeanSquaredErrorOptions = {}): LossConfig => plain('kullbackLeiblerDivergence', options),
  /** max(0, 1 + max((1 - y)·a) - Σ y·a) of a row, y one-hot, mean over rows (Keras); of equal rivals the first. @param options `reduction` @throws ERR_OPTION */
  categoricalHinge: (options: MeanSquaredErrorOptions = {}): LossConfig => plain('categoricalHinge', options),
  /**
   * -Σ a·y / (|a|·|y|) of a row, lengths at least 1e-7, mean over rows: -1 where they point the same way, 1 where they point apart (Keras' sign). A row of
   * zeros has loss 0 and gradient 0. @param options `reduction` @throws ERR_OPTION
   */
  cosineSimilarity: (options: MeanSquaredErrorOptions = {}): LossConfig => plain('cosineSimilarity', options),
  /**
   * A loss of your own. A step of fit is then forward, `compute`, back and update; evaluate calls it for slices of the data and averages them by their rows.
   * @param options `name` for errors and files; `compute(outputs, targets, batch)` gives { loss, gradient }: `outputs` and `targets` are (rows, units), row by row
   * in one array of the model's dtype, `outputs` are what predict gives (behind the last layer's activation), `loss` is the mean over the rows, `gradient`
   * (rows, units) its gradient with respect to `outputs`; `batch` is { rows, units, sampleWeight }; `weighted` default false, true where compute looks at
   * batch.sampleWeight: else fit refuses sample and class weights. compute may not use the model (ERR_BUSY). A loss that is not finite ends the fit as any other's does; errors that compute throws
   * pass through, with the weights of the step before. Files cannot hold it: a loaded model predicts, and is compiled again to go on
   * @throws ERR_OPTION, ERR_TYPE
   * @example
   * const pinball = losses.custom({
   *   name: 'pinball',
   *   compute(outputs, targets) {
   *     let loss = 0;
   *     const gradient = outputs.map((output, i) => {
   *       const short = targets[i] - output;
   *       loss += Math.max(0.9 * short, -0.1 * short) / outputs.length;
   *       return (short > 0 ? -0.9 : 0.1) / outputs.length;
   *     });
   *     return { loss, gradient };
   *   },
   * });
   */
  custom: (options: CustomLossOptions): CustomLoss => customLoss(options),
} as const;

function isShort(name: LossName): name is keyof typeof shortNames {
  return Object.hasOwn(shortNames, name);
}

/** @param value what `compile` was given @throws ERR_OPTION, ERR_TYPE */
export function checkLoss(op: string, value: unknown): Loss {
  if (value instanceof CustomLoss) return value;
  if (typeof value === 'string') {
    const known = checkName(op, 'loss', value, [...lossNames, ...shortLossNames]);
    return losses[isShort(known) ? shortNames[known] : known]();
  }
  if (typeof value === 'object' && value !== null && 'name' in value) {
    const { name, ...options } = { ...value };
    if (name === 'custom') throw new NablaError('ERR_OPTION', `[${op}] a loss of your own is made by nabla. Expected losses.custom({ name, compute }) for loss, received ${show(value)}.`);
    const known = checkName(op, 'loss', name, lossNames);
    // Configurations hold null where a weight list is absent.
    const given = Object.fromEntries(Object.entries(options).filter(([, option]) => option !== null));
    return losses[known](given);
  }
  throw new NablaError('ERR_TYPE', `[${op}] the loss is a name or an object. Expected one of ${lossNames.join(', ')}, or losses.NAME({ ... }), received ${show(value)}.`);
}

/** Losses that see the network's outputs as they are: everything but the cross-entropies. */
export function isElementwise(loss: Loss): loss is Exclude<Loss, { readonly fromLogits: boolean }> {
  return !('fromLogits' in loss);
}
