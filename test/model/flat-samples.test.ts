import { describe, expect, it } from 'vitest';
import { ArrayDataset, layers, sequential, type Sequential } from '../../src/index.js';
import { messageOf } from '../thrown.js';
import { backends } from './support.js';

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i % 251);

describe.each(backends)('flat samples on %s', (backend) => {
  const make = (): Sequential => sequential({ backend, seed: 1 }, [layers.flatten({ inputShape: [4, 4] }), layers.dense({ units: 3, activation: 'softmax' })]);

  it('an image of another size is refused, whatever the type, sync or not, frozen or not', async () => {
    const model = make();
    const wanted = 'ERR_SHAPE [predictSync] one flat array is one sample. Expected 16 values (shape 4 x 4) for x, received 64. Several samples are a data set, arrays of rows, or a flat array with { rows: 4 }.';
    const rgba = bytes(64);
    for (const x of [rgba, Float32Array.from(rgba), Float64Array.from(rgba), Int16Array.from(rgba), [...rgba]]) {
      expect(messageOf(() => model.predictSync(x))).toBe(wanted);
      expect(messageOf(() => model.freeze().predictLogitsSync(x))).toContain('ERR_SHAPE');
      await expect(model.predict(x)).rejects.toMatchObject({ code: 'ERR_SHAPE' });
      await expect(model.predictLogits(x)).rejects.toMatchObject({ code: 'ERR_SHAPE' });
    }
    expect(messageOf(() => model.predictSync(bytes(17)))).toContain('received 17. Several samples are a data set, arrays of rows, or a flat array with { rows }.');
  });

  it('a batch says that it is one: by rows, by arrays, by a data set or its x', async () => {
    const model = make();
    const x = bytes(64);
    const rows = Array.from({ length: 4 }, (_, i) => x.slice(16 * i, 16 * i + 16));
    const expected = rows.flatMap((row) => [...model.predictSync(row).data]);
    const set = new ArrayDataset({ x: bytes(64), sampleShape: [4, 4] });
    for (const prediction of [
      model.predictSync(x, { rows: 4 }), await model.predict(x, { rows: 4 }), model.predictSync([...x], { rows: 4 }), model.predictSync(rows), model.predictSync(set), await model.predict(set.x),
      model.predictSync(set.x), model.predictSync(set.take([0, 1, 2, 3]).x), model.freeze().predictSync(set.x), model.predictSync(rows, { rows: 4 }), model.predictSync(set, { rows: 4 }),
    ]) {
      expect([...prediction.data]).toEqual(expected);
    }
    expect([...(await model.predict(set.slice(1, 3).x)).data]).toEqual(expected.slice(3, 9));
    expect(model.predictSync(x.subarray(0, 16), { rows: 1 }).rows).toBe(1);
  });

  it('rows are checked', () => {
    const model = make();
    expect(messageOf(() => model.predictSync(bytes(64), { rows: 3 }))).toContain('Expected 3 x 16 values for x, received 64');
    expect(messageOf(() => model.predictSync([[...bytes(16)]], { rows: 2 }))).toContain('Expected 2 rows for x, received 1');
    expect(messageOf(() => model.predictSync(bytes(16), { rows: 0 }))).toContain('ERR_RANGE');
    // What has a sample's size is one, in every type.
    for (const x of [bytes(16), Float64Array.from(bytes(16))]) expect(model.predictSync(new ArrayDataset({ x, sampleShape: [8] }).x).rows).toBe(1);
    const other = new ArrayDataset({ x: bytes(64), sampleShape: [32] });
    expect(messageOf(() => model.predictSync(other.x))).toContain("received 64 (a data set's 2 samples of 32)");
  });

  it('with one feature every number is a sample', () => {
    const line = sequential({ backend }, [layers.dense({ units: 1, inputShape: [1], weights: [[[2]]] })]);
    expect([...line.predictSync(Float32Array.of(1, 2, 3)).data]).toEqual([2, 4, 6]);
  });

  it('fit and evaluate count the targets: a flat batch stays one', () => {
    const model = make();
    model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
    expect(() => model.fitSync(bytes(64), [0, 1, 2, 0])).not.toThrow();
    expect(messageOf(() => model.evaluateSync(bytes(64), [1]))).toContain('Expected 4 rows for y, received 1');
  });
});
