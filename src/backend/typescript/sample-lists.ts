// Samples of mostly zeros as lists, made once at load: looking for the zeros again in every pass costs more than the products themselves.
import type { InputArray } from '../../base/arrays.js';
import type { Nonzeros } from './sparse.js';

/** Above this part of elements that are not 0 samples stay as they came (measured: lists and dense products meet near 0.6). */
const DENSE_FROM = 0.5;
/** Shorter rows gain nothing; indices are 16 bits wide. */
const FEWEST_FEATURES = 64, MOST_FEATURES = 65536;

/** Nonzero elements of row r: [starts[r], starts[r + 1]) of indices and values, ascending; values as they came. */
export interface SampleLists {
  readonly features: number;
  readonly starts: Float64Array;
  readonly indices: Uint16Array;
  readonly values: InputArray;
}

/** x (rows, features) -> its lists, or null where there are too many nonzeros to gain by it. */
export function listSamples(x: InputArray, rows: number, features: number): SampleLists | null {
  if (features < FEWEST_FEATURES || features > MOST_FEATURES) return null;
  const starts = new Float64Array(rows + 1);
  if (x instanceof Uint8Array) countBytes(x, rows, features, starts);
  else countFloats(x, rows, features, starts);
  const count = starts[rows];
  if (count > DENSE_FROM * rows * features) return null;
  const indices = new Uint16Array(count);
  const values = x instanceof Uint8Array ? new Uint8Array(count) : x instanceof Float32Array ? new Float32Array(count) : new Float64Array(count);
  // One function a kind of array: a loop that sees several is several times slower.
  if (x instanceof Uint8Array && values instanceof Uint8Array) fillBytes(x, rows, features, indices, values);
  else fillFloats(x, rows, features, indices, values);
  return { features, starts, indices, values };
}

function countBytes(x: Uint8Array, rows: number, features: number, starts: Float64Array): void {
  let count = 0;
  for (let row = 0; row < rows; row++) {
    for (let i = row * features; i < (row + 1) * features; i++) count += x[i] === 0 ? 0 : 1;
    starts[row + 1] = count;
  }
}

function countFloats(x: InputArray, rows: number, features: number, starts: Float64Array): void {
  let count = 0;
  for (let row = 0; row < rows; row++) {
    for (let i = row * features; i < (row + 1) * features; i++) count += x[i] === 0 ? 0 : 1;
    starts[row + 1] = count;
  }
}

function fillBytes(x: Uint8Array, rows: number, features: number, indices: Uint16Array, values: Uint8Array): void {
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let feature = 0; feature < features; feature++) {
      const element = x[row * features + feature];
      if (element === 0) continue;
      indices[at] = feature;
      values[at++] = element;
    }
  }
}

function fillFloats(x: InputArray, rows: number, features: number, indices: Uint16Array, values: InputArray): void {
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let feature = 0; feature < features; feature++) {
      const element = x[row * features + feature];
      if (element === 0) continue;
      indices[at] = feature;
      values[at++] = element;
    }
  }
}

/** Row `row` with its zeros -> out[at, at + features). */
export function expandRow(lists: SampleLists, row: number, out: Float64Array, at: number): void {
  out.fill(0, at, at + lists.features);
  for (let k = lists.starts[row]; k < lists.starts[row + 1]; k++) out[at + lists.indices[k]] = lists.values[k];
}

/** Rows of samples gathered as the products take them; grows, and serves until the next gather. */
export class GatheredRows implements Nonzeros {
  lines = 0;
  starts = new Int32Array(1);
  indices = new Int32Array(0);
  values = new Float64Array(0);

  /** Takes rows order[from, to) (or from, from + 1, … where order is null), bytes as what `bytes` (256) says. @returns how many elements they have */
  gather(lists: SampleLists, order: Uint32Array | null, from: number, to: number, bytes: Float64Array): number {
    this.lines = to - from;
    if (this.starts.length < this.lines + 1) this.starts = new Int32Array(this.lines + 1);
    let count = 0;
    for (let position = from; position < to; position++) {
      const row = order === null ? position : order[position];
      count += lists.starts[row + 1] - lists.starts[row];
      this.starts[position - from + 1] = count;
    }
    if (this.indices.length < count) {
      this.indices = new Int32Array(count);
      this.values = new Float64Array(count);
    }
    if (lists.values instanceof Uint8Array) copyBytes(lists.starts, lists.indices, lists.values, bytes, order, from, to, this.indices, this.values);
    else copyFloats(lists.starts, lists.indices, lists.values, order, from, to, this.indices, this.values);
    return count;
  }
}

function copyBytes(
  starts: Float64Array, fromIndices: Uint16Array, fromValues: Uint8Array, bytes: Float64Array, order: Uint32Array | null, from: number, to: number,
  indices: Int32Array, values: Float64Array,
): void {
  let at = 0;
  for (let position = from; position < to; position++) {
    const row = order === null ? position : order[position], end = starts[row + 1];
    for (let k = starts[row]; k < end; k++) {
      indices[at] = fromIndices[k];
      values[at++] = bytes[fromValues[k]];
    }
  }
}

function copyFloats(
  starts: Float64Array, fromIndices: Uint16Array, fromValues: InputArray, order: Uint32Array | null, from: number, to: number, indices: Int32Array, values: Float64Array,
): void {
  let at = 0;
  for (let position = from; position < to; position++) {
    const row = order === null ? position : order[position], end = starts[row + 1];
    for (let k = starts[row]; k < end; k++) {
      indices[at] = fromIndices[k];
      values[at++] = fromValues[k];
    }
  }
}
