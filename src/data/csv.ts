// Reading tables of numbers: the CSV files of Kaggle, OpenML and pandas.
import type { FileHandle } from 'node:fs/promises';
import { checkName, checkOptions as checkKnown, checkText, checkTexts } from '../base/checks.js';
import { brief, NablaError, show } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';
import { fileError, openToRead, toPath, type PathLike } from '../io/files.js';
import { ArrayDataset, type ArrayDatasetOptions } from './array-dataset.js';
import { maxLineBytes, parseRecord, readQuoted } from './csv-quoted.js';
import { decodeText, recordEnd, scanLines } from './csv-scanner.js';
import { CsvTable, type TableOptions } from './csv-table.js';
import type { NumberType } from './growing-numbers.js';

export interface CsvOptions {
  /** Whether the first line names the columns. Default 'auto': it does where its first cell is no number. */
  readonly header?: boolean | 'auto';
  /** Column of the labels: its name, its number from 0, or null for none. Default: the one named label or class; without a header the first. */
  readonly label?: string | number | null;
  /** Column to skip: its name, its number from 0, or null for none. Default: a first column without a name, as pandas writes it. */
  readonly index?: string | number | null;
  /** A second file that holds the labels, row for row: OpenML's pair of tables. `label` then names a column of it. */
  readonly labels?: PathLike;
  /** Type of the numbers. Default 'auto': the smallest of uint8, float32 and float64 that holds all of them exactly. 'uint8' refuses others. */
  readonly dtype?: NumberType | 'auto';
  /** Number of classes: a label that is not below it is an error. Default: length of `classNames`, else no limit. */
  readonly classes?: number;
  /** Names of the classes. Labels may be these names, or their numbers. Default: found in the file where labels are text, sorted; '0', '1', … where they are numbers and there are at most 1,000. */
  readonly classNames?: readonly string[];
  /** Shape of one sample. Default [features]. */
  readonly sampleShape?: readonly number[];
  /**
   * What the label column holds: 'classes', names or numbers of classes, or 'numbers', values to be predicted (float32 where that is exact,
   * else float64). Default 'classes'.
   */
  readonly targets?: 'classes' | 'numbers';
  /** Name of the set, for people. Default: the path. */
  readonly name?: string;
}

/** A data set that came out of a table. */
export class CsvDataset extends ArrayDataset {
  /** Names of the feature columns; null without a header line. */
  readonly featureNames: readonly string[] | null;

  constructor(options: ArrayDatasetOptions, featureNames: readonly string[] | null) {
    super(options);
    this.featureNames = featureNames;
  }
}

const optionNames = ['header', 'label', 'index', 'labels', 'dtype', 'classes', 'classNames', 'targets', 'sampleShape', 'name'];
const op = 'readCsv';

/**
 * Reads a table of numbers, comma-separated, one sample a line, in UTF-8. Blanks around cells, a byte order mark, either line end and blank
 * lines at the end are allowed; a table with quotes is read by the optional package csv-parse. The file is read in pieces: memory holds the numbers, not the text.
 * @param path file  @param options which column is what
 * @returns numbers in the smallest exact type, labels as class indices (uint8, or int32 above 255), or as values with `targets: 'numbers'`
 * @throws ERR_FILE when it cannot be read; ERR_FORMAT with line and column for text where a number belongs, rows of unequal length, no data;
 * ERR_RANGE for labels that name no class; ERR_OPTION for a column that is not there; ERR_DEPENDENCY when csv-parse is wanted and missing
 * @example const train = await readCsv('train.csv', { classes: 10, sampleShape: [28, 28] }); // Kaggle's digit-recognizer
 * @example const all = await readCsv('X.csv', { labels: 'y.csv' }); // OpenML's mnist_784, saved by pandas
 * @example const houses = await readCsv('houses.csv', { label: 'price', targets: 'numbers' }); // values to be predicted
 */
