// Checks targets against the loss they are for.
import type { FindUnusable } from '../../backend/contract/checks.js';
import type { Targets } from '../../backend/contract/executor.js';
import { type InputArray, type DType, typedArrayTag } from '../../base/arrays.js';
import { itemsOf } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';
import { targetsOf } from '../../metrics/loss-names.js';
import { isElementwise, type Loss } from '../losses/index.js';
import { checkDepth, toMatrix } from './samples.js';

/** What targets are checked against. */
export interface TargetRule {
  readonly op: string;
  readonly name: string;
  readonly rows: number;
  /** Outputs of the network. */
  readonly units: number;
  readonly loss: Loss;
  readonly dtype: DType;
  readonly find?: FindUnusable;
}

/**
 * @param value labels (rows) or values (rows, units), as the loss wants them
 * @throws ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE
 */
export function toTargets(given: unknown, rule: TargetRule): Targets {
  const value = hasSwitchesOrBigInts(given, rule) ? numbersOf(given, rule, 0) : given;
  if (value === undefined || value === null) {
    throw new NablaError('ERR_TYPE', `[${rule.op}] targets are given. Expected an array for ${rule.name}, received ${show(value)}.`);
  }
  if (rule.loss.name === 'sparseCategoricalCrossentropy') return { kind: 'labels', values: toLabels(value, rule) };
  const { op, name, rows, units, loss } = rule;
  // One column first, so that the shape error can say what the array looks like.
  const flat = Array.isArray(value) ? typeof value[0] === 'number' : ArrayBuffer.isView(value);
  if (flat && units > 1 && lengthOf(value) === rows) {
    const advice = targetsOf(loss.name) === 'distribution' ? " Class indices go with 'sparseCategoricalCrossentropy'." : '';
    throw new NablaError('ERR_SHAPE', `[${op}] targets have one value an output. Expected ${rows} x ${units} values for ${name}, received ${rows}.${advice}`);
  }
  const matrix = toMatrix(value, { op, name, features: units, shape: [units], dtype: rule.dtype, ...(rule.find === undefined ? {} : { find: rule.find }) });
  checkRowCount(matrix.rows, rule);
  switch (targetsOf(loss.name)) {
    case 'probability':
    case 'distribution':
      checkProbabilities(matrix.values, rule);
      break;
    case 'notNegative':
      checkNotNegative(matrix.values, rule);
      break;
    case 'sign':
      checkSigns(matrix.values, rule);
      break;
    case 'any':
      break;
  }
  return { kind: 'values', values: matrix.values };
}

/** Looks at the first value alone: booleans and 64-bit integers are taken as numbers where targets begin with one. */
function hasSwitchesOrBigInts(value: unknown, { op, name }: TargetRule): boolean {
  let first = value;
  // An array may hold itself.
  for (let depth = 0; Array.isArray(first); depth++) {
    checkDepth(op, name, 0, depth);
    first = first[0];
  }
  return typeof first === 'boolean' || typeof first === 'bigint' || isBigIntArray(first);
}

function isBigIntArray(value: unknown): value is BigInt64Array | BigUint64Array {
  return typedArrayTag(value)?.startsWith('Big') === true;
}

function numbersOf(value: unknown, rule: TargetRule, depth: number): unknown {
  checkDepth(rule.op, rule.name, 0, depth);
  if (isBigIntArray(value)) return Float64Array.from(value, (item: bigint) => exactNumber(item, rule));
  if (Array.isArray(value)) return itemsOf(value).map((item) => numbersOf(item, rule, depth + 1));
  if (typeof value === 'boolean') return value ? 1 : 0;
  return typeof value === 'bigint' ? exactNumber(value, rule) : value;
}

function exactNumber(value: bigint, { op, name }: TargetRule): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  throw new NablaError('ERR_RANGE', `[${op}] integers of ${name} are exact as numbers. Expected -(2^53-1) to 2^53-1 in ${name}, received ${show(value)}.`);
}

function lengthOf(value: unknown): number {
  const length: unknown = typeof value === 'object' && value !== null && 'length' in value ? value.length : 0;
  return typeof length === 'number' ? length : 0;
}

function checkRowCount(received: number, { op, name, rows }: TargetRule): void {
  if (received !== rows) {
    throw new NablaError('ERR_SHAPE', `[${op}] x and ${name} have the same number of rows. Expected ${rows} rows for ${name}, received ${received}.`);
  }
}

function toLabels(value: unknown, rule: TargetRule): Int32Array {
  const { op, name, rows, units } = rule;
  const length = lengthOf(value);
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  if ((length === rows * units && length !== rows) || (lengthOf(first) === units && units > 1)) {
    throw new NablaError(
      'ERR_SHAPE',
      `[${op}] labels are class indices, one a row. Expected ${rows} labels for ${name}, received ${units} values a row. One-hot targets go with 'categoricalCrossentropy'.`,
    );
  }
  const matrix = toMatrix(value, { op, name, features: 1, shape: [1], dtype: 'float64' });
  checkRowCount(matrix.rows, rule);
  const labels = new Int32Array(rows);
  const values = matrix.values;
  for (let row = 0; row < rows; row++) {
    const label = values[row] ?? NaN;
    if (!(label >= 0 && label < units && Number.isInteger(label))) throw labelError(label, row, rule);
    labels[row] = label;
  }
  return labels;
}

function labelError(label: number, row: number, { op, name, units }: TargetRule): NablaError {
  const rule = Number.isInteger(label) ? `labels are below the number of classes` : 'labels are whole numbers';
  return new NablaError('ERR_RANGE', `[${op}] ${rule}. Expected 0 to ${units - 1} in row ${row} of ${name}, received ${show(label)}.`);
}

function checkSigns(values: InputArray, { op, name, units }: TargetRule): void {
  const bad = values.findIndex((value) => value !== 1 && value !== -1);
  if (bad >= 0) {
    throw new NablaError(
      'ERR_RANGE',
      `[${op}] targets of a hinge loss name a side. Expected -1 or 1 in row ${Math.floor(bad / units)}, column ${bad % units} of ${name}, received ${show(values[bad])}.`,
    );
  }
}

function checkNotNegative(values: InputArray, { op, name, units, loss }: TargetRule): void {
  const bad = values.findIndex((value) => !(value >= 0));
  if (bad >= 0) {
    throw new NablaError(
      'ERR_RANGE',
      `[${op}] targets of ${loss.name} are not negative. Expected 0 or more in row ${Math.floor(bad / units)}, column ${bad % units} of ${name}, received ${show(values[bad])}.`,
    );
  }
}

function checkProbabilities(values: InputArray, { op, name, units, loss }: TargetRule): void {
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    if (value >= 0 && value <= 1) continue;
    const advice =
      loss.name === 'binaryCrossentropy' && units === 1 ? " Labels of several classes go with a softmax layer and 'sparseCategoricalCrossentropy'." : '';
    throw new NablaError(
      'ERR_RANGE',
      `[${op}] targets of ${isElementwise(loss) ? loss.name : 'a cross-entropy'} are probabilities. Expected 0 to 1 in row ${Math.floor(i / units)}, column ${i % units} of ${name}, received ${show(value)}.${advice}`,
    );
  }
}
