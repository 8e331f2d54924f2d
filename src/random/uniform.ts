import type { FloatArray } from '../backend/spec.js';
import { uniformOf, type RandomStream } from './stream.js';

const WORDS = 512;

/** Fills with uniform numbers from [low, high). @param out filled whole @param stream source @param low default 0 @param high default 1 */
export function fillUniform(out: FloatArray, stream: RandomStream, low = 0, high = 1): void {
  const words = new Uint32Array(Math.min(WORDS, 2 * out.length));
  for (let at = 0; at < out.length; at += WORDS / 2) {
    const count = Math.min(WORDS / 2, out.length - at);
    stream.fill(words.subarray(0, 2 * count));
    for (let i = 0; i < count; i++) out[at + i] = low + (high - low) * uniformOf(words[2 * i], words[2 * i + 1]);
  }
}
