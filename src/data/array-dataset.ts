// A data set held in typed arrays, in the type it came in.
import { isNumericTypedArray } from '../base/arrays.js';
import { checkOptions, checkText, checkTexts, itemsOf } from '../base/checks.js';
import { NablaError, show, showList } from '../base/errors.js';
import { counted, grouped, inspectAs } from '../base/inspected.js';
import { permutation } from '../random/permutation.js';
import { purposes } from '../random/purposes.js';
import type { Dataset } from '../train/dataset.js';
import { rememberRows } from '../train/known-rows.js';

/** Sample types a network takes as they are. */
export type SampleArray = Uint8Array | Float32Array | Float64Array;
/** Class indices, or values to be predicted. */
export type TargetArray = Uint8Array | Int32Array | Float32Array | Float64Array;

export interface ArrayDatasetOptions {
  /** (rows, features), row-major; kept, not copied. `predict` takes this very array as a batch. */
  readonly x: SampleArray;
  /** (rows) class indices, or (rows, outputs) values, kept; default null. */
  readonly y?: TargetArray | null;
  /** Number of samples. Default: what follows from x and sampleShape. */
  readonly rows?: number;
  /** Shape of one sample. Default: [features], from x and rows. One of rows and sampleShape is needed. */
  readonly sampleShape?: readonly number[];
  /** One name a class. */
  readonly classNames?: readonly string[];
  /** What the set is called, for people. */
  readonly name?: string;
}

export interface SplitOptions {
  /** Part to hold back: a fraction above 0 and below 1 (rounded to whole rows), or a number of rows. */
  readonly validation?: number;
  /** A second part to hold back, told in the same way. One of the two, or both. */
  readonly test?: number;
  /** Keep the classes' proportions, by the method of the largest remainder. Needs class indices in y. Default false. */
  readonly stratify?: boolean;
  /** Whole number from 0 to 2^53-1: which rows are held back. Default 0. */
  readonly seed?: number;
}

/**
 * A data set in memory. Implements {@link Dataset}; anything that trains takes it.
 * @throws ERR_SHAPE when lengths do not fit, ERR_TYPE for other arrays
 * @example const set = new ArrayDataset({ x: new Float32Array([0, 0, 0, 1]), y: new Uint8Array([0, 1]), sampleShape: [2] });
 */
export class ArrayDataset implements Dataset {
  readonly x: SampleArray;
  readonly y: TargetArray | null;
  readonly rows: number;
  readonly features: number;
  /** Shape of one sample, e.g. [28, 28]. */
  readonly sampleShape: readonly number[];
  readonly classNames: readonly string[] | undefined;
  readonly name: string;
  static {
    inspectAs(this, 'ArrayDataset', (set) => datasetLine(set));
  }

  constructor(options: ArrayDatasetOptions) {
    checkOptions('ArrayDataset', options, ['x', 'y', 'rows', 'sampleShape', 'classNames', 'name']);
    const { x, y = null } = options;
    const classNames = options.classNames === undefined ? undefined : checkTexts('ArrayDataset', 'classNames', options.classNames);
    const name = checkText('ArrayDataset', 'name', options.name ?? 'data');
    if (!(x instanceof Uint8Array || x instanceof Float32Array || x instanceof Float64Array)) {
      throw new NablaError('ERR_TYPE', `[ArrayDataset] samples lie in one typed array. Expected Uint8Array, Float32Array or Float64Array for x, received ${show(x)}.`);
    }
    if (y !== null && !(y instanceof Uint8Array || y instanceof Int32Array || y instanceof Float32Array || y instanceof Float64Array)) {
      throw new NablaError('ERR_TYPE', `[ArrayDataset] targets lie in one typed array. Expected Uint8Array, Int32Array, Float32Array or Float64Array for y, received ${show(y)}.`);
    }
    const { rows, shape } = layout(x, options.rows, options.sampleShape);
    if (y !== null && (rows === 0 ? y.length !== 0 : y.length === 0 || y.length % rows !== 0)) {
      throw new NablaError('ERR_SHAPE', `[ArrayDataset] every row has its target. Expected ${rows} targets for y or a multiple of that, received ${y.length}.`);
    }
    this.x = x;
    this.y = y;
    this.rows = rows;
    this.features = shape.reduce((p, d) => p * d, 1);
    this.sampleShape = Object.freeze([...shape]);
    this.classNames = classNames;
    this.name = name;
    rememberRows(x, rows);
  }

