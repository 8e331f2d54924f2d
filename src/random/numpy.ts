// NumPy's legacy generator, numpy.random.RandomState: MT19937 (M. Matsumoto, T. Nishimura 1998) and the samplers on top of it. It lets a
// notebook's numbers come out again. nabla's own draws come from src/random/stream.ts.
import { NablaError, show } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';
import { preciseLog } from '../math/precise-log.js';

/** Rows and columns of what is drawn: a length, or a shape whose product counts. */
export type Size = number | readonly number[];
/** Element types of randint; 'int64' comes as Float64Array of whole numbers. */
export type RandintDtype = 'int64' | 'int32' | 'uint32' | 'int16' | 'uint16' | 'int8' | 'uint8' | 'bool';
export type RandintArray = Float64Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;
/** What shuffle reorders in place. */
export type Shuffleable = unknown[] | Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/** The generator's state, as numpy.random.get_state() gives it. */
export interface RandomStateSnapshot {
  /** 624 words. */
  readonly key: Uint32Array;
  /** Next word to use, 0 to 624. */
  readonly pos: number;
  readonly hasGauss: boolean;
  readonly cachedGaussian: number;
}

const words = 624;
/** What one call gives at most: 2 GiB, seconds of drawing. */
const largest = 2 ** 28;
const ranges: Readonly<Record<RandintDtype, readonly [low: number, high: number, bits: number]>> = {
  int64: [-(2 ** 53), 2 ** 53, 32],
  int32: [-(2 ** 31), 2 ** 31, 32],
  uint32: [0, 2 ** 32, 32],
  int16: [-32768, 32768, 16],
  uint16: [0, 65536, 16],
  int8: [-128, 128, 8],
  uint8: [0, 256, 8],
  bool: [0, 2, 1],
};

/**
 * Draws what numpy.random.seed(seed) and the functions of the same names draw: integers, permutations and uniforms bit for bit, normal
 * numbers within one unit in the last place. Arrays are flat, row-major.
 * @param seed whole number from 0 to 2^32-1, or a list of such
 * @throws ERR_RANGE
 * @example const random = new RandomState(42); const w = random.randn(10, 784); // np.random.seed(42); np.random.randn(10, 784)
 */
export class RandomState {
  #key = new Uint32Array(words);
  #pos = words;
  #gauss: number | undefined;

  constructor(seed: number | readonly number[]) {
    this.seed(seed);
  }

