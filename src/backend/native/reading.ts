// Weights that several of the addon's jobs read, and those jobs' end.
import { NablaError, show } from '../../base/errors.js';
import type { Reading } from '../contract/executor.js';
import type { NativeAddon, NativeReading } from './addon-types.js';

export class NativeReadingHandle implements Reading {
  readonly owner: object;
  readonly reading: NativeReading;
  readonly #native: NativeAddon;

  /** @param owner the executor */
  constructor(native: NativeAddon, owner: object, reading: NativeReading) {
    this.#native = native;
    this.owner = owner;
    this.reading = reading;
  }

  abort(): void {
    this.#native.abortReading(this.reading);
  }

  dispose(): void {
    this.#native.endReading(this.reading);
  }
}

/** @returns the addon's handle, null without a reading @throws ERR_TYPE, ERR_STATE for what does not come from this executor's read */
export function readingOf(op: string, owner: object, reading: Reading | undefined): NativeReading | null {
  if (reading === undefined) return null;
  if (!(reading instanceof NativeReadingHandle)) throw new NablaError('ERR_TYPE', `[${op}] a reading comes from read. Expected one of this backend for reading, received ${show(reading)}.`);
  if (reading.owner !== owner) throw new NablaError('ERR_STATE', `[${op}] a reading belongs to the network that it reads. Expected one of this network for reading, received another network's.`);
  return reading.reading;
}
