// Losses that compare whole rows; a row's loss and its gradient with respect to the outputs, side by side.
import type { DType } from '../../base/arrays.js';
import { log } from '../../math/elementary.js';
import type { RowLossSpec } from '../contract/spec.js';
import type { Loss } from './loss.js';
import { laneCount, laneSum, roundedTo } from './reductions.js';

/** Keras' epsilon: keeps logarithms, divisors and lengths away from 0. */
export const LOSS_EPSILON = 1e-7;

/** a, y (outputs) at their places, g -> the row's loss; its gradient goes to da unless that is null. */
type Row = (a: Float64Array, aAt: number, y: Float64Array, yAt: number, g: number, da: Float64Array | null) => number;

/** @returns the loss of a spec for rows of `outputs` numbers */
export function rowwise(spec: RowLossSpec, outputs: number, dtype: DType): Loss {
  const row = rowOf(spec.name, outputs, dtype);
  return {
    reduction: spec.reduction,
    countsCorrect: false,
    classWeights: null,
    meanFactor: 1,
    row: (a, at, targets, index, g, da) => row(a, at, targets.values, index * outputs, g, da),
    correct: () => 0,
  };
}

function rowOf(name: RowLossSpec['name'], outputs: number, dtype: DType): Row {
  const epsilon = roundedTo(dtype, LOSS_EPSILON);
  const lanes = new Float64Array(laneCount(dtype));
  const terms = new Float64Array(outputs);
  switch (name) {
    case 'kullbackLeiblerDivergence': {
      const limited = (x: number): number => (epsilon > x ? epsilon : x > 1 ? 1 : x);
      return (a, aAt, y, yAt, g, da) => {
        for (let i = 0; i < outputs; i++) {
          const p = limited(a[aAt + i]);
          const q = limited(y[yAt + i]);
          terms[i] = q * log(q / p);
          // The limits are flat.
          if (da !== null) da[aAt + i] = (p === a[aAt + i] ? -q / p : 0) * g;
        }
        return laneSum(terms, 0, outputs, lanes);
      };
    }
    case 'categoricalHinge':
      return (a, aAt, y, yAt, g, da) => {
        let rival = 0;
        let highest = (1 - y[yAt]) * a[aAt];
        for (let i = 0; i < outputs; i++) {
          const other = (1 - y[yAt + i]) * a[aAt + i];
          terms[i] = y[yAt + i] * a[aAt + i];
          if (!(other > highest)) continue;
          highest = other;
          rival = i;
        }
        const margin = highest - laneSum(terms, 0, outputs, lanes) + 1;
        if (da !== null) {
          for (let i = 0; i < outputs; i++) {
            const target = y[yAt + i];
            da[aAt + i] = (margin > 0 ? (i === rival ? 1 - target - target : 0 - target) : 0) * g;
          }
        }
        return margin < 0 ? 0 : margin;
      };
    case 'cosineSimilarity': {
      const p = new Float64Array(outputs);
      const q = new Float64Array(outputs);
      const lengthOf = (x: Float64Array, at: number): number => {
        for (let i = 0; i < outputs; i++) terms[i] = x[at + i] * x[at + i];
        return Math.sqrt(laneSum(terms, 0, outputs, lanes));
      };
      const divisor = (length: number): number => (epsilon > length ? epsilon : length);
      return (a, aAt, y, yAt, g, da) => {
        const length = lengthOf(a, aAt);
        const [ofA, ofY] = [divisor(length), divisor(lengthOf(y, yAt))];
        for (let i = 0; i < outputs; i++) {
          p[i] = a[aAt + i] / ofA;
          q[i] = y[yAt + i] / ofY;
          terms[i] = p[i] * q[i];
        }
        const cosine = laneSum(terms, 0, outputs, lanes);
        // Outputs of next to no length point nowhere: the slope of the limit, 1 / epsilon, would throw the weights away.
        if (da !== null) for (let i = 0; i < outputs; i++) da[aAt + i] = (length > epsilon ? (cosine * p[i] - q[i]) / ofA : 0) * g;
        return -cosine;
      };
    }
  }
}
