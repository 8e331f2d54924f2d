// Update rules. parameter p, gradient g, both (size), in place; learning rates come ready-made as step scalars.
import type { DType, OptimizerSpec } from '../backend/spec.js';
import { roundedTo } from './reductions.js';

/** Numbers rounded to the dtype on store. */
type Round = (value: number) => number;

/** Updates one parameter array: L2 gradient first where l2 is not 0, then the optimizer's rule. `slots` in the order of slotNames. */
export function updateParameter(
  optimizer: OptimizerSpec, dtype: DType, p: Float64Array, gradient: Float64Array, slots: readonly Float64Array[],
  scalars: readonly number[], learningRateFactor: number, l2: number,
): void {
  const to = (value: number): number => roundedTo(dtype, value);
  const rate = to(scalars[0] * learningRateFactor);
  const second = to(scalars[1]);
  const lambda = to(l2);
  const single = dtype === 'float32';
  const round: Round = single ? Math.fround : (value) => value;
  switch (optimizer.name) {
    case 'sgd': {
      const decay = to(optimizer.weightDecay);
      const velocity = slots[0];
      if (velocity === undefined) sgd(p, gradient, rate, decay, lambda, single);
      else sgdMomentum(p, gradient, velocity, rate, second, to(optimizer.momentum), optimizer.nesterov, decay, lambda, single);
      return;
    }
    case 'adam': {
      const decay = optimizer.weightDecay === 0 ? 0 : to((scalars[2] ?? 0) * learningRateFactor);
      adam(p, gradient, slots[0], slots[1], slots[2], rate, second, dtype, optimizer.beta1, optimizer.beta2, optimizer.epsilon, decay, lambda, single);
      return;
    }
    case 'rmsprop': {
      const [squares, second1, second2] = slots;
      const means = optimizer.centered ? second1 : undefined;
      rmsprop(p, gradient, squares, means, optimizer.momentum === 0 ? undefined : optimizer.centered ? second2 : second1, rate, to(optimizer.rho), to(1 - optimizer.rho), to(optimizer.momentum), to(optimizer.epsilon), lambda, round);
      return;
    }
    case 'adagrad':
      adagrad(p, gradient, slots[0], rate, to(optimizer.epsilon), lambda, round);
      return;
    case 'adadelta':
      adadelta(p, gradient, slots[0], slots[1], rate, to(optimizer.rho), to(1 - optimizer.rho), to(optimizer.epsilon), lambda, round);
      return;
    case 'adamax':
      adamax(p, gradient, slots[0], slots[1], rate, to(optimizer.beta1), to(1 - optimizer.beta1), to(optimizer.beta2), to(optimizer.epsilon), lambda, round);
      return;
    case 'lion':
      lion(p, gradient, slots[0], rate, to(scalars[1] * learningRateFactor), dtype, optimizer.beta1, optimizer.beta2, lambda, round);
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

/** m = beta1 · m + (1-beta1) · g; v = beta2 · v + (1-beta2) · g², or the largest v so far; p = p - decay · p; p = p - rate · m / (correction · √v + epsilon). */
function adam(
  p: Float64Array, gradient: Float64Array, m: Float64Array, v: Float64Array, largest: Float64Array | undefined, rate: number, correction: number, dtype: DType,
  beta1: number, beta2: number, epsilon: number, decay: number, lambda: number, round: boolean,
): void {
  const keep1 = roundedTo(dtype, beta1), take1 = roundedTo(dtype, 1 - beta1);
  const keep2 = roundedTo(dtype, beta2), take2 = roundedTo(dtype, 1 - beta2);
  const guard = roundedTo(dtype, epsilon);
  for (let i = 0; i < p.length; i++) {
    let g = gradient[i];
    if (lambda !== 0) g = lambda * p[i] + g;
    const mean = keep1 * m[i] + take1 * g;
    let square = keep2 * v[i] + take2 * g * g;
    m[i] = round ? Math.fround(mean) : mean;
    v[i] = round ? Math.fround(square) : square;
    if (largest !== undefined) {
      square = largest[i] > square ? largest[i] : square;
      largest[i] = round ? Math.fround(square) : square;
    }
    const old = decay === 0 ? p[i] : p[i] - decay * p[i];
    const next = old - rate * (mean / (Math.sqrt(square) * correction + guard));
    p[i] = round ? Math.fround(next) : next;
  }
}

/** v = rho · v + (1-rho) · g², less the square of the running mean m where centered; q = g / (√v + epsilon); b = momentum · b + q; p = p - rate · b (or q). */
function rmsprop(
  p: Float64Array, gradient: Float64Array, v: Float64Array, m: Float64Array | undefined, b: Float64Array | undefined, rate: number,
  keep: number, take: number, momentum: number, epsilon: number, lambda: number, round: Round,
): void {
  for (let i = 0; i < p.length; i++) {
    let g = gradient[i];
    if (lambda !== 0) g = lambda * p[i] + g;
    let square = keep * v[i] + take * g * g;
    v[i] = round(square);
    if (m !== undefined) {
      const mean = keep * m[i] + take * g;
      m[i] = round(mean);
      square = square - mean * mean;
      if (square < 0) square = 0;
    }
    let step = g / (Math.sqrt(square) + epsilon);
    if (b !== undefined) {
      step = momentum * b[i] + step;
      b[i] = round(step);
    }
    p[i] = round(p[i] - rate * step);
  }
}

/** s = s + g²; p = p - rate · g / (√s + epsilon). */
function adagrad(p: Float64Array, gradient: Float64Array, s: Float64Array, rate: number, epsilon: number, lambda: number, round: Round): void {
  for (let i = 0; i < p.length; i++) {
    let g = gradient[i];
    if (lambda !== 0) g = lambda * p[i] + g;
    const sum = g * g + s[i];
    s[i] = round(sum);
    p[i] = round(p[i] - rate * (g / (Math.sqrt(sum) + epsilon)));
  }
}

/** v = rho · v + (1-rho) · g²; d = √(u + epsilon) / √(v + epsilon) · g; u = rho · u + (1-rho) · d²; p = p - rate · d. */
function adadelta(
  p: Float64Array, gradient: Float64Array, v: Float64Array, u: Float64Array, rate: number, keep: number, take: number, epsilon: number, lambda: number, round: Round,
): void {
  for (let i = 0; i < p.length; i++) {
    let g = gradient[i];
    if (lambda !== 0) g = lambda * p[i] + g;
    const square = keep * v[i] + take * g * g;
    v[i] = round(square);
    const d = (Math.sqrt(u[i] + epsilon) / Math.sqrt(square + epsilon)) * g;
    u[i] = round(keep * u[i] + take * d * d);
    p[i] = round(p[i] - rate * d);
  }
}

/** m = beta1 · m + (1-beta1) · g; u = max(beta2 · u, |g|); p = p - rate · m / (u + epsilon). */
function adamax(
  p: Float64Array, gradient: Float64Array, m: Float64Array, u: Float64Array, rate: number, keep: number, take: number, beta2: number, epsilon: number, lambda: number, round: Round,
): void {
  for (let i = 0; i < p.length; i++) {
    let g = gradient[i];
    if (lambda !== 0) g = lambda * p[i] + g;
    const mean = keep * m[i] + take * g;
    m[i] = round(mean);
    const old = beta2 * u[i];
    const largest = Math.abs(g) > old ? Math.abs(g) : old;
    u[i] = round(largest);
    p[i] = round(p[i] - rate * (mean / (largest + epsilon)));
  }
}

/** c = beta1 · m + (1-beta1) · g; m = beta2 · m + (1-beta2) · g; p = p - decay · p; p = p - rate · sign(c). */
function lion(
  p: Float64Array, gradient: Float64Array, m: Float64Array, rate: number, decay: number, dtype: DType, beta1: number, beta2: number, lambda: number, round: Round,
): void {
  const keep1 = roundedTo(dtype, beta1), take1 = roundedTo(dtype, 1 - beta1);
  const keep2 = roundedTo(dtype, beta2), take2 = roundedTo(dtype, 1 - beta2);
  for (let i = 0; i < p.length; i++) {
    let g = gradient[i];
    if (lambda !== 0) g = lambda * p[i] + g;
    const c = keep1 * m[i] + take1 * g;
    m[i] = round(keep2 * m[i] + take2 * g);
    const old = decay === 0 ? p[i] : p[i] - decay * p[i];
    p[i] = round(old - rate * (c > 0 ? 1 : c < 0 ? -1 : 0));
  }
}
