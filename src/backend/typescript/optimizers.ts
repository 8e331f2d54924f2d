// Update rules. parameter p, gradient g, both (size), in place; learning rates come ready-made as step scalars.
import type { DType } from '../../base/arrays.js';
import { stepNumbers, type OptimizerSpec } from '../contract/spec.js';
import { roundedTo } from './reductions.js';

/** An optimizer's rule with its constants as the network's type holds them: they are rounded once, not at every update. */
export class UpdateRule {
  readonly #name: OptimizerSpec['name'];
  readonly #single: boolean;
  readonly #nesterov: boolean;
  readonly #centered: boolean;
  readonly #momentum: number;
  readonly #decay: number;
  readonly #keep1: number;
  readonly #take1: number;
  readonly #keep2: number;
  readonly #take2: number;
  readonly #epsilon: number;

  constructor(optimizer: OptimizerSpec, dtype: DType) {
    const beta1 = 'beta1' in optimizer ? optimizer.beta1 : 0;
    const beta2 = 'beta2' in optimizer ? optimizer.beta2 : 'rho' in optimizer ? optimizer.rho : 0;
    const weightDecay = 'weightDecay' in optimizer ? optimizer.weightDecay : 0;
    this.#name = optimizer.name;
    this.#single = dtype === 'float32';
    this.#nesterov = optimizer.name === 'sgd' && optimizer.nesterov;
    this.#centered = optimizer.name === 'rmsprop' && optimizer.centered;
    this.#momentum = 'momentum' in optimizer ? roundedTo(dtype, optimizer.momentum) : 0;
    this.#decay = roundedTo(dtype, weightDecay);
    this.#keep1 = roundedTo(dtype, beta1);
    this.#take1 = roundedTo(dtype, 1 - beta1);
    this.#keep2 = roundedTo(dtype, beta2);
    this.#take2 = roundedTo(dtype, 1 - beta2);
    this.#epsilon = 'epsilon' in optimizer ? roundedTo(dtype, optimizer.epsilon) : 0;
  }

