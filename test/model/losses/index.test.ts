// Losses by name in compile, and what weighs their rows: hand-worked numbers for every loss.
import { describe, expect, it } from 'vitest';
import { layers, losses, optimizers, sequential, sequentialFromRecord, type LossName, type Sequential } from '../../../src/index.js';
import { lossNames } from '../../../src/metrics/loss-names.js';
import { backends, flat } from '../support.js';

type Backend = 'native' | 'typescript';
type Activation = 'linear' | 'sigmoid' | 'softmax';
const ln = Math.log;

/** Weights that hand the samples on to the last layer's activation. */
function identity(backend: Backend, units: number, activation: Activation, loss: Parameters<Sequential['compile']>[0]['loss']): Sequential {
  const rows = Array.from({ length: units }, (_, o) => Array.from({ length: units }, (__, i) => (i === o ? 1 : 0)));
  const model = sequential({ backend, dtype: 'float64' }, [layers.dense({ units, activation, useBias: false, inputShape: [units], weights: [rows] })]);
  model.compile({ optimizer: optimizers.sgd({ learningRate: 1 }), loss });
  return model;
}
/** Probabilities from logits: ln p. */
const logits = (...p: readonly number[]): number[] => p.map((value) => ln(value));

/** A loss with two rows, and the loss of each by hand (of an element loss: the mean over its outputs). */
interface Case {
  readonly loss: Exclude<LossName, 'mse' | 'mae' | 'mape' | 'msle' | 'klDivergence'>;
  readonly activation: Activation;
  readonly x: readonly (readonly number[])[];
  readonly y: readonly number[] | readonly (readonly number[])[];
  readonly each: readonly [number, number];
  /** Classes of the rows, for class weights. */
  readonly classes: readonly [number, number];
}
const CASES: readonly Case[] = [
  { loss: 'sparseCategoricalCrossentropy', activation: 'softmax', x: [logits(0.5, 0.25, 0.25), logits(0.2, 0.2, 0.6)], y: [0, 2], each: [ln(2), -ln(0.6)], classes: [0, 2] },
  { loss: 'categoricalCrossentropy', activation: 'softmax', x: [logits(0.5, 0.25, 0.25), logits(0.2, 0.2, 0.6)], y: [[1, 0, 0], [0, 0.25, 0.75]], each: [ln(2), -(0.25 * ln(0.2) + 0.75 * ln(0.6))], classes: [0, 2] },
  // Several labels a row would have no class: one each.
  { loss: 'binaryCrossentropy', activation: 'sigmoid', x: [[0, ln(3)], [ln(4), 0]], y: [[1, 0], [0, 1]], each: [(ln(2) + ln(4)) / 2, (ln(5) + ln(2)) / 2], classes: [0, 1] },
  { loss: 'meanSquaredError', activation: 'linear', x: [[3, 1], [0, 2]], y: [[1, 0], [0, 1]], each: [(4 + 1) / 2, (0 + 1) / 2], classes: [0, 1] },
  { loss: 'meanAbsoluteError', activation: 'linear', x: [[3, 1], [0, 2]], y: [[1, 0], [0, 1]], each: [1.5, 0.5], classes: [0, 1] },
  { loss: 'huber', activation: 'linear', x: [[3, 1], [0, 2]], y: [[1, 0], [0, 1.5]], each: [(1.5 + 0.5) / 2, 0.125 / 2], classes: [0, 1] },
  { loss: 'logCosh', activation: 'linear', x: [[1], [3]], y: [[0], [1]], each: [ln(Math.cosh(1)), ln(Math.cosh(2))], classes: [0, 1] },
  { loss: 'hinge', activation: 'linear', x: [[0.5], [0.25]], y: [[-1], [1]], each: [1.5, 0.75], classes: [0, 1] },
  { loss: 'squaredHinge', activation: 'linear', x: [[0.5], [0.25]], y: [[-1], [1]], each: [2.25, 0.5625], classes: [0, 1] },
  { loss: 'meanAbsolutePercentageError', activation: 'linear', x: [[3, 1], [1, 6]], y: [[4, 2], [2, 4]], each: [(25 + 50) / 2, (50 + 50) / 2], classes: [0, 1] },
  { loss: 'meanSquaredLogarithmicError', activation: 'linear', x: [[3, 1], [3, 7]], y: [[1, 1], [1, 3]], each: [ln(2) ** 2 / 2, ln(2) ** 2], classes: [0, 1] },
  { loss: 'poisson', activation: 'linear', x: [[1, 2], [3, 1]], y: [[1, 0], [0, 2]], each: [(1 - ln(1 + 1e-7) + 2) / 2, (3 + 1 - 2 * ln(1 + 1e-7)) / 2], classes: [0, 1] },
  { loss: 'kullbackLeiblerDivergence', activation: 'softmax', x: [logits(0.5, 0.5), logits(0.2, 0.8)], y: [[0.75, 0.25], [0.2, 0.8]], each: [0.75 * ln(1.5) + 0.25 * ln(0.5), 0], classes: [0, 1] },
  { loss: 'categoricalHinge', activation: 'linear', x: [[3, 1, 5], [0, 2, 2]], y: [[1, 0, 0], [0, 1, 0]], each: [3, 1], classes: [0, 1] },
  { loss: 'cosineSimilarity', activation: 'linear', x: [[3, 4], [1, 0]], y: [[8, 6], [0, 2]], each: [-0.96, 0], classes: [0, 1] },
];

