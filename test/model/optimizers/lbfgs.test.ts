import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { callbacks, layers, losses, optimizers, regularizers, sequential, type LbfgsOptions, type Sequential, type SequentialOptions } from '../../../src/index.js';
import { configurations } from '../../backend/configurations.js';
import { backends, flat, samples, xorModel, xorX, xorY } from '../support.js';

const places: readonly (SequentialOptions & { readonly label: string })[] = configurations([1, 3]).map(({ isa, threads, name }) =>
  isa === 'typescript' ? { label: name, backend: 'typescript' } : { label: name, backend: 'native', isa, threads });
const where = ({ backend, isa, threads }: SequentialOptions): SequentialOptions => ({
  ...(backend === undefined ? {} : { backend }), ...(isa === undefined ? {} : { isa }), ...(threads === undefined ? {} : { threads }),
});

interface Golden {
  readonly id: string;
  readonly layers: readonly number[];
  readonly activation: 'tanh' | 'sigmoid';
  readonly loss: 'crossEntropy' | 'meanSquaredError';
  readonly l2: number;
  readonly history_size: number;
  readonly learning_rate: number;
  readonly x: number[][];
  readonly y: number[] | number[][];
  readonly initial: Readonly<Record<string, number[]>>;
  readonly final: Readonly<Record<string, number[]>>;
  readonly loss_before_iteration: readonly number[];
}
const isGolden = (value: unknown): value is Golden => typeof value === 'object' && value !== null && 'loss_before_iteration' in value;
const folder = fileURLToPath(new URL('../../golden/lbfgs/', import.meta.url));
const goldens = readdirSync(folder).map((name) => {
  const value: unknown = JSON.parse(readFileSync(folder + name, 'utf8'));
  if (!isGolden(value)) throw new Error(`${name} is no golden`);
  return value;
});
/** Of the weights' size, after 20 or 30 iterations. Measured: 1.6e-11 (flat valleys magnify roundings). */
const TOLERANCE = 1e-8;
let worst = 0;

function goldenModel(golden: Golden, options: SequentialOptions): Sequential {
  const [inputs, hidden, outputs] = golden.layers;
  const crossEntropy = golden.loss === 'crossEntropy';
  const penalty = golden.l2 === 0 ? null : regularizers.l2(golden.l2 / 2);
  const model = sequential({ dtype: 'float64', ...options }, [
    layers.dense({ units: hidden, activation: golden.activation, inputShape: [inputs], kernelRegularizer: penalty }),
    layers.dense({ units: outputs, activation: crossEntropy ? 'softmax' : 'linear', kernelRegularizer: penalty }),
  ]);
  model.setWeights(['W1', 'b1', 'W2', 'b2'].map((name) => golden.initial[name]));
  model.compile({
    optimizer: optimizers.lbfgs({ historySize: golden.history_size, learningRate: golden.learning_rate, toleranceGradient: 0, toleranceChange: 0 }),
    loss: crossEntropy ? 'sparseCategoricalCrossentropy' : 'meanSquaredError',
  });
  return model;
}

describe("PyTorch's trajectories", () => {
  it('has them', () => {
    expect(goldens).toHaveLength(6);
  });
  for (const golden of goldens) {
    it.each(places)(`${golden.id}, $label`, (place) => {
      const model = goldenModel(golden, where(place));
      const { history } = model.fitSync(golden.x, golden.y, { epochs: golden.loss_before_iteration.length });
      expect(history['loss']).toHaveLength(golden.loss_before_iteration.length);
      golden.loss_before_iteration.forEach((loss, i) => {
        const difference = Math.abs(history['loss'][i] - loss);
        worst = Math.max(worst, difference);
        expect(difference <= TOLERANCE, `loss ${i}: ${history['loss'][i]}, expected ${loss}`).toBe(true);
      });
      const end = ['W1', 'b1', 'W2', 'b2'].flatMap((name) => golden.final[name]).flat();
      const scale = Math.max(...end.map(Math.abs));
      flat(model).forEach((value, i) => {
        worst = Math.max(worst, Math.abs(value - end[i]) / scale);
        expect(Math.abs(value - end[i]) <= TOLERANCE * scale, `weight ${i}: ${value}, expected ${end[i]}`).toBe(true);
      });
      expect(model.step).toBe(golden.loss_before_iteration.length);
    });
  }
  afterAll(() => {
    console.log(`lbfgs: largest difference from PyTorch ${worst}`);
  });
});

