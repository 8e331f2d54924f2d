import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runSync } from '../../src/base/sync-async.js';
import { LbfgsMemory } from '../../src/train/lbfgs.js';
import * as vectors from '../../src/train/vectors.js';

const dot = (a: Float64Array, b: Float64Array): number => runSync(vectors.dot(a, b));
const largest = (a: Float64Array): number => runSync(vectors.largest(a));
const direction = (memory: LbfgsMemory, gradient: Float64Array): Float64Array => runSync(memory.direction(gradient));

/** The inverse Hessian that BFGS holds as a matrix: H = (1 - ρsyᵀ)H(1 - ρysᵀ) + ρssᵀ (Nocedal, Wright, equation 6.17), from a multiple of 1. */
function denseDirection(pairs: readonly { move: Float64Array; change: Float64Array }[], g: Float64Array): Float64Array {
  const n = g.length;
  const newest = pairs.at(-1);
  const scale = newest === undefined ? 1 : dot(newest.move, newest.change) / dot(newest.change, newest.change);
  let h = Array.from({ length: n }, (_, i) => Float64Array.from({ length: n }, (__, j) => (i === j ? scale : 0)));
  for (const { move: s, change: y } of pairs) {
    const rho = 1 / dot(s, y);
    const hy = h.map((row) => dot(row, y));
    const yhy = dot(y, Float64Array.from(hy));
    h = h.map((row, i) => row.map((value, j) => value - rho * (s[i] * hy[j] + hy[i] * s[j]) + (rho * rho * yhy + rho) * s[i] * s[j]));
  }
  return Float64Array.from(h, (row) => -dot(row, g));
}

describe('LbfgsMemory', () => {
  it('goes straight down without pairs', () => {
    expect(direction(new LbfgsMemory(3), Float64Array.of(1, -2, 0))).toEqual(Float64Array.of(-1, 2, -0));
  });

  it('by hand: one pair on f = x² + 10y²', () => {
    const memory = new LbfgsMemory(3);
    // From (1, 1) by (-1, -1): the gradient (2, 20) falls by as much. sᵀy = 22, yᵀy = 404.
    expect(runSync(memory.remember({ move: Float64Array.of(-1, -1), change: Float64Array.of(-2, -20) }))).toBe(true);
    // The secant equation H·y = s: the gradient -2, -20 is y, so the direction is -s.
    const d = direction(memory, Float64Array.of(-2, -20));
    expect(d[0]).toBeCloseTo(1, 15);
    expect(d[1]).toBeCloseTo(1, 15);
  });

  const number = fc.double({ min: -2, max: 2, noNaN: true });
  const vector = fc.array(number, { minLength: 4, maxLength: 4 });
  it('is what BFGS with a matrix gives, over the pairs that are kept', () => {
    let worst = 0;
    fc.assert(
      fc.property(fc.array(vector, { minLength: 1, maxLength: 7 }), vector, vector, fc.integer({ min: 1, max: 4 }), (moves, diagonal, gradient, size) => {
        const memory = new LbfgsMemory(size);
        // Curvature of a positive Hessian with a coupling.
        const hessian = (v: readonly number[]): Float64Array => Float64Array.from(v, (value, i) => (1 + diagonal[i] ** 2) * value + 0.25 * (v[(i + 1) % 4] + v[(i + 3) % 4]));
        const pairs = moves.filter((move) => Math.hypot(...move) > 0.1).map((move) => ({ move: Float64Array.from(move), change: hessian(move) }));
        for (const pair of pairs) expect(runSync(memory.remember(pair))).toBe(true);
        const kept = pairs.slice(-size);
        expect(memory.pairs.map(({ move }) => move)).toEqual(kept.map(({ move }) => move));
        const g = Float64Array.from(gradient);
        const d = direction(memory, g);
        const expected = denseDirection(kept, g);
        const scale = Math.max(1e-3, largest(expected));
        worst = Math.max(worst, ...Array.from(d, (value, i) => Math.abs(value - expected[i]) / scale));
        if (largest(g) > 1e-3) expect(dot(d, g)).toBeLessThan(0);
      }),
      { numRuns: 500, seed: 4 },
    );
    // Measured: 2e-13.
    expect(worst <= 1e-10, String(worst)).toBe(true);
  });

  it('keeps no pair without curvature, and forgets', () => {
    const memory = new LbfgsMemory(2);
    for (const change of [[0], [-1], [1e-11], [NaN]]) expect(runSync(memory.remember({ move: Float64Array.of(1), change: Float64Array.from(change) }))).toBe(false);
    expect(runSync(memory.remember({ move: Float32Array.of(1), change: Float32Array.of(0.5) }))).toBe(true);
    const copy = memory.copy();
    memory.forget();
    expect([memory.pairs.length, copy.pairs.length]).toEqual([0, 1]);
    // Newton's step on x²/4.
    expect(direction(copy, Float64Array.of(3))).toEqual(Float64Array.of(-6));
  });
});
