import { checkInteger, checkText } from '../base/checks.js';
import { checkTargetLabels, checkValues, checkWholeRows, type Numbers } from './input.js';

/** Rows whose class is among the k largest scores, slice by slice. Of equal scores the lower class index ranks first, as in argmax. */
export class TopKAccuracy {
  readonly classes: number;
  readonly k: number;
  readonly #op: string;
  #right = 0;
  #rows = 0;

  /** @param classes 2 or more @param k 1 or more, default 5; from `classes` on every row is right @param op what errors name @throws ERR_TYPE, ERR_RANGE */
  constructor(classes: number, k = 5, op = 'TopKAccuracy.update') {
    this.#op = checkText('TopKAccuracy', 'op', op);
    this.classes = checkInteger(op, 'classes', classes, 2);
    this.k = checkInteger(op, 'k', k, 1);
  }

  /** Adds rows. @param targets labels (rows) or one-hot (rows, classes) @param scores (rows, classes) @returns this @throws ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE */
  update(targets: Numbers, scores: Numbers): this {
    const op = this.#op;
    const values = checkValues(op, 'scores', scores);
    const rows = checkWholeRows(op, 'scores', values.length, this.classes);
    const labels = checkTargetLabels(op, targets, rows, this.classes);
    for (let row = 0; row < rows; row++) if (isAmongTop(values, row * this.classes, this.classes, labels[row], this.k)) this.#right += 1;
    this.#rows += rows;
    return this;
  }

  /** Right rows / rows; NaN without rows. */
  result(): number {
    return this.#right / this.#rows;
  }
}

/** Fewer than k classes rank before the label. */
export function isAmongTop(scores: ArrayLike<number>, start: number, classes: number, label: number, k: number): boolean {
  const own = scores[start + label];
  let before = 0;
  for (let unit = 0; unit < classes; unit++) {
    const score = scores[start + unit];
    if (score > own || (score === own && unit < label)) before += 1;
  }
  return before < k;
}
