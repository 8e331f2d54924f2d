// Checks the arguments of fit and loads its data: everything is refused before anything changes.
import type { FindUnusable } from '../backend/contract/checks.js';
import type { DataHandle, Executor, Targets } from '../backend/contract/executor.js';
import { takesBatchStatistics } from '../backend/contract/spec.js';
import type { InputArray } from '../base/arrays.js';
import { isNumericTypedArray, type ArrayInput, type TargetInput } from '../base/arrays.js';
import { checkBoolean, checkInteger, checkName, checkOptions, checkReal } from '../base/checks.js';
import { NablaError, show } from '../base/errors.js';
import { checkSignal } from '../base/signal.js';
import { perform, runSync, turn, type Flow } from '../base/sync-async.js';
import { countsPerRow, type Metric } from '../metrics/by-name.js';
import { purposes } from '../random/purposes.js';
import { checkCallbacks, type Callback } from '../train/callbacks.js';
import { isDataset, type Dataset } from '../train/dataset.js';
import type { EvaluateJob } from '../train/evaluate.js';
import type { FitParams } from '../train/history.js';
import type { FitJob } from '../train/loop.js';
import type { Verbose } from '../train/progress.js';
import { applyClassWeight, toSampleWeight, type ClassWeight } from './inputs/sample-weights.js';
import { toMatrix } from './inputs/samples.js';
import { toTargets } from './inputs/targets.js';
import type { Structure } from './layers/structure.js';
import { checkWeightable } from './losses/custom-loss.js';
import type { Loss } from './losses/index.js';

/** Validation data: a pair, a pair with sample weights, an object or a data set. */
export type ValidationData =
  | readonly [x: ArrayInput, y: TargetInput | null, sampleWeight?: ArrayInput]
  | { readonly x: ArrayInput; readonly y: TargetInput | null; readonly sampleWeight?: ArrayInput }
  | Dataset;

/** What becomes of an epoch's last rows where they fill no batch. */
export type LastBatch = 'keep' | 'drop' | 'merge';

/** Options of `fit`. */
export interface FitOptions {
  /** Number of the epoch to stop before, counted from 0. Default 1. */
  readonly epochs?: number;
  /** Rows an update; the last update of an epoch takes what is left. Default 32; all rows with L-BFGS. */
  readonly batchSize?: number;
  /** What happens to the rows that are left at an epoch's end when batchSize does not divide them: 'keep' (default) makes them a smaller batch, 'drop' leaves
   * them out of this epoch, 'merge' adds them to the batch before. */
  readonly lastBatch?: LastBatch;
  /** A new order of the rows each epoch, from the model's seed and the epoch's number. Default true. A batch that holds all rows is left in order: there it would only change rounding. */
  readonly shuffle?: boolean;
  /** The rows of every epoch in this order, instead of a shuffle; rows may be left out or come twice. A function gives the order for an epoch. */
  readonly order?: Uint32Array | readonly number[] | ((epoch: number) => Uint32Array | readonly number[]);
  /** Part of the rows, from the end and before any shuffle, held back for validation. 0 to 1, both excluded; default none. */
  readonly validationSplit?: number;
  /** What loss and metrics are computed on after each epoch. */
  readonly validationData?: ValidationData;
  readonly callbacks?: Callback | readonly Callback[];
  /** Ends the fit: it rejects with ERR_ABORTED, the model stays usable. */
  readonly signal?: AbortSignal;
  /** 0 silent (default), 1 progress line, 2 one line an epoch. */
  readonly verbose?: Verbose;
  /** A factor for the rows of each class: of a label, of the largest target, or of one output's side (0 or -1, and 1). */
  readonly classWeight?: ClassWeight;
  /** (rows): a factor for each row's loss; the mean still divides by the number of rows (Keras). */
  readonly sampleWeight?: ArrayInput;
  /** Number of the first epoch. Default 0. */
  readonly initialEpoch?: number;
}

const fitOptionNames = [
  'epochs', 'batchSize', 'lastBatch', 'shuffle', 'order', 'validationSplit', 'validationData', 'callbacks', 'signal', 'verbose', 'classWeight', 'sampleWeight', 'initialEpoch',
] as const;

/** What arguments are checked against. */
export interface DataRule {
  readonly op: string;
  readonly structure: Structure;
  readonly executor: Executor;
  readonly loss: Loss;
}

/** Checked samples. */
export interface CheckedData {
  readonly x: InputArray;
  readonly rows: number;
  readonly targets: Targets;
  readonly sampleWeight: Float64Array | undefined;
}

