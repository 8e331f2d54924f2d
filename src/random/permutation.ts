import { NablaError, show } from '../errors.js';
import { RandomStream } from './stream.js';

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
  for (let i = n - 1; i > 0; i--) {
    const j = stream.below(i + 1);
    const held = order[i] ?? 0;
    order[i] = order[j] ?? 0;
    order[j] = held;
  }
  return order;
}
