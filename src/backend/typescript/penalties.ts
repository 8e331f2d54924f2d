// Penalties on a layer's weights: their part of the gradient and of the loss.
import { foldLanes } from './reductions.js';

/** gradient + l2 · weight + l1 · sign(weight), in place; sign(0) = 0. */
export function addPenaltyGradient(gradient: Float64Array, weight: Float64Array, l2: number, l1: number): void {
  if (l2 !== 0) for (let i = 0; i < gradient.length; i++) gradient[i] = l2 * weight[i] + gradient[i];
  if (l1 !== 0) for (let i = 0; i < gradient.length; i++) gradient[i] += weight[i] > 0 ? l1 : weight[i] < 0 ? -l1 : 0;
}

/** weight (units, inputs) -> l1 · Σ |weight|. */
export function absolutePenalty(weight: Float64Array, inputs: number, units: number, l1: number): number {
  const lanes = new Float64Array(8);
  for (let o = 0; o < units; o++) {
    let sum = 0;
    for (let i = o * inputs; i < (o + 1) * inputs; i++) sum += Math.abs(weight[i]);
    lanes[o & 7] += sum;
  }
  return l1 * foldLanes(lanes);
}
