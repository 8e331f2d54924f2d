import { EarlyStopping, type EarlyStoppingOptions } from './early-stopping.js';
import { ReduceLROnPlateau, type ReduceLROnPlateauOptions } from './reduce-lr-on-plateau.js';

/** Callbacks for `fit`. A watched figure is one of the epoch's: loss, accuracy, val_loss, …; one that the fit lacks throws ERR_OPTION. */
export const callbacks = {
  /**
   * Ends the fit after `patience` epochs without a better figure (Keras's EarlyStopping).
   * @param options `monitor` default 'val_loss'; `mode` 'min', 'max' or 'auto' (default: losses and errors fall; accuracies, precision, recall, f1, auc and r2 rise); `minDelta` from 0: what
   * counts as better, default 0; `patience` default 0: the first epoch that is not better is the last; `baseline` a figure that must be beaten too, or
   * epochs count as waiting; `restoreBestWeights` at the end of the fit, stopped or not, default false; `startFromEpoch` default 0
   * @returns a callback with `best`, `bestEpoch` and `stoppedEpoch` of its last fit @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   * @example await model.fit(x, y, { epochs: 100, validationSplit: 0.1, callbacks: callbacks.earlyStopping({ patience: 5, restoreBestWeights: true }) });
   */
  earlyStopping: (options: EarlyStoppingOptions = {}): EarlyStopping => new EarlyStopping(options),
  /**
   * Multiplies the learning rate by `factor` after more than `patience` epochs without a better figure (PyTorch's ReduceLROnPlateau; Keras's acts one
   * epoch earlier). The rate then is a number: a schedule ends there. Adds the figure learning_rate, the rate at the end of the epoch.
   * @param options `monitor` default 'val_loss'; `mode` as for earlyStopping; `factor` in (0, 1), default 0.1; `patience` default 10; `threshold` from 0,
   * default 1e-4, what counts as better: a share of the best figure with `thresholdMode` 'rel' (default), the figure's own unit with 'abs'; `minDelta`,
   * Keras's name for the latter; `cooldown` epochs after a reduction in which none is counted, default 0; `minLearningRate` default 0; `eps` default 1e-8:
   * a smaller change of the rate is not made
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   * @example await model.fit(x, y, { epochs: 100, validationSplit: 0.1, callbacks: [callbacks.reduceLROnPlateau({ factor: 0.5, patience: 3 })] });
   */
  reduceLROnPlateau: (options: ReduceLROnPlateauOptions = {}): ReduceLROnPlateau => new ReduceLROnPlateau(options),
} as const;
