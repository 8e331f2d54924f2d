import { checkInteger, checkOptions, checkReal, itemsOf } from '../base/checks.js';
import { NablaError, show } from '../base/errors.js';
import type { ThresholdFigures, ThresholdGoal } from '../metrics/binary-scores.js';
import type { PrecisionRecallF1 } from '../metrics/class-counts.js';
import { ConfusionMatrix } from '../metrics/confusion-matrix.js';
import { argmax, checkTargetLabels, checkValues, checkWholeRows, MAX_CLASSES, PROBABILITY, type Numbers } from '../metrics/input.js';
import { checkGoal, metrics } from '../metrics/metrics.js';
import { ProbabilityScores } from '../metrics/probability-scores.js';
import { WeightedScores } from '../metrics/weighted-scores.js';
import { baselineOptionNames, checkBaseline, type BaselineData, type BaselineOptions, type LearnedFrom } from './baseline.js';
import { softmaxRegression, type Weights } from './linear.js';
import { count, orNull, ratio, table } from './table.js';

/** Options of a classification's report. */
export interface ClassificationReportOptions extends BaselineOptions {
  readonly task: 'classification';
  /** Outputs a row, default: what follows from one label a row. 1: the probability of class 1 of two. */
  readonly units?: number;
  /** One a class; default '0', '1', … */
  readonly classNames?: readonly string[];
  /** Two classes: probabilities of class 1 from here on count as it. Default: the larger one, 0.5 for a single output. */
  readonly threshold?: number;
  /** Two classes: what `bestThreshold` is sought for, default { maximize: 'f1' }. */
  readonly goal?: ThresholdGoal;
}
/** One class. */
export interface ClassRow extends PrecisionRecallF1 {
  readonly name: string;
  /** Rows of this class; their weight where rows have one. */
  readonly support: number;
}
/** Figures that a model and its baselines have. */
export interface ClassifierFigures {
  readonly accuracy: number;
  readonly balancedAccuracy: number;
  readonly macroF1: number;
  readonly logLoss: number | null;
}
/** A classification's report as plain data. */
export interface ClassificationData extends ClassifierFigures {
  readonly task: 'classification';
  readonly rows: number;
  readonly perClass: readonly ClassRow[];
  readonly micro: PrecisionRecallF1;
  readonly macro: PrecisionRecallF1;
  readonly weighted: PrecisionRecallF1;
  readonly matthewsCorrelation: number;
  /** One against the rest, macro; null where a class does not occur. */
  readonly rocAuc: number | null;
  /** Rows are targets, columns predictions. */
  readonly confusionMatrix: readonly (readonly number[])[];
  /** The one in use; null: the largest output decided. */
  readonly threshold: number | null;
  /** Two classes: found on these rows, so choose it on rows that are not the final test; null where the goal cannot be reached. */
  readonly bestThreshold: (ThresholdFigures & { readonly goal: ThresholdGoal }) | null;
  readonly baselines: {
    readonly learnedFrom: LearnedFrom;
    /** Always the most frequent class, with the frequencies as probabilities. */
    readonly majority: ClassifierFigures & { readonly name: string };
    /** Softmax regression; null without samples. */
    readonly linear: ClassifierFigures | null;
  };
}

const KNOWN = ['task', 'units', 'classNames', 'threshold', 'goal', ...baselineOptionNames];

