// The passes over a batch. Every array is Float64Array scratch whose stored values are rounded to the network's type (storeAs): float32
// networks compute each chain in double and round once. Large batches go through in parts; chains go on from part to part, so the
// size of a part never shows in a result.
import type { InputArray, DType } from '../../base/arrays.js';
import type { DataHandle, Rows, Targets } from '../contract/executor.js';
import { isOfZ, learningRateFactorOf, slotNames, statisticShapes, type ConstraintSpec, type NetworkSpec } from '../contract/spec.js';
import { backwardOfZ, forwardOfZ } from './activations-of-z.js';
import { activationBackward, activationForward } from './activations.js';
import { clip, clippingOf, type Clipped, type Clipping } from './clipping.js';
import { constrain } from './constraints.js';
import { denseBackward, denseBackwardInput, denseForward, densePenalty } from './dense.js';
import { applyDropout, type Dropout } from './dropout.js';
import type { TargetRows } from './loss.js';
import { headForward } from './losses.js';
import { UpdateRule } from './optimizers.js';
import { absolutePenalty, addPenaltyGradient } from './penalties.js';
import { inRows, PIECE, type Pieces } from './pieces.js';
import { blockBounds, compilePlan, type Plan, type Rescaling } from './plan.js';
import { foldLanes, laneCount, roundedTo, storeAs } from './reductions.js';
import { expandRow, GatheredRows, type SampleLists } from './sample-lists.js';
import { ListSpace, type Nonzeros } from './sparse.js';
import { isTiny, TinyBatch } from './tiny.js';

/** Rows of a part: scratch of usual widths stays in the second-level cache. */
const PART_ROWS = 128;
/** Parameters whose update is a piece: 2 to 10 ms. */
const UPDATE_PIECE = PIECE / 8;

/** Loaded samples as the passes see them. */
export interface Samples extends Pick<DataHandle, 'rows'> {
  readonly x: InputArray | SampleLists;
  readonly y: Targets | null;
  readonly sampleWeight: Float64Array | null;
}

/** What one pass over some rows of a batch needs. x[s] feeds stage s, x[stages] are the logits; a[s] is before dropout; d[s] the gradients. */
interface Scratch {
  readonly capacity: number;
  readonly x: readonly Float64Array[];
  /** Before an activation of z; null for the others. */
  readonly z: readonly (Float64Array | null)[];
  readonly a: readonly Float64Array[];
  readonly d: readonly Float64Array[];
  readonly dx: Float64Array;
}

/** What a pass works in. Training has its own; a prediction takes one for as long as it lasts, since others may run while it waits for its turn. */
interface Workspace {
  part: Scratch | null;
  readonly gathered: GatheredRows;
  readonly lists: ListSpace;
}
const newWorkspace = (): Workspace => ({ part: null, gathered: new GatheredRows(), lists: new ListSpace() });

/** A parameter array with what its updates need. */
interface Trained extends Clipped {
  readonly slots: readonly Float64Array[];
  readonly constraint: ConstraintSpec | null;
}

/** Loss of a batch and what was asked for along with it. */
export interface BatchResult {
  readonly lossSum: number;
  readonly denominator: number;
  readonly correct: number;
}
/** What forwardTrain gives; the activations are the network's own. */
export interface Forward {
  readonly outputs: Float64Array;
  readonly logits: Float64Array;
  readonly activations: readonly Float64Array[];
}
/** Where a pass writes what it was asked for, (rows of the batch, width) each. */
export interface Sinks {
  readonly outputs?: Float64Array;
  readonly dx?: Float64Array;
}

export class Network {
  readonly plan: Plan;
  parameters: readonly Float64Array[];
  readonly slots: readonly (readonly Float64Array[])[];
  readonly gradients: readonly Float64Array[];
  /** Of batch normalizations: moving mean and moving variance, in the order of statisticShapes. */
  statistics: readonly Float64Array[];
  published: readonly Float64Array[] | null = null;
  step = 0;
  readonly #spec: NetworkSpec;
  readonly #lanes: Float64Array;
  readonly #rule: UpdateRule | null;
  readonly #clipping: Clipping | null;
  readonly #trained: readonly Trained[];
  readonly #penalised: boolean;
  /** uint8 samples after rescaling, where every feature has the same one. */
  readonly #bytes: Float64Array | null = null;
  /** 0 must stay 0 on its way into the chain. */
  readonly #takesLists: boolean;
  readonly #training = newWorkspace();
  /** Of predictions that are over. */
  readonly #spare: Workspace[] = [];
  #blockGradients: readonly Float64Array[] | null = null;
  /** For all rows of a forwardTrain at once. */
  #whole: Scratch | null = null;
  /** The rows that forwardTrain left behind for backward. */
  #taken: { scratch: Scratch; rows: number } | null = null;

