// Checks of what metrics are given: flat arrays, row after row. Each names the first value that does not fit.
import { isNumericTypedArray, type NumericTypedArray } from '../base/arrays.js';
import { checkInteger } from '../base/checks.js';
import { NablaError, show } from '../base/errors.js';

/** Flat numbers: a typed array or an array. */
export type Numbers = NumericTypedArray | readonly number[];

/** Classes a table of counts may have; the table has their square. */
export const MAX_CLASSES = 4096;

/** Outputs, labels or classes a row may have where figures are kept for each. */
export const MAX_OUTPUTS = 1 << 20;

interface Range {
  readonly minimum: number;
  readonly maximum: number;
}
const ANY: Range = { minimum: -Infinity, maximum: Infinity };
/** Where probabilities lie. */
export const PROBABILITY: Range = { minimum: 0, maximum: 1 };

/** Finite numbers in a range, at least one. @returns a typed array; the given one where it is one @throws ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE, ERR_RANGE */
export function checkValues(op: string, name: string, value: unknown, { minimum, maximum }: Range = ANY): NumericTypedArray {
  const values = toFlat(op, name, value);
  if (values.length === 0) throw new NablaError('ERR_SHAPE', `[${op}] there is at least one row. Expected a non-empty ${name}, received no values.`);
  for (let i = 0; i < values.length; i++) {
    const number = values[i];
    if (!Number.isFinite(number)) throw new NablaError('ERR_NON_FINITE', `[${op}] ${name} is finite. Expected a finite number at position ${i} of ${name}, received ${show(number)}.`);
    if (number < minimum || number > maximum) {
      throw new NablaError('ERR_RANGE', `[${op}] ${name} lies in its range. Expected ${minimum} to ${maximum} at position ${i} of ${name}, received ${show(number)}.`);
    }
  }
  return values;
}

function toFlat(op: string, name: string, value: unknown): NumericTypedArray {
  if (isNumericTypedArray(value)) return value;
  if (!Array.isArray(value)) throw new NablaError('ERR_TYPE', `[${op}] ${name} holds numbers. Expected a typed array or a flat array of numbers for ${name}, received ${show(value)}.`);
  const source: readonly unknown[] = value;
  const values = new Float64Array(source.length);
  for (let i = 0; i < source.length; i++) {
    const item = source[i];
    if (typeof item !== 'number') throw new NablaError('ERR_TYPE', `[${op}] ${name} holds numbers. Expected a number at position ${i} of ${name} (rows lie behind each other), received ${show(item)}.`);
    values[i] = item;
  }
  return values;
}

/** Class indices. @param classes how many there are @throws ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE, ERR_RANGE */
export function checkLabels(op: string, name: string, value: unknown, classes: number): NumericTypedArray {
  const values = checkValues(op, name, value);
  for (let i = 0; i < values.length; i++) {
    const label = values[i];
    if (!(label >= 0 && label < classes && Number.isInteger(label))) {
      throw new NablaError('ERR_RANGE', `[${op}] labels are whole numbers below the number of classes. Expected 0 to ${classes - 1} at position ${i} of ${name}, received ${show(label)}.`);
    }
  }
  return values;
}

/** How many classes labels are of: the given number, or one more than the largest label. */
export function checkClasses(op: string, value: unknown, ...labels: readonly NumericTypedArray[]): number {
  if (value !== undefined) return checkInteger(op, 'classes', value, 1, MAX_CLASSES);
  let largest = 0;
  for (const list of labels) for (let i = 0; i < list.length; i++) if (list[i] > largest) largest = list[i];
  return largest + 1;
}

/** Both have the same number of values. @throws ERR_SHAPE */
export function checkSameLength(op: string, name: string, length: number, wanted: number): void {
  if (length !== wanted) throw new NablaError('ERR_SHAPE', `[${op}] targets and outputs have the same rows. Expected ${wanted} values for ${name}, received ${length}.`);
}

/** Whole rows. @returns how many @throws ERR_SHAPE */
export function checkWholeRows(op: string, name: string, length: number, width: number): number {
  if (length % width !== 0) throw new NablaError('ERR_SHAPE', `[${op}] a flat array holds whole rows. Expected a multiple of ${width} values for ${name}, received ${length}.`);
  return length / width;
}

/**
 * One label a row, from labels (rows) or one-hot targets (rows, classes); one class means one score a row, whose labels are 0 and 1.
 * @throws ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE, ERR_RANGE
 */
export function checkTargetLabels(op: string, value: unknown, rows: number, classes: number): NumericTypedArray {
  const values = checkValues(op, 'targets', value);
  if (values.length === rows) return checkLabels(op, 'targets', values, Math.max(2, classes));
  if (values.length !== rows * classes) {
    throw new NablaError('ERR_SHAPE', `[${op}] targets and outputs have the same rows. Expected ${rows} labels or ${rows} x ${classes} one-hot values for targets, received ${values.length}.`);
  }
  const labels = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    let ones = 0;
    for (let unit = 0; unit < classes; unit++) {
      const target = values[row * classes + unit];
      if (target === 1) {
        ones += 1;
        labels[row] = unit;
      } else if (target !== 0) ones = NaN;
    }
    if (ones !== 1) throw new NablaError('ERR_RANGE', `[${op}] a row of one-hot targets has one 1 and else 0. Expected one class in row ${row} of targets, received other values.`);
  }
  return labels;
}

/** Weights of rows: finite, not negative, some above 0. @returns null where none were given @throws ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE, ERR_RANGE */
export function checkSampleWeight(op: string, value: unknown, rows: number): NumericTypedArray | null {
  if (value === undefined || value === null) return null;
  const weights = checkValues(op, 'sampleWeight', value, { minimum: 0, maximum: Infinity });
  if (weights.length !== rows) throw new NablaError('ERR_SHAPE', `[${op}] there is one weight a row. Expected ${rows} values for sampleWeight, received ${weights.length}.`);
  for (let i = 0; i < rows; i++) if (weights[i] > 0) return weights;
  throw new NablaError('ERR_RANGE', `[${op}] some row weighs something. Expected a weight above 0 in sampleWeight, received zeros.`);
}

/** What 0/0 is. @throws ERR_OPTION */
export function checkZeroDivision(op: string, value: unknown): 0 | 1 {
  if (value === undefined || value === 0) return 0;
  if (value === 1) return 1;
  throw new NablaError('ERR_OPTION', `[${op}] zeroDivision is one of two. Expected 0 or 1 for zeroDivision, received ${show(value)}.`);
}

/** Position of a row's largest value, the first of equals. */
export function argmax(values: ArrayLike<number>, start: number, width: number): number {
  let best = 0;
  for (let unit = 1; unit < width; unit++) if (values[start + unit] > values[start + best]) best = unit;
  return best;
}
