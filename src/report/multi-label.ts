import { checkInteger, checkOptions, checkReal } from '../base/checks.js';
import { NablaError } from '../base/errors.js';
import { BinaryScores, type ThresholdFigures, type ThresholdGoal } from '../metrics/binary-scores.js';
import type { PrecisionRecallF1 } from '../metrics/class-counts.js';
import { checkLabels, checkSameLength, checkValues, checkWholeRows, PROBABILITY, type Numbers } from '../metrics/input.js';
import { checkGoal } from '../metrics/metrics.js';
import { MultiLabelCounts } from '../metrics/multi-label.js';
import { ProbabilityScores } from '../metrics/probability-scores.js';
import { WeightedScores } from '../metrics/weighted-scores.js';
import { baselineOptionNames, checkBaseline, type BaselineData, type BaselineOptions, type LearnedFrom } from './baseline.js';
import { checkNames } from './classification.js';
import { logisticRegression, type Weights } from './linear.js';
import { count, orNull, ratio, table } from './table.js';

/** Options of the report of several yes-or-no labels a row. */
export interface MultiLabelReportOptions extends BaselineOptions {
  readonly task: 'multiLabel';
  /** Labels a row; default: as many as there are names. */
  readonly labels?: number;
  /** One a label; default '0', '1', … */
  readonly labelNames?: readonly string[];
  /** Probabilities from here on are a yes, default 0.5. */
  readonly threshold?: number;
  /** What each label's `bestThreshold` is sought for, default { maximize: 'f1' }. */
  readonly goal?: ThresholdGoal;
}
/** One label. */
export interface LabelRow extends PrecisionRecallF1 {
  readonly name: string;
  /** Rows that have it; their weight where rows have one. */
  readonly support: number;
  /** null where no row or every row has it. */
  readonly rocAuc: number | null;
  /** Found on these rows, so choose it on rows that are not the final test; null where the goal cannot be reached. */
  readonly bestThreshold: ThresholdFigures | null;
}
/** Figures that a model and its baselines have. */
export interface MultiLabelFigures {
  /** Right labels / labels; 1 less the Hamming loss. */
  readonly binaryAccuracy: number;
  /** Rows with every label right / rows. */
  readonly subsetAccuracy: number;
  readonly microF1: number;
  readonly macroF1: number;
  /** Mean over rows and labels of -ln p of what is true. */
  readonly logLoss: number | null;
}
/** A report of several labels a row as plain data. */
export interface MultiLabelData extends MultiLabelFigures {
  readonly task: 'multiLabel';
  readonly rows: number;
  readonly threshold: number;
  readonly goal: ThresholdGoal;
  readonly perLabel: readonly LabelRow[];
  readonly micro: PrecisionRecallF1;
  readonly macro: PrecisionRecallF1;
  readonly weighted: PrecisionRecallF1;
  /** Mean over the labels; null where one never or always occurs. */
  readonly rocAuc: number | null;
  readonly baselines: {
    readonly learnedFrom: LearnedFrom;
    /** Each label's frequency as its probability. */
    readonly frequencies: MultiLabelFigures;
    /** A logistic regression for each label; null without samples. */
    readonly linear: MultiLabelFigures | null;
  };
}

const KNOWN = ['task', 'labels', 'labelNames', 'threshold', 'goal', ...baselineOptionNames];

/** @throws ERR_OPTION, ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE */
export async function multiLabelReport(targets: Numbers, outputs: Numbers, options: MultiLabelReportOptions): Promise<{ data: MultiLabelData; text: string }> {
  const op = 'report';
  checkOptions(op, options, KNOWN);
  const wanted = checkLabels(op, 'targets', targets, 2);
  const probabilities = checkValues(op, 'outputs', outputs, PROBABILITY);
  checkSameLength(op, 'outputs', probabilities.length, wanted.length);
  const labels = checkLabelCount(op, options);
  const rows = checkWholeRows(op, 'targets', wanted.length, labels);
  const names = checkNames(op, 'labelNames', options.labelNames, labels);
  const threshold = checkReal(op, 'threshold', options.threshold ?? 0.5, { minimum: 0, maximum: 1 });
  const goal = checkGoal(op, options.goal ?? { maximize: 'f1' });
  const baseline = checkBaseline(op, options, wanted, rows, (y, many) => {
    const values = checkLabels(op, 'y of train', y, 2);
    checkSameLength(op, 'y of train', values.length, many * labels);
    return values;
  });

  const { sampleWeight } = baseline;
  const counts = countsOf(wanted, probabilities, labels, threshold, sampleWeight);
  const { perClass, micro, macro, weighted } = counts.precisionRecallF1();
  const ranked = names.map((_, unit) => rankedOf(wanted, probabilities, labels, unit, sampleWeight));
  const areas = ranked.map((scores) => scores.rocAuc());
  const data: MultiLabelData = {
    task: 'multiLabel',
    rows,
    threshold,
    goal,
    ...figuresOf(wanted, probabilities, labels, threshold, sampleWeight),
    perLabel: names.map((name, k) => ({
      name, precision: perClass.precision[k], recall: perClass.recall[k], f1: perClass.f1[k], support: perClass.support[k],
      rocAuc: orNull(areas[k]), bestThreshold: ranked[k].bestThreshold(goal),
    })),
    micro,
    macro,
    weighted,
    rocAuc: orNull(areas.reduce((sum, area) => sum + area, 0) / labels),
    baselines: await baselinesOf(baseline, wanted, rows, labels, threshold),
  };
  return { data, text: textOf(data) };
}

