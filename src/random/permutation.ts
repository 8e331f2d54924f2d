import { NablaError, show } from '../base/errors.js';
import { multiplyHigh } from './philox.js';
import { isFair, RandomStream } from './stream.js';

const WORDS = 512;

/**
 * The numbers 0 to n-1 in random order (Fisher-Yates from the end, unbiased bounded integers).
 * @param n 0 to 2^32-1
 * @param seed 0 to 2^53-1
 * @param purpose a number of `purposes`
 * @param index which permutation of that purpose, for example the epoch
 * @returns a fresh array of n numbers
 * @throws ERR_RANGE
 */
export function permutation(n: number, seed: number, purpose: number, index: number): Uint32Array {
  if (!Number.isInteger(n) || n < 0 || n > 4294967295) {
    throw new NablaError('ERR_RANGE', `[permutation] the length is a whole number. Expected 0 to 2^32-1 for n, received ${show(n)}.`);
  }
  const stream = new RandomStream(seed, purpose, index);
  const order = new Uint32Array(n);
  for (let i = 0; i < n; i++) order[i] = i;
  // stream.below(i + 1) for every i, with the words taken many at a time: a call each costs half as much again.
  const words = new Uint32Array(Math.min(WORDS, Math.max(1, n)));
  let next = words.length;
  for (let i = n - 1; i > 0; i--) {
    let word: number;
    do {
      if (next === words.length) {
        stream.fill(words);
        next = 0;
      }
      word = words[next++];
    } while (!isFair(word, i + 1));
    const j = multiplyHigh(word, i + 1) >>> 0;
    const held = order[i];
    order[i] = order[j];
    order[j] = held;
  }
  return order;
}
