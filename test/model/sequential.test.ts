import fc from 'fast-check';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ArrayDataset, layers, loadModel, losses, optimizers, sequential, TrainingStopped, type Callback } from '../../src/index.js';
import { backends, classifier, dtypes, flat, samples, xorModel, xorX, xorY } from './support.js';

describe.each(backends)('a model on %s', (backend) => {
  it('learns exclusive or', async () => {
    const model = xorModel({ seed: 1, backend });
    const history = await model.fit(xorX, xorY, { epochs: 2000, batchSize: 4 });
    expect(history.epoch).toHaveLength(2000);
    expect(history.history['loss']).toHaveLength(2000);
    const p = await model.predict(xorX);
    expect(p.shape).toEqual([4, 1]);
    const values = [0, 1, 2, 3].map((row) => p.row(row)[0]);
    expect(values[0]).toBeLessThan(0.1);
    expect(values[1]).toBeGreaterThan(0.9);
    expect(values[2]).toBeGreaterThan(0.9);
    expect(values[3]).toBeLessThan(0.1);
    expect([...p.argmax()]).toEqual([0, 1, 1, 0]);
    const figures = await model.evaluate(xorX, xorY);
    expect(figures['accuracy']).toBe(1);
    expect(figures['loss']).toBeLessThan(history.history['loss'][1999]);
  });

  it('does what the introduction shows, in small: bytes, a split, validation, a file', async () => {
    const { x, y } = samples(400);
    const bytes = Uint8Array.from(x, (value) => Math.round(127.5 * (value + 1)));
    const set = new ArrayDataset({ x: bytes, y, sampleShape: [3] });
    const [fitSet, valSet] = set.split({ validation: 0.2, stratify: true, seed: 1 });
    const model = sequential({ seed: 42, backend }, [
      layers.rescaling({ scale: 1 / 127.5, offset: -1, inputShape: [3] }),
      layers.dense({ units: 16, activation: 'relu' }),
      layers.dense({ units: 4, activation: 'softmax' }),
    ]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.3 }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    const history = await model.fit(fitSet.x, fitSet.y, { epochs: 30, batchSize: 16, validationData: valSet });
    expect(Object.keys(history.history)).toEqual(['loss', 'accuracy', 'val_loss', 'val_accuracy']);
    expect(history.history['val_accuracy'].at(-1)).toBeGreaterThan(0.9);
    const figures = await model.evaluate(valSet);
    expect(figures['loss']).toBe(history.history['val_loss'].at(-1));
    expect(figures['accuracy']).toBe(history.history['val_accuracy'].at(-1));
    const p = await model.predict(valSet.x);
    const right = [...p.argmax()].filter((label, row) => label === valSet.label(row)).length;
    expect(right / valSet.rows).toBe(figures['accuracy']);
    expect([...model.predictSync(valSet).data]).toEqual([...p.data]);
    for (let row = 0; row < p.rows; row++) expect([...p.row(row)].reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    const folder = await mkdtemp(join(tmpdir(), 'nabla-'));
    try {
      await model.save(join(folder, 'small.safetensors'));
      const loaded = await loadModel(join(folder, 'small.safetensors'), { backend });
      expect([...loaded.predictSync(valSet.x).data]).toEqual([...p.data]);
      expect(await loaded.evaluate(valSet)).toEqual(figures);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('gives the same weights for the same seed, and others for another', async () => {
    const { x, y } = samples(60);
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.constantFrom(...dtypes), fc.constantFrom('sgd' as const, 'adam' as const), fc.integer({ min: 1, max: 70 }), async (seed, dtype, kind, batchSize) => {
        const run = async (with_: number): Promise<number[]> => {
          const model = classifier({ seed: with_, backend, dtype }, kind, 0.3);
          await model.fit(x, y, { epochs: 2, batchSize });
          return flat(model);
        };
        const first = await run(seed);
        expect(await run(seed)).toEqual(first);
        expect(await run(seed + 1)).not.toEqual(first);
      }),
      { numRuns: 12 },
    );
  });

  it('gives the same bytes in slices, step by step, blocking, and in merged epochs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 4 }), fc.constantFrom('sgd' as const, 'adam' as const),
        fc.constantFrom(...dtypes),
        async (rows, batchSize, epochs, kind, dtype) => {
          const { x, y } = samples(rows, rows);
          const make = () => classifier({ seed: 3, backend, dtype }, kind, 0.25);
          const plain = make();
          const history = await plain.fit(x, y, { epochs, batchSize });
          const hooked: Callback = { onBatchEnd: () => undefined, onEpochEnd: () => undefined };
          const stepwise = make();
          const stepHistory = await stepwise.fit(x, y, { epochs, batchSize, callbacks: hooked });
          const blocking = make();
          const syncHistory = blocking.fitSync(x, y, { epochs, batchSize });
          const continued = make();
          for (let epoch = 0; epoch < epochs; epoch++) await continued.fit(x, y, { epochs: epoch + 1, initialEpoch: epoch, batchSize });
          expect(flat(stepwise)).toEqual(flat(plain));
          expect(flat(blocking)).toEqual(flat(plain));
          expect(flat(continued)).toEqual(flat(plain));
          expect(stepHistory).toEqual(history);
          expect(syncHistory).toEqual(history);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('predicts a row alone as in any batch', () => {
    const { x } = samples(50);
    for (const dtype of dtypes) {
      const model = classifier({ seed: 5, backend, dtype });
      const all = model.predictSync(x);
      const logits = model.predictLogitsSync(x);
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 49 }), fc.integer({ min: 1, max: 50 }), (row, count) => {
          const end = Math.min(50, row + count);
          const part = model.predictSync(x.subarray(3 * row, 3 * end), { rows: end - row });
          expect([...part.row(0)]).toEqual([...all.row(row)]);
          expect([...part.data]).toEqual([...all.data.subarray(4 * row, 4 * end)]);
          expect([...model.predictLogitsSync(x.subarray(3 * row, 3 * end), { rows: end - row }).data]).toEqual([...logits.data.subarray(4 * row, 4 * end)]);
        }),
        { numRuns: 20 },
      );
    }
  });

  it('learns the same from every form of the same numbers', async () => {
    const { x, y } = samples(12);
    const nested = Array.from({ length: 12 }, (_, row) => [...x.subarray(3 * row, 3 * row + 3)]);
    const shared = new Float32Array(new SharedArrayBuffer(x.byteLength));
    shared.set(x);
    const inside = new Float32Array(100);
    inside.set(x, 7);
    const oneHot = Array.from(y, (label) => [0, 1, 2, 3].map((unit) => (unit === label ? 1 : 0)));
    const forms: [unknown: Parameters<typeof reference.fit>[0], labels: Parameters<typeof reference.fit>[1]][] = [
      [nested, [...y]],
      [[...x], y],
      [nested.map((row) => Float32Array.from(row)), Array.from(y, (label) => [label])],
      [shared, Uint8Array.from(y)],
      [inside.subarray(7, 43), Float64Array.from(y)],
      [Float64Array.from(x), Int16Array.from(y)],
    ];
    const reference = classifier({ seed: 2, backend });
    await reference.fit(x, y, { epochs: 3, batchSize: 5 });
    for (const [form, labels] of forms) {
      const model = classifier({ seed: 2, backend });
      await model.fit(form, labels, { epochs: 3, batchSize: 5 });
      expect(flat(model)).toEqual(flat(reference));
    }
    const set = classifier({ seed: 2, backend });
    await set.fit({ x, y, rows: 12, features: 3 }, { epochs: 3, batchSize: 5 });
    expect(flat(set)).toEqual(flat(reference));
    expect(set.evaluateSync({ x, y, rows: 12, features: 3 })).toEqual(reference.evaluateSync(x, y));
    const hot = sequential({ seed: 2, backend }, [
      layers.dense({ units: 7, activation: 'relu', inputShape: [3], kernelRegularizer: 'l2' }),
      layers.dense({ units: 4, activation: 'softmax' }),
    ]);
    hot.compile({ optimizer: optimizers.sgd({ learningRate: 0.1, momentum: 0.5 }), loss: 'categoricalCrossentropy', metrics: ['accuracy'] });
    await hot.fit(x, oneHot, { epochs: 3, batchSize: 5 });
    flat(hot).forEach((value, i) => expect(value).toBeCloseTo(flat(reference)[i], 5));
  });

  it('takes a last layer with fromLogits as it takes a softmax', async () => {
    const { x, y } = samples(30);
    const make = (last: 'softmax' | 'linear') => {
      const model = sequential({ seed: 1, backend }, [layers.dense({ units: 4, activation: last, inputShape: [3] })]);
      model.compile({ optimizer: 'sgd', loss: losses.sparseCategoricalCrossentropy({ fromLogits: last === 'linear' }) });
      return model;
    };
    const [fused, logits] = [make('softmax'), make('linear')];
    await fused.fit(x, y);
    await logits.fit(x, y);
    expect(flat(logits)).toEqual(flat(fused));
    expect([...logits.predictSync(x).data]).toEqual([...fused.predictSync(x).data]);
  });

  it('keeps weights through compile, and predicts without it', () => {
    const model = sequential({ seed: 7, backend }, [layers.dense({ units: 3, activation: 'softmax', inputShape: [2] })]);
    const before = [...model.predictSync([[1, 2]]).data];
    const logits = [...model.predictLogitsSync([[1, 2]]).data];
    const weights = flat(model);
    model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
    expect(flat(model)).toEqual(weights);
    expect([...model.predictSync([[1, 2]]).data]).toEqual(before);
    expect([...model.predictLogitsSync([[1, 2]]).data]).toEqual(logits);
  });

  it('clones with optimizer state and freezes without', async () => {
    const { x, y } = samples(40);
    const model = classifier({ seed: 1, backend }, 'adam');
    await model.fit(x, y, { batchSize: 8 });
    const copy = model.clone();
    const frozen = model.freeze();
    const before = [...model.predictSync(x).data];
    await model.fit(x, y, { initialEpoch: 1, epochs: 2, batchSize: 8 });
    expect([...copy.predictSync(x).data]).toEqual(before);
    await copy.fit(x, y, { initialEpoch: 1, epochs: 2, batchSize: 8 });
    expect(flat(copy)).toEqual(flat(model));
    expect([...frozen.predictSync(x).data]).toEqual(before);
    expect([...(await frozen.predict(x)).data]).toEqual(before);
    expect(frozen.countParams()).toBe(model.countParams());
    frozen.dispose();
    expect(() => frozen.predictSync(x)).toThrow(expect.objectContaining({ code: 'ERR_STATE' }));
  });

  it('gives weights as fresh arrays (out, in) and takes them back', () => {
    const model = classifier({ seed: 1, backend });
    const weights = model.getWeights();
    expect(weights.map((array) => array.length)).toEqual([21, 7, 28, 4]);
    expect(model.parameterNames()).toEqual(['dense.weight', 'dense.bias', 'dense_1.weight', 'dense_1.bias']);
    weights[0].fill(9);
    expect(model.getWeights()[0][0]).not.toBe(9);
    const other = classifier({ seed: 2, backend });
    other.setWeights(model.getWeights());
    expect(flat(other)).toEqual(flat(model));
    other.predictSync([[1, 2, 3]]);
    other.setWeights(weights);
    expect(other.getWeights()[0][5]).toBe(9);
  });

  it('computes z = x·weightᵀ + bias with weight (out, in)', () => {
    const model = sequential({ backend }, [
      layers.dense({ units: 2, inputShape: [3], weights: [[[1, 2, 3], [4, 5, 6]], [10, 20]] }),
      layers.dense({ units: 1, kernelInitializer: [[1, -1]], useBias: false }),
    ]);
    expect([...model.predictSync([[1, 0, 2]]).data]).toEqual([1 + 6 + 10 - (4 + 12 + 20)]);
    expect(model.countParams()).toBe(10);
  });

  it('trains on single batches', async () => {
    const { x, y } = samples(10);
    const [a, b, c] = [classifier({ seed: 1, backend }), classifier({ seed: 1, backend }), classifier({ seed: 1, backend })];
    const logs = await a.trainOnBatch(x, y);
    expect(b.trainOnBatchSync(x, y)).toEqual(logs);
    const history = await c.fit(x, y, { batchSize: 10 });
    expect(logs).toEqual({ loss: history.history['loss'][0], accuracy: history.history['accuracy'][0] });
    expect(flat(a)).toEqual(flat(c));
    expect(a.step).toBe(1);
  });

  it('stops at a loss that is not finite, with the weights from before', async () => {
    const model = sequential({ seed: 1, backend, dtype: 'float64' }, [layers.dense({ units: 1, inputShape: [1] })]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 1e170 }), loss: 'mse' });
    const error = await model.fit([1, 2, 3, 4], [1, 2, 3, 4], { epochs: 5, batchSize: 2, shuffle: false }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(TrainingStopped);
    expect(error).toMatchObject({ code: 'ERR_NON_FINITE', message: expect.stringMatching(/epoch 1 of 5, step 2 of 2/) });
    expect(flat(model).every(Number.isFinite)).toBe(true);
    expect(model.step).toBe(1);
    const merged = sequential({ seed: 1, backend, dtype: 'float64' }, [layers.dense({ units: 1, inputShape: [1] })]);
    merged.compile({ optimizer: optimizers.sgd({ learningRate: 1e170 }), loss: 'mse' });
    await expect(merged.fit([1, 2, 3, 4], [1, 2, 3, 4], { epochs: 5, batchSize: 4 })).rejects.toMatchObject({
      code: 'ERR_NON_FINITE', message: expect.stringMatching(/epoch 2 of 5, step 1 of 1/), history: { epoch: [0] },
    });
    expect(() => model.predictSync([0])).not.toThrow();
  });
});

describe('the last partial batch, one row, a batch larger than the data', () => {
  it.each(backends)('are trained on as they are (%s)', async (backend) => {
    const { x, y } = samples(7);
    const partial = classifier({ seed: 1, backend });
    const sizes: number[] = [];
    await partial.fit(x, y, { batchSize: 3, callbacks: { onBatchEnd: (_, logs) => void sizes.push(logs['size']) } });
    expect(sizes).toEqual([3, 3, 1]);
    expect(partial.step).toBe(3);
    const one = classifier({ seed: 1, backend });
    await one.fit(x.subarray(0, 3), y.subarray(0, 1), { batchSize: 3 });
    expect(one.step).toBe(1);
    const [large, exact] = [classifier({ seed: 1, backend }), classifier({ seed: 1, backend })];
    await large.fit(x, y, { batchSize: 1000 });
    await exact.fit(x, y, { batchSize: 7 });
    expect(flat(large)).toEqual(flat(exact));
  });
});