it('every loss is here', () => expect(CASES.map(({ loss }) => loss)).toEqual([...lossNames]));

describe.each(backends)('losses by name on %s', (backend) => {
  for (const { loss, activation, x, y, each, classes } of CASES) {
    const near = 12;
    const samples = x.map((row) => [...row]);
    const build = (config: Parameters<Sequential['compile']>[0]['loss'] = loss): Sequential => identity(backend, x[0].length, activation, config);

    it(`${loss}: the mean over rows, and the sum`, () => {
      expect(build().evaluateSync(samples, y)['loss']).toBeCloseTo((each[0] + each[1]) / 2, near);
      const sum = build({ ...losses[loss](), reduction: 'sum' });
      const perRow = 'fromLogits' in losses[loss]() && loss !== 'binaryCrossentropy' ? 1 : ['kullbackLeiblerDivergence', 'categoricalHinge', 'cosineSimilarity'].includes(loss) ? 1 : x[0].length;
      expect(sum.evaluateSync(samples, y)['loss']).toBeCloseTo((each[0] + each[1]) * perRow, near - 1);
      expect(build().trainOnBatchSync(samples, y)['loss']).toBeCloseTo((each[0] + each[1]) / 2, near);
    });

    it(`${loss}: sample weights multiply rows, the mean still divides by their number`, async () => {
      const expected = (2 * each[0] + 0.5 * each[1]) / 2;
      expect((await build().evaluate(samples, y, { sampleWeight: [2, 0.5] }))['loss']).toBeCloseTo(expected, near);
      expect((await build().trainOnBatch(samples, y, { sampleWeight: [2, 0.5] }))['loss']).toBeCloseTo(expected, near);
      // A row of weight 0 teaches nothing; one of weight 2 as much as a mean over one row.
      const [weighted, alone] = [build(), build()];
      weighted.trainOnBatchSync(samples, y, { sampleWeight: [2, 0] });
      alone.trainOnBatchSync([samples[0]], y.slice(0, 1));
      flat(weighted).forEach((value, i) => { expect(value).toBeCloseTo(flat(alone)[i], 12); });
    });

    it(`${loss}: class weights multiply the rows of a class, together with sample weights`, () => {
      const factors = [0, 0, 0];
      factors[classes[0]] = 3;
      factors[classes[1]] = 0.25;
      const classWeight = Object.fromEntries(classes.map((index) => [index, factors[index]]));
      expect(build().trainOnBatchSync(samples, y, { classWeight })['loss']).toBeCloseTo((3 * each[0] + 0.25 * each[1]) / 2, near);
      expect(build().trainOnBatchSync(samples, y, { classWeight, sampleWeight: [0.5, 4] })['loss']).toBeCloseTo((1.5 * each[0] + each[1]) / 2, near);
      const [byClass, bySample] = [build(), build()];
      byClass.fitSync(samples, y, { epochs: 1, classWeight });
      bySample.fitSync(samples, y, { epochs: 1, sampleWeight: [3, 0.25] });
      expect(flat(byClass)).toEqual(flat(bySample));
    });

    it(`${loss}: is the same after a file's record`, () => {
      const model = build();
      const record = model.toRecord();
      const again = sequentialFromRecord({ ...record, config: JSON.parse(JSON.stringify(record.config)) }, { backend });
      expect(again.toRecord().config.compile).toEqual(record.config.compile);
      expect(again.spec).toEqual(model.spec);
      expect(again.evaluateSync(samples, y)).toEqual(model.evaluateSync(samples, y));
    });
  }

  it('short names are the same losses', () => {
    const x = [[1, 0.5], [0.25, 2]];
    const y = [[0.5, 0.25], [1, 0]];
    for (const [short, long] of [['mse', 'meanSquaredError'], ['mae', 'meanAbsoluteError'], ['mape', 'meanAbsolutePercentageError'], ['msle', 'meanSquaredLogarithmicError'], ['klDivergence', 'kullbackLeiblerDivergence']] as const) {
      const [a, b] = [identity(backend, 2, 'linear', short), identity(backend, 2, 'linear', long)];
      expect(a.spec).toEqual(b.spec);
      expect(a.evaluateSync(x, y)).toEqual(b.evaluateSync(x, y));
    }
  });

  it('several labels a row: each output by itself, with positive weights, worked by hand', () => {
    // p = 0.5, 0.75 and 0.2, 0.5. Right ones from 0.5 on: (yes, yes) against (1, 0); (no, yes) against (0, 1): 3 of 4.
    const x = [[0, ln(3)], [-ln(4), 0]];
    const y = [[1, 0], [0, 1]];
    const elements = [ln(2), ln(4), -ln(0.8), ln(2)];
    const plain = identity(backend, 2, 'sigmoid', 'binaryCrossentropy');
    plain.compile({ optimizer: optimizers.sgd({ learningRate: 1 }), loss: 'binaryCrossentropy', metrics: ['accuracy'] });
    const logs = plain.evaluateSync(x, y);
    expect(logs['loss']).toBeCloseTo(elements.reduce((sum, value) => sum + value, 0) / 4, 12);
    expect(logs['accuracy']).toBe(0.75);
    const both = identity(backend, 2, 'sigmoid', 'binaryCrossentropy');
    // Rows of two labels and of none.
    expect(both.evaluateSync(x, [[1, 1], [0, 0]])['loss']).toBeCloseTo((ln(2) - ln(0.75) - ln(0.8) + ln(2)) / 4, 12);
    const weighted = identity(backend, 2, 'sigmoid', losses.binaryCrossentropy({ positiveWeights: [3, 5] }));
    expect(weighted.evaluateSync(x, y, { sampleWeight: [1, 2] })['loss']).toBeCloseTo((3 * elements[0] + elements[1] + 2 * (elements[2] + 5 * elements[3])) / 4, 12);
    // One step of rate 1: dz = w·(p - y)/4 (positive: times its weight), dweight = dzᵀ x.
    weighted.trainOnBatchSync(x, y, { sampleWeight: [1, 2] });
    const dz = [[(3 * -0.5) / 4, 0.75 / 4], [(2 * 0.2) / 4, (2 * 5 * -0.5) / 4]];
    const expected = [0, 1].flatMap((o) => [0, 1].map((i) => (o === i ? 1 : 0) - (dz[0][o] * x[0][i] + dz[1][o] * x[1][i])));
    flat(weighted).forEach((value, i) => { expect(value).toBeCloseTo(expected[i], 12); });
  });

  it.each([undefined, [3, 5]])('smoothed binary targets are y·(1-ε) + ε/2, positive weights %o', (positiveWeights) => {
    const x = [[0, ln(3)], [-ln(4), 0.5], [2, -3]];
    const y = [[1, 0], [0, 1], [0.25, 1]];
    const weights = positiveWeights === undefined ? {} : { positiveWeights };
    for (const labelSmoothing of [0.2, 1]) {
      const smooth = identity(backend, 2, 'sigmoid', losses.binaryCrossentropy({ labelSmoothing, ...weights }));
      const plain = identity(backend, 2, 'sigmoid', losses.binaryCrossentropy(weights));
      const soft = y.map((row) => row.map((value) => value * (1 - labelSmoothing) + labelSmoothing / 2));
      expect(smooth.evaluateSync(x, y)['loss']).toBeCloseTo(plain.evaluateSync(x, soft)['loss'], 12);
      smooth.fitSync(x, y, { epochs: 5, batchSize: 3 });
      plain.fitSync(x, soft, { epochs: 5, batchSize: 3 });
      expect(flat(smooth)).toEqual(flat(plain));
      for (const check of smooth.checkGradients(x, y)) expect(check.worst).toBeLessThan(1e-7);
    }
  });

  it('right answers are counted by the targets as they are, however smooth', () => {
    const model = identity(backend, 2, 'sigmoid', 'binaryCrossentropy');
    model.compile({ optimizer: 'sgd', loss: losses.binaryCrossentropy({ labelSmoothing: 1 }), metrics: ['accuracy'] });
    expect(model.evaluateSync([[1, -1], [1, -1]], [[1, 0], [0, 0]])['accuracy']).toBe(0.75);
  });

  it('a smoothing of 1 spreads every target over the classes, as PyTorch takes it', () => {
    const loss = losses.sparseCategoricalCrossentropy({ labelSmoothing: 1 });
    const model = identity(backend, 3, 'softmax', loss);
    const p = [0.5, 0.25, 0.25];
    expect(model.evaluateSync([logits(...p)], [2])['loss']).toBeCloseTo(-p.reduce((sum, value) => sum + ln(value), 0) / 3, 12);
  });

  it('booleans and 64-bit integers are targets', () => {
    const labelled = identity(backend, 2, 'softmax', 'sparseCategoricalCrossentropy');
    const x = [[1, 2], [3, 1], [0, 0]];
    const labels = labelled.evaluateSync(x, [1, 0, 1]);
    expect(labelled.evaluateSync(x, [true, false, true])).toEqual(labels);
    expect(labelled.evaluateSync(x, [1n, 0n, 1n])).toEqual(labels);
    expect(labelled.evaluateSync(x, BigInt64Array.of(1n, 0n, 1n))).toEqual(labels);
    expect(labelled.evaluateSync(x, BigUint64Array.of(1n, 0n, 1n))).toEqual(labels);
    const binary = identity(backend, 2, 'sigmoid', 'binaryCrossentropy');
    expect(binary.evaluateSync(x, [[true, false], [false, false], [true, true]])).toEqual(binary.evaluateSync(x, [[1, 0], [0, 0], [1, 1]]));
    const values = identity(backend, 2, 'linear', 'mse');
    expect(values.evaluateSync(x, BigInt64Array.of(1n, -2n, 3n, 4n, 5n, 6n))).toEqual(values.evaluateSync(x, [[1, -2], [3, 4], [5, 6]]));
  });

  it('class weights want classes', () => {
    const values = identity(backend, 1, 'linear', 'mse');
    const refused = (call: () => unknown, text: RegExp): void => { expect(call).toThrow(expect.objectContaining({ code: 'ERR_RANGE', message: expect.stringMatching(text) as unknown })); };
    refused(() => values.fitSync([1, 2], [0, 3.5], { classWeight: { 1: 2 } }), /from 0 to 1, or -1, in row 1 beside classWeight, received 3.5/);
    const labels = identity(backend, 3, 'sigmoid', 'binaryCrossentropy');
    const x = [[1, 2, 3], [1, 2, 3]];
    refused(() => labels.fitSync(x, [[0, 1, 0], [1, 1, 0]], { classWeight: { 1: 2 } }), /one label in row 1 beside classWeight, received 2; positiveWeights/);
    refused(() => labels.fitSync(x, [[0, 0, 0], [1, 0, 0]], { classWeight: { 1: 2 } }), /one label in row 0 beside classWeight, received 0/);
    expect(labels.step).toBe(0);
    labels.fitSync(x, [[0, 1, 0], [1, 0, 0]], { classWeight: { 1: 2 } });
    expect(labels.step).toBe(1);
  });

  it.each<[LossName, number, unknown, string, RegExp]>([
    ['poisson', 2, [[1, 2], [3, -1]], 'ERR_RANGE', /targets of poisson are not negative\. Expected 0 or more in row 1, column 1 of y, received -1/],
    ['msle', 2, [[1, -0.5], [3, 1]], 'ERR_RANGE', /meanSquaredLogarithmicError are not negative.*row 0, column 1/],
    ['klDivergence', 2, [[0.5, 0.5], [1.5, 0]], 'ERR_RANGE', /kullbackLeiblerDivergence are probabilities\. Expected 0 to 1 in row 1, column 0 of y, received 1.5/],
    ['categoricalHinge', 2, [[1, 0], [-1, 1]], 'ERR_RANGE', /categoricalHinge are probabilities.*received -1/],
    ['categoricalHinge', 3, [0, 2], 'ERR_SHAPE', /2 x 3 values for y, received 2\. Class indices go with 'sparseCategoricalCrossentropy'/],
    ['cosineSimilarity', 2, [[1, NaN], [1, 1]], 'ERR_NON_FINITE', /row 0, column 1 of y/],
  ])('%s of %i outputs refuses %j', (loss, units, y, code, text) => {
    const model = identity(backend, units, 'linear', loss);
    const x = [new Array<number>(units).fill(0.5), new Array<number>(units).fill(0.25)];
    const before = flat(model);
    expect(() => { Reflect.apply(model.fitSync, model, [x, y]); }).toThrow(expect.objectContaining({ code, message: expect.stringMatching(text) as unknown }));
    expect(flat(model)).toEqual(before);
    expect(model.step).toBe(0);
  });

  it('poisson over outputs below zero stops and says so', () => {
    const model = identity(backend, 1, 'linear', 'poisson');
    expect(() => model.fitSync([[-2]], [[1]])).toThrow(expect.objectContaining({ code: 'ERR_NON_FINITE' }));
    expect(flat(model)).toEqual([1]);
  });

  it('outputs and rows of zeros have no direction: no loss, no gradient', () => {
    const model = identity(backend, 2, 'linear', 'cosineSimilarity');
    expect(model.trainOnBatchSync([[0, 0], [1, 2]], [[1, 1], [0, 0]])['loss']).toBeCloseTo(0, 15);
    expect(flat(model)).toEqual([1, 0, 0, 1]);
  });

  it.each<[LossName, 'exponential' | 'softplus' | 'softmax' | 'linear']>([['poisson', 'exponential'], ['msle', 'softplus'], ['mape', 'softplus'], ['klDivergence', 'softmax'], ['categoricalHinge', 'linear'], ['cosineSimilarity', 'linear']])('%s learns what can be learnt', (loss, activation) => {
    const rows = 60;
    const x = Float64Array.from({ length: rows * 2 }, (_, i) => Math.sin(i * 7));
    const classes = Array.from({ length: rows }, (_, row) => (x[2 * row] > 0 ? 0 : x[2 * row + 1] > 0 ? 1 : 2));
    const y = classes.map((wanted) => [0, 1, 2].map((index) => (index === wanted ? 1 : loss === 'mape' ? 0.25 : 0)));
    const model = sequential({ seed: 2, backend }, [layers.dense({ units: 12, activation: 'tanh', inputShape: [2] }), layers.dense({ units: 3, activation })]);
    model.compile({ optimizer: optimizers.adam({ learningRate: 0.03 }), loss, metrics: ['accuracy'] });
    model.fitSync(x, y, { epochs: 60, batchSize: 10 });
    expect(model.evaluateSync(x, y)['accuracy']).toBeGreaterThan(0.9);
    for (const { worst } of model.checkGradients(x.slice(0, 20), y.slice(0, 10))) expect(worst).toBeLessThan(1e-3);
  });
});
