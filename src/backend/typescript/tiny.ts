// The smallest networks on one small batch that stays the same from step to step: what a step needs is made once, and the products are plain
// loops. The usual way costs these networks more in calls and arrays than in arithmetic. Same chains, same bits.
import { sigmoid, tanh } from '../../math/elementary.js';
import { isLayered, isOfZ } from '../contract/spec.js';
import { activationBackward, activationForward, type PlainActivation } from './activations.js';
import type { Loss, TargetRows } from './loss.js';
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
  readonly name: PlainActivation['name'];
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
  /** Right predictions of the last step. */
  correct = 0;
  readonly #batch: TinyRows;
  readonly #rows: number;
  readonly #single: boolean;
  readonly #loss: Loss;
  readonly #stages: readonly TinyStage[];
  readonly #lossLanes = new Float64Array(8);
  readonly #lanes: Float64Array;

  /** @param plan one that {@link isTiny} takes @param loss its loss @param parameters read at every step @param gradients written by every step, both in canonical order */
  constructor(plan: Plan, loss: Loss, parameters: readonly Float64Array[], gradients: readonly Float64Array[], batch: TinyRows) {
    this.#batch = batch;
    this.#rows = batch.rows;
    this.#single = plan.spec.dtype === 'float32';
    this.#loss = loss;
    this.#lanes = new Float64Array(laneCount(plan.spec.dtype));
    const stages: TinyStage[] = [];
    let { x } = batch;
    for (const { dense, inputs, units, weight, bias } of plan.stages) {
      if (isOfZ(dense.activation)) continue;
      const a = new Float64Array(batch.rows * units);
      stages.push({
        inputs, units, x, a, name: dense.activation.name, d: new Float64Array(batch.rows * units),
        weight: parameters[weight], dweight: gradients[weight], bias: bias < 0 ? null : parameters[bias], dbias: bias < 0 ? null : gradients[bias],
      });
      x = a;
    }
    this.#stages = stages;
  }

  /**
   * One function for all loops: an engine compiles it once, and soon; of small ones it would make a copy in every caller.
   * @returns the batch's loss without penalties; its gradients are left where the constructor was told
   */
  step(): number {
    const rows = this.#rows;
    const single = this.#single;
    const stages = this.#stages;
    // x (rows, inputs), weight (units, inputs), bias (units) or null -> a (rows, units)
    for (let s = 0; s < stages.length; s++) {
      const { x, weight, bias, a, inputs, units, name } = stages[s];
      for (let row = 0, at = 0; row < rows; row++) {
        for (let o = 0, w = 0; o < units; o++, at++) {
          let z = 0;
          for (let i = 0, from = row * inputs; i < inputs; i++, w++) z += x[from + i] * weight[w];
          a[at] = bias === null ? z : z + bias[o];
        }
      }
      if (name === 'sigmoid') for (let i = 0; i < a.length; i++) a[i] = sigmoid(a[i]);
      else if (name === 'tanh') for (let i = 0; i < a.length; i++) a[i] = tanh(a[i]);
      else if (name === 'relu') for (let i = 0; i < a.length; i++) a[i] = a[i] < 0 ? 0 : a[i];
      else if (name === 'softmax') activationForward({ name }, a, rows, units, this.#lanes);
      if (single) for (let i = 0; i < a.length; i++) a[i] = Math.fround(a[i]);
    }
    const loss = this.#lossRows(stages[stages.length - 1]);
    for (let s = stages.length - 1; s >= 0; s--) {
      const { x, weight, dweight, dbias, a, d, inputs, units, name } = stages[s];
      // a, da (rows, units) -> dz, in da's place
      if (name === 'softmax') activationBackward({ name }, a, d, rows, units, this.#lanes);
      for (let i = 0; i < d.length; i++) {
        let dz = d[i];
        if (name === 'sigmoid') dz *= a[i] * (1 - a[i]);
        else if (name === 'tanh') dz *= 1 - a[i] * a[i];
        else if (name === 'relu' && !(a[i] > 0)) dz = 0;
        d[i] = single ? Math.fround(dz) : dz;
      }
      // dz (rows, units), x (rows, inputs) -> dweight (units, inputs), dbias (units)
      for (let o = 0, w = 0; o < units; o++) {
        for (let i = 0; i < inputs; i++, w++) {
          let sum = 0;
          for (let row = 0, from = o, at = i; row < rows; row++, from += units, at += inputs) sum += d[from] * x[at];
          dweight[w] = single ? Math.fround(sum) : sum;
        }
        if (dbias === null) continue;
        let sum = 0;
        for (let row = 0, from = o; row < rows; row++, from += units) sum += d[from];
        dbias[o] = single ? Math.fround(sum) : sum;
      }
      if (s === 0) break;
      // dz (rows, units), weight (units, inputs) -> da of the stage before (rows, inputs)
      const da = stages[s - 1].d;
      for (let row = 0, at = 0; row < rows; row++) {
        for (let i = 0; i < inputs; i++, at++) {
          let sum = 0;
          for (let o = 0, from = row * units, w = i; o < units; o++, w += inputs) sum += d[from + o] * weight[w];
          da[at] = sum;
        }
      }
    }
    return loss;
  }

  /** a (rows, outputs) -> the batch's loss, its gradient in d, right predictions in `correct`. */
  #lossRows({ a, d, units }: TinyStage): number {
    const { targets, weights, scales, denominator } = this.#batch;
    const rows = this.#rows;
    const lanes = this.#lossLanes;
    const loss = this.#loss;
    for (let lane = 0; lane < lanes.length; lane++) lanes[lane] = 0;
    let correct = 0;
    for (let row = 0; row < rows; row++) {
      lanes[row & 7] += weights[row] * loss.row(a, row * units, targets, row, scales[row], d);
      if (loss.countsCorrect) correct += loss.correct(a, row * units, targets, row);
    }
    if (this.#single) storeAs('float32', d);
    this.correct = correct;
    return foldLanes(lanes) / denominator;
  }
}
