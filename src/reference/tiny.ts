// The smallest networks on one small batch that stays the same from step to step: what a step needs is made once, and the products are plain
// loops. The usual way costs these networks more in calls and arrays than in arithmetic. Same chains, same bits.
import { isLayered, isOfZ } from '../backend/spec.js';
import { activationBackward, activationForward, type PlainActivation } from './activations.js';
import type { TargetRows } from './loss.js';
import type { BatchResult } from './network.js';
import type { Plan } from './plan.js';
import { foldLanes, laneCount, storeAs } from './reductions.js';

/** Rows of the batch and products of a sample, summed over the layers, at most: a choice, where lists and tiles begin to pay. */
const MOST_ROWS = 16, MOST_PRODUCTS = 64;

/** Whether a plan on batches of `rows` rows is one for {@link TinyBatch}. */
export function isTiny(plan: Plan, rows: number): boolean {
  if (rows > MOST_ROWS || plan.loss === null || plan.inputDropouts.length > 0 || isLayered(plan.spec)) return false;
  if (plan.stages.some(({ dense, dropouts }) => isOfZ(dense.activation) || dropouts.length > 0)) return false;
  return plan.stages.reduce((sum, { inputs, units }) => sum + inputs * units, 0) <= MOST_PRODUCTS;
}

interface TinyStage {
  readonly inputs: number;
  readonly units: number;
  readonly activation: PlainActivation;
  readonly weight: Float64Array;
  readonly bias: Float64Array | null;
  readonly dweight: Float64Array;
  readonly dbias: Float64Array | null;
  /** (rows, inputs): the stage before it writes here. */
  readonly x: Float64Array;
  readonly a: Float64Array;
  readonly d: Float64Array;
}

/** What a batch brings along. */
export interface TinyRows {
  readonly rows: number;
  /** (rows, features), rescaled. */
  readonly x: Float64Array;
  readonly targets: TargetRows;
  /** (rows): each row's weight, and that over the denominator, rounded. */
  readonly weights: Float64Array;
  readonly scales: Float64Array;
  readonly denominator: number;
}

export class TinyBatch {
  readonly #plan: Plan;
  readonly #batch: TinyRows;
  readonly #stages: readonly TinyStage[];
  readonly #lossLanes = new Float64Array(8);
  readonly #lanes: Float64Array;

  /** @param plan one that {@link isTiny} takes @param parameters read at every step @param gradients written by every step, both in canonical order */
  constructor(plan: Plan, parameters: readonly Float64Array[], gradients: readonly Float64Array[], batch: TinyRows) {
    this.#plan = plan;
    this.#batch = batch;
    this.#lanes = new Float64Array(laneCount(plan.spec.dtype));
    const stages: TinyStage[] = [];
    let { x } = batch;
    for (const { dense, inputs, units, weight, bias } of plan.stages) {
      if (isOfZ(dense.activation)) continue;
      const a = new Float64Array(batch.rows * units);
      stages.push({
        inputs, units, x, a, activation: dense.activation, d: new Float64Array(batch.rows * units),
        weight: parameters[weight], dweight: gradients[weight], bias: bias < 0 ? null : parameters[bias], dbias: bias < 0 ? null : gradients[bias],
      });
      x = a;
    }
    this.#stages = stages;
  }

  /** Loss of the batch, its gradients left where the constructor was told. */
  step(): BatchResult {
    const { rows, targets, weights, scales, denominator } = this.#batch;
    const { spec, loss, outputs } = this.#plan;
    const { dtype } = spec;
    for (const { x, weight, bias, a, inputs, units, activation } of this.#stages) {
      forward(x, weight, bias, a, rows, inputs, units);
      activationForward(activation, a, rows, units, this.#lanes);
      storeAs(dtype, a);
    }
    const last = this.#stages[this.#stages.length - 1];
    this.#lossLanes.fill(0);
    let correct = 0;
    for (let row = 0; row < rows && loss !== null; row++) {
      this.#lossLanes[row & 7] += weights[row] * loss.row(last.a, row * outputs, targets, row, scales[row], last.d);
      if (loss.countsCorrect) correct += loss.correct(last.a, row * outputs, targets, row);
    }
    storeAs(dtype, last.d);
    for (let s = this.#stages.length - 1; s >= 0; s--) {
      const { x, weight, dweight, dbias, a, d, inputs, units, activation } = this.#stages[s];
      activationBackward(activation, a, d, rows, units, this.#lanes);
      storeAs(dtype, d);
      backward(x, d, dweight, dbias, rows, inputs, units);
      storeAs(dtype, dweight);
      if (dbias !== null) storeAs(dtype, dbias);
      if (s > 0) backwardInput(d, weight, this.#stages[s - 1].d, rows, inputs, units);
    }
    return { lossSum: foldLanes(this.#lossLanes), denominator, correct };
  }
}

/** x (rows, inputs), weight (units, inputs), bias (units) or null -> z (rows, units). */
function forward(x: Float64Array, weight: Float64Array, bias: Float64Array | null, z: Float64Array, rows: number, inputs: number, units: number): void {
  for (let row = 0; row < rows; row++) {
    for (let o = 0; o < units; o++) {
      let sum = 0;
      for (let i = 0; i < inputs; i++) sum += x[row * inputs + i] * weight[o * inputs + i];
      z[row * units + o] = bias === null ? sum : sum + bias[o];
    }
  }
}

/** dz (rows, units), x (rows, inputs) -> dweight (units, inputs), dbias (units). */
function backward(x: Float64Array, dz: Float64Array, dweight: Float64Array, dbias: Float64Array | null, rows: number, inputs: number, units: number): void {
  for (let o = 0; o < units; o++) {
    for (let i = 0; i < inputs; i++) {
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += dz[row * units + o] * x[row * inputs + i];
      dweight[o * inputs + i] = sum;
    }
    if (dbias === null) continue;
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += dz[row * units + o];
    dbias[o] = sum;
  }
}

/** dz (rows, units), weight (units, inputs) -> dx (rows, inputs). */
function backwardInput(dz: Float64Array, weight: Float64Array, dx: Float64Array, rows: number, inputs: number, units: number): void {
  for (let row = 0; row < rows; row++) {
    for (let i = 0; i < inputs; i++) {
      let sum = 0;
      for (let o = 0; o < units; o++) sum += dz[row * units + o] * weight[o * inputs + i];
      dx[row * inputs + i] = sum;
    }
  }
}
