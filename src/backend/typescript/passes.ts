// What may happen to the rows between two dense layers, in any order: forward and the way back of each, some rows at a time. x and y are (rows, units) Float64Array scratch.
// Sums over rows or along a row are double in both types and are never joined with a product: docs/numerics.md, passes.
import type { DType } from '../../base/arrays.js';
import { isOfZ, type ActivationSpec } from '../contract/spec.js';
import { backwardOfZ, forwardOfZ } from './activations-of-z.js';
import { activationBackward, activationForward } from './activations.js';
import { applyDropout, type Dropout } from './dropout.js';
import { addNoise } from './noise.js';
import { inRows, type Pieces } from './pieces.js';
import { foldLanes, roundedTo, storeAs } from './reductions.js';

/** Positions are those of the canonical order, -1 where there is no such parameter. */
export type Pass =
  | { readonly kind: 'activation'; readonly activation: ActivationSpec }
  | { readonly kind: 'dropout'; readonly dropout: Dropout }
  | { readonly kind: 'gaussianNoise'; readonly layer: number; readonly deviation: number }
  | { readonly kind: 'prelu'; readonly alpha: number }
  | { readonly kind: 'layerNormalization'; readonly epsilon: number; readonly gamma: number; readonly beta: number }
  /** `statistics`: position of the moving mean, the moving variance follows. `moves`: training takes the batch's statistics and moves these. */
  | { readonly kind: 'batchNormalization'; readonly epsilon: number; readonly momentum: number; readonly moves: boolean; readonly gamma: number; readonly beta: number; readonly statistics: number };

/** What the rows of a pass belong to. */
export interface PassContext {
  readonly dtype: DType;
  readonly seed: number;
  readonly step: number;
  readonly firstRow: number;
  readonly training: boolean;
  /** Parameters, then statistics. */
  readonly weights: readonly Float64Array[];
  readonly statisticsAt: number;
  readonly lanes: Float64Array;
}

/** What a normalization leaves for its way back: a mean and a factor for each row or unit; of a batch also the double mean and Σ (x - mean)². */
export interface Saved {
  readonly means: Float64Array;
  readonly factors: Float64Array;
  readonly batchMean: Float64Array;
  readonly batchSquares: Float64Array;
}
export const nothingSaved: Saved = { means: new Float64Array(0), factors: new Float64Array(0), batchMean: new Float64Array(0), batchSquares: new Float64Array(0) };

/** x -> y, another array. @returns what the way back needs */
export function* passForward(pass: Pass, context: PassContext, x: Float64Array, y: Float64Array, rows: number, units: number): Pieces<Saved> {
  let saved = nothingSaved;
  if (pass.kind === 'layerNormalization') saved = { ...nothingSaved, means: new Float64Array(rows), factors: new Float64Array(rows) };
  if (pass.kind === 'batchNormalization') saved = context.training && pass.moves ? yield* batchStatistics(context.dtype, pass.epsilon, x, rows, units) : movingStatistics(context, pass);
  yield* inRows(rows, units, (first, end) => {
    forwardRows(pass, context, saved, x.subarray(first * units, end * units), y.subarray(first * units, end * units), first, end - first, units);
  });
  return saved;
}

/** x, y: rows from `first` on of those that came. */
function forwardRows(pass: Pass, context: PassContext, saved: Saved, x: Float64Array, y: Float64Array, first: number, rows: number, units: number): void {
  const { dtype, weights, seed, step } = context;
  const count = rows * units;
  switch (pass.kind) {
    case 'activation':
      if (isOfZ(pass.activation)) forwardOfZ(pass.activation, dtype, x, y, count);
      else {
        y.set(x);
        activationForward(pass.activation, y, rows, units, context.lanes);
      }
      break;
    case 'dropout':
      if (context.training) applyDropout(pass.dropout, seed, step, context.firstRow + first, x, y, rows, units);
      else y.set(x);
      break;
    case 'gaussianNoise':
      if (context.training) addNoise(dtype, pass.layer, pass.deviation, seed, step, context.firstRow + first, x, y, rows, units);
      else y.set(x);
      break;
    case 'prelu': {
      const alpha = weights[pass.alpha];
      for (let i = 0; i < count; i++) y[i] = x[i] > 0 ? x[i] : alpha[i % units] * x[i];
      break;
    }
    case 'layerNormalization': {
      const means = saved.means.subarray(first), factors = saved.factors.subarray(first);
      layerStatistics(dtype, pass.epsilon, x, rows, units, means, factors);
      for (let row = 0; row < rows; row++) {
        for (let i = row * units; i < (row + 1) * units; i++) y[i] = (x[i] - means[row]) * factors[row];
      }
      scaleAndShift(weights, pass, y, rows, units);
      break;
    }
    case 'batchNormalization':
      for (let i = 0; i < count; i++) y[i] = (x[i] - saved.means[i % units]) * saved.factors[i % units];
      scaleAndShift(weights, pass, y, rows, units);
      break;
  }
  storeAs(dtype, y, count);
}

