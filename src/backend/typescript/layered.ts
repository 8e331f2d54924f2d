// Networks with passes of other kinds than activations and dropout between their dense layers. The whole batch is in memory, since a batch's
// statistics are those of all its rows; predictions go through in parts.
import type { Rows } from '../contract/executor.js';
import { isLayered, type NetworkSpec } from '../contract/spec.js';
import { denseBackward, denseBackwardInput, denseForward } from './dense.js';
import { add, Network, stored, type BatchResult, type Forward, type Samples, type Sinks } from './network.js';
import { moveStatistics, nothingSaved, passBackward, passForward, type Pass, type PassContext, type Saved } from './passes.js';
import type { Pieces } from './pieces.js';
import { blockBounds } from './plan.js';
import { foldLanes, laneCount, storeAs } from './reductions.js';
import { ListSpace } from './sparse.js';

const PART_ROWS = 128;

/** The rows between two dense layers: values[0] is what the dense layer before gives (or the samples), values[p + 1] what pass p gives. d: their gradient. */
interface Segment {
  readonly units: number;
  readonly passes: readonly Pass[];
  readonly values: readonly Float64Array[];
  readonly saved: Saved[];
  readonly d: Float64Array;
}
interface Scratch { readonly capacity: number; readonly segments: readonly Segment[] }
/** What an evaluation or a prediction works in. */
interface Aside { readonly scratch: Scratch; readonly lists: ListSpace }

/** Rows [from, to) in ranges of PART_ROWS. */
function* parts(from: number, to: number): Generator<readonly [number, number]> {
  for (let first = from; first < to; first += PART_ROWS) yield [first, Math.min(first + PART_ROWS, to)];
}

/** The network of a spec. */
export function createNetwork(spec: NetworkSpec): Network {
  return isLayered(spec) ? new LayeredNetwork(spec) : new Network(spec);
}

class LayeredNetwork extends Network {
  readonly #lanes: Float64Array;
  readonly #lists = new ListSpace();
  #part: Scratch | null = null;
  #taken: { readonly scratch: Scratch; readonly rows: number } | null = null;
  /** Statistics of the last training pass, which the next update takes over. */
  #pending: { readonly scratch: Scratch; readonly rows: number } | null = null;

  constructor(spec: NetworkSpec) {
    super(spec);
    this.#lanes = new Float64Array(laneCount(spec.dtype));
  }

