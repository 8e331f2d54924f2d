import { describe, expect, it } from 'vitest';
import { drawDigits } from '../../src/cli/draw-digits.js';

/** 28 x 28 zeros with the given [row, column] pixels inked. */
function picture(...ink: readonly (readonly [number, number])[]): Uint8Array {
  const pixels = new Uint8Array(28 * 28);
  for (const [row, column] of ink) pixels[row * 28 + column] = 255;
  return pixels;
}

describe('drawDigits', () => {
  it('puts two rows of pixels into one line of half blocks', () => {
    const text = drawDigits([{ pixels: picture([10, 2], [11, 3], [10, 4], [11, 4]), caption: 'seven' }], 80);
    expect(text).toBe('▀▄█\nseven');
  });
  it('keeps to the width', () => {
    const drawing = { pixels: picture([5, 2], [5, 25]), caption: 'a caption that is longer than the picture is wide' };
    for (const columns of [10, 24, 50, 80, 200]) {
      const lines = drawDigits(Array.from({ length: 7 }, () => drawing), columns).split('\n');
      expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(Math.max(24, columns));
    }
    expect(drawDigits([drawing, drawing, drawing], 80).split('\n')).toHaveLength(2);
  });
});
