// Metrics of compile, by name, in streaming form: rows come in slices, sums are float64.
import type { Targets } from '../backend/contract/executor.js';
import type { FloatArray } from '../base/arrays.js';
import { checkName, itemsOf } from '../base/checks.js';
import { NablaError, show } from '../base/errors.js';
import { ClassCounts } from './class-counts.js';
import { argmax } from './input.js';
import { lossNames, targetsOf, type EntropyLossName, type ValueLossName } from './loss-names.js';
import { RankedScores } from './ranked-scores.js';
import { RegressionErrors } from './regression-errors.js';
import { isAmongTop } from './top-k.js';

/** Metrics by name; 'mse' and 'mae' are short forms and keep their names in the logs. */
export const metricNames = [
  'accuracy', 'binaryAccuracy', 'categoricalAccuracy', 'sparseCategoricalAccuracy', 'topKCategoricalAccuracy', 'precision', 'recall', 'f1', 'auc',
  'meanSquaredError', 'mse', 'meanAbsoluteError', 'mae', 'rootMeanSquaredError', 'r2',
] as const;
/** Name of a metric. */
export type MetricName = (typeof metricNames)[number];

/** Which way each metric gets better; a name left out does not compile. */
export const metricDirections: Readonly<Record<MetricName, 'min' | 'max'>> = {
  accuracy: 'max', binaryAccuracy: 'max', categoricalAccuracy: 'max', sparseCategoricalAccuracy: 'max', topKCategoricalAccuracy: 'max',
  precision: 'max', recall: 'max', f1: 'max', auc: 'max', r2: 'max',
  meanSquaredError: 'min', mse: 'min', meanAbsoluteError: 'min', mae: 'min', rootMeanSquaredError: 'min',
};

/** What a metric asks of the loss beside it. */
export interface LossTraits {
  readonly name: EntropyLossName | ValueLossName | 'custom';
  /** The targets are values: the backend counts no correct predictions. */
  readonly elementwise: boolean;
}

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
export function checkMetrics(op: string, value: unknown, loss: LossTraits): readonly Metric[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new NablaError('ERR_TYPE', `[${op}] metrics are a list of names. Expected for example ['accuracy'] for metrics, received ${show(value)}.`);
  const names = itemsOf(value).map((item) => checkName(op, 'metric', item, metricNames));
  return [...new Set(names)].map((name) => makeMetric(op, name, loss));
}

/** Losses whose targets tell a row's class or classes. */
const WITH_CLASSES: readonly LossTraits['name'][] = lossNames.filter((name) => ['distribution', 'probability'].includes(targetsOf(name)));
/** The losses that a metric goes with, where not all of them. */
const LOSSES: Readonly<Partial<Record<MetricName, readonly LossTraits['name'][]>>> = {
  binaryAccuracy: ['binaryCrossentropy', 'meanSquaredError', 'custom'],
  categoricalAccuracy: ['categoricalCrossentropy', 'kullbackLeiblerDivergence', 'categoricalHinge', 'custom'],
  sparseCategoricalAccuracy: ['sparseCategoricalCrossentropy'],
  topKCategoricalAccuracy: ['sparseCategoricalCrossentropy', 'categoricalCrossentropy', 'kullbackLeiblerDivergence', 'categoricalHinge', 'custom'],
  precision: WITH_CLASSES,
  recall: WITH_CLASSES,
  f1: WITH_CLASSES,
  auc: WITH_CLASSES,
};
/** Keras' default of topKCategoricalAccuracy. */
const TOP = 5;

