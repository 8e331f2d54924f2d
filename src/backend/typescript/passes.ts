// What may happen to the rows between two dense layers, in any order: forward and the way back of each. x and y are (rows, units) Float64Array scratch.
// Sums over rows or along a row are double in both types and are never joined with a product: docs/numerics.md, passes.
import type { DType } from '../../base/arrays.js';
import { isOfZ, type ActivationSpec } from '../contract/spec.js';
import { backwardOfZ, forwardOfZ } from './activations-of-z.js';
import { activationBackward, activationForward } from './activations.js';
import { applyDropout, type Dropout } from './dropout.js';
import { addNoise } from './noise.js';
import { foldLanes, roundedTo, storeAs } from './reductions.js';

/** Positions are those of the canonical order, -1 where there is no such parameter. */
export type Pass =
  | { readonly kind: 'activation'; readonly activation: ActivationSpec }
  | { readonly kind: 'dropout'; readonly dropout: Dropout }
  | { readonly kind: 'gaussianNoise'; readonly layer: number; readonly deviation: number }
  | { readonly kind: 'prelu'; readonly alpha: number }
  | { readonly kind: 'layerNormalization'; readonly epsilon: number; readonly gamma: number; readonly beta: number }
  /** `statistics`: position of the moving mean, the moving variance follows. */
  | { readonly kind: 'batchNormalization'; readonly epsilon: number; readonly momentum: number; readonly gamma: number; readonly beta: number; readonly statistics: number };

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
export function passForward(pass: Pass, context: PassContext, x: Float64Array, y: Float64Array, rows: number, units: number): Saved {
  const { dtype, weights } = context;
  const count = rows * units;
  let saved = nothingSaved;
  switch (pass.kind) {
    case 'activation':
      if (isOfZ(pass.activation)) forwardOfZ(pass.activation, dtype, x, y, count);
      else {
        y.set(x.subarray(0, count));
        activationForward(pass.activation, y, rows, units, context.lanes);
      }
      break;
    case 'dropout':
      if (context.training) applyDropout(pass.dropout, context.seed, context.step, context.firstRow, x, y, rows, units);
      else y.set(x.subarray(0, count));
      break;
    case 'gaussianNoise':
      if (context.training) addNoise(dtype, pass.layer, pass.deviation, context.seed, context.step, context.firstRow, x, y, rows, units);
      else y.set(x.subarray(0, count));
      break;
    case 'prelu': {
      const alpha = weights[pass.alpha];
      for (let i = 0; i < count; i++) y[i] = x[i] > 0 ? x[i] : alpha[i % units] * x[i];
      break;
    }
    case 'layerNormalization':
      saved = layerStatistics(dtype, pass.epsilon, x, rows, units);
      for (let row = 0; row < rows; row++) {
        for (let i = row * units; i < (row + 1) * units; i++) y[i] = (x[i] - saved.means[row]) * saved.factors[row];
      }
      scaleAndShift(weights, pass, y, rows, units);
      break;
    case 'batchNormalization':
      saved = context.training ? batchStatistics(dtype, pass.epsilon, x, rows, units) : movingStatistics(context, pass);
      for (let i = 0; i < count; i++) y[i] = (x[i] - saved.means[i % units]) * saved.factors[i % units];
      scaleAndShift(weights, pass, y, rows, units);
      break;
  }
  storeAs(dtype, y, count);
  return saved;
}

