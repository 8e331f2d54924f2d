// What the baselines of a report learn from.
import { NablaError, show } from '../errors.js';
import { checkValues, type Numbers } from '../metrics/input.js';
import { isDataset, type Dataset } from '../train/dataset.js';
import type { Samples } from './linear.js';

/** Where baselines learned. 'evaluated rows' flatters them: they have seen the answers. */
export type LearnedFrom = 'train' | 'evaluated rows';

/** Options that both kinds of report have. */
export interface BaselineOptions {
  /** The evaluated rows' samples (rows, features): there is a linear baseline then. */
  readonly samples?: Numbers | Dataset;
  /** What the baselines learn from; default: the evaluated rows themselves. */
  readonly train?: Dataset;
}
/** Checked. */
export interface BaselineData {
  readonly learnedFrom: LearnedFrom;
  /** Targets to learn from. */
  readonly targets: ArrayLike<number>;
  readonly rows: number;
  /** What the linear model learns and predicts; null without samples. */
  readonly linear: { readonly train: Samples; readonly samples: Samples } | null;
}

/** @param check checks targets of a number of rows @throws ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE, ERR_RANGE */
export function checkBaseline(op: string, options: BaselineOptions, targets: ArrayLike<number>, rows: number, check: (y: unknown, rows: number) => ArrayLike<number>): BaselineData {
  const { train } = options;
  if (train !== undefined && !isDataset(train)) {
    throw new NablaError('ERR_TYPE', `[${op}] what baselines learn from has samples and targets. Expected a data set for train, received ${show(train)}.`);
  }
  const samples = options.samples === undefined ? null : checkSamples(op, 'samples', options.samples, rows);
  if (train === undefined) return { learnedFrom: 'evaluated rows', targets, rows, linear: samples === null ? null : { train: samples, samples } };
  const own = check(train.y, train.rows);
  if (samples === null) return { learnedFrom: 'train', targets: own, rows: train.rows, linear: null };
  const learned = checkSamples(op, 'train', train, train.rows);
  if (learned.features !== samples.features) {
    throw new NablaError('ERR_SHAPE', `[${op}] samples of both sets are alike. Expected ${learned.features} features for samples, received ${samples.features}.`);
  }
  return { learnedFrom: 'train', targets: own, rows: train.rows, linear: { train: learned, samples } };
}

function checkSamples(op: string, name: string, given: Numbers | Dataset, rows: number): Samples {
  const x = checkValues(op, name, isDataset(given) ? given.x : given);
  if (x.length % rows !== 0) throw new NablaError('ERR_SHAPE', `[${op}] a sample a row. Expected a multiple of ${rows} values for ${name}, received ${x.length}.`);
  return { x, rows, features: x.length / rows };
}
