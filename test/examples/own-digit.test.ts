// A digit of one's own: PGM and PNG become what MNIST looks like, or are refused.
import { deflateSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { parsePicture, readOwnDigit, toMnist } from '../../examples/he-init/own-digit.js';

const [width, height] = [5, 4];
const grey = Uint8Array.from({ length: width * height }, (_, i) => (i * 53) % 256);

/** A PNG of grey bytes, a filter for each line; the guesses are undone by the reader. */
function png(filters: readonly number[], { colour = 0, interlaced = 0 } = {}): Buffer {
  const channels = colour === 2 ? 3 : colour === 6 ? 4 : 1;
  const samples = Array.from(grey, (value) => (colour === 6 ? [value, value, value, 255] : Array.from({ length: channels }, () => value))).flat();
  const stride = width * channels;
  const lines: number[] = [];
  for (let y = 0; y < height; y++) {
    lines.push(filters[y]);
    for (let i = 0; i < stride; i++) {
      const left = i < channels ? 0 : samples[y * stride + i - channels];
      const above = y === 0 ? 0 : samples[(y - 1) * stride + i];
      const corner = y === 0 || i < channels ? 0 : samples[(y - 1) * stride + i - channels];
      const [a, b, c] = [Math.abs(above - corner), Math.abs(left - corner), Math.abs(left + above - 2 * corner)];
      const paeth = a <= b && a <= c ? left : b <= c ? above : corner;
      const guess = [0, left, above, Math.floor((left + above) / 2), paeth][filters[y]];
      lines.push((samples[y * stride + i] - guess + 256) % 256);
    }
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, colour, 0, 0, interlaced], 8);
  const chunk = (type: string, data: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, Buffer.from(type, 'latin1'), data, Buffer.alloc(4)]);
  };
  const packed = deflateSync(Buffer.from(lines));
  return Buffer.concat([Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]), chunk('IHDR', header), chunk('IDAT', packed.subarray(0, 7)), chunk('IDAT', packed.subarray(7)), chunk('IEND', Buffer.alloc(0))]);
}

describe('parsePicture', () => {
  it('reads PGM as text and as bytes, comments included', () => {
    const text = Buffer.from(`P2 # a comment\n${width} ${height}\n# another\n255\n${Array.from(grey).join(' ')}\n`);
    const binary = Buffer.concat([Buffer.from(`P5\n${width} ${height}\n255\n`), grey]);
    for (const file of [text, binary]) expect(parsePicture(file, 'x')).toEqual({ width, height, grey });
  });

  it('reads PNG with every filter, grey and colour', () => {
    for (const filters of [[0, 0, 0, 0], [1, 2, 3, 4], [4, 3, 2, 1]]) {
      for (const colour of [0, 2, 6]) expect(parsePicture(png(filters, { colour }), 'x')).toEqual({ width, height, grey });
    }
  });

  it('refuses what it does not read', () => {
    for (const [file, message] of [
      [Buffer.from('GIF89a'), 'neither PGM'],
      [Buffer.from('P5\n5 4\n255\nabc'), 'should hold 20 pixels and holds 3'],
      [Buffer.from('P2\n5 4\n9\n1 2'), 'should hold 20 pixels'],
      [Buffer.from('P2\n1 1\n9\n10\n'), 'pixel 0 is 10'],
      [Buffer.from('P5\n99999 99999\n255\n'), '99999 x 99999'],
      [Buffer.from('P5\nx'), 'does not go on like one'],
      [png([0, 0, 0, 0], { interlaced: 1 }), 'of a kind that is not read here'],
      [png([0, 0, 0, 0]).subarray(0, 20), 'ends within its header'],
      [png([0, 0, 0, 0]).subarray(0, 50), 'damaged pixels'],
    ] as const) expect(() => parsePicture(file, 'x')).toThrow(message);
  });
});

describe('toMnist', () => {
  it('leaves 28 x 28 as it is, and turns dark ink on light paper over', () => {
    const light = Uint8Array.from({ length: 784 }, (_, i) => (i === 400 ? 200 : 0));
    expect(toMnist({ width: 28, height: 28, grey: light })).toEqual(light);
    expect(toMnist({ width: 28, height: 28, grey: light.map((value) => 255 - value) })).toEqual(light);
  });

  it('fits other sizes into 20 x 20 around the centre of mass', () => {
    const [w, h] = [200, 100];
    // A dark block of 40 x 80 near a corner of white paper.
    const picture = Uint8Array.from({ length: w * h }, (_, i) => (i % w >= 150 && i % w < 190 && i >= 15 * w && i < 95 * w ? 0 : 255));
    const out = toMnist({ width: w, height: h, grey: picture });
    const inked = Array.from(out, (value, i) => (value > 127 ? [i % 28, Math.floor(i / 28)] : null)).filter((at) => at !== null);
    expect([Math.min(...inked.map(([x]) => x)), Math.max(...inked.map(([x]) => x))]).toEqual([9, 18]);
    expect([Math.min(...inked.map(([, y]) => y)), Math.max(...inked.map(([, y]) => y))]).toEqual([4, 23]);
  });

  it('refuses a blank picture', () => {
    expect(() => toMnist({ width: 30, height: 30, grey: new Uint8Array(900).fill(255) })).toThrow('blank');
  });
});

it('a missing file is named', async () => {
  await expect(readOwnDigit('/no/such/digit.png')).rejects.toThrow('/no/such/digit.png cannot be read');
});
