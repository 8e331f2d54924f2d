import { describe, expect, it } from 'vitest';
import { callbacks, layers, optimizers, schedules, sequential, type CallbackContext, type EarlyStoppingOptions, type ReduceLROnPlateauOptions, type Sequential } from '../../src/index.js';
import { lossNames } from '../../src/metrics/loss-names.js';
import { metricNames } from '../../src/metrics/by-name.js';
import { checkMonitor } from '../../src/train/monitor.js';

/** Runs a callback over given figures; the weights are [[epoch]] while an epoch ends. */
function run(callback: ReturnType<typeof callbacks.earlyStopping>, figures: readonly number[], firstEpoch = 0): { epochs: number; weights: number } {
  const model = { stopTraining: false, learningRate: 1, weights: -1, getWeights: () => [Float64Array.of(model.weights)], setWeights: ([array]: readonly Float64Array[]) => void (model.weights = array[0]) };
  const params = { epochs: figures.length, batchSize: 1, samples: 1, steps: 1 };
  const context: CallbackContext = { model, params, history: { epoch: [], history: {}, params } };
  callback.onTrainBegin();
  let epoch = firstEpoch;
  for (const figure of figures) {
    model.weights = epoch;
    callback.onEpochEnd(epoch++, { figure }, context);
    if (model.stopTraining) break;
  }
  callback.onTrainEnd({}, context);
  return { epochs: epoch - firstEpoch, weights: model.weights };
}
const stopping = (options: EarlyStoppingOptions): ReturnType<typeof callbacks.earlyStopping> => callbacks.earlyStopping({ monitor: 'figure', mode: 'min', ...options });

describe('earlyStopping', () => {
  it.each<[what: string, options: EarlyStoppingOptions, figures: number[], epochs: number, best: number, bestEpoch: number, stoppedEpoch: number | null]>([
    ['stops at the first epoch that is not better', {}, [3, 2, 2, 1], 3, 2, 1, 2],
    ['waits for patience epochs', { patience: 2 }, [3, 2, 4, 2, 1], 4, 2, 1, 3],
    ['begins to wait anew after a better one', { patience: 2 }, [3, 4, 2, 3, 4, 1], 5, 2, 2, 4],
    ['wants more than minDelta', { minDelta: 0.5 }, [3, 2.4, 2, 1], 3, 2.4, 1, 2],
    ['takes a difference of minDelta as none', { minDelta: 0.5 }, [3, 2.5, 1], 2, 3, 0, 1],
    ['looks the other way', { mode: 'max', patience: 1 }, [1, 2, 3, 3, 9], 4, 3, 2, 3],
    ['has nothing better than NaN to compare with', { patience: 2 }, [NaN, 2, NaN, 1, NaN, NaN, 0], 6, 1, 3, 5],
    ['does not look before startFromEpoch', { startFromEpoch: 3 }, [1, 2, 3, 9, 8, 8], 6, 8, 4, 5],
    ['goes to the end of a fit that gets better', {}, [3, 2, 1], 3, 1, 2, null],
    ['ends a fit that gets better every time but never beats the baseline', { baseline: 1, patience: 3 }, [9, 8, 7, 6, 6], 3, 7, 2, 2],
    ['is content once the baseline is beaten', { baseline: 7.5, patience: 3 }, [9, 8, 7, 7, 6, 6, 6, 6, 1], 8, 6, 4, 7],
    ['counts an epoch that is better but above the baseline as waiting', { baseline: 5, patience: 4 }, [9, 9, 8, 4, 3, 2], 6, 2, 5, null],
  ])('%s', (_what, options, figures, epochs, best, bestEpoch, stoppedEpoch) => {
    const callback = stopping(options);
    const done = run(callback, figures);
    expect(done).toEqual({ epochs, weights: epochs - 1 });
    expect([callback.best, callback.bestEpoch, callback.stoppedEpoch]).toEqual([best, bestEpoch, stoppedEpoch]);
    // A second fit begins anew.
    expect(run(callback, figures)).toEqual(done);
  });

  it('restores the best weights, stopped or not', () => {
    expect(run(stopping({ restoreBestWeights: true, patience: 2 }), [3, 1, 2, 3, 4])).toEqual({ epochs: 4, weights: 1 });
    expect(run(stopping({ restoreBestWeights: true, patience: 9 }), [3, 1, 2, 3, 4])).toEqual({ epochs: 5, weights: 1 });
    expect(run(stopping({ restoreBestWeights: true }), [3, 2, 1], 7)).toEqual({ epochs: 3, weights: 9 });
  });
});

