// Everything a person can get wrong, one by one: each is an error with a code, a sentence that says what to do, and an unchanged model.
import { describe, expect, it } from 'vitest';
import { constraints, initializers, layers, losses, optimizers, regularizers, sequential, type NablaErrorCode, type Sequential } from '../../src/index.js';
import { backends, classifier, flat, samples, xorModel, xorX } from './support.js';

const { x, y } = samples(8);
const api = { sequential };

/** Calls with arguments that the types would refuse. */
function loose(target: object, name: string, ...values: unknown[]): unknown {
  const method: unknown = Reflect.get(target, name);
  if (typeof method !== 'function') throw new Error(`${name} is no method`);
  return Reflect.apply(method, target, values);
}

function refuses(action: () => unknown, code: NablaErrorCode, text: RegExp): void {
  let error: unknown;
  try {
    action();
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ name: 'NablaError', code });
  expect(String(error)).toMatch(text);
  expect(String(error)).toMatch(/\[[\w.]+\] .*Expected .*, received /s);
}

describe.each(backends)('fit and predict on %s refuse', (backend) => {
  const cases: [what: string, code: NablaErrorCode, text: RegExp, x: unknown, y: unknown, options?: unknown][] = [
    ['a flat array that is not a multiple of the features', 'ERR_SHAPE', /multiple of 3 values for x, received 8 values/, new Float32Array(8), y],
    ['a flat list that is not a multiple of the features', 'ERR_SHAPE', /multiple of 3 values for x, received 4 values/, [1, 2, 3, 4], [1]],
    ['a row that is too short', 'ERR_SHAPE', /3 values in row 1 of x, received 2/, [[1, 2, 3], [1, 2]], [0, 1]],
    ['a row that is too long', 'ERR_SHAPE', /3 values in row 0 of x, received 4/, [[1, 2, 3, 4]], [0]],
    ['text in a row', 'ERR_TYPE', /row 1, column 2 of x, received "3"/, [[1, 2, 3], [1, 2, '3']], [0, 1]],
    ['a hole in a row', 'ERR_TYPE', /row 0, column 1 of x, received undefined/, [[1, undefined, 3]], [0]],
    ['null as a row', 'ERR_TYPE', /row 1 of x, received null/, [[1, 2, 3], null], [0, 1]],
    ['booleans', 'ERR_TYPE', /received true/, [[1, 2, true]], [0]],
    ['BigInt arrays', 'ERR_TYPE', /BigInt64Array: 64-bit integers have no exact conversion/, new BigInt64Array(3), [0]],
    ['bigints', 'ERR_TYPE', /row 0, column 0 of x, received 1n/, [[1n, 2n, 3n]], [0]],
    ['a DataView', 'ERR_TYPE', /typed array of numbers/, new DataView(new ArrayBuffer(12)), [0]],
    ['a string', 'ERR_TYPE', /received "data.csv"/, 'data.csv', [0]],
    ['nothing', 'ERR_TYPE', /received undefined/, undefined, [0]],
    ['an empty typed array', 'ERR_SHAPE', /at least one row/, new Float32Array(0), []],
    ['an empty list', 'ERR_SHAPE', /at least one row/, [], []],
    ['NaN', 'ERR_NON_FINITE', /row 1, column 2 of x, received NaN/, Float32Array.of(1, 2, 3, 4, 5, NaN), [0, 1]],
    ['infinity in a list', 'ERR_NON_FINITE', /row 0, column 1 of x, received Infinity/, [[1, Infinity, 2]], [0]],
    ['doubles that float32 cannot hold', 'ERR_NON_FINITE', /float32 can hold .* row 0, column 2 of x, received 1e\+300/, Float64Array.of(1, 2, 1e300), [0]],
    ['numbers of a list that float32 cannot hold', 'ERR_NON_FINITE', /float32 can hold .* row 1, column 0 of x, received 1e\+300/, [[1, 2, 3], [1e300, 2, 3]], [0, 0]],
    ['a label that is a class too many', 'ERR_RANGE', /0 to 3 in row 1 of y, received 4/, [[1, 2, 3], [1, 2, 3]], [0, 4]],
    ['a negative label', 'ERR_RANGE', /0 to 3 in row 0 of y, received -1/, [[1, 2, 3]], [-1]],
    ['a fractional label', 'ERR_RANGE', /whole numbers.* row 1 of y, received 1.5/, [[1, 2, 3], [1, 2, 3]], Float32Array.of(1, 1.5)],
    ['a label that is no number', 'ERR_TYPE', /row 0, column 0 of y, received "cat"/, [[1, 2, 3]], ['cat']],
    ['a label NaN', 'ERR_NON_FINITE', /row 0, column 0 of y, received NaN/, [[1, 2, 3]], [NaN]],
    ['one-hot targets for a sparse loss', 'ERR_SHAPE', /One-hot targets go with 'categoricalCrossentropy'/, [[1, 2, 3], [1, 2, 3]], [[0, 1, 0, 0], [1, 0, 0, 0]]],
    ['mismatched lengths', 'ERR_SHAPE', /Expected 8 rows for y, received 7/, x, y.subarray(0, 7)],
    ['no targets', 'ERR_TYPE', /targets are given/, x, undefined],
    ['BigInt labels beyond 2^53', 'ERR_RANGE', /9007199254740992n/, [[1, 2, 3]], BigUint64Array.of(2n ** 53n)],
    ['numbers and booleans mixed as labels', 'ERR_TYPE', /received true/, [[1, 2, 3], [1, 2, 3]], [0, true]],
    ['a generator', 'ERR_TYPE', /for x, received an AsyncGenerator/, (async function* () { await Promise.resolve(); yield 1; })(), [0]],
    ['an unknown option', 'ERR_OPTION', /one of epochs, batchSize,.* received "epoch"/, x, y, { epoch: 3 }],
    ['options that are none', 'ERR_TYPE', /received 5/, x, y, 5],
    ['no batch size', 'ERR_RANGE', /1 or more for batchSize, received 0/, x, y, { batchSize: 0 }],
    ['half an epoch', 'ERR_RANGE', /for epochs, received 1.5/, x, y, { epochs: 1.5 }],
    ['epochs in words', 'ERR_TYPE', /for epochs, received "ten"/, x, y, { epochs: 'ten' }],
    ['an unknown verbosity', 'ERR_OPTION', /verbose, received 3/, x, y, { verbose: 3 }],
    ['a validation split of everything', 'ERR_RANGE', /validationSplit, received 1/, x, y, { validationSplit: 1 }],
    ['a validation split that leaves a part empty', 'ERR_RANGE', /cuts 8 rows in two/, x, y, { validationSplit: 0.99 }],
    ['two validation sets', 'ERR_OPTION', /received both/, x, y, { validationSplit: 0.5, validationData: [x, y] }],
    ['validation data of another width', 'ERR_SHAPE', /validationData x, received 4/, x, y, { validationData: [[1, 2, 3, 4], [0]] }],
    ['validation labels out of range', 'ERR_RANGE', /row 0 of validationData y, received 9/, x, y, { validationData: [[[1, 2, 3]], [9]] }],
    ['validation data of no known form', 'ERR_TYPE', /validationData, received 5/, x, y, { validationData: 5 }],
    ['an order beyond the data', 'ERR_RANGE', /0 to 7 for order\[1\], received 8/, x, y, { order: [0, 8] }],
    ['an empty order', 'ERR_SHAPE', /at least one row in order/, x, y, { order: [] }],
    ['an order that is shuffled too', 'ERR_OPTION', /received both/, x, y, { order: [0], shuffle: true }],
    ['too few sample weights', 'ERR_SHAPE', /8 values for sampleWeight, received 3/, x, y, { sampleWeight: [1, 1, 1] }],
    ['negative sample weights', 'ERR_RANGE', /row 2 of sampleWeight, received -1/, x, y, { sampleWeight: [1, 1, -1, 1, 1, 1, 1, 1] }],
    ['weights of unknown classes', 'ERR_RANGE', /0 to 3 in classWeight, received "4"/, x, y, { classWeight: { 4: 2 } }],
    ['too few class weights', 'ERR_SHAPE', /4 values for classWeight, received 2/, x, y, { classWeight: [1, 2] }],
    ['a callback that is a function', 'ERR_TYPE', /an object of hooks/, x, y, { callbacks: () => undefined }],
    ['a hook that is no function', 'ERR_TYPE', /function for onEpochEnd, received 5/, x, y, { callbacks: { onEpochEnd: 5 } }],
    ['a misspelt hook', 'ERR_OPTION', /received "onEpochFinished"/, x, y, { callbacks: [{ onEpochFinished: () => undefined }] }],
    ['a signal that is none', 'ERR_TYPE', /AbortSignal/, x, y, { signal: {} }],
  ];

  it.each(cases)('%s', async (_what, code, text, badX, badY, options = {}) => {
    const model = classifier({ seed: 1, backend });
    const before = flat(model);
    refuses(() => loose(model, 'fitSync', badX, badY, options), code, text);
    const rejected = await Promise.resolve(loose(model, 'fit', badX, badY, options)).catch((error: unknown) => error);
    expect(rejected).toMatchObject({ name: 'NablaError', code });
    expect(flat(model)).toEqual(before);
    expect(model.step).toBe(0);
    await model.fit(x, y);
    expect(model.step).toBe(1);
  });

  it('samples that predict cannot take', () => {
    const model = classifier({ seed: 1, backend });
    refuses(() => model.predictSync([[1, 2]]), 'ERR_SHAPE', /3 values in row 0 of x, received 2/);
    refuses(() => model.predictSync(new Float32Array(0)), 'ERR_SHAPE', /at least one row/);
    refuses(() => model.predictSync([1, 2, NaN]), 'ERR_NON_FINITE', /row 0, column 2/);
    refuses(() => model.predictSync(Float32Array.of(1, 2, 3, 4, 5, NaN), { rows: 2 }), 'ERR_NON_FINITE', /row 1, column 2 of x, received NaN/);
    refuses(() => model.predictSync(Float64Array.of(1, 2, 1e300)), 'ERR_NON_FINITE', /float32 can hold/);
    refuses(() => model.predictSync(new Float32Array(4)), 'ERR_SHAPE', /one flat array is one sample\. Expected 3 values for x, received 4\./);
    refuses(() => model.predictSync({ x: new Float32Array(4), y: null, rows: 1, features: 4 }), 'ERR_SHAPE', /Expected 3 features, received 4/);
    refuses(() => model.predictSync([1, 2, 3]).row(1), 'ERR_RANGE', /0 to 0 for index, received 1/);
  });

  it('targets of a binary cross-entropy that are no probabilities', () => {
    const model = xorModel({ seed: 1, backend });
    refuses(() => model.fitSync(xorX, [0, 1, 2, 3]), 'ERR_RANGE', /row 2, column 0 of y, received 2\. Labels of several classes go with a softmax/);
    refuses(() => model.fitSync(xorX, [0, 1]), 'ERR_SHAPE', /4 rows for y, received 2/);
    const many = sequential({ backend }, [layers.dense({ units: 3, activation: 'softmax', inputShape: [2] })]);
    many.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    refuses(() => many.fitSync(xorX, [0, 1, 2, 0]), 'ERR_SHAPE', /4 x 3 values for y, received 4\. Class indices go with 'sparseCategoricalCrossentropy'/);
  });
});

