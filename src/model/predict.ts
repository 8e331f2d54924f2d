// Predictions of a model and of a frozen one.
import type { Executor, WeightsChoice } from '../backend/contract/executor.js';
import type { InputArray, ArrayInput } from '../base/arrays.js';
import { checkInteger, checkOptions } from '../base/checks.js';
import { isNablaError, NablaError } from '../base/errors.js';
import { checkSignal, stopOf } from '../base/signal.js';
import { runAsync } from '../base/sync-async.js';
import { isDataset, type Dataset } from '../train/dataset.js';
import { predictFlow } from '../train/evaluate.js';
import { knownRows } from '../train/known-rows.js';
import { toMatrix, type Matrix } from './inputs/samples.js';
import type { Structure } from './layers/structure.js';
import { Prediction } from './prediction.js';
import { splitDataset } from './prepare-fit.js';

/** Samples to predict: numbers, or a data set whose targets are ignored. */
export type SampleInput = ArrayInput | Dataset;

/** Options of `predict` and its kin. */
export interface PredictOptions {
  /** How many samples a flat array holds. Default: one; the `x` of a data set tells its own number, and with one feature every number is a sample. */
  readonly rows?: number;
  /** Keras's rows a call, 1 or more. Nabla cuts the samples itself and no number depends on it: checked, without effect. */
  readonly batchSize?: number;
  /** Ends the call within a slice: ERR_ABORTED, with the signal's reason as cause. Default: none. Calls without a promise look at it before they begin. */
  readonly signal?: AbortSignal | null;
}

/** What predictions are made with. */
export interface PredictSource {
  readonly op: string;
  readonly structure: Structure;
  readonly executor: Executor;
  readonly output: 'outputs' | 'logits';
  readonly weights: WeightsChoice;
}

function checkSource({ op, structure, executor, output }: PredictSource): void {
  if (output === 'outputs' || executor.spec.head !== 'none') return;
  if (structure.lastActivation === 'softmax' || structure.lastActivation === 'sigmoid') {
    throw new NablaError('ERR_STATE', `[${op}] this loss is computed behind the activation, so logits are not kept. Expected a cross-entropy in compile, received another loss.`);
  }
}

/** From where on a single output means class 1; null where it is no probability. */
function threshold({ executor, structure, output }: PredictSource): number | null {
  const sigmoid = executor.spec.head === 'sigmoid' || structure.lastActivation === 'sigmoid';
  if (structure.units > 1 || !sigmoid) return null;
  return output === 'logits' ? 0 : 0.5;
}

function samples({ op, structure, executor }: PredictSource, x: unknown, { rows }: PredictOptions): Matrix {
  const rule = { op, name: 'x', features: structure.inputSize, shape: structure.inputShape, dtype: executor.spec.dtype, find: (values: InputArray) => executor.firstUnusable(values) };
  if (!isDataset(x)) return toMatrix(x, { ...rule, rows: rows ?? 'one' });
  return toMatrix(splitDataset(op, { x: x.x, y: null, rows: x.rows, features: x.features }, undefined, structure.inputSize).x, { ...rule, rows: rows ?? x.rows });
}

function checkPredictOptions(op: string, options: PredictOptions): PredictOptions {
  checkOptions(op, options, ['rows', 'batchSize', 'signal']);
  const { rows, batchSize, signal } = options;
  if (batchSize !== undefined) checkInteger(op, 'batchSize', batchSize, 1);
  return { ...(rows === undefined ? {} : { rows: checkInteger(op, 'rows', rows, 1) }), signal: checkSignal(op, signal) };
}

const NONE: PredictOptions = {};

/** @throws ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE, ERR_STATE, ERR_OPTION, ERR_RANGE, ERR_ABORTED */
export function predictSync(source: PredictSource, x: unknown, options?: PredictOptions): Prediction {
  checkSource(source);
  const { executor, structure, output, weights } = source;
  const told = options === undefined ? NONE : checkPredictOptions(source.op, options);
  // Single samples take a few microseconds: whole rows in a backend's own types go straight on, the executor looks for NaN itself.
  if (x instanceof Float32Array || x instanceof Uint8Array) {
    const count = told.rows ?? (x.length === structure.inputSize ? 1 : (knownRows(x) ?? 1));
    if (x.length === count * structure.inputSize && count > 0) {
      try {
        return new Prediction(executor.predictArraySync(x, count, output, weights), count, threshold(source));
      } catch (error) {
        // The same check here names the row, the column and the value.
        if (isNablaError(error) && error.code === 'ERR_NON_FINITE') samples(source, x, told);
        throw error;
      }
    }
  }
  const { values, rows } = samples(source, x, told);
  return new Prediction(executor.predictArraySync(values, rows, output, weights), rows, threshold(source));
}

/** The arrays are copied before this returns its promise. @throws (as rejection) ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE, ERR_STATE, ERR_OPTION, ERR_RANGE, ERR_ABORTED */
export async function predict(source: PredictSource, x: unknown, options: PredictOptions = {}): Promise<Prediction> {
  checkSource(source);
  const told = checkPredictOptions(source.op, options);
  const { values, rows } = samples(source, x, told);
  const { op, executor, output, weights } = source;
  const data = executor.load({ x: values, rows, scanned: true });
  try {
    return new Prediction(await runAsync(predictFlow({ executor, data, output, weights, stop: stopOf(op, told.signal ?? null) })), rows, threshold(source));
  } finally {
    data.dispose();
  }
}
