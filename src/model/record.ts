// ModelRecord: what a model file holds, as plain data. src/io turns it into bytes and back.
import type { DType, FloatArray } from '../base/arrays.js';
import type { OptimizerState } from './optimizer-state.js';
import type { OptimizerConfig } from './optimizer.js';
import type { CustomLossConfig } from './custom-loss.js';
import type { LossConfig } from './losses.js';
import type { JsonValue } from './json-value.js';
import type { InitializerConfig } from './initializers.js';
import type { ActivationConfig } from './activations.js';
import type { Constraint, NonNegative } from './constraints.js';
import type { MetricName } from '../metrics/by-name.js';

/** A layer as it is written to a file: everything but its numbers. */
export type LayerConfig =
  | { readonly kind: 'input'; readonly name: string; readonly shape: readonly number[] }
  | { readonly kind: 'flatten'; readonly name: string; readonly inputShape?: readonly number[] }
  | { readonly kind: 'reshape'; readonly name: string; readonly targetShape: readonly number[]; readonly inputShape?: readonly number[] }
  | { readonly kind: 'rescaling'; readonly name: string; readonly scale: number; readonly offset: number; readonly inputShape?: readonly number[] }
  | {
      readonly kind: 'normalization';
      readonly name: string;
      /** One number a feature; null before adapt. */
      readonly mean: readonly number[] | null;
      readonly variance: readonly number[] | null;
      readonly inputShape?: readonly number[];
    }
  | {
      readonly kind: 'dense';
      readonly name: string;
      readonly units: number;
      readonly activation: ActivationConfig;
      readonly useBias: boolean;
      readonly kernelInitializer: InitializerConfig;
      readonly biasInitializer: InitializerConfig;
      /** Keras' l2: adds l2·Σweight² to the loss. */
      readonly l2: number;
      /** Adds l1·Σ|weight| to the loss; left out where it is 0. */
      readonly l1?: number;
      readonly kernelConstraint?: Constraint;
      readonly biasConstraint?: NonNegative;
      readonly learningRateFactor: number;
      /** Left out where it is true. */
      readonly trainable?: boolean;
      readonly inputShape?: readonly number[];
    }
  | { readonly kind: 'activation'; readonly name: string; readonly activation: ActivationConfig }
  | { readonly kind: 'dropout'; readonly name: string; readonly rate: number }
  | { readonly kind: 'gaussianNoise'; readonly name: string; readonly stddev: number; readonly inputShape?: readonly number[] }
  | { readonly kind: 'prelu'; readonly name: string; readonly alphaInitializer: InitializerConfig; readonly trainable?: boolean; readonly inputShape?: readonly number[] }
  | (NormConfig & { readonly kind: 'layerNormalization' })
  | (NormConfig & { readonly kind: 'batchNormalization'; readonly momentum: number });

/** What layer and batch normalization share. */
export interface NormConfig {
  readonly name: string;
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly betaInitializer: InitializerConfig;
  readonly gammaInitializer: InitializerConfig;
  /** Left out where it is true. */
  readonly trainable?: boolean;
  readonly inputShape?: readonly number[];
}

/** The arguments of `compile`. */
export interface CompileConfig {
  /** null where the learning rate was a function of the user's, which no file can hold: compile again to go on training. Schedules are stored. */
  readonly optimizer: OptimizerConfig | null;
  /** A custom loss's function no file can hold: compile again to train or evaluate. */
  readonly loss: LossConfig | CustomLossConfig;
  readonly metrics: readonly MetricName[];
}

/** Description of a model in values JSON can hold. */
export interface ModelConfig {
  readonly layers: readonly LayerConfig[];
  readonly dtype: DType;
  readonly seed: number;
  readonly compile: CompileConfig | null;
}

/** One array of a model: `name` is LAYER.weight (out, in) or LAYER.bias, gamma, beta, alpha, movingMean, movingVariance (out). */
export interface TensorRecord {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: FloatArray;
}

/** A model as plain data. */
export interface ModelRecord {
  readonly formatVersion: 1;
  readonly config: ModelConfig;
  /** The parameters in canonical order, then the moving statistics of batch normalizations. */
  readonly tensors: readonly TensorRecord[];
  readonly classNames?: readonly string[];
  /** Figures worth keeping beside the weights, for example the test accuracy. */
  readonly metrics?: Readonly<Record<string, number>>;
  /** What a program keeps beside the weights. */
  readonly extra?: JsonValue;
  /** What the optimizer has learned, where the model was saved with it. */
  readonly optimizerState?: OptimizerState;
}

/** A record that came from a file: its description is parsed JSON that nobody has checked yet. A {@link ModelRecord} is one too. */
export type StoredRecord = Omit<ModelRecord, 'config'> & { readonly config: unknown };
