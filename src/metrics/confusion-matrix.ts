import { checkInteger } from '../base/checks.js';
import { ClassCounts, type ClassFigures } from './class-counts.js';
import { checkZeroDivision, checkLabels, checkSameLength, checkSampleWeight, MAX_CLASSES, type Numbers } from './input.js';

/**
 * Counts of (target, prediction) pairs of several classes, slice by slice. Figures of no rows are NaN.
 * @example
 * const table = new metrics.ConfusionMatrix(3).update([0, 1, 2], [0, 2, 2]);
 * table.matrix(); // [[1, 0, 0], [0, 0, 1], [0, 0, 1]]
 */
export class ConfusionMatrix {
  readonly classes: number;
  readonly #counts: Float64Array;
  #rows = 0;
  /** Of the rows; their number where none is given. */
  #weight = 0;

  /** @param classes 1 to 4096 @throws ERR_TYPE, ERR_RANGE */
  constructor(classes: number) {
    this.classes = checkInteger('ConfusionMatrix', 'classes', classes, 1, MAX_CLASSES);
    this.#counts = new Float64Array(classes * classes);
  }

  /** Rows seen. */
  get rows(): number {
    return this.#rows;
  }

  /** Adds rows. @param targets labels @param predictions labels @param sampleWeight (rows), default 1 @returns this @throws ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE */
  update(targets: Numbers, predictions: Numbers, sampleWeight?: Numbers): this {
    const op = 'ConfusionMatrix.update';
    const wanted = checkLabels(op, 'targets', targets, this.classes);
    const found = checkLabels(op, 'predictions', predictions, this.classes);
    checkSameLength(op, 'predictions', found.length, wanted.length);
    const weights = checkSampleWeight(op, sampleWeight, wanted.length);
    for (let i = 0; i < wanted.length; i++) {
      const weight = weights?.[i] ?? 1;
      this.#counts[wanted[i] * this.classes + found[i]] += weight;
      this.#weight += weight;
    }
    this.#rows += wanted.length;
    return this;
  }

  /** (classes, classes): rows are targets, columns predictions; weights where there are some. */
  matrix(): number[][] {
    return Array.from({ length: this.classes }, (_, k) => Array.from(this.#counts.subarray(k * this.classes, (k + 1) * this.classes)));
  }

  /** Right rows / rows. */
  accuracy(): number {
    return this.#right() / this.#weight;
  }

  /** Mean recall of the classes that occur as targets (scikit-learn). */
  balancedAccuracy(): number {
    const { truePositives, support } = this.#classCounts();
    let sum = 0;
    let occurring = 0;
    for (let k = 0; k < this.classes; k++) {
      if (support[k] === 0) continue;
      sum += truePositives[k] / support[k];
      occurring += 1;
    }
    return sum / occurring;
  }

  /** (c·s - Σ pₖtₖ) / √((s² - Σ pₖ²)(s² - Σ tₖ²)), 0 where the root is 0; J. Gorodkin, Comput. Biol. Chem. 28 (2004) 367, as scikit-learn has it. */
  matthewsCorrelation(): number {
    const { predicted, support } = this.#classCounts();
    const s = this.#weight;
    if (s === 0) return NaN;
    let both = 0;
    let ofPredicted = 0;
    let ofSupport = 0;
    for (let k = 0; k < this.classes; k++) {
      both += predicted[k] * support[k];
      ofPredicted += predicted[k] * predicted[k];
      ofSupport += support[k] * support[k];
    }
    const square = (s * s - ofPredicted) * (s * s - ofSupport);
    return square === 0 ? 0 : (this.#right() * s - both) / Math.sqrt(square);
  }

  /** @param zeroDivision what 0/0 is, 0 (default) or 1 */
  precisionRecallF1(zeroDivision: 0 | 1 = 0): ClassFigures {
    return this.#classCounts().figures(checkZeroDivision('ConfusionMatrix.precisionRecallF1', zeroDivision));
  }

  #right(): number {
    let right = 0;
    for (let k = 0; k < this.classes; k++) right += this.#counts[k * this.classes + k];
    return right;
  }

  #classCounts(): ClassCounts {
    const counts = new ClassCounts(this.classes);
    for (let k = 0; k < this.classes; k++) {
      counts.truePositives[k] = this.#counts[k * this.classes + k];
      for (let j = 0; j < this.classes; j++) {
        counts.support[k] += this.#counts[k * this.classes + j];
        counts.predicted[k] += this.#counts[j * this.classes + k];
      }
    }
    return counts;
  }
}
