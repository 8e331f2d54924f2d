import { describe, expect, it } from 'vitest';
import { fillNormal } from '../../src/random/normal.js';
import { RandomStream } from '../../src/random/stream.js';
import { fillUniform } from '../../src/random/uniform.js';

describe('fillNormal', () => {
  it('has the moments of a normal distribution', () => {
    const values = new Float64Array(100_001);
    fillNormal(values, new RandomStream(1, 3, 0), 2, 3);
    let sum = 0;
    let squares = 0;
    let fourth = 0;
    for (const value of values) {
      const z = (value - 2) / 3;
      sum += z;
      squares += z * z;
      fourth += z ** 4;
    }
    const n = values.length;
    expect(Math.abs(sum / n)).toBeLessThan(0.014); // measured 0.0037
    expect(Math.abs(squares / n - 1)).toBeLessThan(0.02); // measured 0.0003
    expect(Math.abs(fourth / n - 3)).toBeLessThan(0.14); // measured 0.0074
  });

  it('fills a shorter array with the beginning of a longer one', () => {
    const long = new Float64Array(10);
    const short = new Float64Array(7);
    fillNormal(long, new RandomStream(4, 3, 1));
    fillNormal(short, new RandomStream(4, 3, 1));
    expect([...short]).toEqual([...long.subarray(0, 7)]);
  });

  it('rounds to float32 on store', () => {
    const exact = new Float64Array(6);
    const rounded = new Float32Array(6);
    fillNormal(exact, new RandomStream(4, 3, 1));
    fillNormal(rounded, new RandomStream(4, 3, 1));
    expect([...rounded]).toEqual([...exact].map(Math.fround));
  });
});

describe('fillUniform', () => {
  it('stays within its bounds', () => {
    const values = new Float64Array(10_000);
    fillUniform(values, new RandomStream(1, 3, 0), -2, 5);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(-2);
    expect(Math.max(...values)).toBeLessThan(5);
    expect(Math.min(...values)).toBeLessThan(-1.9);
    expect(Math.max(...values)).toBeGreaterThan(4.9);
  });
});
