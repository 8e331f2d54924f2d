// Loss and metrics over a whole data set, in chunks that keep the event loop free, and predictions of one.
import type { DataHandle, EvaluateResult, Executor, Reading, Targets, WeightsChoice } from '../backend/contract/executor.js';
import { parameterShapes, type NetworkSpec } from '../backend/contract/spec.js';
import type { FloatArray } from '../base/arrays.js';
import { getEnvironment } from '../base/environment.js';
import { isNablaError } from '../base/errors.js';
import { checkStop, type Stop } from '../base/signal.js';
import { perform, type Flow } from '../base/sync-async.js';
import type { Metric } from '../metrics/by-name.js';
import type { Logs } from './history.js';

/** What is evaluated, on which weights. */
export interface EvaluateJob {
  readonly executor: Executor;
  readonly data: DataHandle;
  readonly targets: Targets;
  readonly metrics: readonly Metric[];
  /** Right predictions that are possible in one row. */
  readonly countsPerRow: number;
  readonly weights: WeightsChoice;
  readonly stop: Stop;
}
/** What is predicted, with which weights. */
export interface PredictJob {
  readonly executor: Executor;
  readonly data: DataHandle;
  readonly output: 'outputs' | 'logits';
  readonly weights: WeightsChoice;
  readonly stop: Stop;
}

/** Rows a call: about 2^25 multiplications (20 ms in TypeScript). It follows from the shape alone, so that sums have the same bytes on every backend. */
export function chunkRows(spec: NetworkSpec): number {
  const parameters = parameterShapes(spec).reduce((sum, shape) => sum + shape.size, 0);
  return Math.max(64, Math.floor(2 ** 25 / parameters));
}

/** Lets the event loop have a turn where the backend works on this thread. */
export function* breathe(executor: Executor): Flow<void> {
  if (executor.backend === 'native') return;
  yield* perform(
    () => undefined,
    () => getEnvironment().yield(),
  );
}

/** Runs `work` with the weights of now, whoever changes them meanwhile. The signal ends it within a slice. @throws the stop's error, then */
function* whileReading<Result>({ executor, weights, stop }: Pick<EvaluateJob, 'executor' | 'weights' | 'stop'>, work: (reading: Reading) => Flow<Result>): Flow<Result> {
  const { signal } = stop;
  checkStop(stop);
  const reading = executor.read(weights);
  const abort = (): void => { reading.abort(); };
  signal?.addEventListener('abort', abort);
  try {
    const result = yield* work(reading);
    checkStop(stop);
    return result;
  } catch (error) {
    if (isNablaError(error) && error.code === 'ERR_ABORTED') checkStop(stop);
    throw error;
  } finally {
    signal?.removeEventListener('abort', abort);
    reading.dispose();
  }
}

/** @returns loss and metrics over all rows @throws the stop's error */
export function evaluateFlow(job: EvaluateJob): Flow<Logs> {
  return whileReading(job, (reading) => evaluatePieces(job, reading));
}

function* evaluatePieces({ executor, data, targets, metrics, countsPerRow, weights, stop }: EvaluateJob, reading: Reading): Flow<Logs> {
  const outputs = metrics.some((metric) => !metric.counted);
  const accumulators = metrics.map((metric) => metric.create());
  const chunk = chunkRows(executor.spec);
  // A custom loss is a mean too, and none of the spec's.
  const mean = executor.spec.loss?.reduction !== 'sum';
  let lossSum = 0;
  let denominator = mean ? 0 : 1;
  let correct = 0;
  let penalty = 0;
  for (let from = 0; from < data.rows; from += chunk) {
    const rows = Math.min(chunk, data.rows - from);
    const options = { order: null, from, to: from + rows, outputs, weights };
    const result: EvaluateResult = yield* perform(
      () => executor.evaluateSync(data, options),
      () => executor.evaluate(data, options, reading),
    );
    checkStop(stop);
    lossSum += result.lossSum;
    if (mean) denominator += result.denominator;
    correct += result.correct ?? 0;
    penalty = result.penalty;
    if (result.outputs !== null) {
      const units = result.outputs.length / rows;
      const slice = { outputs: result.outputs, rows, units, targets, rowAt: (position: number) => from + position };
      metrics.forEach((metric, i) => {
        if (!metric.counted) accumulators[i].update(slice);
      });
    }
    if (from + rows < data.rows) yield* breathe(executor);
  }
  const logs: Logs = { loss: lossSum / denominator + penalty };
  metrics.forEach((metric, i) => {
    logs[metric.name] = metric.counted ? correct / (data.rows * countsPerRow) : accumulators[i].result();
  });
  return logs;
}

/** @returns (rows, units) outputs or logits of all rows @throws the stop's error */
export function predictFlow(job: PredictJob): Flow<FloatArray> {
  const { executor, data, output, weights } = job;
  const options = { order: null, from: 0, to: data.rows, output, weights };
  return whileReading(job, (reading) =>
    perform(
      () => executor.predictSync(data, options),
      () => executor.predict(data, options, reading),
    ),
  );
}
