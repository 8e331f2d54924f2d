import { checkInteger, checkOptions, checkReal, checkText } from '../base/checks.js';
import { NablaError } from '../base/errors.js';
import { argmax, checkSampleWeight, checkTargetLabels, checkValues, checkWholeRows, PROBABILITY, type Numbers } from './input.js';

/** Rows whose predicted probability lies in (from, to]; the first bin has 0 too. */
export interface CalibrationBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Mean predicted probability; NaN in an empty bin. */
  readonly confidence: number;
  /** Fraction that was right (several classes) or of class 1 (one probability a row); NaN in an empty bin. */
  readonly frequency: number;
}
/** How far predicted probabilities are from what happened. */
export interface Calibration {
  readonly bins: CalibrationBin[];
  /** Σ count/rows · |frequency - confidence|. */
  readonly expectedCalibrationError: number;
  /** The largest |frequency - confidence| of a bin. */
  readonly maximumCalibrationError: number;
}
/** Options of {@link ProbabilityScores}. */
export interface ProbabilityOptions {
  /** Probabilities are clipped to [ε, 1 - ε] in the log loss; default 2^-52, from 0 (then Infinity is possible) to below 0.5. */
  readonly epsilon?: number;
  /** Bins of equal width, default 10. */
  readonly bins?: number;
}

/** float32 softmax sums stay within 1e-6; what is further off is no distribution. */
const SUM_TOLERANCE = 1e-4;

/** Log loss, Brier score and calibration, slice by slice. Figures of no rows are NaN. */
export class ProbabilityScores {
  readonly classes: number;
  readonly #op: string;
  readonly #epsilon: number;
  readonly #bins: number;
  readonly #counts: Float64Array;
  readonly #confidences: Float64Array;
  readonly #hits: Float64Array;
  /** Of the rows; their number where none is given. */
  #weight = 0;
  #logSum = 0;
  #brierSum = 0;

  /** @param classes probabilities a row; 1: the probability of class 1 of two @param options see {@link ProbabilityOptions} @param op what errors name @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
  constructor(classes: number, options: ProbabilityOptions = {}, op = 'ProbabilityScores.update') {
    this.#op = checkText('ProbabilityScores', 'op', op);
    checkOptions(op, options, ['epsilon', 'bins']);
    this.classes = checkInteger(op, 'classes', classes, 1);
    this.#epsilon = checkReal(op, 'epsilon', options.epsilon ?? 2 ** -52, { minimum: 0, maximum: 0.5, maximumOpen: true });
    this.#bins = checkInteger(op, 'bins', options.bins ?? 10, 1, 1_000_000);
    this.#counts = new Float64Array(this.#bins);
    this.#confidences = new Float64Array(this.#bins);
    this.#hits = new Float64Array(this.#bins);
  }

  /**
   * Adds rows. @param targets labels (rows) or one-hot (rows, classes) @param probabilities (rows, classes), each row summing to 1
   * @param sampleWeight (rows), default 1 @returns this @throws ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE
   */
  update(targets: Numbers, probabilities: Numbers, sampleWeight?: Numbers): this {
    const op = this.#op;
    const { classes } = this;
    const values = checkValues(op, 'probabilities', probabilities, PROBABILITY);
    const rows = checkWholeRows(op, 'probabilities', values.length, classes);
    const labels = checkTargetLabels(op, targets, rows, classes);
    if (classes > 1) checkSums(op, values, rows, classes);
    const weights = checkSampleWeight(op, sampleWeight, rows);
    for (let row = 0; row < rows; row++) {
      const weight = weights?.[row] ?? 1;
      if (classes === 1) this.#addBinary(labels[row], values[row], weight);
      else this.#addRow(labels[row], values, row * classes, weight);
      this.#weight += weight;
    }
    return this;
  }

  #addBinary(label: number, p: number, weight: number): void {
    const ofOne = this.#clip(p);
    const ofZero = this.#clip(1 - p);
    this.#logSum -= weight * Math.log((label === 1 ? ofOne : ofZero) / (ofOne + ofZero));
    this.#brierSum += weight * (p - label) ** 2;
    this.#addToBin(p, label, weight);
  }

  #addRow(label: number, values: ArrayLike<number>, start: number, weight: number): void {
    let sum = 0;
    let squares = 0;
    for (let unit = 0; unit < this.classes; unit++) {
      const p = values[start + unit];
      sum += this.#clip(p);
      squares += (p - (unit === label ? 1 : 0)) ** 2;
    }
    this.#logSum -= weight * Math.log(this.#clip(values[start + label]) / sum);
    this.#brierSum += weight * squares;
    const best = argmax(values, start, this.classes);
    this.#addToBin(values[start + best], best === label ? 1 : 0, weight);
  }

  #clip(p: number): number {
    return Math.min(Math.max(p, this.#epsilon), 1 - this.#epsilon);
  }

  #addToBin(p: number, hit: number, weight: number): void {
    // A probability on an edge belongs to the bin below; the product may round to either side of it.
    let bin = Math.min(Math.floor(p * this.#bins), this.#bins - 1);
    while (bin > 0 && p <= bin / this.#bins) bin -= 1;
    while (bin < this.#bins - 1 && p > (bin + 1) / this.#bins) bin += 1;
    this.#counts[bin] += weight;
    this.#confidences[bin] += weight * p;
    this.#hits[bin] += weight * hit;
  }

  /** Mean of -log p[target], natural logarithm; rows are clipped and made to sum to 1 (scikit-learn 1.2). */
  logLoss(): number {
    return this.#logSum / this.#weight;
  }

  /** One probability a row: mean (p - y)². Several: mean of Σₖ (pₖ - yₖ)², 0 to 2; G. W. Brier, Mon. Weather Rev. 78 (1950) 1. */
  brierScore(): number {
    return this.#brierSum / this.#weight;
  }

  /** One probability a row: it against the frequency of class 1. Several: the largest one against being right; C. Guo et al., ICML 2017, eq. 3. */
  calibration(): Calibration {
    let expected = 0;
    let maximum = this.#weight === 0 ? NaN : 0;
    const bins = Array.from({ length: this.#bins }, (_, bin) => {
      const count = this.#counts[bin];
      const confidence = this.#confidences[bin] / count;
      const frequency = this.#hits[bin] / count;
      if (count > 0) {
        expected += count * Math.abs(frequency - confidence);
        maximum = Math.max(maximum, Math.abs(frequency - confidence));
      }
      return { from: bin / this.#bins, to: (bin + 1) / this.#bins, count, confidence, frequency };
    });
    return { bins, expectedCalibrationError: expected / this.#weight, maximumCalibrationError: maximum };
  }
}

function checkSums(op: string, values: ArrayLike<number>, rows: number, classes: number): void {
  for (let row = 0; row < rows; row++) {
    let sum = 0;
    for (let unit = 0; unit < classes; unit++) sum += values[row * classes + unit];
    if (!(Math.abs(sum - 1) <= SUM_TOLERANCE)) {
      throw new NablaError('ERR_RANGE', `[${op}] the probabilities of a row sum to 1. Expected 1 within ${SUM_TOLERANCE} in row ${row} of probabilities, received ${sum}.`);
    }
  }
}
