// Writing tables of numbers: data sets, and the file that Kaggle wants.
import { isNumericTypedArray } from '../base/arrays.js';
import { checkBoolean, checkInteger, checkObject, checkOptions, checkText, checkTexts } from '../base/checks.js';
import { NablaError, show } from '../base/errors.js';
import type { Dataset } from '../train/dataset.js';
import { writeFileAtomic } from './atomic-write.js';
import type { PathLike } from './files.js';

/** A data set, such as ArrayDataset, whose classes may have names. */
export interface NamedDataset extends Dataset {
  readonly classNames?: readonly string[] | undefined;
}
export interface WriteCsvOptions {
  /** Names of the feature columns. Default pixel0, pixel1, … */
  readonly columns?: readonly string[];
  /** Name of the label column, the first one; null for none. Default 'label', or none where the set has no labels. */
  readonly label?: string | null;
  /** A first column without a name that counts the rows, as pandas writes it. Default false. */
  readonly index?: boolean;
  /** Write the labels to a file of their own, row for row. Default: into the same file. */
  readonly labels?: PathLike;
  /** Write class names in place of their numbers. Default false. */
  readonly names?: boolean;
}
export interface SubmissionOptions {
  /** Names of the two columns. Default ['ImageId', 'Label']. */
  readonly header?: readonly [string, string];
  /** Number of the first row. Default 1. */
  readonly firstId?: number;
}

const rowsAPiece = 512;

/**
 * Writes a data set as a table of numbers, one sample a line. Numbers read back as they are (values to be predicted with `targets: 'numbers'`). Each file is replaced in one piece.
 * @param path file  @param dataset samples and, where there are any, one class index or one value a row
 * @param options columns and what goes into them
 * @throws ERR_FILE, ERR_OPTION, ERR_SHAPE when the names do not fit, ERR_STATE when labels are wanted and there are none, ERR_NON_FINITE
 * @example await writeCsv('X.csv', all, { labels: 'y.csv', index: true }); // the pair of tables that pandas makes of OpenML's sets
 */
export async function writeCsv(path: PathLike, dataset: NamedDataset, options: WriteCsvOptions = {}): Promise<void> {
  const op = 'writeCsv';
  checkOptions(op, options, ['columns', 'label', 'index', 'labels', 'names']);
  checkDataset(op, dataset);
  const columns = options.columns === undefined ? Array.from({ length: dataset.features }, (_, i) => `pixel${i}`) : checkTexts(op, 'columns', options.columns);
  if (columns.length !== dataset.features) throw new NablaError('ERR_SHAPE', `[${op}] every feature has a name. Expected ${dataset.features} names for columns, received ${columns.length}.`);
  const label = options.label === undefined ? (dataset.y === null ? null : 'label') : options.label === null ? null : checkText(op, 'label', options.label);
  const index = checkBoolean(op, 'index', options.index ?? false);
  const labelText = label === null ? undefined : labelTexts(op, dataset, checkBoolean(op, 'names', options.names ?? false));
  const apart = options.labels !== undefined;
  if (apart && labelText === undefined) throw new NablaError('ERR_STATE', `[${op}] a file of labels needs labels. Expected a label column for labels, received none.`);
  const first = [...(index ? [''] : []), ...(labelText === undefined || apart ? [] : [label ?? ''])];
  const lead = (row: number): string => `${index ? `${row},` : ''}${labelText === undefined || apart ? '' : `${labelText(row)},`}`;
  await writeFileAtomic(op, path, lines([...first, ...columns], dataset.rows, (row) => lead(row) + numbers(dataset.x, row * dataset.features, (row + 1) * dataset.features)));
  if (options.labels !== undefined && labelText !== undefined) {
    await writeFileAtomic(op, options.labels, lines([...(index ? [''] : []), label ?? ''], dataset.rows, (row) => `${index ? `${row},` : ''}${labelText(row)}`));
  }
}

/**
 * Writes a submission for Kaggle's digit-recognizer: a header, then one line a prediction with its number.
 * @param path file  @param predictions class indices, one a sample, e.g. (await model.predict(x)).argmax()
 * @param options other column names or first number
 * @throws ERR_FILE, ERR_OPTION, ERR_RANGE for what is no class index
 * @example await writeSubmission('submission.csv', (await model.predict(test.x)).argmax());
 */
