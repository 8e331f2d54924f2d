import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isNablaError } from '../../src/base/errors.js';
import { ArrayDataset, type ArrayDatasetOptions } from '../../src/data/array-dataset.js';

function codeOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isNablaError(error)) return error.code;
    throw error;
  }
  return 'nothing was thrown';
}

/** Row i holds i in every feature; labels are given. */
function numbered(labels: readonly number[], features = 2): ArrayDataset {
  const x = Float32Array.from({ length: labels.length * features }, (_, i) => Math.floor(i / features));
  return new ArrayDataset({ x, y: Int32Array.from(labels), rows: labels.length });
}
const rowsOf = (set: ArrayDataset): number[] => Array.from({ length: set.rows }, (_, i) => set.row(i)[0] ?? -1);
const count = (set: ArrayDataset, label: number): number => Array.from(set.y ?? []).filter((y) => y === label).length;

describe('ArrayDataset', () => {
  it('keeps arrays and knows their shape', () => {
    const x = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const set = new ArrayDataset({ x, y: Uint8Array.of(1, 0), sampleShape: [2, 2], classNames: ['cat', 'dog'], name: 'pets' });
    expect(set.x).toBe(x);
    expect([set.rows, set.features, set.shape, set.name, set.targetSize]).toEqual([2, 4, [2, 2], 'pets', 1]);
    expect(Array.from(set.row(1))).toEqual([5, 6, 7, 8]);
    expect([set.label(0), set.labelName(0)]).toEqual([1, 'dog']);
    expect(codeOf(() => set.row(2))).toBe('ERR_RANGE');
    expect(codeOf(() => set.label(-1))).toBe('ERR_RANGE');
  });

  it('slices views and takes copies, targets of several numbers included', () => {
    const set = new ArrayDataset({ x: Float64Array.of(0, 1, 2, 3), y: Float32Array.of(0, 0, 1, 10, 2, 20, 3, 30), sampleShape: [1] });
    const part = set.slice(1, 3);
    expect([Array.from(part.x), Array.from(part.y ?? [])]).toEqual([[1, 2], [1, 10, 2, 20]]);
    expect(part.x.buffer).toBe(set.x.buffer);
    const taken = set.take([3, 3, 0]);
    expect([Array.from(taken.x), Array.from(taken.y ?? [])]).toEqual([[3, 3, 0], [3, 30, 3, 30, 0, 0]]);
    expect(taken.x).toBeInstanceOf(Float64Array);
    expect(taken.x.buffer).not.toBe(set.x.buffer);
    expect(set.slice(4).rows).toBe(0);
    for (const run of [() => set.slice(3, 2), () => set.slice(0, 5), () => set.slice(0.5), () => set.take([4]), () => set.take([-1])]) expect(codeOf(run)).toBe('ERR_RANGE');
    expect(codeOf(() => set.label(0))).toBe('ERR_STATE');
  });

  it('refuses what does not fit', () => {
    const options: [ArrayDatasetOptions, string][] = [
      [{ x: new Float32Array(5), rows: 2 }, 'ERR_SHAPE'],
      [{ x: new Float32Array(5), sampleShape: [2] }, 'ERR_SHAPE'],
      [{ x: new Float32Array(4), sampleShape: [2], rows: 3 }, 'ERR_SHAPE'],
      [{ x: new Float32Array(4), sampleShape: [2, 0] }, 'ERR_SHAPE'],
      [{ x: new Float32Array(4), sampleShape: [] }, 'ERR_SHAPE'],
      [{ x: new Float32Array(0), rows: 0 }, 'ERR_SHAPE'],
      [{ x: new Float32Array(4), rows: -1 }, 'ERR_SHAPE'],
      [{ x: new Float32Array(4) }, 'ERR_OPTION'],
      [{ x: new Float32Array(4), rows: 2, y: new Uint8Array(3) }, 'ERR_SHAPE'],
      [{ x: new Float32Array(4), rows: 2, y: new Uint8Array(0) }, 'ERR_SHAPE'],
    ];
    for (const [option, code] of options) expect(codeOf(() => new ArrayDataset(option))).toBe(code);
    // @ts-expect-error plain arrays are for src/model to convert
    expect(codeOf(() => new ArrayDataset({ x: [1, 2], rows: 1 }))).toBe('ERR_TYPE');
    // @ts-expect-error labels are no text
    expect(codeOf(() => new ArrayDataset({ x: new Uint8Array(2), rows: 2, y: ['a', 'b'] }))).toBe('ERR_TYPE');
  });
});

