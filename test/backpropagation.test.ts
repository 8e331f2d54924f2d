// docs/backpropagation.md, formula by formula: plain loops as the page writes them against what both backends compute.
import { describe, expect, it } from 'vitest';
import { loadAddon } from '../src/backend/native/addon.js';
import { layers, losses, optimizers, regularizers, sequential, type ActivationName, type FloatArray, type LossConfig, type Sequential } from '../src/index.js';

const [m, inputs, hidden, classes] = [7, 5, 4, 3];
const wave = (count: number, step: number, scale = 1): Float64Array => Float64Array.from({ length: count }, (_, i) => scale * Math.sin(step * (i + 1)));
const X = wave(m * inputs, 1.3);
const W1 = wave(hidden * inputs, 2.1, 0.8);
const b1 = wave(hidden, 0.7, 0.3);
const W2 = wave(classes * hidden, 3.7);
const b2 = wave(classes, 1.9, 0.2);
const labels = Int32Array.from({ length: m }, (_, i) => (2 * i) % classes);
const oneHot = Float64Array.from({ length: m * classes }, (_, i) => (i % classes === labels[Math.floor(i / classes)] ? 1 : 0));

/** Both backends meet the formulas to rounding. Measured: 2e-16. */
const tolerance = 1e-14;
/** Differences of losses 2e-5 apart: their own error. Measured: 2e-10. */
const slopeTolerance = 1e-8;

function expectClose(actual: ArrayLike<number>, expected: ArrayLike<number>, bound = tolerance): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    if (!(Math.abs(actual[i] - expected[i]) <= bound)) expect.fail(`element ${i}: ${actual[i]} instead of ${expected[i]}`);
  }
}

/** (rows, inner) times (columns, inner) transposed -> (rows, columns) */
function timesTransposed(a: ArrayLike<number>, b: ArrayLike<number>, inner: number): Float64Array {
  const [rows, columns] = [a.length / inner, b.length / inner];
  return Float64Array.from({ length: rows * columns }, (_, at) => {
    let sum = 0;
    for (let k = 0; k < inner; k++) sum += a[Math.floor(at / columns) * inner + k] * b[(at % columns) * inner + k];
    return sum;
  });
}
function transposed(a: ArrayLike<number>, columns: number): Float64Array {
  const rows = a.length / columns;
  return Float64Array.from({ length: a.length }, (_, at) => a[(at % rows) * columns + Math.floor(at / rows)]);
}
const columnSums = (a: ArrayLike<number>, columns: number): Float64Array =>
  Float64Array.from({ length: columns }, (_, column) => Array.from({ length: a.length / columns }, (__, row) => a[row * columns + column]).reduce((sum, value) => sum + value, 0));
const plus = (z: Float64Array, bias: ArrayLike<number>): Float64Array => z.map((value, i) => value + bias[i % bias.length]);
function softmax(z: ArrayLike<number>, columns: number): Float64Array {
  const e = Float64Array.from(z, (value) => Math.exp(value));
  return e.map((value, at) => value / e.subarray(at - (at % columns), at - (at % columns) + columns).reduce((sum, other) => sum + other, 0));
}
const meanCrossEntropy = (z: ArrayLike<number>): number => {
  const p = softmax(z, classes);
  return -labels.reduce((sum, label, row) => sum + Math.log(p[row * classes + label]), 0) / m;
};
/** Slope of f along each element of x. */
function slopes(f: (x: Float64Array) => number, x: Float64Array): Float64Array {
  return x.map((value, i) => {
    const at = (moved: number): number => f(x.map((other, k) => (k === i ? moved : other)));
    return (at(value + 1e-5) - at(value - 1e-5)) / 2e-5;
  });
}
const get = (gradients: Readonly<Record<string, FloatArray>>, name: string): FloatArray => gradients[name] ?? new Float64Array();

describe.skipIf(loadAddon().addon === null).each(['native'] as const)('%s', proofs);
describe.each(['typescript'] as const)('%s', proofs);

