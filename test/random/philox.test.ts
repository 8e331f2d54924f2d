import { describe, expect, it } from 'vitest';
import { philox4x32, philoxFill } from '../../src/random/philox.js';

const words = (...values: number[]): Uint32Array => Uint32Array.from(values);

describe('philox4x32', () => {
  // Known-answer vectors published with Random123.
  it.each([
    { counter: [0, 0, 0, 0], key: [0, 0], expected: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      expected: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      expected: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ])('gives the published answer for counter $counter', ({ counter, key, expected }) => {
    const out = new Uint32Array(4);
    philox4x32(words(...counter), words(...key), out);
    expect([...out]).toEqual(expected);
  });

  it('fills blocks of consecutive counters', () => {
    const many = new Uint32Array(13);
    philoxFill(7, 1, 2, 3, 4, 5, many, 1, 3);
    for (let block = 0; block < 3; block++) {
      const one = new Uint32Array(4);
      philox4x32(words(7 + block, 1, 2, 3), words(4, 5), one);
      expect([...many.subarray(1 + 4 * block, 5 + 4 * block)]).toEqual([...one]);
    }
    expect(many[0]).toBe(0);
  });
});
