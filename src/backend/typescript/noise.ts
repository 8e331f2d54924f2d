// Gaussian noise: normal numbers by counter, so nothing is stored. Everything is double and no product joins a sum in one rounding: the
// same numbers on every instruction set.
import type { DType } from '../../base/arrays.js';
import { log } from '../../math/elementary.js';
import { philoxFill } from '../../random/philox.js';
import { purposes } from '../../random/purposes.js';
import { roundedTo } from './reductions.js';

const QUARTER = 1.5707963267948966;
/** Taylor's coefficients of sin(t)/t - 1 and cos(t) - 1 in t², beginning with t². */
const SINE = [-1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800, 1 / 6227020800, -1 / 1307674368000] as const;
const COSINE = [-1 / 2, 1 / 24, -1 / 720, 1 / 40320, -1 / 3628800, 1 / 479001600, -1 / 87178291200] as const;

function horner(coefficients: readonly number[], w: number): number {
  let p = coefficients[coefficients.length - 1];
  for (let i = coefficients.length - 2; i >= 0; i--) p = p * w + coefficients[i];
  return p;
}

/** Two words -> two independent standard normal numbers at out[at] (G. Box, M. Muller 1958); |t| <= π/4, the angle's quarter from the second word's high bits. */
export function normalPair(first: number, second: number, out: Float64Array, at: number): void {
  const radius = Math.sqrt(-2 * log((first + 0.5) / 4294967296));
  const t = (((second & 0x3fffffff) + 0.5) / 1073741824 - 0.5) * QUARTER;
  const w = t * t;
  const sine = radius * (t * w * horner(SINE, w) + t), cosine = radius * (w * horner(COSINE, w) + 1);
  const quarter = second >>> 30;
  out[at] = quarter === 0 ? cosine : quarter === 1 ? -sine : quarter === 2 ? -cosine : sine;
  out[at + 1] = quarter === 0 ? sine : quarter === 1 ? cosine : quarter === 2 ? -sine : -cosine;
}

const words = new Uint32Array(4);
const normals = new Float64Array(4);

/** x (rows, units) -> y = x + deviation · normal, into y (may be x). `layer` is the index in spec.layers; rows and step as for dropout. */
export function addNoise(
  dtype: DType, layer: number, deviation: number, seed: number, step: number, firstRow: number, x: Float64Array, y: Float64Array, rows: number, units: number,
): void {
  const key0 = seed % 4294967296, key1 = Math.floor(seed / 4294967296);
  const purpose = 256 * layer + purposes.gaussianNoise;
  for (let row = 0; row < rows; row++) {
    const at = row * units;
    for (let unit = 0; unit < units; unit++) {
      if ((unit & 3) === 0) {
        philoxFill(unit >>> 2, firstRow + row, step, purpose, key0, key1, words, 0, 1);
        normalPair(words[0], words[1], normals, 0);
        normalPair(words[2], words[3], normals, 2);
      }
      y[at + unit] = x[at + unit] + roundedTo(dtype, deviation * normals[unit & 3]);
    }
  }
}