function proofs(backend: 'native' | 'typescript'): void {
  function network(activation: ActivationName, last: ActivationName, loss: LossConfig, l2 = 0): Sequential {
    const model = sequential({ dtype: 'float64', backend }, [
      layers.dense({ name: 'hidden', units: hidden, activation, weights: [W1, b1], inputShape: [inputs], ...(l2 === 0 ? {} : { kernelRegularizer: regularizers.l2(l2) }) }),
      layers.dense({ name: 'output', units: classes, activation: last, weights: [W2, b2] }),
    ]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss });
    return model;
  }
  const classifier = (): Sequential => network('relu', 'softmax', losses.sparseCategoricalCrossentropy());
  const Z1 = plus(timesTransposed(X, W1, inputs), b1);
  const A1 = Z1.map((z) => Math.max(z, 0));
  const Z2 = plus(timesTransposed(A1, W2, hidden), b2);

  it('a layer forward: Z = X Wᵀ + b', () => {
    expectClose(classifier().forwardTrain(X).logits, Z2);
  });

  it('the activations forward', () => {
    const act: Readonly<Record<'relu' | 'sigmoid' | 'tanh', (z: number) => number>> = { relu: (z) => Math.max(z, 0), sigmoid: (z) => 1 / (1 + Math.exp(-z)), tanh: Math.tanh };
    for (const name of ['relu', 'sigmoid', 'tanh'] as const) {
      expectClose(get(network(name, 'softmax', losses.sparseCategoricalCrossentropy()).forwardTrain(X).activations, 'hidden'), Z1.map(act[name]));
    }
  });

  it('softmax, and that a constant added to a row changes nothing', () => {
    expectClose(classifier().forwardTrain(X).outputs, softmax(Z2, classes));
    const model = classifier();
    model.setWeights([W1, b1, W2, b2.map((value) => value + 1000)]);
    // 1000 costs ten bits of the logits.
    expectClose(model.forwardTrain(X).outputs, softmax(Z2, classes), 1e-11);
  });

  it('the cross-entropy', () => {
    expectClose([classifier().gradients(X, labels).loss], [meanCrossEntropy(Z2)]);
    const viaSum = labels.reduce((sum, label, row) => sum + Math.log([0, 1, 2].reduce((s, k) => s + Math.exp(Z2[row * classes + k]), 0)) - Z2[row * classes + label], 0) / m;
    expectClose([viaSum], [meanCrossEntropy(Z2)]);
  });

  it('the gradient of the logits: (P - Y) / m', () => {
    const P = softmax(Z2, classes);
    const dZ2 = P.map((p, i) => (p - oneHot[i]) / m);
    expectClose(dZ2, slopes(meanCrossEntropy, Z2), slopeTolerance);
    // The bias of the output layer adds to every row: its gradient is the column sum of dZ2; with one row it is that row.
    expectClose(get(classifier().gradients(X, labels).gradients, 'output.bias'), columnSums(dZ2, classes));
    const one = classifier().gradients(X.subarray(0, inputs), labels.subarray(0, 1)).gradients;
    expectClose(get(one, 'output.bias'), dZ2.subarray(0, classes).map((value) => value * m));
    for (let row = 0; row < m; row++) expectClose([dZ2.subarray(row * classes, (row + 1) * classes).reduce((sum, value) => sum + value, 0)], [0]);
  });

  it('the derivatives of softmax: p_i (δ_ij - p_j)', () => {
    const z = Z2.subarray(0, classes).slice();
    const p = softmax(z, classes);
    for (let i = 0; i < classes; i++) expectClose(slopes((moved) => softmax(moved, classes)[i], z), p.map((other, j) => p[i] * ((i === j ? 1 : 0) - other)), slopeTolerance);
    // A softmax layer under another loss goes back through all of them.
    const target = wave(m * classes, 0.9);
    const { gradients } = network('relu', 'softmax', losses.meanSquaredError()).gradients(X, target);
    const P = softmax(Z2, classes);
    const dP = P.map((value, i) => (2 * (value - target[i])) / (m * classes));
    const dZ2 = P.map((value, at) => {
      const start = at - (at % classes);
      let along = 0;
      for (let j = start; j < start + classes; j++) along += dP[j] * P[j];
      return value * (dP[at] - along);
    });
    expectClose(get(gradients, 'output.bias'), columnSums(dZ2, classes));
    expectClose(get(gradients, 'output.weight'), timesTransposed(transposed(dZ2, classes), transposed(A1, hidden), m));
  });

  const dZ2 = wave(m * classes, 4.4);

  it('the gradient of the weights: dW = dZᵀ A', () => {
    const model = classifier();
    model.forwardTrain(X);
    const { gradients } = model.backward(dZ2);
    expectClose(get(gradients, 'output.weight'), timesTransposed(transposed(dZ2, classes), transposed(A1, hidden), m));
  });

  it('the gradient of the biases: column sums of dZ', () => {
    const model = classifier();
    model.forwardTrain(X);
    expectClose(get(model.backward(dZ2).gradients, 'output.bias'), columnSums(dZ2, classes));
  });

  it('the gradient of the inputs: dA = dZ W, through ReLU where Z > 0', () => {
    const model = classifier();
    model.forwardTrain(X);
    const { gradients, dx } = model.backward(dZ2);
    const dA1 = timesTransposed(dZ2, transposed(W2, hidden), classes);
    const dZ1 = dA1.map((value, i) => (Z1[i] > 0 ? value : 0));
    expectClose(get(gradients, 'hidden.bias'), columnSums(dZ1, hidden));
    expectClose(get(gradients, 'hidden.weight'), timesTransposed(transposed(dZ1, hidden), transposed(X, inputs), m));
    expectClose(dx, timesTransposed(dZ1, transposed(W1, inputs), hidden));
  });

  it('the slopes of sigmoid and tanh: a (1 - a) and 1 - a²', () => {
    for (const [name, slope] of [['sigmoid', (a: number) => a * (1 - a)], ['tanh', (a: number) => 1 - a * a]] as const) {
      const model = network(name, 'softmax', losses.sparseCategoricalCrossentropy());
      const a = get(model.forwardTrain(X).activations, 'hidden');
      const dA1 = timesTransposed(dZ2, transposed(W2, hidden), classes);
      expectClose(get(model.backward(dZ2).gradients, 'hidden.bias'), columnSums(dA1.map((value, i) => value * slope(a[i])), hidden));
    }
  });

  it('ReLU at exactly 0 passes nothing', () => {
    const model = sequential({ dtype: 'float64', backend }, [
      layers.dense({ name: 'hidden', units: 1, activation: 'relu', weights: [[[1]], [0]], inputShape: [1] }),
      layers.dense({ name: 'output', units: 1, weights: [[[1]], [0]] }),
    ]);
    model.forwardTrain([0, 0.5, -0.5]);
    expect(Array.from(model.backward([1, 1, 1]).dx)).toEqual([0, 1, 0]);
  });

  it('squared errors: 2 (a - y) / (m n)', () => {
    const target = wave(m * classes, 0.9);
    const model = network('relu', 'linear', losses.meanSquaredError());
    const { loss, gradients } = model.gradients(X, target);
    expectClose([loss], [Z2.reduce((sum, a, i) => sum + (a - target[i]) ** 2, 0) / (m * classes)]);
    expectClose(get(gradients, 'output.bias'), columnSums(Z2.map((a, i) => (2 * (a - target[i])) / (m * classes)), classes));
  });

  it('sigmoid with its cross-entropy: (p - y) / (m n)', () => {
    const { loss, gradients } = network('relu', 'sigmoid', losses.binaryCrossentropy()).gradients(X, oneHot);
    const P = Z2.map((z) => 1 / (1 + Math.exp(-z)));
    expectClose([loss], [-P.reduce((sum, p, i) => sum + oneHot[i] * Math.log(p) + (1 - oneHot[i]) * Math.log(1 - p), 0) / (m * classes)]);
    expectClose(get(gradients, 'output.bias'), columnSums(P.map((p, i) => (p - oneHot[i]) / (m * classes)), classes));
  });

  it('a penalty adds λ W to the gradient of W', () => {
    // Keras' l2 counts λ Σ W², twice what the page calls λ/2.
    const with_ = network('relu', 'softmax', losses.sparseCategoricalCrossentropy(), 0.05).gradients(X, labels);
    const without = classifier().gradients(X, labels);
    expectClose([with_.penalty], [0.05 * W1.reduce((sum, w) => sum + w * w, 0)]);
    expectClose(get(with_.gradients, 'hidden.weight'), get(without.gradients, 'hidden.weight').map((value, i) => value + 2 * 0.05 * W1[i]));
  });

  it('a step: W - η dW', () => {
    const model = classifier();
    const { gradients } = model.gradients(X, labels);
    model.trainOnBatchSync(X, labels);
    model.parameterNames().forEach((name, i) => {
      expectClose(model.getWeights()[i], [W1, b1, W2, b2][i].map((value, k) => value - 0.1 * get(gradients, name)[k]));
    });
  });

  it('all of it together is the slope of the loss', () => {
    for (const { worst } of classifier().checkGradients(X, labels)) expect(worst).toBeLessThan(1e-7);
    // And without the library's own check:
    const lossAt = (weights: Float64Array): number => {
      const z1 = plus(timesTransposed(X, weights, inputs), b1);
      return meanCrossEntropy(plus(timesTransposed(z1.map((z) => Math.max(z, 0)), W2, hidden), b2));
    };
    expectClose(get(classifier().gradients(X, labels).gradients, 'hidden.weight'), slopes(lossAt, W1), slopeTolerance);
  });
}
