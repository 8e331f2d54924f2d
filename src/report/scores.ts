// Metrics by name over outputs that are there in whole.
import type { Numbers } from '../metrics/input.js';
import { argmax, checkTargetLabels } from '../metrics/input.js';
import { metrics } from '../metrics/metrics.js';

/** Names of metrics that a model can be scored with. */
export const scoreNames = [
  'accuracy', 'balancedAccuracy', 'f1', 'auc', 'logLoss', 'meanSquaredError', 'mse', 'meanAbsoluteError', 'mae', 'rootMeanSquaredError', 'r2',
] as const;
/** Name of such a metric. */
export type ScoreName = (typeof scoreNames)[number];
/** A metric of one's own. @param targets of the data @param outputs (rows, units) @param units outputs a row @returns larger is better */
export type ScoreFunction = (targets: Numbers, outputs: Numbers, units: number) => number;

const lower: ReadonlySet<ScoreName> = new Set<ScoreName>(['logLoss', 'meanSquaredError', 'mse', 'meanAbsoluteError', 'mae', 'rootMeanSquaredError']);

/** true: an error, smaller is better. */
export function isError(name: ScoreName): boolean {
  return lower.has(name);
}

/** One output a row is class 1 from 0.5 on; several: the largest decides, F1 is the mean over the classes. @throws as metrics */
export function score(op: string, name: ScoreName, targets: Numbers, outputs: Numbers, units: number): number {
  switch (name) {
    case 'accuracy':
      return onLabels(op, targets, outputs, units, (labels, predicted) => metrics.accuracy(labels, predicted));
    case 'balancedAccuracy':
      return onLabels(op, targets, outputs, units, (labels, predicted) => metrics.balancedAccuracy(labels, predicted));
    case 'f1':
      return onLabels(op, targets, outputs, units, (labels, predicted) => metrics.f1(labels, predicted, units === 1 ? {} : { average: 'macro', classes: units }));
    case 'auc':
      return metrics.rocAuc(targets, outputs, { classes: units });
    case 'logLoss':
      return metrics.logLoss(targets, outputs, { classes: units });
    case 'meanSquaredError':
    case 'mse':
      return metrics.meanSquaredError(targets, outputs, { outputs: units });
    case 'meanAbsoluteError':
    case 'mae':
      return metrics.meanAbsoluteError(targets, outputs, { outputs: units });
    case 'rootMeanSquaredError':
      return metrics.rootMeanSquaredError(targets, outputs, { outputs: units });
    default:
      return metrics.r2Score(targets, outputs, { outputs: units });
  }
}

function onLabels(op: string, targets: Numbers, outputs: Numbers, units: number, figure: (labels: Numbers, predicted: Numbers) => number): number {
  const rows = outputs.length / units;
  const predicted = Int32Array.from({ length: rows }, (_, row) => (units === 1 ? (outputs[row] >= 0.5 ? 1 : 0) : argmax(outputs, row * units, units)));
  return figure(checkTargetLabels(op, targets, rows, units), predicted);
}
