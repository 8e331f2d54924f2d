// Every file of test/golden/metrics: figures of scikit-learn, see metrics_goldens.py and metrics_more.py in scripts/golden.
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { metrics } from '../../src/index.js';
import { golden, goldenJson } from '../golden-files.js';

/** Worst difference found: 1.4e-15, relative to figures above 1. */
const TOLERANCE = 1e-12;
/** Files and compared figures that there are: a file that is left out, or a field nobody compares, fails. */
const FILES = 40;
const FIGURES = 1365;

type Json = null | boolean | number | string | Json[] | { readonly [key: string]: Json };
type Fields = Readonly<Record<string, Json>>;

let figures = 0;
let files = 0;
let worst = 0;

function close(name: string, received: number, expected: Json): void {
  figures += 1;
  if (expected === 'inf') {
    expect(received, name).toBe(Infinity);
    return;
  }
  // What is not told (null, or words that say why) must not be a number here.
  if (typeof expected !== 'number') {
    expect(received, name).toBeNaN();
    return;
  }
  const difference = Math.abs(received - expected) / Math.max(1, Math.abs(expected));
  expect(difference <= TOLERANCE, `${name}: expected ${expected}, received ${received}`).toBe(true);
  worst = Math.max(worst, difference);
}
function closeAll(name: string, received: readonly number[], expected: Json): void {
  const list = expected as Json[];
  expect(received.length, name).toBe(list.length);
  received.forEach((value, i) => { close(`${name}[${i}]`, value, list[i]); });
}
const flat = (value: Json): number[] => (value as Json[]).flat() as number[];

type Check = (value: Json, fields: Fields, name: string) => void;
const labelled = (figure: (wanted: number[], found: number[]) => number): Check => (value, { y_true, y_pred }, name) => { close(name, figure(flat(y_true), flat(y_pred)), value); };
/** Averages of every kind, and the figures of each class or label. */
function closeFigures(name: string, received: ReturnType<typeof metrics.precisionRecallF1>, value: Json, byItself?: (figure: 'precision' | 'recall' | 'f1', average: 'micro' | 'macro' | 'weighted') => number): void {
  const expected = value as Record<string, Record<string, Json>>;
  expect(received.perClass.support).toEqual(expected['per_class']['support']);
  for (const figure of ['precision', 'recall', 'f1'] as const) {
    closeAll(`${name}.${figure}`, received.perClass[figure], expected['per_class'][figure]);
    for (const average of ['micro', 'macro', 'weighted'] as const) {
      close(`${name}.${average}.${figure}`, received[average][figure], expected[average][figure]);
      if (byItself !== undefined) close(`${name}.${average}.${figure}, by itself`, byItself(figure, average), expected[average][figure]);
    }
  }
}
const precisionRecall = (zeroDivision: 0 | 1): Check => (value, { y_true, y_pred, labels }, name) => {
  const classes = flat(labels).length;
  const [wanted, found] = [flat(y_true), flat(y_pred)];
  closeFigures(name, metrics.precisionRecallF1(wanted, found, { classes, zeroDivision }), value, (figure, average) => metrics[figure](wanted, found, { average, classes, zeroDivision }));
};
const multiLabel = ({ y_true, scores }: Fields): InstanceType<typeof metrics.MultiLabelCounts> => new metrics.MultiLabelCounts(outputsOf(y_true)).update(flat(y_true), flat(scores));
const precisionRecallOfLabels = (zeroDivision: 0 | 1): Check => (value, fields, name) => { closeFigures(name, multiLabel(fields).precisionRecallF1(zeroDivision), value); };
const calibrationCurve = (bins: number): Check => (value, { y_true, scores }, name) => {
  const expected = value as Record<string, Json>;
  // scikit-learn leaves empty bins out.
  const filled = metrics.calibration(flat(y_true), flat(scores), { bins }).bins.filter((bin) => bin.count > 0);
  closeAll(`${name} frequency`, filled.map((bin) => bin.frequency), expected['frequency']);
  closeAll(`${name} confidence`, filled.map((bin) => bin.confidence), expected['confidence']);
};
const scored = (figure: (labels: number[], scores: number[], classes: number) => number): Check => (value, { y_true, scores, labels }, name) => {
  close(name, figure(flat(y_true), flat(scores), labels === undefined ? 1 : flat(labels).length), value);
};
const loss = (epsilon?: number): Check => scored((y, p, classes) => metrics.logLoss(y, p, epsilon === undefined ? { classes } : { classes, epsilon }));
const topK: Check = (value, { y_true, scores, labels }, name) => {
  for (const [k, expected] of Object.entries(value as Record<string, Json>)) {
    close(`${name} ${k}`, metrics.topKCategoricalAccuracy(flat(y_true), flat(scores), { classes: flat(labels).length, k: Number(k) }), expected);
  }
};
const outputsOf = (targets: Json): number => (Array.isArray((targets as Json[])[0]) ? ((targets as Json[])[0] as Json[]).length : 1);
const regression = (figure: (targets: number[], predictions: number[], outputs: number) => number): Check => (value, { y_true, y_pred }, name) => {
  close(name, figure(flat(y_true), flat(y_pred), outputsOf(y_true)), value);
};
const perOutput = (figure: 'r2' | 'meanSquaredError'): Check => (value, { y_true, y_pred }, name) => {
  closeAll(name, new metrics.RegressionErrors(outputsOf(y_true)).update(flat(y_true), flat(y_pred)).perOutput().map((one) => one[figure]), value);
};