describe('layers refuse', () => {
  it.each<[what: string, code: NablaErrorCode, text: RegExp, make: () => unknown]>([
    ['an unknown activation', 'ERR_OPTION', /one of linear, relu, sigmoid, tanh, softmax, .*received "rulo"/, () => loose(layers, 'dense', { units: 2, activation: 'rulo' })],
    ['an unknown option', 'ERR_OPTION', /one of units, .*received "unit"/, () => loose(layers, 'dense', { unit: 2 })],
    ['no units', 'ERR_TYPE', /number for units, received undefined/, () => loose(layers, 'dense', {})],
    ['zero units', 'ERR_RANGE', /1 or more for units, received 0/, () => layers.dense({ units: 0 })],
    ['an unknown initializer', 'ERR_OPTION', /glorotUniform.*received "xavier"/, () => loose(layers, 'dense', { units: 2, kernelInitializer: 'xavier' })],
    ['an unknown regularizer', 'ERR_OPTION', /regularizers\.l2.*received "l3"/, () => loose(layers, 'dense', { units: 2, kernelRegularizer: 'l3' })],
    ['a penalty of a kind without its factor', 'ERR_TYPE', /for kernelRegularizer\.l1, received undefined/, () => loose(layers, 'dense', { units: 2, kernelRegularizer: { kind: 'l1l2', l2: 1 } })],
    ['a negative l1', 'ERR_RANGE', /for l1, received -1/, () => regularizers.l1l2({ l1: -1 })],
    ['an unknown factor', 'ERR_OPTION', /one of l1, l2, received "l3"/, () => loose(regularizers, 'l1l2', { l3: 1 })],
    ['an unknown constraint', 'ERR_OPTION', /maxNorm, nonNegative, unitNorm .*for kernelConstraint, received "minMaxNorm"/, () => loose(layers, 'dense', { units: 2, kernelConstraint: 'minMaxNorm' })],
    ['a constraint with an unknown option', 'ERR_OPTION', /one of name, received "axis"/, () => loose(layers, 'dense', { units: 2, kernelConstraint: { name: 'unitNorm', axis: 0 } })],
    ['a constraint without its limit', 'ERR_TYPE', /for kernelConstraint\.maxValue, received undefined/, () => loose(layers, 'dense', { units: 2, kernelConstraint: { name: 'maxNorm' } })],
    ['a norm of nothing', 'ERR_RANGE', /above 0 for maxValue, received 0/, () => constraints.maxNorm(0)],
    ['a norm of a bias', 'ERR_OPTION', /Expected nonNegative for biasConstraint, received "unitNorm"/, () => loose(layers, 'dense', { units: 2, biasConstraint: 'unitNorm' })],
    ['a negative penalty', 'ERR_RANGE', /for l2, received -1/, () => regularizers.l2(-1)],
    ['a shape of nothing', 'ERR_SHAPE', /for inputShape, received Array\(0\)/, () => layers.dense({ units: 1, inputShape: [] })],
    ['a shape with a zero', 'ERR_RANGE', /inputShape, received 0/, () => layers.dense({ units: 1, inputShape: [0] })],
    ['a dropout of everything', 'ERR_RANGE', /below 1 for rate, received 1/, () => layers.dropout({ rate: 1 })],
    ['a scale that is no number', 'ERR_TYPE', /for scale, received "1\/255"/, () => loose(layers, 'rescaling', { scale: '1/255' })],
    ['three initial arrays', 'ERR_SHAPE', /\[weight, bias\] for weights/, () => loose(layers, 'dense', { units: 1, weights: [[], [], []] })],
    ['a deviation below zero', 'ERR_RANGE', /for stddev, received -1/, () => initializers.randomNormal({ stddev: -1 })],
  ])('%s', (_what, code, text, make) => refuses(make, code, text));
});