  #newScratch(capacity: number): Scratch {
    const { spec, inputPasses, stages } = this.plan;
    const segment = (units: number, passes: readonly Pass[]): Segment => ({
      units, passes, values: Array.from({ length: passes.length + 1 }, () => new Float64Array(capacity * units)), saved: passes.map(() => nothingSaved), d: new Float64Array(capacity * units),
    });
    return { capacity, segments: [segment(spec.inputSize, inputPasses), ...stages.map(({ units, passes }) => segment(units, passes))] };
  }

  #partScratch(rows: number): Scratch {
    if (this.#part === null || this.#part.capacity < rows) this.#part = this.#newScratch(rows);
    return this.#part;
  }

  #context(weights: readonly Float64Array[], firstRow: number, training: boolean): PassContext {
    const { spec, shapes } = this.plan;
    return { dtype: spec.dtype, seed: spec.seed, step: this.step, firstRow, training, weights, statisticsAt: shapes.length, lanes: this.#lanes };
  }

  /** The samples in the first segment -> every segment. @returns the logits */
  *#run(lists: ListSpace, scratch: Scratch, weights: readonly Float64Array[], rows: number, firstRow: number, training: boolean): Pieces<Float64Array> {
    const { spec, stages } = this.plan;
    const context = this.#context(weights, firstRow, training);
    let x = scratch.segments[0].values[0];
    for (let s = 0; s < scratch.segments.length; s++) {
      const { units, passes, values, saved } = scratch.segments[s];
      if (s > 0) {
        const { weight, bias, inputs } = stages[s - 1];
        for (const [first, end] of parts(0, rows)) {
          yield;
          const z = values[0].subarray(first * units, end * units);
          yield* denseForward(lists, x.subarray(first * inputs, end * inputs), weights[weight], bias < 0 ? null : weights[bias], z, end - first, inputs, units);
          storeAs(spec.dtype, z);
        }
      }
      for (let p = 0; p < passes.length; p++) {
        yield;
        saved[p] = yield* passForward(passes[p], context, values[p], values[p + 1], rows, units);
      }
      x = values[passes.length];
    }
    return x;
  }

  /** The last segment's d holds dlogits -> this.gradients, without L2. @returns dx where wanted */
  *#back(scratch: Scratch, rows: number, wantDx: boolean): Pieces<Float64Array> {
    const { spec, stages, parameterCount } = this.plan;
    const context = this.#context(this.weights, 0, true);
    const bounds = blockBounds(rows, parameterCount);
    for (let s = stages.length; s >= 0; s--) {
      const { units, passes, values, saved, d } = scratch.segments[s];
      for (let p = passes.length - 1; p >= 0; p--) {
        yield;
        yield* passBackward(passes[p], context, values[p], values[p + 1], saved[p], d, rows, units, this.gradients);
      }
      if (s === 0) break;
      yield* stored(spec.dtype, d, rows * units);
      const { inputs, weight, bias } = stages[s - 1];
      const before = scratch.segments[s - 1];
      const x = before.values[before.passes.length];
      for (let block = 0; block + 1 < bounds.length; block++) {
        const [first, end] = [bounds[block], bounds[block + 1]];
        const dweight = block === 0 ? this.gradients[weight] : new Float64Array(units * inputs);
        const dbias = bias < 0 ? null : block === 0 ? this.gradients[bias] : new Float64Array(units);
        for (const [from, to] of parts(first, end)) {
          yield;
          yield* denseBackward(this.#lists, d.subarray(from * units, to * units), x.subarray(from * inputs, to * inputs), dweight, dbias, to - from, inputs, units, from > first);
        }
        if (block === 0) continue;
        yield* add(this.gradients[weight], dweight);
        if (dbias !== null) yield* add(this.gradients[bias], dbias);
      }
      yield* stored(spec.dtype, this.gradients[weight]);
      if (bias >= 0) storeAs(spec.dtype, this.gradients[bias]);
      const wanted = s > 1 || before.passes.length > 0 || wantDx;
      for (const [from, to] of wanted ? parts(0, rows) : []) {
        yield;
        const dx = before.d.subarray(from * inputs, to * inputs);
        yield* denseBackwardInput(d.subarray(from * units, to * units), this.parameters[weight], dx, to - from, inputs, units);
        storeAs(spec.dtype, dx);
      }
    }
    if (!wantDx) return new Float64Array(0);
    const dx = scratch.segments[0].d.slice(0, rows * spec.inputSize);
    yield* this.unscale(dx, rows);
    return dx;
  }

  override *trainBatch(samples: Samples, order: Uint32Array | null, from: number, to: number, sinks: Sinks): Pieces<BatchResult> {
    this.#taken = null;
    const { spec, loss, outputs } = this.plan;
    const rows = to - from;
    const scratch = this.#partScratch(rows);
    const denominator = this.denominator(samples, order, from, to);
    yield* this.loadInPieces(samples.x, order, from, to, scratch.segments[0].values[0]);
    const logits = yield* this.#run(this.#lists, scratch, this.weights, rows, 0, true);
    const dlogits = scratch.segments[scratch.segments.length - 1].d;
    const lossLanes = new Float64Array(8);
    const correct = yield* this.lossRows(samples, order, from, 0, rows, denominator, logits, dlogits, lossLanes);
    if (loss !== null) yield* stored(spec.dtype, dlogits, rows * outputs);
    if (sinks.outputs !== undefined) yield* this.head(logits, sinks.outputs, 0, rows);
    const dx = yield* this.#back(scratch, rows, sinks.dx !== undefined);
    sinks.dx?.set(dx);
    this.#pending = { scratch, rows };
    return { lossSum: foldLanes(lossLanes), denominator, correct };
  }

  override *evaluateBatch(samples: Samples, weights: readonly Float64Array[], order: Uint32Array | null, from: number, to: number, sinks: Sinks): Pieces<BatchResult> {
    const denominator = this.denominator(samples, order, from, to);
    const lossLanes = new Float64Array(8);
    let correct = 0;
    const aside = this.#aside(to - from);
    for (const [first, end] of parts(0, to - from)) {
      const logits = yield* this.#logits(aside, samples.x, weights, order, from, first, end);
      correct += yield* this.lossRows(samples, order, from, first, end - first, denominator, logits, null, lossLanes);
      if (sinks.outputs !== undefined) yield* this.head(logits, sinks.outputs, first, end - first);
    }
    return { lossSum: foldLanes(lossLanes), denominator, correct };
  }

  override *predict(x: Samples['x'], weights: readonly Float64Array[], order: Uint32Array | null, from: number, to: number, output: 'outputs' | 'logits', out: Float64Array): Pieces<void> {
    const { outputs } = this.plan;
    const aside = this.#aside(to - from);
    for (const [first, end] of parts(0, to - from)) {
      const logits = yield* this.#logits(aside, x, weights, order, from, first, end);
      if (output === 'logits') out.set(logits.subarray(0, (end - first) * outputs), first * outputs);
      else yield* this.head(logits, out, first, end - first);
    }
  }

  /** What parts of so many rows are computed in. Not the training scratch: its statistics may be waiting for an update. */
  #aside(rows: number): Aside {
    this.#taken = null;
    return { scratch: this.#newScratch(Math.min(PART_ROWS, rows)), lists: new ListSpace() };
  }

  /** Rows from + [first, end) of x -> their logits. */
  *#logits(
    { scratch, lists }: Aside, x: Samples['x'], weights: readonly Float64Array[], order: Uint32Array | null, from: number, first: number, end: number,
  ): Pieces<Float64Array> {
    if (first > 0) yield;
    yield* this.loadInPieces(x, order, from + first, from + end, scratch.segments[0].values[0]);
    return yield* this.#run(lists, scratch, weights, end - first, first, false);
  }

  override *forwardTrain(samples: Samples, { order, from, to }: Rows): Pieces<Forward> {
    this.#taken = null;
    const rows = to - from;
    const scratch = this.#newScratch(rows);
    yield* this.loadInPieces(samples.x, order, from, to, scratch.segments[0].values[0]);
    const logits = yield* this.#run(this.#lists, scratch, this.weights, rows, 0, true);
    const outputs = new Float64Array(logits.length);
    yield* this.head(logits, outputs, 0, rows);
    // Behind the last turn, in which a prediction may drop what was taken.
    this.#taken = { scratch, rows };
    this.#pending = this.#taken;
    return { outputs, logits, activations: scratch.segments.slice(1).map(({ passes, values }) => values[passes.length]) };
  }

  override get takenRows(): number | null {
    return this.#taken === null ? null : this.#taken.rows;
  }

  override forget(): void {
    this.#taken = null;
    this.#pending = null;
  }

  override *backwardTaken(dlogits: ArrayLike<number>, wantDx: boolean): Pieces<Float64Array> {
    if (this.#taken === null) return new Float64Array(0);
    const { scratch, rows } = this.#taken;
    scratch.segments[scratch.segments.length - 1].d.set(dlogits);
    return yield* this.#back(scratch, rows, wantDx);
  }

  protected override beforeUpdate(): void {
    this.#takeStatistics();
    this.forget();
    super.beforeUpdate();
  }

  #takeStatistics(): void {
    if (this.#pending === null) return;
    const { scratch, rows } = this.#pending;
    for (const { passes, saved } of scratch.segments) {
      passes.forEach((pass, p) => {
        if (pass.kind !== 'batchNormalization' || !pass.moves) return;
        moveStatistics(this.plan.spec.dtype, pass.momentum, saved[p], rows, this.statistics[pass.statistics], this.statistics[pass.statistics + 1]);
      });
    }
  }
}