  /** Starts anew. @param seed whole number from 0 to 2^32-1, or a list of such @throws ERR_RANGE */
  seed(seed: number | readonly number[]): void {
    const given: unknown = seed;
    const list: readonly unknown[] = itemsOf(given);
    const bad = list.findIndex((s) => !Number.isInteger(s) || Number(s) < 0 || Number(s) >= 2 ** 32);
    if (list.length === 0 || bad >= 0) {
      throw new NablaError('ERR_RANGE', `[RandomState.seed] a seed is a whole number or a list of them. Expected 0 to 2^32-1 for seed, received ${show(bad >= 0 ? list[bad] : seed)}.`);
    }
    this.#gauss = undefined;
    this.#pos = words;
    if (typeof seed === 'number') fillFromNumber(this.#key, seed);
    else fillFromList(this.#key, list.map(Number));
  }

  /** A copy of the state. */
  getState(): RandomStateSnapshot {
    return { key: this.#key.slice(), pos: this.#pos, hasGauss: this.#gauss !== undefined, cachedGaussian: this.#gauss ?? 0 };
  }

  /** Goes on from a state. @throws ERR_SHAPE, ERR_RANGE */
  setState(state: RandomStateSnapshot): void {
    const given: unknown = state;
    if (typeof given !== 'object' || given === null) throw new NablaError('ERR_TYPE', `[RandomState.setState] a state is what getState gave. Expected { key, pos, hasGauss, cachedGaussian } for state, received ${show(given)}.`);
    if (!(state.key instanceof Uint32Array) || state.key.length !== words) throw new NablaError('ERR_SHAPE', `[RandomState.setState] the generator has ${words} words. Expected a Uint32Array(${words}) for key, received ${show(state.key)}.`);
    if (!Number.isInteger(state.pos) || state.pos < 0 || state.pos > words) throw new NablaError('ERR_RANGE', `[RandomState.setState] pos counts words. Expected 0 to ${words} for pos, received ${show(state.pos)}.`);
    if (typeof state.hasGauss !== 'boolean' || typeof state.cachedGaussian !== 'number') throw new NablaError('ERR_TYPE', `[RandomState.setState] a normal number may be kept. Expected a boolean for hasGauss and a number for cachedGaussian, received ${show(state.hasGauss)} and ${show(state.cachedGaussian)}.`);
    this.#key = Uint32Array.from(state.key);
    this.#pos = state.pos;
    this.#gauss = state.hasGauss ? state.cachedGaussian : undefined;
  }

  /** Uniform in [0, 1): one number, or an array of the given shape. */
  rand(): number;
  rand(...shape: number[]): Float64Array;
  rand(...shape: number[]): number | Float64Array {
    return this.#fill('rand', shape.length === 0 ? undefined : shape, () => this.#double());
  }

  /** Normal, mean 0, variance 1: one number, or an array of the given shape. */
  randn(): number;
  randn(...shape: number[]): Float64Array;
  randn(...shape: number[]): number | Float64Array {
    return this.#fill('randn', shape.length === 0 ? undefined : shape, () => this.#normal());
  }

  /** Uniform in [0, 1); numpy.random.random_sample. */
  randomSample(size: Size): Float64Array {
    return this.#fill('randomSample', size, () => this.#double());
  }

  /** Normal, mean 0, variance 1; numpy.random.standard_normal. */
  standardNormal(size: Size): Float64Array {
    return this.#fill('standardNormal', size, () => this.#normal());
  }

  /** Uniform in [low, high). @param low default 0  @param high default 1  @param size default: one number  @throws ERR_RANGE */
  uniform(low?: number, high?: number): number;
  uniform(low: number, high: number, size: Size): Float64Array;
  uniform(low = 0, high = 1, size?: Size): number | Float64Array {
    const span = typeof low === 'number' && typeof high === 'number' ? high - low : NaN;
    if (!Number.isFinite(span)) throw new NablaError('ERR_RANGE', `[RandomState.uniform] the bounds are finite. Expected numbers for low and high, received ${show(low)} and ${show(high)}.`);
    return this.#fill('uniform', size, () => low + span * this.#double());
  }

  /** Normal. @param loc mean, default 0  @param scale standard deviation, default 1  @param size default: one number  @throws ERR_RANGE */
  normal(loc?: number, scale?: number): number;
  normal(loc: number, scale: number, size: Size): Float64Array;
  normal(loc = 0, scale = 1, size?: Size): number | Float64Array {
    if (!Number.isFinite(loc) || typeof scale !== 'number' || !(scale >= 0)) throw new NablaError('ERR_RANGE', `[RandomState.normal] scale is not negative. Expected a number for loc and one from 0 for scale, received ${show(loc)} and ${show(scale)}.`);
    return this.#fill('normal', size, () => loc + scale * this.#normal());
  }

  /**
   * Whole numbers in [low, high), or in [0, low) where high is left out.
   * @param size default: one number  @param dtype default 'int64'. NumPy draws other numbers for 8 and 16 bits: they share words
   * @throws ERR_RANGE when nothing lies between the bounds or dtype cannot hold it, ERR_OPTION for an unknown dtype
   */
  randint(low: number, high?: number): number;
  randint(low: number, high: number | undefined, size: Size, dtype?: RandintDtype): RandintArray;
  randint(low: number, high?: number, size?: Size, dtype: RandintDtype = 'int64'): number | RandintArray {
    if (typeof dtype !== 'string' || !Object.hasOwn(ranges, dtype)) throw new NablaError('ERR_OPTION', `[RandomState.randint] unknown dtype. Expected one of ${Object.keys(ranges).join(', ')}, received ${show(dtype)}.${didYouMean(dtype, Object.keys(ranges))}`);
    const [from, to] = high === undefined ? [0, low] : [low, high];
    const [least, most, bits] = ranges[dtype];
    if (!Number.isInteger(from) || !Number.isInteger(to) || from < least || to > most || to <= from || to - 1 - from > Number.MAX_SAFE_INTEGER) {
      throw new NablaError('ERR_RANGE', `[RandomState.randint] whole numbers lie between the bounds. Expected ${least} <= low < high <= ${most}, received low ${show(from)}, high ${show(to)}.`);
    }
    const draw = this.#bounded(to - 1 - from, bits);
    if (size === undefined) return from + draw();
    const values = emptyOf(dtype, lengthOf('randint', size));
    for (let i = 0; i < values.length; i++) values[i] = from + draw();
    return values;
  }

  /** The numbers 0 to n-1 in random order. @throws ERR_RANGE */
  permutation(n: number): Uint32Array {
    if (!Number.isInteger(n) || n < 0 || n > largest) throw new NablaError('ERR_RANGE', `[RandomState.permutation] the length is a whole number. Expected 0 to 2^28 for n, received ${show(n)}.`);
    const order = new Uint32Array(n);
    for (let i = 0; i < n; i++) order[i] = i;
    this.shuffle(order);
    return order;
  }

  /**
   * Reorders an array in place: its elements, or whole rows.
   * @param array flat, row-major  @param rowLength elements that stay together, default 1
   * @throws ERR_SHAPE when rowLength does not divide the array
   */
  shuffle(array: Shuffleable, rowLength = 1): void {
    if (!Array.isArray(array) && !isNumbers(array)) throw new NablaError('ERR_TYPE', `[RandomState.shuffle] what is shuffled is an array. Expected an array or a typed array of numbers for array, received ${show(array)}.`);
    const rows = typeof rowLength === 'number' ? array.length / rowLength : NaN;
    if (!Number.isInteger(rowLength) || rowLength < 1 || !Number.isInteger(rows)) throw new NablaError('ERR_SHAPE', `[RandomState.shuffle] the array holds whole rows. Expected a divisor of ${array.length} for rowLength, received ${show(rowLength)}.`);
    if (Array.isArray(array)) {
      this.#shuffleList(array, rows, rowLength);
      return;
    }
    // Holds every such number; a Buffer's slice would be the same memory. Where there is one row or none, none moves.
    const held = new Float64Array(rows > 1 ? rowLength : 0);
    for (let i = rows - 1; i > 0; i--) {
      const j = this.#interval(i);
      if (i === j) continue;
      held.set(array.subarray(i * rowLength, (i + 1) * rowLength));
      array.copyWithin(i * rowLength, j * rowLength, (j + 1) * rowLength);
      array.set(held, j * rowLength);
    }
  }

  /**
   * Numbers out of 0 to n-1, each as likely.
   * @param n how many there are  @param size how many are drawn  @param replace whether one may come twice, default true
   * @throws ERR_RANGE
   */
  choice(n: number, size: Size, replace = true): Uint32Array {
    const count = lengthOf('choice', size);
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32 - 1) throw new NablaError('ERR_RANGE', `[RandomState.choice] there is something to choose from. Expected 1 to 2^32-1 for n, received ${show(n)}.`);
    if (replace) return Uint32Array.from(this.randint(0, n, count));
    if (count > n) throw new NablaError('ERR_RANGE', `[RandomState.choice] without replacement each number comes once. Expected at most ${n} for size, received ${count}.`);
    return this.permutation(n).slice(0, count);
  }

  /**
   * How many of n trials succeed.
   * @param n trials, whole  @param p chance of one, 0 to 1; n times the smaller of p and 1-p at most 30: above that NumPy uses another method, which is not here
   * @throws ERR_RANGE
   */
  binomial(n: number, p: number, size: Size): Float64Array {
    const chance = typeof p === 'number' ? Math.min(p, 1 - p) : NaN;
    if (!Number.isSafeInteger(n) || n < 0 || !(chance >= 0) || n * chance > 30) {
      throw new NablaError('ERR_RANGE', `[RandomState.binomial] n is whole, p is from 0 to 1, and n times the smaller of p and 1-p is at most 30. Received n ${show(n)}, p ${show(p)}.`);
    }
    return this.#fill('binomial', size, () => {
      const hits = this.#binomial(n, chance);
      return p > 0.5 ? n - hits : hits;
    });
  }

