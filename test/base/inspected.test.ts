import { inspect } from 'node:util';
import { expect, it } from 'vitest';
import { ArrayDataset, FrozenModel, layers, Prediction, Sequential, sequential } from '../../src/index.js';
import { xorModel, xorX, xorY } from '../model/support.js';

const list = [layers.dense({ units: 100, activation: 'relu', inputShape: [784] }), layers.dense({ units: 10, activation: 'softmax' })];

it('a model prints one line: sizes, type, backend, seed, how it learns', () => {
  const model = sequential({ backend: 'typescript', seed: 4 }, list);
  expect(inspect(model)).toBe('Sequential [784-100-10, 79,510 parameters, float32, typescript, seed 4, not compiled]');
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
  expect(inspect({ model })).toBe('{\n  model: Sequential [784-100-10, 79,510 parameters, float32, typescript, seed 4, adam, sparseCategoricalCrossentropy, 0 steps]\n}');
  expect(inspect(model.freeze())).toBe('FrozenModel [784-100-10, 79,510 parameters, float32, typescript]');
  model.dispose();
  expect(inspect(model)).toBe('Sequential [disposed]');
});

it('looking at a model makes no weights', () => {
  const model = sequential({ backend: 'typescript' });
  expect(inspect(model.add(list[0]))).toBe('Sequential [1 layer, no weights yet, float32, typescript, seed 0, not compiled]');
  expect(() => model.add(list[1])).not.toThrow();
});

it('steps are counted', () => {
  const model = xorModel({ backend: 'typescript' });
  model.fitSync(xorX, xorY, { epochs: 3 });
  expect(inspect(model)).toMatch(/, 3 steps\]$/);
});

it('a prediction prints its shape and its first row', () => {
  expect(inspect(new Prediction(Float32Array.of(0.25, 0.1234567, 0.5, 1e-9), 2, null))).toBe('Prediction [2 x 2, float32; row 0: 0.25, 0.1235]');
  expect(inspect(new Prediction(new Float64Array(12), 1, null))).toBe('Prediction [1 x 12, float64; row 0: 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, …]');
});

it('a data set prints its size, not its numbers', () => {
  const set = new ArrayDataset({ x: new Uint8Array(784 * 1200), y: new Uint8Array(1200), sampleShape: [28, 28], classNames: ['no', 'yes'], name: 'digits' });
  expect(inspect(set)).toBe('ArrayDataset ["digits", 1,200 rows of 784 (28 x 28) in a Uint8Array; y in a Uint8Array, 2 class names]');
  expect(inspect(new ArrayDataset({ x: new Float32Array(4), rows: 2 }))).toBe('ArrayDataset ["data", 2 rows of 2 in a Float32Array; no y]');
  expect(inspect(new ArrayDataset({ x: new Float64Array(4), y: new Float64Array(6), rows: 2 }))).toBe('ArrayDataset ["data", 2 rows of 2 in a Float64Array; y with 3 a row in a Float64Array]');
});

it('prototypes and hollow objects are looked at without an error', () => {
  const model = sequential({ backend: 'typescript' }, list);
  for (const hollow of [Object.getPrototypeOf(model), Object.create(model), Prediction.prototype, ArrayDataset.prototype]) expect(() => inspect(hollow)).not.toThrow();
});

it('classes keep their names in the bundle', () => {
  expect([Sequential, FrozenModel, Prediction, ArrayDataset].map(({ name }) => name)).toEqual(['Sequential', 'FrozenModel', 'Prediction', 'ArrayDataset']);
});
