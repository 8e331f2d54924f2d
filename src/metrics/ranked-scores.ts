import { checkInteger, checkName, checkText } from '../base/checks.js';
import { BinaryScores } from './binary-scores.js';
import { MAX_OUTPUTS, checkTargetLabels, checkValues, checkWholeRows, type Numbers } from './input.js';

/** How figures of several classes become one. */
export type ScoreAverage = 'macro' | 'weighted';

/** Each class against the rest, slice by slice. Keeps every score: 8 bytes a row and class. */
export class RankedScores {
  readonly classes: number;
  readonly #scores: readonly BinaryScores[];
  readonly #op: string;

  /** @param classes scores a row; 1: the score of class 1 of two @param op what errors name @throws ERR_TYPE, ERR_RANGE */
  constructor(classes: number, op = 'RankedScores.update') {
    this.#op = checkText('RankedScores', 'op', op);
    this.classes = checkInteger(op, 'classes', classes, 1, MAX_OUTPUTS);
    this.#scores = Array.from({ length: classes }, () => new BinaryScores());
  }

  /** Adds rows. @param targets labels (rows) or one-hot (rows, classes) @param scores (rows, classes) @returns this @throws ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE */
  update(targets: Numbers, scores: Numbers): this {
    const op = this.#op;
    const values = checkValues(op, 'scores', scores);
    const rows = checkWholeRows(op, 'scores', values.length, this.classes);
    const labels = checkTargetLabels(op, targets, rows, this.classes);
    const shift = this.classes === 1 ? 1 : 0;
    for (let row = 0; row < rows; row++) {
      for (let unit = 0; unit < this.classes; unit++) this.add(unit, labels[row] === unit + shift, values[row * this.classes + unit]);
    }
    return this;
  }

  /** One element. @param unit 0 to classes-1 @param positive whether it is of class `unit` @param score any number @throws ERR_RANGE, ERR_TYPE */
  add(unit: number, positive: boolean, score: number): void {
    if (typeof unit !== 'number' || this.#scores[unit] === undefined) checkInteger('RankedScores.add', 'unit', unit, 0, this.classes - 1);
    this.#scores[unit].add(positive, score);
  }

  /** Each class against the rest; NaN for one that never or always occurs. */
  rocAucPerClass(): number[] {
    return this.#scores.map((scores) => scores.rocAuc());
  }
  /** Mean over the classes. @param average 'macro' (default) or 'weighted' by support @returns NaN where a class never or always occurs */
  rocAuc(average: ScoreAverage = 'macro'): number {
    return this.#mean(this.rocAucPerClass(), average);
  }
  /** Mean over the classes of the average precision. @returns NaN where a class never occurs */
  averagePrecision(average: ScoreAverage = 'macro'): number {
    return this.#mean(this.#scores.map((scores) => scores.averagePrecision()), average);
  }

  #mean(figures: readonly number[], average: ScoreAverage): number {
    checkName(this.#op, 'average', average, ['macro', 'weighted']);
    let sum = 0;
    let total = 0;
    figures.forEach((figure, k) => {
      const weight = average === 'macro' ? 1 : this.#scores[k].support;
      sum += figure * weight;
      total += weight;
    });
    return sum / total;
  }
}
