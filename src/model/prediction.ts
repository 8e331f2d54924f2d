import type { FloatArray } from '../base/arrays.js';
import { NablaError, show } from '../base/errors.js';
import { grouped, inspectAs } from '../base/inspected.js';

/** Outputs of the first row that console.log prints. */
const SHOWN = 10;

/** What predict returns: one flat array of (rows, outputs), with ways to look at it. */
export class Prediction<Data extends FloatArray = FloatArray> {
  /** (rows, outputs), row-major; yours to keep and to change. */
  readonly data: Data;
  /** [rows, outputs] */
  readonly shape: readonly [rows: number, outputs: number];
  readonly #threshold: number | null;
  static {
    inspectAs(this, 'Prediction', ({ data, shape: [rows, outputs] }: Prediction) => {
      const first = Array.from(data.subarray(0, Math.min(outputs, SHOWN)), (value) => String(Number(value.toPrecision(4))));
      const type = data instanceof Float32Array ? 'float32' : 'float64';
      return `${grouped(rows)} x ${grouped(outputs)}, ${type}; row 0: ${first.join(', ')}${outputs > SHOWN ? ', …' : ''}`;
    });
  }

  /** @param data (rows, outputs) @param rows number of samples @param threshold with one output: values from here on are class 1; null: no classes */
  constructor(data: Data, rows: number, threshold: number | null) {
    const given: unknown = data;
    if (!(given instanceof Float32Array || given instanceof Float64Array)) throw new NablaError('ERR_TYPE', `[Prediction] outputs lie in one array. Expected Float32Array or Float64Array for data, received ${show(given)}.`);
    if (!Number.isInteger(rows) || rows < 1 || data.length % rows !== 0) throw new NablaError('ERR_SHAPE', `[Prediction] data holds whole rows. Expected a divisor of ${data.length} for rows, received ${show(rows)}.`);
    if (threshold !== null && typeof threshold !== 'number') throw new NablaError('ERR_TYPE', `[Prediction] a threshold is a number. Expected one or null for threshold, received ${show(threshold)}.`);
    this.data = data;
    this.shape = [rows, data.length / rows];
    this.#threshold = threshold;
  }

  /** Number of samples. */
  get rows(): number {
    return this.shape[0];
  }

  /** Outputs of one sample, a view of `data`. @param index 0 to rows-1 @throws ERR_RANGE */
  row(index: number): FloatArray {
    const [rows, outputs] = this.shape;
    if (!Number.isInteger(index) || index < 0 || index >= rows) {
      throw new NablaError('ERR_RANGE', `[Prediction.row] a row is one of the samples. Expected 0 to ${rows - 1} for index, received ${show(index)}.`);
    }
    return this.data.subarray(index * outputs, (index + 1) * outputs);
  }

  /** Position of each row's largest output, the first of equals; for a single sigmoid output 1 from probability 0.5 on, else 0. @returns (rows) */
  argmax(): Uint32Array {
    const [rows, outputs] = this.shape;
    const { data } = this;
    const classes = new Uint32Array(rows);
    if (outputs === 1) {
      if (this.#threshold !== null) for (let row = 0; row < rows; row++) classes[row] = data[row] >= this.#threshold ? 1 : 0;
      return classes;
    }
    for (let row = 0; row < rows; row++) {
      const start = row * outputs;
      let best = 0;
      for (let unit = 1; unit < outputs; unit++) if (data[start + unit] > data[start + best]) best = unit;
      classes[row] = best;
    }
    return classes;
  }
}
