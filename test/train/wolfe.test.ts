import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { perform, runSync, type Flow } from '../../src/base/sync-async.js';
import { cubicMinimum, CURVATURE, DECREASE, MOST_TRIALS, wolfeSearch, type RayPoint } from '../../src/train/wolfe.js';

/** A function of the step with its derivative. */
type Ray = (t: number) => readonly [value: number, slope: number];

function search(ray: Ray, first: number, narrowest = 1e-12): { found: RayPoint; start: RayPoint; tried: number[] } {
  const tried: number[] = [];
  const point = (t: number): RayPoint => {
    const [value, slope] = ray(t);
    return { t, value, slope };
  };
  function* evaluate(t: number): Flow<RayPoint> {
    tried.push(t);
    return yield* perform(() => point(t), async () => point(t));
  }
  const start = point(0);
  return { start, tried, found: runSync(wolfeSearch(start, first, evaluate, narrowest)) };
}

describe('wolfeSearch', () => {
  it('takes the first step where it is good', () => {
    const { found, tried } = search((t) => [(t - 1) ** 2, 2 * (t - 1)], 1.5);
    expect(tried).toEqual([1.5]);
    expect(found).toEqual({ t: 1.5, value: 0.25, slope: 1 });
  });

  it('finds the minimum of a parabola at once: too far, then the cubic is the parabola', () => {
    const { found, tried } = search((t) => [(t - 1) ** 2, 2 * (t - 1)], 4);
    expect(tried).toEqual([4, 1]);
    expect(found.value).toBe(0);
  });

  it('grows at most ten times, from a step that falls too steeply still', () => {
    const { found, tried } = search((t) => [(t - 100) ** 2, 2 * (t - 100)], 1);
    expect(tried).toEqual([1, 10]);
    expect(found.t).toBe(10);
    expect(search((t) => [(t - 1000) ** 2, 2 * (t - 1000)], 1).tried).toEqual([1, 10, 100]);
  });

  it('looks at the second step too: one that is higher than the first ends the growth (algorithm 3.5, i > 1)', () => {
    // Falls to -10 at 1, still steep, then a hill whose far side would pass for flat.
    const values = new Map<number, readonly [number, number]>([[0, [0, -10]], [1, [-9.9, -9.5]]]);
    const { found, tried } = search((t) => values.get(t) ?? (t > 1.5 ? [-9, 0.1] : [-12, 0]), 1);
    expect(tried[1]).toBeGreaterThan(1.5);
    expect(found.value).toBe(-12);
  });

  it('wants the value to fall by a share of what the slope promises', () => {
    // At 1 it is flat, but lower by 5e-5 only, where 1e-4 is wanted.
    const { found, tried } = search((t) => (t === 1 ? [-5e-5, 0] : [t * (t - 1), 2 * t - 1]), 1);
    expect(tried.length).toBeGreaterThan(1);
    expect(found.value).toBeLessThan(-1e-4);
  });

  it('wants it lower than the low end, which is where it rises too steeply', () => {
    const seen = new Map<number, readonly [number, number]>([[0, [0, -1]], [1, [-1, 2]]]);
    let inner = 0;
    const { found } = search((t) => seen.get(t) ?? (inner++ === 0 ? [-0.5, 0] : [-2, 0]), 1);
    expect([found.value, inner]).toEqual([-2, 2]);
  });

  it('keeps away from the ends of a bracket', () => {
    // A kink at 0.02 has no flat point: the bracket closes on it, by a tenth at least in every second step.
    const ray: Ray = (t) => [t < 0.02 ? -t : 100 * (t - 0.02) - 0.02, t < 0.02 ? -1 : 100];
    const { found, tried } = search(ray, 1);
    expect(tried[1]).toBeLessThan(0.1);
    expect(tried[2]).toBeCloseTo(tried[1] + 0.1 * (1 - tried[1]), 14);
    expect(Math.abs(found.t - 0.02)).toBeLessThan(1e-3);
  });

  it('goes back from where the loss is not finite', () => {
    const { found, tried } = search((t) => (t > 0.3 ? [Infinity, NaN] : [(t - 0.2) ** 2, 2 * (t - 0.2)]), 8);
    // Without a value there is no cubic: halves.
    expect(tried.slice(0, 3)).toEqual([8, 4, 2]);
    expect(found.value).toBeLessThan(0.02);
  });

  it('gives the start back where nothing falls', () => {
    const { found, start, tried } = search((t) => [t, -1], 1, 0);
    expect(found).toBe(start);
    expect(tried).toHaveLength(MOST_TRIALS);
    expect(search(() => [NaN, NaN], 1).found.t).toBe(0);
  });

  it('ends where the bracket is narrow', () => {
    expect(search((t) => [t, -1], 1, 0.01).tried.length).toBeLessThan(12);
  });

  it('ends where it falls for ever', () => {
    const { found, tried } = search((t) => [-t, -1], 1);
    expect(tried).toHaveLength(MOST_TRIALS);
    expect(found.value).toBeLessThan(-1);
  });

  const shapes = fc.record({
    minimum: fc.double({ min: 0.01, max: 50, noNaN: true }), first: fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
    quadratic: fc.double({ min: 0.01, max: 100, noNaN: true }), quartic: fc.double({ min: 0, max: 10, noNaN: true }), wave: fc.double({ min: 0, max: 0.9, noNaN: true }), wall: fc.boolean(),
  });
  it('finds the strong Wolfe conditions on every smooth ray that is bounded below', () => {
    let most = 0;
    fc.assert(
      fc.property(shapes, ({ minimum, first, quadratic, quartic, wave, wall }) => {
        // The wave moves minima about and makes several; it is too weak to turn the slope at the start.
        const ray: Ray = (t) => {
          const u = t - minimum;
          if (wall && u > 20) return [Infinity, NaN];
          const strength = wave * quadratic * minimum;
          return [quadratic * u * u + quartic * u ** 4 + strength * Math.sin(t), 2 * quadratic * u + 4 * quartic * u ** 3 + strength * Math.cos(t)];
        };
        const { found, start, tried } = search(ray, first, 0);
        most = Math.max(most, tried.length);
        expect(start.slope).toBeLessThan(0);
        expect(found.value <= start.value + DECREASE * found.t * start.slope, `decrease at ${found.t}`).toBe(true);
        expect(Math.abs(found.slope) <= CURVATURE * Math.abs(start.slope), `curvature at ${found.t}`).toBe(true);
      }),
      { numRuns: 2000 },
    );
    expect(most).toBeLessThan(MOST_TRIALS);
  });
});

describe('cubicMinimum', () => {
  it('is exact for cubics, whatever the order', () => {
    // t³ - 3t: largest at -1, smallest at 1.
    const at = (t: number): RayPoint => ({ t, value: t ** 3 - 3 * t, slope: 3 * t * t - 3 });
    expect(cubicMinimum(at(0), at(3), 0, 3)).toBeCloseTo(1, 14);
    expect(cubicMinimum(at(3), at(0), 0, 3)).toBeCloseTo(1, 14);
    expect(cubicMinimum(at(0), at(0.5), 0.6, 5)).toBeCloseTo(1, 14);
  });
  it('stays within its bounds, in the middle where there is no minimum', () => {
    const at = (t: number): RayPoint => ({ t, value: t ** 3 - 3 * t, slope: 3 * t * t - 3 });
    expect(cubicMinimum(at(0), at(3), 1.5, 3)).toBe(1.5);
    expect(cubicMinimum({ t: 0, value: 0, slope: 1 }, { t: 1, value: 4 / 3, slope: 2 }, 0, 1)).toBe(0.5);
    expect(cubicMinimum({ t: 0, value: 0, slope: -1 }, { t: 1, value: Infinity, slope: NaN }, 0, 1)).toBe(0.5);
  });
});
