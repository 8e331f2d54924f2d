// The numbers of a record: arrays of any kind that JSON or a program gives, taken as arrays of the model's type.
import { findUnusable } from '../../backend/contract/checks.js';
import type { DType, FloatArray } from '../../base/arrays.js';
import { isNumericTypedArray } from '../../base/arrays.js';
import { NablaError } from '../../base/errors.js';
import type { Flow } from '../../base/sync-async.js';
import { floatArray } from '../parameters/parameter-arrays.js';
import { wrong } from './record-fields.js';

/** An array whose size is known before its numbers are taken. */
export interface LazyArray {
  readonly size: number;
  /** The type it is stored in, which has to be the model's; null where numbers are converted. */
  readonly dtype: DType | null;
  /** A fresh array of finite numbers. @param name as errors call it @param dtype of the model */
  take(op: string, name: string, dtype: DType): Flow<FloatArray>;
}

/**
 * The array behind a value: typed, plain, or an object with the keys 0, 1, 2, …, which is what JSON makes of typed arrays.
 * @param path where the value is, for errors @throws ERR_FORMAT
 */
export function lazyArray(op: string, path: string, value: unknown): LazyArray {
  if (isNumericTypedArray(value)) return { size: value.length, dtype: null, take: (...how) => taken(value, ...how) };
  if (Array.isArray(value)) {
    const list: readonly unknown[] = value;
    return { size: list.length, dtype: null, take: (caller, name, dtype) => taken(numbers(op, path, list.length, (i) => list[i]), caller, name, dtype) };
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) throw wrong(op, path, 'numbers', value);
  const size = Object.keys(value).length;
  return { size, dtype: null, take: (caller, name, dtype) => taken(numbers(op, path, size, (i) => Reflect.get(value, i)), caller, name, dtype) };
}

function numbers(op: string, path: string, size: number, item: (index: number) => unknown): Float64Array {
  const out = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    const value = item(i);
    if (typeof value !== 'number') throw wrong(op, `${path}[${i}]`, 'a number', value);
    out[i] = value;
  }
  return out;
}

// eslint-disable-next-line require-yield -- files wait for their numbers, these are here
function* taken(values: ArrayLike<number>, op: string, name: string, dtype: DType): Flow<FloatArray> {
  const out = floatArray(dtype, values.length);
  out.set(values);
  checkAllFinite(op, name, out, 0, (i) => values[i]);
  return out;
}

/** @param first position of the first number in the whole array @param given the number as it was before it was converted @throws ERR_NON_FINITE */
export function checkAllFinite(op: string, name: string, values: FloatArray, first = 0, given: (index: number) => number = (i) => values[i]): void {
  const bad = findUnusable(values instanceof Float32Array ? 'float32' : 'float64')(values);
  if (bad >= 0) throw new NablaError('ERR_NON_FINITE', `[${op}] a parameter is finite in the model's type. Expected a finite number at ${first + bad} of ${name}, received ${given(bad)}.`);
}
