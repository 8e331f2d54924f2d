import type { FloatArray } from '../base/arrays.js';
import { log } from '../math/elementary.js';
import type { RandomStream } from './stream.js';

/**
 * Fills with normally distributed numbers: Marsaglia's polar method, two at a time. The logarithm is our own, so the numbers are the
 * same in every JavaScript engine. @param out filled whole @param stream source @param mean default 0 @param deviation default 1
 */
export function fillNormal(out: FloatArray, stream: RandomStream, mean = 0, deviation = 1): void {
  for (let i = 0; i < out.length; i += 2) {
    let u: number;
    let v: number;
    let s: number;
    do {
      u = 2 * stream.uniform() - 1;
      v = 2 * stream.uniform() - 1;
      s = u * u + v * v;
    } while (s >= 1 || s === 0);
    const factor = Math.sqrt((-2 * log(s)) / s);
    out[i] = mean + deviation * (u * factor);
    if (i + 1 < out.length) out[i + 1] = mean + deviation * (v * factor);
  }
}
