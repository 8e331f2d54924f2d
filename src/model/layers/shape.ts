import { checkInteger, checkOptions, checkShape, itemsOf } from '../../base/checks.js';
import { NablaError, show, showList } from '../../base/errors.js';
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

/** Options of {@link reshape}. */
export interface ReshapeOptions {
  readonly targetShape: readonly number[];
  readonly inputShape?: readonly number[];
  readonly name?: string;
}

/**
 * The same numbers of a sample in another shape, row-major: [784] becomes [28, 28]. Dense layers take rows: layers.flatten() comes before one.
 * @param options `targetShape` without the batch, as many numbers as before; one size may be -1: what is left; `inputShape` for the first layer
 * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE; ERR_SHAPE when the model is built and the sizes do not agree
 * @example layers.reshape({ targetShape: [28, -1], inputShape: [784] })
 */
export function reshape(options: ReshapeOptions): Layer {
  const op = 'layers.reshape';
  checkOptions(op, options, ['targetShape', 'inputShape', 'name']);
  const target: unknown = options.targetShape;
  const given = Array.isArray(target) ? itemsOf(target) : target;
  if (!Array.isArray(given) || given.length === 0 || given.filter((size) => size === -1).length > 1) {
    throw new NablaError('ERR_SHAPE', `[${op}] a shape lists the sizes of one sample. Expected an array such as [28, 28] with at most one -1 for targetShape, received ${show(given)}.`);
  }
  return makeLayer({
    kind: 'reshape',
    name: checkLayerName(op, options.name),
    targetShape: Object.freeze(given.map((size: unknown) => (size === -1 ? -1 : checkInteger(op, 'each size of targetShape', size, 1)))),
    ...(options.inputShape === undefined ? {} : { inputShape: checkShape(op, 'inputShape', options.inputShape) }),
  });
}

/** The shape that a reshape gives to samples of `shape`; a -1 becomes what is left. @throws ERR_SHAPE where the sizes do not agree */
export function reshaped(op: string, name: string, targetShape: readonly number[], shape: readonly number[]): readonly number[] {
  const size = shape.reduce((product, length) => product * length, 1);
  const known = targetShape.reduce((product, length) => (length === -1 ? product : product * length), 1);
  const result = targetShape.map((length) => (length === -1 ? size / known : length));
  if (result.every(Number.isInteger) && result.reduce((product, length) => product * length, 1) === size) return result;
  throw new NablaError('ERR_SHAPE', `[${op}] a reshape keeps every number. Expected ${size} numbers (shape ${showList(shape, ' x ')}) for the targetShape of ${show(name)}, received ${showList(targetShape, ' x ')}.`);
}
