// The figures as functions: one call for arrays that are there in whole. Formulas, ranges and edge cases are tabled in docs/metrics.md.
import { checkInteger, checkName, checkNumbers, checkOptions, checkReal } from '../base/checks.js';
import { NablaError, show } from '../base/errors.js';
import { BinaryScores, type RocCurve, type ThresholdFigures, type ThresholdGoal } from './binary-scores.js';
import type { ClassFigures } from './class-counts.js';
import { ConfusionMatrix } from './confusion-matrix.js';
import { argmax, checkClasses, checkLabels, checkSameLength, checkValues, checkWholeRows, checkZeroDivision, MAX_CLASSES, type Numbers } from './input.js';
import { MultiLabelCounts } from './multi-label.js';
import { ProbabilityScores, type Calibration } from './probability-scores.js';
import { RankedScores, type ScoreAverage } from './ranked-scores.js';
import { RegressionErrors } from './regression-errors.js';
import { quantile, SortedNumbers } from './sorted-numbers.js';
import { TopKAccuracy } from './top-k.js';

/** How many classes labels are of. */
export interface ClassesOptions {
  /** Default: one more than the largest label. */
  readonly classes?: number;
}
/** Options of precision, recall and F1. */
export interface PrecisionRecallOptions extends ClassesOptions {
  /** 'binary' (default): class 1 of two; the others average all classes. */
  readonly average?: 'binary' | 'micro' | 'macro' | 'weighted';
  /** What 0/0 is, default 0. */
  readonly zeroDivision?: 0 | 1;
}
/** Options of figures of every class. */
export interface ClassFiguresOptions extends ClassesOptions {
  readonly zeroDivision?: 0 | 1;
}
/** How wide a row of scores is. */
export interface ScoresOptions {
  /** Scores a row; 1 (default): of class 1 of two. */
  readonly classes?: number;
}
/** Options of the areas under a curve. */
export interface AreaOptions extends ScoresOptions {
  /** Over classes one against the rest: 'macro' (default) or 'weighted' by support. */
  readonly average?: ScoreAverage;
}
/** Options of figures of several values a row. */
export interface OutputsOptions {
  /** Values a row, default 1. */
  readonly outputs?: number;
}

function labelTable(op: string, targets: Numbers, predictions: Numbers, classes: unknown, least = 1): ConfusionMatrix {
  const wanted = checkLabels(op, 'targets', targets, MAX_CLASSES);
  const found = checkLabels(op, 'predictions', predictions, MAX_CLASSES);
  checkSameLength(op, 'predictions', found.length, wanted.length);
  const count = Math.max(checkClasses(op, classes, wanted, found), classes === undefined ? least : 1);
  checkLabels(op, 'targets', wanted, count);
  checkLabels(op, 'predictions', found, count);
  return new ConfusionMatrix(count).update(wanted, found);
}

function averaged(op: string, figure: 'precision' | 'recall' | 'f1', targets: Numbers, predictions: Numbers, options: PrecisionRecallOptions): number {
  checkOptions(op, options, ['average', 'classes', 'zeroDivision']);
  const average = checkName(op, 'average', options.average ?? 'binary', ['binary', 'micro', 'macro', 'weighted']);
  const zeroDivision = checkZeroDivision(op, options.zeroDivision);
  const table = labelTable(op, targets, predictions, options.classes, average === 'binary' ? 2 : 1);
  if (average !== 'binary') return table.precisionRecallF1(zeroDivision)[average][figure];
  if (table.classes !== 2) {
    throw new NablaError('ERR_OPTION', `[${op}] the average 'binary' is of class 1 of two. Expected 'micro', 'macro' or 'weighted' for average with ${table.classes} classes, received 'binary'.`);
  }
  return table.precisionRecallF1(zeroDivision).perClass[figure][1];
}

function scoreWidth(op: string, options: ScoresOptions, known: readonly string[] = []): number {
  checkOptions(op, options, ['classes', ...known]);
  return checkInteger(op, 'classes', options.classes ?? 1, 1);
}

function multiLabel(op: string, targets: Numbers, scores: Numbers, options: { readonly labels?: number; readonly threshold?: number }): MultiLabelCounts {
  return new MultiLabelCounts(options.labels ?? 1, options.threshold, op).update(targets, scores);
}

function regression(op: string, targets: Numbers, predictions: Numbers, options: OutputsOptions): RegressionErrors {
  checkOptions(op, options, ['outputs']);
  return new RegressionErrors(options.outputs, op).update(targets, predictions);
}

