// Losses: for each row its loss and the gradient with respect to the logits, side by side.
import type { DType } from '../../base/arrays.js';
import { exp, log, log1p, sigmoid, tanh } from '../../math/elementary.js';
import type { ElementwiseLossSpec, LossSpec, NetworkSpec } from '../contract/spec.js';
import { rowMax, softmaxRow } from './activations.js';
import { LOSS_EPSILON, rowwise } from './loss-rows.js';
import type { Loss, TargetRows } from './loss.js';
import { laneCount, laneSum, roundedTo, storeAs } from './reductions.js';

/** @returns the loss of a spec for rows of `outputs` logits */
export function createLoss(spec: LossSpec, outputs: number, dtype: DType): Loss {
  switch (spec.name) {
    case 'softmaxCrossEntropy':
      return softmaxCrossEntropy(spec, outputs, dtype);
    case 'sigmoidCrossEntropy':
      return sigmoidCrossEntropy(spec, outputs, dtype);
    case 'meanSquaredError':
    case 'meanAbsoluteError':
    case 'huber':
    case 'logCosh':
    case 'hinge':
    case 'squaredHinge':
    case 'meanAbsolutePercentageError':
    case 'meanSquaredLogarithmicError':
    case 'poisson':
      return elementwise(spec, outputs, dtype);
    case 'kullbackLeiblerDivergence':
    case 'categoricalHinge':
    case 'cosineSimilarity':
      return rowwise(spec, outputs, dtype);
  }
}

function softmaxCrossEntropy(spec: LossSpec & { name: 'softmaxCrossEntropy' }, outputs: number, dtype: DType): Loss {
  const smoothing = spec.labelSmoothing;
  const onLabel = roundedTo(dtype, 1 - smoothing + smoothing / outputs);
  const offLabel = roundedTo(dtype, smoothing / outputs);
  const keptMass = roundedTo(dtype, 1 - smoothing);
  const classWeights = spec.classWeights === null ? null : Float64Array.from(spec.classWeights, (weight) => roundedTo(dtype, weight));
  const lanes = new Float64Array(laneCount(dtype));
  const p = new Float64Array(outputs);
  const u = new Float64Array(outputs);
  const terms = new Float64Array(outputs);

  function hardRow(z: Float64Array, zAt: number, label: number, g: number, dz: Float64Array | null): number {
    const max = rowMax(z, zAt, outputs);
    const sum = softmaxRow(z, zAt, p, 0, outputs, lanes);
    if (dz !== null) for (let i = 0; i < outputs; i++) dz[zAt + i] = (i === label ? p[i] - 1 : p[i]) * g;
    return log(sum) - (z[zAt + label] - max);
  }

  function softRow(z: Float64Array, zAt: number, targets: TargetRows, row: number, g: number, dz: Float64Array | null): number {
    for (let i = 0; i < outputs; i++) {
      let t: number;
      if (targets.labels !== null) t = i === targets.labels[row] ? onLabel : offLabel;
      else if (smoothing !== 0) t = targets.values[row * outputs + i] * keptMass + offLabel;
      else t = targets.values[row * outputs + i];
      u[i] = classWeights === null ? t : classWeights[i] * t;
    }
    const max = rowMax(z, zAt, outputs);
    const logSum = log(softmaxRow(z, zAt, p, 0, outputs, lanes));
    for (let i = 0; i < outputs; i++) terms[i] = u[i] * (z[zAt + i] - max - logSum);
    const loss = -laneSum(terms, 0, outputs, lanes);
    if (dz !== null) {
      const mass = laneSum(u, 0, outputs, lanes);
      for (let i = 0; i < outputs; i++) dz[zAt + i] = (p[i] * mass - u[i]) * g;
    }
    return loss;
  }

  return {
    reduction: spec.reduction,
    countsCorrect: true,
    classWeights,
    meanFactor: 1,
    row(z, zAt, targets, row, g, dz) {
      const hard = targets.labels !== null && smoothing === 0 && classWeights === null;
      return hard ? hardRow(z, zAt, targets.labels[row], g, dz) : softRow(z, zAt, targets, row, g, dz);
    },
    correct(z, zAt, targets, row) {
      const wanted = targets.labels === null ? argmax(targets.values, row * outputs, outputs) : targets.labels[row];
      return argmax(z, zAt, outputs) === wanted ? 1 : 0;
    },
  };
}

function sigmoidCrossEntropy(spec: LossSpec & { name: 'sigmoidCrossEntropy' }, outputs: number, dtype: DType): Loss {
  const positive = spec.positiveWeights === null ? null : Float64Array.from(spec.positiveWeights, (weight) => roundedTo(dtype, weight));
  const smoothing = spec.labelSmoothing ?? 0;
  const keptMass = roundedTo(dtype, 1 - smoothing);
  const half = roundedTo(dtype, smoothing / 2);
  const lanes = new Float64Array(laneCount(dtype));
  const terms = new Float64Array(outputs);
  return {
    reduction: spec.reduction,
    countsCorrect: true,
    classWeights: null,
    meanFactor: outputs,
    row(logits, zAt, targets, row, g, dz) {
      for (let i = 0; i < outputs; i++) {
        const z = logits[zAt + i];
        const given = targets.values[row * outputs + i];
        const y = smoothing === 0 ? given : given * keptMass + half;
        const c = positive === null ? 1 : 1 + (positive[i] - 1) * y;
        terms[i] = (1 - y) * z + c * (log1p(exp(-Math.abs(z))) + (z < 0 ? -z : 0));
        if (dz !== null) {
          const p = sigmoid(z);
          dz[zAt + i] = (positive === null ? p - y : 1 - y + c * (p - 1)) * g;
        }
      }
      return laneSum(terms, 0, outputs, lanes);
    },
    correct(z, zAt, targets, row) {
      let count = 0;
      for (let i = 0; i < outputs; i++) if (z[zAt + i] >= 0 === targets.values[row * outputs + i] >= 0.5) count++;
      return count;
    },
  };
}