describe('sequential refuses', () => {
  const dense = layers.dense({ units: 2, inputShape: [3] });
  it.each<[what: string, code: NablaErrorCode, text: RegExp, make: () => unknown]>([
    ['no input shape', 'ERR_SHAPE', /inputShape .*received none/, () => sequential([layers.dense({ units: 2 })])],
    ['two sizes left open', 'ERR_SHAPE', /at most one -1 for targetShape/, () => layers.reshape({ targetShape: [-1, -1] })],
    ['a size of 0', 'ERR_RANGE', /each size of targetShape/, () => layers.reshape({ targetShape: [0] })],
    ['a threshold that is no number', 'ERR_RANGE', /theta/, () => layers.thresholdedReLU({ theta: NaN })],
    ['no dense layer', 'ERR_OPTION', /at least one layers\.dense, received none/, () => sequential([layers.flatten({ inputShape: [2, 2] })])],
    ['what is no layer', 'ERR_TYPE', /layers\.dense\(\{ \.\.\. \}\).*received an object/, () => loose(api, 'sequential', [{ units: 3 }])],
    ['an unknown option', 'ERR_OPTION', /one of seed, dtype, backend.*received "sed"/, () => loose(api, 'sequential', { sed: 1 }, [dense])],
    ['a fractional seed', 'ERR_RANGE', /for seed, received 0\.5/, () => sequential({ seed: 0.5 }, [dense])],
    ['an unknown type', 'ERR_OPTION', /one of float32, float64, received "float16"/, () => loose(api, 'sequential', { dtype: 'float16' }, [dense])],
    ['an unknown backend', 'ERR_OPTION', /one of auto, native, typescript, received "gpu"/, () => loose(api, 'sequential', { backend: 'gpu' }, [dense])],
    ['an unknown instruction set', 'ERR_OPTION', /one of baseline, avx2, avx512, neon, received "sse"/, () => loose(api, 'sequential', { isa: 'sse' }, [dense])],
    ['an instruction set for TypeScript', 'ERR_OPTION', /no isa with backend 'typescript'/, () => sequential({ backend: 'typescript', isa: 'avx2' }, [dense])],
    ['no threads', 'ERR_RANGE', /1 or more for threads, received 0/, () => sequential({ threads: 0 }, [dense])],
    ['pictures without flatten', 'ERR_SHAPE', /layers\.flatten\(\) before "dense".* 28 x 28/, () => sequential([layers.dense({ units: 2, inputShape: [28, 28] })])],
    ['a softmax of one unit', 'ERR_OPTION', /always 1/, () => sequential([layers.dense({ units: 1, activation: 'softmax', inputShape: [2] })])],
    ['rescaling behind a dense layer', 'ERR_OPTION', /before dense and dropout layers, received it at position 1/, () => sequential([dense, layers.rescaling({ scale: 2 }), dense])],
    ['an end that is not dense', 'ERR_OPTION', /as the last one, received layers\.dropout/, () => sequential([dense, layers.dropout({ rate: 0.5 })])],
    ['two activations in a row', 'ERR_OPTION', /received one with relu/, () => sequential([layers.dense({ units: 2, activation: 'relu', inputShape: [1] }), layers.activation('tanh')])],
    ['names that are taken', 'ERR_OPTION', /received "a" twice/, () => sequential([layers.dense({ units: 1, name: 'a', inputShape: [1] }), layers.dense({ units: 1, name: 'a' })])],
    ['shapes that contradict', 'ERR_SHAPE', /Expected 2 for "dense_1", received 3/, () => sequential([dense, layers.dense({ units: 1, inputShape: [3] })])],
    ['initial weights of another shape', 'ERR_SHAPE', /2 x 3 for dense\.weight, received 1 x 3/, () => sequential([layers.dense({ units: 2, inputShape: [3], weights: [[1, 2, 3]] })])],
    ['initial weights (in, out)', 'ERR_SHAPE', /row 0 of dense\.weight, received 2/, () => sequential([layers.dense({ units: 2, inputShape: [3], weights: [[[1, 2], [3, 4], [5, 6]]] })])],
    ['2^40 units', 'ERR_MEMORY', /fits into memory/, () => sequential([layers.dense({ units: 2 ** 40, inputShape: [784] })])],
    ['more than the machine has', 'ERR_MEMORY', /GiB/, () => sequential(Array.from({ length: 40 }, (_, i) => layers.dense({ units: 60000, ...(i === 0 ? { inputShape: [60000] } : {}) })))],
  ])('%s', (_what, code, text, make) => refuses(make, code, text));
});

