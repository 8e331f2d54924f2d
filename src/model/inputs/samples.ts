// Turns what people pass as numbers into one flat matrix, or says exactly what is wrong with it. Nothing is changed on the way.
import { findUnusable, type FindUnusable } from '../../backend/contract/checks.js';
import { type InputArray, type DType, isNumericTypedArray, toInputArray, typedArrayTag } from '../../base/arrays.js';
import { NablaError, show } from '../../base/errors.js';
import { knownRows } from '../../train/known-rows.js';

/** A flat matrix. */
export interface Matrix {
  readonly values: InputArray;
  readonly rows: number;
}

/** Levels of nested arrays: more than a sample's shape has axes, few enough for the stack. */
const deepest = 64;

/** How a matrix is called in errors, and what it must look like. */
export interface MatrixRule {
  /** The public function, for example 'fit'. */
  readonly op: string;
  /** The argument, for example 'x'. */
  readonly name: string;
  /** Numbers a row has. */
  readonly features: number;
  /** Shape of a row as people see it. */
  readonly shape: readonly number[];
  /** The network's type: numbers must be finite in it. */
  readonly dtype: DType;
  /** Finds what is not finite; default: a loop. */
  readonly find?: FindUnusable;
  /**
   * How many rows there are: a number, or 'one' where nothing else tells a flat batch from a sample of the wrong size. Default: as many as a flat
   * array has; targets or gradients are counted against them.
   */
  readonly rows?: number | 'one';
}

/**
 * @param value typed array, flat array or nested arrays; a flat one must have the rule's rows
 * @returns the values (not copied where the type allows it) and the number of rows, at least 1
 * @throws ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE
 */
export function toMatrix(value: unknown, rule: MatrixRule): Matrix {
  const { op, name, features } = rule;
  if (isNumericTypedArray(value)) {
    const rows = checkRows(value, rule);
    const values = toInputArray(value);
    checkFinite(values, rule);
    return { values, rows };
  }
  if (!Array.isArray(value)) {
    throw new NablaError('ERR_TYPE', `[${op}] ${name} holds numbers. Expected a typed array of numbers or (nested) arrays for ${name}, received ${describe(value)}.`);
  }
  const source: readonly unknown[] = value;
  const flat = source.length > 0 && typeof source[0] === 'number';
  const rows = flat ? checkRows(source, rule) : source.length;
  if (rows === 0) throw emptyError(rule);
  if (typeof rule.rows === 'number' && rows !== rule.rows) {
    throw new NablaError('ERR_SHAPE', `[${op}] rows is the number of samples. Expected ${rule.rows} rows for ${name}, received ${rows}.`);
  }
  const values = rule.dtype === 'float32' ? new Float32Array(rows * features) : new Float64Array(rows * features);
  if (flat) {
    for (let i = 0; i < source.length; i++) values[i] = element(source[i], Math.floor(i / features), i % features, rule);
  } else {
    for (let row = 0; row < rows; row++) {
      const end = fillRow(values, row * features, source[row], row, 0, rule, 1);
      if (end !== features) {
        throw new NablaError('ERR_SHAPE', `[${op}] every row has the same number of values. Expected ${shapeText(rule)} in row ${row} of ${name}, received ${end}.`);
      }
    }
  }
  checkFinite(values, rule);
  return { values, rows };
}

function shapeText({ features, shape }: MatrixRule): string {
  return shape.length > 1 ? `${features} values (shape ${shape.join(' x ')})` : `${features} ${features === 1 ? 'value' : 'values'}`;
}

function emptyError({ op, name }: MatrixRule): NablaError {
  return new NablaError('ERR_SHAPE', `[${op}] there is at least one row. Expected a non-empty ${name}, received no values (an array that was transferred has none).`);
}

/** Rows of a flat array. */
function checkRows(array: ArrayLike<unknown>, rule: MatrixRule): number {
  const { op, name, features } = rule;
  const { length } = array;
  if (length === 0) throw emptyError(rule);
  if (rule.rows === 'one') return checkOneSample(array, rule);
  if (rule.rows !== undefined) {
    if (length === rule.rows * features) return rule.rows;
    throw new NablaError('ERR_SHAPE', `[${op}] a flat array has the rows it is said to have. Expected ${rule.rows} x ${features} values for ${name}, received ${length}.`);
  }
  if (length % features !== 0) {
    throw new NablaError('ERR_SHAPE', `[${op}] a flat array holds whole rows. Expected a multiple of ${shapeText(rule)} for ${name}, received ${length} values.`);
  }
  return length / features;
}