  /** The same as sampleShape, under the name that Dataset gives it. */
  get shape(): readonly number[] {
    return this.sampleShape;
  }

  /** Numbers of y that belong to one row: 1 for class indices, 0 without y. */
  get targetSize(): number {
    return this.y === null || this.rows === 0 ? 0 : this.y.length / this.rows;
  }

  /** Sample i as a view, (features). @throws ERR_RANGE when there is no such row */
  row(i: number): SampleArray {
    this.#checkRow('row', i);
    return this.x.subarray(i * this.features, (i + 1) * this.features);
  }

  /** Class index of row i. @throws ERR_RANGE when there is no such row, ERR_STATE when y holds no class indices */
  label(i: number): number {
    this.#checkRow('label', i);
    const labels = this.#labels('label');
    return labels[i] ?? 0;
  }

  /** Name of row i's class; its index as text where the classes have no names. */
  labelName(i: number): string {
    const label = this.label(i);
    return this.classNames?.[label] ?? String(label);
  }

  /**
   * Rows from..to-1 as views on the same memory.
   * @param from first row, default 0  @param to row after the last, default all
   * @throws ERR_RANGE for rows that do not exist
   */
  slice(from = 0, to: number = this.rows): ArrayDataset {
    if (!(Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to && to <= this.rows)) {
      throw new NablaError('ERR_RANGE', `[ArrayDataset.slice] rows are counted from 0. Expected 0 <= from <= to <= ${this.rows}, received from ${show(from)}, to ${show(to)}.`);
    }
    const width = this.targetSize;
    return this.#with(this.x.subarray(from * this.features, to * this.features), this.y?.subarray(from * width, to * width) ?? null, to - from);
  }

  /**
   * The given rows, copied, in the given order; a row may come more than once.
   * @throws ERR_RANGE for a row that does not exist
   */
  take(rows: Uint32Array | readonly number[]): ArrayDataset {
    const given: unknown = rows;
    if (!Array.isArray(given) && !isNumericTypedArray(given)) throw new NablaError('ERR_TYPE', `[ArrayDataset.take] rows are listed. Expected an array or a typed array of whole numbers for rows, received ${show(rows)}.`);
    for (let i = 0; i < rows.length; i++) this.#checkRow('take', rows[i] ?? -1);
    return this.#with(gather(this.x, rows, this.features), this.y === null ? null : gather(this.y, rows, this.targetSize), rows.length);
  }