/** @throws ERR_OPTION, ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE */
export async function classificationReport(targets: Numbers, outputs: Numbers, options: ClassificationReportOptions): Promise<{ data: ClassificationData; text: string }> {
  const op = 'report';
  checkOptions(op, options, KNOWN);
  const probabilities = checkValues(op, 'outputs', outputs, PROBABILITY);
  const given = checkValues(op, 'targets', targets);
  const units = checkUnits(op, options.units, probabilities.length, given.length);
  const rows = checkWholeRows(op, 'outputs', probabilities.length, units);
  const classes = Math.max(2, units);
  const labels = checkTargetLabels(op, given, rows, units);
  const names = checkNames(op, 'classNames', options.classNames, classes);
  const binary = classes === 2;
  if (!binary && (options.threshold !== undefined || options.goal !== undefined)) {
    throw new NablaError('ERR_OPTION', `[${op}] thresholds are for two classes. Expected no threshold and no goal with ${classes} classes, received one.`);
  }
  const threshold = options.threshold === undefined ? (units === 1 ? 0.5 : null) : checkReal(op, 'threshold', options.threshold, { minimum: 0, maximum: 1 });
  const baseline = checkBaseline(op, options, labels, rows, (y, count) => checkTargetLabels(op, y, count, units));

  const { sampleWeight } = baseline;
  const table = tableOf(labels, probabilities, units, threshold, sampleWeight);
  const goal = options.goal ?? { maximize: 'f1' };
  const ofOne = binary ? (units === 1 ? probabilities : Float64Array.from({ length: rows }, (_, row) => probabilities[row * 2 + 1])) : null;
  const best = ofOne === null ? null : bestThresholdOf(op, labels, ofOne, goal, sampleWeight);
  const { perClass, micro, macro, weighted } = table.precisionRecallF1();
  const data: ClassificationData = {
    task: 'classification',
    rows,
    ...figuresOf(table, labels, probabilities, units, sampleWeight),
    perClass: names.map((name, k) => ({ name, precision: perClass.precision[k], recall: perClass.recall[k], f1: perClass.f1[k], support: perClass.support[k] })),
    micro,
    macro,
    weighted,
    matthewsCorrelation: table.matthewsCorrelation(),
    rocAuc: orNull(rocAucOf(labels, probabilities, units, sampleWeight)),
    confusionMatrix: table.matrix(),
    threshold,
    bestThreshold: best === null ? null : { goal, ...best },
    baselines: await baselinesOf(baseline, labels, classes, names),
  };
  return { data, text: textOf(data) };
}

function checkUnits(op: string, value: unknown, outputs: number, targets: number): number {
  if (value !== undefined) return checkInteger(op, 'units', value, 1, MAX_CLASSES);
  const units = outputs / targets;
  if (Number.isInteger(units) && units >= 1 && units <= MAX_CLASSES) return units;
  throw new NablaError('ERR_SHAPE', `[${op}] every row has its outputs. Expected a multiple of the ${targets} targets (up to ${MAX_CLASSES} each) for outputs, received ${outputs} values.`);
}

/** One name each. */
export function checkNames(op: string, name: string, value: unknown, count: number): readonly string[] {
  if (value === undefined) return Array.from({ length: count }, (_, k) => String(k));
  const list: readonly unknown[] = Array.isArray(value) ? itemsOf(value) : [];
  const names = list.filter((item) => typeof item === 'string');
  if (names.length !== count || list.length !== count) throw new NablaError('ERR_OPTION', `[${op}] ${name} has one text each. Expected ${count} texts for ${name}, received ${show(value)}.`);
  return names;
}

function bestThresholdOf(op: string, labels: Numbers, scores: Numbers, goal: ThresholdGoal, weights: Weights): ThresholdFigures | null {
  if (weights === null) return metrics.bestThreshold(labels, scores, goal);
  return new WeightedScores(scores, (row) => labels[row] === 1, weights).bestThreshold(checkGoal(op, goal));
}

/** Each class against the rest; one output: class 1. */
function rocAucOf(labels: Numbers, probabilities: Numbers, units: number, weights: Weights): number {
  if (weights === null) return metrics.rocAuc(labels, probabilities, { classes: units });
  const rows = labels.length;
  const shift = units === 1 ? 1 : 0;
  let sum = 0;
  for (let unit = 0; unit < units; unit++) {
    const scores = Float64Array.from({ length: rows }, (_, row) => probabilities[row * units + unit]);
    sum += new WeightedScores(scores, (row) => labels[row] === unit + shift, weights).rocAuc();
  }
  return sum / units;
}

function tableOf(labels: Numbers, probabilities: ArrayLike<number>, units: number, threshold: number | null, weights: Weights): ConfusionMatrix {
  const predicted = Int32Array.from({ length: labels.length }, (_, row) => {
    if (threshold === null) return argmax(probabilities, row * units, units);
    return probabilities[row * units + units - 1] >= threshold ? 1 : 0;
  });
  return new ConfusionMatrix(Math.max(2, units)).update(labels, predicted, weights ?? undefined);
}