  constructor(spec: NetworkSpec) {
    this.#spec = spec;
    this.plan = compilePlan(spec);
    const arrays = (): Float64Array[] => this.plan.shapes.map((shape) => new Float64Array(shape.size));
    this.parameters = arrays();
    this.gradients = arrays();
    this.statistics = statisticShapes(spec).map((shape) => new Float64Array(shape.size));
    this.slots = spec.optimizer === null ? [] : slotNames(spec.optimizer).map(arrays);
    this.#lanes = new Float64Array(laneCount(spec.dtype));
    this.#rule = spec.optimizer === null ? null : new UpdateRule(spec.optimizer, spec.dtype);
    this.#clipping = spec.optimizer === null ? null : clippingOf(spec.optimizer, spec.dtype);
    const trained = (index: number, units: number, inputs: number, changes: Partial<Trained> = {}): Trained => ({
      index, units, inputs, slots: this.slots.map((slot) => slot[index]), factor: 1, l2: 0, l1: 0, constraint: null, ...changes,
    });
    const all = this.plan.shapes.map(({ layer, size }, index) => trained(index, size, 1, { factor: learningRateFactorOf(spec.layers[layer]) }));
    for (const { dense, inputs, units, weight, bias } of this.plan.stages) {
      const factor = dense.learningRateFactor;
      all[weight] = trained(weight, units, inputs, { factor, l2: roundedTo(spec.dtype, dense.l2), l1: roundedTo(spec.dtype, dense.l1 ?? 0), constraint: dense.kernelConstraint ?? null });
      if (bias >= 0) all[bias] = trained(bias, units, 1, { factor, constraint: dense.biasConstraint ?? null });
    }
    this.#trained = all;
    this.#penalised = this.plan.stages.some(({ dense }) => dense.l2 !== 0 || (dense.l1 ?? 0) !== 0);
    this.#takesLists = this.plan.rescalings.every(({ offset, features }) => offset === 0 && features === null);
    if (this.plan.rescalings.some((layer) => layer.features !== null)) return;
    this.#bytes = Float64Array.from({ length: 256 }, (_, byte) => byte);
    this.#rescale(this.#bytes, 256);
  }

  /** What predictions read: the parameters, then the statistics. */
  get weights(): readonly Float64Array[] {
    return [...this.parameters, ...this.statistics];
  }

  /** Leaves the weights to those who read them; the network goes on with copies. */
  detach(): void {
    this.parameters = this.parameters.map((array) => array.slice());
    this.statistics = this.statistics.map((array) => array.slice());
  }

  // ---- load

