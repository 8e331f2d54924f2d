import { checkOptions, checkReal, checkShape } from '../../base/checks.js';
import { checkLayerName, makeLayer, type Layer } from './layer.js';

/** Options of {@link rescaling}. */
export interface RescalingOptions {
  readonly scale: number;
  readonly offset?: number;
  readonly inputShape?: readonly number[];
  readonly name?: string;
}

/**
 * x·scale + offset, before the first dense layer: raw pixels in, scaled numbers inside, and a saved model takes raw pixels too.
 * @param options `scale` for example 1 / 255; `offset` default 0; `inputShape` for the first layer
 * @throws ERR_RANGE, ERR_OPTION
 * @example layers.rescaling({ scale: 1 / 255, inputShape: [784] })
 */
export function rescaling(options: RescalingOptions): Layer {
  const op = 'layers.rescaling';
  checkOptions(op, options, ['scale', 'offset', 'inputShape', 'name']);
  return makeLayer({
    kind: 'rescaling',
    name: checkLayerName(op, options.name),
    scale: checkReal(op, 'scale', options.scale),
    offset: checkReal(op, 'offset', options.offset ?? 0),
    ...(options.inputShape === undefined ? {} : { inputShape: checkShape(op, 'inputShape', options.inputShape) }),
  });
}