export async function readCsv(path: PathLike, options: CsvOptions = {}): Promise<CsvDataset> {
  checkOptions(options);
  const name = toPath(op, path);
  const { header = 'auto', index, label, dtype = 'auto', targets = 'classes' } = options;
  const given = options.classNames === undefined ? undefined : checkTexts(op, 'classNames', options.classNames);
  const common = { op, header, index, type: dtype, classes: options.classes, classNames: given, targets } as const;
  if (options.name !== undefined) checkText(op, 'name', options.name);
  const pair = options.labels === undefined ? undefined : toPath(op, options.labels);
  const table = await readTable(name, { ...common, name: brief(name), label: pair === undefined ? label : null, labelsOnly: false });
  const labels = pair === undefined ? table : await readTable(pair, { ...common, name: brief(pair), label, labelsOnly: true });
  const { x, rows, features } = table.finish();
  const { y, classNames } = labels.finish();
  if (labels.rows !== rows) throw new NablaError('ERR_SHAPE', `[${op}] every row has its label. Expected ${rows} labels in ${brief(pair ?? name)} for the ${rows} rows of ${brief(name)}, received ${labels.rows}.`);
  return new CsvDataset(
    { x, y, rows, name: options.name ?? name, ...(options.sampleShape === undefined ? {} : { sampleShape: options.sampleShape }), ...(classNames === undefined ? {} : { classNames }) },
    features,
  );
}

function checkOptions(options: CsvOptions): void {
  checkKnown(op, options, optionNames);
  const { header = 'auto', dtype = 'auto', classes, targets = 'classes' } = options;
  if (header !== 'auto' && typeof header !== 'boolean') throw new NablaError('ERR_OPTION', `[${op}] unknown header. Expected true, false or 'auto' for header, received ${show(header)}.`);
  if (!['auto', 'uint8', 'float32', 'float64'].includes(dtype)) throw new NablaError('ERR_OPTION', `[${op}] unknown type. Expected 'auto', 'uint8', 'float32' or 'float64' for dtype, received ${show(dtype)}.${didYouMean(dtype, ['uint8', 'float32', 'float64'])}`);
  checkName(op, 'kind of targets', targets, ['classes', 'numbers']);
  if (targets === 'numbers' && (classes !== undefined || options.classNames !== undefined)) throw new NablaError('ERR_OPTION', `[${op}] values to be predicted have no classes. Expected neither classes nor classNames with targets: 'numbers'.`);
  if (classes !== undefined && (!Number.isInteger(classes) || classes < 1)) throw new NablaError('ERR_RANGE', `[${op}] the number of classes is whole and positive. Expected 1 or more for classes, received ${show(classes)}.`);
}

/** One piece of a file; a line that is longer makes the buffer grow up to the limit. */
const pieceBytes = 1 << 20;
const maxBufferBytes = 2 * maxLineBytes;

async function readTable(path: string, options: TableOptions): Promise<CsvTable> {
  const { file, size } = await openToRead(op, path);
  try {
    const table = new CsvTable(options);
    await new TableReader(file, size, path, table).run();
    if (table.rows === 0) throw new NablaError('ERR_FORMAT', `[${op}] ${table.options.name} holds no data. Expected at least one row of numbers${table.names === null ? '' : ' below the header'}, received none.`);
    return table;
  } finally {
    await file.close().catch(() => undefined);
  }
}

/** Feeds a file to the scanner, whole lines at a time. */
class TableReader {
  readonly #file: FileHandle;
  /** Bytes in the file; 0 where it does not tell. */
  readonly #size: number;
  readonly #path: string;
  readonly #table: CsvTable;
  #buffer = new Uint8Array(pieceBytes);
  /** Bytes in the buffer. */
  #filled = 0;
  /** Place in the file of the buffer's first byte. */
  #offset = 0;
  #ended = false;
  #line = 1;
  #blank = 0;

  constructor(file: FileHandle, size: number, path: string, table: CsvTable) {
    this.#file = file;
    this.#size = size;
    this.#path = path;
    this.#table = table;
  }