/** One flat array is one sample, but for the arrays of data sets; with one feature every number is a sample. */
function checkOneSample(array: ArrayLike<unknown>, rule: MatrixRule): number {
  const { features } = rule;
  const { length } = array;
  const rows = features === 1 ? length : length === features ? 1 : (knownRows(array) ?? 1);
  if (length === rows * features) return rows;
  const way = length % features === 0 ? `{ rows: ${length / features} }` : '{ rows }';
  const set = rows === 1 ? '' : ` (a data set's ${rows} samples of ${length / rows})`;
  throw new NablaError(
    'ERR_SHAPE',
    `[${rule.op}] one flat array is one sample. Expected ${shapeText(rule)} for ${rule.name}, received ${length}${set}. Several samples are a data set, arrays of rows, or a flat array with ${way}.`,
  );
}

/** Refuses arrays nested deeper than samples are, before the stack ends. @throws ERR_SHAPE */
export function checkDepth(op: string, name: string, row: number, depth: number): void {
  if (depth > deepest) throw new NablaError('ERR_SHAPE', `[${op}] arrays are nested as samples are. Expected at most ${deepest} levels in row ${row} of ${name}, received more (an array may hold itself).`);
}

/** Copies a row's numbers behind each other. @returns how many of the row's values there are now */
function fillRow(out: Float32Array | Float64Array, offset: number, value: unknown, row: number, column: number, rule: MatrixRule, depth: number): number {
  checkDepth(rule.op, rule.name, row, depth);
  const isArray = Array.isArray(value);
  if (!isArray && !isNumericTypedArray(value)) {
    if (column === 0 && rule.features > 1 && typeof value !== 'number') {
      throw new NablaError('ERR_TYPE', `[${rule.op}] a row is an array of numbers. Expected ${shapeText(rule)} in row ${row} of ${rule.name}, received ${describe(value)}.`);
    }
    return fillElement(out, offset, value, row, column, rule);
  }
  const items: ArrayLike<unknown> = value;
  let next = column;
  for (let i = 0; i < items.length; i++) {
    const item = items[i];
    next = typeof item === 'object' && item !== null ? fillRow(out, offset, item, row, next, rule, depth + 1) : fillElement(out, offset, item, row, next, rule);
  }
  return next;
}

function fillElement(out: Float32Array | Float64Array, offset: number, value: unknown, row: number, column: number, rule: MatrixRule): number {
  const number = element(value, row, column, rule);
  if (column < rule.features) out[offset + column] = number;
  return column + 1;
}

function element(value: unknown, row: number, column: number, { op, name, dtype }: MatrixRule): number {
  if (typeof value === 'number') {
    if (dtype === 'float32' && Number.isFinite(value) && !Number.isFinite(Math.fround(value))) {
      throw new NablaError(
        'ERR_NON_FINITE',
        `[${op}] ${name} is finite. Expected ${FLOAT32} at row ${row}, column ${column} of ${name}, received ${show(value)}.`,
      );
    }
    return value;
  }
  throw new NablaError('ERR_TYPE', `[${op}] ${name} holds numbers. Expected a number at row ${row}, column ${column} of ${name}, received ${describe(value)}.`);
}

function describe(value: unknown): string {
  const tag = typedArrayTag(value);
  return tag?.startsWith('Big') === true ? `${tag}: 64-bit integers have no exact conversion, convert them to numbers first` : show(value);
}

const FLOAT32 = "a number that float32 can hold (or dtype: 'float64')";

/** Refuses NaN, infinities, and doubles that a float32 network cannot hold. */
function checkFinite(values: InputArray, rule: MatrixRule): void {
  const bad = (rule.find ?? findUnusable(rule.dtype))(values);
  if (bad < 0) return;
  const row = Math.floor(bad / rule.features);
  const received = values[bad];
  const expected = Number.isFinite(received) ? FLOAT32 : 'a finite number';
  throw new NablaError(
    'ERR_NON_FINITE',
    `[${rule.op}] ${rule.name} is finite. Expected ${expected} at row ${row}, column ${bad % rule.features} of ${rule.name}, received ${show(received)}.`,
  );
}
