// Metrics in streaming form: rows come in slices, sums are float64.
import type { Targets } from '../backend/executor.js';
import type { FloatArray } from '../backend/spec.js';
import { NablaError, show } from '../errors.js';
import { isElementwise, type LossConfig } from '../model/losses.js';

/** Metrics by name; 'mse' and 'mae' are short forms and keep their names in the logs. */
export const metricNames = ['accuracy', 'meanSquaredError', 'mse', 'meanAbsoluteError', 'mae'] as const;
/** Name of a metric. */
export type MetricName = (typeof metricNames)[number];

/** Outputs of some rows with their targets. */
export interface MetricSlice {
  /** (rows, units) after the head. */
  readonly outputs: FloatArray;
  /** The data's row of each output row. */
  readonly rowAt: (position: number) => number;
  readonly rows: number;
  readonly units: number;
  readonly targets: Targets;
}

/** A figure that grows with every slice. */
export interface MetricAccumulator {
  update(slice: MetricSlice): void;
  result(): number;
}

/** A metric made ready for a loss. */
export interface Metric {
  readonly name: MetricName;
  /** true: right predictions counted by the backend, no outputs needed. */
  readonly counted: boolean;
  create(): MetricAccumulator;
}

/** @param value the `metrics` of compile @param loss what they go with @throws ERR_OPTION, ERR_TYPE */
export function checkMetrics(op: string, value: unknown, loss: LossConfig): readonly Metric[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new NablaError('ERR_TYPE', `[${op}] metrics are a list of names. Expected for example ['accuracy'] for metrics, received ${show(value)}.`);
  const names = value.map((item: unknown) => {
    const name = metricNames.find((known) => known === item);
    if (name === undefined) throw new NablaError('ERR_OPTION', `[${op}] unknown metric. Expected one of ${metricNames.join(', ')}, received ${show(item)}.`);
    return name;
  });
  return [...new Set(names)].map((name) => makeMetric(op, name, loss));
}

function makeMetric(op: string, name: MetricName, loss: LossConfig): Metric {
  if (name === 'accuracy') return { name, counted: !isElementwise(loss), create: () => meanOverRows(accuracyOfValues) };
  if (loss.name === 'sparseCategoricalCrossentropy') {
    throw new NablaError('ERR_OPTION', `[${op}] this metric compares values. Expected 'accuracy' with class indices (sparseCategoricalCrossentropy), received '${name}'.`);
  }
  const squared = name === 'mse' || name === 'meanSquaredError';
  return { name, counted: false, create: () => meanOverRows((slice, position) => meanDifference(slice, position, squared)) };
}

function meanOverRows(figure: (slice: MetricSlice, position: number) => number): MetricAccumulator {
  let sum = 0;
  let rows = 0;
  return {
    update(slice) {
      for (let position = 0; position < slice.rows; position++) sum += figure(slice, position);
      rows += slice.rows;
    },
    result: () => sum / rows,
  };
}

function meanDifference({ outputs, units, targets, rowAt }: MetricSlice, position: number, squared: boolean): number {
  const row = rowAt(position);
  let sum = 0;
  for (let unit = 0; unit < units; unit++) {
    const difference = outputs[position * units + unit] - targets.values[row * units + unit];
    sum += squared ? difference * difference : Math.abs(difference);
  }
  return sum / units;
}

/** With a regression loss as Keras resolves it: one output is right on the same side of 0.5, several where the largest is the target's. */
function accuracyOfValues({ outputs, units, targets, rowAt }: MetricSlice, position: number): number {
  const row = rowAt(position);
  if (units === 1) return outputs[position] >= 0.5 === targets.values[row] >= 0.5 ? 1 : 0;
  let predicted = 0;
  let wanted = 0;
  for (let unit = 1; unit < units; unit++) {
    if (outputs[position * units + unit] > outputs[position * units + predicted]) predicted = unit;
    if (targets.values[row * units + unit] > targets.values[row * units + wanted]) wanted = unit;
  }
  return predicted === wanted ? 1 : 0;
}

/** Predictions that the backend counts for one row: each element for binary cross-entropy, each row otherwise. */
export function countsPerRow(loss: LossConfig, units: number): number {
  return loss.name === 'binaryCrossentropy' ? units : 1;
}
