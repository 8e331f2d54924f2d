// Gradients kept within limits before a rule sees them.
import type { DType } from '../../base/arrays.js';
import type { ClippingSpec, NormType } from '../contract/spec.js';
import { foldLanes, roundedTo, storeAs } from './reductions.js';

/** Added to a norm before it divides (PyTorch's clip_grad_norm_). */
const NORM_GUARD = 1e-6;

/** What a network's optimizer wants of its gradients, constants as the network's type holds them. */
export interface Clipping {
  readonly kind: 'value' | 'norm' | 'globalNorm';
  readonly limit: number;
  readonly normType: NormType;
}

/** A parameter array whose gradient is (units, inputs). */
export interface Clipped {
  /** In the canonical order. */
  readonly index: number;
  readonly units: number;
  /** 1 for biases. */
  readonly inputs: number;
  /** 0 for biases; as the network's type holds them. */
  readonly l2: number;
  readonly l1: number;
  /** Of the learning rate; what does not learn has no part in a global norm. */
  readonly factor: number;
}

/** @returns null where gradients stay as they are */
export function clippingOf(spec: ClippingSpec, dtype: DType): Clipping | null {
  const normType = spec.normType ?? 2;
  if (spec.clipvalue !== undefined) return { kind: 'value', limit: roundedTo(dtype, spec.clipvalue), normType };
  if (spec.clipnorm !== undefined) return { kind: 'norm', limit: spec.clipnorm, normType };
  return spec.globalClipnorm === undefined ? null : { kind: 'globalNorm', limit: spec.globalClipnorm, normType };
}

/** Clips all gradients, which contain their penalties' parts, in place. */
export function clip({ kind, limit, normType }: Clipping, dtype: DType, parameters: readonly Clipped[], gradients: readonly Float64Array[]): void {
  let total = 0;
  for (const { index, units, inputs, l2, l1, factor: learning } of parameters) {
    const gradient = gradients[index];
    if (kind === 'value') {
      clipByValue(gradient, limit);
      continue;
    }
    // Where a norm is taken the gradients are stored first.
    if (l2 !== 0 || l1 !== 0) storeAs(dtype, gradient);
    const sum = normSum(gradient, units, inputs, normType);
    if (kind === 'norm') scale(gradient, roundedTo(dtype, clipFactor(sum, limit, normType)));
    else if (learning !== 0) total = joined(total, sum, normType);
  }
  if (kind !== 'globalNorm') return;
  const factor = roundedTo(dtype, clipFactor(total, limit, normType));
  for (const { index } of parameters) scale(gradients[index], factor);
}

/** Each element limited to ±limit; NaN stays NaN. */
function clipByValue(gradient: Float64Array, limit: number): void {
  for (let i = 0; i < gradient.length; i++) {
    const g = gradient[i];
    gradient[i] = g > limit ? limit : g < -limit ? -limit : g;
  }
}

/** gradient (units, inputs) -> Σ g², Σ |g| or max |g|: a chain a unit, units in 8 lanes. A NaN makes it NaN. */
function normSum(gradient: Float64Array, units: number, inputs: number, normType: NormType): number {
  const lanes = new Float64Array(8);
  for (let o = 0; o < units; o++) {
    const sum = normType === 2 ? squares(gradient, o * inputs, (o + 1) * inputs) : magnitudes(gradient, o * inputs, (o + 1) * inputs, normType);
    lanes[o & 7] = joined(lanes[o & 7], sum, normType);
  }
  return normType === 'inf' ? lanes.reduce((sum, term) => joined(sum, term, normType)) : foldLanes(lanes);
}

function squares(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i] * values[i];
  return sum;
}
function magnitudes(values: Float64Array, from: number, to: number, normType: NormType): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum = joined(sum, Math.abs(values[i]), normType);
  return sum;
}

/** Two parts of such a sum. */
function joined(sum: number, term: number, normType: NormType): number {
  if (normType !== 'inf') return sum + term;
  return term > sum || Number.isNaN(term) ? term : sum;
}

/** What gradients of this sum are multiplied by: min(1, limit / (norm + 1e-6)), NaN where the norm is NaN, 0 where it is infinite. */
function clipFactor(sum: number, limit: number, normType: NormType): number {
  const factor = limit / ((normType === 2 ? Math.sqrt(sum) : sum) + NORM_GUARD);
  return factor > 1 ? 1 : factor;
}

/** gradient · factor, in place. */
function scale(gradient: Float64Array, factor: number): void {
  for (let i = 0; i < gradient.length; i++) gradient[i] *= factor;
}
