import { checkName } from '../model/checks.js';
import type { Numbers } from '../metrics/input.js';
import { classificationReport, type ClassificationData, type ClassificationReportOptions } from './classification.js';
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
 * one dense layer, Adam, seed 0; ridge regression in closed form).
 * @param targets classification: labels (rows) or one-hot (rows, units); regression: values (rows, outputs)
 * @param outputs what predict gave: probabilities (rows, units), one unit being class 1 of two; or values (rows, outputs)
 * @param options `task`; `samples` of these rows, for the linear model; `train`, a data set that the baselines learn from (default: the rows
 * themselves, which flatters them). Classification: `units`, `classNames`, `threshold` and `goal` (two classes). Regression: `outputs`,
 * `outputNames`, `worst` (rows listed, default 5)
 * @returns a report; print it, or take its `data` @throws (as rejection) ERR_OPTION, ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE
 * @example console.log(String(await report(test.y, (await model.predict(test.x)).data, { task: 'classification', samples: test.x, train })));
 */
export async function report(targets: Numbers, outputs: Numbers, options: ClassificationReportOptions): Promise<Report<ClassificationData>>;
export async function report(targets: Numbers, outputs: Numbers, options: RegressionReportOptions): Promise<Report<RegressionData>>;
export async function report(targets: Numbers, outputs: Numbers, options: ClassificationReportOptions | RegressionReportOptions): Promise<Report<ClassificationData | RegressionData>> {
  const given: unknown = options;
  checkName('report', 'task', typeof given === 'object' && given !== null && 'task' in given ? given.task : undefined, ['classification', 'regression']);
  const { data, text } = options.task === 'classification' ? await classificationReport(targets, outputs, options) : await regressionReport(targets, outputs, options);
  return new Report<ClassificationData | RegressionData>(data, text);
}
