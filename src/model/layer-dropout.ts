import { checkOptions, checkReal } from './checks.js';
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
