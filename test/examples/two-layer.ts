// Follows a golden run of the notebooks 000 to 003 with the example of the same notebook, and compares wherever NumPy left numbers.
import { expect } from 'vitest';
import * as digitRecognizer from '../../examples/digit-recognizer/digit-recognizer.js';
import * as heInit from '../../examples/he-init/he-init.js';
import * as openml from '../../examples/openml/openml.js';
import * as smallInit from '../../examples/small-init/small-init.js';
import { descend, score, type Moment, type Watched } from '../../examples/shared/descent.js';
import type { ArrayDataset, FloatArray, Sequential } from '../../src/index.js';
import { asFloat64, expectChecksum, golden, near, type Checksums } from './seeds.js';

interface Count { readonly correct: number; readonly n: number }
interface Printed {
  readonly iteration: number;
  readonly loss_mean_cross_entropy: number;
  readonly correct: number;
  readonly first10_predictions: readonly number[];
  readonly prediction_counts?: readonly number[];
  readonly db1_scalar?: number;
  readonly db2_scalar?: number;
}
export interface TwoLayerRun {
  readonly id: string;
  readonly notebook: '000' | '001' | '002' | '003';
  readonly variant: 'as_written' | 'corrected' | 'corrected_official' | 'corrected_noprelude';
  readonly rng_seed: number;
  readonly scale: 'full' | '6k' | '2k';
  readonly dataset: 'mnist' | 'fashion';
  readonly iterations: number;
  readonly m_train: number;
  readonly train_labels_first20: readonly number[];
  readonly init: Checksums;
  readonly printed: readonly Printed[];
  readonly after_iteration: Readonly<Record<string, Checksums>>;
  readonly final: Checksums;
  readonly final_full_small: { readonly b1: readonly (readonly number[])[]; readonly W2: readonly (readonly number[])[]; readonly b2: readonly (readonly number[])[] };
  readonly final_train: Count & { readonly loss_mean_cross_entropy: number };
  readonly final_dev?: Count & { readonly first20_predictions: readonly number[]; readonly first20_labels: readonly number[] };
  readonly final_test_t10k?: Count & { readonly first20_predictions: readonly number[] };
}
const isTwoLayerRun = (value: unknown): value is TwoLayerRun =>
  typeof value === 'object' && value !== null && 'final_full_small' in value && 'printed' in value && 'after_iteration' in value;

export const twoLayerRun = (name: string): TwoLayerRun => golden(name, isTwoLayerRun);

export interface Sets { readonly train: ArrayDataset; readonly test: ArrayDataset | null }
export interface Followed {
  /** Places at which numbers were compared. */
  readonly compared: number;
  readonly accuracy: { readonly train: number | null; readonly heldOut: number | null; readonly test: number | null };
  readonly model: Sequential;
}

const names = ['W1', 'b1', 'W2', 'b2'] as const;
const rowsOf = { full: Infinity, '6k': 6000, '2k': 2000 } as const;

interface Task {
  readonly fitSet: ArrayDataset;
  readonly heldOut: ArrayDataset | null;
  readonly model: Sequential;
  /** The samples of a set as the model takes them. */
  readonly ready: (data: ArrayDataset) => FloatArray | Uint8Array;
  readonly run: (model: Sequential, data: ArrayDataset, watched: Watched) => Promise<unknown>;
}

const bytes = (data: ArrayDataset): Uint8Array => Uint8Array.from(data.x);

function taskOf(run: TwoLayerRun, { train, test }: Sets, backend: 'native' | 'typescript'): Task {
  const asWritten = run.variant === 'as_written';
  const first = (data: ArrayDataset, most: number): ArrayDataset => data.slice(0, Math.min(data.rows, most, rowsOf[run.scale]));
  switch (run.notebook) {
    case '000':
    case '002': {
      const example = run.notebook === '000' ? digitRecognizer : smallInit;
      // The notebooks' train.csv is the first 42,000.
      const { fitSet, heldOut, initial } = example.prepare(first(train, 42000), run.rng_seed);
      return { fitSet, heldOut, model: example.buildModel(initial, backend), ready: bytes, run: asWritten ? example.descendAsWritten : descend };
    }
    case '001': {
      const all = run.variant === 'corrected_official' || run.scale !== 'full' || test === null ? train : openml.asOneSet(train, test);
      const { fitSet, heldOut, initial } = openml.prepare(first(all, Infinity), run.rng_seed);
      return { fitSet, heldOut, model: openml.buildModel(initial, backend), ready: bytes, run: asWritten ? openml.descendAsWritten : descend };
    }
    case '003': {
      const initial = heInit.initialWeights(run.rng_seed, run.variant !== 'corrected_noprelude');
      const model = heInit.buildModel(initial, backend, asWritten ? 1 : 1 / 255);
      const fitSet = first(train, Infinity);
      // As written the training pixels are rounded to float32; those of the test set are not.
      const ready = (data: ArrayDataset): FloatArray | Uint8Array =>
        !asWritten ? bytes(data) : data === fitSet ? heInit.float32Pixels(data) : Float64Array.from(data.x, (byte) => byte / 255);
      return { fitSet, heldOut: null, model, ready, run: asWritten ? heInit.descendAsWritten : descend };
    }
  }
}

