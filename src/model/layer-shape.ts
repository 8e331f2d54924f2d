import { checkOptions, checkShape } from './checks.js';
import { checkLayerName, makeLayer, type Layer } from './layer.js';

/** Options of {@link input}. */
export interface InputOptions {
  readonly shape: readonly number[];
  readonly name?: string;
}
/** Options of {@link flatten}. */
export interface FlattenOptions {
  readonly inputShape?: readonly number[];
  readonly name?: string;
}

/** Says the shape of a sample; the first layer's `inputShape` does the same. @param options `shape` without the batch @throws ERR_SHAPE, ERR_OPTION */
export function input(options: InputOptions): Layer {
  const op = 'layers.input';
  checkOptions(op, options, ['shape', 'name']);
  return makeLayer({ kind: 'input', name: checkLayerName(op, options.name), shape: checkShape(op, 'shape', options.shape) });
}

/** A sample of several dimensions as one row: [28, 28] becomes [784]. @param options `inputShape` for the first layer @throws ERR_SHAPE, ERR_OPTION */
export function flatten(options: FlattenOptions = {}): Layer {
  const op = 'layers.flatten';
  checkOptions(op, options, ['inputShape', 'name']);
  return makeLayer({
    kind: 'flatten',
    name: checkLayerName(op, options.name),
    ...(options.inputShape === undefined ? {} : { inputShape: checkShape(op, 'inputShape', options.inputShape) }),
  });
}
