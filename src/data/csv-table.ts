// What becomes of a table's rows: features into one array, the label column into class indices.
import { brief, NablaError, show, showList } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';
import type { SampleArray, TargetArray } from './array-dataset.js';
import { parseNumber } from './csv-cell.js';
import { otherSeparator } from './csv-separator.js';
import { GrowingNumbers, isByte, type NumberType } from './growing-numbers.js';

/** What a column is for. Only numbers are parsed as such; a text label is looked up. */
export const roles = { feature: 0, label: 1, text: 2, ignored: 3 } as const;

export interface TableOptions {
  readonly op: string;
  readonly name: string;
  readonly header: boolean | 'auto';
  /** undefined: found by its name. */
  readonly label: string | number | null | undefined;
  readonly index: string | number | null | undefined;
  readonly type: NumberType | 'auto';
  readonly classes: number | undefined;
  readonly classNames: readonly string[] | undefined;
  /** What the label column holds. */
  readonly targets: 'classes' | 'numbers';
  /** The table holds labels alone: the one column that is not the index. */
  readonly labelsOnly: boolean;
}

/** Above this labels are counts rather than classes, and get no names. */
const maxNumberNames = 1000;

/** Classes that are numbers are called by them. */
function numbersAsNames(classes: number): readonly string[] | undefined {
  return classes <= maxNumberNames ? Array.from({ length: classes }, (_, i) => String(i)) : undefined;
}

/** Collects the rows of one table. The scanner fills `row` and calls endRow. */
export class CsvTable {
  readonly options: TableOptions;
  /** Names of all columns, or null without a header line. */
  names: readonly string[] | null = null;
  /** One role a column. */
  roles = new Uint8Array(0);
  /** The row being read: numbers, or the index of a text label. */
  row = new Float64Array(0);
  /** The same as bytes, where all of it are. */
  byteRow = new Uint8Array(0);
  #features: number[] = [];
  #labelColumn = -1;
  #numbers: GrowingNumbers;
  #labels: number[] = [];
  /** The label column where it holds values to be predicted. */
  #values = new GrowingNumbers('float32', 0);
  #rows = 0;
  #texts = new Map<string, number>();
  #packed = new Float64Array(0);
  #packedBytes = new Uint8Array(0);

