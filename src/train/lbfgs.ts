// L-BFGS: what is kept of past iterations, and the direction that follows from it. All sums are float64, one chain over ascending index.
import type { FloatArray } from '../base/arrays.js';
import type { Flow } from '../base/sync-async.js';
import { addScaled, dot, negated, scale } from './vectors.js';

/** Settings of the iterations. */
export interface LbfgsSettings {
  /** Pairs that are kept. */
  readonly historySize: number;
  /** Iterations an epoch. */
  readonly maxIterations: number;
  /** The fit has converged where no element of the gradient is larger. */
  readonly toleranceGradient: number;
  /** The same where neither loss nor weights change by more. */
  readonly toleranceChange: number;
}

/** Why a fit ended by itself. */
export type Converged = 'gradient' | 'change' | 'lineSearch';

/** What one iteration says of the loss's curvature: how the parameters moved and how the gradient followed, both of the network's type. */
export interface Pair {
  readonly move: FloatArray;
  readonly change: FloatArray;
}
interface KeptPair extends Pair {
  /** move · change */
  readonly curvature: number;
}

/** Pairs with less curvature are not kept: the direction would not lead downwards (PyTorch's bound). */
const LEAST_CURVATURE = 1e-10;

/** The last pairs of an optimizer, oldest first. */
export class LbfgsMemory {
  readonly #size: number;
  #pairs: KeptPair[] = [];

  /** @param size pairs that are kept */
  constructor(size: number) {
    this.#size = size;
  }

  get pairs(): readonly Pair[] {
    return this.#pairs;
  }

  /** Keeps a pair, the oldest goes where there is no room. @returns false where its curvature is too small */
  *remember({ move, change }: Pair): Flow<boolean> {
    const curvature = yield* dot(move, change);
    // Written so that NaN is not kept.
    if (!(curvature > LEAST_CURVATURE)) return false;
    this.#pairs.push({ move, change, curvature });
    if (this.#pairs.length > this.#size) this.#pairs.shift();
    return true;
  }

  /** Forgets all pairs. */
  forget(): void {
    this.#pairs = [];
  }

  /** A memory of its own with the same pairs; pairs never change. */
  copy(): LbfgsMemory {
    const copy = new LbfgsMemory(this.#size);
    copy.#pairs = [...this.#pairs];
    return copy;
  }

  /** -H·gradient, H the approximation of the inverse Hessian (Nocedal, Wright, algorithm 7.4; H starts as equation 7.20 says, as 1 without pairs). */
  *direction(gradient: Float64Array): Flow<Float64Array> {
    const d = yield* negated(gradient);
    const shares = new Float64Array(this.#pairs.length);
    for (let i = this.#pairs.length - 1; i >= 0; i--) {
      const { move, change, curvature } = this.#pairs[i];
      shares[i] = (yield* dot(move, d)) / curvature;
      yield* addScaled(d, -shares[i], change);
    }
    const newest = this.#pairs.at(-1);
    if (newest !== undefined) yield* scale(d, newest.curvature / (yield* dot(newest.change, newest.change)));
    for (const [i, { move, change, curvature }] of this.#pairs.entries()) {
      yield* addScaled(d, shares[i] - (yield* dot(change, d)) / curvature, move);
    }
    return d;
  }
}