function line(learningRate: Parameters<typeof optimizers.sgd>[0] = { learningRate: 0.05 }): Sequential {
  const model = sequential({ seed: 4, dtype: 'float64', backend: 'typescript' }, [layers.dense({ units: 1, inputShape: [1] })]);
  model.compile({ optimizer: optimizers.sgd(learningRate), loss: 'mse' });
  return model;
}
const x = [0, 1, 2, 3];
const y = [1, 3, 5, 7];

describe('in a fit', () => {
  it('earlyStopping ends it and gives back the weights of the best epoch', async () => {
    // The validation rows lie on another line: their loss rises once the model knows the first one.
    const validationData = [[4, 5], [8, 10]] as const;
    const plain = line();
    const weights: number[][] = [];
    const history = await plain.fit(x, y, { epochs: 40, validationData, callbacks: { onEpochEnd: () => void weights.push(plain.getWeights().map((array) => array[0])) } });
    const losses = history.history['val_loss'];
    let best = 0;
    while (losses[best + 1] < losses[best]) best += 1;
    expect(best).toBeGreaterThan(0);
    const stopped = line();
    const callback = callbacks.earlyStopping({ patience: 2, restoreBestWeights: true });
    const short = await stopped.fit(x, y, { epochs: 40, validationData, callbacks: callback });
    expect(callback.bestEpoch).toBe(best);
    expect(short.history['val_loss']).toEqual(losses.slice(0, best + 3));
    expect(callback.stoppedEpoch).toBe(best + 2);
    expect(stopped.getWeights().map((array) => array[0])).toEqual(weights[best]);
    expect(stopped.evaluateSync(...validationData)['loss']).toBe(losses[best]);
  });

  it('reduceLROnPlateau lowers the rate that is used, and tells it', () => {
    const used: number[] = [];
    const model = line();
    // Nothing is ever better than by 1000: from the second epoch on every second one lowers the rate.
    const callback = callbacks.reduceLROnPlateau({ monitor: 'loss', patience: 1, factor: 0.5, minDelta: 1000, minLearningRate: 0.01 });
    const spy = { onBatchBegin: () => void used.push(model.learningRate) };
    const history = model.fitSync(x, y, { epochs: 9, callbacks: [callback, spy] });
    expect(used).toEqual([0.05, 0.05, 0.05, 0.025, 0.025, 0.0125, 0.0125, 0.01, 0.01]);
    expect(history.history['learning_rate']).toEqual(used);
    expect(model.toRecord().config.compile?.optimizer).toMatchObject({ learningRate: 0.01 });
    // The updates are those of that rate.
    const byHand = line({ learningRate: (step) => used[step] });
    byHand.fitSync(x, y, { epochs: 9 });
    expect(model.getWeights()).toEqual(byHand.getWeights());
  });

  it('reduceLROnPlateau ends a schedule where it stands', () => {
    const model = line({ learningRate: schedules.exponentialDecay({ initialLearningRate: 0.08, decaySteps: 1, decayRate: 0.5 }) });
    const callback = callbacks.reduceLROnPlateau({ monitor: 'loss', patience: 0, factor: 0.5, minDelta: 1000, cooldown: 9 });
    const history = model.fitSync(x, y, { epochs: 4, callbacks: callback });
    expect(history.history['learning_rate']).toEqual([0.04, 0.02, 0.01, 0.01]);
  });

  it.each([callbacks.earlyStopping(), callbacks.reduceLROnPlateau()])('says what there is to watch', async (callback) => {
    await expect(line().fit(x, y, { epochs: 2, callbacks: callback })).rejects.toMatchObject({ code: 'ERR_OPTION', message: expect.stringMatching(/Expected one of loss for monitor, received "val_loss"; validationData/) });
  });
});