/** Checks samples with their targets. @param names how they are called in errors */
export function checkData(rule: DataRule, x: unknown, y: unknown, sampleWeight: unknown, names: { readonly x: string; readonly y: string } = { x: 'x', y: 'y' }): CheckedData {
  const { op, structure, executor, loss } = rule;
  const { dtype } = executor.spec;
  checkWeightable(op, loss, 'sampleWeight', sampleWeight);
  const find: FindUnusable = (values) => executor.firstUnusable(values);
  const matrix = toMatrix(x, { op, name: names.x, features: structure.inputSize, shape: structure.inputShape, dtype, find });
  const targets = toTargets(y, { op, name: names.y, rows: matrix.rows, units: structure.units, loss, dtype, find });
  return { x: matrix.values, rows: matrix.rows, targets, sampleWeight: toSampleWeight(op, sampleWeight, matrix.rows) };
}

/** Takes (x, y), or a data set in place of both. @throws ERR_TYPE, ERR_SHAPE */
export function splitDataset(op: string, x: unknown, y: unknown, features: number): { x: unknown; y: unknown } {
  if (!isDataset(x)) return { x, y };
  if (y !== undefined && y !== null) throw new NablaError('ERR_TYPE', `[${op}] a data set brings its targets. Expected no y beside it, received ${show(y)}.`);
  if (x.features !== features || x.x.length !== x.rows * x.features) {
    throw new NablaError('ERR_SHAPE', `[${op}] the data set's samples fit the model. Expected ${features} features, received ${x.features} (${x.rows} rows, ${x.x.length} values).`);
  }
  return { x: x.x, y: x.y };
}

/** Loads checked data. */
export function loadData(executor: Executor, { x, rows, targets, sampleWeight }: CheckedData): DataHandle {
  return executor.load({ x, rows, y: targets, scanned: true, ...(sampleWeight === undefined ? {} : { sampleWeight }) });
}

/** What fit needs of the model besides its data. */
export type FitHooks = Pick<FitJob, 'model' | 'scalars' | 'advance' | 'stepping' | 'published' | 'finished' | 'lbfgs'>;

/** A fit that is ready to run, and how to free what it holds. */
export interface PreparedFit {
  readonly job: FitJob;
  dispose(): void;
}

/** @throws ERR_OPTION, ERR_TYPE, ERR_RANGE, ERR_SHAPE, ERR_NON_FINITE, ERR_ABORTED, ERR_MEMORY */
export function prepareFit(rule: DataRule, x: unknown, y: unknown, options: FitOptions, metrics: readonly Metric[], hooks: FitHooks): PreparedFit {
  const { op, executor, structure, loss } = rule;
  checkOptions(op, options, fitOptionNames);
  const epochs = checkInteger(op, 'epochs', options.epochs ?? 1, 0);
  const initialEpoch = checkInteger(op, 'initialEpoch', options.initialEpoch ?? 0, 0);
  const batchSize = checkInteger(op, 'batchSize', options.batchSize ?? (hooks.lbfgs === null ? 32 : Number.MAX_SAFE_INTEGER), 1);
  const lastBatch = checkName(op, 'lastBatch', options.lastBatch ?? 'keep', ['keep', 'drop', 'merge']);
  const shuffle = checkBoolean(op, 'shuffle', options.shuffle ?? true);
  const verbose = checkVerbose(op, options.verbose ?? 0);
  const callbacks = checkCallbacks(op, options.callbacks);
  const signal = checkSignal(op, options.signal);
  const given = splitDataset(op, x, y, structure.inputSize);
  const all = checkData(rule, given.x, given.y, options.sampleWeight);
  checkWeightable(op, loss, 'classWeight', options.classWeight);
  const { train, held } = holdBack(op, all, options, structure.units);
  if (hooks.lbfgs !== null) checkFullBatch(op, options, batchSize, train.rows);
  const weights = applyClassWeight(op, options.classWeight, train.targets, train.rows, structure.units, train.sampleWeight, loss);
  const validation = options.validationData === undefined ? held : checkValidation(rule, options.validationData);
  const { orderOf, samples: ordered, fixedOrder } = checkOrder(op, options, train.rows, batchSize, shuffle, executor);
  const batches = cutBatches(ordered, batchSize, lastBatch);
  checkBatches(op, executor, batches);
  const data = loadData(executor, { ...train, sampleWeight: weights });
  let validationJob: Omit<EvaluateJob, 'executor' | 'weights' | 'stop'> | null = null;
  const perRow = countsPerRow(loss, structure.units);
  try {
    if (validation !== null) validationJob = { data: loadData(executor, validation), targets: ownTargets(validation.targets, metrics), metrics, countsPerRow: perRow };
  } catch (error) {
    data.dispose();
    throw error;
  }
  const job: FitJob = {
    op, executor, data, targets: ownTargets(train.targets, metrics), units: structure.units,
    params: { epochs, ...batches },
    initialEpoch, orderOf, fixedOrder, callbacks, validation: validationJob, signal, verbose, metrics, countsPerRow: perRow,
    ...hooks,
  };
  return {
    job,
    dispose: () => {
      data.dispose();
      validationJob?.data.dispose();
    },
  };
}