function makeMetric(op: string, name: MetricName, loss: LossTraits): Metric {
  const fitting = LOSSES[name];
  if (fitting !== undefined && !fitting.includes(loss.name)) {
    throw new NablaError('ERR_OPTION', `[${op}] the metric '${name}' goes with some losses. Expected ${fitting.join(' or ')} for loss, received '${loss.name}'.`);
  }
  switch (name) {
    case 'accuracy':
      return { name, counted: !loss.elementwise, create: () => meanOverRows(accuracyOfValues(loss.name === 'hinge' || loss.name === 'squaredHinge' ? 0 : 0.5)) };
    case 'binaryAccuracy':
      return { name, counted: loss.name === 'binaryCrossentropy', create: () => meanOverRows(elementsRight) };
    case 'categoricalAccuracy':
    case 'sparseCategoricalAccuracy':
      return { name, counted: !loss.elementwise, create: () => meanOverRows(rowRight) };
    case 'topKCategoricalAccuracy':
      return { name, counted: false, create: () => meanOverRows(rowAmongTop) };
    case 'precision':
    case 'recall':
    case 'f1':
      return { name, counted: false, create: () => classFigure(name, loss.name === 'binaryCrossentropy') };
    case 'auc':
      return { name, counted: false, create: () => areaUnderRoc(loss.name === 'binaryCrossentropy') };
    default:
      break;
  }
  if (loss.name === 'sparseCategoricalCrossentropy') {
    throw new NablaError('ERR_OPTION', `[${op}] this metric compares values. Expected 'accuracy' with class indices (sparseCategoricalCrossentropy), received '${name}'.`);
  }
  if (name === 'rootMeanSquaredError') return { name, counted: false, create: () => regressionFigure((errors) => errors.rootMeanSquaredError()) };
  if (name === 'r2') return { name, counted: false, create: () => regressionFigure((errors) => errors.r2Score()) };
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

/**
 * With a regression loss as Keras resolves it: one output is right on the same side of `threshold` (0.5, between the -1 and 1 of a hinge 0), several where the
 * largest is the target's.
 */
function accuracyOfValues(threshold: number): (slice: MetricSlice, position: number) => number {
  return ({ outputs, units, targets, rowAt }, position) => {
    const row = rowAt(position);
    if (units === 1) return outputs[position] >= threshold === targets.values[row] >= threshold ? 1 : 0;
    let predicted = 0;
    let wanted = 0;
    for (let unit = 1; unit < units; unit++) {
      if (outputs[position * units + unit] > outputs[position * units + predicted]) predicted = unit;
      if (targets.values[row * units + unit] > targets.values[row * units + wanted]) wanted = unit;
    }
    return predicted === wanted ? 1 : 0;
  };
}

/** The class of a target: its label, or where its row is largest. */
function labelOf({ targets, units }: MetricSlice, row: number): number {
  return targets.kind === 'labels' ? targets.values[row] : argmax(targets.values, row * units, units);
}

function rowRight(slice: MetricSlice, position: number): number {
  return argmax(slice.outputs, position * slice.units, slice.units) === labelOf(slice, slice.rowAt(position)) ? 1 : 0;
}

function rowAmongTop(slice: MetricSlice, position: number): number {
  return isAmongTop(slice.outputs, position * slice.units, slice.units, labelOf(slice, slice.rowAt(position)), TOP) ? 1 : 0;
}

/** Part of a row's elements that are on the target's side of 0.5. */
function elementsRight({ outputs, units, targets, rowAt }: MetricSlice, position: number): number {
  const row = rowAt(position);
  let right = 0;
  for (let unit = 0; unit < units; unit++) if (outputs[position * units + unit] >= 0.5 === targets.values[row * units + unit] >= 0.5) right += 1;
  return right / units;
}

/** Binary: yes from 0.5 on, the elements of all outputs together (Keras). Several classes: by the largest output, mean over the classes (scikit-learn's macro). */
function classFigure(figure: 'precision' | 'recall' | 'f1', binary: boolean): MetricAccumulator {
  let counts: ClassCounts | null = null;
  return {
    update(slice) {
      const { outputs, units, targets, rowAt, rows } = slice;
      counts ??= new ClassCounts(binary ? 1 : units);
      for (let position = 0; position < rows; position++) {
        const row = rowAt(position);
        if (!binary) counts.addRow(labelOf(slice, row), argmax(outputs, position * units, units));
        else for (let unit = 0; unit < units; unit++) counts.addElement(0, targets.values[row * units + unit] >= 0.5, outputs[position * units + unit] >= 0.5);
      }
    },
    result: () => counts?.figures(0).macro[figure] ?? NaN,
  };
}

/** Exact, from all scores; several outputs: mean of each one's area. NaN while a class never or always occurs. */
function areaUnderRoc(binary: boolean): MetricAccumulator {
  let scores: RankedScores | null = null;
  return {
    update(slice) {
      const { outputs, units, targets, rowAt, rows } = slice;
      scores ??= new RankedScores(units);
      for (let position = 0; position < rows; position++) {
        const row = rowAt(position);
        const label = binary ? -1 : labelOf(slice, row);
        for (let unit = 0; unit < units; unit++) {
          scores.add(unit, binary ? targets.values[row * units + unit] >= 0.5 : unit === label, outputs[position * units + unit]);
        }
      }
    },
    result: () => scores?.rocAuc() ?? NaN,
  };
}

function regressionFigure(figure: (errors: RegressionErrors) => number): MetricAccumulator {
  let errors: RegressionErrors | null = null;
  return {
    update({ outputs, units, targets, rowAt, rows }) {
      errors ??= new RegressionErrors(units);
      for (let position = 0; position < rows; position++) errors.addRow(targets.values, rowAt(position) * units, outputs, position * units);
    },
    result: () => (errors === null ? NaN : figure(errors)),
  };
}

/** Predictions that the backend counts for one row: each element for binary cross-entropy, each row otherwise. */
export function countsPerRow(loss: Pick<LossTraits, 'name'>, units: number): number {
  return loss.name === 'binaryCrossentropy' ? units : 1;
}
