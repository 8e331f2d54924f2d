import type { FloatArray } from '../base/arrays.js';
import type { RandomStream } from './stream.js';

const WORDS = 512;

/** Fills with uniform numbers from [low, high). @param out filled whole @param stream source @param low default 0 @param high default 1 */
export function fillUniform(out: FloatArray, stream: RandomStream, low = 0, high = 1): void {
  const words = new Uint32Array(Math.min(WORDS, 2 * out.length));
  const signed = new Int32Array(words.buffer);
  const span = high - low;
  for (let at = 0; at < out.length; at += WORDS / 2) {
    const count = Math.min(WORDS / 2, out.length - at);
    stream.fill(words.subarray(0, 2 * count));
    // uniformOf of small integers: an engine that has not compiled this loop yet makes an object of every other number.
    for (let i = 0; i < count; i++) out[at + i] = low + span * (((signed[2 * i] >>> 5) * 67108864 + (signed[2 * i + 1] >>> 6)) / 9007199254740992);
  }
}