  async run(): Promise<void> {
    await this.#fill();
    let at = this.#skipMark();
    if (this.#filled === at) throw new NablaError('ERR_FORMAT', `[${op}] ${this.#table.options.name} is empty. Expected rows of numbers.`);
    at = await this.#begin(at);
    for (;;) {
      const end = this.#buffer.subarray(0, this.#filled).lastIndexOf(10) + 1;
      if (end > at) {
        const result = scanLines(this.#table, this.#buffer, at, end, this.#line, this.#blank);
        if (result.quoted) {
          await readQuoted(this.#table, this.#file, this.#path, this.#offset + result.position, result.line);
          return;
        }
        this.#line = result.line;
        this.#blank = result.blank;
        at = end;
      }
      if (this.#ended) return;
      this.#shift(at);
      at = 0;
      await this.#fill();
      this.#table.expect(this.#size === 0 ? 0 : this.#offset / this.#size);
    }
  }

  /** The first record tells how many columns there are, and what they are for. @returns where data begins */
  async #begin(from: number): Promise<number> {
    let at = from;
    let end = recordEnd(this.#buffer, at, this.#filled);
    while (end === -1 && !this.#ended) {
      this.#shift(at);
      at = 0;
      await this.#fill();
      end = recordEnd(this.#buffer, at, this.#filled);
    }
    const text = decodeText(this.#buffer, at, end === -1 ? this.#filled : end);
    if (text === undefined) throw this.#table.fail(this.#line, undefined, 'the table is written in UTF-8. Expected UTF-8, received other bytes');
    if (end === -1) throw this.#table.fail(this.#line, undefined, 'a quote is opened and never closed. Expected a closing quote, received the end of the file');
    this.#table.checkSeparator(text, this.#line);
    const cells = text.includes('"') ? await parseRecord(this.#table, text, this.#line) : text.replace(/\r?\n$/, '').split(',');
    const lines = text.split('\n').length - 1;
    if (cells.length === 1 && cells[0]?.trim() === '') {
      const rest = decodeText(this.#buffer, at, this.#filled)?.trim();
      throw this.#table.fail(this.#line, undefined, rest === '' ? 'there are blank lines only. Expected rows of numbers' : 'the first line is blank. Expected a header or a row of numbers');
    }
    if (this.#table.begin(cells, this.#line)) {
      this.#line += lines;
      await this.#lookAtLabels(end);
      return end;
    }
    this.#table.chooseLabels(cells[this.#table.labelColumn] ?? '0', this.#line);
    return at;
  }

  /** The first row below the header tells whether labels are text. */
  async #lookAtLabels(from: number): Promise<void> {
    if (this.#table.labelColumn === -1) return;
    let end = recordEnd(this.#buffer, from, this.#filled);
    while (end === -1 && !this.#ended) {
      await this.#fill();
      end = recordEnd(this.#buffer, from, this.#filled);
    }
    const text = end === -1 ? undefined : decodeText(this.#buffer, from, end);
    if (text === undefined) return;
    const cells = text.includes('"') ? await parseRecord(this.#table, text, this.#line) : text.replace(/\r?\n$/, '').split(',');
    this.#table.chooseLabels(cells[this.#table.labelColumn] ?? '0', this.#line);
  }

  /** Skips a UTF-8 byte order mark; refuses UTF-16. @returns where the text begins */
  #skipMark(): number {
    const [a, b, c] = this.#buffer;
    if (this.#filled >= 2 && ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff))) {
      throw new NablaError('ERR_FORMAT', `[${op}] ${this.#table.options.name} is written in UTF-16. Expected UTF-8; save it as UTF-8.`);
    }
    return this.#filled >= 3 && a === 0xef && b === 0xbb && c === 0xbf ? 3 : 0;
  }

  /** Drops what was read before `at`. */
  #shift(at: number): void {
    this.#buffer.copyWithin(0, at, this.#filled);
    this.#filled -= at;
    this.#offset += at;
  }

  /** Reads on; the last line of the file gets its newline where it has none. */
  async #fill(): Promise<void> {
    if (this.#ended) return;
    // One byte is kept for that newline.
    if (this.#filled + pieceBytes / 2 > this.#buffer.length - 1) {
      if (this.#buffer.length >= maxBufferBytes) throw this.#table.fail(this.#line, undefined, `a line has a limit. Expected at most ${maxLineBytes} bytes, received more`);
      const larger = new Uint8Array(this.#buffer.length * 2);
      larger.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = larger;
    }
    let bytesRead: number;
    try {
      ({ bytesRead } = await this.#file.read(this.#buffer, this.#filled, this.#buffer.length - 1 - this.#filled, null));
    } catch (error) {
      throw fileError(op, 'read', this.#path, error);
    }
    this.#filled += bytesRead;
    if (bytesRead > 0) return;
    this.#ended = true;
    if (this.#filled > 0 && this.#buffer[this.#filled - 1] !== 10) {
      this.#buffer[this.#filled] = 10;
      this.#filled += 1;
    }
  }
}