/** d = gradient of y -> gradient of x, in place; gradients of gamma, beta or alpha over these rows to `gradients`. Training mode. */
export function* passBackward(
  pass: Pass, context: PassContext, x: Float64Array, y: Float64Array, saved: Saved, d: Float64Array, rows: number, units: number, gradients: readonly Float64Array[],
): Pieces<void> {
  const { dtype, weights } = context;
  const cut = (array: Float64Array, first: number, end: number): Float64Array => array.subarray(first * units, end * units);
  switch (pass.kind) {
    case 'activation':
    case 'dropout':
      yield* inRows(rows, units, (first, end) => {
        const part = cut(d, first, end);
        if (pass.kind === 'dropout') applyDropout(pass.dropout, context.seed, context.step, context.firstRow + first, part, part, end - first, units);
        else if (isOfZ(pass.activation)) backwardOfZ(pass.activation, dtype, cut(x, first, end), cut(y, first, end), part, part.length);
        else activationBackward(pass.activation, cut(y, first, end), part, end - first, units, context.lanes);
        storeAs(dtype, part);
      });
      return;
    case 'gaussianNoise':
      return;
    case 'prelu': {
      const dalpha = gradients[pass.alpha].fill(0);
      yield* inRows(rows, units, (first, end) => { preluBackward(weights[pass.alpha], cut(x, first, end), cut(d, first, end), units, dalpha); storeAs(dtype, cut(d, first, end)); });
      storeAs(dtype, dalpha);
      return;
    }
    case 'layerNormalization': {
      const sums = newSums(units);
      yield* inRows(rows, units, (first, end) => {
        const means = saved.means.subarray(first), factors = saved.factors.subarray(first);
        layerRowsBackward(dtype, pass.gamma < 0 ? null : weights[pass.gamma], means, factors, cut(x, first, end), cut(d, first, end), end - first, units, sums);
      });
      keep(dtype, gradients, pass, sums);
      return;
    }
    case 'batchNormalization': {
      const sums = newSums(units);
      const { means } = saved;
      yield* inRows(rows, units, (first, end) => {
        const xs = cut(x, first, end);
        addSums(sums, cut(d, first, end), (i) => (xs[i] - means[i % units]) * saved.factors[i % units], units);
      });
      const gamma = pass.gamma < 0 ? null : weights[pass.gamma];
      // Statistics that are constants hand nothing back.
      const mean = (sum: number): number => (pass.moves ? roundedTo(dtype, sum / rows) : 0);
      const meanD = sums.dbeta.map(mean), meanDNormal = sums.dgamma.map(mean);
      const factors = saved.factors.map((factor, u) => roundedTo(dtype, gamma === null ? factor : gamma[u] * factor));
      yield;
      yield* inRows(rows, units, (first, end) => {
        const xs = cut(x, first, end), part = cut(d, first, end);
        for (let i = 0; i < part.length; i++) {
          const u = i % units;
          part[i] = factors[u] * (part[i] - meanD[u] - (xs[i] - means[u]) * saved.factors[u] * meanDNormal[u]);
        }
        storeAs(dtype, part);
      });
      keep(dtype, gradients, pass, sums);
    }
  }
}

function scaleAndShift(weights: readonly Float64Array[], pass: { readonly gamma: number; readonly beta: number }, y: Float64Array, rows: number, units: number): void {
  if (pass.gamma >= 0) for (let i = 0; i < rows * units; i++) y[i] *= weights[pass.gamma][i % units];
  if (pass.beta >= 0) for (let i = 0; i < rows * units; i++) y[i] += weights[pass.beta][i % units];
}

/** Σ over rows of d · normal and of d, a unit each. */
interface Sums { readonly dgamma: Float64Array; readonly dbeta: Float64Array }
const newSums = (units: number): Sums => ({ dgamma: new Float64Array(units), dbeta: new Float64Array(units) });

/** The chains go on from what the sums hold. */
function addSums({ dgamma, dbeta }: Sums, d: Float64Array, normal: (i: number) => number, units: number): void {
  for (let i = 0; i < d.length; i++) {
    dgamma[i % units] += d[i] * normal(i);
    dbeta[i % units] += d[i];
  }
}