describe('compile refuses', () => {
  const last = (activation: 'linear' | 'relu' | 'sigmoid' | 'tanh' | 'softmax', units = 3): Sequential =>
    sequential({ backend: 'typescript' }, [layers.dense({ units, activation, inputShape: [2] })]);
  const sparse = 'sparseCategoricalCrossentropy';
  it.each<[what: string, code: NablaErrorCode, text: RegExp, make: () => unknown]>([
    ['an unknown loss', 'ERR_OPTION', /one of sparseCategoricalCrossentropy, .*received "crossentropy"/, () => loose(last('softmax'), 'compile', { optimizer: 'sgd', loss: 'crossentropy' })],
    ['an unknown optimizer', 'ERR_OPTION', /one of sgd, adam, .*lion, nadam, lbfgs, received "praxis"/, () => loose(last('softmax'), 'compile', { optimizer: 'praxis', loss: sparse })],
    ['no optimizer', 'ERR_TYPE', /one of sgd, adam, .*or optimizers\.sgd/, () => loose(last('softmax'), 'compile', { loss: sparse })],
    ['an unknown metric', 'ERR_OPTION', /one of accuracy, .*received "acuracy"/, () => loose(last('softmax'), 'compile', { optimizer: 'sgd', loss: sparse, metrics: ['acuracy'] })],
    ['an unknown option', 'ERR_OPTION', /one of optimizer, loss, metrics, received "losses"/, () => loose(last('softmax'), 'compile', { losses: 1 })],
    ['a cross-entropy over relu', 'ERR_OPTION', /Expected activation 'softmax' there, received relu/, () => { last('relu').compile({ optimizer: 'sgd', loss: sparse }); }],
    ['a cross-entropy over logits not called so', 'ERR_OPTION', /'softmax' there or fromLogits: true, received linear/, () => { last('linear').compile({ optimizer: 'sgd', loss: sparse }); }],
    ['fromLogits behind a softmax', 'ERR_OPTION', /linear last layer, .* received softmax with fromLogits/, () => { last('softmax').compile({ optimizer: 'sgd', loss: losses.sparseCategoricalCrossentropy({ fromLogits: true }) }); }],
    ['a categorical loss over a sigmoid', 'ERR_OPTION', /or loss 'binaryCrossentropy', received sigmoid/, () => { last('sigmoid').compile({ optimizer: 'sgd', loss: sparse }); }],
    ['a binary loss over a softmax', 'ERR_OPTION', /or loss 'sparseCategoricalCrossentropy', received softmax/, () => { last('softmax').compile({ optimizer: 'sgd', loss: 'binaryCrossentropy' }); }],
    ['a categorical loss over one logit', 'ERR_OPTION', /always 1/, () => { last('linear', 1).compile({ optimizer: 'sgd', loss: losses.categoricalCrossentropy({ fromLogits: true }) }); }],
    ['class weights of another number', 'ERR_SHAPE', /Expected 3 for classWeights, received 2/, () => { last('softmax').compile({ optimizer: 'sgd', loss: losses.sparseCategoricalCrossentropy({ classWeights: [1, 2] }) }); }],
    ['positive weights of another number', 'ERR_SHAPE', /Expected 3 for positiveWeights, received 1/, () => { last('sigmoid').compile({ optimizer: 'sgd', loss: losses.binaryCrossentropy({ positiveWeights: [2] }) }); }],
    ['squared errors of class indices', 'ERR_OPTION', /received 'mse'/, () => { last('softmax').compile({ optimizer: 'sgd', loss: sparse, metrics: ['mse'] }); }],
    ['a smoothing above 1', 'ERR_RANGE', /up to 1 for labelSmoothing, received 1.01/, () => losses.binaryCrossentropy({ labelSmoothing: 1.01 })],
    ['an unknown reduction', 'ERR_OPTION', /one of mean, sum, received "avg"/, () => loose(losses, 'meanSquaredError', { reduction: 'avg' })],
    ['a negative learning rate', 'ERR_RANGE', /for learningRate, received -0\.1/, () => optimizers.sgd({ learningRate: -0.1 })],
    ['a learning rate NaN', 'ERR_RANGE', /for learningRate, received NaN/, () => optimizers.adam({ learningRate: NaN })],
    ['nesterov without momentum', 'ERR_OPTION', /nesterov needs momentum/, () => optimizers.sgd({ nesterov: true })],
    ['an unknown optimizer option', 'ERR_OPTION', /learningRate, momentum, nesterov, weightDecay, clipvalue, .*, received "lr"/, () => loose(optimizers, 'sgd', { lr: 0.1 })],
    ['an epsilon of 0 that guards nothing', 'ERR_RANGE', /for epsilon, received 0/, () => optimizers.adagrad({ epsilon: 0 })],
    ['a rho of 1', 'ERR_RANGE', /below 1 for rho, received 1/, () => optimizers.rmsprop({ rho: 1 })],
    ['a negative decay', 'ERR_RANGE', /for weightDecay, received -1/, () => optimizers.lion({ weightDecay: -1 })],
    ['a momentum decay below 0', 'ERR_RANGE', /for momentumDecay, received -1/, () => optimizers.nadam({ momentumDecay: -1 })],
    ['two ways of clipping', 'ERR_OPTION', /clipped in one way/, () => optimizers.nadam({ clipnorm: 1, clipvalue: 1 })],
    ['a beta of 1', 'ERR_RANGE', /below 1 for beta2, received 1/, () => optimizers.adam({ beta2: 1 })],
  ])('%s', (_what, code, text, make) => refuses(make, code, text));

  it('keeps the compiled model when a second compile is refused', () => {
    const model = classifier({ seed: 1, backend: 'typescript' });
    refuses(() => loose(model, 'compile', { optimizer: 'sgd', loss: 'nonsense' }), 'ERR_OPTION', /unknown loss/);
    model.fitSync(x, y);
    expect(model.step).toBe(1);
  });
});