function calibrationOf(op: string, targets: Numbers, probabilities: Numbers, options: ScoresOptions & { readonly bins?: number }): Calibration {
  const classes = scoreWidth(op, options, ['bins']);
  return new ProbabilityScores(classes, options.bins === undefined ? {} : { bins: options.bins }, op).update(targets, probabilities).calibration();
}

/** @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
export function checkGoal(op: string, goal: ThresholdGoal): ThresholdGoal {
  checkOptions(op, goal, ['maximize', 'recallAtLeast', 'precisionAtLeast']);
  const [name, more] = Object.keys(goal);
  if (more !== undefined || name === undefined) throw new NablaError('ERR_OPTION', `[${op}] a goal is one thing. Expected { maximize: 'f1' }, { recallAtLeast } or { precisionAtLeast } for goal, received ${show(goal)}.`);
  if ('maximize' in goal) checkName(op, 'goal to maximize', goal.maximize, ['f1']);
  else checkReal(op, name, 'recallAtLeast' in goal ? goal.recallAtLeast : goal.precisionAtLeast, { minimum: 0, maximum: 1 });
  return goal;
}

/**
 * Figures of predictions. Arrays are flat, row after row; labels are whole numbers from 0. Functions take all rows at once, the classes take them
 * in slices (`update`) and give the same bytes. What cannot be told (an area with one class only, R² of one row) is NaN.
 * All throw ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE for values that do not fit, ERR_OPTION for unknown options.
 * @example metrics.f1([0, 1, 2, 2], [0, 2, 2, 2], { average: 'macro' });
 */
