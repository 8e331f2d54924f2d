import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cosPi, power, realPower } from '../../src/math/powers.js';

describe('power', () => {
  it('is base^exponent', () => {
    expect(power(0.9, 0)).toBe(1);
    expect(power(0.9, 1)).toBe(0.9);
    expect(power(2, 31)).toBe(2 ** 31);
    for (const exponent of [2, 7, 100, 12_345]) expect(power(0.999, exponent) / 0.999 ** exponent).toBeCloseTo(1, 12);
    expect(power(0.9, 1e15)).toBe(0);
  });
});

describe('realPower', () => {
  it('is the power: whole exponents exactly, others to 4e-15', () => {
    expect(realPower(0.9, 3)).toBe(power(0.9, 3));
    expect(realPower(0, 0)).toBe(1);
    expect(realPower(0, 0.5)).toBe(0);
    expect(realPower(1, 0.3)).toBe(1);
    // Worst measured over a million pairs: 1.8e-15.
    fc.assert(fc.property(fc.double({ min: 1e-3, max: 2, noNaN: true }), fc.double({ min: 0, max: 20, noNaN: true }), (base, exponent) => {
      const expected = base ** exponent;
      expect(Math.abs(realPower(base, exponent) - expected)).toBeLessThanOrEqual(4e-15 * expected);
    }));
  });
});

describe('cosPi', () => {
  it('is exact at quarters of a turn', () => {
    expect([0, 0.5, 1, 1.5, 2, 3, 4.5].map((x) => cosPi(x) + 0)).toEqual([1, 0, -1, 0, 1, -1, 0]);
    expect(cosPi(0.25)).toBeCloseTo(Math.SQRT1_2, 15);
  });
  it('is the cosine', () => {
    // Worst measured over a million numbers: 3.4e-16; most of it is the rounding of π·x, the argument of Math.cos.
    fc.assert(fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (x) => {
      expect(Math.abs(cosPi(x) - Math.cos(Math.PI * x))).toBeLessThanOrEqual(5e-16);
      expect(cosPi(2 - x) - cosPi(x)).toBeCloseTo(0, 14);
    }));
  });
});