describe('a model refuses calls that do not fit its state', () => {
  it('fit, evaluate and gradients before compile', async () => {
    const model = sequential({ backend: 'typescript' }, [layers.dense({ units: 4, activation: 'softmax', inputShape: [3] })]);
    refuses(() => model.fitSync(x, y), 'ERR_STATE', /model\.compile\(\{ optimizer, loss \}\) before fitSync/);
    refuses(() => model.evaluateSync(x, y), 'ERR_STATE', /before evaluateSync/);
    refuses(() => model.gradients(x, y), 'ERR_STATE', /before gradients/);
    await expect(model.fit(x, y)).rejects.toMatchObject({ code: 'ERR_STATE' });
  });

  it('anything after dispose', async () => {
    const model = classifier({ seed: 1, backend: 'typescript' });
    model.dispose();
    model.dispose();
    refuses(() => model.predictSync(x), 'ERR_STATE', /disposed/);
    refuses(() => model.getWeights(), 'ERR_STATE', /disposed/);
    await expect(model.fit(x, y)).rejects.toMatchObject({ code: 'ERR_STATE' });
  });

  it('layers after the weights are made', () => {
    const model = sequential({ backend: 'typescript' });
    model.add(layers.dense({ units: 2, inputShape: [3] })).add(layers.dense({ units: 1 }));
    expect(model.countParams()).toBe(11);
    refuses(() => model.add(layers.dense({ units: 1 })), 'ERR_STATE', /before the model is used/);
  });

  it('weights that do not fit, none of them taken', () => {
    const model = classifier({ seed: 1, backend: 'typescript' });
    const before = flat(model);
    const weights = model.getWeights();
    refuses(() => { model.setWeights(weights.slice(1)); }, 'ERR_SHAPE', /4 arrays for weights/);
    refuses(() => { model.setWeights([weights[0].fill(1), weights[1], weights[2], new Float32Array(3)]); }, 'ERR_SHAPE', /dense_1\.bias, received 3/);
    refuses(() => { model.setWeights([weights[0], weights[1], weights[2], Float32Array.of(1, 2, 3, NaN)]); }, 'ERR_NON_FINITE', /dense_1\.bias, received NaN/);
    expect(flat(model)).toEqual(before);
  });

  it('logits of a loss that is computed behind the softmax', () => {
    const model = sequential({ backend: 'typescript' }, [layers.dense({ units: 2, activation: 'softmax', inputShape: [1] })]);
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    refuses(() => model.predictLogitsSync([1]), 'ERR_STATE', /logits are not kept/);
  });
});
