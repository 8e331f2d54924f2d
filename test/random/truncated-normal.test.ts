import { describe, expect, it } from 'vitest';
import { purposes } from '../../src/random/purposes.js';
import { RandomStream } from '../../src/random/stream.js';
import { fillTruncatedNormal, truncatedDeviation } from '../../src/random/truncated-normal.js';

describe('fillTruncatedNormal', () => {
  it('stays within two deviations and has the cut distribution\'s moments', () => {
    const out = new Float64Array(100_001);
    fillTruncatedNormal(out, new RandomStream(3, purposes.initialWeights, 0), 5, 0.5);
    const z = out.map((value) => (value - 5) / 0.5);
    const mean = z.reduce((sum, value) => sum + value, 0) / z.length;
    const variance = z.reduce((sum, value) => sum + value * value, 0) / z.length;
    expect(z.every((value) => Math.abs(value) <= 2)).toBe(true);
    expect(z.reduce((most, value) => Math.max(most, Math.abs(value)), 0)).toBeGreaterThan(1.999);
    // 100,001 draws: the mean's deviation is 0.0028, the variance's 0.0029.
    expect(Math.abs(mean)).toBeLessThan(0.0085);
    expect(Math.abs(variance - truncatedDeviation ** 2)).toBeLessThan(0.0087);
    // 0.6827 of a normal distribution lies within one deviation, 0.9545 within two: 0.7152 of what is left.
    expect(Math.abs(z.filter((value) => Math.abs(value) < 1).length / z.length - 0.7152)).toBeLessThan(0.0043);
  });

  it('knows its deviation: the integral of z² over the cut density', () => {
    let mass = 0;
    let moment = 0;
    const n = 200_000;
    for (let i = 0; i < n; i++) {
      const z = -2 + (4 * (i + 0.5)) / n;
      const density = Math.exp((-z * z) / 2);
      mass += density;
      moment += density * z * z;
    }
    expect(Math.sqrt(moment / mass)).toBeCloseTo(truncatedDeviation, 9);
  });
});