function expectWeights(weights: readonly FloatArray[], expected: Checksums, when: string): void {
  const arrays = asFloat64(weights);
  names.forEach((name, i) => { expectChecksum(arrays[i], expected[name], `${name} ${when}`); });
}

function expectMoment(moment: Moment, printed: Printed, when: string): void {
  near(moment.loss, printed.loss_mean_cross_entropy, 1, `loss ${when}`);
  expect(moment.correct, `right ${when}`).toBe(printed.correct);
  expect(Array.from(moment.predictions.subarray(0, 10)), `first predictions ${when}`).toEqual(printed.first10_predictions);
  if (printed.prediction_counts !== undefined) expect(heInit.countsOf(moment.predictions), `predictions ${when}`).toEqual(printed.prediction_counts);
  // One number for all biases of a layer, the same for each.
  for (const [name, expected] of [['hidden.bias', printed.db1_scalar], ['output.bias', printed.db2_scalar]] as const) {
    if (expected === undefined) continue;
    const found = moment.gradients?.[name] ?? new Float64Array([NaN]);
    for (const value of found) near(value, expected, 1, `${name} ${when}`);
  }
}

/** @param last iterations to run; fewer than all of them leave out what is known of the end */
export async function followTwoLayer(run: TwoLayerRun, sets: Sets, backend: 'native' | 'typescript', last = run.iterations): Promise<Followed> {
  const task = taskOf(run, sets, backend);
  const { fitSet, heldOut, model, ready } = task;
  expect(fitSet.rows).toBe(run.m_train);
  expect(Array.from({ length: 20 }, (_, i) => fitSet.label(i))).toEqual(run.train_labels_first20);
  expectWeights(model.getWeights(), run.init, 'at the start');
  let compared = 1;
  const printed = new Map(run.printed.map((entry) => [entry.iteration, entry]));
  await task.run(model, fitSet, {
    iterations: last,
    printed: (iteration) => printed.has(iteration),
    onMoment(moment) {
      const expected = printed.get(moment.iteration);
      if (expected === undefined) return;
      expectMoment(moment, expected, `at ${moment.iteration}`);
      compared++;
    },
    onUpdate(iteration, trained) {
      const expected = run.after_iteration[String(iteration)];
      if (expected === undefined) return;
      expectWeights(trained.getWeights(), expected, `after iteration ${iteration}`);
      compared++;
    },
  });
  const wanted = run.printed.filter(({ iteration }) => iteration < last).length + Object.keys(run.after_iteration).filter((key) => Number(key) < last).length;
  expect(compared, 'places compared').toBe(1 + wanted);
  if (last < run.iterations) return { compared, accuracy: { train: null, heldOut: null, test: null }, model };

  expectWeights(model.getWeights(), run.final, 'at the end');
  const [, b1, W2, b2] = model.getWeights();
  for (const [name, values, expected] of [['b1', b1, run.final_full_small.b1], ['W2', W2, run.final_full_small.W2], ['b2', b2, run.final_full_small.b2]] as const) {
    expected.flat().forEach((value, i) => { near(values[i], value, Math.max(1, Math.abs(value)), `final ${name}[${i}]`); });
  }
  const count = async (data: ArrayDataset, expected: Count & { readonly first20_predictions?: readonly number[] }, what: string): Promise<number> => {
    const predictions = (await model.predict(ready(data), { rows: data.rows })).argmax();
    const { correct, accuracy } = score(predictions, data);
    expect(data.rows, what).toBe(expected.n);
    expect(correct, `right on ${what}`).toBe(expected.correct);
    if (expected.first20_predictions !== undefined) expect(Array.from(predictions.subarray(0, 20)), what).toEqual(expected.first20_predictions);
    compared++;
    return accuracy;
  };
  const accuracy = {
    train: await count(fitSet, run.final_train, 'the training set'),
    heldOut: heldOut === null || run.final_dev === undefined ? null : await count(heldOut, run.final_dev, 'the held-out set'),
    test: sets.test === null || run.final_test_t10k === undefined ? null : await count(sets.test, run.final_test_t10k, 'the test set'),
  };
  return { compared, accuracy, model };
}
