import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RandomStream } from '../../src/random/stream.js';
import { philox4x32 } from '../../src/random/philox.js';

describe('RandomStream', () => {
  it('takes its words from the counters it documents', () => {
    const seed = 2 ** 40 + 17;
    const index = 2 ** 33 + 5;
    const stream = new RandomStream(seed, 3, index);
    const out = new Uint32Array(4);
    for (let block = 0; block < 200; block++) {
      philox4x32(Uint32Array.of(block, 5, 2, 3), Uint32Array.of(17, 256), out);
      expect([stream.word(), stream.word(), stream.word(), stream.word()]).toEqual([...out]);
    }
  });

  it('gives the same words one by one and many at a time', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 1100 })), { maxLength: 6 }), (takes) => {
        const single = new RandomStream(11, 4, 2), mixed = new RandomStream(11, 4, 2);
        for (const [filled, count] of takes) {
          const expected = Array.from({ length: count }, () => single.word());
          const out = new Uint32Array(count);
          if (filled) mixed.fill(out);
          else for (let i = 0; i < count; i++) out[i] = mixed.word();
          expect([...out]).toEqual(expected);
        }
      }),
    );
  });

  it('differs by seed, purpose and index', () => {
    const first = (seed: number, purpose: number, index: number) => new RandomStream(seed, purpose, index).word();
    const all = [first(0, 2, 0), first(1, 2, 0), first(2 ** 32, 2, 0), first(0, 3, 0), first(0, 2, 1), first(0, 2, 2 ** 32)];
    expect(new Set(all).size).toBe(all.length);
  });

  it('draws bounded integers as the 64-bit arithmetic says', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), fc.nat(), (bound, seed) => {
        const words = new RandomStream(seed, 9, 0);
        const expected = (): number => {
          for (;;) {
            const product = BigInt(words.word()) * BigInt(bound);
            if (product % 4294967296n >= (4294967296n - BigInt(bound)) % BigInt(bound)) return Number(product / 4294967296n);
          }
        };
        const stream = new RandomStream(seed, 9, 0);
        for (let i = 0; i < 20; i++) expect(stream.below(bound)).toBe(expected());
      }),
    );
  });

  it('draws every small number about equally often', () => {
    const counts = new Array<number>(7).fill(0);
    const stream = new RandomStream(3, 9, 0);
    const draws = 70_000;
    for (let i = 0; i < draws; i++) {
      const value = stream.below(7);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    const chiSquared = counts.reduce((sum, count) => sum + (count - draws / 7) ** 2 / (draws / 7), 0);
    expect(chiSquared).toBeLessThan(22.5); // 0.1 % point of 6 degrees of freedom; measured 8.5
  });

  it('gives uniform numbers in [0, 1) with the mean and variance they should have', () => {
    const stream = new RandomStream(5, 9, 0);
    let sum = 0;
    let squares = 0;
    const n = 100_000;
    for (let i = 0; i < n; i++) {
      const value = stream.uniform();
      if (!(value >= 0 && value < 1)) expect.fail(`${value} is outside [0, 1)`);
      sum += value;
      squares += value * value;
    }
    expect(Math.abs(sum / n - 0.5)).toBeLessThan(0.004); // measured 0.0008
    expect(Math.abs(squares / n - 1 / 3)).toBeLessThan(0.004); // measured 0.0005
  });

  it.each([-1, 1.5, 2 ** 53, NaN])('refuses the seed %s', (seed) => {
    expect(() => new RandomStream(seed, 1, 0)).toThrow(/Expected 0 to 2\^53-1 for seed/);
  });
});