/** How an epoch of `rows` is cut. Only the last batch may have another size; where there is one batch, batchSize is its size. */
function cutBatches(rows: number, batchSize: number, lastBatch: LastBatch): Pick<FitParams, 'batchSize' | 'samples' | 'steps'> {
  const left = rows % batchSize;
  if (batchSize >= rows) return { batchSize: rows, samples: rows, steps: 1 };
  const whole = Math.floor(rows / batchSize);
  if (left === 0) return { batchSize, samples: rows, steps: whole };
  if (lastBatch === 'drop') return { batchSize, samples: rows - left, steps: whole };
  if (lastBatch === 'keep') return { batchSize, samples: rows, steps: whole + 1 };
  return { batchSize: whole === 1 ? rows : batchSize, samples: rows, steps: whole };
}

/** @throws ERR_RANGE where batch normalization would meet a batch of one row */
function checkBatches(op: string, executor: Executor, { batchSize, samples, steps }: Pick<FitParams, 'batchSize' | 'samples' | 'steps'>): void {
  if (executor.spec.layers.every((layer) => !takesBatchStatistics(layer))) return;
  const smallest = Math.min(batchSize, samples - (steps - 1) * batchSize);
  if (smallest > 1) return;
  const way = batchSize === 1 ? 'a batchSize of at least 2' : "another batchSize, or lastBatch 'drop' or 'merge'";
  throw new NablaError('ERR_RANGE', `[${op}] batch normalization needs at least two rows in every batch. Expected ${samples === 1 ? 'at least 2 rows' : way}, received ${samples} ${samples === 1 ? 'row' : 'rows'} in batches of ${batchSize}.`);
}

/** @throws ERR_OPTION for what L-BFGS cannot do */
function checkFullBatch(op: string, { order }: FitOptions, batchSize: number, rows: number): void {
  if (batchSize < rows) throw new NablaError('ERR_OPTION', `[${op}] lbfgs looks at all rows at once. Expected no batchSize, or ${rows} or more for it, received ${batchSize}.`);
  if (order !== undefined) throw new NablaError('ERR_OPTION', `[${op}] lbfgs looks at all rows at once. Expected no order (sampleWeight leaves rows out or counts them twice), received one.`);
}

/** Metrics computed here read targets while the fit runs; the caller may overwrite its arrays then. */
export function ownTargets(targets: Targets, metrics: readonly Metric[]): Targets {
  if (metrics.every((metric) => metric.counted)) return targets;
  return targets.kind === 'labels' ? { kind: 'labels', values: targets.values.slice() } : { kind: 'values', values: targets.values.slice() };
}

function checkVerbose(op: string, value: unknown): Verbose {
  if (value === 0 || value === 1 || value === 2) return value;
  throw new NablaError('ERR_OPTION', `[${op}] verbose is one of three. Expected 0 (silent), 1 (progress line) or 2 (one line an epoch) for verbose, received ${show(value)}.`);
}

function holdBack(op: string, all: CheckedData, options: FitOptions, units: number): { train: CheckedData; held: CheckedData | null } {
  if (options.validationSplit === undefined) return { train: all, held: null };
  if (options.validationData !== undefined) {
    throw new NablaError('ERR_OPTION', `[${op}] there is one validation set. Expected validationSplit or validationData, received both.`);
  }
  const split = checkReal(op, 'validationSplit', options.validationSplit, { minimum: 0, maximum: 1, minimumOpen: true, maximumOpen: true });
  const cut = Math.floor(all.rows * (1 - split));
  if (cut === 0 || cut === all.rows) {
    throw new NablaError('ERR_RANGE', `[${op}] both parts of a split have rows. Expected a fraction that cuts ${all.rows} rows in two for validationSplit, received ${split}.`);
  }
  return { train: part(all, 0, cut, units), held: part(all, cut, all.rows, units) };
}

function part({ x, rows, targets, sampleWeight }: CheckedData, from: number, to: number, units: number): CheckedData {
  const features = x.length / rows;
  return {
    x: x.subarray(from * features, to * features),
    rows: to - from,
    targets:
      targets.kind === 'labels'
        ? { kind: 'labels', values: targets.values.subarray(from, to) }
        : { kind: 'values', values: targets.values.subarray(from * units, to * units) },
    sampleWeight: sampleWeight?.subarray(from, to),
  };
}

