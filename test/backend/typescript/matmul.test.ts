import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { denseBackward, denseForward } from '../../../src/backend/typescript/dense.js';
import { multiply } from '../../../src/backend/typescript/matmul.js';
import { finish } from '../../../src/backend/typescript/pieces.js';
import { ListSpace, multiplyNonzeros, nonzerosByColumn, nonzerosByRow } from '../../../src/backend/typescript/sparse.js';
import { expectSame, uniforms } from '../networks.js';

/** The definition: one chain an element. a(row, k), b(k, column). */
function chains(a: (row: number, k: number) => number, b: (k: number, column: number) => number, start: Float64Array | null, rows: number, columns: number, inner: number): Float64Array {
  return Float64Array.from({ length: rows * columns }, (_, i) => {
    let sum = start === null ? 0 : start[i];
    for (let k = 0; k < inner; k++) sum += a(Math.floor(i / columns), k) * b(k, i % columns);
    return sum;
  });
}

/** Numbers of which a part are zeros. */
function numbers(count: number, seed: number, zeros: number): Float64Array {
  const next = uniforms(seed);
  return Float64Array.from({ length: count }, () => (next() < zeros ? 0 : next() * 2 - 1));
}

const sizes = fc.record({ rows: fc.integer({ min: 1, max: 13 }), columns: fc.integer({ min: 1, max: 19 }), inner: fc.integer({ min: 1, max: 40 }), seed: fc.nat(1e6), continued: fc.boolean() });

describe('multiply', () => {
  it('is one chain an element in every orientation and size, also from where it stood', () => {
    fc.assert(fc.property(sizes, ({ rows, columns, inner, seed, continued }) => {
      const [a, b, before] = [numbers(rows * inner, seed, 0), numbers(inner * columns, seed + 1, 0), numbers(rows * columns, seed + 2, 0)];
      const expected = chains((row, k) => a[row * inner + k], (k, column) => b[k * columns + column], continued ? before : null, rows, columns, inner);
      const aTurned = Float64Array.from({ length: a.length }, (_, i) => a[(i % rows) * inner + Math.floor(i / rows)]);
      const bTurned = Float64Array.from({ length: b.length }, (_, i) => b[(i % inner) * columns + Math.floor(i / inner)]);
      for (const [x, xRow, xInner] of [[a, inner, 1], [aTurned, 1, rows]] as const) {
        for (const [y, yInner, yColumn] of [[b, columns, 1], [bTurned, 1, inner]] as const) {
          const c = before.slice();
          multiply(x, 0, xRow, xInner, y, 0, yInner, yColumn, c, 0, columns, rows, columns, inner, continued);
          expectSame(c, expected);
        }
      }
    }), { numRuns: 300, seed: 5 });
  });
});

describe('leaving out zeros', () => {
  it('gives the bytes of the whole chains, by rows and by columns', () => {
    fc.assert(fc.property(sizes, fc.constantFrom(0.6, 0.9, 1), ({ rows, columns, inner, seed, continued }, zeros) => {
      const [a, b, before] = [numbers(rows * inner, seed, zeros), numbers(inner * columns, seed + 1, 0.1), numbers(rows * columns, seed + 2, 0)];
      const expected = chains((row, k) => a[row * inner + k], (k, column) => b[k * columns + column], continued ? before : null, rows, columns, inner);
      const few = a.filter((value) => value !== 0).length <= a.length / 2;
      const byRow = nonzerosByRow(new ListSpace(), a, rows, inner);
      expect(byRow !== null).toBe(few);
      if (byRow !== null) {
        const c = before.slice();
        multiplyNonzeros(byRow, b, columns, 1, c, columns, 1, 0, columns, continued);
        expectSame(c, expected);
      }
      const turned = Float64Array.from({ length: a.length }, (_, i) => a[(i % rows) * inner + Math.floor(i / rows)]);
      const byColumn = nonzerosByColumn(new ListSpace(), turned, inner, rows);
      expect(byColumn !== null).toBe(few);
      if (byColumn !== null) {
        const c = before.slice();
        multiplyNonzeros(byColumn, b, columns, 1, c, columns, 1, 0, columns, continued);
        expectSame(c, expected);
      }
    }), { numRuns: 300, seed: 6 });
  });

  it('does not happen where the other operand is not finite', () => {
    const x = new Float64Array(4 * 6);
    x[7] = 1;
    for (const bad of [NaN, Infinity, -Infinity]) {
      const weight = new Float64Array(6 * 3).fill(0.5);
      weight[6] = bad;
      const z = new Float64Array(12);
      finish(denseForward(new ListSpace(), x, weight, null, z, 4, 6, 3));
      expect([...z].map(Number.isNaN)).toEqual([0, 1, 2, 3].flatMap(() => [false, true, false]));
      const dz = new Float64Array(12);
      dz[4] = bad;
      const dweight = new Float64Array(18);
      finish(denseBackward(new ListSpace(), dz, x, dweight, null, 4, 6, 3, false));
      expect([...dweight].map(Number.isFinite)).toEqual(Array.from({ length: 18 }, (_, i) => i < 6 || i >= 12));
    }
  });
});
