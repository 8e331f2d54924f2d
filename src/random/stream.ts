import { NablaError, show } from '../base/errors.js';
import { multiplyHigh, philoxFill } from './philox.js';

const BLOCKS = 128;

/**
 * An endless row of 32-bit words fixed by (seed, purpose, index). Key: (seed mod 2^32, floor(seed / 2^32)); counter: (block,
 * index mod 2^32, floor(index / 2^32), purpose). A stream holds 2^34 words.
 */
export class RandomStream {
  readonly #key0: number;
  readonly #key1: number;
  readonly #index0: number;
  readonly #index1: number;
  readonly #purpose: number;
  readonly #words = new Uint32Array(4 * BLOCKS);
  #position = 4 * BLOCKS;
  #block = 0;

  /** @param seed 0 to 2^53-1 @param purpose a number of `purposes`, 1 to 255 @param index 0 to 2^53-1 */
  constructor(seed: number, purpose: number, index: number) {
    checkSeed('RandomStream', seed);
    if (!Number.isSafeInteger(index) || index < 0) {
      throw new NablaError('ERR_RANGE', `[RandomStream] a stream's index is a whole number. Expected 0 to 2^53-1 for index, received ${show(index)}.`);
    }
    this.#key0 = seed % 4294967296;
    this.#key1 = Math.floor(seed / 4294967296);
    this.#index0 = index % 4294967296;
    this.#index1 = Math.floor(index / 4294967296);
    this.#purpose = purpose;
  }

  #refill(): void {
    philoxFill(this.#block, this.#index0, this.#index1, this.#purpose, this.#key0, this.#key1, this.#words, 0, BLOCKS);
    this.#block += BLOCKS;
    this.#position = 0;
  }

  /** The next word, 0 to 2^32-1. */
  word(): number {
    if (this.#position === this.#words.length) this.#refill();
    return this.#words[this.#position++] ?? 0;
  }

  /** The next words, as many as `out` holds: what loops over many take. */
  fill(out: Uint32Array): void {
    let at = 0;
    while (at < out.length) {
      if (this.#position === this.#words.length) this.#refill();
      const count = Math.min(out.length - at, this.#words.length - this.#position);
      out.set(this.#words.subarray(this.#position, this.#position + count), at);
      this.#position += count;
      at += count;
    }
  }

  /** A double in [0, 1) with 53 random bits, from two words. */
  uniform(): number {
    const high = this.word();
    return uniformOf(high, this.word());
  }

  /**
   * A whole number in [0, bound), every one equally likely: the high half of word · bound, with the words that would favour some
   * results drawn again (D. Lemire, "Fast random integer generation in an interval", 2019). @param bound 1 to 2^32
   */
  below(bound: number): number {
    if (bound === 4294967296) return this.word();
    for (;;) {
      const word = this.word();
      if (isFair(word, bound)) return multiplyHigh(word, bound) >>> 0;
    }
  }
}

/** The double of two words. */
export function uniformOf(high: number, low: number): number {
  return ((high >>> 5) * 67108864 + (low >>> 6)) / 9007199254740992;
}

/** Whether the high half of word · bound may be taken: every result then has equally many words. @param bound 1 to 2^32-1 */
export function isFair(word: number, bound: number): boolean {
  const low = Math.imul(word, bound) >>> 0;
  return low >= bound || low >= (4294967296 - bound) % bound;
}

/** Refuses what is no seed. @param op named in the error @param seed anything */
export function checkSeed(op: string, seed: unknown): asserts seed is number {
  if (typeof seed !== 'number' || !Number.isSafeInteger(seed) || seed < 0) {
    throw new NablaError('ERR_RANGE', `[${op}] a seed is a whole number. Expected 0 to 2^53-1 for seed, received ${show(seed)}.`);
  }
}
