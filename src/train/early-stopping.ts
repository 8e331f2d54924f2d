import type { FloatArray } from '../base/arrays.js';
import { checkBoolean, checkInteger, checkOptions, checkReal } from '../base/checks.js';
import { checkHook, type Callback, type CallbackContext } from './callbacks.js';
import type { Logs } from './history.js';
import { checkMonitor, isBetter, readMonitor, type Monitor, type MonitorMode } from './monitor.js';

/** Options of {@link callbacks.earlyStopping}. */
export interface EarlyStoppingOptions {
  readonly monitor?: string;
  readonly mode?: MonitorMode;
  readonly minDelta?: number;
  readonly patience?: number;
  readonly baseline?: number;
  readonly restoreBestWeights?: boolean;
  readonly startFromEpoch?: number;
}

/** Ends a fit whose figure no longer gets better. Made by {@link callbacks}; every fit starts it anew, so it serves one fit at a time. */
export class EarlyStopping implements Callback {
  readonly #monitor: Monitor;
  readonly #minDelta: number;
  readonly #patience: number;
  readonly #baseline: number | null;
  readonly #restore: boolean;
  readonly #startFromEpoch: number;
  #best: number | null = null;
  #bestEpoch: number | null = null;
  #bestWeights: readonly FloatArray[] | null = null;
  #stoppedEpoch: number | null = null;
  /** Epochs since the figure got better (and better than the baseline). */
  #waited = 0;

  /** Use {@link callbacks}. */
  constructor(options: EarlyStoppingOptions) {
    const op = 'callbacks.earlyStopping';
    checkOptions(op, options, ['monitor', 'mode', 'minDelta', 'patience', 'baseline', 'restoreBestWeights', 'startFromEpoch']);
    this.#monitor = checkMonitor(op, options.monitor ?? 'val_loss', options.mode);
    this.#minDelta = checkReal(op, 'minDelta', options.minDelta ?? 0, { minimum: 0 });
    this.#patience = checkInteger(op, 'patience', options.patience ?? 0, 0);
    this.#baseline = options.baseline === undefined ? null : checkReal(op, 'baseline', options.baseline);
    this.#restore = checkBoolean(op, 'restoreBestWeights', options.restoreBestWeights ?? false);
    this.#startFromEpoch = checkInteger(op, 'startFromEpoch', options.startFromEpoch ?? 0, 0);
  }

  /** The best figure of the last fit; null before there is one. */
  get best(): number | null {
    return this.#best;
  }
  /** Its epoch, from 0. */
  get bestEpoch(): number | null {
    return this.#bestEpoch;
  }
  /** The epoch after which the last fit was stopped; null where it went on to its end. */
  get stoppedEpoch(): number | null {
    return this.#stoppedEpoch;
  }

  onTrainBegin(): void {
    this.#best = null;
    this.#bestEpoch = null;
    this.#bestWeights = null;
    this.#stoppedEpoch = null;
    this.#waited = 0;
  }

  onEpochEnd(epoch: number, logs: Logs, context: CallbackContext): void {
    checkHook('earlyStopping.onEpochEnd', { epoch, logs, context });
    const { model } = context;
    const value = readMonitor(this.#monitor, logs);
    if (epoch < this.#startFromEpoch) return;
    const better = isBetter(this.#monitor, value, this.#best, this.#minDelta);
    if (better) {
      this.#best = value;
      this.#bestEpoch = epoch;
      if (this.#restore) this.#bestWeights = model.getWeights();
    }
    if (better && (this.#baseline === null || isBetter(this.#monitor, value, this.#baseline, this.#minDelta))) {
      this.#waited = 0;
      return;
    }
    this.#waited += 1;
    if (this.#waited < this.#patience) return;
    this.#stoppedEpoch = epoch;
    model.stopTraining = true;
  }

  onTrainEnd(logs: Logs, context: CallbackContext): void {
    checkHook('earlyStopping.onTrainEnd', { logs, context });
    if (this.#bestWeights === null) return;
    context.model.setWeights(this.#bestWeights);
    this.#bestWeights = null;
  }
}
