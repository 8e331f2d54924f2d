// The linear models that reports stand beside. They are yardsticks: nothing in them is tuned.
import type { FloatArray, NumericTypedArray } from '../base/arrays.js';
import { getEnvironment } from '../base/environment.js';
import { NablaError } from '../base/errors.js';
import { layers } from '../model/layers/index.js';
import { optimizers } from '../model/optimizers/index.js';
import { regularizers } from '../model/parameters/regularizers.js';
import { sequential } from '../model/sequential.js';

/** Samples, flat. */
export interface Samples {
  readonly x: ArrayLike<number>;
  readonly rows: number;
  readonly features: number;
}

/** One a row; null: all alike. */
export type Weights = NumericTypedArray | null;

/** The ridge's table of products takes the square of this in memory. */
const MAX_FEATURES = 4096;
/** Multiplications after which the event loop has a turn: a few milliseconds. */
const BREATH = 2 ** 23;
/** Penalty on standardised features: too small to matter but where columns repeat each other. */
const RIDGE = 1e-6;
/** 6,000 digits of MNIST: 90.1 % right on its test rows and a log loss of 0.38; 1e-4: 88.8 % and 0.62; at a constant rate 88.1 % and 0.60. */
const SOFTMAX_L2 = 1e-3;
const RATE = 0.01;
/** Updates of the softmax regression, about: where the rate ends at 0, its loss has settled. */
const UPDATES = 20_000;
const BATCH = 64;

/** Mean and deviation of each feature, rows counting as much as they weigh. */
class Standardizer {
  readonly #mean: Float64Array;
  readonly #scale: Float64Array;

  constructor({ x, rows, features }: Samples, weights: Weights) {
    const weightOf = (row: number): number => weights?.[row] ?? 1;
    let total = 0;
    for (let row = 0; row < rows; row++) total += weightOf(row);
    this.#mean = new Float64Array(features);
    this.#scale = new Float64Array(features);
    for (let row = 0; row < rows; row++) for (let j = 0; j < features; j++) this.#mean[j] += (weightOf(row) * x[row * features + j]) / total;
    for (let row = 0; row < rows; row++) for (let j = 0; j < features; j++) this.#scale[j] += (weightOf(row) * (x[row * features + j] - this.#mean[j]) ** 2) / total;
    // A constant feature says nothing: it becomes 0 everywhere, also in rows where it differs.
    for (let j = 0; j < features; j++) this.#scale[j] = this.#scale[j] <= 1e-20 * this.#mean[j] ** 2 ? 0 : 1 / Math.sqrt(this.#scale[j]);
  }

