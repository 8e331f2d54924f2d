// Loss and metrics over a whole data set, and predictions of one, in chunks that keep the event loop free.
import type { DataHandle, EvaluateResult, Executor, Targets, WeightsChoice } from '../backend/contract/executor.js';
import { parameterShapes, type NetworkSpec } from '../backend/contract/spec.js';
import type { FloatArray } from '../base/arrays.js';
import { getEnvironment } from '../base/environment.js';
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
  /** Called between two chunks; what it throws ends the evaluation. */
  readonly check?: () => void;
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

/** @returns loss and metrics over all rows */
export function* evaluateFlow({ executor, data, targets, metrics, countsPerRow, weights, check }: EvaluateJob): Flow<Logs> {
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
      () => executor.evaluate(data, options),
    );
    check?.();
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

/** @returns (rows, units) outputs or logits of all rows */
export function* predictFlow(executor: Executor, data: DataHandle, output: 'outputs' | 'logits', weights: WeightsChoice, units: number): Flow<FloatArray> {
  // A row's prediction does not depend on its neighbours: where another thread works, one call takes all.
  const chunk = executor.backend === 'native' ? data.rows : chunkRows(executor.spec);
  let all: FloatArray | null = null;
  for (let from = 0; from < data.rows; from += chunk) {
    const to = Math.min(from + chunk, data.rows);
    const options = { order: null, from, to, output, weights };
    const part = yield* perform(
      () => executor.predictSync(data, options),
      () => executor.predict(data, options),
    );
    if (to - from === data.rows) return part;
    all ??= executor.spec.dtype === 'float32' ? new Float32Array(data.rows * units) : new Float64Array(data.rows * units);
    all.set(part, from * units);
    yield* breathe(executor);
  }
  return all ?? new Float32Array(0);
}
