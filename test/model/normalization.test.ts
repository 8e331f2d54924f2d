import { describe, expect, it } from 'vitest';
import { layers, optimizers, sequential, sequentialFromRecord } from '../../src/index.js';

const rows = [[1, 10, 5], [2, 30, 5], [6, 20, 5], [3, 0, 5]];

describe('layers.normalization', () => {
  it('learns mean and variance of each feature, in a new layer', () => {
    const blank = layers.normalization({ inputShape: [3], name: 'norm' });
    const layer = blank.adapt(rows);
    expect(layer.config).toEqual({ kind: 'normalization', name: 'norm', inputShape: [3], mean: [3, 15, 5], variance: [3.5, 125, 1] });
    expect(blank.config).toMatchObject({ mean: null, variance: null });
    const dataset = { x: Uint8Array.from(rows.flat()), y: null, rows: 4, features: 3 };
    for (const data of [rows.flat(), Float32Array.from(rows.flat()), dataset]) expect(blank.adapt(data).config).toEqual(layer.config);
    // Without a shape the rows say it.
    for (const data of [rows, rows.map((row) => Float64Array.from(row)), rows.map((row) => [[row[0]], [row[1], row[2]]]), dataset]) {
      expect(layers.normalization().adapt(data).config).toMatchObject({ mean: [3, 15, 5], variance: [3.5, 125, 1] });
    }
  });

  it('leaves a constant feature alone: another value of it later is no million', () => {
    const data = [[20, 1, 0.1, 0], [20, 2, 0.1, 0], [20, 3, 0.1, 0]];
    const layer = layers.normalization().adapt(data);
    expect(layer.config).toMatchObject({ variance: [1, 2 / 3, 1, 1] });
    // Means that round: 0.1 · 7 / 7 is not 0.1, so the plain variance is not 0.
    expect(layers.normalization({ inputShape: [1] }).adapt(new Float64Array(7).fill(0.1)).config).toMatchObject({ variance: [1] });
    const identity = layers.dense({ units: 4, useBias: false, weights: [[[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]] });
    const model = sequential({ dtype: 'float64' }, [layers.normalization({ inputShape: [4] }).adapt(data), identity]);
    expect(model.predictSync([[20.1, 2, 0.1, 1]]).data[0]).toBeCloseTo(0.1, 12);
    expect(model.predictSync([[20.1, 2, 0.1, 1]]).data[3]).toBe(1);
    expect(layers.normalization({ mean: [20], variance: [0] }).config).toMatchObject({ variance: [1] });
  });

  it('a stored variance of 0 keeps the arithmetic that its model was trained with', () => {
    const record = sequential({ dtype: 'float64' }, [layers.normalization({ mean: [20], variance: [4], inputShape: [1] }), layers.dense({ units: 1, useBias: false, weights: [[[1]]] })]).toRecord();
    const config = { ...record.config, layers: record.config.layers.map((layer) => (layer.kind === 'normalization' ? { ...layer, variance: [0] } : layer)) };
    const old = sequentialFromRecord({ ...record, config });
    expect(old.predictSync([[20.1]]).data[0] / 1e6).toBeCloseTo(1, 6);
    expect(old.toRecord().config.layers[0]).toMatchObject({ variance: [0] });
  });

  it('is exact to the last digits where the mean is far larger than the deviation', () => {
    const x = Float64Array.from({ length: 1000 }, (_, i) => 1e8 + (i % 2));
    expect(layers.normalization({ inputShape: [1] }).adapt(x).config).toMatchObject({ mean: [1e8 + 0.5], variance: [0.25] });
  });

  it.each(['typescript', 'auto'] as const)('standardises, learns, and is the same model after a record, %s', (backend) => {
    const model = sequential({ seed: 1, dtype: 'float64', backend }, [
      layers.normalization({ inputShape: [3] }).adapt(rows),
      layers.dense({ units: 3, useBias: false, weights: [[[1, 0, 0], [0, 1, 0], [0, 0, 1]]] }),
    ]);
    const predicted = [...model.predictSync(rows).data];
    rows.forEach(([a = 0, b = 0], row) => {
      expect(predicted[3 * row]).toBeCloseTo((a - 3) / Math.sqrt(3.5), 14);
      expect(predicted[3 * row + 1]).toBeCloseTo((b - 15) / Math.sqrt(125), 14);
      expect(predicted[3 * row + 2]).toBe(0);
    });
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.05 }), loss: 'mse' });
    for (const { worst } of model.checkGradients(rows, rows)) expect(worst).toBeLessThan(1e-7);
    model.fitSync(rows, rows.map(() => [1, 2, 3]), { epochs: 3 });
    const record = model.toRecord();
    const again = sequentialFromRecord({ ...record, config: JSON.parse(JSON.stringify(record.config)) }, { backend });
    expect(again.toRecord().config.layers[0]).toEqual(record.config.layers[0]);
    expect([...again.predictSync(rows).data]).toEqual([...model.predictSync(rows).data]);
    expect([...model.clone().predictSync(rows).data]).toEqual([...model.freeze().predictSync(rows).data]);
    expect(model.summary()).toContain('normalization (Normalization)');
  });

  it.each<[what: string, code: string, text: RegExp, make: () => unknown]>([
    ['no statistics', 'ERR_STATE', /\.adapt\(data\) returns, for "normalization", received neither/, () => sequential([layers.normalization({ inputShape: [3] }), layers.dense({ units: 1 })])],
    ['other features', 'ERR_SHAPE', /Expected 2 .*received 3/, () => sequential([layers.input({ shape: [2] }), layers.normalization().adapt(rows), layers.dense({ units: 1 })])],
    ['a place behind a dense layer', 'ERR_OPTION', /layers\.normalization before dense/, () => sequential([layers.dense({ units: 3, inputShape: [3] }), layers.normalization().adapt(rows), layers.dense({ units: 1 })])],
    ['a mean alone', 'ERR_OPTION', /come together/, () => layers.normalization({ mean: [1] })],
    ['fewer variances', 'ERR_SHAPE', /Expected 2 numbers for variance, received 1/, () => layers.normalization({ mean: [1, 2], variance: [1] })],
    ['a negative variance', 'ERR_RANGE', /variance\[0\], received -1/, () => layers.normalization({ mean: [1], variance: [-1] })],
    ['a mean that float32 cannot hold', 'ERR_RANGE', /mean\[0\]/, () => sequential([layers.normalization({ mean: [1e300], variance: [1], inputShape: [1] }), layers.dense({ units: 1 })]).predictSync([1])],
    ['a flat array without a shape', 'ERR_SHAPE', /inputShape in the layer/, () => layers.normalization().adapt([1, 2, 3])],
    ['rows of two lengths', 'ERR_SHAPE', /row 1 of data/, () => layers.normalization().adapt([[1, 2], [3]])],
    ['NaN', 'ERR_NON_FINITE', /row 0, column 1 of data/, () => layers.normalization().adapt([[1, NaN]])],
  ])('refuses %s', (_what, code, text, make) => {
    expect(make).toThrow(expect.objectContaining({ code, message: expect.stringMatching(text) }));
  });
});
