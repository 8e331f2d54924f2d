import { describe, expect, it } from 'vitest';
import { exp, log, log1p, sigmoid, tanh } from '../../src/math/elementary.js';
import { measureElementary } from './elementary.errors.js';

// Units in the last place; measured over 100,000 points a range: exp 1.000, log 1.416, log1p 1.854, tanh 2.348, sigmoid 2.228.
const LARGEST_ULP: Readonly<Record<string, number>> = { exp: 1.05, log: 1.5, log1p: 2, tanh: 2.5, sigmoid: 2.5 };

describe('elementary functions against 300-bit arithmetic', () => {
  it('stay within their bounds', () => {
    const measured = measureElementary(3000);
    expect(measured.length).toBe(10);
    for (const { name, range, worst, at } of measured) {
      if (!(worst <= LARGEST_ULP[name])) expect.fail(`${name} over ${range}: ${worst} ulp at ${at}`);
      expect(worst).toBeGreaterThan(0);
    }
  });
});

describe('edges', () => {
  it('exp saturates as defined', () => {
    expect(exp(0)).toBe(1);
    expect(exp(-0)).toBe(1);
    expect(exp(-708.1)).toBe(0);
    expect(exp(-Infinity)).toBe(0);
    expect(exp(-708)).toBeGreaterThan(2.2250738585072014e-308);
    expect(exp(709.79)).toBe(Infinity);
    expect(exp(1e300)).toBe(Infinity);
    expect(exp(Infinity)).toBe(Infinity);
    expect(exp(NaN)).toBeNaN();
  });
  it('tanh keeps the sign of zero and reaches 1', () => {
    expect(Object.is(tanh(0), 0)).toBe(true);
    expect(Object.is(tanh(-0), -0)).toBe(true);
    expect(tanh(25)).toBe(1);
    expect(tanh(-Infinity)).toBe(-1);
    expect(tanh(Infinity)).toBe(1);
    expect(tanh(NaN)).toBeNaN();
    expect(tanh(-0.3)).toBe(-tanh(0.3));
  });
  it('log has its poles', () => {
    expect(log(1)).toBe(0);
    expect(log(0)).toBe(-Infinity);
    expect(log(-0)).toBe(-Infinity);
    expect(log(-1)).toBeNaN();
    expect(log(Infinity)).toBe(Infinity);
    expect(log(NaN)).toBeNaN();
    // A subnormal number: 2^-1074.
    expect(Math.abs(log(5e-324) - -744.4400719213812)).toBeLessThan(1e-12);
  });
  it('log1p and sigmoid meet their ends', () => {
    expect(log1p(0)).toBe(0);
    expect(log1p(NaN)).toBeNaN();
    expect(sigmoid(0)).toBe(0.5);
    expect(sigmoid(Infinity)).toBe(1);
    expect(sigmoid(-Infinity)).toBe(0);
    expect(sigmoid(NaN)).toBeNaN();
  });
});