  /** Updates one parameter array. `slots` in the order of slotNames; the step's numbers begin at scalars[at]. */
  update(p: Float64Array, gradient: Float64Array, slots: readonly Float64Array[], scalars: Float64Array, at: number, learningRateFactor: number): void {
    const single = this.#single;
    const rate = rounded(single, scalars[at + stepNumbers.rate] * learningRateFactor);
    const correction = rounded(single, scalars[at + stepNumbers.correction]);
    const decay = rounded(single, scalars[at + stepNumbers.decay] * learningRateFactor);
    switch (this.#name) {
      case 'sgd':
        if (slots.length === 0) sgd(p, gradient, rate, this.#decay, single);
        else sgdMomentum(p, gradient, slots[0], rate, rounded(single, scalars[at + stepNumbers.dampening]), this.#momentum, this.#nesterov, this.#decay, single);
        return;
      case 'adam':
        adam(p, gradient, slots[0], slots[1], slots[2], rate, correction, this.#keep1, this.#take1, this.#keep2, this.#take2, this.#epsilon, decay, single);
        return;
      case 'rmsprop': {
        const means = this.#centered ? slots[1] : undefined;
        rmsprop(p, gradient, slots[0], means, this.#momentum === 0 ? undefined : slots[this.#centered ? 2 : 1], rate, this.#keep2, this.#take2, this.#momentum, this.#epsilon, single);
        return;
      }
      case 'adagrad':
        adagrad(p, gradient, slots[0], rate, this.#epsilon, single);
        return;
      case 'adadelta':
        adadelta(p, gradient, slots[0], slots[1], rate, this.#keep2, this.#take2, this.#epsilon, single);
        return;
      case 'adamax':
        adamax(p, gradient, slots[0], slots[1], rate, this.#keep1, this.#take1, this.#keep2, this.#epsilon, single);
        return;
      case 'lion':
        lion(p, gradient, slots[0], rate, decay, this.#keep1, this.#take1, this.#keep2, this.#take2, single);
        return;
      case 'nadam': {
        const momentumRate = rounded(single, scalars[at + stepNumbers.momentumRate] * learningRateFactor);
        nadam(p, gradient, slots[0], slots[1], rate, correction, momentumRate, this.#keep1, this.#take1, this.#keep2, this.#take2, this.#epsilon, decay, single);
        return;
      }
    }
  }
}

function rounded(single: boolean, value: number): number {
  return single ? Math.fround(value) : value;
}

/** p = p - rate · g. */
function sgd(p: Float64Array, gradient: Float64Array, rate: number, decay: number, single: boolean): void {
  for (let i = 0; i < p.length; i++) {
    let g = gradient[i];
    if (decay !== 0) g = decay * p[i] + g;
    const next = p[i] - rate * g;
    p[i] = single ? Math.fround(next) : next;
  }
}

/** v = momentum · v + damping · g; p = p - rate · v, or with Nesterov p - rate · (g + momentum · v). */
function sgdMomentum(
  p: Float64Array, gradient: Float64Array, v: Float64Array, rate: number, damping: number, momentum: number, nesterov: boolean,
  decay: number, single: boolean,
): void {
  for (let i = 0; i < p.length; i++) {
    let g = gradient[i];
    if (decay !== 0) g = decay * p[i] + g;
    const velocity = momentum * v[i] + damping * g;
    v[i] = single ? Math.fround(velocity) : velocity;
    const next = p[i] - rate * (nesterov ? momentum * velocity + g : velocity);
    p[i] = single ? Math.fround(next) : next;
  }
}

/** m = beta1 · m + (1-beta1) · g; v = beta2 · v + (1-beta2) · g², or the largest v so far; p = p - decay · p; p = p - rate · m / (correction · √v + epsilon). */
function adam(
  p: Float64Array, gradient: Float64Array, m: Float64Array, v: Float64Array, largest: Float64Array | undefined, rate: number, correction: number,
  keep1: number, take1: number, keep2: number, take2: number, epsilon: number, decay: number, single: boolean,
): void {
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i];
    const mean = keep1 * m[i] + take1 * g;
    let square = keep2 * v[i] + take2 * g * g;
    m[i] = single ? Math.fround(mean) : mean;
    v[i] = single ? Math.fround(square) : square;
    if (largest !== undefined) {
      square = largest[i] > square ? largest[i] : square;
      largest[i] = single ? Math.fround(square) : square;
    }
    const old = decay === 0 ? p[i] : p[i] - decay * p[i];
    const next = old - rate * (mean / (Math.sqrt(square) * correction + epsilon));
    p[i] = single ? Math.fround(next) : next;
  }
}

/** v = rho · v + (1-rho) · g², less the square of the running mean m where centered; q = g / (√v + epsilon); b = momentum · b + q; p = p - rate · b (or q). */
function rmsprop(
  p: Float64Array, gradient: Float64Array, v: Float64Array, m: Float64Array | undefined, b: Float64Array | undefined, rate: number,
  keep: number, take: number, momentum: number, epsilon: number, single: boolean,
): void {
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i];
    let square = keep * v[i] + take * g * g;
    v[i] = rounded(single, square);
    if (m !== undefined) {
      const mean = keep * m[i] + take * g;
      m[i] = rounded(single, mean);
      square = square - mean * mean;
      if (square < 0) square = 0;
    }
    let step = g / (Math.sqrt(square) + epsilon);
    if (b !== undefined) {
      step = momentum * b[i] + step;
      b[i] = rounded(single, step);
    }
    p[i] = rounded(single, p[i] - rate * step);
  }
}

/** s = s + g²; p = p - rate · g / (√s + epsilon). */
function adagrad(p: Float64Array, gradient: Float64Array, s: Float64Array, rate: number, epsilon: number, single: boolean): void {
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i];
    const sum = g * g + s[i];
    s[i] = rounded(single, sum);
    p[i] = rounded(single, p[i] - rate * (g / (Math.sqrt(sum) + epsilon)));
  }
}

/** v = rho · v + (1-rho) · g²; d = √(u + epsilon) / √(v + epsilon) · g; u = rho · u + (1-rho) · d²; p = p - rate · d. */
function adadelta(
  p: Float64Array, gradient: Float64Array, v: Float64Array, u: Float64Array, rate: number, keep: number, take: number, epsilon: number, single: boolean,
): void {
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i];
    const square = keep * v[i] + take * g * g;
    v[i] = rounded(single, square);
    const d = (Math.sqrt(u[i] + epsilon) / Math.sqrt(square + epsilon)) * g;
    u[i] = rounded(single, keep * u[i] + take * d * d);
    p[i] = rounded(single, p[i] - rate * d);
  }
}

/** m = beta1 · m + (1-beta1) · g; u = max(beta2 · u, |g|); p = p - rate · m / (u + epsilon). */
function adamax(
  p: Float64Array, gradient: Float64Array, m: Float64Array, u: Float64Array, rate: number, keep: number, take: number, beta2: number, epsilon: number, single: boolean,
): void {
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i];
    const mean = keep * m[i] + take * g;
    m[i] = rounded(single, mean);
    const old = beta2 * u[i];
    const largest = Math.abs(g) > old ? Math.abs(g) : old;
    u[i] = rounded(single, largest);
    p[i] = rounded(single, p[i] - rate * (mean / (largest + epsilon)));
  }
}

/** c = beta1 · m + (1-beta1) · g; m = beta2 · m + (1-beta2) · g; p = p - decay · p; p = p - rate · sign(c). */
function lion(
  p: Float64Array, gradient: Float64Array, m: Float64Array, rate: number, decay: number, keep1: number, take1: number, keep2: number, take2: number, single: boolean,
): void {
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i];
    const c = keep1 * m[i] + take1 * g;
    m[i] = rounded(single, keep2 * m[i] + take2 * g);
    const old = decay === 0 ? p[i] : p[i] - decay * p[i];
    p[i] = rounded(single, old - rate * (c > 0 ? 1 : c < 0 ? -1 : 0));
  }
}

/** m, v as in Adam; d = correction · √v + epsilon; p = p - decay · p; p = p - momentumRate · m / d; p = p - rate · g / d. */
function nadam(
  p: Float64Array, gradient: Float64Array, m: Float64Array, v: Float64Array, rate: number, correction: number, momentumRate: number,
  keep1: number, take1: number, keep2: number, take2: number, epsilon: number, decay: number, single: boolean,
): void {
  for (let i = 0; i < p.length; i++) {
    const g = gradient[i];
    const moment = keep1 * m[i] + take1 * g;
    const energy = keep2 * v[i] + take2 * g * g;
    m[i] = rounded(single, moment);
    v[i] = rounded(single, energy);
    const divisor = Math.sqrt(energy) * correction + epsilon;
    const old = decay === 0 ? p[i] : p[i] - decay * p[i];
    p[i] = rounded(single, old - momentumRate * (moment / divisor) - rate * (g / divisor));
  }
}
