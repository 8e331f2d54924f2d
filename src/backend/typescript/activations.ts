// Activation functions whose way back needs their result alone; forward and the way back side by side. All work in place on rows of Float64Array scratch.
import { exp, sigmoid, tanh } from '../../math/elementary.js';
import type { ActivationOfZ, ActivationSpec } from '../contract/spec.js';
import { foldLanes, laneSum } from './reductions.js';

/** An activation whose own result is enough for the way back. */
export type PlainActivation = Exclude<ActivationSpec, ActivationOfZ>;

/** z (rows, units) -> a (rows, units), in place. lanes: scratch of the type's lane count. */
export function activationForward(activation: PlainActivation, z: Float64Array, rows: number, units: number, lanes: Float64Array): void {
  const count = rows * units;
  switch (activation.name) {
    case 'linear':
      return;
    case 'relu':
      for (let i = 0; i < count; i++) z[i] = z[i] < 0 ? 0 : z[i];
      return;
    case 'sigmoid':
      for (let i = 0; i < count; i++) z[i] = sigmoid(z[i]);
      return;
    case 'tanh':
      for (let i = 0; i < count; i++) z[i] = tanh(z[i]);
      return;
    case 'softmax':
      for (let row = 0; row < rows; row++) softmaxRow(z, row * units, z, row * units, units, lanes);
      return;
  }
}

/** a (rows, units), da (rows, units) -> dz (rows, units), in da's place. */
export function activationBackward(activation: PlainActivation, a: Float64Array, da: Float64Array, rows: number, units: number, lanes: Float64Array): void {
  const count = rows * units;
  switch (activation.name) {
    case 'linear':
      return;
    case 'relu':
      for (let i = 0; i < count; i++) da[i] = a[i] > 0 ? da[i] : 0;
      return;
    case 'sigmoid':
      for (let i = 0; i < count; i++) da[i] = da[i] * (a[i] * (1 - a[i]));
      return;
    case 'tanh':
      for (let i = 0; i < count; i++) da[i] = da[i] * (1 - a[i] * a[i]);
      return;
    case 'softmax':
      for (let row = 0; row < rows; row++) softmaxRowBackward(a, da, row * units, units, lanes);
      return;
  }
}

/** The largest of values[offset, offset + count). */
export function rowMax(values: Float64Array, offset: number, count: number): number {
  let max = values[offset];
  for (let i = 1; i < count; i++) if (values[offset + i] > max) max = values[offset + i];
  return max;
}

/** z (units) at zAt -> p (units) at pAt: p_i = e^(z_i - max z) / Σ e^(z_j - max z). @returns the sum. p may be z. */
export function softmaxRow(z: Float64Array, zAt: number, p: Float64Array, pAt: number, units: number, lanes: Float64Array): number {
  const max = rowMax(z, zAt, units);
  for (let i = 0; i < units; i++) p[pAt + i] = exp(z[zAt + i] - max);
  const sum = laneSum(p, pAt, units, lanes);
  for (let i = 0; i < units; i++) p[pAt + i] /= sum;
  return sum;
}

/** a (units), da (units) at offset -> dz_i = a_i (da_i - Σ_j da_j a_j), in da's place. */
function softmaxRowBackward(a: Float64Array, da: Float64Array, offset: number, units: number, lanes: Float64Array): void {
  lanes.fill(0);
  const mask = lanes.length - 1;
  for (let i = 0; i < units; i++) lanes[i & mask] += da[offset + i] * a[offset + i];
  const s = foldLanes(lanes);
  for (let i = 0; i < units; i++) da[offset + i] = a[offset + i] * (da[offset + i] - s);
}
