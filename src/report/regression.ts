import { checkInteger, checkOptions } from '../base/checks.js';
import { checkSameLength, checkValues, checkWholeRows, type Numbers } from '../metrics/input.js';
import { metrics } from '../metrics/metrics.js';
import { RegressionErrors } from '../metrics/regression-errors.js';
import { baselineOptionNames, checkBaseline, type BaselineOptions, type LearnedFrom } from './baseline.js';
import { checkNames } from './classification.js';
import { ridgeRegression, type Weights } from './linear.js';
import { figure, orNull, ratio, table } from './table.js';

/** Options of a regression's report. */
export interface RegressionReportOptions extends BaselineOptions {
  readonly task: 'regression';
  /** Values a row, default 1. */
  readonly outputs?: number;
  /** One an output; default '0', '1', … */
  readonly outputNames?: readonly string[];
  /** Rows listed with the largest errors, default 5. */
  readonly worst?: number;
}
/** Figures that a model and its baselines have; r2 is null below two rows. */
export interface ErrorFigures {
  readonly meanSquaredError: number;
  readonly meanAbsoluteError: number;
  readonly rootMeanSquaredError: number;
  readonly r2: number | null;
}
/** One output. */
export interface OutputRow extends ErrorFigures {
  readonly name: string;
  /** Quantiles of target - prediction. */
  readonly residuals: readonly { readonly quantile: number; readonly value: number }[];
}
/** A row that was predicted badly. */
export interface WorstRow {
  readonly row: number;
  /** Mean squared error over its outputs. */
  readonly error: number;
  readonly target: readonly number[];
  readonly prediction: readonly number[];
}
/** A regression's report as plain data. */
export interface RegressionData extends ErrorFigures {
  readonly task: 'regression';
  readonly rows: number;
  readonly perOutput: readonly OutputRow[];
  /** Largest error first; of equal ones the earlier row. */
  readonly worstRows: readonly WorstRow[];
  readonly baselines: {
    readonly learnedFrom: LearnedFrom;
    /** Always the mean of the targets. */
    readonly mean: ErrorFigures;
    /** Ridge regression; null without samples. */
    readonly linear: ErrorFigures | null;
  };
}

const KNOWN = ['task', 'outputs', 'outputNames', 'worst', ...baselineOptionNames];
const QUANTILES = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1];

/** @throws ERR_OPTION, ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE */
export async function regressionReport(targets: Numbers, outputs: Numbers, options: RegressionReportOptions): Promise<{ data: RegressionData; text: string }> {
  const op = 'report';
  checkOptions(op, options, KNOWN);
  const width = checkInteger(op, 'outputs', options.outputs ?? 1, 1);
  const wanted = checkValues(op, 'targets', targets);
  const found = checkValues(op, 'outputs', outputs);
  checkSameLength(op, 'outputs', found.length, wanted.length);
  const rows = checkWholeRows(op, 'targets', wanted.length, width);
  const names = checkNames(op, 'outputNames', options.outputNames, width);
  const worst = checkInteger(op, 'worst', options.worst ?? 5, 0);
  const baseline = checkBaseline(op, options, wanted, rows, (y, count) => {
    const values = checkValues(op, 'y of train', y);
    checkSameLength(op, 'y of train', values.length, count * width);
    return values;
  });

  const { linear, learnedFrom, sampleWeight, learnedWeight } = baseline;
  const errors = new RegressionErrors(width).update(wanted, found, sampleWeight ?? undefined);
  const constant = meanRow(baseline.targets, baseline.rows, width, learnedWeight);
  const predicted = linear === null ? null : await ridgeRegression(op, linear.train, baseline.targets, width, linear.samples, learnedWeight);
  const data: RegressionData = {
    task: 'regression',
    rows,
    ...figuresOf(wanted, found, width, sampleWeight),
    perOutput: errors.perOutput().map((one, k) => {
      const column = (values: ArrayLike<number>): Float64Array => Float64Array.from({ length: rows }, (_, row) => values[row * width + k]);
      const values = metrics.residualQuantiles(column(wanted), column(found), QUANTILES);
      return { name: names[k], ...one, r2: orNull(one.r2), residuals: QUANTILES.map((quantile, i) => ({ quantile, value: values[i] })) };
    }),
    worstRows: worstRows(wanted, found, rows, width, worst),
    baselines: {
      learnedFrom,
      mean: figuresOf(wanted, Float64Array.from({ length: rows * width }, (_, i) => constant[i % width]), width, sampleWeight),
      linear: predicted === null ? null : figuresOf(wanted, predicted, width, sampleWeight),
    },
  };
  return { data, text: textOf(data) };
}

