import { describe, expect, it } from 'vitest';
import { layers, losses, optimizers, regularizers, sequential, sequentialFromRecord, type CustomLossOptions, type CustomLossResult, type DType, type FitOptions, type Sequential } from '../../../src/index.js';
import { backends, flat, samples } from '../support.js';

const ROWS = 37;
const { x } = samples(ROWS);
/** Two values a row. */
const y = Float64Array.from({ length: ROWS * 2 }, (_, i) => Math.sin(i * 5) / 2);

/** What losses.meanSquaredError computes, in the same operations. */
const compute: CustomLossOptions['compute'] = (outputs, targets, { rows, units }) => {
  const g = 1 / (rows * units);
  let loss = 0;
  const gradient = outputs.map((output, i) => {
    const d = output - targets[i];
    loss += d * d;
    return 2 * d * g;
  });
  return { loss: loss * g, gradient };
};
const squares = losses.custom({ name: 'squares', compute });

function build(backend: 'native' | 'typescript', loss: Parameters<Sequential['compile']>[0]['loss'], dtype: DType = 'float64', metrics: Parameters<Sequential['compile']>[0]['metrics'] = []): Sequential {
  const model = sequential({ seed: 5, dtype, backend }, [
    layers.dense({ units: 7, activation: 'tanh', inputShape: [3], kernelRegularizer: regularizers.l2(0.01) }),
    layers.dropout({ rate: 0.25 }),
    layers.dense({ units: 2, activation: 'sigmoid', kernelRegularizer: regularizers.l1(0.003) }),
  ]);
  model.compile({ optimizer: optimizers.adam({ learningRate: 0.02, globalClipnorm: 0.5 }), loss, metrics });
  return model;
}
const column = (history: { readonly history: Record<string, number[]> }, name: string): number[] => history.history[name] ?? [];