const INPUTS = ['id', 'kind', 'note', 'y_true', 'y_pred', 'labels', 'scores', 'top_k_tie_rule', 'r2_rule'];
/** Figures that nabla does not have. */
const OTHERS = ['cohen_kappa', 'explained_variance', 'roc_auc_ovo_macro'];
const CHECKS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  classification: {
    accuracy: labelled((y, p) => metrics.accuracy(y, p)),
    balanced_accuracy: labelled((y, p) => metrics.balancedAccuracy(y, p)),
    matthews_corrcoef: labelled((y, p) => metrics.matthewsCorrelation(y, p)),
    confusion_matrix_rows_true_cols_pred: (value, { y_true, y_pred, labels }) => {
      figures += 1;
      expect(metrics.confusionMatrix(flat(y_true), flat(y_pred), { classes: flat(labels).length })).toEqual(value);
    },
    precision_recall_f1_zero_division_0: precisionRecall(0),
    precision_recall_f1_zero_division_1: precisionRecall(1),
  },
  probabilities: {
    argmax_accuracy: scored((y, p, classes) => metrics.sparseCategoricalAccuracy(y, p, { classes })),
    log_loss: loss(),
    log_loss_unclipped: loss(0),
    'log_loss_eps_1e-15': loss(1e-15),
    'log_loss_eps_1e-7': loss(1e-7),
    log_loss_sum: scored((y, p, classes) => metrics.logLoss(y, p, { classes }) * y.length),
    // None of these files has ties that the two rules break differently.
    top_k_accuracy: topK,
    top_k_accuracy_lower_index_first: topK,
    roc_auc_one_vs_rest_per_class: (value, { y_true, scores, labels }, name) => { closeAll(name, metrics.rocAucPerClass(flat(y_true), flat(scores), { classes: flat(labels).length }), value); },
    roc_auc_binary: scored((y, p) => metrics.rocAuc(y, p.filter((_, i) => i % 2 === 1))),
    roc_auc_ovr_macro: scored((y, p, classes) => metrics.rocAuc(y, p, { classes })),
    roc_auc_ovr_weighted: scored((y, p, classes) => metrics.rocAuc(y, p, { classes, average: 'weighted' })),
  },
  binary_scores: {
    roc_auc: scored((y, s) => metrics.rocAuc(y, s)),
    average_precision: scored((y, s) => metrics.averagePrecision(y, s)),
    roc_curve_all_points: (value, { y_true, scores }, name) => {
      const expected = value as Record<string, Json>;
      const curve = metrics.rocCurve(flat(y_true), flat(scores));
      closeAll(`${name} fpr`, curve.falsePositiveRate, expected['fpr']);
      closeAll(`${name} tpr`, curve.truePositiveRate, expected['tpr']);
      // The first one, where nothing is predicted, is Infinity here and in newer versions of scikit-learn.
      closeAll(`${name} thresholds`, curve.thresholds.slice(1), (expected['thresholds'] as Json[]).slice(1));
    },
  },
  more_classes: {
    average_precision_macro: scored((y, s, classes) => metrics.averagePrecision(y, s, { classes })),
    average_precision_weighted: scored((y, s, classes) => metrics.averagePrecision(y, s, { classes, average: 'weighted' })),
    brier_multiclass: scored((y, p, classes) => metrics.brierScore(y, p, { classes })),
    ece_confidence_10: scored((y, p, classes) => metrics.expectedCalibrationError(y, p, { classes })),
  },
  more_binary: {
    brier: scored((y, p) => metrics.brierScore(y, p)),
    log_loss: scored((y, p) => metrics.logLoss(y, p)),
    average_precision: scored((y, p) => metrics.averagePrecision(y, p)),
    calibration_curve_5: calibrationCurve(5),
    calibration_curve_10: calibrationCurve(10),
    ece_5: scored((y, p) => metrics.expectedCalibrationError(y, p, { bins: 5 })),
    ece_10: scored((y, p) => metrics.expectedCalibrationError(y, p, { bins: 10 })),
  },
  more_multi_label: {
    subset_accuracy: (value, fields, name) => { close(name, multiLabel(fields).subsetAccuracy(), value); },
    element_accuracy: (value, fields, name) => { close(name, multiLabel(fields).binaryAccuracy(), value); },
    precision_recall_f1_zero_division_0: precisionRecallOfLabels(0),
    precision_recall_f1_zero_division_1: precisionRecallOfLabels(1),
  },
  more_residuals: {
    quantiles: (value, { y_true, y_pred }, name) => {
      const expected = value as Record<string, Json>;
      closeAll(name, metrics.residualQuantiles(flat(y_true), flat(y_pred), flat(expected['q'])), expected['values']);
    },
  },
  regression: {
    mse: regression((y, p, outputs) => metrics.meanSquaredError(y, p, { outputs })),
    mae: regression((y, p, outputs) => metrics.meanAbsoluteError(y, p, { outputs })),
    // null for several outputs: there scikit-learn 1.2 averages roots, nabla (as Keras) takes the root of the average.
    rmse: (value, fields, name) => { if (value !== null) regression((y, p) => metrics.rootMeanSquaredError(y, p))(value, fields, name); },
    r2: regression((y, p, outputs) => metrics.r2Score(y, p, { outputs })),
    r2_raw_per_output: perOutput('r2'),
    mse_raw_per_output: perOutput('meanSquaredError'),
    max_error: (value, fields, name) => {
      if (value !== null) regression((y, p) => Math.max(...metrics.residualQuantiles(y, p, [0, 1]).map(Math.abs)))(value, fields, name);
    },
    median_absolute_error: (value, fields, name) => {
      const absolute = (y: number[], p: number[]): number => metrics.residualQuantiles(y.map((t, i) => Math.abs(t - p[i])), y.map(() => 0), [0.5])[0];
      if (outputsOf(fields['y_true']) === 1) regression(absolute)(value, fields, name);
    },
  },
};

describe('figures of scikit-learn', () => {
  const names = readdirSync(golden('metrics')).filter((name) => name.endsWith('.json')).sort();
  for (const name of names) {
    it(name, () => {
      const fields = goldenJson(`metrics/${name}`) as Fields;
      const checks = CHECKS[fields['kind'] as string];
      for (const [field, value] of Object.entries(fields)) {
        if (INPUTS.includes(field) || OTHERS.includes(field)) continue;
        expect(Object.keys(checks), `a field that is not compared in ${name}`).toContain(field);
        checks[field](value, fields, `${name} ${field}`);
      }
      files += 1;
    });
  }
  it('all of them, whole', () => {
    console.log(`metrics: ${figures} figures of ${files} files compared with scikit-learn, worst difference ${worst.toExponential(1)}`);
    expect(files).toBe(FILES);
    expect(figures).toBe(FIGURES);
  });
});
