import { checkName } from '../base/checks.js';
import type { Numbers } from '../metrics/input.js';
import { classificationReport, type ClassificationData, type ClassificationReportOptions } from './classification.js';
import { multiLabelReport, type MultiLabelData, type MultiLabelReportOptions } from './multi-label.js';
import { regressionReport, type RegressionData, type RegressionReportOptions } from './regression.js';

/** Figures with a text for people. `JSON.stringify` gives the figures; what cannot be told is null. */
export class Report<Data> {
  readonly data: Data;
  readonly #text: string;

  constructor(data: Data, text: string) {
    this.data = data;
    this.#text = text;
  }

  toJSON(): Data {
    return this.data;
  }
  /** Tables, lines of at most a terminal's width where names are short. */
  toString(): string {
    return this.#text;
  }
}

/**
 * Figures of a model's outputs beside those of models that anybody has: the majority class or the mean, and a linear model (softmax regression:
 * one dense layer, Adam, seed 0; several labels a row: logistic regressions; ridge regression in closed form).
 * @param targets classification: labels (rows) or one-hot (rows, units); multiLabel: 0 or 1 (rows, labels); regression: values (rows, outputs)
 * @param outputs what predict gave: probabilities (rows, units), one unit being class 1 of two; probabilities (rows, labels); or values (rows, outputs)
 * @param options `task`; `samples` of these rows, for the linear model; `train`, a data set that the baselines learn from (default: the rows
 * themselves, which flatters them); `sampleWeight` (rows), how much each row counts. Classification: `units`, `classNames`, `threshold` and `goal` (two
 * classes). multiLabel: `labels` or `labelNames`, `threshold`, `goal`. Regression: `outputs`, `outputNames`, `worst` (rows listed, default 5)
 * @returns a report; print it, or take its `data` @throws (as rejection) ERR_OPTION, ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE
 * @example console.log(String(await report(test.y, (await model.predict(test.x)).data, { task: 'classification', samples: test.x, train })));
 */
export async function report(targets: Numbers, outputs: Numbers, options: ClassificationReportOptions): Promise<Report<ClassificationData>>;
export async function report(targets: Numbers, outputs: Numbers, options: MultiLabelReportOptions): Promise<Report<MultiLabelData>>;
export async function report(targets: Numbers, outputs: Numbers, options: RegressionReportOptions): Promise<Report<RegressionData>>;
export async function report(
  targets: Numbers, outputs: Numbers, options: ClassificationReportOptions | MultiLabelReportOptions | RegressionReportOptions,
): Promise<Report<ClassificationData | MultiLabelData | RegressionData>> {
  const given: unknown = options;
  checkName('report', 'task', typeof given === 'object' && given !== null && 'task' in given ? given.task : undefined, ['classification', 'multiLabel', 'regression']);
  const { data, text } = await made(targets, outputs, options);
  return new Report<ClassificationData | MultiLabelData | RegressionData>(data, text);
}

function made(
  targets: Numbers, outputs: Numbers, options: ClassificationReportOptions | MultiLabelReportOptions | RegressionReportOptions,
): Promise<{ data: ClassificationData | MultiLabelData | RegressionData; text: string }> {
  switch (options.task) {
    case 'classification':
      return classificationReport(targets, outputs, options);
    case 'multiLabel':
      return multiLabelReport(targets, outputs, options);
    case 'regression':
      return regressionReport(targets, outputs, options);
  }
}
