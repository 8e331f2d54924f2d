import { describe, expect, it } from 'vitest';
import { runAsync, runSync } from '../../src/base/sync-async.js';
import { addScaled, along, converted, difference, dot, equal, joined, largest, negated, scale, sumOfMagnitudes } from '../../src/train/vectors.js';
import { expectSame } from '../backend/networks.js';

const length = 300_001;
const a = Float64Array.from({ length }, (_, k) => Math.sin(k) * 10 ** (k % 7)), b = Float64Array.from({ length }, (_, k) => Math.cos(3 * k));

describe('long vectors', () => {
  it('give the bytes of plain loops', () => {
    let products = 0, magnitudes = 0, most = 0;
    for (let k = 0; k < length; k++) {
      products += a[k] * b[k];
      magnitudes += Math.abs(a[k]);
      most = Math.max(most, Math.abs(a[k]));
    }
    expect(runSync(dot(a, b))).toBe(products);
    expect(runSync(sumOfMagnitudes(a))).toBe(magnitudes);
    expect(runSync(largest(a))).toBe(most);
    expectSame(runSync(along(a, 0.3, b)), a.map((value, k) => value + 0.3 * b[k]));
    expectSame(runSync(negated(a)), a.map((value) => -value));
    expectSame(runSync(difference('float32', a, b)), Float32Array.from(a, (value, k) => value - b[k]));
    expectSame(runSync(converted('float32', a)), new Float32Array(a));
    expectSame(runSync(joined([a.subarray(0, 3), b], length + 3)), Float64Array.from([...a.subarray(0, 3), ...b]));
    const sum = a.slice();
    runSync(addScaled(sum, -2, b));
    runSync(scale(sum, 0.5));
    expectSame(sum, a.map((value, k) => (value - 2 * b[k]) * 0.5));
  });

  it('equal only themselves', () => {
    expect(runSync(equal(a, a.slice()))).toBe(true);
    for (const at of [0, 150_000, length - 1]) {
      const other = a.slice();
      other[at] = NaN;
      expect(runSync(equal(a, other))).toBe(false);
    }
  });

  it('largest finds NaN', () => {
    expect(runSync(largest(Float64Array.of(1, -3, 2)))).toBe(3);
    expect(runSync(largest(Float64Array.of(1, NaN, 2)))).toBeNaN();
  });

  it('leave the event loop its turns, and give the same then', async () => {
    let turns = 0;
    const count = (): void => { turns += 1; timer = setImmediate(count); };
    let timer = setImmediate(count);
    const whole = new Float64Array(6_000_000).fill(0.1);
    const sum = await runAsync(dot(whole, whole));
    clearImmediate(timer);
    // One stretch would resolve before the first.
    expect(turns).toBeGreaterThan(2);
    expect(sum).toBe(runSync(dot(whole, whole)));
  });
});