function checkValidation(rule: DataRule, value: unknown): CheckedData {
  const { op, structure } = rule;
  const names = { x: 'validationData x', y: 'validationData y' };
  if (Array.isArray(value) && (value.length === 2 || value.length === 3)) return checkData(rule, value[0], value[1], value[2], names);
  if (isDataset(value)) {
    const { x, y } = splitDataset(op, value, undefined, structure.inputSize);
    return checkData(rule, x, y, undefined, names);
  }
  if (typeof value === 'object' && value !== null && 'x' in value && 'y' in value) {
    return checkData(rule, value.x, value.y, 'sampleWeight' in value ? value.sampleWeight : undefined, names);
  }
  throw new NablaError('ERR_TYPE', `[${op}] validation data has x and y. Expected [x, y], { x, y } or a data set for validationData, received ${show(value)}.`);
}

interface CheckedOrder {
  readonly orderOf: FitJob['orderOf'];
  readonly samples: number;
  readonly fixedOrder: boolean;
}

function checkOrder(op: string, options: FitOptions, rows: number, batchSize: number, shuffle: boolean, executor: Executor): CheckedOrder {
  const { order } = options;
  if (order === undefined) {
    const shuffled = shuffle && batchSize < rows;
    const { seed } = executor.spec;
    const orderOf = function* (epoch: number): Flow<Uint32Array | null> {
      if (!shuffled) return null;
      return yield* perform(
        () => executor.permutation(rows, seed, purposes.shuffle, epoch),
        () => executor.permutationAsync(rows, seed, purposes.shuffle, epoch),
      );
    };
    return { orderOf, samples: rows, fixedOrder: !shuffled };
  }
  if (options.shuffle === true) throw new NablaError('ERR_OPTION', `[${op}] a given order is not shuffled. Expected order or shuffle, received both.`);
  if (typeof order === 'function') {
    const firstEpoch = options.initialEpoch ?? 0;
    // Before anything changes, and so at once.
    const first = runSync(checkRowList(op, order(firstEpoch), rows));
    const orderOf = function* (epoch: number): Flow<Uint32Array> {
      if (epoch === firstEpoch) return first;
      const list = yield* checkRowList(op, order(epoch), rows);
      if (list.length !== first.length) {
        throw new NablaError('ERR_SHAPE', `[${op}] every epoch has as many rows. Expected ${first.length} from the order function, received ${list.length}.`);
      }
      return list;
    };
    return { orderOf, samples: first.length, fixedOrder: false };
  }
  const list = runSync(checkRowList(op, order, rows));
  return {
    // eslint-disable-next-line require-yield -- it has nothing to wait for
    *orderOf() {
      return list;
    },
    samples: list.length,
    fixedOrder: true,
  };
}

/** Rows looked at between two turns of the event loop. */
const ROWS_A_TURN = 1 << 18;

/** @returns a fresh array */
function* checkRowList(op: string, value: unknown, rows: number): Flow<Uint32Array> {
  if (!Array.isArray(value) && !isNumericTypedArray(value)) {
    throw new NablaError('ERR_TYPE', `[${op}] an order lists rows. Expected a Uint32Array or an array for order, received ${show(value)}.`);
  }
  const items: ArrayLike<unknown> = value;
  const { length } = items;
  if (length === 0) throw new NablaError('ERR_SHAPE', `[${op}] an epoch has rows. Expected at least one row in order, received none.`);
  const own = value instanceof Uint32Array ? value : null;
  const list = own === null ? new Uint32Array(length) : own.slice();
  for (let from = 0; from < length; from += ROWS_A_TURN) {
    if (from > 0) yield* turn();
    const to = Math.min(from + ROWS_A_TURN, length);
    if (own === null) takeRows(op, list, items, from, to, rows);
    else checkRows(op, list, from, to, rows);
  }
  return list;
}

// One function a kind of list keeps the loops monomorphic. A name is made for what is refused alone: of a million rows it would take half a second.

function takeRows(op: string, list: Uint32Array, items: ArrayLike<unknown>, from: number, to: number, rows: number): void {
  for (let i = from; i < to; i++) {
    const row = items[i];
    list[i] = typeof row === 'number' && row >= 0 && row < rows && Number.isInteger(row) ? row : checkInteger(op, `order[${i}]`, row, 0, rows - 1);
  }
}

function checkRows(op: string, list: Uint32Array, from: number, to: number, rows: number): void {
  for (let i = from; i < to; i++) if (list[i] >= rows) checkInteger(op, `order[${i}]`, list[i], 0, rows - 1);
}
