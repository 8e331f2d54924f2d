// A list of numbers in the smallest of three types that holds every one of them exactly.
import { isNablaError, NablaError } from '../base/errors.js';
import type { SampleArray } from './array-dataset.js';

/** Narrow to wide. */
export type NumberType = 'uint8' | 'float32' | 'float64';

/** Grows by rows; becomes float32 and float64 only when a number asks for it. */
export class GrowingNumbers {
  #data: SampleArray;
  #length = 0;

  /** @param type the type to start with  @param capacity how many numbers to expect */
  constructor(type: NumberType, capacity: number) {
    this.#data = make(type, capacity);
  }

  get type(): NumberType {
    return this.#data instanceof Uint8Array ? 'uint8' : this.#data instanceof Float32Array ? 'float32' : 'float64';
  }
  get length(): number {
    return this.#length;
  }

  /** Adds bytes. */
  append(values: Uint8Array): void {
    this.#makeRoom(values.length);
    this.#data.set(values, this.#length);
    this.#length += values.length;
  }

  /** Adds any numbers, in a wider type from here on if they need one. */
  appendAny(values: Float64Array): void {
    this.#widenFor(values);
    this.#makeRoom(values.length);
    this.#data.set(values, this.#length);
    this.#length += values.length;
  }

  /** Makes room for about so many numbers in all; a little more, so that a slightly larger guess moves nothing. */
  expect(total: number): void {
    if (total <= this.#data.length) return;
    try {
      this.#move(this.type, Math.ceil(total * 1.02));
    } catch (error) {
      // Only a guess, from a size that the file system tells: the file may be mostly a hole.
      if (!isNablaError(error)) throw error;
    }
  }

  /** The numbers: a view, where little room is left over, else a copy of just that length. */
  finish(): SampleArray {
    const used = this.#data.subarray(0, this.#length);
    return this.#length > this.#data.length * 0.9 ? used : used.slice();
  }

  #makeRoom(count: number): void {
    const wanted = this.#length + count;
    if (wanted > this.#data.length) this.#move(this.type, Math.max(wanted, Math.ceil(this.#data.length * 1.5)));
  }

  #widenFor(values: Float64Array): void {
    let type = this.type;
    for (let i = 0; i < values.length && type !== 'float64'; i++) {
      const value = values[i];
      if (type === 'uint8' && !isByte(value)) type = 'float32';
      if (type === 'float32' && Math.fround(value) !== value) type = 'float64';
    }
    if (type !== this.type) this.#move(type, this.#data.length);
  }

  #move(type: NumberType, capacity: number): void {
    const larger = make(type, capacity);
    larger.set(this.#data.subarray(0, this.#length));
    this.#data = larger;
  }
}

/** Whole, from 0 to 255; -0 is not: bytes have no sign. */
export function isByte(value: number): boolean {
  return value >= 0 && value <= 255 && Number.isInteger(value) && !Object.is(value, -0);
}

function make(type: NumberType, length: number): SampleArray {
  try {
    return type === 'uint8' ? new Uint8Array(length) : type === 'float32' ? new Float32Array(length) : new Float64Array(length);
  } catch (cause) {
    throw new NablaError('ERR_MEMORY', `[readCsv] the table does not fit into memory. Expected room for ${length} numbers of type ${type}, received none.`, { cause });
  }
}
