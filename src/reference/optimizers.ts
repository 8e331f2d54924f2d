// Update rules. parameter p, gradient g, both (size), in place; learning rates come ready-made as step scalars.
import type { DType, OptimizerSpec } from '../backend/spec.js';
import { roundedTo } from './reductions.js';

/** Updates one parameter array: L2 gradient first where l2 is not 0, then the optimizer's rule. `slots` in the order of slotNames. */
export function updateParameter(
  optimizer: OptimizerSpec, dtype: DType, p: Float64Array, gradient: Float64Array, slots: readonly Float64Array[],
  scalars: readonly [number, number], learningRateFactor: number, l2: number,
): void {
  const rate = roundedTo(dtype, scalars[0] * learningRateFactor);
  const second = roundedTo(dtype, scalars[1]);
  const lambda = roundedTo(dtype, l2);
  const round = dtype === 'float32';
  switch (optimizer.name) {
    case 'sgd': {
      const decay = roundedTo(dtype, optimizer.weightDecay);
      const velocity = slots[0];
      if (velocity === undefined) sgd(p, gradient, rate, decay, lambda, round);
      else sgdMomentum(p, gradient, velocity, rate, second, roundedTo(dtype, optimizer.momentum), optimizer.nesterov, decay, lambda, round);
      return;
    }
    case 'adam':
      adam(p, gradient, slots[0], slots[1], rate, second, dtype, optimizer.beta1, optimizer.beta2, optimizer.epsilon, lambda, round);
      return;
  }
}

/** p = p - rate · g. */
function sgd(p: Float64Array, gradient: Float64Array, rate: number, decay: number, lambda: number, round: boolean): void {
  for (let i = 0; i < p.length; i++) {
    let g = gradient[i];
    if (lambda !== 0) g = lambda * p[i] + g;
    if (decay !== 0) g = decay * p[i] + g;
    const next = p[i] - rate * g;
    p[i] = round ? Math.fround(next) : next;
  }
}

/** v = momentum · v + damping · g; p = p - rate · v, or with Nesterov p - rate · (g + momentum · v). */
function sgdMomentum(
  p: Float64Array, gradient: Float64Array, v: Float64Array, rate: number, damping: number, momentum: number, nesterov: boolean,
  decay: number, lambda: number, round: boolean,
): void {
  for (let i = 0; i < p.length; i++) {
    let g = gradient[i];
    if (lambda !== 0) g = lambda * p[i] + g;
    if (decay !== 0) g = decay * p[i] + g;
    const velocity = momentum * v[i] + damping * g;
    v[i] = round ? Math.fround(velocity) : velocity;
    const next = p[i] - rate * (nesterov ? momentum * velocity + g : velocity);
    p[i] = round ? Math.fround(next) : next;
  }
}

/** m = beta1 · m + (1-beta1) · g; v = beta2 · v + (1-beta2) · g²; p = p - rate · m / (correction · √v + epsilon). */
function adam(
  p: Float64Array, gradient: Float64Array, m: Float64Array, v: Float64Array, rate: number, correction: number, dtype: DType,
  beta1: number, beta2: number, epsilon: number, lambda: number, round: boolean,
): void {
  const keep1 = roundedTo(dtype, beta1), take1 = roundedTo(dtype, 1 - beta1);
  const keep2 = roundedTo(dtype, beta2), take2 = roundedTo(dtype, 1 - beta2);
  const guard = roundedTo(dtype, epsilon);
  for (let i = 0; i < p.length; i++) {
    let g = gradient[i];
    if (lambda !== 0) g = lambda * p[i] + g;
    const mean = keep1 * m[i] + take1 * g;
    const square = keep2 * v[i] + take2 * g * g;
    m[i] = round ? Math.fround(mean) : mean;
    v[i] = round ? Math.fround(square) : square;
    const next = p[i] - rate * (mean / (Math.sqrt(square) * correction + guard));
    p[i] = round ? Math.fround(next) : next;
  }
}