/** d = gradient of y -> gradient of x, in place; gradients of gamma, beta or alpha over these rows to `gradients`. Training mode. */
export function passBackward(
  pass: Pass, context: PassContext, x: Float64Array, y: Float64Array, saved: Saved, d: Float64Array, rows: number, units: number, gradients: readonly Float64Array[],
): void {
  const { dtype, weights } = context;
  const count = rows * units;
  switch (pass.kind) {
    case 'activation':
      if (isOfZ(pass.activation)) backwardOfZ(pass.activation, dtype, x, y, d, count);
      else activationBackward(pass.activation, y, d, rows, units, context.lanes);
      break;
    case 'dropout':
      applyDropout(pass.dropout, context.seed, context.step, context.firstRow, d, d, rows, units);
      break;
    case 'gaussianNoise':
      return;
    case 'prelu': {
      const alpha = weights[pass.alpha], dalpha = gradients[pass.alpha].fill(0);
      for (let i = 0; i < count; i++) {
        if (x[i] > 0) continue;
        dalpha[i % units] += d[i] * x[i];
        d[i] *= alpha[i % units];
      }
      storeAs(dtype, dalpha);
      break;
    }
    case 'layerNormalization': {
      const normal = (i: number): number => (x[i] - saved.means[Math.floor(i / units)]) * saved.factors[Math.floor(i / units)];
      const { dgamma, dbeta } = sums(d, normal, rows, units);
      const gamma = pass.gamma < 0 ? null : weights[pass.gamma];
      if (gamma !== null) for (let i = 0; i < count; i++) d[i] *= gamma[i % units];
      storeAs(dtype, d, count);
      for (let row = 0; row < rows; row++) layerRowBackward(dtype, normal, saved.factors[row], d, row * units, units);
      keep(dtype, gradients, pass, dgamma, dbeta);
      break;
    }
    case 'batchNormalization': {
      const normal = (i: number): number => (x[i] - saved.means[i % units]) * saved.factors[i % units];
      const { dgamma, dbeta } = sums(d, normal, rows, units);
      const gamma = pass.gamma < 0 ? null : weights[pass.gamma];
      const meanD = dbeta.map((sum) => roundedTo(dtype, sum / rows)), meanDNormal = dgamma.map((sum) => roundedTo(dtype, sum / rows));
      const factors = saved.factors.map((factor, u) => roundedTo(dtype, gamma === null ? factor : gamma[u] * factor));
      for (let i = 0; i < count; i++) {
        const u = i % units;
        d[i] = factors[u] * (d[i] - meanD[u] - normal(i) * meanDNormal[u]);
      }
      keep(dtype, gradients, pass, dgamma, dbeta);
      break;
    }
  }
  storeAs(dtype, d, count);
}

function scaleAndShift(weights: readonly Float64Array[], pass: { readonly gamma: number; readonly beta: number }, y: Float64Array, rows: number, units: number): void {
  if (pass.gamma >= 0) for (let i = 0; i < rows * units; i++) y[i] *= weights[pass.gamma][i % units];
  if (pass.beta >= 0) for (let i = 0; i < rows * units; i++) y[i] += weights[pass.beta][i % units];
}

/** Σ over rows of d · normal and of d, a unit each. */
function sums(d: Float64Array, normal: (i: number) => number, rows: number, units: number): { dgamma: Float64Array; dbeta: Float64Array } {
  const dgamma = new Float64Array(units), dbeta = new Float64Array(units);
  for (let i = 0; i < rows * units; i++) {
    dgamma[i % units] += d[i] * normal(i);
    dbeta[i % units] += d[i];
  }
  return { dgamma, dbeta };
}

function keep(dtype: DType, gradients: readonly Float64Array[], pass: { readonly gamma: number; readonly beta: number }, dgamma: Float64Array, dbeta: Float64Array): void {
  for (const [position, sum] of [[pass.gamma, dgamma], [pass.beta, dbeta]] as const) {
    if (position < 0) continue;
    gradients[position].set(sum);
    storeAs(dtype, gradients[position]);
  }
}

const eight = new Float64Array(8);

/** Σ value(i) for i in [from, from + count), element i in lane (i - from) mod 8. */
function lanesOf(from: number, count: number, value: (i: number) => number): number {
  eight.fill(0);
  for (let i = 0; i < count; i++) eight[i & 7] += value(from + i);
  return foldLanes(eight);
}

function layerStatistics(dtype: DType, epsilon: number, x: Float64Array, rows: number, units: number): Saved {
  const means = new Float64Array(rows), factors = new Float64Array(rows);
  for (let row = 0; row < rows; row++) {
    const mean = lanesOf(row * units, units, (i) => x[i]) / units;
    const squares = lanesOf(row * units, units, (i) => (x[i] - mean) * (x[i] - mean));
    means[row] = roundedTo(dtype, mean);
    factors[row] = roundedTo(dtype, 1 / Math.sqrt(squares / units + epsilon));
  }
  return { ...nothingSaved, means, factors };
}

/** d (units) at `at`, already times gamma -> factor · ((d - mean(d)) - normal · mean(d · normal)). */
function layerRowBackward(dtype: DType, normal: (i: number) => number, factor: number, d: Float64Array, at: number, units: number): void {
  const meanD = roundedTo(dtype, lanesOf(at, units, (i) => d[i]) / units);
  const meanDNormal = roundedTo(dtype, lanesOf(at, units, (i) => d[i] * normal(i)) / units);
  for (let i = at; i < at + units; i++) d[i] = factor * (d[i] - meanD - normal(i) * meanDNormal);
}

function batchStatistics(dtype: DType, epsilon: number, x: Float64Array, rows: number, units: number): Saved {
  const batchMean = new Float64Array(units), batchSquares = new Float64Array(units);
  for (let i = 0; i < rows * units; i++) batchMean[i % units] += x[i];
  for (let u = 0; u < units; u++) batchMean[u] /= rows;
  for (let i = 0; i < rows * units; i++) {
    const difference = x[i] - batchMean[i % units];
    batchSquares[i % units] += difference * difference;
  }
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
