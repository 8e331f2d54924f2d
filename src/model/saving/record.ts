// ModelRecord: what a model file holds, as plain data. src/io turns it into bytes and back.
import type { DType, FloatArray } from '../../base/arrays.js';
import type { OptimizerState } from '../optimizers/state.js';
import type { OptimizerConfig } from '../optimizers/optimizer.js';
import type { CustomLossConfig } from '../losses/custom-loss.js';
import type { LayerConfig } from '../layers/config.js';
import type { LossConfig } from '../losses/index.js';
import type { JsonValue } from './json-value.js';
import type { MetricName } from '../../metrics/by-name.js';

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