  /**
   * Splits into [fit, validation], [fit, test] or, with both, [fit, validation, test]. Rows are drawn without replacement by the seed alone and keep
   * their order inside each part; the parts are copies.
   * @throws ERR_RANGE for a fraction or count that leaves a part empty, ERR_STATE when stratify finds no class indices,
   * ERR_OPTION when neither part is asked for
   * @example const [fitSet, valSet] = train.split({ validation: 0.1, stratify: true, seed: 1 });
   */
  split(options: SplitOptions & { readonly validation: number; readonly test: number }): [ArrayDataset, ArrayDataset, ArrayDataset];
  split(options: SplitOptions): [ArrayDataset, ArrayDataset];
  split(options: SplitOptions): ArrayDataset[] {
    checkOptions('ArrayDataset.split', options, ['validation', 'test', 'stratify', 'seed']);
    const { validation, test, stratify = false, seed = 0 } = options;
    if (typeof stratify !== 'boolean') throw new NablaError('ERR_TYPE', `[ArrayDataset.split] stratify is a switch. Expected true or false for stratify, received ${show(stratify)}.`);
    if (!Number.isSafeInteger(seed) || seed < 0) {
      throw new NablaError('ERR_RANGE', `[ArrayDataset.split] a seed is a whole number. Expected 0 to 2^53-1 for seed, received ${show(seed)}.`);
    }
    const asked = [['validation', validation], ['test', test]] as const;
    const wanted = asked.flatMap(([name, value]) => (value === undefined ? [] : [heldBack(name, value, this.rows)]));
    if (wanted.length === 0) throw new NablaError('ERR_OPTION', '[ArrayDataset.split] a split holds something back. Expected validation, test or both, received neither.');
    const left = this.rows - wanted.reduce((a, b) => a + b, 0);
    if (left < 1) {
      throw new NablaError('ERR_RANGE', `[ArrayDataset.split] something must be left to fit. Expected ${asked.flatMap(([name, value]) => (value === undefined ? [] : [name])).join(' and ')} to leave at least 1 of ${this.rows} rows, received ${wanted.join(' and ')} rows.`);
    }
    const order = permutation(this.rows, seed, purposes.split, 0);
    const part = new Uint8Array(this.rows);
    if (stratify) assignStratified(this.#labels('split'), order, wanted, part);
    else assignPlain(order, wanted, part);
    return [left, ...wanted].map((count, which) => {
      const rows = new Uint32Array(count);
      let n = 0;
      for (let i = 0; i < part.length; i++) if (part[i] === which) rows[n++] = i;
      return this.take(rows);
    });
  }

  #with(x: SampleArray, y: TargetArray | null, rows: number): ArrayDataset {
    return new ArrayDataset({ x, y, rows, sampleShape: this.sampleShape, name: this.name, ...(this.classNames === undefined ? {} : { classNames: this.classNames }) });
  }

  #checkRow(op: string, i: number): void {
    if (!Number.isInteger(i) || i < 0 || i >= this.rows) {
      throw new NablaError('ERR_RANGE', `[ArrayDataset.${op}] there is no such row. Expected a whole number from 0 to ${this.rows - 1}, received ${show(i)}.`);
    }
  }

  #labels(op: string): Uint8Array | Int32Array {
    if ((this.y instanceof Uint8Array || this.y instanceof Int32Array) && this.y.length === this.rows) return this.y;
    throw new NablaError('ERR_STATE', `[ArrayDataset.${op}] this needs one class index a row. Expected ${this.rows} whole numbers in y, received ${show(this.y)}.`);
  }
}

/** "mnist", 60,000 rows of 784 (28 x 28) in a Uint8Array; y in a Uint8Array, 10 class names */
function datasetLine({ name, rows, features, sampleShape, x, y, targetSize, classNames }: ArrayDataset): string {
  const shape = sampleShape.length > 1 ? ` (${sampleShape.join(' x ')})` : '';
  const targets = y === null ? 'no y' : `y ${targetSize === 1 ? '' : `with ${grouped(targetSize)} a row `}in a ${y.constructor.name}`;
  const classes = classNames === undefined ? '' : `, ${counted(classNames.length, 'class name')}`;
  return `${show(name)}, ${counted(rows, 'row')} of ${grouped(features)}${shape} in a ${x.constructor.name}; ${targets}${classes}`;
}

function layout(x: SampleArray, rows: number | undefined, sampleShape: readonly number[] | undefined): { rows: number; shape: readonly number[] } {
  if (rows !== undefined && (!Number.isSafeInteger(rows) || rows < 0)) {
    throw new NablaError('ERR_SHAPE', `[ArrayDataset] rows is a count. Expected a whole number for rows, received ${show(rows)}.`);
  }
  if (sampleShape === undefined) {
    if (rows === undefined) throw new NablaError('ERR_OPTION', '[ArrayDataset] the length of x alone does not tell its shape. Expected rows or sampleShape, received neither.');
    if (rows === 0 || x.length === 0 || x.length % rows !== 0) {
      throw new NablaError('ERR_SHAPE', `[ArrayDataset] x holds whole rows. Expected a positive multiple of ${rows} numbers for x, received ${x.length}.`);
    }
    return { rows, shape: [x.length / rows] };
  }
  if (!isShape(sampleShape)) {
    const given: unknown = sampleShape;
    const received = Array.isArray(given) ? `[${showList(itemsOf(given).map(show))}]` : show(given);
    throw new NablaError('ERR_SHAPE', `[ArrayDataset] a sample has a shape. Expected whole positive dimensions for sampleShape, received ${received}.`);
  }
  const features = sampleShape.reduce((p, d) => p * d, 1);
  const count = rows ?? Math.floor(x.length / features);
  if (count * features !== x.length) {
    throw new NablaError('ERR_SHAPE', `[ArrayDataset] x holds whole rows. Expected ${rows === undefined ? 'a multiple of ' : `${rows} x `}${features} numbers for x, received ${x.length}.`);
  }
  return { rows: count, shape: sampleShape };
}

