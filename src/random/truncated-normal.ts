import type { FloatArray } from '../base/arrays.js';
import { fillNormal } from './normal.js';
import type { RandomStream } from './stream.js';

/** Standard deviation of a standard normal number that was cut at two deviations: √(1 - 4·φ(2)/(2·Φ(2) - 1)). */
export const truncatedDeviation = 0.8796256610342398;

/**
 * Fills with normal numbers no farther than two deviations from the mean: those farther away are drawn again (Keras). The result's own deviation is
 * {@link truncatedDeviation} times `deviation`. @param out filled whole @param stream source @param mean default 0 @param deviation default 1, before the cut
 */
export function fillTruncatedNormal(out: FloatArray, stream: RandomStream, mean = 0, deviation = 1): void {
  const pair = new Float64Array(2);
  for (let i = 0; i < out.length;) {
    fillNormal(pair, stream);
    for (const value of pair) {
      if (Math.abs(value) <= 2 && i < out.length) out[i++] = mean + deviation * value;
    }
  }
}