  /** values (count, whole rows where features differ): x · scale, then + offset unless it is 0, for each rescaling layer, in place. */
  #rescale(values: Float64Array, count: number): void {
    for (const { scale, offset, features } of this.plan.rescalings) {
      if (features !== null) {
        normalize(this.#spec.dtype, features, values, count);
        continue;
      }
      for (let i = 0; i < count; i++) values[i] *= scale;
      storeAs(this.#spec.dtype, values, count);
      if (offset === 0) continue;
      for (let i = 0; i < count; i++) values[i] += offset;
      storeAs(this.#spec.dtype, values, count);
    }
  }

  /** Rows order[from, to) of x by their nonzeros, rescaled, where the first layer takes them so; else in out as #load leaves them. */
  *#loadListed({ gathered }: Workspace, x: InputArray | SampleLists, order: Uint32Array | null, from: number, to: number, out: Float64Array, training: boolean): Pieces<Nonzeros | null> {
    const bytes = this.#bytes;
    if (!('starts' in x) || bytes === null || !this.#takesLists || (training && this.plan.inputDropouts.length > 0)) {
      yield* this.loadInPieces(x, order, from, to, out);
      return null;
    }
    const count = gathered.gather(x, order, from, to, bytes);
    if (x.values instanceof Uint8Array) return gathered;
    storeAs(this.#spec.dtype, gathered.values, count);
    this.#rescale(gathered.values, count);
    return gathered;
  }

  /** Rows order[from, to) of x (rows, features) -> out (to - from, features), rescaled. */
  protected *loadInPieces(x: InputArray | SampleLists, order: Uint32Array | null, from: number, to: number, out: Float64Array): Pieces<void> {
    const features = this.#spec.inputSize;
    yield* inRows(to - from, features, (first, end) => { this.#load(x, order, from + first, from + end, out.subarray(first * features)); });
  }

  #load(x: InputArray | SampleLists, order: Uint32Array | null, from: number, to: number, out: Float64Array): void {
    const features = this.#spec.inputSize;
    if ('starts' in x) {
      for (let position = from; position < to; position++) expandRow(x, order === null ? position : order[position], out, (position - from) * features);
      const count = (to - from) * features;
      storeAs(this.#spec.dtype, out, count);
      this.#rescale(out, count);
      return;
    }
    const bytes = this.#bytes;
    if (x instanceof Uint8Array && bytes !== null) {
      for (let position = from; position < to; position++) loadBytes(x, (order === null ? position : order[position]) * features, features, bytes, out, (position - from) * features);
      return;
    }
    for (let position = from; position < to; position++) {
      const at = (order === null ? position : order[position]) * features;
      out.set(x.subarray(at, at + features), (position - from) * features);
    }
    const count = (to - from) * features;
    storeAs(this.#spec.dtype, out, count);
    this.#rescale(out, count);
  }

  /** dx (rows, features) of the samples as loaded -> of the samples as given, in place. */
  protected *unscale(dx: Float64Array, rows: number): Pieces<void> {
    const { rescalings } = this.plan;
    const features = this.#spec.inputSize;
    yield* inRows(rows, features, (first, end) => {
      for (let layer = rescalings.length - 1; layer >= 0; layer--) {
        const { scale, features: each } = rescalings[layer];
        for (let i = first * features; i < end * features; i++) dx[i] *= each === null ? scale : each.scales[i % features];
      }
      storeAs(this.#spec.dtype, dx.subarray(first * features, end * features));
    });
  }

  // ---- passes over the rows in scratch; firstRow is the position of its first row in the batch

  /** scratch.x[0] (rows, features) -> scratch.a, scratch.x up to the logits. */
  *#forward(lists: ListSpace, scratch: Scratch, parameters: readonly Float64Array[], rows: number, firstRow: number, training: boolean, listed: Nonzeros | null = null): Pieces<void> {
    const { dtype } = this.#spec;
    if (training) {
      for (const dropout of this.plan.inputDropouts) yield* this.#drop(dropout, firstRow, scratch.x[0], rows, this.#spec.inputSize);
    }
    const { stages } = this.plan;
    for (let s = 0; s < stages.length; s++) {
      const stage = stages[s];
      const { inputs, units, dropouts } = stage;
      const a = scratch.a[s];
      yield* denseForward(lists, scratch.x[s], parameters[stage.weight], stage.bias < 0 ? null : parameters[stage.bias], a, rows, inputs, units, s === 0 ? listed : null);
      const { activation } = stage.dense;
      const z = scratch.z[s];
      yield* inRows(rows, units, (first, end) => {
        const part = a.subarray(first * units, end * units);
        if (z !== null && isOfZ(activation)) {
          storeAs(dtype, part);
          const before = z.subarray(first * units, end * units);
          before.set(part);
          forwardOfZ(activation, dtype, before, part, part.length);
        } else if (!isOfZ(activation)) activationForward(activation, part, end - first, units, this.#lanes);
        storeAs(dtype, part);
      });
      const next = scratch.x[s + 1];
      if (next === a) continue;
      next.set(a.subarray(0, rows * units));
      if (!training) continue;
      for (const dropout of dropouts) yield* this.#drop(dropout, firstRow, next, rows, units);
    }
  }

  /** Dropout of rows from `firstRow` of the batch on, in place. */
  *#drop(dropout: Dropout, firstRow: number, values: Float64Array, rows: number, units: number): Pieces<void> {
    yield* inRows(rows, units, (first, end) => {
      const part = values.subarray(first * units, end * units);
      applyDropout(dropout, this.#spec.seed, this.step, firstRow + first, part, part, end - first, units);
      storeAs(this.#spec.dtype, part);
    });
  }

  /** scratch.d[last] = gradient of the logits (rows, outputs) -> gradients (canonical order), scratch.dx if wanted. `continued`: rows before
   * these are in the gradients already. */
  *#backward(scratch: Scratch, rows: number, firstRow: number, continued: boolean, gradients: readonly Float64Array[], wantDx: boolean, listed: Nonzeros | null = null): Pieces<void> {
    const { dtype, seed } = this.#spec;
    const { stages, inputDropouts } = this.plan;
    for (let s = stages.length - 1; s >= 0; s--) {
      const { dense, inputs, units, weight, bias, dropouts } = stages[s];
      const d = scratch.d[s];
      const z = scratch.z[s];
      yield* inRows(rows, units, (first, end) => {
        const part = d.subarray(first * units, end * units), a = scratch.a[s].subarray(first * units, end * units);
        for (let i = dropouts.length - 1; i >= 0; i--) applyDropout(dropouts[i], seed, this.step, firstRow + first, part, part, end - first, units);
        if (z !== null && isOfZ(dense.activation)) backwardOfZ(dense.activation, dtype, z.subarray(first * units, end * units), a, part, part.length);
        else if (!isOfZ(dense.activation)) activationBackward(dense.activation, a, part, end - first, units, this.#lanes);
        storeAs(dtype, part);
      });
      yield* denseBackward(this.#training.lists, d, scratch.x[s], gradients[weight], bias < 0 ? null : gradients[bias], rows, inputs, units, continued, s === 0 ? listed : null);
      if (s > 0) yield* denseBackwardInput(d, this.parameters[weight], scratch.d[s - 1], rows, inputs, units);
      else if (wantDx) yield* denseBackwardInput(d, this.parameters[weight], scratch.dx, rows, inputs, units);
    }
    if (!wantDx) return;
    const { dx } = scratch;
    const features = this.#spec.inputSize;
    yield* inRows(rows, features, (first, end) => {
      const part = dx.subarray(first * features, end * features);
      for (let i = inputDropouts.length - 1; i >= 0; i--) applyDropout(inputDropouts[i], seed, this.step, firstRow + first, part, part, end - first, features);
    });
    yield* this.unscale(dx, rows);
  }

  // ---- whole batches

  /** Loss and gradients of rows order[from, to) as one batch in training mode; the gradients are left in `this.gradients`, without L2. */
  *trainBatch(samples: Samples, order: Uint32Array | null, from: number, to: number, sinks: Sinks): Pieces<BatchResult> {
    this.#taken = null;
    const { dtype } = this.#spec;
    const { stages, parameterCount, loss } = this.plan;
    const denominator = this.denominator(samples, order, from, to);
    const bounds = blockBounds(to - from, parameterCount);
    const lossLanes = new Float64Array(8);
    let correct = 0;
    for (let block = 0; block + 1 < bounds.length; block++) {
      const target = block === 0 ? this.gradients : (this.#blockGradients ??= this.gradients.map((array) => new Float64Array(array.length)));
      for (let first = bounds[block]; first < bounds[block + 1]; first += PART_ROWS) {
        if (first > 0) yield;
        const rows = Math.min(PART_ROWS, bounds[block + 1] - first);
        const scratch = this.#partScratch(this.#training, rows);
        const listed = yield* this.#loadListed(this.#training, samples.x, order, from + first, from + first + rows, scratch.x[0], true);
        yield* this.#forward(this.#training.lists, scratch, this.parameters, rows, first, true, listed);
        const dlogits = scratch.d[stages.length - 1];
        correct += yield* this.lossRows(samples, order, from, first, rows, denominator, scratch.x[stages.length], dlogits, lossLanes);
        if (loss !== null) storeAs(dtype, dlogits, rows * this.plan.outputs);
        if (sinks.outputs !== undefined) yield* this.head(scratch.x[stages.length], sinks.outputs, first, rows);
        yield* this.#backward(scratch, rows, first, first > bounds[block], target, sinks.dx !== undefined, listed);
        if (sinks.dx !== undefined) sinks.dx.set(scratch.dx.subarray(0, rows * this.#spec.inputSize), first * this.#spec.inputSize);
      }
      if (block > 0) for (let i = 0; i < target.length; i++) yield* add(this.gradients[i], target[i]);
    }
    for (const gradient of this.gradients) yield* stored(dtype, gradient);
    return { lossSum: foldLanes(lossLanes), denominator, correct };
  }

  /** Rows order[from, to) as a batch that stays the same for many steps, or null where trainBatch is the way. */
  tinyBatch(samples: Samples, order: Uint32Array | null, from: number, to: number): TinyBatch | null {
    const rows = to - from;
    const { loss } = this.plan;
    if (!isTiny(this.plan, rows) || loss === null || samples.y === null) return null;
    this.#taken = null;
    const x = new Float64Array(rows * this.#spec.inputSize);
    this.#load(samples.x, order, from, to, x);
    const denominator = this.denominator(samples, order, from, to);
    const weights = Float64Array.from({ length: rows }, (_, row) => (samples.sampleWeight === null ? 1 : samples.sampleWeight[order === null ? from + row : order[from + row]]));
    const scales = weights.map((weight) => roundedTo(this.#spec.dtype, weight / denominator));
    return new TinyBatch(this.plan, loss, this.parameters, this.gradients, { rows, x, targets: this.#targets(samples.y, order, from, rows), weights, scales, denominator });
  }

  /** Loss of rows order[from, to) without training; the same rows' outputs where a sink is given. */
  *evaluateBatch(samples: Samples, parameters: readonly Float64Array[], order: Uint32Array | null, from: number, to: number, sinks: Sinks): Pieces<BatchResult> {
    this.#taken = null;
    const workspace = this.#spare.pop() ?? newWorkspace();
    const denominator = this.denominator(samples, order, from, to);
    const lossLanes = new Float64Array(8);
    let correct = 0;
    for (let first = 0; first < to - from; first += PART_ROWS) {
      if (first > 0) yield;
      const rows = Math.min(PART_ROWS, to - from - first);
      const scratch = this.#partScratch(workspace, rows);
      const listed = yield* this.#loadListed(workspace, samples.x, order, from + first, from + first + rows, scratch.x[0], false);
      yield* this.#forward(workspace.lists, scratch, parameters, rows, first, false, listed);
      const logits = scratch.x[this.plan.stages.length];
      correct += yield* this.lossRows(samples, order, from, first, rows, denominator, logits, null, lossLanes);
      if (sinks.outputs !== undefined) yield* this.head(logits, sinks.outputs, first, rows);
    }
    this.#spare.push(workspace);
    return { lossSum: foldLanes(lossLanes), denominator, correct };
  }

  /** Outputs after the head, or logits, of rows order[from, to) -> out (to - from, outputs). */
  *predict(x: InputArray | SampleLists, parameters: readonly Float64Array[], order: Uint32Array | null, from: number, to: number, output: 'outputs' | 'logits', out: Float64Array): Pieces<void> {
    this.#taken = null;
    const workspace = this.#spare.pop() ?? newWorkspace();
    const { outputs, stages } = this.plan;
    for (let first = 0; first < to - from; first += PART_ROWS) {
      if (first > 0) yield;
      const rows = Math.min(PART_ROWS, to - from - first);
      const scratch = this.#partScratch(workspace, rows);
      const listed = yield* this.#loadListed(workspace, x, order, from + first, from + first + rows, scratch.x[0], false);
      yield* this.#forward(workspace.lists, scratch, parameters, rows, first, false, listed);
      const logits = scratch.x[stages.length];
      if (output === 'logits') out.set(logits.subarray(0, rows * outputs), first * outputs);
      else yield* this.head(logits, out, first, rows);
    }
    this.#spare.push(workspace);
  }

  /** Training pass forward over rows order[from, to) as one batch; what backward needs is kept. @returns outputs, logits, activations */
  *forwardTrain(samples: Samples, { order, from, to }: Rows): Pieces<Forward> {
    const rows = to - from;
    const scratch = this.#whole?.capacity === rows ? this.#whole : this.#newScratch(rows, Math.min(rows, PART_ROWS));
    this.#whole = scratch;
    this.#taken = null;
    for (let first = 0; first < rows; first += PART_ROWS) {
      const end = Math.min(first + PART_ROWS, rows);
      const part = rowsOf(scratch, first, end, this.plan);
      if (first > 0) yield;
      yield* this.loadInPieces(samples.x, order, from + first, from + end, part.x[0]);
      yield* this.#forward(this.#training.lists, part, this.parameters, end - first, first, true);
    }
    const logits = scratch.x[this.plan.stages.length];
    const outputs = new Float64Array(logits.length);
    yield* this.head(logits, outputs, 0, rows);
    // Behind the last turn, in which a prediction may drop what was taken.
    this.#taken = { scratch, rows };
    return { outputs, logits, activations: scratch.x.slice(1) };
  }

  /** Rows of the last forwardTrain, or null where something else was computed since. */
  get takenRows(): number | null {
    return this.#taken === null ? null : this.#taken.rows;
  }

  /** Drops what forwardTrain left: the parameters are others now. */
  forget(): void {
    this.#taken = null;
  }

  /** dlogits (rows, outputs) of the last forwardTrain -> gradients in `this.gradients`, dx where wanted. */
  *backwardTaken(dlogits: ArrayLike<number>, wantDx: boolean): Pieces<Float64Array> {
    if (this.#taken === null) return new Float64Array(0);
    const { scratch, rows } = this.#taken;
    const { inputSize, dtype } = this.#spec;
    const { stages, outputs, parameterCount } = this.plan;
    const dx = new Float64Array(wantDx ? rows * inputSize : 0);
    const bounds = blockBounds(rows, parameterCount);
    for (let block = 0; block + 1 < bounds.length; block++) {
      const [first, end] = [bounds[block], bounds[block + 1]];
      const target = block === 0 ? this.gradients : (this.#blockGradients ??= this.gradients.map((array) => new Float64Array(array.length)));
      for (let at = first; at < end; at += PART_ROWS) {
        const count = Math.min(PART_ROWS, end - at);
        const part = rowsOf(scratch, at, at + count, this.plan);
        for (let i = 0; i < count * outputs; i++) part.d[stages.length - 1][i] = dlogits[at * outputs + i];
        if (at > 0) yield;
        yield* this.#backward(part, count, at, at > first, target, wantDx);
        if (wantDx) dx.set(part.dx.subarray(0, count * inputSize), at * inputSize);
      }
      if (block > 0) for (let i = 0; i < target.length; i++) yield* add(this.gradients[i], target[i]);
    }
    for (const gradient of this.gradients) yield* stored(dtype, gradient);
    return dx;
  }

  /** One update of all parameters by `gradients`, which it may change; counts as a step. The step's scalars begin at scalars[at]. */
  update(gradients: readonly Float64Array[], scalars: Float64Array, at: number): void {
    const rule = this.#prepareUpdate(gradients);
    if (rule === null) return;
    for (let i = 0; i < this.#trained.length; i++) {
      const { index, units, inputs, slots, factor, constraint } = this.#trained[i];
      const p = this.parameters[index];
      rule.update(p, gradients[index], slots, scalars, at, factor);
      if (constraint !== null) constrain(constraint, this.#spec.dtype, p, units, inputs);
    }
    this.step++;
  }

  /** The same in pieces: every element is on its own. */
  *updateInPieces(gradients: readonly Float64Array[], scalars: Float64Array, at: number): Pieces<void> {
    if (this.plan.parameterCount <= UPDATE_PIECE) {
      this.update(gradients, scalars, at);
      return;
    }
    yield;
    const rule = this.#prepareUpdate(gradients);
    if (rule === null) return;
    for (const { index, units, inputs, slots, factor, constraint } of this.#trained) {
      const p = this.parameters[index];
      for (let from = 0; from < p.length; from += UPDATE_PIECE) {
        yield;
        const cut = (array: Float64Array): Float64Array => array.subarray(from, from + UPDATE_PIECE);
        rule.update(cut(p), cut(gradients[index]), slots.map(cut), scalars, at, factor);
      }
      if (constraint !== null) constrain(constraint, this.#spec.dtype, p, units, inputs);
    }
    this.step++;
  }

  /** What comes before the rule sees gradients. @returns the rule, null where there is none */
  #prepareUpdate(gradients: readonly Float64Array[]): UpdateRule | null {
    this.beforeUpdate();
    if (this.#rule === null) return null;
    if (this.#penalised) {
      for (const { index, l2, l1 } of this.#trained) addPenaltyGradient(gradients[index], this.parameters[index], l2, l1);
    }
    if (this.#clipping !== null) clip(this.#clipping, this.#spec.dtype, this.#trained, gradients);
    return this.#rule;
  }

  protected beforeUpdate(): void {
    this.#taken = null;
  }

  /** Adds the penalties' gradients to those of the weights. */
  addPenaltyGradients(): void {
    for (const { index, l2, l1 } of this.#trained) {
      if (l2 === 0 && l1 === 0) continue;
      addPenaltyGradient(this.gradients[index], this.parameters[index], l2, l1);
      storeAs(this.#spec.dtype, this.gradients[index]);
    }
  }

  /** Σ over penalised layers of l2/2 · Σ weight² + l1 · Σ |weight|. */
  penalty(parameters: readonly Float64Array[]): number {
    if (!this.#penalised) return 0;
    let sum = 0;
    for (const { dense, weight, inputs, units } of this.plan.stages) {
      if (dense.l2 !== 0) sum += densePenalty(parameters[weight], inputs, units, dense.l2);
      if (dense.l1 !== undefined && dense.l1 !== 0) sum += absolutePenalty(parameters[weight], inputs, units, dense.l1);
    }
    return sum;
  }

  /** What the mean divides by for rows order[from, to); 1 for sums. */
  denominator(samples: Samples, order: Uint32Array | null, from: number, to: number): number {
    const { loss } = this.plan;
    if (loss === null || loss.reduction === 'sum') return 1;
    if (loss.classWeights === null || samples.y?.kind !== 'labels') return (to - from) * loss.meanFactor;
    let sum = 0;
    for (let position = from; position < to; position++) sum += loss.classWeights[samples.y.values[order === null ? position : order[position]]];
    return sum;
  }

  /** Losses of `rows` rows from position `first` of the batch: added to lossLanes by position, gradients to dlogits. @returns right predictions */
  protected *lossRows(
    samples: Samples, order: Uint32Array | null, from: number, first: number, rows: number, denominator: number,
    logits: Float64Array, dlogits: Float64Array | null, lossLanes: Float64Array,
  ): Pieces<number> {
    const { outputs } = this.plan;
    let correct = 0;
    yield* inRows(rows, outputs, (begin, end) => {
      const cut = (array: Float64Array): Float64Array => array.subarray(begin * outputs, end * outputs);
      correct += this.#lossOf(samples, order, from, first + begin, end - begin, denominator, cut(logits), dlogits === null ? null : cut(dlogits), lossLanes);
    });
    return correct;
  }

  #lossOf(
    samples: Samples, order: Uint32Array | null, from: number, first: number, rows: number, denominator: number,
    logits: Float64Array, dlogits: Float64Array | null, lossLanes: Float64Array,
  ): number {
    const { loss, outputs } = this.plan;
    if (loss === null || samples.y === null) return 0;
    const targets = this.#targets(samples.y, order, from + first, rows);
    let correct = 0;
    for (let row = 0; row < rows; row++) {
      const position = from + first + row;
      const weight = samples.sampleWeight === null ? 1 : samples.sampleWeight[order === null ? position : order[position]];
      const g = roundedTo(this.#spec.dtype, weight / denominator);
      lossLanes[(first + row) & 7] += weight * loss.row(logits, row * outputs, targets, row, g, dlogits);
      correct += loss.correct(logits, row * outputs, targets, row);
    }
    return correct;
  }

  #targets(y: Targets, order: Uint32Array | null, at: number, rows: number): TargetRows {
    const { outputs } = this.plan;
    const rowAt = (row: number): number => (order === null ? at + row : order[at + row]);
    if (y.kind === 'labels') return { labels: Int32Array.from({ length: rows }, (_, row) => y.values[rowAt(row)]), values: new Float64Array(0) };
    const values = new Float64Array(rows * outputs);
    for (let row = 0; row < rows; row++) values.set(y.values.subarray(rowAt(row) * outputs, (rowAt(row) + 1) * outputs), row * outputs);
    storeAs(this.#spec.dtype, values);
    return { labels: null, values };
  }

  /** Outputs of `rows` rows after the head -> rows [at, at + rows) of out. */
  protected *head(logits: Float64Array, out: Float64Array, at: number, rows: number): Pieces<void> {
    const { outputs } = this.plan;
    yield* inRows(rows, outputs, (first, end) => {
      headForward(this.#spec.head, logits.subarray(first * outputs, end * outputs), out.subarray((at + first) * outputs, (at + end) * outputs), end - first, outputs, this.#spec.dtype);
    });
  }

  // ---- scratch

  #partScratch(workspace: Workspace, rows: number): Scratch {
    if (workspace.part === null || workspace.part.capacity < rows) workspace.part = this.#newScratch(rows);
    return workspace.part;
  }

  #newScratch(capacity: number, dxRows = capacity): Scratch {
    const { stages } = this.plan;
    const { inputSize } = this.#spec;
    const a = stages.map((stage) => new Float64Array(capacity * stage.units));
    const x = [new Float64Array(capacity * inputSize), ...stages.map((stage, s) => (stage.dropouts.length === 0 ? a[s] : new Float64Array(capacity * stage.units)))];
    const z = stages.map((stage) => (isOfZ(stage.dense.activation) ? new Float64Array(capacity * stage.units) : null));
    return { capacity, x, z, a, d: stages.map((stage) => new Float64Array(capacity * stage.units)), dx: new Float64Array(dxRows * inputSize) };
  }
}

/** values (count) -> (x - mean) · scale of their feature, rows one after the other, in place. */
function normalize(dtype: DType, { means, scales }: NonNullable<Rescaling['features']>, values: Float64Array, count: number): void {
  const features = means.length;
  for (let i = 0; i < count; i++) values[i] -= means[i % features];
  storeAs(dtype, values, count);
  for (let i = 0; i < count; i++) values[i] *= scales[i % features];
  storeAs(dtype, values, count);
}

/** bytes (features) at xAt -> their values after rescaling, by table. */
function loadBytes(x: Uint8Array, xAt: number, features: number, table: Float64Array, out: Float64Array, outAt: number): void {
  for (let i = 0; i < features; i++) out[outAt + i] = table[x[xAt + i]];
}

/** sum += term, in place. */
export function* add(sum: Float64Array, term: Float64Array): Pieces<void> {
  yield* inRows(sum.length, 1, (first, end) => {
    for (let i = first; i < end; i++) sum[i] += term[i];
  });
}

/** storeAs in pieces. */
export function* stored(dtype: DType, values: Float64Array, count = values.length): Pieces<void> {
  if (dtype === 'float32') yield* inRows(count, 1, (first, end) => { storeAs(dtype, values.subarray(first, end)); });
}

/** Rows [first, end) of scratch, sharing its memory; dx is there once. */
function rowsOf(scratch: Scratch, first: number, end: number, plan: Plan): Scratch {
  const cut = (array: Float64Array, width: number): Float64Array => array.subarray(first * width, end * width);
  const a = scratch.a.map((array, s) => cut(array, plan.stages[s].units));
  const x = scratch.x.map((array, s) => {
    if (s === 0) return cut(array, plan.spec.inputSize);
    // Without dropout a layer's output is the next one's input: one array, and it stays one.
    return array === scratch.a[s - 1] ? a[s - 1] : cut(array, plan.stages[s - 1].units);
  });
  const z = scratch.z.map((array, s) => (array === null ? null : cut(array, plan.stages[s].units)));
  return { capacity: end - first, x, z, a, d: scratch.d.map((array, s) => cut(array, plan.stages[s].units)), dx: scratch.dx };
}