export async function writeSubmission(path: PathLike, predictions: ArrayLike<number>, options: SubmissionOptions = {}): Promise<void> {
  const op = 'writeSubmission';
  checkOptions(op, options, ['header', 'firstId']);
  const { firstId = 1 } = options;
  const header = checkTexts(op, 'header', options.header ?? ['ImageId', 'Label']);
  if (header.length !== 2) throw new NablaError('ERR_SHAPE', `[${op}] there are two columns. Expected 2 names for header, received ${header.length}.`);
  const given: unknown = predictions;
  if (!Array.isArray(given) && !isNumericTypedArray(given)) throw new NablaError('ERR_TYPE', `[${op}] predictions are numbers. Expected a typed array or an array for predictions, received ${show(predictions)}.`);
  if (!Number.isSafeInteger(firstId)) throw new NablaError('ERR_RANGE', `[${op}] rows are counted. Expected a whole number for firstId, received ${show(firstId)}.`);
  for (let i = 0; i < predictions.length; i++) {
    const value = predictions[i];
    if (!Number.isSafeInteger(value) || value < 0) throw new NablaError('ERR_RANGE', `[${op}] a prediction is the number of a class. Expected a whole number from 0 for prediction ${i}, received ${show(value)}.`);
  }
  await writeFileAtomic(op, path, lines(header, predictions.length, (row) => `${firstId + row},${predictions[row]}`));
}

function checkDataset(op: string, dataset: NamedDataset): void {
  checkObject(op, 'dataset', dataset, 'x, y, rows, features');
  const rows = checkInteger(op, 'rows of dataset', dataset.rows, 0);
  const features = checkInteger(op, 'features of dataset', dataset.features, 1);
  if (!isNumericTypedArray(dataset.x) || dataset.x.length !== rows * features) {
    throw new NablaError('ERR_SHAPE', `[${op}] samples lie in one typed array. Expected ${rows} x ${features} numbers for x of dataset, received ${show(dataset.x)}.`);
  }
  if (dataset.y !== null && !isNumericTypedArray(dataset.y)) throw new NablaError('ERR_TYPE', `[${op}] targets lie in one typed array. Expected such an array or null for y of dataset, received ${show(dataset.y)}.`);
  if (dataset.classNames !== undefined) checkTexts(op, 'classNames', dataset.classNames);
}

function* lines(header: readonly string[], rows: number, line: (row: number) => string): Generator<Uint8Array, void> {
  const encoder = new TextEncoder();
  yield encoder.encode(`${header.map(quoted).join(',')}\n`);
  for (let from = 0; from < rows; from += rowsAPiece) {
    let text = '';
    for (let row = from; row < Math.min(rows, from + rowsAPiece); row++) text += `${line(row)}\n`;
    yield encoder.encode(text);
  }
}

/** Array.join of the numbers, which writes -0 as 0: spelt out where there is one. */
function numbers(x: Dataset['x'], from: number, to: number): string {
  const part = x.subarray(from, to);
  if (x instanceof Uint8Array || !part.some((value) => !Number.isFinite(value) || Object.is(value, -0))) return part.join(',');
  return Array.from(part, (value) => cell(value, Math.floor(from / part.length))).join(',');
}

function cell(value: number, row: number): string {
  if (!Number.isFinite(value)) throw new NablaError('ERR_NON_FINITE', `[writeCsv] a table holds finite numbers. Received ${value} in row ${row}.`);
  return Object.is(value, -0) ? '-0' : String(value);
}

function labelTexts(op: string, dataset: NamedDataset, names: boolean): (row: number) => string {
  const { y, classNames, rows } = dataset;
  if (y === null || y.length !== rows) throw new NablaError('ERR_STATE', `[${op}] a label column needs one number a row. Expected ${rows} numbers in y, received ${show(y)}.`);
  if (!names) return (row) => cell(y[row], row);
  if (classNames === undefined) throw new NablaError('ERR_STATE', `[${op}] the classes have no names. Expected classNames in the data set for names, received none.`);
  return (row) => quoted(classNames[y[row]] ?? String(y[row]));
}

function quoted(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
