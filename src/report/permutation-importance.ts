import { isNumericTypedArray } from '../base/arrays.js';
import { checkInteger, checkName, checkObject, checkOptions } from '../base/checks.js';
import { getEnvironment } from '../base/environment.js';
import { NablaError, show } from '../base/errors.js';
import type { SampleInput } from '../model/predict.js';
import { permutation } from '../random/permutation.js';
import { purposes } from '../random/purposes.js';
import { isDataset, type Dataset } from '../train/dataset.js';
import { isError, score, scoreNames, type ScoreFunction, type ScoreName } from './scores.js';

/** What predicts: a model, a frozen one, or anything that does as they do. */
export interface Predictor {
  predict(x: SampleInput): Promise<{ readonly data: Float32Array | Float64Array }>;
  /** Its loss on samples with targets: what is scored where no metric is given. */
  evaluate?(data: Dataset): Promise<Readonly<Record<string, number>>>;
}
/** Options of {@link permutationImportance}. */
export interface PermutationImportanceOptions {
  /** What is scored: a name, or a function of which larger is better. Default: the loss that the model was compiled with. */
  readonly metric?: ScoreName | ScoreFunction;
  /** Shuffles a feature, 1 to 1,000,000, default 5. */
  readonly repeats?: number;
  /** Whole number from 0 to 2^53-1, default 0. */
  readonly seed?: number;
}
/** One feature. */
export interface FeatureImportance {
  readonly feature: number;
  /** Mean of `drops`. */
  readonly mean: number;
  /** Standard deviation of `drops` (divided by their number). */
  readonly standardDeviation: number;
  /** How much worse the metric became by each shuffle; negative: better. */
  readonly drops: readonly number[];
}
/** Importance of every feature. */
export interface PermutationImportance {
  readonly metric: string;
  /** The metric on the data as they are. */
  readonly baseline: number;
  /** In the order of the features. */
  readonly features: readonly FeatureImportance[];
}

/** Milliseconds after which the event loop has a turn. */
const BREATH = 12;

/**
 * How much worse a metric becomes when one feature's values change places between the rows: metric - shuffled, for errors shuffled - metric. A feature
 * that repeats another one looks unimportant, since the model still has the other. L. Breiman, Machine Learning 45 (2001) 5, for any model.
 * Takes features · repeats + 1 predictions of all rows.
 * @param model is not changed @param data samples and targets, best those the model has not learned from
 * @param options `metric` default the model's loss (an error), `repeats` default 5, `seed` default 0
 * @returns mean and standard deviation of each feature @throws (as rejection) ERR_OPTION, ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE
 * @example const { features } = await permutationImportance(model, test, { metric: 'accuracy', repeats: 10, seed: 1 });
 */
export async function permutationImportance(model: Predictor, data: Dataset, options: PermutationImportanceOptions = {}): Promise<PermutationImportance> {
  const op = 'permutationImportance';
  checkOptions(op, options, ['metric', 'repeats', 'seed']);
  const { predict }: { readonly predict?: unknown } = checkObject(op, 'model', model, 'predict');
  if (typeof predict !== 'function') throw new NablaError('ERR_TYPE', `[${op}] a model predicts. Expected a method predict of model, received ${show(predict)}.`);
  const repeats = checkInteger(op, 'repeats', options.repeats ?? 5, 1, 1_000_000);
  const seed = checkInteger(op, 'seed', options.seed ?? 0, 0);
  const metric = options.metric === undefined ? null : typeof options.metric === 'function' ? options.metric : checkName(op, 'metric', options.metric, scoreNames);
  if (metric === null && typeof model.evaluate !== 'function') {
    throw new NablaError('ERR_OPTION', `[${op}] the loss is the default metric of a model that evaluates. Expected one of ${scoreNames.join(', ')} for metric, received none and a model without evaluate.`);
  }
  const given: unknown = data;
  if (!isDataset(given)) throw new NablaError('ERR_TYPE', `[${op}] data have samples and targets. Expected a data set for data, received ${show(given)}.`);
  const { rows, features, y } = given;
  if (y === null) throw new NablaError('ERR_TYPE', `[${op}] a metric compares with targets. Expected a data set with y for data, received one without.`);
  const sign = metric === null || (typeof metric === 'string' && isError(metric)) ? -1 : 1;
  const finite = (value: number | undefined): number => {
    if (value !== undefined && Number.isFinite(value)) return value;
    throw new NablaError('ERR_RANGE', `[${op}] the metric can be told on these rows. Expected a finite figure from metric, received ${show(value)}.`);
  };
  const scoreOf = async (x: Dataset['x']): Promise<number> => {
    if (metric === null) return finite((await model.evaluate?.({ x, y, rows, features }))?.['loss']);
    const { data: outputs } = await model.predict({ x, y: null, rows, features });
    if (!isNumericTypedArray(outputs)) throw new NablaError('ERR_TYPE', `[${op}] a model predicts numbers. Expected { data: Float32Array } from predict, received ${show(outputs)} for data.`);
    const units = outputs.length / rows;
    const value = typeof metric === 'string' ? score(op, metric, y, outputs, units) : metric(y, outputs, units);
    return finite(value);
  };

  const baseline = await scoreOf(given.x);
  // Its own copy, in the samples' type: the data set is never touched.
  const x = given.x.slice();
  const list: FeatureImportance[] = [];
  let breath = getEnvironment().now();
  for (let feature = 0; feature < features; feature++) {
    const drops: number[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) {
      const order = permutation(rows, seed, purposes.permutationImportance, feature * repeats + repeat);
      for (let row = 0; row < rows; row++) x[row * features + feature] = given.x[order[row] * features + feature];
      drops.push(sign * (baseline - (await scoreOf(x))) + 0);
      if (getEnvironment().now() - breath > BREATH) {
        await getEnvironment().yield();
        breath = getEnvironment().now();
      }
    }
    for (let row = 0; row < rows; row++) x[row * features + feature] = given.x[row * features + feature];
    const mean = drops.reduce((sum, drop) => sum + drop, 0) / repeats;
    const variance = drops.reduce((sum, drop) => sum + (drop - mean) ** 2, 0) / repeats;
    list.push({ feature, mean, standardDeviation: Math.sqrt(variance), drops });
  }
  return { metric: metric === null ? 'loss' : typeof metric === 'string' ? metric : metric.name || 'a function', baseline, features: list };
}
