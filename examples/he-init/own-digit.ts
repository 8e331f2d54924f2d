// A digit from a file, made to look like MNIST's: light on dark, 28 x 28, its ink in the middle. PGM, and PNG in the plain forms that drawing programs write.
import { readFile } from 'node:fs/promises';
import { inflateSync } from 'node:zlib';
import { UsageError } from '../shared/command.js';

/** Grey bytes, row-major. */
export interface Picture { readonly width: number; readonly height: number; readonly grey: Uint8Array }

/** @returns (784) bytes, 0 for paper, 255 for ink @throws UsageError when the file is no picture that is read here */
export async function readOwnDigit(path: string): Promise<Uint8Array> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    throw new UsageError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return toMnist(parsePicture(bytes, path));
}

export function parsePicture(bytes: Buffer, name: string): Picture {
  if (bytes.subarray(0, 8).equals(Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]))) return parsePng(bytes, name);
  if (/^P[25]$/.test(bytes.toString('latin1', 0, 2))) return parsePgm(bytes, name);
  throw new UsageError(`${name} is neither PGM (P2, P5) nor PNG`);
}

/** P2: numbers as text. P5: a header as text, then a byte a pixel. `#` begins a comment in either. */
function parsePgm(bytes: Buffer, name: string): Picture {
  const header = /^P([25])((?:\s+|#[^\n]*\n)+)(\d+)((?:\s+|#[^\n]*\n)+)(\d+)((?:\s+|#[^\n]*\n)+)(\d+)\s/.exec(bytes.toString('latin1', 0, 4096));
  if (header === null) throw new UsageError(`${name} begins like a PGM and does not go on like one`);
  const [width, height, most] = [Number(header[3]), Number(header[5]), Number(header[7])];
  checkSize(width, height, name);
  if (most < 1 || most > 255) throw new UsageError(`${name} has ${most} grey levels; 1 to 255 are read here`);
  const rest = bytes.subarray(header[0].length);
  const values = header[1] === '5' ? Array.from(rest) : rest.toString('latin1').replaceAll(/#[^\n]*/g, ' ').split(/\s+/).filter((word) => word !== '').map(Number);
  if (values.length < width * height) throw new UsageError(`${name} should hold ${width * height} pixels and holds ${values.length}`);
  const grey = Uint8Array.from({ length: width * height }, (_, i) => {
    if (!(values[i] >= 0 && values[i] <= most)) throw new UsageError(`${name}: pixel ${i} is ${values[i]}, not 0 to ${most}`);
    return Math.round((255 * values[i]) / most);
  });
  return { width, height, grey };
}

const channelsOf: Readonly<Record<number, number>> = { 0: 1, 2: 3, 4: 2, 6: 4 };

/** Eight bits a channel, grey or colour, with or without transparency, not interlaced. */
function parsePng(bytes: Buffer, name: string): Picture {
  if (bytes.length < 33) throw new UsageError(`${name} ends within its header`);
  const [width, height] = [bytes.readUInt32BE(16), bytes.readUInt32BE(20)];
  const [depth, colour, interlaced] = [bytes[24], bytes[25], bytes[28]];
  const channels = channelsOf[colour];
  if (depth !== 8 || channels === undefined || interlaced !== 0) {
    throw new UsageError(`${name} is a PNG of a kind that is not read here; save it with 8 bits a channel, without a palette and not interlaced`);
  }
  checkSize(width, height, name);
  const parts: Buffer[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    if (bytes.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(bytes.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const stride = width * channels;
  let data: Buffer;
  try {
    data = inflateSync(Buffer.concat(parts), { maxOutputLength: height * (stride + 1) });
  } catch (error) {
    throw new UsageError(`${name} has damaged pixels: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (data.length < height * (stride + 1)) throw new UsageError(`${name} ends before its last pixel`);
  const pixels = unfiltered(data, height, stride, channels);
  const grey = Uint8Array.from({ length: width * height }, (_, i) => {
    const p = pixels.subarray(i * channels, (i + 1) * channels);
    const light = channels < 3 ? p[0] : 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
    const alpha = channels % 2 === 0 ? p[channels - 1] / 255 : 1;
    // What is transparent is paper.
    return Math.round(light * alpha + 255 * (1 - alpha));
  });
  return { width, height, grey };
}

/** Undoes PNG's filters: every byte was written as its difference from a guess by the bytes to its left and above. */
function unfiltered(data: Buffer, height: number, stride: number, channels: number): Uint8Array {
  const out = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = data[y * (stride + 1)];
    for (let i = 0; i < stride; i++) {
      const left = i < channels ? 0 : out[y * stride + i - channels];
      const above = y === 0 ? 0 : out[(y - 1) * stride + i];
      const corner = y === 0 || i < channels ? 0 : out[(y - 1) * stride + i - channels];
      out[y * stride + i] = data[y * (stride + 1) + 1 + i] + guess(filter, left, above, corner);
    }
  }
  return out;
}

function guess(filter: number, left: number, above: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return above;
    case 3:
      return Math.floor((left + above) / 2);
    case 4: {
      const linear = left + above - corner;
      const [a, b, c] = [left, above, corner].map((value) => Math.abs(linear - value));
      if (a <= b && a <= c) return left;
      return b <= c ? above : corner;
    }
    default:
      return 0;
  }
}

function checkSize(width: number, height: number, name: string): void {
  if (width < 1 || height < 1 || width * height > 2 ** 24) throw new UsageError(`${name} is ${width} x ${height}; 1 to ${2 ** 24} pixels are read here`);
}

/** Dark ink on light paper is turned over; what is not 28 x 28 is cut to its ink, fitted into 20 x 20 and laid with its centre of mass in the middle, as MNIST was made. */
export function toMnist({ width, height, grey }: Picture): Uint8Array {
  const edge = Array.from({ length: width }, (_, x) => grey[x] + grey[(height - 1) * width + x]).reduce((sum, value) => sum + value, 0) / (2 * width);
  const ink = edge > 127 ? grey.map((value) => 255 - value) : grey;
  if (width === 28 && height === 28) return ink;
  const dark = (x: number, y: number): boolean => ink[y * width + x] > 40;
  const xs = Array.from({ length: width }, (_, x) => x).filter((x) => Array.from({ length: height }, (_, y) => y).some((y) => dark(x, y)));
  const ys = Array.from({ length: height }, (_, y) => y).filter((y) => xs.some((x) => dark(x, y)));
  const [left, right, top, bottom] = [xs.at(0), xs.at(-1), ys.at(0), ys.at(-1)];
  if (left === undefined || right === undefined || top === undefined || bottom === undefined) throw new UsageError('the picture is blank');
  const side = Math.max(right - left + 1, bottom - top + 1) / 20;
  // Mean of the ink below each of the small squares, which reach from the middle of the cut outwards.
  const [cx, cy] = [(left + right + 1) / 2, (top + bottom + 1) / 2];
  const square = (column: number, line: number): number => meanOf(ink, width, height, cx + (column - 14) * side, cy + (line - 14) * side, side);
  const fitted = Uint8Array.from({ length: 784 }, (_, i) => Math.round(square(i % 28, Math.floor(i / 28))));
  let [mass, mx, my] = [0, 0, 0];
  fitted.forEach((value, i) => {
    mass += value;
    mx += value * (i % 28);
    my += value * Math.floor(i / 28);
  });
  const [dx, dy] = [Math.round(13.5 - mx / mass), Math.round(13.5 - my / mass)];
  return Uint8Array.from({ length: 784 }, (_, i) => {
    const [x, y] = [(i % 28) - dx, Math.floor(i / 28) - dy];
    return x >= 0 && x < 28 && y >= 0 && y < 28 ? fitted[y * 28 + x] : 0;
  });
}

/** Mean over the square of the given side from (x0, y0); outside the picture there is paper. Edges count by their part. */
function meanOf(ink: Uint8Array, width: number, height: number, x0: number, y0: number, side: number): number {
  let sum = 0;
  for (let y = Math.max(0, Math.floor(y0)); y < Math.min(height, y0 + side); y++) {
    const tall = Math.min(y + 1, y0 + side) - Math.max(y, y0);
    for (let x = Math.max(0, Math.floor(x0)); x < Math.min(width, x0 + side); x++) {
      sum += ink[y * width + x] * tall * (Math.min(x + 1, x0 + side) - Math.max(x, x0));
    }
  }
  return sum / (side * side);
}