  #fill(op: string, size: Size, draw: () => number): Float64Array;
  #fill(op: string, size: Size | undefined, draw: () => number): number | Float64Array;
  #fill(op: string, size: Size | undefined, draw: () => number): number | Float64Array {
    if (size === undefined) return draw();
    const values = new Float64Array(lengthOf(op, size));
    for (let i = 0; i < values.length; i++) values[i] = draw();
    return values;
  }

  /** The next 32 bits. */
  #word(): number {
    if (this.#pos === words) this.#refill();
    let y = this.#key[this.#pos++] ?? 0;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #refill(): void {
    const key = this.#key;
    for (let k = 0; k < words; k++) {
      const y = ((key[k] ?? 0) & 0x80000000) | ((key[(k + 1) % words] ?? 0) & 0x7fffffff);
      key[k] = (key[(k + 397) % words] ?? 0) ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.#pos = 0;
  }

  /** 53 bits of two words. */
  #double(): number {
    const high = this.#word() >>> 5;
    const low = this.#word() >>> 6;
    return (high * 67108864 + low) / 9007199254740992;
  }

  /** Polar method (G. Marsaglia, T. Bray 1964); the second number of a pair is kept for the next call. */
  #normal(): number {
    if (this.#gauss !== undefined) {
      const kept = this.#gauss;
      this.#gauss = undefined;
      return kept;
    }
    for (;;) {
      const x1 = 2 * this.#double() - 1;
      const x2 = 2 * this.#double() - 1;
      const r2 = x1 * x1 + x2 * x2;
      if (r2 >= 1 || r2 === 0) continue;
      const f = Math.sqrt((-2 * preciseLog(r2)) / r2);
      this.#gauss = f * x1;
      return f * x2;
    }
  }

  /** Uniform whole number in [0, max]: words cut to the bits of max, until one is not above it. */
  #interval(max: number): number {
    if (max === 0) return 0;
    if (max < 2 ** 32) {
      const mask = 0xffffffff >>> Math.clz32(max);
      for (;;) {
        const value = (this.#word() & mask) >>> 0;
        if (value <= max) return value;
      }
    }
    const mask = 0xffffffff >>> Math.clz32(Math.floor(max / 2 ** 32));
    for (;;) {
      const high = (this.#word() & mask) >>> 0;
      const value = high * 2 ** 32 + this.#word();
      if (value <= max) return value;
    }
  }

  /** A drawer for one call of randint: types below 32 bits take several values from a word, lowest bits first. */
  #bounded(max: number, bits: number): () => number {
    if (bits === 32 || max === 0) return () => this.#interval(max);
    const mask = 0xffffffff >>> Math.clz32(max);
    let word = 0;
    let left = 0;
    return () => {
      for (;;) {
        if (left === 0) {
          word = this.#word();
          left = 32 / bits;
        } else {
          word >>>= bits;
        }
        left -= 1;
        const value = word & mask;
        if (value <= max) return value;
      }
    };
  }

  /** Inversion: subtracts the probabilities of 0, 1, 2, ... from one uniform number. */
  #binomial(n: number, p: number): number {
    const q = 1 - p;
    const none = Math.exp(n * Math.log(q));
    const mean = n * p;
    const bound = Math.trunc(Math.min(n, mean + 10 * Math.sqrt(mean * q + 1)));
    let hits = 0;
    let probability = none;
    let u = this.#double();
    while (u > probability) {
      hits += 1;
      if (hits > bound) {
        hits = 0;
        probability = none;
        u = this.#double();
      } else {
        u -= probability;
        probability = ((n - hits + 1) * p * probability) / (hits * q);
      }
    }
    return hits;
  }

  #shuffleList(array: unknown[], rows: number, rowLength: number): void {
    for (let i = rows - 1; i > 0; i--) {
      const j = this.#interval(i);
      for (let k = 0; k < rowLength; k++) {
        const held = array[i * rowLength + k];
        array[i * rowLength + k] = array[j * rowLength + k];
        array[j * rowLength + k] = held;
      }
    }
  }
}