function keep(dtype: DType, gradients: readonly Float64Array[], pass: { readonly gamma: number; readonly beta: number }, { dgamma, dbeta }: Sums): void {
  for (const [position, sum] of [[pass.gamma, dgamma], [pass.beta, dbeta]] as const) {
    if (position < 0) continue;
    gradients[position].set(sum);
    storeAs(dtype, gradients[position]);
  }
}

function preluBackward(alpha: Float64Array, x: Float64Array, d: Float64Array, units: number, dalpha: Float64Array): void {
  for (let i = 0; i < d.length; i++) {
    if (x[i] > 0) continue;
    dalpha[i % units] += d[i] * x[i];
    d[i] *= alpha[i % units];
  }
}

const eight = new Float64Array(8);

/** Σ value(i) for i in [from, from + count), element i in lane (i - from) mod 8. */
function lanesOf(from: number, count: number, value: (i: number) => number): number {
  eight.fill(0);
  for (let i = 0; i < count; i++) eight[i & 7] += value(from + i);
  return foldLanes(eight);
}

function layerStatistics(dtype: DType, epsilon: number, x: Float64Array, rows: number, units: number, means: Float64Array, factors: Float64Array): void {
  for (let row = 0; row < rows; row++) {
    const mean = lanesOf(row * units, units, (i) => x[i]) / units;
    const squares = lanesOf(row * units, units, (i) => (x[i] - mean) * (x[i] - mean));
    means[row] = roundedTo(dtype, mean);
    factors[row] = roundedTo(dtype, 1 / Math.sqrt(squares / units + epsilon));
  }
}

function layerRowsBackward(
  dtype: DType, gamma: Float64Array | null, means: Float64Array, factors: Float64Array, x: Float64Array, d: Float64Array, rows: number, units: number, sums: Sums,
): void {
  const normal = (i: number): number => (x[i] - means[Math.floor(i / units)]) * factors[Math.floor(i / units)];
  addSums(sums, d, normal, units);
  if (gamma !== null) for (let i = 0; i < d.length; i++) d[i] *= gamma[i % units];
  storeAs(dtype, d);
  for (let row = 0; row < rows; row++) layerRowBackward(dtype, normal, factors[row], d, row * units, units);
  storeAs(dtype, d);
}

/** d (units) at `at`, already times gamma -> factor · ((d - mean(d)) - normal · mean(d · normal)). */
function layerRowBackward(dtype: DType, normal: (i: number) => number, factor: number, d: Float64Array, at: number, units: number): void {
  const meanD = roundedTo(dtype, lanesOf(at, units, (i) => d[i]) / units);
  const meanDNormal = roundedTo(dtype, lanesOf(at, units, (i) => d[i] * normal(i)) / units);
  for (let i = at; i < at + units; i++) d[i] = factor * (d[i] - meanD - normal(i) * meanDNormal);
}

function* batchStatistics(dtype: DType, epsilon: number, x: Float64Array, rows: number, units: number): Pieces<Saved> {
  const batchMean = new Float64Array(units), batchSquares = new Float64Array(units);
  yield* inRows(rows, units, (first, end) => {
    for (let i = first * units; i < end * units; i++) batchMean[i % units] += x[i];
  });
  for (let u = 0; u < units; u++) batchMean[u] /= rows;
  yield;
  yield* inRows(rows, units, (first, end) => {
    for (let i = first * units; i < end * units; i++) {
      const difference = x[i] - batchMean[i % units];
      batchSquares[i % units] += difference * difference;
    }
  });
  yield;
  return {
    batchMean, batchSquares,
    means: batchMean.map((mean) => roundedTo(dtype, mean)),
    factors: batchSquares.map((squares) => roundedTo(dtype, 1 / Math.sqrt(squares / rows + epsilon))),
  };
}

function movingStatistics({ dtype, weights, statisticsAt }: PassContext, pass: Pass & { readonly kind: 'batchNormalization' }): Saved {
  const [means, variances] = [weights[statisticsAt + pass.statistics], weights[statisticsAt + pass.statistics + 1]];
  return { ...nothingSaved, means, factors: variances.map((variance) => roundedTo(dtype, 1 / Math.sqrt(variance + pass.epsilon))) };
}

/** Takes a batch of `rows` rows into the moving statistics: momentum · old + (1 - momentum) · batch, the variance divided by rows - 1 (PyTorch). */
export function moveStatistics(dtype: DType, momentum: number, saved: Saved, rows: number, mean: Float64Array, variance: Float64Array): void {
  for (let u = 0; u < mean.length; u++) {
    mean[u] = roundedTo(dtype, momentum * mean[u] + (1 - momentum) * saved.batchMean[u]);
    variance[u] = roundedTo(dtype, momentum * variance[u] + (1 - momentum) * (saved.batchSquares[u] / (rows - 1)));
  }
}
