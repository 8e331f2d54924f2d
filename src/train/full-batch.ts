// Epochs of an optimizer that looks at all rows at once and tries steps before it takes one.
import type { Executor, ExecutorState, TrainOptions, TrainResult } from '../backend/contract/executor.js';
import { learningRateFactorOf, parameterShapes, STEP_NUMBERS, stepNumbers, type OptimizerSpec } from '../backend/contract/spec.js';
import type { FloatArray } from '../base/arrays.js';
import { perform, type Flow } from '../base/sync-async.js';
import type { Converged, LbfgsMemory, LbfgsSettings } from './lbfgs.js';
import { along, converted, difference, dot, equal, joined, largest, sumOfMagnitudes, zeros } from './vectors.js';
import { wolfeSearch, type RayPoint } from './wolfe.js';

/**
 * What the backend is built with: a momentum that starts at 0 ends as the gradient after one step, to the bit, and a learning rate of 0 leaves the
 * parameters. So evaluations are ordinary steps: they run beside the event loop, can be aborted and count right predictions.
 */
export const gradientReader: OptimizerSpec = Object.freeze({ name: 'sgd', momentum: 0.5, nesterov: false, weightDecay: 0 });
const SLOT = 'momentum';
/** Rate 0, and the whole gradient. */
const READ = Float64Array.from({ length: STEP_NUMBERS }, (_, i) => (i === stepNumbers.dampening ? 1 : 0));

/** The optimizer as a fit finds it. */
export interface LbfgsJob {
  readonly settings: LbfgsSettings;
  readonly memory: LbfgsMemory;
  /** Iterations made so far. */
  iterations(): number;
  /** The learning rate of the next iteration. */
  rate(): number;
}

/** What evaluations need of the fit around them. */
export interface FullBatchHost {
  readonly executor: Pick<Executor, 'spec' | 'getState' | 'getStateAsync' | 'adoptState'>;
  readonly samples: number;
  /** Metrics want the outputs. */
  readonly outputs: boolean;
  readonly lbfgs: LbfgsJob;
  /** Runs one step, throws where the fit was aborted. */
  step(options: TrainOptions): Flow<TrainResult>;
  /** Told of each iteration. */
  advance(iterations: number): void;
}

/** Loss and gradient somewhere. */
interface Evaluation {
  /** The parameters, flat, as the network's type holds them. */
  readonly x: Float64Array;
  readonly loss: number;
  readonly gradient: Float64Array;
  readonly result: TrainResult;
}
interface Candidate extends RayPoint {
  readonly at: Evaluation;
}

/** Iterations over all rows as one batch. */
export class FullBatch {
  readonly #host: FullBatchHost;
  readonly #sizes: readonly number[];
  /** Parameters from `from` to `to` belong to a layer with learning rate factor 0. */
  readonly #frozen: readonly { readonly from: number; readonly to: number }[];
  readonly #size: number;
  /** Where the last iteration ended. */
  #here: Evaluation | null = null;

  constructor(host: FullBatchHost) {
    this.#host = host;
    const { spec } = host.executor;
    const shapes = parameterShapes(spec);
    this.#sizes = shapes.map(({ size }) => size);
    const frozen: { from: number; to: number }[] = [];
    let from = 0;
    for (const { layer, size } of shapes) {
      if (learningRateFactorOf(spec.layers[layer]) === 0) frozen.push({ from, to: from + size });
      from += size;
    }
    this.#frozen = frozen;
    this.#size = from;
  }

