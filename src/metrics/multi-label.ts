import { checkInteger, checkReal, checkText } from '../base/checks.js';
import { ClassCounts, type ClassFigures } from './class-counts.js';
import { MAX_OUTPUTS, checkSameLength, checkSampleWeight, checkValues, checkWholeRows, checkZeroDivision, PROBABILITY, type Numbers } from './input.js';

/**
 * Counts of yes-or-no targets, any number of them a row, slice by slice. A target counts as yes from 0.5 on, a score from the threshold on.
 * Figures of no rows are NaN.
 */
export class MultiLabelCounts {
  readonly labels: number;
  readonly threshold: number;
  readonly #op: string;
  readonly #counts: ClassCounts;
  #rows = 0;
  #weight = 0;
  #elementsRight = 0;
  #rowsRight = 0;

  /** @param labels values a row, 1 for binary @param threshold default 0.5 @param op what errors name @throws ERR_TYPE, ERR_RANGE */
  constructor(labels: number, threshold = 0.5, op = 'MultiLabelCounts.update') {
    this.#op = checkText('MultiLabelCounts', 'op', op);
    this.labels = checkInteger(op, 'labels', labels, 1, MAX_OUTPUTS);
    this.threshold = checkReal(op, 'threshold', threshold);
    this.#counts = new ClassCounts(labels);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Adds rows. @param targets (rows, labels) from 0 to 1 @param scores (rows, labels) @param sampleWeight (rows), default 1 @returns this @throws ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE */
  update(targets: Numbers, scores: Numbers, sampleWeight?: Numbers): this {
    const op = this.#op;
    const wanted = checkValues(op, 'targets', targets, PROBABILITY);
    const given = checkValues(op, 'scores', scores);
    checkSameLength(op, 'scores', given.length, wanted.length);
    const rows = checkWholeRows(op, 'targets', wanted.length, this.labels);
    const weights = checkSampleWeight(op, sampleWeight, rows);
    for (let row = 0; row < rows; row++) {
      const weight = weights?.[row] ?? 1;
      let right = 0;
      for (let unit = 0; unit < this.labels; unit++) {
        const yes = wanted[row * this.labels + unit] >= 0.5;
        const said = given[row * this.labels + unit] >= this.threshold;
        this.#counts.addElement(unit, yes, said, weight);
        if (yes === said) right += 1;
      }
      this.#elementsRight += weight * right;
      if (right === this.labels) this.#rowsRight += weight;
      this.#weight += weight;
    }
    this.#rows += rows;
    return this;
  }

  /** Right elements / elements (Keras' binary accuracy). */
  binaryAccuracy(): number {
    return this.#elementsRight / (this.#weight * this.labels);
  }
  /** Rows with every element right / rows (scikit-learn's accuracy of multi-label rows). */
  subsetAccuracy(): number {
    return this.#rowsRight / this.#weight;
  }
  /** @param zeroDivision what 0/0 is, 0 (default) or 1 */
  precisionRecallF1(zeroDivision: 0 | 1 = 0): ClassFigures {
    return this.#counts.figures(checkZeroDivision('MultiLabelCounts.precisionRecallF1', zeroDivision));
  }
}
