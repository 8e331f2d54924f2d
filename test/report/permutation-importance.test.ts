import { describe, expect, it } from 'vitest';
import { ArrayDataset, layers, optimizers, permutationImportance, sequential } from '../../src/index.js';
import { permutation } from '../../src/random/permutation.js';
import { purposes } from '../../src/random/purposes.js';
import { RandomStream } from '../../src/random/stream.js';
import { isDataset } from '../../src/train/dataset.js';

const ROWS = 120;
const stream = new RandomStream(5, 1000, 0);
const x = Float64Array.from({ length: ROWS * 3 }, () => stream.below(1001) / 500 - 1);
const y = Float64Array.from({ length: ROWS }, (_, row) => 3 * x[row * 3] + x[row * 3 + 1]);
const data = new ArrayDataset({ x, y, rows: ROWS });
const failure = (code: string, message: RegExp): unknown => expect.objectContaining({ code, message: expect.stringMatching(message) as unknown });

/** Knows the law: 3·first + second, the third says nothing. */
const law = {
  predict: (given: unknown): Promise<{ data: Float64Array }> => {
    if (!isDataset(given)) throw new Error('a data set is expected');
    return Promise.resolve({ data: Float64Array.from({ length: given.rows }, (_, row) => 3 * given.x[row * 3] + given.x[row * 3 + 1]) });
  },
};

describe('permutationImportance', () => {
  it('is what a loop by hand gives: the squared error that shuffling one column makes', async () => {
    const before = x.slice();
    const { metric, baseline, features } = await permutationImportance(law, data, { metric: 'mse', repeats: 3, seed: 9 });
    expect([metric, baseline]).toEqual(['mse', 0]);
    [3, 1, 0].forEach((slope, feature) => {
      const drops = [0, 1, 2].map((repeat) => {
        const order = permutation(ROWS, 9, purposes.permutationImportance, feature * 3 + repeat);
        return y.reduce((sum, _, row) => sum + (slope * (x[order[row] * 3 + feature] - x[row * 3 + feature])) ** 2, 0) / ROWS;
      });
      const mean = (drops[0] + drops[1] + drops[2]) / 3;
      const deviation = Math.sqrt(drops.reduce((sum, drop) => sum + (drop - mean) ** 2, 0) / 3);
      expect(features[feature].feature).toBe(feature);
      features[feature].drops.forEach((drop, i) => { expect(drop).toBeCloseTo(drops[i], 10); });
      expect(features[feature].mean).toBeCloseTo(mean, 10);
      expect(features[feature].standardDeviation).toBeCloseTo(deviation, 10);
    });
    expect(features[2]).toEqual({ feature: 2, mean: 0, standardDeviation: 0, drops: [0, 0, 0] });
    expect(x).toEqual(before);
  });

  it('ranks the features of a trained model, the same bytes for a seed', async () => {
    const labels = Uint8Array.from(y, (value) => (value > 0 ? 1 : 0));
    for (const units of [1, 2]) {
      const model = sequential({ seed: 1 }, [layers.dense({ units, activation: units === 1 ? 'sigmoid' : 'softmax', inputShape: [3] })]);
      model.compile({ optimizer: optimizers.adam({ learningRate: 0.05 }), loss: units === 1 ? 'binaryCrossentropy' : 'sparseCategoricalCrossentropy' });
      await model.fit(x, labels, { epochs: 60 });
      const set = new ArrayDataset({ x, y: labels, rows: ROWS });
      for (const metric of ['accuracy', 'balancedAccuracy', 'f1', 'auc', 'logLoss'] as const) {
        const one = await permutationImportance(model, set, { metric, repeats: 4, seed: 2 });
        const [first, second, third] = one.features.map((feature) => feature.mean);
        expect(first).toBeGreaterThan(second);
        expect(second).toBeGreaterThan(third);
        expect(Math.abs(third)).toBeLessThan(0.05);
        expect(await permutationImportance(model.freeze(), set, { metric, repeats: 4, seed: 2 })).toEqual(one);
        expect((await permutationImportance(model, set, { metric, repeats: 4, seed: 3 })).features).not.toEqual(one.features);
      }
    }
  });

  it('takes the other figures of values, and a function', async () => {
    const scores = [['r2', 1], ['meanAbsoluteError', 0], ['mae', 0], ['rootMeanSquaredError', 0], ['meanSquaredError', 0]] as const;
    for (const [metric, baseline] of scores) {
      const result = await permutationImportance(law, data, { metric });
      expect(result.baseline).toBe(baseline);
      expect(result.features[0].mean).toBeGreaterThan(result.features[1].mean);
      expect(result.features[1].mean).toBeGreaterThan(0);
      expect(result.features[0].drops).toHaveLength(5);
    }
    const units: number[] = [];
    const minus = (targets: ArrayLike<number>, outputs: ArrayLike<number>, width: number): number => {
      units.push(width);
      return -Math.abs(targets[0] - outputs[0]);
    };
    expect((await permutationImportance(law, data, { metric: minus, repeats: 1 })).metric).toBe('minus');
    expect(units).toEqual([1, 1, 1, 1]);
  });

  it("scores with the model's loss by itself", async () => {
    const model = sequential({ seed: 1, dtype: 'float64' }, [layers.dense({ units: 1, inputShape: [3] })]);
    model.compile({ loss: 'meanSquaredError', optimizer: optimizers.sgd({ learningRate: 0.1 }) });
    await model.fit(data, { epochs: 3 });
    const byItself = await permutationImportance(model, data);
    const named = await permutationImportance(model, data, { metric: 'mse' });
    expect(byItself.metric).toBe('loss');
    expect(byItself.baseline).toBeCloseTo(named.baseline, 12);
    byItself.features.forEach(({ mean }, i) => { expect(mean).toBeCloseTo(named.features[i].mean, 12); });
    await expect(permutationImportance(model.freeze(), data)).rejects.toEqual(failure('ERR_OPTION', /received none and a model without evaluate/));
  });

  it('lets the event loop have its turns', async () => {
    const model = sequential({ seed: 1, backend: 'typescript' }, [layers.dense({ units: 64, inputShape: [3] }), layers.dense({ units: 1 })]);
    let turns = 0;
    const timer = setInterval(() => { turns += 1; }, 1);
    await permutationImportance(model, data, { metric: 'mse', repeats: 200 });
    clearInterval(timer);
    expect(turns).toBeGreaterThan(0);
  });

  it('refuses what does not fit', async () => {
    await expect(Reflect.apply(permutationImportance, null, [law, data, {}])).rejects.toEqual(failure('ERR_OPTION', /one of accuracy, .* received none and a model without evaluate/));
    await expect(permutationImportance(law, data, { metric: 'mse', repeats: 0 })).rejects.toEqual(failure('ERR_RANGE', /repeats/));
    await expect(permutationImportance(law, new ArrayDataset({ x, rows: ROWS }), { metric: 'mse' })).rejects.toEqual(failure('ERR_TYPE', /without/));
    await expect(permutationImportance(law, new ArrayDataset({ x, y: new Uint8Array(ROWS), rows: ROWS }), { metric: 'auc' })).rejects.toEqual(failure('ERR_RANGE', /finite figure from metric, received NaN/));
    await expect(permutationImportance(law, data, { metric: 'accuracy' })).rejects.toEqual(failure('ERR_RANGE', /labels are whole numbers/));
    await expect(Reflect.apply(permutationImportance, null, [law, [1, 2], { metric: 'mse' }])).rejects.toEqual(failure('ERR_TYPE', /a data set for data/));
  });
});