  /** One epoch. @returns loss and figures from before it, as of one step; why it is the last one */
  *epoch(): Flow<{ result: TrainResult; converged: Converged | null }> {
    const { settings } = this.#host.lbfgs;
    let here = yield* this.#start();
    const { result } = here;
    if (result.stopped === 'nonFinite') return { result, converged: null };
    this.#here = here;
    let converged: Converged | null = (yield* largest(here.gradient)) <= settings.toleranceGradient ? 'gradient' : null;
    try {
      for (let i = 0; i < settings.maxIterations && converged === null; i++) {
        ({ here, converged } = yield* this.#iterate(here));
        this.#here = here;
      }
    } finally {
      // Also after an abort in the middle of a search: the weights are those of the last iteration.
      yield* this.#place(here.x);
    }
    return { result, converged };
  }

  /** Where the weights are now; a hook may have set them. */
  *#start(): Flow<Evaluation> {
    const x = yield* joined((yield* this.#state()).parameters, this.#size);
    if (this.#here !== null && (yield* equal(x, this.#here.x))) return this.#here;
    return yield* this.#evaluate(x);
  }

  *#iterate(here: Evaluation): Flow<{ here: Evaluation; converged: Converged | null }> {
    const { lbfgs } = this.#host;
    const { memory, settings } = lbfgs;
    const learningRate = lbfgs.rate();
    if (learningRate === 0) {
      this.#host.advance(1);
      return { here, converged: null };
    }
    for (;;) {
      const fresh = memory.pairs.length === 0;
      const d = yield* memory.direction(here.gradient);
      const slope = yield* dot(here.gradient, d);
      if (slope > -settings.toleranceChange && (slope < 0 || fresh)) return { here, converged: 'change' };
      if (slope < 0) {
        // Without curvature the first step tried is at most 1 long, in the sum of magnitudes (PyTorch).
        const first = fresh ? Math.min(1, 1 / (yield* sumOfMagnitudes(here.gradient))) : 1;
        const reach = yield* largest(d);
        const start: Candidate = { t: 0, value: here.loss, slope, at: here };
        const found = yield* wolfeSearch(start, first * learningRate, (t) => this.#along(here, d, t), settings.toleranceChange / reach);
        if (found.t > 0) return { here: found.at, converged: yield* this.#accept(here, found.at, found.t * reach) };
      }
      if (fresh) return { here, converged: 'lineSearch' };
      // Nothing better that way: old pairs may be to blame, so once more without them.
      memory.forget();
    }
  }

  /** The loss at x + t·d. */
  *#along(here: Evaluation, d: Float64Array, t: number): Flow<Candidate> {
    const at = yield* this.#evaluate(yield* along(here.x, t, d));
    const slope = yield* dot(at.gradient, d);
    const value = at.result.stopped === 'nonFinite' || !Number.isFinite(slope) ? Infinity : at.loss;
    return { t, value, slope, at };
  }

  /** Learns from an iteration. @param moved largest change of a parameter */
  *#accept(here: Evaluation, next: Evaluation, moved: number): Flow<Converged | null> {
    const { memory, settings } = this.#host.lbfgs;
    const { dtype } = this.#host.executor.spec;
    yield* memory.remember({ move: yield* difference(dtype, next.x, here.x), change: yield* difference(dtype, next.gradient, here.gradient) });
    this.#host.advance(1);
    if ((yield* largest(next.gradient)) <= settings.toleranceGradient) return 'gradient';
    return moved <= settings.toleranceChange || Math.abs(next.loss - here.loss) < settings.toleranceChange ? 'change' : null;
  }

  /** Loss and gradient at `wanted`, rounded to the network's type. */
  *#evaluate(wanted: Float64Array): Flow<Evaluation> {
    const { samples, outputs } = this.#host;
    const x = yield* this.#place(wanted);
    const result = yield* this.#host.step({ order: null, from: 0, to: samples, batchSize: samples, stepScalars: READ, outputs });
    const loss = result.losses[0];
    if (result.stopped === 'nonFinite') return { x, loss, gradient: new Float64Array(x.length), result };
    const gradient = yield* joined((yield* this.#state()).slots[SLOT], this.#size);
    for (const { from, to } of this.#frozen) gradient.fill(0, from, to);
    return { x, loss, gradient, result };
  }

  /** Gives the network these parameters, its slot zeros. @returns them as its type holds them */
  *#place(wanted: Float64Array): Flow<Float64Array> {
    const { executor, lbfgs } = this.#host;
    const { dtype } = executor.spec;
    const rounded = dtype === 'float32' ? yield* converted(dtype, wanted) : wanted;
    const x = dtype === 'float32' ? yield* joined([rounded], this.#size) : wanted;
    executor.adoptState({ parameters: this.#split(rounded), slots: { [SLOT]: this.#split(zeros(dtype, this.#size)) }, step: lbfgs.iterations() });
    return x;
  }

  #state(): Flow<ExecutorState> {
    const { executor } = this.#host;
    return perform(
      () => executor.getState(),
      () => executor.getStateAsync(),
    );
  }

  #split(flat: FloatArray): FloatArray[] {
    let to = 0;
    return this.#sizes.map((size) => flat.subarray((to += size) - size, to));
  }
}