it('knows which way every figure of a fit gets better', () => {
  const falling = ['loss', 'meanSquaredError', 'mse', 'meanAbsoluteError', 'mae', 'rootMeanSquaredError', ...lossNames.filter((name) => name !== 'cosineSimilarity'), 'mape', 'own_loss', 'ranking_error'];
  const rising = ['accuracy', 'binaryAccuracy', 'categoricalAccuracy', 'sparseCategoricalAccuracy', 'topKCategoricalAccuracy', 'precision', 'recall', 'f1', 'auc', 'r2', 'ownAccuracy'];
  expect([...metricNames].filter((name) => !falling.includes(name) && !rising.includes(name))).toEqual([]);
  for (const prefix of ['', 'val_']) {
    for (const name of falling) expect(checkMonitor('test', prefix + name, undefined).mode, name).toBe('min');
    for (const name of rising) expect(checkMonitor('test', prefix + name, 'auto').mode, name).toBe('max');
    for (const name of ['learning_rate', 'cosineSimilarity', 'gain', 'mean', 'lossy']) {
      expect(() => checkMonitor('test', prefix + name, undefined), name).toThrow(expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringMatching(/Expected mode 'min' or 'max' for monitor/) as unknown }));
    }
  }
});

it('tells the mode by the name', () => {
  for (const monitor of ['loss', 'val_loss', 'mse', 'val_meanAbsoluteError']) expect(() => callbacks.earlyStopping({ monitor })).not.toThrow();
  const rising = callbacks.earlyStopping({ monitor: 'val_accuracy' });
  const model = { stopTraining: false, learningRate: 1, getWeights: () => [], setWeights: () => undefined };
  const params = { epochs: 2, batchSize: 1, samples: 1, steps: 1 };
  for (const [epoch, figure] of [0.5, 0.6].entries()) rising.onEpochEnd(epoch, { val_accuracy: figure }, { model, params, history: { epoch: [], history: {}, params } });
  expect([rising.best, model.stopTraining]).toEqual([0.6, false]);
});

const plateau = (options: unknown) => () => callbacks.reduceLROnPlateau(options as ReduceLROnPlateauOptions);
const stop = (options: unknown) => () => callbacks.earlyStopping(options as EarlyStoppingOptions);
it.each<[what: string, bad: () => unknown, code: string, part: string]>([
  ['an unknown option', plateau({ min_lr: 0.1 }), 'ERR_OPTION', 'monitor, mode, factor, patience, threshold, thresholdMode, minDelta, cooldown, minLearningRate, eps'],
  ['a factor of 1', plateau({ factor: 1 }), 'ERR_RANGE', 'factor'],
  ['a factor of 0', plateau({ factor: 0 }), 'ERR_RANGE', 'factor'],
  ['half an epoch', plateau({ patience: 0.5 }), 'ERR_RANGE', 'patience'],
  ['two thresholds', plateau({ minDelta: 1, threshold: 1 }), 'ERR_OPTION', 'both'],
  ['an unknown threshold', plateau({ thresholdMode: 'relative' }), 'ERR_OPTION', 'rel, abs'],
  ['a share of 1', plateau({ threshold: 1 }), 'ERR_RANGE', 'threshold'],
  ['a negative rate', plateau({ minLearningRate: -1 }), 'ERR_RANGE', 'minLearningRate'],
  ['another unknown option', stop({ min_delta: 1 }), 'ERR_OPTION', 'monitor, mode, minDelta, patience, baseline, restoreBestWeights, startFromEpoch'],
  ['a word as flag', stop({ restoreBestWeights: 'yes' }), 'ERR_TYPE', 'restoreBestWeights'],
  ['a negative minDelta', stop({ minDelta: -1 }), 'ERR_RANGE', 'minDelta'],
  ['an unknown mode', stop({ mode: 'least' }), 'ERR_OPTION', 'auto, min, max'],
  ['a figure whose mode nobody knows', stop({ monitor: 'val_gain' }), 'ERR_OPTION', "Expected mode 'min' or 'max'"],
  ['a figure without name', stop({ monitor: 3 }), 'ERR_TYPE', 'monitor'],
])('refuses %s', (_what, bad, code, part) => {
  expect(bad).toThrow(expect.objectContaining({ code, message: expect.stringContaining(part) }));
});
