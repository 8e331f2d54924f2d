// Penalties on a layer's weights: their part of the gradient and of the loss.

/** gradient + l2 · weight, in place. */
export function addPenaltyGradient(gradient: Float64Array, weight: Float64Array, l2: number): void {
  for (let i = 0; i < gradient.length; i++) gradient[i] = l2 * weight[i] + gradient[i];
}
