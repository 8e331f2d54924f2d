import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { permutation } from '../../src/random/permutation.js';

describe('permutation', () => {
  it('holds every number once, the same for the same seed, another for another index', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.nat(), fc.nat(), (n, seed, index) => {
        const order = permutation(n, seed, 2, index);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
        expect(permutation(n, seed, 2, index)).toEqual(order);
        if (n > 20) expect(permutation(n, seed, 2, index + 1)).not.toEqual(order);
      }),
    );
  });

  it('makes all orders of three about equally likely', () => {
    const counts = new Map<string, number>();
    const draws = 12_000;
    for (let i = 0; i < draws; i++) {
      const key = permutation(3, 11, 2, i).join();
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    let chiSquared = 0;
    for (const count of counts.values()) chiSquared += (count - draws / 6) ** 2 / (draws / 6);
    expect(chiSquared).toBeLessThan(20.5); // 0.1 % point of 5 degrees of freedom; measured 10.0
  });

  it.each([-1, 0.5, 2 ** 32])('refuses the length %s', (n) => {
    expect(() => permutation(n, 0, 2, 0)).toThrow(/for n/);
  });
});
