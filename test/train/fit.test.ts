import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layers, optimizers, sequential, TrainingStopped, type Callback, type Logs } from '../../src/index.js';
import { permutation } from '../../src/random/permutation.js';
import { purposes } from '../../src/random/purposes.js';
import { backends, classifier, flat, samples } from '../model/support.js';

const { x, y } = samples(40);

describe.each(backends)('fit on %s', (backend) => {
  it('calls hooks in Keras\' order, with the figures of batch and epoch', async () => {
    const calls: string[] = [];
    const batchLosses: number[] = [];
    const seen: Logs[] = [];
    const callback: Callback = {
      onTrainBegin: () => void calls.push('train begin'),
      onTrainEnd: (logs) => { calls.push('train end'); seen.push(logs); },
      onEpochBegin: (epoch) => void calls.push(`epoch ${epoch} begin`),
      onEpochEnd: (epoch, logs) => { calls.push(`epoch ${epoch} end`); seen.push({ ...logs }); logs['added'] = epoch; },
      onBatchBegin: (batch, logs) => void calls.push(`batch ${batch} begin (${logs['size']})`),
      onBatchEnd: (batch, logs) => { calls.push(`batch ${batch} end`); batchLosses.push(logs['loss'] * logs['size']); },
    };
    const model = classifier({ seed: 1, backend });
    const history = await model.fit(x, y, { epochs: 2, batchSize: 25, validationSplit: 0.1, callbacks: callback });
    const epoch = (n: number) => [`epoch ${n} begin`, 'batch 0 begin (25)', 'batch 0 end', 'batch 1 begin (11)', 'batch 1 end', `epoch ${n} end`];
    expect(calls).toEqual(['train begin', ...epoch(0), ...epoch(1), 'train end']);
    expect(history.history['loss'][0]).toBe((batchLosses[0] + batchLosses[1]) / 36);
    expect(seen.map((logs) => Object.keys(logs))).toEqual([
      ['loss', 'accuracy', 'val_loss', 'val_accuracy'], ['loss', 'accuracy', 'val_loss', 'val_accuracy'], ['loss', 'accuracy', 'val_loss', 'val_accuracy', 'added'],
    ]);
    expect(history.history['added']).toEqual([0, 1]);
    expect(history.params).toEqual({ epochs: 2, batchSize: 25, samples: 36, steps: 2 });
  });

  it('waits for hooks that return promises; fitSync refuses them', async () => {
    const order: string[] = [];
    const slow: Callback = { onEpochEnd: async (epoch) => { await new Promise((resolve) => setTimeout(resolve, 5)); order.push(`slow ${epoch}`); } };
    const next: Callback = { onEpochEnd: (epoch) => void order.push(`next ${epoch}`) };
    const model = classifier({ seed: 1, backend });
    await model.fit(x, y, { epochs: 2, callbacks: [slow, next] });
    expect(order).toEqual(['slow 0', 'next 0', 'slow 1', 'next 1']);
    expect(() => model.fitSync(x, y, { callbacks: slow })).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    expect(() => model.fitSync(x, y, { callbacks: next })).not.toThrow();
  });

  it('passes on what a hook throws, and the model stays usable', async () => {
    const model = classifier({ seed: 1, backend });
    const boom = new Error('boom');
    await expect(model.fit(x, y, { epochs: 3, callbacks: { onEpochEnd: () => { throw boom; } } })).rejects.toBe(boom);
    expect(model.step).toBe(2);
    await model.fit(x, y);
    expect(model.step).toBe(4);
  });

  it('ends after the epoch (the batch) in which stopTraining is set', async () => {
    const model = classifier({ seed: 1, backend });
    const history = await model.fit(x, y, { epochs: 10, callbacks: { onEpochEnd: (epoch, _logs, { model: trained }) => { trained.stopTraining = epoch === 2; } } });
    expect(history.epoch).toEqual([0, 1, 2]);
    const short = await model.fit(x, y, { epochs: 10, batchSize: 5, callbacks: { onBatchEnd: (batch) => { model.stopTraining = batch === 3; } } });
    expect(short.epoch).toEqual([0]);
    expect(model.step).toBe(6 + 4);
    const again = await model.fit(x, y, { epochs: 2 });
    expect(again.epoch).toEqual([0, 1]);
  });

  it('refuses a second fit and everything that would change weights beside it', async () => {
    const model = classifier({ seed: 1, backend });
    const running = model.fit(x, y, { epochs: 30, batchSize: 1 });
    await expect(model.fit(x, y)).rejects.toMatchObject({ code: 'ERR_BUSY' });
    expect(() => model.fitSync(x, y)).toThrow(expect.objectContaining({ code: 'ERR_BUSY' }));
    expect(() => { model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' }); }).toThrow(expect.objectContaining({ code: 'ERR_BUSY' }));
    expect(() => { model.dispose(); }).toThrow(expect.objectContaining({ code: 'ERR_BUSY' }));
    await expect(model.trainOnBatch(x, y)).rejects.toMatchObject({ code: 'ERR_BUSY' });
    await running;
    await model.fit(x, y);
  });

  it('does not see arrays that are overwritten, transferred or resized after the call', async () => {
    const reference = classifier({ seed: 1, backend });
    await reference.fit(x, y, { epochs: 5, batchSize: 4, validationSplit: 0.25 });
    const overwrittenX = x.slice();
    const overwrittenY = y.slice();
    const weights = new Float64Array(40).fill(1);
    const overwritten = classifier({ seed: 1, backend });
    const first = overwritten.fit(overwrittenX, overwrittenY, { epochs: 5, batchSize: 4, validationSplit: 0.25, sampleWeight: weights });
    overwrittenX.fill(NaN);
    overwrittenY.fill(99);
    weights.fill(-1);
    await first;
    expect(flat(overwritten)).toEqual(flat(reference));
    const transferred = classifier({ seed: 1, backend });
    const moved = x.slice();
    const second = transferred.fit(moved, y.slice(), { epochs: 5, batchSize: 4, validationSplit: 0.25 });
    structuredClone(moved.buffer, { transfer: [moved.buffer] });
    expect(moved.length).toBe(0);
    await second;
    expect(flat(transferred)).toEqual(flat(reference));
    const resized = classifier({ seed: 1, backend });
    const buffer: unknown = Reflect.construct(ArrayBuffer, [x.byteLength, { maxByteLength: 2 * x.byteLength }]);
    if (!(buffer instanceof ArrayBuffer)) throw new Error('no ArrayBuffer');
    const tracking = new Float32Array(buffer);
    tracking.set(x);
    const third = resized.fit(tracking, y, { epochs: 5, batchSize: 4, validationSplit: 0.25 });
    const resize: unknown = Reflect.get(buffer, 'resize');
    if (typeof resize === 'function') Reflect.apply(resize, buffer, [16]);
    expect(tracking.length).toBe(4);
    await third;
    expect(flat(resized)).toEqual(flat(reference));
    const predicting = reference.predict(overwrittenX.map((_, i) => x[i]), { rows: 40 });
    expect([...(await predicting).data]).toEqual([...reference.predictSync(x).data]);
    await expect(transferred.fit(moved, y)).rejects.toMatchObject({ code: 'ERR_SHAPE' });
  });

  it('keeps to an order that is given, by list and by function', async () => {
    const order = permutation(40, 1, purposes.shuffle, 0);
    const [shuffled, listed, called] = [classifier({ seed: 1, backend }), classifier({ seed: 1, backend }), classifier({ seed: 1, backend })];
    await shuffled.fit(x, y, { batchSize: 7 });
    await listed.fit(x, y, { batchSize: 7, order });
    await called.fit(x, y, { batchSize: 7, order: () => [...order] });
    expect(flat(listed)).toEqual(flat(shuffled));
    expect(flat(called)).toEqual(flat(shuffled));
    const sorted = classifier({ seed: 1, backend });
    await sorted.fit(x, y, { batchSize: 7, shuffle: false });
    expect(flat(sorted)).not.toEqual(flat(shuffled));
    const part = classifier({ seed: 1, backend });
    const history = await part.fit(x, y, { batchSize: 7, order: [3, 3, 5] });
    const same = classifier({ seed: 1, backend });
    const rows = [3, 3, 5].map((row) => [...x.subarray(3 * row, 3 * row + 3)]);
    await same.fit(rows, [y[3], y[3], y[5]], { batchSize: 7 });
    expect(flat(part)).toEqual(flat(same));
    expect(history.params.samples).toBe(3);
  });

  it('holds back the last rows for validation, before the shuffle', async () => {
    const [split, given] = [classifier({ seed: 1, backend }), classifier({ seed: 1, backend })];
    const a = await split.fit(x, y, { epochs: 2, batchSize: 8, validationSplit: 0.25 });
    const b = await given.fit(x.subarray(0, 90), y.subarray(0, 30), { epochs: 2, batchSize: 8, validationData: [x.subarray(90), y.subarray(30)] });
    expect(b).toEqual(a);
    expect(flat(given)).toEqual(flat(split));
    const c = await classifier({ seed: 1, backend }).fit(x.subarray(0, 90), y.subarray(0, 30), { epochs: 2, batchSize: 8, validationData: { x: x.subarray(90), y: y.subarray(30) } });
    expect(c).toEqual(a);
    expect(await given.evaluate(x.subarray(90), y.subarray(30))).toEqual({ loss: a.history['val_loss'][1], accuracy: a.history['val_accuracy'][1] });
  });

  it('weighs classes and rows as Keras does: the mean divides by the number of rows', async () => {
    const factors = [1, 2, 0.5, 3];
    const weights = Array.from(y, (label) => factors[label]);
    const [byClass, byRow, named] = [classifier({ seed: 1, backend }), classifier({ seed: 1, backend }), classifier({ seed: 1, backend })];
    const a = await byClass.fit(x, y, { epochs: 2, classWeight: factors });
    const b = await byRow.fit(x, y, { epochs: 2, sampleWeight: weights });
    const c = await named.fit(x, y, { epochs: 2, classWeight: { 1: 2, 2: 0.5, 3: 3 } });
    expect(a).toEqual(b);
    expect(c).toEqual(a);
    expect(flat(byClass)).toEqual(flat(byRow));
    const model = sequential({ backend, dtype: 'float64' }, [layers.dense({ units: 1, kernelInitializer: 'zeros', inputShape: [1] })]);
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    const weighted = await model.evaluate([1, 2], [3, 5], { sampleWeight: [2, 0] });
    expect(weighted['loss']).toBe((2 * 9) / 2);
  });

  it('follows a learning rate that is a function, and one that a hook sets', async () => {
    const make = (learningRate: number | ((step: number) => number)) => {
      const model = sequential({ seed: 1, backend }, [layers.dense({ units: 1, inputShape: [3] })]);
      model.compile({ optimizer: optimizers.sgd({ learningRate }), loss: 'mse' });
      return model;
    };
    const target = Float32Array.from(y);
    const steps: number[] = [];
    const scheduled = make((step) => { steps.push(step); return step < 4 ? 0.1 : 0.01; });
    await scheduled.fit(x, target, { epochs: 2, batchSize: 10 });
    expect(steps).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const set = make(0.1);
    await set.fit(x, target, { epochs: 2, batchSize: 10, callbacks: { onEpochEnd: () => { set.learningRate = 0.01; } } });
    expect(flat(set)).toEqual(flat(scheduled));
    expect(set.learningRate).toBe(0.01);
    const bad = make(() => NaN);
    await expect(bad.fit(x, target)).rejects.toMatchObject({ code: 'ERR_RANGE' });
  });

  it('stops at its signal; the model stays usable and the history is kept', async () => {
    const reason = new Error('enough');
    const model = classifier({ seed: 1, backend });
    const controller = new AbortController();
    const error: unknown = await model
      .fit(x, y, { epochs: 1000, batchSize: 1, signal: controller.signal, callbacks: { onEpochEnd: (epoch) => { if (epoch === 2) controller.abort(reason); } } })
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TrainingStopped);
    expect(error).toMatchObject({ code: 'ERR_ABORTED', cause: reason, history: { epoch: [0, 1, 2] } });
    const fresh = new AbortController();
    const long = model.fit(x, y, { epochs: 100_000_000, batchSize: 64, signal: fresh.signal });
    setTimeout(() => { fresh.abort(); }, 30);
    await expect(long).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const before = model.step;
    await expect(model.fit(x, y, { signal: fresh.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(model.step).toBe(before);
    await model.fit(x, y, { batchSize: 64 });
    expect(model.step).toBe(before + 1);
  });

  it('lets the event loop run: timers, one after the other, end an endless fit', async () => {
    const model = classifier({ seed: 1, backend });
    const controller = new AbortController();
    const turns: number[] = [];
    const turn = (): void => {
      turns.push(model.step);
      // On a busy machine the first slice may take longer than five turns.
      if (turns.length >= 5 && model.step > 0) controller.abort();
      else setTimeout(turn, 1);
    };
    setTimeout(turn, 1);
    await expect(model.fit(x, y, { epochs: 100_000_000, batchSize: 7, signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(turns.length).toBeGreaterThanOrEqual(5);
    expect(model.step).toBeGreaterThan(0);
  });

  it('predicts with the weights of the last finished epoch while it runs', async () => {
    const model = classifier({ seed: 1, backend });
    const start = [...model.predictSync(x).data];
    const after: number[][] = [];
    const during: number[][] = [];
    const other: Callback = {
      onBatchEnd: async () => void during.push([...(await model.predict(x)).data]),
      onEpochEnd: () => void after.push([...model.predictSync(x).data]),
    };
    await model.fit(x, y, { epochs: 3, batchSize: 20, callbacks: other });
    expect(during).toEqual([start, start, after[0], after[0], after[1], after[1]]);
    expect([...model.predictSync(x).data]).toEqual(after[2]);
    expect(after[1]).not.toEqual(after[0]);
    const many = model.fit(x, y, { epochs: 200, batchSize: 8 });
    const answers = await Promise.all(Array.from({ length: 10 }, () => model.predict(x)));
    for (const answer of answers) expect(answer.data.every(Number.isFinite)).toBe(true);
    await many;
  });

  it('restores weights from a hook', async () => {
    const model = classifier({ seed: 1, backend });
    let best = model.getWeights();
    await model.fit(x, y, {
      epochs: 4,
      callbacks: { onEpochEnd: (epoch, _logs, { model: trained }) => { if (epoch === 1) best = trained.getWeights(); }, onTrainEnd: (_logs, { model: trained }) => { trained.setWeights(best); } },
    });
    expect(model.getWeights()).toEqual(best);
  });

  it('counts epochs from initialEpoch', async () => {
    const model = classifier({ seed: 1, backend });
    const history = await model.fit(x, y, { initialEpoch: 3, epochs: 5 });
    expect(history.epoch).toEqual([3, 4]);
    expect((await model.fit(x, y, { initialEpoch: 5, epochs: 5 })).epoch).toEqual([]);
    expect((await model.fit(x, y, { epochs: 0 })).epoch).toEqual([]);
  });

  it('computes squared and absolute errors, and accuracy of values, as a plain loop does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 9 }), async (rows, units, batchSize) => {
        const input = samples(rows, 9).x;
        const target = samples(rows * units, 4).x.subarray(0, rows * units);
        const make = (rate: number) => {
          const model = sequential({ seed: 1, backend, dtype: 'float64' }, [layers.dense({ units, inputShape: [3] })]);
          model.compile({ optimizer: optimizers.sgd({ learningRate: rate }), loss: 'mse', metrics: ['mse', 'meanAbsoluteError', 'accuracy'] });
          return model;
        };
        const model = make(0);
        const { data } = model.predictSync(input);
        let squared = 0;
        let absolute = 0;
        let right = 0;
        for (let row = 0; row < rows; row++) {
          const largest = (values: ArrayLike<number>): number => Array.from({ length: units }, (_, unit) => values[row * units + unit]).reduce((best, value, unit, all) => (value > all[best] ? unit : best), 0);
          right += units === 1 ? Number(data[row] >= 0.5 === target[row] >= 0.5) : Number(largest(data) === largest(target));
          for (let unit = 0; unit < units; unit++) {
            const difference = data[row * units + unit] - target[row * units + unit];
            squared += difference ** 2 / (rows * units);
            absolute += Math.abs(difference) / (rows * units);
          }
        }
        const history = await model.fit(input, target, { batchSize });
        const figures = await model.evaluate(input, target);
        for (const logs of [figures, Object.fromEntries(Object.entries(history.history).map(([name, values]) => [name, values[0]]))]) {
          expect(logs['mse']).toBeCloseTo(squared, 12);
          expect(logs['loss']).toBeCloseTo(squared, 12);
          expect(logs['meanAbsoluteError']).toBeCloseTo(absolute, 12);
          expect(logs['accuracy']).toBeCloseTo(right / rows, 12);
        }
      }),
      { numRuns: 15 },
    );
  });
});
