import { datasets, type Sequential } from '../../src/index.js';
import { describe, expect, it } from 'vitest';
import { batchSize, buildModel } from '../../examples/layered/layered.js';
import { drawCurve } from '../../examples/layered/curve.js';
import { asFloat64, expectChecksum, golden, near, transposed, type Checksums } from './seeds.js';

interface Evaluation { readonly correct: number; readonly loss_mean_cross_entropy: number }
interface Run {
  readonly init: Checksums;
  readonly first_100_batch_losses: readonly number[];
  readonly after_batches: Readonly<Record<string, { readonly weights: Checksums }>>;
  readonly after_epochs: Readonly<Record<string, { readonly train: Evaluation; readonly test_t10k: Evaluation; readonly weights?: Checksums }>>;
}
const isRun = (value: unknown): value is Run => typeof value === 'object' && value !== null && 'first_100_batch_losses' in value && 'after_batches' in value && 'after_epochs' in value;

/** NumPy's weights are (in, out). */
function expectWeights(model: Pick<Sequential, 'getWeights'>, expected: Checksums, when: string): void {
  const weights = asFloat64(model.getWeights());
  ['W1', 'b1', 'W2', 'b2', 'W3', 'b3'].forEach((name, i) => {
    const bias = weights[i + 1 - (i % 2)];
    expectChecksum(i % 2 === 0 ? transposed(weights[i], bias.length) : weights[i], expected[name], `${name} ${when}`);
  });
}

const run = golden('004-mcp-corrected-seed42-6k-e5-mnist', isRun);

/** Trains for some epochs and compares after every batch and epoch where NumPy left numbers. @returns how many weights were compared */
async function follow(model: Sequential, rows: number, epochs: number): Promise<number> {
  const { train, test } = await datasets.mnist();
  const data = train.slice(0, rows);
  expectWeights(model, run.init, 'at the start');
  let batches = 0;
  let compared = 0;
  for (let epoch = 0; epoch < epochs; epoch++) {
    await model.fit(data, {
      epochs: epoch + 1,
      initialEpoch: epoch,
      batchSize,
      shuffle: false,
      callbacks: {
        onBatchEnd: (_batch, { loss }) => {
          if (batches < run.first_100_batch_losses.length) near(loss, run.first_100_batch_losses[batches], 1, `loss of batch ${batches}`);
          batches++;
          const after = run.after_batches[String(batches)];
          if (after === undefined) return;
          expectWeights(model, after.weights, `after ${batches} batches`);
          compared++;
        },
      },
    });
    const after = run.after_epochs[String(epoch + 1)];
    for (const [name, set] of [['train', data], ['test_t10k', test]] as const) {
      const { loss, accuracy } = await model.evaluate(set);
      near(loss, after[name].loss_mean_cross_entropy, 1, `${name} loss after epoch ${epoch + 1}`);
      expect(Math.round(accuracy * set.rows), `${name} right after epoch ${epoch + 1}`).toBe(after[name].correct);
    }
    if (after.weights !== undefined) {
      expectWeights(model, after.weights, `after epoch ${epoch + 1}`);
      compared++;
    }
  }
  expect(batches).toBe(epochs * Math.ceil(rows / batchSize));
  return compared;
}

describe('the example layered equals NumPy', () => {
  it('on five epochs of 6,000 pictures', async () => {
    expect(await follow(buildModel(42, 'auto'), 6000, 5)).toBe(7);
  }, 120_000);
  it('in plain TypeScript on the first epoch', async () => {
    expect(await follow(buildModel(42, 'typescript'), 6000, 1)).toBe(3);
  }, 120_000);
});

describe('drawCurve', () => {
  it('draws one column a value, the best on top', () => {
    expect(drawCurve({ a: [0, 0.5, 1], b: [-1, 0, 0.5] }, { from: 0, to: 1, height: 3 }).split('\n')).toEqual([
      ' 100.0 % |     o',
      '  50.0 % |   o *',
      '   0.0 % | * *',
      '         +------ epochs',
      '           o a',
      '           * b',
    ]);
  });
});