function figuresOf(table: ConfusionMatrix, labels: Numbers, probabilities: Numbers, units: number, weights: Weights): ClassifierFigures {
  return {
    accuracy: table.accuracy(),
    balancedAccuracy: table.balancedAccuracy(),
    macroF1: table.precisionRecallF1().macro.f1,
    logLoss: orNull(new ProbabilityScores(units, {}, 'report').update(labels, probabilities, weights ?? undefined).logLoss()),
  };
}

async function baselinesOf(baseline: BaselineData, labels: Numbers, classes: number, names: readonly string[]): Promise<ClassificationData['baselines']> {
  const learned = Int32Array.from(baseline.targets);
  const frequencies = new Float64Array(classes);
  const { linear, learnedFrom, sampleWeight, learnedWeight } = baseline;
  let total = 0;
  learned.forEach((label, row) => {
    const weight = learnedWeight?.[row] ?? 1;
    frequencies[label] += weight;
    total += weight;
  });
  for (let k = 0; k < classes; k++) frequencies[k] /= total;
  const always = new Float64Array(labels.length * classes);
  for (let row = 0; row < labels.length; row++) always.set(frequencies, row * classes);
  const majority = { name: names[argmax(frequencies, 0, classes)], ...figuresOf(tableOf(labels, always, classes, null, sampleWeight), labels, always, classes, sampleWeight) };
  if (linear === null) return { learnedFrom, majority, linear: null };
  const probabilities = await softmaxRegression(linear.train, learned, classes, linear.samples, learnedWeight);
  return { learnedFrom, majority, linear: figuresOf(tableOf(labels, probabilities, classes, null, sampleWeight), labels, probabilities, classes, sampleWeight) };
}

/** Columns that a terminal has room for. */
const SHOWN_CLASSES = 12;

function textOf(data: ClassificationData): string {
  const { perClass, baselines, bestThreshold } = data;
  const average = (name: string, figures: PrecisionRecallF1): string[] => [name, ratio(figures.precision), ratio(figures.recall), ratio(figures.f1), count(data.perClass.reduce((sum, row) => sum + row.support, 0))];
  const model = (name: string, figures: ClassifierFigures): string[] => [name, ratio(figures.accuracy), ratio(figures.balancedAccuracy), ratio(figures.macroF1), ratio(figures.logLoss)];
  const parts = [
    table([
      ['', 'accuracy', 'balanced accuracy', 'macro F1', 'log loss'],
      model('model', data),
      model(`always ${baselines.majority.name}`, baselines.majority),
      ...(baselines.linear === null ? [] : [model('linear (softmax regression)', baselines.linear)]),
    ]),
    `baselines learned from ${baselines.learnedFrom === 'train' ? 'the training rows' : 'the evaluated rows themselves'}${baselines.linear === null ? '; no samples given, so no linear model' : ''}`,
    table([
      ['class', 'precision', 'recall', 'F1', 'rows'],
      ...perClass.map((row) => [row.name, ratio(row.precision), ratio(row.recall), ratio(row.f1), count(row.support)]),
      average('micro', data.micro),
      average('macro', data.macro),
      average('weighted', data.weighted),
    ]),
    `ROC-AUC ${ratio(data.rocAuc)}, Matthews correlation ${ratio(data.matthewsCorrelation)}`,
  ];
  if (perClass.length <= SHOWN_CLASSES) {
    parts.push(table([['target \\ predicted', ...perClass.map((row) => row.name)], ...data.confusionMatrix.map((row, k) => [perClass[k].name, ...row.map(count)])]));
  }
  if (bestThreshold !== null) {
    const { goal, threshold, precision, recall, f1 } = bestThreshold;
    const aim = 'maximize' in goal ? 'the largest F1' : 'recallAtLeast' in goal ? `a recall of at least ${goal.recallAtLeast}` : `a precision of at least ${goal.precisionAtLeast}`;
    parts.push(`threshold for ${aim}: ${ratio(threshold)} (precision ${ratio(precision)}, recall ${ratio(recall)}, F1 ${ratio(f1)})`);
  }
  return parts.join('\n\n');
}