describe.each(backends)('a custom loss on %s', (backend) => {
  const options: FitOptions[] = [
    { epochs: 6, batchSize: 8 },
    // Epochs of one step go over together.
    { epochs: 9, batchSize: ROWS },
    { epochs: 3, batchSize: 10, shuffle: false, validationSplit: 0.2 },
    { epochs: 3, batchSize: 10, callbacks: { onBatchEnd: () => undefined } },
  ];
  it.each(options)('squares train to the bytes of meanSquaredError in float64: $epochs epochs of $batchSize', async (given) => {
    const [own, built] = [build(backend, squares, 'float64', ['mae']), build(backend, 'mse', 'float64', ['mae'])];
    const [a, b] = [await own.fit(x, y, given), await built.fit(x, y, given)];
    expect(flat(own)).toEqual(flat(built));
    expect(own.step).toBe(built.step);
    expect(a.epoch).toEqual(b.epoch);
    expect(Object.keys(a.history).sort()).toEqual(Object.keys(b.history).sort());
    // The loss is added up in another order. Worst measured 1.1e-16.
    for (const name of Object.keys(b.history)) column(b, name).forEach((value, i) => expect(Math.abs(column(a, name)[i] - value)).toBeLessThan(1e-14));
    const again = build(backend, squares);
    again.fitSync(x, y, given);
    expect(flat(again)).toEqual(flat(own));
  });

  it('float32: within rounding of meanSquaredError', () => {
    const [own, built] = [build(backend, squares, 'float32'), build(backend, 'mse', 'float32')];
    for (const model of [own, built]) model.fitSync(x, y, { epochs: 2, batchSize: 8 });
    // The factor 1 / (rows · units) is rounded to float32 in one and not in the other. Worst measured 1.2e-7.
    const other = flat(built);
    for (const [i, value] of flat(own).entries()) expect(Math.abs(value - other[i])).toBeLessThan(2e-6);
  });

  it('evaluates like meanSquaredError, penalty and metrics included', async () => {
    const [own, built] = [build(backend, squares, 'float64', ['mae', 'binaryAccuracy']), build(backend, 'mse', 'float64', ['mae', 'binaryAccuracy'])];
    const [a, b] = [await own.evaluate(x, y), await built.evaluate(x, y)];
    expect(Object.keys(a)).toEqual(Object.keys(b));
    for (const name of Object.keys(b)) expect(a[name]).toBeCloseTo(b[name], 12);
    expect(own.evaluateSync(x, y)).toEqual(a);
  });

  it('evaluates in slices, the last one shorter: still the mean over all rows', async () => {
    const wide = (loss: Parameters<Sequential['compile']>[0]['loss']): Sequential => {
      const model = sequential({ seed: 1, dtype: 'float64', backend }, [layers.dense({ units: 600, inputShape: [3] }), layers.dense({ units: 600 }), layers.dense({ units: 2 })]);
      model.compile({ optimizer: 'sgd', loss });
      return model;
    };
    const rows: number[] = [];
    const counting = losses.custom({ name: 'counting', compute: (outputs, targets, batch) => (rows.push(batch.rows), compute(outputs, targets, batch)) });
    const many = samples(200).x;
    const manyY = new Float64Array(400).map((_, i) => y[i % y.length] * (i > 300 ? 9 : 1));
    const [own, built] = [wide(counting), wide('mse')];
    expect((await own.evaluate(many, manyY))['loss']).toBeCloseTo((await built.evaluate(many, manyY))['loss'], 11);
    expect(rows).toEqual([92, 92, 16]);
  });

  it('has gradients: those of meanSquaredError, and those that differences say', () => {
    const own = build(backend, squares);
    const built = build(backend, 'mse');
    const [a, b] = [own.gradients(x, y), built.gradients(x, y)];
    expect(a.loss).toBeCloseTo(b.loss, 12);
    expect(a.penalty).toBeCloseTo(b.penalty, 14);
    expect([...a.dx]).toEqual([...b.dx]);
    for (const name of Object.keys(b.gradients)) b.gradients[name].forEach((value, i) => expect(Math.abs(a.gradients[name][i] - value)).toBeLessThan(1e-14));
    for (const { name, worst } of own.checkGradients(x, y)) expect(worst, name).toBeLessThan(1e-7);
  });

  it('sees each batch as it is trained on: targets beside outputs, in the type of the model', () => {
    const seen: [string, string, number, number, number][] = [];
    const probe = losses.custom({
      name: 'probe',
      compute(outputs, targets, batch) {
        seen.push([outputs.constructor.name, targets.constructor.name, targets[0], batch.rows, batch.units]);
        expect(batch.sampleWeight).toBe(null);
        // Theirs to change.
        outputs.fill(NaN);
        targets.fill(NaN);
        return { loss: 0, gradient: new Array<number>(batch.rows * batch.units).fill(0) };
      },
    });
    const model = build(backend, probe, 'float32', ['mae']);
    const history = model.fitSync(x, y, { epochs: 1, batchSize: 30, order: Array.from({ length: ROWS }, (_, i) => ROWS - 1 - i) });
    expect(seen).toEqual([['Float32Array', 'Float32Array', Math.fround(y[72]), 30, 2], ['Float32Array', 'Float32Array', Math.fround(y[12]), 7, 2]]);
    expect(column(history, 'mae')[0]).toBeGreaterThan(0);
  });

  it('an error of the function passes through and leaves the model usable, every update counted', async () => {
    let calls = 0;
    const failing = losses.custom({
      name: 'failing',
      compute(outputs, targets, batch) {
        calls += 1;
        if (calls === 4) throw new RangeError('four');
        return compute(outputs, targets, batch);
      },
    });
    for (const way of ['fit', 'fitSync'] as const) {
      calls = 0;
      const model = build(backend, failing);
      const run = async (): Promise<unknown> => (way === 'fit' ? model.fit(x, y, { epochs: 2, batchSize: 10 }) : model.fitSync(x, y, { epochs: 2, batchSize: 10 }));
      await expect(run()).rejects.toThrow(new RangeError('four'));
      expect(model.step).toBe(3);
      const reference = build(backend, 'mse');
      const first = build(backend, squares);
      await expect(first.fit(x, y, { epochs: 1, batchSize: 10, callbacks: { onBatchBegin: (batch) => { if (batch === 3) throw new Error('stop'); } } })).rejects.toThrow('stop');
      expect(flat(model)).toEqual(flat(first));
      model.fitSync(x, y);
      expect(model.step).toBe(5);
      reference.dispose();
    }
  });

  it.each<[what: string, gives: unknown, code: string, text: RegExp]>([
    ['nothing', undefined, 'ERR_TYPE', /Expected \{ loss, gradient \} from 'bad', received undefined/],
    ['a promise', Promise.resolve({ loss: 0, gradient: [0] }), 'ERR_TYPE', /without a promise/],
    ['no gradient', { loss: 1 }, 'ERR_TYPE', /\{ loss, gradient \}/],
    ['a loss in words', { loss: '1', gradient: new Float64Array(ROWS * 2) }, 'ERR_TYPE', /for loss from 'bad', received "1"/],
    ['a gradient that is too short', { loss: 1, gradient: new Float64Array(ROWS * 2 - 2) }, 'ERR_SHAPE', /37 x 2 values for the gradient of 'bad', received 72 values/],
    ['a gradient a row', { loss: 1, gradient: new Array(ROWS).fill(0) }, 'ERR_SHAPE', /37 x 2 values .*received 37 values/],
    ['too few rows', { loss: 1, gradient: [[0, 1], [0, 1]] }, 'ERR_SHAPE', /received 2 rows/],
    ['a gradient that is none', { loss: 1, gradient: 'down' }, 'ERR_TYPE', /received "down"/],
    ['a gradient that is not finite', { loss: 1, gradient: new Float64Array(ROWS * 2).fill(NaN, 5, 6) }, 'ERR_NON_FINITE', /row 2, column 1 of the gradient of 'bad', received NaN/],
  ])('refuses %s before anything changes', async (_what, gives, code, text) => {
    const model = build(backend, losses.custom({ name: 'bad', compute: () => gives as CustomLossResult }));
    const before = flat(model);
    await expect(model.fit(x, y, { batchSize: ROWS })).rejects.toMatchObject({ code, message: expect.stringMatching(text) as unknown });
    expect(() => model.fitSync(x, y, { batchSize: ROWS })).toThrow(expect.objectContaining({ code }));
    expect(flat(model)).toEqual(before);
    expect(model.step).toBe(0);
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    model.fitSync(x, y);
    expect(model.step).toBe(2);
  });

  it('a loss that is not finite ends the fit as any other does', async () => {
    let calls = 0;
    const model = build(backend, losses.custom({ name: 'bad', compute: (outputs) => ({ loss: (calls += 1) === 6 ? NaN : 1, gradient: outputs }) }));
    await expect(model.fit(x, y, { epochs: 3, batchSize: 10 })).rejects.toMatchObject({ code: 'ERR_NON_FINITE', message: expect.stringMatching(/epoch 2 of 3, step 2 of 4, received NaN/) as unknown, history: { epoch: [0] } });
    expect(model.step).toBe(5);
  });

  it('stops by its signal, and the event loop has its turns', async () => {
    const model = build(backend, squares);
    const controller = new AbortController();
    const timer = setInterval(() => { if (model.step > 0) controller.abort(); }, 1);
    await expect(model.fit(x, y, { epochs: 1e7, batchSize: 8, signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    clearInterval(timer);
    expect(model.step).toBeGreaterThan(0);
    expect(flat(model).every(Number.isFinite)).toBe(true);
  });

  it('sample and class weights: refused, or handed to a function that wants them', () => {
    const plain = build(backend, squares);
    for (const given of [{ sampleWeight: new Float64Array(ROWS).fill(1) }, { classWeight: [1, 2] }]) {
      expect(() => plain.fitSync(x, y, given)).toThrow(expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringMatching(/weighted: true.*for 'squares'/) as unknown }));
    }
    expect(() => plain.evaluateSync(x, y, { sampleWeight: new Float64Array(ROWS).fill(1) })).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    expect(() => plain.fitSync(x, y, { validationData: [x, y, new Float64Array(ROWS).fill(1)] })).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    expect(plain.step).toBe(0);
    const weighted = losses.custom({
      name: 'weighted squares', weighted: true,
      compute(outputs, targets, { rows, units, sampleWeight }) {
        let loss = 0;
        const gradient = outputs.map((output, i) => {
          const g = (sampleWeight?.[Math.floor(i / units)] ?? 1) / (rows * units);
          const d = output - targets[i];
          loss += d * d * g;
          return 2 * d * g;
        });
        return { loss, gradient };
      },
    });
    const sampleWeight = Float64Array.from({ length: ROWS }, (_, row) => (row % 3) / 2);
    // Classes are where the larger target is.
    const [own, built] = [build(backend, weighted), build(backend, 'mse')];
    for (const model of [own, built]) model.fitSync(x, y, { epochs: 3, batchSize: 8, sampleWeight, classWeight: { 1: 3 } });
    expect(flat(own)).toEqual(flat(built));
    expect(own.evaluateSync(x, y, { sampleWeight })['loss']).toBeCloseTo(built.evaluateSync(x, y, { sampleWeight })['loss'] ?? NaN, 12);
  });

  it('a file says that the loss was custom, and the model is compiled again', async () => {
    const model = build(backend, squares, 'float64', ['mae']);
    await model.fit(x, y, { epochs: 2 });
    const record = model.toRecord();
    expect(record.config.compile?.loss).toEqual({ name: 'custom', lossName: 'squares', weighted: false });
    const again = sequentialFromRecord({ ...record, config: JSON.parse(JSON.stringify(record.config)) }, { backend });
    expect(again.predictSync(x).data).toEqual(model.predictSync(x).data);
    expect(again.toRecord()).toEqual(record);
    for (const call of [() => again.fitSync(x, y), () => again.evaluateSync(x, y), () => again.gradients(x, y)]) {
      expect(call).toThrow(expect.objectContaining({ code: 'ERR_STATE', message: expect.stringMatching(/could not hold its custom loss 'squares'. Expected model\.compile/) as unknown }));
    }
    again.compile({ optimizer: 'sgd', loss: squares });
    again.fitSync(x, y);
    expect(again.step).toBe(2);
    expect(model.clone().evaluateSync(x, y)).toEqual(model.evaluateSync(x, y));
    expect(model.freeze().predictSync(x).data).toEqual(model.predictSync(x).data);
  });

  it('a function that uses its model in the middle of a step is told so, and nothing is mixed up', async () => {
    const one = { x: [[1, 2, 3]], y: [[0, 1]] };
    const uses: Readonly<Record<string, (model: Sequential) => unknown>> = {
      predict: (model) => model.predictSync(one.x), gradients: (model) => model.gradients(one.x, one.y), load: (model) => model.evaluateSync(one.x, one.y),
      forwardTrain: (model) => model.forwardTrain(one.x), setWeights: (model) => { model.setWeights(model.getWeights()); }, fit: (model) => model.fitSync(one.x, one.y),
    };
    for (const [name, use] of Object.entries(uses)) {
      let hold = true;
      const model: Sequential = build(backend, losses.custom({
        name: 'curious',
        compute(outputs, targets, batch) {
          if (hold) use(model);
          return compute(outputs, targets, batch);
        },
      }));
      const before = flat(model);
      expect(() => model.fitSync(one.x, one.y), name).toThrow(expect.objectContaining({ code: 'ERR_BUSY' }));
      await expect(model.fit(one.x, one.y), name).rejects.toMatchObject({ code: 'ERR_BUSY' });
      expect(flat(model)).toEqual(before);
      hold = false;
      await model.fit(one.x, one.y);
      expect(model.step).toBe(1);
    }
  });

  it('predictions during a fit see the last finished epoch', async () => {
    const model = build(backend, squares);
    const seen: number[] = [];
    const callback = {
      onBatchEnd: () => void seen.push(model.predictSync(x).data[0]),
      onEpochEnd: async () => void seen.push((await model.evaluate(x, y))['loss'] ?? NaN),
    };
    await model.fit(x, y, { epochs: 2, batchSize: 20, callbacks: callback });
    expect(seen[0]).toBe(seen[1]);
    expect(seen[3]).toBe(seen[4]);
    expect(seen[3]).not.toBe(seen[0]);
    expect(seen[5]).toBe(model.evaluateSync(x, y)['loss']);
  });
});

describe('losses.custom refuses', () => {
  const make = (options: unknown) => () => losses.custom(options as CustomLossOptions);
  it.each<[what: string, bad: () => unknown, code: string, text: RegExp]>([
    ['no function', make({ name: 'a' }), 'ERR_TYPE', /\(outputs, targets\) => \(\{ loss, gradient \}\) for compute, received undefined/],
    ['no name', make({ compute }), 'ERR_TYPE', /for name, received undefined/],
    ['an empty name', make({ name: '', compute }), 'ERR_TYPE', /for name/],
    ['an unknown option', make({ name: 'a', compute, reduction: 'sum' }), 'ERR_OPTION', /name, compute, weighted/],
    ['a flag in words', make({ name: 'a', compute, weighted: 'yes' }), 'ERR_TYPE', /weighted/],
    ['a function alone', make(compute), 'ERR_TYPE', /options are an object/],
  ])('%s', (_what, bad, code, text) => {
    expect(bad).toThrow(expect.objectContaining({ code, message: expect.stringMatching(text) as unknown }));
  });

  it('a plain object in its place, unknown names, and metrics that want classes', () => {
    const model = build('typescript', 'mse');
    const compile = (loss: unknown, metrics: unknown = []) => () => { Reflect.apply(model.compile, model, [{ optimizer: 'sgd', loss, metrics }]); };
    expect(compile({ name: 'custom', compute })).toThrow(expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringContaining('losses.custom({ name, compute })') as unknown }));
    expect(compile('custom')).toThrow(expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringMatching(/cosineSimilarity, mse, mae, mape, msle, klDivergence/) as unknown }));
    expect(compile(squares, ['auc'])).toThrow(expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringMatching(/received 'custom'/) as unknown }));
  });
});