export const metrics = {
  /** Right rows / rows. @param targets labels @param predictions labels */
  accuracy(targets: Numbers, predictions: Numbers): number {
    const op = 'metrics.accuracy';
    const wanted = checkLabels(op, 'targets', targets, Infinity);
    const found = checkLabels(op, 'predictions', predictions, Infinity);
    checkSameLength(op, 'predictions', found.length, wanted.length);
    let right = 0;
    for (let i = 0; i < wanted.length; i++) if (wanted[i] === found[i]) right += 1;
    return right / wanted.length;
  },

  /** Right elements / elements. @param targets 0 to 1, yes from 0.5 on @param scores same length @param options `threshold` yes from here on, default 0.5 */
  binaryAccuracy(targets: Numbers, scores: Numbers, options: { readonly threshold?: number } = {}): number {
    checkOptions('metrics.binaryAccuracy', options, ['threshold']);
    return multiLabel('metrics.binaryAccuracy', targets, scores, options).binaryAccuracy();
  },

  /** Rows with every element right / rows. @param targets (rows, labels) @param scores (rows, labels) @param options `labels` values a row; `threshold` default 0.5 */
  subsetAccuracy(targets: Numbers, scores: Numbers, options: { readonly labels: number; readonly threshold?: number }): number {
    checkOptions('metrics.subsetAccuracy', options, ['labels', 'threshold']);
    return multiLabel('metrics.subsetAccuracy', targets, scores, options).subsetAccuracy();
  },

  /** Rows whose largest score is where the largest target is / rows. @param targets (rows, classes) @param scores (rows, classes) @param options `classes` */
  categoricalAccuracy(targets: Numbers, scores: Numbers, options: { readonly classes: number }): number {
    const op = 'metrics.categoricalAccuracy';
    checkOptions(op, options, ['classes']);
    const classes = checkInteger(op, 'classes', options.classes, 2);
    const wanted = checkValues(op, 'targets', targets);
    const values = checkValues(op, 'scores', scores);
    checkSameLength(op, 'scores', values.length, wanted.length);
    const rows = checkWholeRows(op, 'targets', wanted.length, classes);
    let right = 0;
    for (let row = 0; row < rows; row++) if (argmax(wanted, row * classes, classes) === argmax(values, row * classes, classes)) right += 1;
    return right / rows;
  },

  /** Rows whose largest score is the label's / rows. @param targets labels @param scores (rows, classes) @param options `classes` */
  sparseCategoricalAccuracy(targets: Numbers, scores: Numbers, options: { readonly classes: number }): number {
    const op = 'metrics.sparseCategoricalAccuracy';
    checkOptions(op, options, ['classes']);
    const classes = checkInteger(op, 'classes', options.classes, 2);
    const values = checkValues(op, 'scores', scores);
    const rows = checkWholeRows(op, 'scores', values.length, classes);
    const labels = checkLabels(op, 'targets', targets, classes);
    checkSameLength(op, 'targets', labels.length, rows);
    let right = 0;
    for (let row = 0; row < rows; row++) if (argmax(values, row * classes, classes) === labels[row]) right += 1;
    return right / rows;
  },

  /** Rows whose class is among the k largest scores / rows. @param targets labels or one-hot @param scores (rows, classes) @param options `classes`; `k` default 5 */
  topKCategoricalAccuracy(targets: Numbers, scores: Numbers, options: { readonly classes: number; readonly k?: number }): number {
    checkOptions('metrics.topKCategoricalAccuracy', options, ['classes', 'k']);
    return new TopKAccuracy(options.classes, options.k, 'metrics.topKCategoricalAccuracy').update(targets, scores).result();
  },

  /** Mean recall of the classes that occur as targets. @param targets labels @param predictions labels */
  balancedAccuracy(targets: Numbers, predictions: Numbers): number {
    return labelTable('metrics.balancedAccuracy', targets, predictions, undefined).balancedAccuracy();
  },

  /** Right positives / predicted positives. @param targets labels @param predictions labels @param options `average`, `classes`, `zeroDivision` */
  precision(targets: Numbers, predictions: Numbers, options: PrecisionRecallOptions = {}): number {
    return averaged('metrics.precision', 'precision', targets, predictions, options);
  },
  /** Right positives / positives. @param targets labels @param predictions labels @param options `average`, `classes`, `zeroDivision` */
  recall(targets: Numbers, predictions: Numbers, options: PrecisionRecallOptions = {}): number {
    return averaged('metrics.recall', 'recall', targets, predictions, options);
  },
  /** 2·precision·recall / (precision + recall). @param targets labels @param predictions labels @param options `average`, `classes`, `zeroDivision` */
  f1(targets: Numbers, predictions: Numbers, options: PrecisionRecallOptions = {}): number {
    return averaged('metrics.f1', 'f1', targets, predictions, options);
  },
  /** Precision, recall, F1 and support of each class, and their averages. @param targets labels @param predictions labels @param options `classes`, `zeroDivision` */
  precisionRecallF1(targets: Numbers, predictions: Numbers, options: ClassFiguresOptions = {}): ClassFigures {
    const op = 'metrics.precisionRecallF1';
    checkOptions(op, options, ['classes', 'zeroDivision']);
    return labelTable(op, targets, predictions, options.classes).precisionRecallF1(checkZeroDivision(op, options.zeroDivision));
  },

  /** (classes, classes) counts: rows are targets, columns predictions. @param targets labels @param predictions labels @param options `classes` */
  confusionMatrix(targets: Numbers, predictions: Numbers, options: ClassesOptions = {}): number[][] {
    checkOptions('metrics.confusionMatrix', options, ['classes']);
    return labelTable('metrics.confusionMatrix', targets, predictions, options.classes).matrix();
  },
  /** Correlation of targets and predictions, -1 to 1; 0 where one of them is constant. @param targets labels @param predictions labels */
  matthewsCorrelation(targets: Numbers, predictions: Numbers): number {
    return labelTable('metrics.matthewsCorrelation', targets, predictions, undefined).matthewsCorrelation();
  },

  /** Area under the ROC curve, ties count half; several classes one against the rest. @param targets labels or one-hot @param scores (rows, classes) @param options `classes` default 1, `average` */
  rocAuc(targets: Numbers, scores: Numbers, options: AreaOptions = {}): number {
    const op = 'metrics.rocAuc';
    const classes = scoreWidth(op, options, ['average']);
    const average = checkName(op, 'average', options.average ?? 'macro', ['macro', 'weighted']);
    return new RankedScores(classes, op).update(targets, scores).rocAuc(average);
  },
  /** The area of each class against the rest. @param targets labels or one-hot @param scores (rows, classes) @param options `classes` default 1 */
  rocAucPerClass(targets: Numbers, scores: Numbers, options: ScoresOptions = {}): number[] {
    const op = 'metrics.rocAucPerClass';
    return new RankedScores(scoreWidth(op, options), op).update(targets, scores).rocAucPerClass();
  },
  /** The ROC curve, one point a distinct score. @param targets 0 or 1 @param scores (rows) */
  rocCurve(targets: Numbers, scores: Numbers): RocCurve {
    return new BinaryScores('metrics.rocCurve').update(targets, scores).rocCurve();
  },
  /** Area under the precision-recall curve as a sum of steps. @param targets labels or one-hot @param scores (rows, classes) @param options `classes` default 1, `average` */
  averagePrecision(targets: Numbers, scores: Numbers, options: AreaOptions = {}): number {
    const op = 'metrics.averagePrecision';
    const classes = scoreWidth(op, options, ['average']);
    const average = checkName(op, 'average', options.average ?? 'macro', ['macro', 'weighted']);
    return new RankedScores(classes, op).update(targets, scores).averagePrecision(average);
  },
  /** The score from which on a row should count as class 1. @param targets 0 or 1 @param scores (rows) @param goal default { maximize: 'f1' } @returns null where it cannot be reached */
  bestThreshold(targets: Numbers, scores: Numbers, goal: ThresholdGoal = { maximize: 'f1' }): ThresholdFigures | null {
    checkGoal('metrics.bestThreshold', goal);
    return new BinaryScores('metrics.bestThreshold').update(targets, scores).bestThreshold(goal);
  },

  /** Mean -log p[target]. @param targets labels or one-hot @param probabilities (rows, classes) @param options `classes` default 1; `epsilon` clips, default 2^-52 */
  logLoss(targets: Numbers, probabilities: Numbers, options: ScoresOptions & { readonly epsilon?: number } = {}): number {
    const op = 'metrics.logLoss';
    const classes = scoreWidth(op, options, ['epsilon']);
    return new ProbabilityScores(classes, options.epsilon === undefined ? {} : { epsilon: options.epsilon }, op).update(targets, probabilities).logLoss();
  },
  /** Mean squared distance of probabilities and targets. @param targets labels or one-hot @param probabilities (rows, classes) @param options `classes` default 1 */
  brierScore(targets: Numbers, probabilities: Numbers, options: ScoresOptions = {}): number {
    const op = 'metrics.brierScore';
    return new ProbabilityScores(scoreWidth(op, options), {}, op).update(targets, probabilities).brierScore();
  },
  /** Probabilities against frequencies in bins of equal width. @param targets labels or one-hot @param probabilities (rows, classes) @param options `classes` default 1, `bins` default 10 */
  calibration(targets: Numbers, probabilities: Numbers, options: ScoresOptions & { readonly bins?: number } = {}): Calibration {
    return calibrationOf('metrics.calibration', targets, probabilities, options);
  },
  /** Σ count/rows · |frequency - confidence| over the bins of calibration. @param targets labels or one-hot @param probabilities (rows, classes) @param options as there */
  expectedCalibrationError(targets: Numbers, probabilities: Numbers, options: ScoresOptions & { readonly bins?: number } = {}): number {
    return calibrationOf('metrics.expectedCalibrationError', targets, probabilities, options).expectedCalibrationError;
  },

  /** Mean (prediction - target)². @param targets (rows, outputs) @param predictions (rows, outputs) @param options `outputs` default 1 */
  meanSquaredError(targets: Numbers, predictions: Numbers, options: OutputsOptions = {}): number {
    return regression('metrics.meanSquaredError', targets, predictions, options).meanSquaredError();
  },
  /** Mean |prediction - target|. @param targets (rows, outputs) @param predictions (rows, outputs) @param options `outputs` default 1 */
  meanAbsoluteError(targets: Numbers, predictions: Numbers, options: OutputsOptions = {}): number {
    return regression('metrics.meanAbsoluteError', targets, predictions, options).meanAbsoluteError();
  },
  /** √ of the mean squared error over all outputs. @param targets (rows, outputs) @param predictions (rows, outputs) @param options `outputs` default 1 */
  rootMeanSquaredError(targets: Numbers, predictions: Numbers, options: OutputsOptions = {}): number {
    return regression('metrics.rootMeanSquaredError', targets, predictions, options).rootMeanSquaredError();
  },
  /** 1 - Σ(prediction - target)² / Σ(target - mean)², mean over the outputs. @param targets (rows, outputs) @param predictions (rows, outputs) @param options `outputs` default 1 */
  r2Score(targets: Numbers, predictions: Numbers, options: OutputsOptions = {}): number {
    return regression('metrics.r2Score', targets, predictions, options).r2Score();
  },
  /** Quantiles of target - prediction, all values together, with linear interpolation. @param targets values @param predictions values @param quantiles each 0 to 1, default 0, 0.05, 0.25, 0.5, 0.75, 0.95, 1 */
  residualQuantiles(targets: Numbers, predictions: Numbers, quantiles: readonly number[] = [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1]): number[] {
    const op = 'metrics.residualQuantiles';
    const wanted = checkValues(op, 'targets', targets);
    const found = checkValues(op, 'predictions', predictions);
    checkSameLength(op, 'predictions', found.length, wanted.length);
    const asked = checkNumbers(op, 'quantiles', quantiles, { minimum: 0, maximum: 1 });
    const residuals = new SortedNumbers();
    for (let i = 0; i < wanted.length; i++) residuals.add(wanted[i] - found[i]);
    return asked.map((q) => quantile(residuals.values(), q));
  },

  ConfusionMatrix,
  MultiLabelCounts,
  BinaryScores,
  RankedScores,
  ProbabilityScores,
  TopKAccuracy,
  RegressionErrors,
} as const;
