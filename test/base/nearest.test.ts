import { describe, expect, it } from 'vitest';
import { didYouMean, nearest } from '../../src/base/nearest.js';
import { activations, callbacks, initializers, layers, losses, optimizers, RandomState, sequential } from '../../src/index.js';
import { messageOf } from '../thrown.js';

const model = () => sequential({ backend: 'typescript' }, [layers.dense({ units: 2, activation: 'softmax', inputShape: [2] })]);
const compiled = () => {
  const made = model();
  made.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return made;
};
const call = (of: unknown, name: string, ...args: unknown[]): unknown => {
  const method: unknown = typeof of === 'object' && of !== null ? Reflect.get(of, name) : undefined;
  if (typeof method !== 'function') throw new Error(`${name} is not a function`);
  return Reflect.apply(method, of, args);
};

describe('an unknown name is answered with the nearest one', () => {
  it.each<[string, () => unknown, string]>([
    ['a loss', () => { call(model(), 'compile', { optimizer: 'sgd', loss: 'binary_crossentropy' }); }, 'binaryCrossentropy'],
    ['a loss of PyTorch', () => { call(model(), 'compile', { optimizer: 'sgd', loss: 'CrossEntropyLoss' }); }, 'sparseCategoricalCrossentropy'],
    ['a metric', () => { call(model(), 'compile', { optimizer: 'sgd', loss: 'mse', metrics: ['acc'] }); }, 'accuracy'],
    ['an optimizer', () => { call(model(), 'compile', { optimizer: 'Adam', loss: 'mse' }); }, 'adam'],
    ['an option of compile', () => { call(model(), 'compile', { optimizer: 'sgd', loss: 'mse', metric: ['accuracy'] }); }, 'metrics'],
    ['an option of an optimizer', () => call(optimizers, 'sgd', { lr: 0.1 }), 'learningRate'],
    ['another one', () => call(optimizers, 'adamW', { weight_decay: 0.1 }), 'weightDecay'],
    ['an option of fit', () => call(compiled(), 'fitSync', [[0, 0]], [0], { batch_size: 3 }), 'batchSize'],
    ['an option of predict', () => call(model(), 'predictSync', [[0, 0]], { row: 1 }), 'rows'],
    ['an option of evaluate', () => call(compiled(), 'evaluateSync', [[0, 0]], [0], { sample_weight: [1] }), 'sampleWeight'],
    ['an option of a layer', () => call(layers, 'dense', { units: 2, kernel_initializer: 'zeros' }), 'kernelInitializer'],
    ['an activation', () => call(layers, 'dense', { units: 2, activation: 'Relu' }), 'relu'],
    ['an activation as a layer', () => call(layers, 'activation', 'leaky_relu'), 'leakyRelu'],
    ['an option of an activation', () => call(activations, 'elu', { Alpha: 1 }), 'alpha'],
    ['an initializer', () => call(layers, 'dense', { units: 2, kernelInitializer: 'xavier_uniform' }), 'glorotUniform'],
    ['an option of an initializer', () => call(initializers, 'varianceScaling', { mode: 'fan_out' }), 'fanOut'],
    ['a regularizer', () => call(layers, 'dense', { units: 2, kernelRegularizer: 'L2' }), 'l2'],
    ['a constraint', () => call(layers, 'dense', { units: 2, kernelConstraint: 'max_norm' }), 'maxNorm'],
    ['a constraint of a bias', () => call(layers, 'dense', { units: 2, biasConstraint: 'non_neg' }), 'nonNegative'],
    ['an option of a loss', () => call(losses, 'categoricalCrossentropy', { label_smoothing: 0.1 }), 'labelSmoothing'],
    ['an option of the model', () => call({ sequential }, 'sequential', { random_state: 3 }), 'seed'],
    ['a hook', () => call(compiled(), 'fitSync', [[0, 0]], [0], { callbacks: { onEpochEnds: () => undefined } }), 'onEpochEnd'],
    ['a watched figure', () => call(compiled(), 'fitSync', [[0, 0], [1, 1]], [0, 1], { validationSplit: 0.5, callbacks: callbacks.earlyStopping({ monitor: 'val_acc', mode: 'max' }) }), 'val_accuracy'],
    ['a figure whose mode is not known', () => call(callbacks, 'earlyStopping', { monitor: 'val_acc' }), 'val_accuracy'],
    ['an option of a callback', () => call(callbacks, 'earlyStopping', { min_delta: 1 }), 'minDelta'],
    ['a type of random numbers', () => call(new RandomState(1), 'randint', 0, 3, 2, 'int63'), 'int64'],
  ])('%s', (_what, run, name) => {
    expect(messageOf(run)).toMatch(new RegExp(`^ERR_OPTION .* Did you mean "${name}"\\?$`));
  });

  it('nothing is guessed where nothing is near', () => {
    expect(messageOf(() => { call(model(), 'compile', { optimizer: 'nonsense', loss: 'mse' }); })).toMatch(/received "nonsense"\.$/);
    for (const value of ['', '___', 'zzzzzzzz', 3, null, undefined, {}, ['relu'], Symbol('relu')]) expect(didYouMean(value, ['relu', 'tanh'])).toBe('');
    expect(nearest('constructor', ['relu'])).toBeNull();
  });

  it('a slip of a key or two is found, the nearest wins, and a long text costs nothing', () => {
    expect(nearest('sigmodi', ['sigmoid', 'softmax'])).toBe('sigmoid');
    expect(nearest('adamz', ['adam', 'adamW', 'adamax'])).toBe('adam');
    expect(nearest('a'.repeat(5_000_000), ['accuracy'])).toBeNull();
  });
});
