import { expect, it } from 'vitest';
import { layers } from '../../../src/index.js';
import { messageOf } from '../../thrown.js';

const call = (name: string): unknown => {
  const made: unknown = Reflect.get(layers, name);
  if (typeof made !== 'function') throw new Error(`layers.${name} is not a function`);
  return Reflect.apply(made, layers, [{ units: 3 }]);
};

it.each([
  ['conv2d', 'convolutions and no pooling', /layers\.flatten\(\)/],
  ['Conv2D', 'convolutions and no pooling', /layers\.flatten\(\)/],
  ['maxPooling2d', 'convolutions and no pooling', /layers\.dense/],
  ['embedding', 'embeddings', /one-hot rows and layers\.dense/],
  ['Embedding', 'embeddings', /one-hot/],
  ['concatenate', 'branches, a model is one chain of layers', /side by side in one row, and sequential/],
  ['functional', 'branches', /sequential\(\[\.\.\.\]\)/],
  ['lstm', 'recurrent layers', /window of fixed length/],
  ['LSTM', 'recurrent layers', /window of fixed length/],
  ['GRU', 'recurrent layers', /window of fixed length/],
  ['relu', 'layer of its own', /layers\.activation/],
])('layers.%s answers what to do instead', (name, what, instead) => {
  const message = messageOf(() => call(name));
  expect(message).toMatch(/^ERR_OPTION \[layers\.\w+\] nabla has no /);
  expect(message).toContain(`[layers.${name}] nabla has no ${what}`);
  expect(message).toMatch(instead);
});

it('a capital letter is told', () => {
  expect(messageOf(() => call('Dense'))).toBe('ERR_OPTION [layers.Dense] layers are functions that begin with a small letter. Expected layers.dense({ ... }), received layers.Dense.');
});

it('the names are not listed, and what there is is as it was', () => {
  expect(Object.keys(layers)).toEqual([
    'activation', 'batchNormalization', 'dense', 'dropout', 'elu', 'flatten', 'gaussianNoise', 'input', 'layerNormalization', 'leakyReLU', 'normalization', 'prelu', 'rescaling', 'reshape', 'thresholdedReLU',
  ]);
  expect(Reflect.get(layers, 'anythingElse')).toBeUndefined();
  // Does not compile where the type lists one.
  const listed: 'conv2d' | 'Dense' extends keyof typeof layers ? true : false = false;
  expect(listed).toBe(false);
  expect(layers.dense({ units: 2 }).config.kind).toBe('dense');
});
