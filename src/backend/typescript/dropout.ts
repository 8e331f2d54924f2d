// Dropout: masks are counter-based, so nothing is stored and forward and backward are one function.
import { philoxFill } from '../../random/philox.js';

/** The purpose number of dropout in a mask's counter. */
const PURPOSE = 1;

/** One dropout layer, its numbers worked out. */
export interface Dropout {
  /** Index in spec.layers. */
  readonly layer: number;
  /** A unit is kept where its word reaches this: round(rate · 2^32). */
  readonly threshold: number;
  /** 1 / (1 - rate), as the network's type holds it. */
  readonly factor: number;
}

const words = new Uint32Array(4);

/** values (rows, units) -> kept values times the factor, others 0, into out (may be values). The rows are those from `firstRow` on of
 * the batch of update number `step`. Serves a on the way forward and da on the way back. */
export function applyDropout(
  dropout: Dropout, seed: number, step: number, firstRow: number, values: Float64Array, out: Float64Array, rows: number, units: number,
): void {
  const { threshold, factor } = dropout;
  const key0 = seed % 4294967296, key1 = Math.floor(seed / 4294967296);
  const purpose = 256 * dropout.layer + PURPOSE;
  for (let row = 0; row < rows; row++) {
    const at = row * units;
    for (let unit = 0; unit < units; unit++) {
      if ((unit & 3) === 0) philoxFill(unit >>> 2, firstRow + row, step, purpose, key0, key1, words, 0, 1);
      out[at + unit] = words[unit & 3] >= threshold ? values[at + unit] * factor : 0;
    }
  }
}
