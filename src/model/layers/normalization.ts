// Standardising samples by the statistics of a data set, found once and kept with the model.
import { isNumericTypedArray, type ArrayInput } from '../../base/arrays.js';
import { checkNumbers, checkOptions, checkShape, sizeOf } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';
import { isDataset, type Dataset } from '../../train/dataset.js';
import { checkDepth, toMatrix } from '../inputs/samples.js';
import type { LayerConfig } from './config.js';
import { checkLayerName, makeLayer, registerLayer, type Layer } from './layer.js';

/** Options of {@link normalization}. */
export interface NormalizationOptions {
  readonly mean?: readonly number[];
  readonly variance?: readonly number[];
  readonly inputShape?: readonly number[];
  readonly name?: string;
}

/** A layer that can learn its statistics before the model is made. */
export interface NormalizationLayer extends Layer {
  /**
   * The same layer with mean and variance of each feature of `data`, in double: mean = Σ x / rows, variance = Σ (x - mean)² / rows; 1 for a feature that is
   * the same in every row but for rounding (scikit-learn's rule), so that another value of it later is not divided by next to nothing.
   * @param data samples as the layer gets them: typed, nested or flat arrays, or a data set
   * @returns a new layer; this one stays as it is @throws ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE
   * @example const model = sequential([layers.normalization({ inputShape: [13] }).adapt(x), layers.dense({ units: 1 })]);
   */
  adapt(data: ArrayInput | Dataset): NormalizationLayer;
}

type Config = LayerConfig & { readonly kind: 'normalization' };

/**
 * (x - mean) / max(√variance, 1e-7) for each number of a sample, before the first dense layer (Keras' Normalization with one statistic a number). Part of
 * the model: predictions and saved models take raw samples.
 * @param options `mean` and `variance`, one number a feature, or neither: then `adapt` gives them; a variance of 0 is taken as 1 (scikit-learn);
 * `inputShape` for the first layer
 * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE, ERR_SHAPE; ERR_STATE when a model is built with a layer that has no statistics
 */
export function normalization(options: NormalizationOptions = {}): NormalizationLayer {
  const layer = storedNormalization(options);
  const { config } = layer;
  return config.kind === 'normalization' && config.variance?.includes(0) === true ? layerOf({ ...config, variance: Object.freeze(config.variance.map((value) => (value === 0 ? 1 : value))) }) : layer;
}

/** The layer with the statistics as they are: a variance of 0 in a model file of before divides by 1e-7, as it did when the model was trained. */
export function storedNormalization(options: NormalizationOptions): NormalizationLayer {
  const op = 'layers.normalization';
  checkOptions(op, options, ['mean', 'variance', 'inputShape', 'name']);
  const { mean, variance, inputShape } = options;
  if ((mean === undefined) !== (variance === undefined)) {
    throw new NablaError('ERR_OPTION', `[${op}] mean and variance come together. Expected both or none (then .adapt(data)), received ${mean === undefined ? 'variance' : 'mean'} alone.`);
  }
  const means = mean === undefined ? null : Object.freeze(checkNumbers(op, 'mean', mean));
  const variances = variance === undefined ? null : Object.freeze(checkNumbers(op, 'variance', variance, { minimum: 0 }));
  if (means?.length !== variances?.length) {
    throw new NablaError('ERR_SHAPE', `[${op}] each feature has its mean and variance. Expected ${means?.length ?? 0} numbers for variance, received ${variances?.length ?? 0}.`);
  }
  return layerOf({
    kind: 'normalization',
    name: checkLayerName(op, options.name),
    mean: means,
    variance: variances,
    ...(inputShape === undefined ? {} : { inputShape: checkShape(op, 'inputShape', inputShape) }),
  });
}

function layerOf(config: Config): NormalizationLayer {
  return registerLayer({ ...makeLayer(config), adapt: (data) => layerOf({ ...config, ...statisticsOf(data, config.inputShape) }) });
}

/** Mean and variance of each feature. */
function statisticsOf(data: unknown, shape: readonly number[] | undefined): Pick<Config, 'mean' | 'variance'> {
  const op = 'normalization.adapt';
  const source: unknown = isDataset(data) ? data.x : data;
  const features = shape === undefined ? featuresOf(op, data) : sizeOf(shape);
  const { values, rows } = toMatrix(source, { op, name: 'data', features, shape: shape ?? [features], dtype: 'float64' });
  const mean = new Float64Array(features);
  for (let at = 0; at < values.length; at += features) for (let i = 0; i < features; i++) mean[i] += values[at + i];
  for (let i = 0; i < features; i++) mean[i] /= rows;
  const variance = new Float64Array(features);
  for (let at = 0; at < values.length; at += features) {
    for (let i = 0; i < features; i++) {
      const d = values[at + i] - mean[i];
      variance[i] += d * d;
    }
  }
  return { mean: Object.freeze([...mean]), variance: Object.freeze(Array.from(variance, (sum, i) => (isConstant(sum / rows, mean[i], rows) ? 1 : sum / rows))) };
}

/** Whether a variance is no more than what rounding leaves of rows that are all the same (scikit-learn 1.5, `_is_constant_feature`). */
function isConstant(variance: number, mean: number, rows: number): boolean {
  return variance <= rows * Number.EPSILON * variance + (rows * mean * Number.EPSILON) ** 2;
}

function featuresOf(op: string, data: unknown): number {
  if (isDataset(data)) return data.features;
  const count = (value: unknown, depth = 1): number => {
    checkDepth(op, 'data', 0, depth);
    return Array.isArray(value) ? value.reduce((sum: number, item: unknown) => sum + count(item, depth + 1), 0) : isNumericTypedArray(value) ? value.length : 1;
  };
  const first: unknown = Array.isArray(data) ? data[0] : undefined;
  if (typeof first === 'object' && first !== null && count(first) > 0) return count(first);
  throw new NablaError('ERR_SHAPE', `[${op}] the layer knows how many numbers a sample has. Expected inputShape in the layer's options, nested arrays or a data set for data, received ${show(data)}.`);
}
