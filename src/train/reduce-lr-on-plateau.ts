import { checkInteger, checkName, checkOptions, checkReal } from '../base/checks.js';
import { NablaError } from '../base/errors.js';
import { checkHook, type Callback, type CallbackContext } from './callbacks.js';
import type { Logs } from './history.js';
import { checkMonitor, isBetter, readMonitor, type Monitor, type MonitorMode } from './monitor.js';

/** Options of {@link callbacks.reduceLROnPlateau}. */
export interface ReduceLROnPlateauOptions {
  readonly monitor?: string;
  readonly mode?: MonitorMode;
  readonly factor?: number;
  readonly patience?: number;
  readonly threshold?: number;
  readonly thresholdMode?: 'rel' | 'abs';
  readonly minDelta?: number;
  readonly cooldown?: number;
  readonly minLearningRate?: number;
  readonly eps?: number;
}

/** What counts as better: more than `threshold`, or more than that share of the best figure. */
interface Threshold {
  readonly threshold: number;
  readonly relative: boolean;
}

function checkThreshold(op: string, options: ReduceLROnPlateauOptions): Threshold {
  const { minDelta, threshold, thresholdMode } = options;
  if (minDelta !== undefined) {
    if (threshold !== undefined || thresholdMode !== undefined) {
      throw new NablaError('ERR_OPTION', `[${op}] minDelta is Keras's name for an absolute threshold. Expected minDelta, or threshold with thresholdMode, received both.`);
    }
    return { threshold: checkReal(op, 'minDelta', minDelta, { minimum: 0 }), relative: false };
  }
  const relative = checkName(op, 'thresholdMode', thresholdMode ?? 'rel', ['rel', 'abs']) === 'rel';
  return { threshold: checkReal(op, 'threshold', threshold ?? 1e-4, relative ? { minimum: 0, maximum: 1, maximumOpen: true } : { minimum: 0 }), relative };
}

/** Lowers the learning rate of a model that no longer gets better. Made by {@link callbacks}; every fit starts it anew, so it serves one fit at a time. */
export class ReduceLROnPlateau implements Callback {
  readonly #monitor: Monitor;
  readonly #factor: number;
  readonly #patience: number;
  readonly #threshold: Threshold;
  readonly #cooldown: number;
  readonly #minLearningRate: number;
  readonly #eps: number;
  #best: number | null = null;
  #bad = 0;
  #cooling = 0;

  /** Use {@link callbacks}. */
  constructor(options: ReduceLROnPlateauOptions) {
    const op = 'callbacks.reduceLROnPlateau';
    checkOptions(op, options, ['monitor', 'mode', 'factor', 'patience', 'threshold', 'thresholdMode', 'minDelta', 'cooldown', 'minLearningRate', 'eps']);
    this.#monitor = checkMonitor(op, options.monitor ?? 'val_loss', options.mode);
    this.#factor = checkReal(op, 'factor', options.factor ?? 0.1, { minimum: 0, minimumOpen: true, maximum: 1, maximumOpen: true });
    this.#patience = checkInteger(op, 'patience', options.patience ?? 10, 0);
    this.#threshold = checkThreshold(op, options);
    this.#cooldown = checkInteger(op, 'cooldown', options.cooldown ?? 0, 0);
    this.#minLearningRate = checkReal(op, 'minLearningRate', options.minLearningRate ?? 0, { minimum: 0 });
    this.#eps = checkReal(op, 'eps', options.eps ?? 1e-8, { minimum: 0 });
  }

  onTrainBegin(): void {
    this.#best = null;
    this.#bad = 0;
    this.#cooling = 0;
  }

  onEpochEnd(epoch: number, logs: Logs, context: CallbackContext): void {
    checkHook('reduceLROnPlateau.onEpochEnd', { epoch, logs, context });
    const { model } = context;
    const value = readMonitor(this.#monitor, logs);
    const rate = model.learningRate;
    logs['learning_rate'] = rate;
    if (this.#better(value)) {
      this.#best = value;
      this.#bad = 0;
    } else {
      this.#bad += 1;
    }
    if (this.#cooling > 0) {
      this.#cooling -= 1;
      this.#bad = 0;
    }
    if (this.#bad <= this.#patience) return;
    this.#cooling = this.#cooldown;
    this.#bad = 0;
    const lower = Math.max(rate * this.#factor, this.#minLearningRate);
    if (rate - lower > this.#eps) model.learningRate = lower;
  }

  #better(value: number): boolean {
    const { threshold, relative } = this.#threshold;
    const best = this.#best;
    if (best === null || !relative) return isBetter(this.#monitor, value, best, threshold);
    return isBetter(this.#monitor, value, this.#monitor.mode === 'min' ? best * (1 - threshold) : best * (1 + threshold), 0);
  }
}
