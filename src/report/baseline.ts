// What the baselines of a report learn from.
import { NablaError, show } from '../base/errors.js';
import { checkSampleWeight, checkValues, type Numbers } from '../metrics/input.js';
import { isDataset, type Dataset } from '../train/dataset.js';
import type { Samples, Weights } from './linear.js';

/** Where baselines learned. 'evaluated rows' flatters them: they have seen the answers. */
export type LearnedFrom = 'train' | 'evaluated rows';

/** Options that both kinds of report have. */
export interface BaselineOptions {
  /** The evaluated rows' samples (rows, features): there is a linear baseline then. */
  readonly samples?: Numbers | Dataset;
  /** What the baselines learn from; default: the evaluated rows themselves. */
  readonly train?: Dataset;
  /** (rows): how much each evaluated row counts, in every figure but quantiles and worst rows; default 1. Rows of `train` count alike. */
  readonly sampleWeight?: Numbers;
}
/** Checked. */
export interface BaselineData {
  readonly learnedFrom: LearnedFrom;
  /** Targets to learn from. */
  readonly targets: ArrayLike<number>;
  readonly rows: number;
  /** What the linear model learns and predicts; null without samples. */
  readonly linear: { readonly train: Samples; readonly samples: Samples } | null;
  /** Of the evaluated rows. */
  readonly sampleWeight: Weights;
  /** Of the rows to learn from. */
  readonly learnedWeight: Weights;
}

/** The options that {@link checkBaseline} looks at. */
export const baselineOptionNames = ['samples', 'train', 'sampleWeight'];

/** @param check checks targets of a number of rows @throws ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE, ERR_RANGE */
export function checkBaseline(op: string, options: BaselineOptions, targets: ArrayLike<number>, rows: number, check: (y: unknown, rows: number) => ArrayLike<number>): BaselineData {
  const { train } = options;
  const sampleWeight = checkSampleWeight(op, options.sampleWeight, rows);
  if (train !== undefined && !isDataset(train)) {
    throw new NablaError('ERR_TYPE', `[${op}] what baselines learn from has samples and targets. Expected a data set for train, received ${show(train)}.`);
  }
  const samples = options.samples === undefined ? null : checkSamples(op, 'samples', options.samples, rows);
  if (train === undefined) return { learnedFrom: 'evaluated rows', targets, rows, linear: samples === null ? null : { train: samples, samples }, sampleWeight, learnedWeight: sampleWeight };
  const own = check(train.y, train.rows);
  const of = { learnedFrom: 'train', targets: own, rows: train.rows, sampleWeight, learnedWeight: null } as const;
  if (samples === null) return { ...of, linear: null };
  const learned = checkSamples(op, 'train', train, train.rows);
  if (learned.features !== samples.features) {
    throw new NablaError('ERR_SHAPE', `[${op}] samples of both sets are alike. Expected ${learned.features} features for samples, received ${samples.features}.`);
  }
  return { ...of, linear: { train: learned, samples } };
}

function checkSamples(op: string, name: string, given: Numbers | Dataset, rows: number): Samples {
  const x = checkValues(op, name, isDataset(given) ? given.x : given);
  if (x.length % rows !== 0) throw new NablaError('ERR_SHAPE', `[${op}] a sample a row. Expected a multiple of ${rows} values for ${name}, received ${x.length}.`);
  return { x, rows, features: x.length / rows };
}
