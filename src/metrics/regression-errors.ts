import { checkInteger, checkReal, checkText } from '../base/checks.js';
import { NablaError, show } from '../base/errors.js';
import { MAX_OUTPUTS, checkSameLength, checkSampleWeight, checkValues, checkWholeRows, type Numbers } from './input.js';

/** Figures of one output. */
export interface RegressionFigures {
  readonly meanSquaredError: number;
  readonly meanAbsoluteError: number;
  readonly rootMeanSquaredError: number;
  readonly r2: number;
}

/** Squared and absolute errors and R², slice by slice. Figures of no rows are NaN. */
export class RegressionErrors {
  readonly outputs: number;
  readonly #op: string;
  #rows = 0;
  /** Of the rows; their number where none is given. */
  #weight = 0;
  readonly #squares: Float64Array;
  readonly #absolutes: Float64Array;
  /** The first target of each output: differences from it are small where the targets have a large common part. */
  readonly #origin: Float64Array;
  readonly #mean: Float64Array;
  readonly #spread: Float64Array;

  /** @param outputs values a row, default 1 @param op what errors name @throws ERR_TYPE, ERR_RANGE */
  constructor(outputs = 1, op = 'RegressionErrors.update') {
    this.#op = checkText('RegressionErrors', 'op', op);
    this.outputs = checkInteger(op, 'outputs', outputs, 1, MAX_OUTPUTS);
    this.#squares = new Float64Array(outputs);
    this.#absolutes = new Float64Array(outputs);
    this.#origin = new Float64Array(outputs);
    this.#mean = new Float64Array(outputs);
    this.#spread = new Float64Array(outputs);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Adds rows. @param targets (rows, outputs) @param predictions (rows, outputs) @param sampleWeight (rows), default 1 @returns this @throws ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE */
  update(targets: Numbers, predictions: Numbers, sampleWeight?: Numbers): this {
    const op = this.#op;
    const wanted = checkValues(op, 'targets', targets);
    const found = checkValues(op, 'predictions', predictions);
    checkSameLength(op, 'predictions', found.length, wanted.length);
    const rows = checkWholeRows(op, 'targets', wanted.length, this.outputs);
    const weights = checkSampleWeight(op, sampleWeight, rows);
    for (let row = 0; row < rows; row++) this.addRow(wanted, row * this.outputs, found, row * this.outputs, weights?.[row] ?? 1);
    return this;
  }

  /** One row. @param targetStart where the row begins in targets @param start where it begins in predictions @param weight from 0, default 1 @throws ERR_TYPE, ERR_RANGE */
  addRow(targets: ArrayLike<number>, targetStart: number, predictions: ArrayLike<number>, start: number, weight = 1): void {
    this.#checkRow('targets', targets, targetStart);
    this.#checkRow('predictions', predictions, start);
    if (typeof weight !== 'number' || !(weight >= 0 && weight < Infinity)) checkReal('RegressionErrors.addRow', 'weight', weight, { minimum: 0 });
    this.#rows += 1;
    if (weight === 0) return;
    const first = this.#weight === 0;
    this.#weight += weight;
    for (let unit = 0; unit < this.outputs; unit++) {
      const target = targets[targetStart + unit];
      const error = predictions[start + unit] - target;
      this.#squares[unit] += weight * (error * error);
      this.#absolutes[unit] += weight * Math.abs(error);
      if (first) this.#origin[unit] = target;
      // B. P. Welford, Technometrics 4 (1962) 419: squared differences from the mean in one pass, without cancellation; with weights D. West, CACM 22 (1979) 532.
      const shifted = target - this.#origin[unit];
      const before = shifted - this.#mean[unit];
      this.#mean[unit] += (weight * before) / this.#weight;
      this.#spread[unit] += weight * before * (shifted - this.#mean[unit]);
    }
  }

  /** Mean of (prediction - target)² over rows and outputs. */
  meanSquaredError(): number {
    return this.#sum(this.#squares) / (this.#weight * this.outputs);
  }
  /** Mean of |prediction - target| over rows and outputs. */
  meanAbsoluteError(): number {
    return this.#sum(this.#absolutes) / (this.#weight * this.outputs);
  }
  /** √ of the mean squared error over rows and outputs (Keras). */
  rootMeanSquaredError(): number {
    return Math.sqrt(this.meanSquaredError());
  }
  /** Mean over the outputs of 1 - Σ(prediction - target)² / Σ(target - mean)² (scikit-learn). @returns NaN below two rows */
  r2Score(): number {
    let sum = 0;
    for (let unit = 0; unit < this.outputs; unit++) sum += this.#r2(unit);
    return sum / this.outputs;
  }
  /** Each output by itself. */
  perOutput(): RegressionFigures[] {
    return Array.from({ length: this.outputs }, (_, unit) => {
      const meanSquaredError = this.#squares[unit] / this.#weight;
      return { meanSquaredError, meanAbsoluteError: this.#absolutes[unit] / this.#weight, rootMeanSquaredError: Math.sqrt(meanSquaredError), r2: this.#r2(unit) };
    });
  }

  #checkRow(name: string, values: unknown, start: number): void {
    const fits = typeof values === 'object' && values !== null && Number.isInteger(start);
    for (let unit = 0; unit < this.outputs; unit++) {
      if (fits && typeof Reflect.get(values, start + unit) === 'number') continue;
      throw new NablaError('ERR_TYPE', `[RegressionErrors.addRow] a row is numbers. Expected ${this.outputs} from position ${show(start)} of ${name}, received ${show(values)}.`);
    }
  }

  #sum(values: Float64Array): number {
    return values.reduce((total, value) => total + value, 0);
  }

  /** A constant target has R² 1 where every prediction is exact, else 0. */
  #r2(unit: number): number {
    if (this.#rows < 2) return NaN;
    if (this.#spread[unit] === 0) return this.#squares[unit] === 0 ? 1 : this.#squares[unit] > 0 ? 0 : NaN;
    return 1 - this.#squares[unit] / this.#spread[unit];
  }
}
