// Arrays of parameters in the network's type.
import type { DType, FloatArray } from '../../base/arrays.js';
import { NablaError, show, showList } from '../../base/errors.js';
import { toMatrix } from '../inputs/samples.js';

/** A fresh array of the network's type. @throws ERR_MEMORY */
export function floatArray(dtype: DType, length: number): FloatArray {
  try {
    return dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
  } catch (error) {
    throw new NablaError('ERR_MEMORY', `[sequential] the network fits into memory. Expected room for an array of ${length} numbers, received none.`, { cause: error });
  }
}

/** Numbers given for a parameter, rounded to the network's type. @returns a fresh array @throws ERR_SHAPE, ERR_TYPE, ERR_NON_FINITE */
export function toParameter(op: string, name: string, value: unknown, shape: readonly number[], dtype: DType): FloatArray {
  const features = shape.at(-1) ?? 1;
  const matrix = toMatrix(value, { op, name, features, shape: [features], dtype });
  const rows = shape.length === 1 ? 1 : (shape[0] ?? 1);
  if (matrix.rows !== rows) {
    throw new NablaError('ERR_SHAPE', `[${op}] a parameter has its shape, (out, in). Expected ${showList(shape, ' x ')} for ${name}, received ${matrix.rows} x ${features}.`);
  }
  if (Array.isArray(value) && shape.length === 2 && Array.isArray(value[0]) && value.length !== rows) {
    throw new NablaError('ERR_SHAPE', `[${op}] a parameter has its shape, (out, in). Expected ${showList(shape, ' x ')} for ${name}, received ${show(value)}.`);
  }
  // Not `from`, which asks for every number alone.
  return dtype === 'float32' ? new Float32Array(matrix.values) : new Float64Array(matrix.values);
}