function fillFromNumber(key: Uint32Array, seed: number): void {
  let word = seed >>> 0;
  for (let i = 0; i < words; i++) {
    key[i] = word;
    word = (Math.imul(1812433253, word ^ (word >>> 30)) + i + 1) >>> 0;
  }
}

/** The reference implementation's init_by_array. */
function fillFromList(key: Uint32Array, list: readonly number[]): void {
  fillFromNumber(key, 19650218);
  let i = 1;
  let j = 0;
  const mix = (factor: number): number => {
    const previous = key[i - 1] ?? 0;
    return (key[i] ?? 0) ^ Math.imul(previous ^ (previous >>> 30), factor);
  };
  const advance = (): void => {
    i += 1;
    if (i < words) return;
    key[0] = key[words - 1] ?? 0;
    i = 1;
  };
  for (let k = Math.max(words, list.length); k > 0; k--) {
    key[i] = mix(1664525) + (list[j] ?? 0) + j;
    advance();
    j = (j + 1) % list.length;
  }
  for (let k = words - 1; k > 0; k--) {
    key[i] = mix(1566083941) - i;
    advance();
  }
  key[0] = 0x80000000;
}

type Numbers = Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array | Float32Array | Float64Array;

/** Typed arrays of numbers; no BigInts, no DataView. */
function isNumbers(value: unknown): value is Numbers {
  return ArrayBuffer.isView(value) && !(value instanceof DataView || value instanceof BigInt64Array || value instanceof BigUint64Array);
}

