import { checkBoolean, checkOptions, checkReal, checkShape } from '../../base/checks.js';
import { checkBiasInitializer, type InitializerOption } from '../parameters/initializers.js';
import { checkLayerName, makeLayer, trainableConfig, type Layer } from './layer.js';

/** Options of {@link layerNormalization}. */
export interface LayerNormalizationOptions {
  readonly epsilon?: number;
  readonly center?: boolean;
  readonly scale?: boolean;
  readonly betaInitializer?: InitializerOption;
  readonly gammaInitializer?: InitializerOption;
  readonly trainable?: boolean;
  readonly inputShape?: readonly number[];
  readonly name?: string;
}
/** Options of {@link batchNormalization}. */
export interface BatchNormalizationOptions extends LayerNormalizationOptions {
  readonly momentum?: number;
}

const common = ['epsilon', 'center', 'scale', 'betaInitializer', 'gammaInitializer', 'trainable', 'inputShape', 'name'] as const;

function normOptions(op: string, options: LayerNormalizationOptions) {
  const beta = checkBiasInitializer(op, options.betaInitializer ?? 'zeros', 'betaInitializer');
  const gamma = checkBiasInitializer(op, options.gammaInitializer ?? 'ones', 'gammaInitializer');
  return {
    values: { beta: beta.values, gamma: gamma.values },
    config: {
      name: checkLayerName(op, options.name),
      epsilon: checkReal(op, 'epsilon', options.epsilon ?? 1e-5, { minimum: 0, minimumOpen: true }),
      center: checkBoolean(op, 'center', options.center ?? true),
      scale: checkBoolean(op, 'scale', options.scale ?? true),
      betaInitializer: beta.config,
      gammaInitializer: gamma.config,
      ...trainableConfig(op, options.trainable),
      ...(options.inputShape === undefined ? {} : { inputShape: checkShape(op, 'inputShape', options.inputShape) }),
    },
  };
}

/**
 * Each sample by its own mean and variance: gamma·(x - mean)/√(variance + epsilon) + beta, variance = Σ (x - mean)² / units, gamma and beta (units)
 * trained (J. L. Ba et al. 2016). The same in training and prediction.
 * @param options `epsilon` above 0, default 1e-5 (PyTorch; Keras has 1e-3); `center` whether there is a beta, default true; `scale` whether there is a gamma, default true;
 * `betaInitializer` default 'zeros'; `gammaInitializer` default 'ones'; `trainable` default true: false keeps gamma and beta as they are (Keras; gradients pass through); `inputShape` for the first layer; `name` default layerNormalization, …
 * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
 * @example layers.layerNormalization()
 */
export function layerNormalization(options: LayerNormalizationOptions = {}): Layer {
  const op = 'layers.layerNormalization';
  checkOptions(op, options, common);
  const { config, values } = normOptions(op, options);
  return makeLayer({ kind: 'layerNormalization', ...config }, values);
}

/**
 * Each unit by the mean and variance of the batch: gamma·(x - mean)/√(variance + epsilon) + beta, variance = Σ (x - mean)² / rows (S. Ioffe, C. Szegedy 2015).
 * Predictions take moving statistics: moving = momentum·moving + (1 - momentum)·batch at each update, the batch's variance divided by rows - 1 (PyTorch;
 * Keras divides by rows). They start at mean 0 and variance 1 and belong to the model's weights and file.
 * @param options `momentum` in [0, 1], the part that is kept, default 0.9 (PyTorch's momentum 0.1; Keras has 0.99); `epsilon` above 0, default 1e-5 (PyTorch; Keras 1e-3); `center`,
 * `scale`, `betaInitializer`, `gammaInitializer`, `inputShape`, `name` as in {@link layerNormalization}; `trainable` default true: false keeps gamma, beta and the
 * moving statistics as they are and takes these in training too (Keras), on batches of one row as well
 * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE; ERR_RANGE when training on a batch of one row, unless `trainable` is false
 * @example [layers.dense({ units: 64, useBias: false }), layers.batchNormalization(), layers.activation('relu')]
 */
export function batchNormalization(options: BatchNormalizationOptions = {}): Layer {
  const op = 'layers.batchNormalization';
  checkOptions(op, options, [...common, 'momentum']);
  const { config, values } = normOptions(op, options);
  return makeLayer({ kind: 'batchNormalization', ...config, momentum: checkReal(op, 'momentum', options.momentum ?? 0.9, { minimum: 0, maximum: 1 }) }, values);
}
