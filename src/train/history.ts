import { NablaError, type NablaErrorCode } from '../base/errors.js';
import type { Converged } from './lbfgs.js';

/** Figures of an epoch or a batch by name: loss, accuracy, val_loss, … */
export type Logs = Record<string, number>;

/** What a fit was asked to do. */
export interface FitParams {
  readonly epochs: number;
  readonly batchSize: number;
  /** Rows trained on in an epoch. */
  readonly samples: number;
  /** Updates in an epoch. */
  readonly steps: number;
}

/** What a fit did: the figures of every finished epoch. Of thousands of epochs that were one step each a list is made when it is first read. */
export interface History {
  /** Numbers of the finished epochs, from 0 (or initialEpoch). */
  readonly epoch: number[];
  /** For each figure its values, one an epoch. */
  readonly history: Record<string, number[]>;
  readonly params: FitParams;
  /** Why L-BFGS ended the fit before its last epoch; not there otherwise. @see optimizers.lbfgs */
  converged?: Converged;
}

/** An empty history. */
export function createHistory(params: FitParams): History {
  return { epoch: [], history: {}, params };
}

/** Adds a finished epoch. */
export function recordEpoch(history: History, epoch: number, logs: Readonly<Logs>): void {
  history.epoch.push(epoch);
  for (const [name, value] of Object.entries(logs)) (history.history[name] ??= []).push(value);
}

/** A fit that ended early by an error; `history` has the epochs before. Codes ERR_ABORTED and ERR_NON_FINITE. */
export class TrainingStopped extends NablaError {
  /** The epochs that were finished. */
  readonly history: History;
  constructor(code: NablaErrorCode, message: string, history: History, options?: { cause?: unknown }) {
    super(code, message, options);
    this.history = history;
  }
}
