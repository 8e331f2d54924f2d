// Networks with passes of other kinds than activations and dropout between their dense layers. The whole batch is in memory, since a batch's
// statistics are those of all its rows; predictions go through in parts.
import type { Rows } from '../contract/executor.js';
import { isLayered, type NetworkSpec } from '../contract/spec.js';
import { denseBackward, denseBackwardInput, denseForward } from './dense.js';
import { Network, type BatchResult, type Samples, type Sinks } from './network.js';
import { moveStatistics, nothingSaved, passBackward, passForward, type Pass, type PassContext, type Saved } from './passes.js';
import { finish, type Pieces } from './pieces.js';
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
        yield;
        yield* denseForward(lists, x, weights[weight], bias < 0 ? null : weights[bias], values[0], rows, inputs, units);
        storeAs(spec.dtype, values[0], rows * units);
      }
      for (let p = 0; p < passes.length; p++) {
        yield;
        saved[p] = passForward(passes[p], context, values[p], values[p + 1], rows, units);
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
        passBackward(passes[p], context, values[p], values[p + 1], saved[p], d, rows, units, this.gradients);
      }
      if (s === 0) break;
      storeAs(spec.dtype, d, rows * units);
      const { inputs, weight, bias } = stages[s - 1];
      const before = scratch.segments[s - 1];
      const x = before.values[before.passes.length];
      for (let block = 0; block + 1 < bounds.length; block++) {
        const [first, end] = [bounds[block], bounds[block + 1]];
        const dweight = block === 0 ? this.gradients[weight] : new Float64Array(units * inputs);
        const dbias = bias < 0 ? null : block === 0 ? this.gradients[bias] : new Float64Array(units);
        yield;
        yield* denseBackward(this.#lists, d.subarray(first * units, end * units), x.subarray(first * inputs, end * inputs), dweight, dbias, end - first, inputs, units, false);
        if (block === 0) continue;
        for (let i = 0; i < dweight.length; i++) this.gradients[weight][i] += dweight[i];
        if (dbias !== null) for (let i = 0; i < units; i++) this.gradients[bias][i] += dbias[i];
      }
      storeAs(spec.dtype, this.gradients[weight]);
      if (bias >= 0) storeAs(spec.dtype, this.gradients[bias]);
      if (s > 1 || before.passes.length > 0 || wantDx) yield* denseBackwardInput(d, this.parameters[weight], before.d, rows, inputs, units);
      storeAs(spec.dtype, before.d, rows * inputs);
    }
    if (!wantDx) return new Float64Array(0);
    const dx = scratch.segments[0].d.slice(0, rows * spec.inputSize);
    this.unscale(dx, rows);
    return dx;
  }

  override *trainBatch(samples: Samples, order: Uint32Array | null, from: number, to: number, sinks: Sinks): Pieces<BatchResult> {
    this.#taken = null;
    const { spec, loss, outputs } = this.plan;
    const rows = to - from;
    const scratch = this.#partScratch(rows);
    const denominator = this.denominator(samples, order, from, to);
    this.load(samples.x, order, from, to, scratch.segments[0].values[0]);
    const logits = yield* this.#run(this.#lists, scratch, this.weights, rows, 0, true);
    const dlogits = scratch.segments[scratch.segments.length - 1].d;
    const lossLanes = new Float64Array(8);
    const correct = this.lossRows(samples, order, from, 0, rows, denominator, logits, dlogits, lossLanes);
    if (loss !== null) storeAs(spec.dtype, dlogits, rows * outputs);
    if (sinks.outputs !== undefined) this.head(logits, sinks.outputs, 0, rows);
    const dx = yield* this.#back(scratch, rows, sinks.dx !== undefined);
    sinks.dx?.set(dx);
    this.#pending = { scratch, rows };
    return { lossSum: foldLanes(lossLanes), denominator, correct };
  }

  override *evaluateBatch(samples: Samples, weights: readonly Float64Array[], order: Uint32Array | null, from: number, to: number, sinks: Sinks): Pieces<BatchResult> {
    const denominator = this.denominator(samples, order, from, to);
    const lossLanes = new Float64Array(8);
    let correct = 0;
    yield* this.#eachPart(samples.x, weights, order, from, to, (logits, first, rows) => {
      correct += this.lossRows(samples, order, from, first, rows, denominator, logits, null, lossLanes);
      if (sinks.outputs !== undefined) this.head(logits, sinks.outputs, first, rows);
    });
    return { lossSum: foldLanes(lossLanes), denominator, correct };
  }

  override *predict(x: Samples['x'], weights: readonly Float64Array[], order: Uint32Array | null, from: number, to: number, output: 'outputs' | 'logits', out: Float64Array): Pieces<void> {
    const { outputs } = this.plan;
    yield* this.#eachPart(x, weights, order, from, to, (logits, first, rows) => {
      if (output === 'logits') out.set(logits.subarray(0, rows * outputs), first * outputs);
      else this.head(logits, out, first, rows);
    });
  }

  *#eachPart(x: Samples['x'], weights: readonly Float64Array[], order: Uint32Array | null, from: number, to: number, use: (logits: Float64Array, first: number, rows: number) => void): Pieces<void> {
    this.#taken = null;
    // Not the training scratch: its statistics may be waiting for an update.
    const scratch = this.#newScratch(Math.min(PART_ROWS, to - from));
    const lists = new ListSpace();
    for (let first = 0; first < to - from; first += PART_ROWS) {
      const rows = Math.min(PART_ROWS, to - from - first);
      this.load(x, order, from + first, from + first + rows, scratch.segments[0].values[0]);
      if (first > 0) yield;
      use(yield* this.#run(lists, scratch, weights, rows, first, false), first, rows);
    }
  }

  override forwardTrain(samples: Samples, { order, from, to }: Rows): { outputs: Float64Array; logits: Float64Array; activations: Float64Array[] } {
    const rows = to - from;
    const scratch = this.#newScratch(rows);
    this.load(samples.x, order, from, to, scratch.segments[0].values[0]);
    const logits = finish(this.#run(this.#lists, scratch, this.weights, rows, 0, true));
    this.#taken = { scratch, rows };
    this.#pending = this.#taken;
    const outputs = new Float64Array(logits.length);
    this.head(logits, outputs, 0, rows);
    return { outputs, logits, activations: scratch.segments.slice(1).map(({ passes, values }) => values[passes.length]) };
  }

  override get takenRows(): number | null {
    return this.#taken === null ? null : this.#taken.rows;
  }

  override forget(): void {
    this.#taken = null;
    this.#pending = null;
  }

  override backwardTaken(dlogits: ArrayLike<number>, wantDx: boolean): Float64Array {
    if (this.#taken === null) return new Float64Array(0);
    const { scratch, rows } = this.#taken;
    scratch.segments[scratch.segments.length - 1].d.set(dlogits);
    return finish(this.#back(scratch, rows, wantDx));
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
        if (pass.kind !== 'batchNormalization') return;
        moveStatistics(this.plan.spec.dtype, pass.momentum, saved[p], rows, this.statistics[pass.statistics], this.statistics[pass.statistics + 1]);
      });
    }
  }
}