/** A copy of a list's items, or the one value. By their places: a transferred array has none, and no iterator. */
function itemsOf(value: unknown): unknown[] {
  if (!Array.isArray(value) && !isNumbers(value)) return [value];
  const items: ArrayLike<unknown> = value;
  return Array.from({ length: items.length }, (_, i) => items[i]);
}

function lengthOf(op: string, size: Size): number {
  const given: unknown = size;
  const shape: readonly unknown[] = itemsOf(given);
  let length = 1;
  for (let i = 0; i < shape.length; i++) {
    const d = shape[i];
    if (typeof d !== 'number' || !Number.isSafeInteger(d) || d < 0) {
      throw new NablaError('ERR_SHAPE', `[RandomState.${op}] a size is a length or a shape. Expected whole numbers from 0 for size, received ${show(d)}.`);
    }
    length *= d;
  }
  if (length > largest) throw new NablaError('ERR_SHAPE', `[RandomState.${op}] one call draws a bounded number. Expected at most 2^28 for size, received ${length}.`);
  return length;
}

function emptyOf(dtype: RandintDtype, length: number): RandintArray {
  switch (dtype) {
    case 'int64':
      return new Float64Array(length);
    case 'int32':
      return new Int32Array(length);
    case 'uint32':
      return new Uint32Array(length);
    case 'int16':
      return new Int16Array(length);
    case 'uint16':
      return new Uint16Array(length);
    case 'int8':
      return new Int8Array(length);
    case 'uint8':
    case 'bool':
      return new Uint8Array(length);
  }
}
