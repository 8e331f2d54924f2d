// Long vectors, worked through in pieces with turns of the event loop between. Sums are float64, one chain over ascending index, however long the pieces are.
import type { DType, FloatArray } from '../base/arrays.js';
import { spend, type Flow } from '../base/sync-async.js';

const PIECE = 1 << 18;

/** Calls `body` for parts of [0, length), in order, until it returns false. */
function* inPieces(length: number, body: (from: number, to: number) => unknown): Flow<void> {
  for (let from = 0; from < length; from += PIECE) {
    const to = Math.min(from + PIECE, length);
    if (body(from, to) === false) return;
    yield* spend(to - from);
  }
}

/** A fresh array of zeros. */
export function zeros(dtype: DType, length: number): FloatArray {
  return dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
}

/** Σ a·b */
export function* dot(a: FloatArray, b: FloatArray): Flow<number> {
  let sum = 0;
  yield* inPieces(a.length, (from, to) => void (sum = dotPart(a, b, from, to, sum)));
  return sum;
}
function dotPart(a: FloatArray, b: FloatArray, from: number, to: number, start: number): number {
  let sum = start;
  for (let k = from; k < to; k++) sum += a[k] * b[k];
  return sum;
}

/** sum += factor · values */
export function* addScaled(sum: Float64Array, factor: number, values: FloatArray): Flow<void> {
  yield* inPieces(sum.length, (from, to) => {
    for (let k = from; k < to; k++) sum[k] += factor * values[k];
  });
}

/** @returns a + factor · b */
export function* along(a: Float64Array, factor: number, b: Float64Array): Flow<Float64Array> {
  const out = new Float64Array(a.length);
  yield* inPieces(a.length, (from, to) => {
    for (let k = from; k < to; k++) out[k] = a[k] + factor * b[k];
  });
  return out;
}

/** a *= factor */
export function* scale(a: Float64Array, factor: number): Flow<void> {
  yield* inPieces(a.length, (from, to) => {
    for (let k = from; k < to; k++) a[k] *= factor;
  });
}

/** @returns -a */
export function* negated(a: Float64Array): Flow<Float64Array> {
  const out = new Float64Array(a.length);
  yield* inPieces(a.length, (from, to) => {
    for (let k = from; k < to; k++) out[k] = -a[k];
  });
  return out;
}

/** @returns a - b in the given type */
export function* difference(dtype: DType, a: Float64Array, b: Float64Array): Flow<FloatArray> {
  const out = zeros(dtype, a.length);
  yield* inPieces(a.length, (from, to) => {
    for (let k = from; k < to; k++) out[k] = a[k] - b[k];
  });
  return out;
}

/** @returns the same numbers in an array of the given type */
export function* converted(dtype: DType, a: FloatArray): Flow<FloatArray> {
  const out = zeros(dtype, a.length);
  yield* inPieces(a.length, (from, to) => { out.set(a.subarray(from, to), from); });
  return out;
}

/** @returns the arrays behind each other */
export function* joined(arrays: readonly FloatArray[], length: number): Flow<Float64Array> {
  const flat = new Float64Array(length);
  let at = 0;
  for (const array of arrays) {
    const begin = at;
    yield* inPieces(array.length, (from, to) => { flat.set(array.subarray(from, to), begin + from); });
    at += array.length;
  }
  return flat;
}

/** max |a|; NaN where one is. */
export function* largest(a: Float64Array): Flow<number> {
  let most = 0;
  yield* inPieces(a.length, (from, to) => {
    let part = most;
    for (let k = from; k < to; k++) part = Math.max(part, Math.abs(a[k]));
    most = part;
  });
  return most;
}

/** Σ |a| */
export function* sumOfMagnitudes(a: Float64Array): Flow<number> {
  let sum = 0;
  yield* inPieces(a.length, (from, to) => {
    let part = sum;
    for (let k = from; k < to; k++) part += Math.abs(a[k]);
    sum = part;
  });
  return sum;
}

/** Whether all numbers are the same ones; NaN is no other's equal. */
export function* equal(a: Float64Array, b: Float64Array): Flow<boolean> {
  let same = true;
  yield* inPieces(a.length, (from, to) => {
    for (let k = from; k < to && same; k++) same = a[k] === b[k];
    return same;
  });
  return same;
}