const data = samples(60);
function classifier(options: SequentialOptions, lbfgs: LbfgsOptions = {}): Sequential {
  const model = sequential({ seed: 3, ...options }, [
    layers.rescaling({ scale: 0.5, inputShape: [3] }),
    layers.dense({ units: 9, activation: 'softplus', kernelRegularizer: regularizers.l2(1e-3) }),
    layers.dropout({ rate: 0 }),
    layers.dense({ units: 4, activation: 'softmax' }),
  ]);
  model.compile({ optimizer: optimizers.lbfgs(lbfgs), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy', 'f1'] });
  return model;
}

describe('the same bytes', () => {
  const train = (options: SequentialOptions): number[] => {
    const model = classifier(options);
    const { history } = model.fitSync(data.x, data.y, { epochs: 12, classWeight: { 1: 2 }, sampleWeight: Float64Array.from(data.y, (y) => 1 + y / 3) });
    return [...flat(model), ...history['loss'], ...history['accuracy'], ...history['f1']];
  };
  const natives = places.filter(({ backend }) => backend === 'native');
  it('float64: TypeScript, baseline; threads', () => {
    const expected = train({ dtype: 'float64', backend: 'typescript' });
    for (const place of natives.filter(({ isa }) => isa === 'baseline')) expect(train({ dtype: 'float64', ...where(place) })).toEqual(expected);
    for (const threads of natives.length === 0 ? [] : [2, 16]) expect(train({ dtype: 'float64', backend: 'native', isa: 'baseline', threads })).toEqual(expected);
  });
  it.each(['float32', 'float64'] as const)('%s: AVX2 and AVX-512, materialised or not', (dtype) => {
    const fast = natives.filter(({ isa }) => isa !== 'baseline');
    const [first, ...others] = fast.map((place) => train({ dtype, ...where(place) }));
    for (const other of others) expect(other).toEqual(first);
    for (const place of fast) expect(train({ dtype, plan: 'materialised', ...where(place) })).toEqual(first);
  });
  it('float32: TypeScript and native agree after one iteration, within the bound of a step', () => {
    const run = (options: SequentialOptions): number[] => {
      const model = classifier({ dtype: 'float32', ...options });
      model.fitSync(data.x, data.y, { epochs: 1 });
      return flat(model);
    };
    const expected = run({ backend: 'typescript' });
    const scale = Math.max(...expected.map(Math.abs));
    for (const place of natives) run(where(place)).forEach((value, i) => { expect(Math.abs(value - expected[i]) <= 1e-5 * scale, `${place.label}, weight ${i}`).toBe(true); });
  });
  it('fit and fitSync', async () => {
    for (const backend of backends) {
      const [one, other] = [classifier({ backend }), classifier({ backend })];
      const history = await one.fit(data.x, data.y, { epochs: 5 });
      expect(other.fitSync(data.x, data.y, { epochs: 5 })).toEqual(history);
      expect(flat(other)).toEqual(flat(one));
    }
  });
});

describe.each(backends)('fit with lbfgs, %s', (backend) => {
  it('learns exclusive or, in both types', () => {
    for (const dtype of ['float32', 'float64'] as const) {
      const model = xorModel({ seed: 1, dtype, backend });
      model.compile({ optimizer: 'lbfgs', loss: 'binaryCrossentropy', metrics: ['accuracy'] });
      const { history } = model.fitSync(xorX, xorY, { epochs: 100 });
      expect(history['accuracy'].at(-1)).toBe(1);
      expect(model.evaluateSync(xorX, xorY)['loss']).toBeLessThan(1e-4);
    }
  });

  it('finds the least squares of a line and ends by itself', async () => {
    const x = Float64Array.from({ length: 40 }, (_, i) => Math.sin(i));
    const y = x.map((value) => 3 * value - 2);
    const model = sequential({ dtype: 'float64', backend }, [layers.dense({ units: 1, inputShape: [1] })]);
    model.compile({ optimizer: optimizers.lbfgs(), loss: 'meanSquaredError' });
    const epochs: number[] = [];
    const history = await model.fit(x, y, { epochs: 50, callbacks: { onEpochEnd: (epoch) => void epochs.push(epoch) } });
    expect(flat(model)[0]).toBeCloseTo(3, 5);
    expect(flat(model)[1]).toBeCloseTo(-2, 5);
    expect(['gradient', 'change']).toContain(history.converged);
    expect(history.epoch.length).toBeLessThan(15);
    expect([history.epoch, model.nextEpoch]).toEqual([epochs, epochs.length]);
    // A second fit sees it at once.
    const again = await model.fit(x, y, { epochs: 50 });
    expect(again.epoch).toHaveLength(1);
  });

  it('a loss of your own is a loss like any other', () => {
    const custom = losses.custom({
      name: 'squared',
      compute: (outputs, targets) => {
        const errors = Array.from(outputs, (value, i) => value - targets[i]);
        return { loss: errors.reduce((sum, error) => sum + error ** 2, 0) / errors.length, gradient: errors.map((error) => (2 * error) / errors.length) };
      },
    });
    const [own, known] = [custom, losses.meanSquaredError()].map((loss) => {
      const model = sequential({ backend, seed: 4, dtype: 'float64' }, [layers.dense({ units: 4, activation: 'tanh', inputShape: [2] }), layers.dense({ units: 1 })]);
      model.compile({ optimizer: 'lbfgs', loss });
      model.fitSync(line.x, line.y, { epochs: 8 });
      return flat(model);
    });
    own.forEach((value, i) => { expect(value).toBeCloseTo(known[i], 9); });
  });

  it.each<[string, () => readonly [Sequential, number[][] | Float32Array, number[][] | number[] | Int32Array]]>([
    ['huber', () => [regression(backend, losses.huber({ delta: 0.5 })), line.x, line.y]],
    ['logCosh', () => [regression(backend, 'logCosh'), line.x, line.y]],
    ['meanAbsoluteError', () => [regression(backend, 'meanAbsoluteError'), line.x, line.y]],
    ['squaredHinge', () => [regression(backend, 'squaredHinge'), line.x, line.y.map(([v]) => [v > 0 ? 1 : -1])]],
  ])('lowers %s in every epoch', (_name, make) => {
    const [model, x, y] = make();
    const { history } = model.fitSync(x, y, { epochs: 20 });
    history['loss'].slice(1).forEach((loss, i) => {
      expect(loss).toBeLessThanOrEqual(history['loss'][i]);
    });
    expect(history['loss'].at(-1)).toBeLessThan(history['loss'][0]);
  });

  it("what the backend's gradients say is what it learns from", () => {
    // The gradient read from the slot is the one of `gradients`, with the penalty: one first iteration by hand.
    const model = classifier({ backend, dtype: 'float64' });
    const before = flat(model);
    const { gradients, loss } = model.gradients(data.x, data.y);
    const g = Object.values(gradients).flatMap((array) => [...array]);
    const history = model.fitSync(data.x, data.y, { epochs: 1 });
    expect(history.history['loss'][0]).toBeCloseTo(loss, 14);
    const t = Math.min(1, 1 / g.reduce((sum, value) => sum + Math.abs(value), 0));
    flat(model).forEach((value, i) => {
      expect(value).toBeCloseTo(before[i] - t * g[i], 13);
    });
  });

  it('leaves layers of factor 0 as they are', () => {
    const model = sequential({ backend, seed: 2 }, [
      layers.dense({ units: 5, activation: 'tanh', inputShape: [3], learningRateFactor: 0 }),
      layers.dense({ units: 4, activation: 'softmax' }),
    ]);
    model.compile({ optimizer: 'lbfgs', loss: 'sparseCategoricalCrossentropy' });
    const before = model.getWeights();
    model.fitSync(data.x, data.y, { epochs: 5 });
    const after = model.getWeights();
    expect(after.slice(0, 2)).toEqual(before.slice(0, 2));
    expect(after[2]).not.toEqual(before[2]);
  });

  it('calls every hook, with one batch an epoch; goes on from weights that a hook sets', () => {
    const calls: string[] = [];
    const model = classifier({ backend });
    const start = model.getWeights();
    model.fitSync(data.x, data.y, {
      epochs: 2, validationSplit: 0.2,
      callbacks: {
        onTrainBegin: () => void calls.push('begin'), onEpochBegin: (epoch) => void calls.push(`epoch ${epoch}`),
        onBatchBegin: (batch, logs) => void calls.push(`batch ${batch} of ${logs['size']}`), onBatchEnd: (_batch, logs) => void calls.push(Object.keys(logs).join()),
        onEpochEnd: (_epoch, logs, context) => {
          calls.push(Object.keys(logs).join());
          context.model.setWeights(start);
        },
        onTrainEnd: () => void calls.push('end'),
      },
    });
    const figures = 'loss,accuracy,f1';
    const epoch = ['batch 0 of 48', `${figures},size`, `${figures},val_loss,val_accuracy,val_f1`];
    expect(calls).toEqual(['begin', 'epoch 0', ...epoch, 'epoch 1', ...epoch, 'end']);
    expect(model.getWeights()).toEqual(start);
    const seen: number[] = [];
    model.fitSync(data.x, data.y, { epochs: 2, callbacks: { onEpochEnd: (_e, logs, context) => { seen.push(logs['loss']); context.model.setWeights(start); } } });
    expect(seen[1]).toBe(seen[0]);
  });

  it('ends by signal with the weights of the last iteration', async () => {
    const model = classifier({ backend });
    const controller = new AbortController();
    const kept: number[][] = [];
    const stopped = model.fit(data.x, data.y, { epochs: 50, signal: controller.signal, callbacks: { onEpochEnd: (epoch) => { kept.push(flat(model)); if (epoch === 3) controller.abort(); } } });
    await expect(stopped).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(flat(model)).toEqual(kept[3]);
    expect([model.step, model.nextEpoch]).toEqual([4, 4]);
    await model.fit(data.x, data.y, { epochs: 6, initialEpoch: model.nextEpoch });
    expect(model.step).toBe(6);
  });

  it('is stopped in the middle of a search without leaving a trial behind', async () => {
    const model = classifier({ backend, dtype: 'float64' }, { maxIterations: 1000, learningRate: 1e-6, toleranceChange: 0, toleranceGradient: 0 });
    const controller = new AbortController();
    const big = samples(4000);
    setTimeout(() => { controller.abort(); }, 30);
    await expect(model.fit(big.x, big.y, { epochs: 1, signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    const steps = model.step;
    const [one, other] = [model, classifier({ backend, dtype: 'float64' }, { maxIterations: Math.max(1, steps), learningRate: 1e-6, toleranceChange: 0, toleranceGradient: 0 })];
    if (steps > 0) other.fitSync(big.x, big.y);
    expect(flat(one)).toEqual(flat(other));
  });

  it('says where the loss is not finite, weights untouched', () => {
    const model = regression(backend, 'meanSquaredError');
    model.setWeights(model.getWeights().map((array) => array.fill(3e38)));
    const before = flat(model);
    expect(() => model.fitSync(line.x, line.y, { epochs: 3 })).toThrow(expect.objectContaining({ code: 'ERR_NON_FINITE', history: expect.objectContaining({ epoch: [] }) }));
    expect(flat(model)).toEqual(before);
  });

  it('takes schedules and functions for the first length tried', () => {
    const rates: number[] = [];
    const model = classifier({ backend }, { learningRate: (step) => { rates.push(step); return 0.5; } });
    const plain = classifier({ backend }, { learningRate: 0.5 });
    model.fitSync(data.x, data.y, { epochs: 4 });
    plain.fitSync(data.x, data.y, { epochs: 4 });
    expect(rates).toEqual([0, 1, 2, 3]);
    expect(flat(model)).toEqual(flat(plain));
    const wrong = classifier({ backend }, { learningRate: () => NaN });
    expect(() => wrong.fitSync(data.x, data.y)).toThrow(expect.objectContaining({ code: 'ERR_RANGE' }));
  });

  it('goes on after trainOnBatch, clone and earlyStopping', () => {
    const model = classifier({ backend });
    for (let i = 0; i < 3; i++) model.trainOnBatchSync(data.x, data.y);
    const whole = classifier({ backend });
    whole.fitSync(data.x, data.y, { epochs: 3 });
    expect(flat(model)).toEqual(flat(whole));
    const copy = whole.clone();
    for (const each of [whole, copy]) each.fitSync(data.x, data.y, { epochs: 3, callbacks: callbacks.earlyStopping({ monitor: 'loss', patience: 2 }) });
    expect(flat(copy)).toEqual(flat(whole));
    expect(copy.step).toBe(6);
  });
});

const line = { x: Array.from({ length: 30 }, (_, i) => [Math.sin(i), Math.cos(2 * i)]), y: Array.from({ length: 30 }, (_, i) => [2 * Math.sin(i) - Math.cos(2 * i) + 0.3 * Math.sin(5 * i)]) };
function regression(backend: 'typescript' | 'native', loss: Parameters<Sequential['compile']>[0]['loss']): Sequential {
  const model = sequential({ backend, seed: 4 }, [layers.dense({ units: 6, activation: 'tanh', inputShape: [2] }), layers.dense({ units: 1 })]);
  model.compile({ optimizer: 'lbfgs', loss });
  return model;
}

it.each(backends)('goes with normalization, prelu, layer normalization and activation layers: %s', (backend) => {
  const model = sequential({ backend, seed: 4 }, [
    layers.input({ shape: [2] }), layers.normalization().adapt(line.x), layers.dense({ units: 6 }), layers.layerNormalization(), layers.prelu(), layers.dense({ units: 4 }), layers.activation('tanh'), layers.dense({ units: 1 }),
  ]);
  model.compile({ optimizer: 'lbfgs', loss: 'mse' });
  const { loss } = model.fitSync(line.x, line.y, { epochs: 25 }).history;
  // Every iteration goes down, or the search would have ended it.
  loss.slice(1).forEach((value, i) => expect(value).toBeLessThan(loss[i]));
  expect(loss.at(-1)).toBeLessThan(loss[0] / 20);
  const refused = sequential({ backend }, [layers.dense({ units: 3, inputShape: [2] }), layers.batchNormalization(), layers.dense({ units: 1 })]);
  expect(() => refused.compile({ optimizer: 'lbfgs', loss: 'mse' })).toThrow(/received batchNormalization in layer/u);
});

describe('what lbfgs refuses', () => {
  const withLayer = (extra: Parameters<typeof layers.dense>[0] | null, rate = 0): (() => void) => () => {
    const model = sequential({ backend: 'typescript' }, [
      layers.dense({ units: 3, inputShape: [3], ...extra }), ...(rate === 0 ? [] : [layers.dropout({ rate })]), layers.dense({ units: 4, activation: 'softmax' }),
    ]);
    model.compile({ optimizer: 'lbfgs', loss: 'sparseCategoricalCrossentropy' });
  };
  const fitted = (options: object): (() => void) => () => void classifier({ backend: 'typescript' }).fitSync(data.x, data.y, options);
  it.each<[string, string, RegExp, () => void]>([
    ['dropout', 'ERR_OPTION', /no dropout with lbfgs.*received rate 0.25 in layer "dropout"/, withLayer(null, 0.25)],
    ['a constraint', 'ERR_OPTION', /no constraint with lbfgs.*received maxNorm/, withLayer({ units: 3, kernelConstraint: 'maxNorm' })],
    ['a constraint of biases', 'ERR_OPTION', /no constraint with lbfgs.*received nonNegative/, withLayer({ units: 3, biasConstraint: 'nonNegative' })],
    ['rates by layer', 'ERR_OPTION', /learningRateFactor 1, or 0 .* received 0.5/, withLayer({ units: 3, learningRateFactor: 0.5 })],
    ['small batches', 'ERR_OPTION', /no batchSize, or 60 or more for it, received 32/, fitted({ batchSize: 32 })],
    ['an order', 'ERR_OPTION', /no order/, fitted({ order: [0, 1, 2] })],
    ['unknown options', 'ERR_OPTION', /learningRate, maxIterations, historySize/, () => void Reflect.apply(optimizers.lbfgs, null, [{ momentum: 1 }])],
    ['no iterations', 'ERR_RANGE', /maxIterations/, () => void optimizers.lbfgs({ maxIterations: 0 })],
    ['half a history', 'ERR_RANGE', /historySize/, () => void optimizers.lbfgs({ historySize: 1.5 })],
    ['negative tolerances', 'ERR_RANGE', /toleranceGradient/, () => void optimizers.lbfgs({ toleranceGradient: -1 })],
    ['tolerances that are none', 'ERR_RANGE', /toleranceChange/, () => void optimizers.lbfgs({ toleranceChange: NaN })],
    ['a negative rate', 'ERR_RANGE', /learningRate/, () => void optimizers.lbfgs({ learningRate: -1 })],
    ['more than memory holds', 'ERR_MEMORY', /historySize/, () => { classifier({ backend: 'typescript' }, { historySize: 2 ** 45 }); }],
    ['gradients alone', 'ERR_STATE', /lbfgs needs losses/, () => {
      const model = classifier({ backend: 'typescript' });
      model.applyGradients(model.gradients(data.x, data.y).gradients);
    }],
  ])('%s', (_what, code, text, run) => {
    expect(run).toThrow(expect.objectContaining({ code, message: expect.stringMatching(text) }));
  });

  it('a batchSize of all rows or more is all rows', () => {
    fc.assert(fc.property(fc.integer({ min: 60, max: 1e9 }), (batchSize) => {
      expect(classifier({ backend: 'typescript' }).fitSync(data.x, data.y, { batchSize }).params).toMatchObject({ batchSize: 60, steps: 1, samples: 60 });
    }), { numRuns: 5 });
  });
});
