import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ArrayDataset } from '../../src/data/array-dataset.js';
import { readCsv } from '../../src/data/csv.js';
import { writeCsv } from '../../src/io/csv-writer.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-csv-writer-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const real = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.constantFrom(-0, 0.1, 5e-324, 1.7976931348623157e308));
/** Rows of three features. */
const features = (rows: number): fc.Arbitrary<number[]> => fc.array(real, { minLength: 3 * rows, maxLength: 3 * rows });
const layout = fc.record({ index: fc.boolean(), apart: fc.boolean() });
/** A name that is no number, has no blanks around it, and may hold anything else. */
const className = fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom('a', 'ß', '"', ',', ';', ' ', '\n', '5', '|') }).map((text) => `x${text}x`);

describe('readCsv reads what writeCsv wrote', () => {
  it('values to be predicted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 6 }).chain((rows) => fc.tuple(features(rows), fc.array(real, { minLength: rows, maxLength: rows }))), layout, fc.boolean(), async ([x, y], { index, apart }, narrow) => {
        const targets = narrow ? Float32Array.from(y, (value) => (Number.isFinite(Math.fround(value)) ? value : 1)) : Float64Array.from(y);
        const set = new ArrayDataset({ x: Float64Array.from(x), y: targets, sampleShape: [3] });
        const [path, labels] = [join(dir, 'x.csv'), join(dir, 'y.csv')];
        await writeCsv(path, set, { index, ...(apart ? { labels } : {}) });
        const again = await readCsv(path, { targets: 'numbers', ...(apart ? { labels } : {}) });
        expect(Array.from(again.x)).toEqual(x);
        expect(Array.from(again.y ?? [])).toEqual(Array.from(targets));
      }),
      { numRuns: 60 },
    );
  });

  it('classes, by number or by name', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 6 }).chain((rows) => fc.tuple(features(rows), fc.array(fc.nat(4), { minLength: rows, maxLength: rows }))),
        fc.uniqueArray(className, { minLength: 5, maxLength: 5 }), layout, fc.boolean(),
        async ([x, y], classNames, { index, apart }, names) => {
          const set = new ArrayDataset({ x: Float64Array.from(x), y: Uint8Array.from(y), sampleShape: [3], classNames });
          const [path, labels] = [join(dir, 'x.csv'), join(dir, 'y.csv')];
          await writeCsv(path, set, { index, names, ...(apart ? { labels } : {}) });
          const pair = apart ? { labels } : {};
          const again = await readCsv(path, { classNames, ...pair });
          expect([Array.from(again.x), Array.from(again.y ?? []), again.classNames]).toEqual([x, y, classNames]);
          const found = await readCsv(path, pair);
          expect(y.map((_, row) => found.labelName(row))).toEqual(y.map((label, row) => (names ? set.labelName(row) : String(label))));
        },
      ),
      { numRuns: 60 },
    );
  });
});

it('writes no target that cannot be read back', async () => {
  const path = join(dir, 'never.csv');
  for (const value of [NaN, Infinity, -Infinity]) {
    const set = new ArrayDataset({ x: Float64Array.of(1), y: Float64Array.of(value), rows: 1 });
    await expect(writeCsv(path, set)).rejects.toMatchObject({ code: 'ERR_NON_FINITE' });
  }
  expect(() => readFileSync(path)).toThrow(/ENOENT/);
});