function checkLabelCount(op: string, { labels, labelNames }: MultiLabelReportOptions): number {
  if (labels !== undefined) return checkInteger(op, 'labels', labels, 1);
  if (Array.isArray(labelNames) && labelNames.length > 0) return labelNames.length;
  throw new NablaError('ERR_OPTION', `[${op}] flat arrays do not tell how many labels a row has. Expected labels or labelNames, received neither.`);
}

function countsOf(targets: Numbers, probabilities: Numbers, labels: number, threshold: number, weights: Weights): MultiLabelCounts {
  return new MultiLabelCounts(labels, threshold, 'report').update(targets, probabilities, weights ?? undefined);
}

/** One label's scores. */
function rankedOf(targets: Numbers, probabilities: Numbers, labels: number, unit: number, weights: Weights): BinaryScores | WeightedScores {
  const rows = targets.length / labels;
  const positive = (row: number): boolean => targets[row * labels + unit] === 1;
  const scores = Float64Array.from({ length: rows }, (_, row) => probabilities[row * labels + unit]);
  if (weights !== null) return new WeightedScores(scores, positive, weights);
  const ranked = new BinaryScores('report');
  scores.forEach((score, row) => { ranked.add(positive(row), score); });
  return ranked;
}

function figuresOf(targets: Numbers, probabilities: Numbers, labels: number, threshold: number, weights: Weights): MultiLabelFigures {
  const counts = countsOf(targets, probabilities, labels, threshold, weights);
  const { micro, macro } = counts.precisionRecallF1();
  // Every element is a row of two classes; its weight is that of its row.
  const ofElements = weights === null ? undefined : Float64Array.from({ length: targets.length }, (_, i) => weights[Math.floor(i / labels)]);
  const logLoss = new ProbabilityScores(1, {}, 'report').update(targets, probabilities, ofElements).logLoss();
  return { binaryAccuracy: counts.binaryAccuracy(), subsetAccuracy: counts.subsetAccuracy(), microF1: micro.f1, macroF1: macro.f1, logLoss: orNull(logLoss) };
}

async function baselinesOf(baseline: BaselineData, targets: Numbers, rows: number, labels: number, threshold: number): Promise<MultiLabelData['baselines']> {
  const { linear, learnedFrom, sampleWeight, learnedWeight } = baseline;
  const frequencies = new Float64Array(labels);
  let total = 0;
  for (let row = 0; row < baseline.rows; row++) {
    const weight = learnedWeight?.[row] ?? 1;
    total += weight;
    for (let unit = 0; unit < labels; unit++) frequencies[unit] += weight * baseline.targets[row * labels + unit];
  }
  // A sum of roundings may end above the total.
  const always = Float64Array.from({ length: rows * labels }, (_, i) => Math.min(1, frequencies[i % labels] / total));
  const trivial = figuresOf(targets, always, labels, threshold, sampleWeight);
  if (linear === null) return { learnedFrom, frequencies: trivial, linear: null };
  const probabilities = await logisticRegression(linear.train, baseline.targets, labels, linear.samples, learnedWeight);
  return { learnedFrom, frequencies: trivial, linear: figuresOf(targets, probabilities, labels, threshold, sampleWeight) };
}

function textOf(data: MultiLabelData): string {
  const { perLabel, baselines, threshold } = data;
  const model = (name: string, figures: MultiLabelFigures): string[] => [
    name, ratio(figures.binaryAccuracy), ratio(figures.subsetAccuracy), ratio(figures.microF1), ratio(figures.macroF1), ratio(figures.logLoss),
  ];
  const support = count(perLabel.reduce((sum, row) => sum + row.support, 0));
  const average = (name: string, figures: PrecisionRecallF1, area: number | null): string[] => [name, ratio(figures.precision), ratio(figures.recall), ratio(figures.f1), support, ratio(area), '', ''];
  return [
    table([
      ['', 'labels right', 'rows right', 'micro F1', 'macro F1', 'log loss'],
      model('model', data),
      model('always the frequencies', baselines.frequencies),
      ...(baselines.linear === null ? [] : [model('linear (logistic regressions)', baselines.linear)]),
    ]),
    `baselines learned from ${baselines.learnedFrom === 'train' ? 'the training rows' : 'the evaluated rows themselves'}${baselines.linear === null ? '; no samples given, so no linear model' : ''}`,
    table([
      ['label', 'precision', 'recall', 'F1', 'rows', 'ROC-AUC', 'best threshold', 'its F1'],
      ...perLabel.map((row) => [
        row.name, ratio(row.precision), ratio(row.recall), ratio(row.f1), count(row.support), ratio(row.rocAuc), ratio(row.bestThreshold?.threshold ?? null), ratio(row.bestThreshold?.f1 ?? null),
      ]),
      average('micro', data.micro, null),
      average('macro', data.macro, data.rocAuc),
      average('weighted', data.weighted, null),
    ]),
    `of ${data.rows} rows; a probability from ${ratio(threshold)} on is a yes`,
  ].join('\n\n');
}
