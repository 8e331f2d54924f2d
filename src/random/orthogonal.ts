import type { FloatArray } from '../base/arrays.js';
import { fillNormal } from './normal.js';
import type { RandomStream } from './stream.js';

/**
 * Fills a matrix with orthonormal rows (rows <= columns) or columns, times `gain`, every such matrix equally likely (A. Saxe et al. 2013): Q of the QR
 * decomposition of a normal matrix by Householder reflections, each column's sign chosen so that R's diagonal is positive (F. Mezzadri 2007).
 * Computed in double. @param out (rows, columns) row-major @param stream source @param gain any number
 */
export function fillOrthogonal(out: FloatArray, rows: number, columns: number, stream: RandomStream, gain: number): void {
  const long = Math.max(rows, columns);
  const short = Math.min(rows, columns);
  // Vectors (short, long): the columns of the tall matrix lie side by side in memory.
  const vectors = new Float64Array(short * long);
  fillNormal(vectors, stream);
  const signs = new Float64Array(short);
  for (let k = 0; k < short; k++) signs[k] = makeReflector(vectors, k, long, short);
  // Q's first columns are the reflections of the unit vectors, the last reflection first.
  const q = new Float64Array(short * long);
  for (let k = 0; k < short; k++) q[k * long + k] = 1;
  for (let k = short - 1; k >= 0; k--) {
    for (let j = k; j < short; j++) reflect(vectors, k, q, j, long);
  }
  for (let k = 0; k < short; k++) {
    for (let i = 0; i < long; i++) out[rows <= columns ? k * long + i : i * short + k] = gain * signs[k] * q[k * long + i];
  }
}

/** Makes vector k the unit normal of a mirror that clears what lies below its place k, and reflects the later vectors. @returns the sign of R's entry */
function makeReflector(vectors: Float64Array, k: number, long: number, short: number): number {
  const first = k * long;
  let square = 0;
  for (let i = k; i < long; i++) square += vectors[first + i] * vectors[first + i];
  const length = Math.sqrt(square);
  const head = vectors[first + k];
  // Away from 0, so that nothing cancels; R's entry then has the other sign.
  const sign = head >= 0 ? 1 : -1;
  vectors[first + k] = head + sign * length;
  const norm = Math.sqrt(2 * (square + sign * head * length));
  for (let i = k; i < long; i++) vectors[first + i] /= norm;
  for (let j = k + 1; j < short; j++) reflect(vectors, k, vectors, j, long);
  return -sign;
}

/** target[j] -= 2·v·(v·target[j]), v being vector k from its place k on. */
function reflect(vectors: Float64Array, k: number, target: Float64Array, j: number, long: number): void {
  const mirror = k * long;
  const row = j * long;
  let dot = 0;
  for (let i = k; i < long; i++) dot += vectors[mirror + i] * target[row + i];
  dot *= 2;
  for (let i = k; i < long; i++) target[row + i] -= dot * vectors[mirror + i];
}