function figuresOf(targets: Numbers, predictions: Numbers, outputs: number, weights: Weights): ErrorFigures {
  const errors = new RegressionErrors(outputs).update(targets, predictions, weights ?? undefined);
  return {
    meanSquaredError: errors.meanSquaredError(),
    meanAbsoluteError: errors.meanAbsoluteError(),
    rootMeanSquaredError: errors.rootMeanSquaredError(),
    r2: orNull(errors.r2Score()),
  };
}

function meanRow(values: ArrayLike<number>, rows: number, width: number, weights: Weights): Float64Array {
  const mean = new Float64Array(width);
  let total = 0;
  for (let row = 0; row < rows; row++) {
    const weight = weights?.[row] ?? 1;
    total += weight;
    for (let k = 0; k < width; k++) mean[k] += weight * values[row * width + k];
  }
  return mean.map((sum) => sum / total);
}

function worstRows(targets: ArrayLike<number>, predictions: ArrayLike<number>, rows: number, width: number, count: number): WorstRow[] {
  const errors = new Float64Array(rows);
  for (let i = 0; i < rows * width; i++) errors[Math.floor(i / width)] += (predictions[i] - targets[i]) ** 2 / width;
  const order = Uint32Array.from({ length: rows }, (_, row) => row).sort((a, b) => errors[b] - errors[a] || a - b);
  const line = (values: ArrayLike<number>, row: number): number[] => Array.from({ length: width }, (_, k) => values[row * width + k]);
  return Array.from(order.subarray(0, count), (row) => ({ row, error: errors[row], target: line(targets, row), prediction: line(predictions, row) }));
}

function textOf({ perOutput, worstRows: worst, baselines, ...model }: RegressionData): string {
  const line = (name: string, figures: ErrorFigures): string[] => [
    name, figure(figures.meanSquaredError), figure(figures.rootMeanSquaredError), figure(figures.meanAbsoluteError), ratio(figures.r2),
  ];
  const heading = ['MSE', 'RMSE', 'MAE', 'R²'];
  const parts = [
    table([
      ['', ...heading],
      line('model', model),
      line('always the mean', baselines.mean),
      ...(baselines.linear === null ? [] : [line('linear (ridge)', baselines.linear)]),
    ]),
    `baselines learned from ${baselines.learnedFrom === 'train' ? 'the training rows' : 'the evaluated rows themselves'}${baselines.linear === null ? '; no samples given, so no linear model' : ''}`,
  ];
  if (perOutput.length > 1) parts.push(table([['output', ...heading], ...perOutput.map((row) => line(row.name, row))]));
  parts.push(table([['target - prediction', ...QUANTILES.map((q) => `${q * 100} %`)], ...perOutput.map((row) => [row.name, ...row.residuals.map(({ value }) => figure(value))])]));
  if (worst.length > 0) {
    parts.push(table([['worst rows', 'error', 'target', 'prediction'], ...worst.map((row) => [String(row.row), figure(row.error), row.target.map((value) => figure(value)).join(' '), row.prediction.map((value) => figure(value)).join(' ')])]));
  }
  return parts.join('\n\n');
}