function isShape(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 && itemsOf(value).every((d: unknown) => Number.isSafeInteger(d) && Number(d) > 0);
}

function heldBack(name: string, value: number, rows: number): number {
  if (typeof value !== 'number' || !(value > 0) || (value >= 1 && !Number.isInteger(value))) {
    throw new NablaError('ERR_RANGE', `[ArrayDataset.split] a part is a fraction or a count. Expected a number above 0 and below 1, or a whole number of rows, for ${name}, received ${show(value)}.`);
  }
  const count = value < 1 ? Math.round(value * rows) : value;
  if (count < 1) throw new NablaError('ERR_RANGE', `[ArrayDataset.split] no part may be empty. Expected ${name} to hold at least 1 of ${rows} rows, received ${show(value)}.`);
  return count;
}

/** Marks rows with their part: 0 fit, 1 validation, 2 test. */
function assignPlain(order: Uint32Array, wanted: readonly number[], part: Uint8Array): void {
  let next = 0;
  wanted.forEach((count, which) => {
    for (let i = 0; i < count; i++) part[order[next++] ?? 0] = which + 1;
  });
}

function assignStratified(labels: Uint8Array | Int32Array, order: Uint32Array, wanted: readonly number[], part: Uint8Array): void {
  const free = new Map<number, number>();
  for (const label of labels) free.set(label, (free.get(label) ?? 0) + 1);
  const classes = [...free.keys()].sort((a, b) => a - b);
  let total = labels.length;
  wanted.forEach((count, which) => {
    const quotas = largestRemainder(classes.map((c) => free.get(c) ?? 0), total, count);
    const open = new Map(classes.map((c, i) => [c, quotas[i] ?? 0]));
    for (const row of order) {
      const label = labels[row] ?? 0;
      const left = open.get(label) ?? 0;
      if (left === 0 || part[row] !== 0) continue;
      part[row] = which + 1;
      open.set(label, left - 1);
      free.set(label, (free.get(label) ?? 0) - 1);
    }
    total -= count;
  });
}

/** Shares of `count` for groups of the given sizes: floor of the exact quota, then one more to the largest remainders, the lower group first. */
function largestRemainder(sizes: readonly number[], total: number, count: number): number[] {
  const shares = sizes.map((size) => Math.floor((size * count) / total));
  const remainder = sizes.map((size, i) => size * count - (shares[i] ?? 0) * total);
  const byRemainder = sizes.map((_, i) => i).sort((a, b) => (remainder[b] ?? 0) - (remainder[a] ?? 0) || a - b);
  let left = count - shares.reduce((a, b) => a + b, 0);
  for (const i of byRemainder) {
    if (left-- <= 0) break;
    shares[i] = (shares[i] ?? 0) + 1;
  }
  return shares;
}

function gather<T extends SampleArray | TargetArray>(from: T, rows: Uint32Array | readonly number[], width: number): T;
function gather(from: SampleArray | TargetArray, rows: Uint32Array | readonly number[], width: number): SampleArray | TargetArray {
  const to = emptyLike(from, rows.length * width);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    to.set(from.subarray(row * width, (row + 1) * width), i * width);
  }
  return to;
}

function emptyLike(like: SampleArray | TargetArray, length: number): SampleArray | TargetArray {
  if (like instanceof Uint8Array) return new Uint8Array(length);
  if (like instanceof Int32Array) return new Int32Array(length);
  return like instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
}
