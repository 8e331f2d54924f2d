// Weights that several calls read, and work on them that can be given up.
import { NablaError, show } from '../../base/errors.js';
import type { Reading } from '../contract/executor.js';
import type { Pieces } from './pieces.js';

export class ReferenceReading implements Reading {
  readonly owner: object;
  readonly weights: readonly Float64Array[];
  readonly #release: (reading: ReferenceReading) => void;
  #aborted = false;

  /** @param owner the executor @param weights nobody writes to them before it is disposed of @param release told of that */
  constructor(owner: object, weights: readonly Float64Array[], release: (reading: ReferenceReading) => void) {
    this.owner = owner;
    this.weights = weights;
    this.#release = release;
  }

  abort(): void {
    this.#aborted = true;
  }

  dispose(): void {
    this.#release(this);
  }

  /** @throws ERR_ABORTED */
  check(op: string): void {
    if (this.#aborted) throw new NablaError('ERR_ABORTED', `[${op}] the reading was aborted.`);
  }

  /** Does the work unless it is aborted between two pieces. @throws ERR_ABORTED */
  *unlessAborted<Result>(op: string, work: Pieces<Result>): Pieces<Result> {
    this.check(op);
    let piece = work.next();
    while (piece.done !== true) {
      yield;
      this.check(op);
      piece = work.next();
    }
    return piece.value;
  }
}

/** @throws ERR_TYPE, ERR_STATE for what does not come from this executor's read */
export function checkReading(op: string, owner: object, reading: Reading): ReferenceReading {
  if (!(reading instanceof ReferenceReading)) throw new NablaError('ERR_TYPE', `[${op}] a reading comes from read. Expected one of this backend for reading, received ${show(reading)}.`);
  if (reading.owner !== owner) throw new NablaError('ERR_STATE', `[${op}] a reading belongs to the network that it reads. Expected one of this network for reading, received another network's.`);
  return reading;
}
