import type { FloatArray } from '../backend/spec.js';
import type { RandomStream } from './stream.js';

/** Fills with uniform numbers from [low, high). @param out filled whole @param stream source @param low default 0 @param high default 1 */
export function fillUniform(out: FloatArray, stream: RandomStream, low = 0, high = 1): void {
  for (let i = 0; i < out.length; i++) out[i] = low + (high - low) * stream.uniform();
}