/** One element: its loss, and the gradient before it is scaled. */
interface Pair {
  loss(a: number, y: number): number;
  gradient(a: number, y: number): number;
}

/** log(1 + p), p >= 0. */
function logOnePlus(p: number): number {
  return p > 1 ? log(p + 1) : log1p(p);
}

function pairOf(spec: ElementwiseLossSpec, dtype: DType): Pair {
  const epsilon = roundedTo(dtype, LOSS_EPSILON);
  switch (spec.name) {
    case 'meanSquaredError':
      return { loss: (a, y) => (a - y) * (a - y), gradient: (a, y) => 2 * (a - y) };
    case 'meanAbsoluteError':
      return { loss: (a, y) => Math.abs(a - y), gradient: (a, y) => (a > y ? 1 : a < y ? -1 : 0) };
    case 'huber': {
      const delta = roundedTo(dtype, spec.delta);
      return {
        loss: (a, y) => {
          const d = a - y;
          const size = Math.abs(d);
          return size <= delta ? 0.5 * (d * d) : delta * (size - 0.5 * delta);
        },
        gradient: (a, y) => {
          const d = a - y;
          return Math.abs(d) <= delta ? d : d < 0 ? -delta : delta;
        },
      };
    }
    case 'logCosh':
      return {
        loss: (a, y) => {
          const size = Math.abs(a - y);
          return size + log1p(exp(-2 * size)) - roundedTo(dtype, Math.LN2);
        },
        gradient: (a, y) => tanh(a - y),
      };
    case 'hinge':
      return {
        loss: (a, y) => {
          const m = 1 - y * a;
          return m < 0 ? 0 : m;
        },
        gradient: (a, y) => (1 - y * a > 0 ? 0 - y : 0),
      };
    case 'squaredHinge':
      return {
        loss: (a, y) => {
          const m = 1 - y * a;
          return m < 0 ? 0 : m * m;
        },
        gradient: (a, y) => {
          const m = 1 - y * a;
          return m > 0 ? -2 * y * m : 0;
        },
      };
    case 'meanAbsolutePercentageError': {
      const size = (y: number): number => (epsilon > Math.abs(y) ? epsilon : Math.abs(y));
      return { loss: (a, y) => (Math.abs(a - y) / size(y)) * 100, gradient: (a, y) => (a > y ? 100 / size(y) : a < y ? -100 / size(y) : 0) };
    }
    case 'meanSquaredLogarithmicError': {
      const limited = (x: number): number => (epsilon > x ? epsilon : x);
      const difference = (a: number, y: number): number => logOnePlus(limited(a)) - logOnePlus(limited(y));
      return {
        loss: (a, y) => {
          const d = difference(a, y);
          return d * d;
        },
        gradient: (a, y) => (a > epsilon ? (2 * difference(a, y)) / (a + 1) : 0),
      };
    }
    case 'poisson':
      return { loss: (a, y) => a - y * log(a + epsilon), gradient: (a, y) => 1 - y / (a + epsilon) };
  }
}

function elementwise(spec: ElementwiseLossSpec, outputs: number, dtype: DType): Loss {
  const lanes = new Float64Array(laneCount(dtype));
  const terms = new Float64Array(outputs);
  const pair = pairOf(spec, dtype);
  return {
    reduction: spec.reduction,
    countsCorrect: false,
    classWeights: null,
    meanFactor: outputs,
    row(z, at, targets, row, g, dz) {
      for (let i = 0; i < outputs; i++) {
        const a = z[at + i];
        const y = targets.values[row * outputs + i];
        terms[i] = pair.loss(a, y);
        if (dz !== null) dz[at + i] = pair.gradient(a, y) * g;
      }
      return laneSum(terms, 0, outputs, lanes);
    },
    correct: () => 0,
  };
}

/** Index of the largest of values[offset, offset + count), the lowest where several are. */
function argmax(values: Float64Array, offset: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[offset + i] > values[offset + best]) best = i;
  return best;
}

/** logits (rows, outputs) -> what predict returns, (rows, outputs), in `out`. */
export function headForward(head: NetworkSpec['head'], logits: Float64Array, out: Float64Array, rows: number, outputs: number, dtype: DType): void {
  const count = rows * outputs;
  switch (head) {
    case 'none':
      for (let i = 0; i < count; i++) out[i] = logits[i];
      return;
    case 'softmax': {
      const lanes = new Float64Array(laneCount(dtype));
      for (let row = 0; row < rows; row++) softmaxRow(logits, row * outputs, out, row * outputs, outputs, lanes);
      break;
    }
    case 'sigmoid':
      for (let i = 0; i < count; i++) out[i] = sigmoid(logits[i]);
      break;
  }
  storeAs(dtype, out, count);
}
