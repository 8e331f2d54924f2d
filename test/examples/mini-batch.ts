// Follows a golden run of the notebook 004's 784-100-200-10 network with the example layered, and compares wherever NumPy left numbers.
import { expect } from 'vitest';
import { batchSize, buildModel, train, trainAsWritten, type Watched } from '../../examples/layered/layered.js';
import { RandomState, type ArrayDataset, type Sequential } from '../../src/index.js';
import { asFloat64, expectChecksum, golden, near, transposed, type Checksums } from './seeds.js';
import type { Sets } from './two-layer.js';

interface Score { readonly correct: number; readonly n: number; readonly loss_mean_cross_entropy: number }
interface Scores { readonly train: Score; readonly test_t10k: Score }
export interface MiniBatchRun {
  readonly id: string;
  readonly variant: 'as_written' | 'as_written_fresh' | 'corrected' | 'corrected_shuffled';
  readonly rng_seed: number;
  readonly scale: 'full' | '6k' | '2k';
  readonly dataset: 'mnist' | 'fashion';
  readonly epochs: number;
  readonly m_train: number;
  readonly batch_size: number;
  readonly init: Checksums;
  readonly first_100_batch_losses: readonly number[];
  readonly after_batches: Readonly<Record<string, { readonly weights: Checksums; readonly eval: Scores }>>;
  readonly after_epochs: Readonly<Record<string, Scores & { readonly weights?: Checksums }>>;
}
const isMiniBatchRun = (value: unknown): value is MiniBatchRun =>
  typeof value === 'object' && value !== null && 'first_100_batch_losses' in value && 'after_batches' in value && 'after_epochs' in value;

export const miniBatchRun = (name: string): MiniBatchRun => golden(name, isMiniBatchRun);

/** NumPy's weights are (in, out). */
function expectWeights(model: Sequential, expected: Checksums, when: string): void {
  const weights = asFloat64(model.getWeights());
  ['W1', 'b1', 'W2', 'b2', 'W3', 'b3'].forEach((name, i) => {
    expectChecksum(i % 2 === 0 ? transposed(weights[i], weights[i + 1].length) : weights[i], expected[name], `${name} ${when}`);
  });
}

/** Thrown out of a hook to end a run early. */
class Enough extends Error {}

export interface FollowedBatches {
  /** Places at which numbers were compared. */
  readonly compared: number;
  readonly accuracy: { readonly train: number; readonly test: number | null } | null;
  readonly model: Sequential;
}

/** @param lastBatch ends the run after so many batches; accuracies are then left out but for the last batch's */
export async function followMiniBatches(run: MiniBatchRun, sets: Sets, backend: 'native' | 'typescript', lastBatch = Infinity): Promise<FollowedBatches> {
  const { variant } = run;
  const data = sets.train.slice(0, run.m_train);
  const random = new RandomState(run.rng_seed);
  const model = buildModel(random, backend, variant === 'as_written_fresh');
  expect(run.batch_size).toBe(batchSize);
  expectWeights(model, run.init, 'at the start');
  let compared = 1;
  let seen = 0;
  const score = async (set: ArrayDataset, expected: Score, when: string): Promise<number> => {
    const { loss, accuracy } = await model.evaluate(set);
    near(loss, expected.loss_mean_cross_entropy, Math.max(1, expected.loss_mean_cross_entropy), `loss ${when}`);
    expect(Math.round(accuracy * set.rows), `right ${when}`).toBe(expected.correct);
    return accuracy;
  };
  let accuracy: FollowedBatches['accuracy'] = null;
  const watched: Watched = {
    epochs: run.epochs,
    onBatch(loss, batches) {
      if (batches <= run.first_100_batch_losses.length) near(loss, run.first_100_batch_losses[batches - 1], 1, `loss of batch ${batches}`);
      seen = batches;
      const after = run.after_batches[String(batches)];
      if (after !== undefined) {
        expectWeights(model, after.weights, `after batch ${batches}`);
        compared++;
      }
      if (batches === lastBatch) throw new Enough();
    },
    async onEpoch(epoch) {
      if (lastBatch !== Infinity) return;
      const after = run.after_epochs[String(epoch + 1)];
      accuracy = {
        train: await score(data, after.train, `on the training set after epoch ${epoch + 1}`),
        test: sets.test === null ? null : await score(sets.test, after.test_t10k, `on the test set after epoch ${epoch + 1}`),
      };
      if (after.weights !== undefined) expectWeights(model, after.weights, `after epoch ${epoch + 1}`);
      compared++;
    },
  };
  try {
    await (variant.startsWith('as_written') ? trainAsWritten(model, data, watched) : train(model, data, watched, variant === 'corrected_shuffled' ? random : null));
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
  const steps = run.epochs * Math.ceil(run.m_train / batchSize);
  expect(seen, 'batches').toBe(Math.min(lastBatch, steps));
  expect(compared).toBe(1 + Object.keys(run.after_batches).filter((key) => Number(key) <= seen).length + (lastBatch === Infinity ? run.epochs : 0));
  const after = run.after_batches[String(lastBatch)];
  if (after !== undefined) await score(data, after.eval.train, `on the training set after batch ${lastBatch}`);
  return { compared, accuracy, model };
}
