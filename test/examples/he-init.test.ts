import { datasets, type Sequential } from '../../src/index.js';
import { describe, expect, it } from 'vitest';
import { buildModel, descend, iterations, look } from '../../examples/he-init/he-init.js';
import { asFloat64, expectChecksum, golden, near, type Checksums } from './seeds.js';

interface Run {
  readonly iterations: number;
  readonly init: Checksums;
  readonly printed: readonly { readonly iteration: number; readonly loss_mean_cross_entropy: number; readonly correct: number; readonly prediction_counts: readonly number[] }[];
  readonly after_iteration: Readonly<Record<string, Checksums>>;
  readonly final: Checksums;
  readonly final_train: { readonly correct: number };
  readonly final_test_t10k: { readonly correct: number };
}
const isRun = (value: unknown): value is Run => typeof value === 'object' && value !== null && 'printed' in value && 'after_iteration' in value && 'final_test_t10k' in value;

function expectWeights(model: Sequential, expected: Checksums, when: string): void {
  const weights = asFloat64(model.getWeights());
  ['W1', 'b1', 'W2', 'b2'].forEach((name, i) => expectChecksum(weights[i], expected[name], `${name} ${when}`));
}

/** Follows NumPy's run and compares at every iteration where it left numbers, up to `last`. @returns how many places were compared */
async function follow(model: Sequential, run: Run, rows: number, last: number): Promise<number> {
  const { train, test } = await datasets.mnist();
  const data = train.slice(0, rows);
  expectWeights(model, run.init, 'at the start');
  let compared = 0;
  let done = 0;
  const stops = new Set([...run.printed.map(({ iteration }) => iteration), ...Object.keys(run.after_iteration).map((key) => Number(key) + 1), run.iterations]);
  for (const stop of [...stops].sort((a, b) => a - b).filter((value) => value <= last)) {
    if (stop > done) await descend(model, data, stop - done);
    done = stop;
    const printed = run.printed.find(({ iteration }) => iteration === stop);
    if (printed !== undefined) {
      near((await model.evaluate(data))['loss'], printed.loss_mean_cross_entropy, 1, `loss at ${stop}`);
      const { accuracy, counts } = await look(model, data);
      expect(Math.round(accuracy * rows), `right at ${stop}`).toBe(printed.correct);
      expect(counts, `predictions at ${stop}`).toEqual(printed.prediction_counts);
      compared++;
    }
    const after = run.after_iteration[String(stop - 1)];
    if (after !== undefined) {
      expectWeights(model, after, `after iteration ${stop - 1}`);
      compared++;
    }
  }
  if (last >= run.iterations) {
    expectWeights(model, run.final, 'at the end');
    expect(Math.round((await look(model, data)).accuracy * rows)).toBe(run.final_train.correct);
    expect(Math.round((await look(model, test)).accuracy * test.rows)).toBe(run.final_test_t10k.correct);
    compared++;
  }
  return compared;
}

describe('the example he-init equals NumPy', () => {
  const run = golden('003-corrected-seed0-6k-mnist', isRun);
  it('on all 400 iterations of 6,000 pictures', async () => {
    expect(run.iterations).toBe(iterations);
    expect(await follow(buildModel(0, 'auto'), run, 6000, iterations)).toBe(14);
  }, 120_000);
  it('in plain TypeScript to iteration 9', async () => {
    expect(await follow(buildModel(0, 'typescript'), run, 6000, 10)).toBe(5);
  }, 120_000);
});