describe('split', () => {
  const labels = Array.from({ length: 1000 }, (_, i) => (i % 10 === 0 ? 2 : i % 3 === 0 ? 1 : 0));
  const set = numbered(labels);

  it('puts every row into exactly one part, in file order, with its label', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 3, maxLength: 60 }), fc.double({ min: 0.01, max: 0.5, noNaN: true }), fc.boolean(), fc.boolean(), fc.nat(),
        (ys, fraction, stratify, third, seed) => {
          const all = numbered(ys);
          const held = Math.round(fraction * ys.length);
          fc.pre(held >= 1 && held + (third ? 1 : 0) < ys.length);
          const parts = third ? all.split({ validation: fraction, test: 1, stratify, seed }) : all.split({ validation: fraction, stratify, seed });
          expect(parts.map((p) => p.rows)).toEqual(third ? [ys.length - held - 1, held, 1] : [ys.length - held, held]);
          const seen = parts.flatMap(rowsOf);
          expect([...seen].sort((a, b) => a - b)).toEqual(ys.map((_, i) => i));
          for (const part of parts) {
            const rows = rowsOf(part);
            expect(rows).toEqual([...rows].sort((a, b) => a - b));
            expect(Array.from(part.y ?? [])).toEqual(rows.map((r) => ys[r]));
          }
        },
      ),
    );
  });

  it('keeps proportions to within one row a class', () => {
    const [fit, validation, test] = set.split({ validation: 0.1, test: 0.25, stratify: true, seed: 3 });
    for (const label of [0, 1, 2]) {
      const total = count(set, label);
      expect(Math.abs(count(validation, label) - total * 0.1)).toBeLessThan(1);
      expect(Math.abs(count(test, label) - total * 0.25)).toBeLessThan(2);
      expect(count(fit, label) + count(validation, label) + count(test, label)).toBe(total);
    }
    // By hand: sizes 5, 3, 2, three rows: quotas 1.5, 0.9, 0.6; floors 1, 0, 0; remainders .5, .9, .6 -> 1, 1, 1.
    const small = numbered([0, 0, 0, 0, 0, 1, 1, 1, 2, 2]).split({ validation: 3, stratify: true })[1];
    expect([0, 1, 2].map((label) => count(small, label))).toEqual([1, 1, 1]);
  });

  it('depends on the seed alone', () => {
    for (const stratify of [false, true]) {
      const [, a] = set.split({ validation: 0.1, stratify, seed: 1 });
      const [, b] = set.split({ validation: 0.1, stratify, seed: 1 });
      const [, c] = set.split({ validation: 0.1, stratify, seed: 2 });
      expect(rowsOf(a)).toEqual(rowsOf(b));
      expect(rowsOf(a)).not.toEqual(rowsOf(c));
    }
  });

  it('holds back a test set alone, the same rows as a validation set', () => {
    const [fit, test] = set.split({ test: 0.2, seed: 5 });
    const [sameFit, validation] = set.split({ validation: 0.2, seed: 5 });
    expect([fit.x, test.x]).toEqual([sameFit.x, validation.x]);
    expect(set.split({ test: 0.2 }).length).toBe(2);
  });

  it('refuses parts that cannot be', () => {
    for (const validation of [0, 1.5, -0.1, NaN, Infinity, 0.0001, 1000, 2000, 0.9999]) expect(codeOf(() => set.split({ validation }))).toBe('ERR_RANGE');
    expect(codeOf(() => set.split({ validation: 0.5, test: 0.5 }))).toBe('ERR_RANGE');
    expect(codeOf(() => set.split({ validation: 0.5, seed: -1 }))).toBe('ERR_RANGE');
    expect(codeOf(() => new ArrayDataset({ x: new Uint8Array(4), rows: 4 }).split({ validation: 1, stratify: true }))).toBe('ERR_STATE');
    // @ts-expect-error the option is misspelt
    expect(codeOf(() => set.split({ validation: 0.5, stratified: true }))).toBe('ERR_OPTION');
    expect(codeOf(() => set.split({}))).toBe('ERR_OPTION');
    expect(codeOf(() => set.split({ test: 0 }))).toBe('ERR_RANGE');
  });
});
