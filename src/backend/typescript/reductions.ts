// Sums in the orders that docs/numerics.md fixes, and the rounding of stored values.
import type { DType } from '../../base/arrays.js';

/** Lanes of sums along a vector. */
export function laneCount(dtype: DType): number {
  return dtype === 'float32' ? 16 : 8;
}

/** lanes (L) -> their sum, folded L/2, …, 2, 1. Destroys lanes. */
export function foldLanes(lanes: Float64Array): number {
  for (let half = lanes.length >> 1; half >= 1; half >>= 1) {
    for (let j = 0; j < half; j++) lanes[j] += lanes[j + half];
  }
  return lanes[0];
}

/** values (count) from offset -> their sum, element i in lane i mod L. lanes (L) is scratch. */
export function laneSum(values: Float64Array, offset: number, count: number, lanes: Float64Array): number {
  // What the lanes come to.
  if (count === 1) return 0 + values[offset];
  lanes.fill(0);
  const mask = lanes.length - 1;
  for (let i = 0; i < count; i++) lanes[i & mask] += values[offset + i];
  return foldLanes(lanes);
}

/** A constant as the network's type holds it. */
export function roundedTo(dtype: DType, value: number): number {
  return dtype === 'float32' ? Math.fround(value) : value;
}

/** Rounds values[0, count) to the type they are stored in; everything before was computed in double. */
export function storeAs(dtype: DType, values: Float64Array, count: number = values.length): void {
  if (dtype === 'float64') return;
  for (let i = 0; i < count; i++) values[i] = Math.fround(values[i]);
}