  value(x: ArrayLike<number>, at: number, feature: number): number {
    return (x[at] - this.#mean[feature]) * this.#scale[feature];
  }

  all({ x, rows, features }: Samples): Float32Array {
    const out = new Float32Array(rows * features);
    for (let row = 0; row < rows; row++) for (let j = 0; j < features; j++) out[row * features + j] = this.value(x, row * features + j, j);
    return out;
  }
}

/**
 * Softmax regression: one dense layer on standardised features, Adam, its rate from 0.01 down to 0, seed 0.
 * @param weights of the rows of `train`; they are made to be 1 on average @returns probabilities (rows of `samples`, classes)
 */
export async function softmaxRegression(train: Samples, labels: Int32Array, classes: number, samples: Samples, weights: Weights = null): Promise<FloatArray> {
  return denseRegression(train, labels, classes, samples, weights, { activation: 'softmax', loss: 'sparseCategoricalCrossentropy' });
}

/** The same for yes-or-no labels (rows, labels): logistic regressions side by side. @returns probabilities (rows of `samples`, labels) */
export async function logisticRegression(train: Samples, targets: ArrayLike<number>, labels: number, samples: Samples, weights: Weights = null): Promise<FloatArray> {
  return denseRegression(train, Float32Array.from(targets), labels, samples, weights, { activation: 'sigmoid', loss: 'binaryCrossentropy' });
}

interface Kind { readonly activation: 'softmax' | 'sigmoid'; readonly loss: 'sparseCategoricalCrossentropy' | 'binaryCrossentropy' }

async function denseRegression(train: Samples, targets: Int32Array | Float32Array, units: number, samples: Samples, weights: Weights, { activation, loss }: Kind): Promise<FloatArray> {
  const standardizer = new Standardizer(train, weights);
  const model = sequential({ seed: 0 }, [
    layers.dense({ units, activation, inputShape: [train.features], kernelRegularizer: regularizers.l2(SOFTMAX_L2) }),
  ]);
  try {
    const epochs = Math.min(200, Math.max(5, Math.round((UPDATES * BATCH) / train.rows)));
    const steps = epochs * Math.ceil(train.rows / BATCH);
    model.compile({ optimizer: optimizers.adam({ learningRate: (step) => RATE * (1 - step / steps) }), loss });
    await model.fit(standardizer.all(train), targets, { epochs, batchSize: BATCH, ...(weights === null ? {} : { sampleWeight: averagingOne(weights) }) });
    return (await model.predict(standardizer.all(samples), { rows: samples.rows })).data;
  } finally {
    model.dispose();
  }
}

function averagingOne(weights: ArrayLike<number>): Float64Array {
  const list = Float64Array.from(weights);
  const mean = list.reduce((sum, weight) => sum + weight, 0) / list.length;
  return list.map((weight) => weight / mean);
}

/**
 * Ridge regression in closed form, float64: w = (XᵀX + λnI)⁻¹Xᵀ(y - mean) on standardised features, λ = 1e-6; weighted rows count
 * as much as they weigh, n is the sum of the weights.
 * @param targets (rows of `train`, outputs) @returns (rows of `samples`, outputs) @throws ERR_RANGE for more than 4096 features
 */
export async function ridgeRegression(op: string, train: Samples, targets: ArrayLike<number>, outputs: number, samples: Samples, weights: Weights = null): Promise<Float64Array> {
  const { rows, features } = train;
  const weightOf = (row: number): number => weights?.[row] ?? 1;
  if (features > MAX_FEATURES) {
    throw new NablaError('ERR_RANGE', `[${op}] the linear baseline of a regression holds a table of features x features. Expected at most ${MAX_FEATURES} features for samples, received ${features}; without samples there is no linear baseline.`);
  }
  const standardizer = new Standardizer(train, weights);
  const pace = new Pace();
  const sums = new Float64Array(outputs);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    total += weightOf(row);
    for (let k = 0; k < outputs; k++) sums[k] += weightOf(row) * targets[row * outputs + k];
  }
  const mean = sums.map((sum) => sum / total);
  const gram = new Float64Array(features * features);
  const solution = new Float64Array(features * outputs);
  const line = new Float64Array(features);
  for (let row = 0; row < rows; row++) {
    for (let j = 0; j < features; j++) line[j] = standardizer.value(train.x, row * features + j, j);
    for (let j = 0; j < features; j++) {
      const value = weightOf(row) * line[j];
      if (value === 0) continue;
      for (let i = 0; i <= j; i++) gram[j * features + i] += value * line[i];
      for (let k = 0; k < outputs; k++) solution[j * outputs + k] += value * (targets[row * outputs + k] - mean[k]);
    }
    await pace.spend(features * (features / 2 + outputs));
  }
  for (let j = 0; j < features; j++) gram[j * features + j] += RIDGE * total;
  await solve(gram, features, solution, outputs, pace);
  const out = new Float64Array(samples.rows * outputs);
  for (let row = 0; row < samples.rows; row++) {
    for (let k = 0; k < outputs; k++) out[row * outputs + k] = mean[k];
    for (let j = 0; j < features; j++) {
      const value = standardizer.value(samples.x, row * features + j, j);
      for (let k = 0; k < outputs; k++) out[row * outputs + k] += value * solution[j * outputs + k];
    }
    await pace.spend(features * outputs);
  }
  return out;
}

/** Gives the event loop its turns. */
class Pace {
  #spent = 0;
  async spend(multiplications: number): Promise<void> {
    this.#spent += multiplications;
    if (this.#spent < BREATH) return;
    this.#spent = 0;
    await getEnvironment().yield();
  }
}

/** Cholesky: a (n, n) positive definite, its lower half; b (n, columns) becomes the solution. */
async function solve(a: Float64Array, n: number, b: Float64Array, columns: number, pace: Pace): Promise<void> {
  for (let j = 0; j < n; j++) {
    for (let i = 0; i <= j; i++) {
      let sum = a[j * n + i];
      for (let k = 0; k < i; k++) sum -= a[j * n + k] * a[i * n + k];
      a[j * n + i] = i === j ? Math.sqrt(sum) : sum / a[i * n + i];
    }
    await pace.spend((j * j) / 2);
  }
  for (let c = 0; c < columns; c++) {
    for (let j = 0; j < n; j++) {
      let sum = b[j * columns + c];
      for (let k = 0; k < j; k++) sum -= a[j * n + k] * b[k * columns + c];
      b[j * columns + c] = sum / a[j * n + j];
    }
    for (let j = n - 1; j >= 0; j--) {
      let sum = b[j * columns + c];
      for (let k = j + 1; k < n; k++) sum -= a[k * n + j] * b[k * columns + c];
      b[j * columns + c] = sum / a[j * n + j];
    }
    await pace.spend(n * n);
  }
}
