import { describe, expect, it } from 'vitest';
import { fillNormal } from '../../src/random/normal.js';
import { fillOrthogonal } from '../../src/random/orthogonal.js';
import { purposes } from '../../src/random/purposes.js';
import { RandomStream } from '../../src/random/stream.js';

const stream = (index: number): RandomStream => new RandomStream(7, purposes.initialWeights, index);

/** The short side's vectors of a filled matrix. */
function vectors(rows: number, columns: number, gain = 1): Float64Array[] {
  const out = new Float64Array(rows * columns);
  fillOrthogonal(out, rows, columns, stream(rows), gain);
  if (rows <= columns) return Array.from({ length: rows }, (_, k) => out.slice(k * columns, (k + 1) * columns));
  return Array.from({ length: columns }, (_, k) => Float64Array.from({ length: rows }, (__, i) => out[i * columns + k]));
}
const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0);

// Worst measured: 1.6e-15 at 100 x 100.
const TOLERANCE = 1e-14;

describe.each([[1, 1], [1, 7], [7, 1], [2, 2], [5, 3], [3, 5], [64, 20], [20, 64], [100, 100]])('fillOrthogonal, %d x %d', (rows, columns) => {
  it('gives orthogonal vectors of length gain', () => {
    const list = vectors(rows, columns, 3);
    list.forEach((a, j) => {
      list.forEach((b, k) => {
        const error = Math.abs(dot(a, b) / 9 - (j === k ? 1 : 0));
        if (!(error <= TOLERANCE)) expect.fail(`vectors ${j} and ${k}: ${error}`);
      });
    });
  });

  it('is the Q of a normal matrix whose R has a positive diagonal', () => {
    const list = vectors(rows, columns);
    const long = Math.max(rows, columns);
    const normal = new Float64Array(rows * columns);
    fillNormal(normal, stream(rows));
    list.forEach((q, j) => {
      list.forEach((_, k) => {
        const r = dot(q, normal.subarray(k * long, (k + 1) * long));
        if (j === k) expect(r).toBeGreaterThan(0);
        // Columns are about √long long: the bound is relative to that.
        if (j > k && !(Math.abs(r) <= TOLERANCE * Math.sqrt(long))) expect.fail(`R[${j}][${k}] is ${r}`);
      });
    });
  });
});

describe('fillOrthogonal', () => {
  it('prefers no direction: entries of 400 rotations of the plane have mean 0 and variance 1/2, both kinds occur', () => {
    let sum = 0;
    let square = 0;
    let rotations = 0;
    const out = new Float64Array(4);
    for (let i = 0; i < 400; i++) {
      fillOrthogonal(out, 2, 2, stream(1000 + i), 1);
      sum += out[0] + out[3];
      square += out[0] * out[0];
      rotations += out[0] * out[3] - out[1] * out[2] > 0 ? 1 : 0;
    }
    // Three deviations of each figure.
    expect(Math.abs(sum / 800)).toBeLessThan(0.11);
    expect(Math.abs(square / 400 - 0.5)).toBeLessThan(0.054);
    expect(Math.abs(rotations - 200)).toBeLessThan(31);
  });
});
