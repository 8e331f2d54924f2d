// What a loss offers the training step.
import type { Reduction } from '../contract/spec.js';

/** What a batch's rows aim at: labels (rows), or values (rows, outputs) where labels is null. */
export interface TargetRows {
  readonly labels: Int32Array | null;
  readonly values: Float64Array;
}

/** A loss with its constants worked out. */
export interface Loss {
  readonly reduction: Reduction;
  /** The loss has a notion of right predictions. */
  readonly countsCorrect: boolean;
  /** One weight a class where the mean divides by the weights of the labels, else null. */
  readonly classWeights: Float64Array | null;
  /** The mean divides by rows times this. */
  readonly meanFactor: number;
  /** logits (outputs) at zAt, target of `row`, g -> the row's loss; its gradient goes to dz at zAt unless dz is null. */
  row(z: Float64Array, zAt: number, targets: TargetRows, row: number, g: number, dz: Float64Array | null): number;
  /** Right predictions of one row. */
  correct(z: Float64Array, zAt: number, targets: TargetRows, row: number): number;
}
