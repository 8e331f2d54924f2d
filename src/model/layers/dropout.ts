import { checkOptions, checkReal, checkShape } from '../../base/checks.js';
import { checkLayerName, makeLayer, type Layer } from './layer.js';

/** Options of {@link dropout}. */
export interface DropoutOptions {
  readonly rate: number;
  readonly name?: string;
}

/**
 * In training, zeroes each number with probability `rate` and multiplies the others by 1/(1-rate); predictions are untouched.
 * @param options `rate` in [0, 1)
 * @throws ERR_RANGE, ERR_OPTION
 * @example layers.dropout({ rate: 0.2 })
 */
export function dropout(options: DropoutOptions): Layer {
  const op = 'layers.dropout';
  checkOptions(op, options, ['rate', 'name']);
  return makeLayer({ kind: 'dropout', name: checkLayerName(op, options.name), rate: checkReal(op, 'rate', options.rate, { minimum: 0, maximum: 1, maximumOpen: true }) });
}

/** Options of {@link gaussianNoise}. */
export interface GaussianNoiseOptions {
  readonly stddev: number;
  readonly inputShape?: readonly number[];
  readonly name?: string;
}

/**
 * In training, adds normal noise of mean 0 to each number; predictions are untouched. The noise of a step follows from the model's seed.
 * @param options `stddev` its deviation, at least 0; `inputShape` for the first layer
 * @throws ERR_RANGE, ERR_OPTION
 * @example layers.gaussianNoise({ stddev: 0.1 })
 */
export function gaussianNoise(options: GaussianNoiseOptions): Layer {
  const op = 'layers.gaussianNoise';
  checkOptions(op, options, ['stddev', 'inputShape', 'name']);
  return makeLayer({
    kind: 'gaussianNoise',
    name: checkLayerName(op, options.name),
    stddev: checkReal(op, 'stddev', options.stddev, { minimum: 0 }),
    ...(options.inputShape === undefined ? {} : { inputShape: checkShape(op, 'inputShape', options.inputShape) }),
  });
}