  constructor(options: TableOptions) {
    this.options = options;
    this.#numbers = new GrowingNumbers(options.type === 'auto' ? 'uint8' : options.type, 0);
    options.classNames?.forEach((name, i) => this.#texts.set(name, i));
  }

  get columns(): number {
    return this.roles.length;
  }
  get rows(): number {
    return this.#rows;
  }

  /** Looks at the first record. @returns true where it is the header, false where it is data already */
  begin(cells: readonly string[], line: number): boolean {
    const { header } = this.options;
    const isHeader = header === 'auto' ? this.#looksLikeHeader(cells, line) : header;
    this.names = isHeader ? cells.map((cell) => cell.trim()) : null;
    this.roles = new Uint8Array(cells.length);
    this.row = new Float64Array(cells.length);
    this.byteRow = new Uint8Array(cells.length);
    const index = this.#indexColumn();
    if (index !== -1) this.roles[index] = roles.ignored;
    this.#labelColumn = this.#findLabel(index);
    if (this.#labelColumn !== -1) this.roles[this.#labelColumn] = roles.label;
    this.#features = [...this.roles.keys()].filter((column) => this.roles[column] === roles.feature);
    this.#packed = new Float64Array(this.#features.length);
    this.#packedBytes = new Uint8Array(this.#features.length);
    if (this.options.labelsOnly) {
      for (const column of this.#features) this.roles[column] = roles.ignored;
      this.#features = [];
    } else if (this.#features.length === 0) {
      throw this.fail(line, undefined, `no column holds features. Expected at least one beside the label, received ${cells.length} ${cells.length === 1 ? 'column' : 'columns'}`);
    }
    return isHeader;
  }

  /** After the first data row: are labels numbers, or text? */
  chooseLabels(cell: string, line: number): void {
    if (this.#labelColumn === -1 || this.options.targets === 'numbers') return;
    if (this.columns === 1) this.checkSeparator(cell, line, this.#labelColumn);
    if (parseNumber(cell) === undefined && cell.trim() !== '') this.roles[this.#labelColumn] = roles.text;
  }
  get labelColumn(): number {
    return this.#labelColumn;
  }

  /** Refuses a line, or the only cell of one, in which something else than commas separates. */
  checkSeparator(text: string, line: number, column?: number): void {
    const other = otherSeparator(text, column !== undefined);
    if (other !== undefined) throw this.fail(line, column, `cells are separated by commas, not by ${other}. Expected a comma, received ${show(text.trim())}`);
  }

  /** Class index of a label that is text. */
  textLabel(cell: string, line: number): number {
    const text = cell.trim();
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (text === '') throw this.fail(line, this.#labelColumn, 'the label is missing. Expected a class');
    if (this.options.classNames !== undefined) throw this.fail(line, this.#labelColumn, `a label names a class. Expected one of ${showList(this.options.classNames)}, received ${show(text)}`, 'ERR_RANGE');
    this.#texts.set(text, this.#texts.size);
    return this.#texts.size - 1;
  }

  /** Parses what is no plain run of digits. */
  number(cell: string, column: number, line: number): number {
    const value = parseNumber(cell);
    if (value !== undefined) return value;
    if (this.columns === 1) this.checkSeparator(cell, line, column);
    const what = cell.trim() === '' ? 'nothing' : show(cell.trim());
    throw this.fail(line, column, `a cell holds a finite number. Expected one such as 12, -0.5 or 1e-3, received ${what}`);
  }

  /** Makes room: `fraction` of the file has been read. */
  expect(fraction: number): void {
    if (fraction > 0 && fraction < 1) this.#numbers.expect(this.#numbers.length / fraction);
  }

  /** Takes the row. @param plain every number in it is whole and from 0 to 255, and byteRow holds it too */
  endRow(line: number, plain: boolean): void {
    if (this.#features.length > 0) {
      if (!plain && this.options.type === 'uint8') this.#checkBytes(line);
      if (plain) this.#numbers.append(this.#pick(this.byteRow, this.#packedBytes));
      else this.#numbers.appendAny(this.#pick(this.row, this.#packed));
    }
    const label = this.#labelColumn;
    if (label !== -1) {
      if (this.options.targets === 'numbers') this.#values.appendAny(this.row.subarray(label, label + 1));
      else this.#labels.push(this.#checkLabel(this.row[label], line));
    }
    this.#rows += 1;
  }

  /** A row with another number of cells than the first line. */
  ragged(line: number, received: number): NablaError {
    return this.fail(line, Math.min(received, this.columns), `every row has as many cells as the first line. Expected ${this.columns} cells, received ${received}`);
  }

  /** @param column from 0  @param cause a library's error */
  fail(line: number, column: number | undefined, text: string, code: 'ERR_FORMAT' | 'ERR_RANGE' = 'ERR_FORMAT', cause?: unknown): NablaError {
    const name = column === undefined ? undefined : this.names?.[column];
    const where = column === undefined ? '' : `, column ${column + 1}${name === undefined || name === '' ? '' : ` (${brief(name)})`}`;
    return new NablaError(code, `[${this.options.op}] ${this.options.name}, line ${line}${where}: ${text}.`, cause === undefined ? undefined : { cause });
  }

  finish(): { x: SampleArray; y: TargetArray | null; classNames: readonly string[] | undefined; rows: number; features: readonly string[] | null } {
    const names = this.names;
    return {
      ...this.#finishLabels(),
      x: this.#numbers.finish(),
      rows: this.#rows,
      features: names === null ? null : this.#features.map((column) => names[column] ?? ''),
    };
  }

  /** The feature columns of a row: a view where they lie side by side. */
  #pick<Row extends Uint8Array | Float64Array>(row: Row, packed: Row): Row;
  #pick(row: Uint8Array | Float64Array, packed: Uint8Array | Float64Array): Uint8Array | Float64Array {
    const features = this.#features;
    const first = features[0] ?? 0;
    if ((features.at(-1) ?? 0) - first === features.length - 1) return row.subarray(first, first + features.length);
    for (let i = 0; i < features.length; i++) packed[i] = row[features[i] ?? 0];
    return packed;
  }

  #finishLabels(): { y: TargetArray | null; classNames: readonly string[] | undefined } {
    const { classNames } = this.options;
    if (this.#labelColumn === -1) return { y: null, classNames };
    if (this.options.targets === 'numbers') return { y: this.#values.finish(), classNames };
    let labels = this.#labels;
    let found = classNames;
    if (this.roles[this.#labelColumn] === roles.text && classNames === undefined) {
      // Sorted names, so that the numbers do not depend on the order of the rows.
      const sorted = [...this.#texts.keys()].sort();
      const rank = new Uint32Array(sorted.length);
      sorted.forEach((text, i) => { rank[this.#texts.get(text) ?? 0] = i; });
      labels = labels.map((i) => rank[i] ?? 0);
      found = sorted;
      const { classes } = this.options;
      if (classes !== undefined && sorted.length > classes) throw new NablaError('ERR_RANGE', `[${this.options.op}] ${this.options.name} holds more classes than expected. Expected ${classes}, received ${sorted.length}: ${showList(sorted)}.`);
    }
    let highest = 0;
    for (const label of labels) if (label > highest) highest = label;
    found ??= numbersAsNames(this.options.classes ?? highest + 1);
    return { y: highest > 255 ? Int32Array.from(labels) : Uint8Array.from(labels), classNames: found };
  }

  #checkLabel(label: number, line: number): number {
    // Text labels get their numbers as they come: finish() counts them.
    if (this.roles[this.#labelColumn] === roles.text) return label;
    const classes = this.options.classes ?? this.options.classNames?.length;
    if (!Number.isInteger(label)) throw this.fail(line, this.#labelColumn, `a label is the number of a class. Expected a whole number, received ${label}; targets: 'numbers' reads values to be predicted`);
    if (label < 0 || label > 2 ** 31 - 1 || (classes !== undefined && label >= classes)) {
      throw this.fail(line, this.#labelColumn, `a label names a class. Expected 0 to ${classes === undefined ? '2147483647' : classes - 1}, received ${label}`, 'ERR_RANGE');
    }
    return label;
  }

  #checkBytes(line: number): void {
    for (const column of this.#features) {
      const value = this.row[column];
      if (!isByte(value)) throw this.fail(line, column, `dtype 'uint8' holds whole numbers. Expected 0 to 255, received ${value}`, 'ERR_RANGE');
    }
  }

  /** A first cell that is no number makes a header; where only that cell is none it may also be a label. */
  #looksLikeHeader(cells: readonly string[], line: number): boolean {
    if (parseNumber(cells[0] ?? '') !== undefined) return false;
    const rest = cells.slice(1).map(parseNumber);
    const counted = rest.every((value, i) => value === i + (rest[0] ?? 0));
    if (rest.length > 0 && rest.every((value) => value !== undefined) && !counted) {
      throw this.fail(line, 0, `${show((cells[0] ?? '').trim())} may be the name of a column or a label. Say which with header: true or header: false`);
    }
    return true;
  }

  #indexColumn(): number {
    const { index } = this.options;
    if (index === null) return -1;
    if (index !== undefined) return this.#column('index', index);
    // What pandas writes when nobody asked it not to.
    const first = this.names?.[0];
    return first === '' || first === 'Unnamed: 0' ? 0 : -1;
  }

  #findLabel(index: number): number {
    const { label, labelsOnly } = this.options;
    if (label === null) return -1;
    if (label !== undefined) return this.#column('label', label);
    const named = this.names?.findIndex((name, column) => column !== index && /^(label|class)$/i.test(name)) ?? -1;
    if (named !== -1) return named;
    const others = [...this.roles.keys()].filter((column) => column !== index);
    if (labelsOnly) {
      if (others.length === 1) return others[0] ?? 0;
      throw new NablaError('ERR_OPTION', `[${this.options.op}] ${this.options.name} does not show which column holds the labels. Expected one column beside the index, or one named label or class, received ${this.columns} columns.`);
    }
    return this.names === null ? (others[0] ?? -1) : -1;
  }

  #column(option: string, wanted: string | number): number {
    const column = typeof wanted === 'number' ? wanted : (this.names?.indexOf(wanted) ?? -1);
    if (Number.isInteger(column) && column >= 0 && column < this.columns) return column;
    const names = this.names === null ? `a number from 0 to ${this.columns - 1} (there is no header)` : `one of ${this.names.slice(0, 8).map((name) => show(name)).join(', ')}${this.columns > 8 ? ', ...' : ''}, or a number from 0 to ${this.columns - 1}`;
    throw new NablaError('ERR_OPTION', `[${this.options.op}] ${this.options.name} has no such column. Expected ${names} for ${option}, received ${show(wanted)}.${didYouMean(wanted, this.names ?? [])}`);
  }
}
