import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNablaError, type NablaErrorCode } from '../../src/base/errors.js';
import { encodeIdx, parseIdx, readIdx, readIdxImagesLabels, type IdxData } from '../../src/data/idx.js';
import { badFiles, golden, goldenBytes, goldenNumber, goodFiles } from '../golden-files.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-idx-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

function failure(run: () => unknown): { code: NablaErrorCode; message: string } {
  try {
    run();
  } catch (error) {
    if (isNablaError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
async function failureOf(promise: Promise<unknown>): Promise<{ code: NablaErrorCode; message: string }> {
  try {
    await promise;
  } catch (error) {
    if (isNablaError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const valid = goodFiles('idx');
const malformed = badFiles('idx');

it('has all golden files', () => {
  expect(valid.length).toBe(11);
  expect(malformed.length).toBe(22);
});

describe.each(valid.map((entry) => [entry.file, entry] as const))('valid %s', (file, entry) => {
  it('reads as NumPy wrote it', async () => {
    const array = await readIdx(golden(`interop/${file}`));
    expect(array.shape).toEqual(entry.shape);
    expect({ uint8: 8, int8: 9, int16: 11, int32: 12, float32: 13, float64: 14 }[array.type]).toBe(entry.type_code);
    expect(Array.from(array.data)).toEqual(entry.values.map(goldenNumber));
    expect(parseIdx(goldenBytes(`interop/${file}`))).toEqual(array);
  });
});

/** What the message must say, beside the file's name; images and labels go together where a file is wrong only in a pair. */
const says: Readonly<Record<string, RegExp>> = {
  'idx/empty-file': /is empty/,
  'idx/three-bytes': /at least 4 bytes, received 3/,
  'idx/data-cut': /Expected 1568 bytes .* received 1468/,
  'idx/data-missing': /Expected 1568 bytes .* received 0/,
  'idx/magic-nonzero': /two zero bytes .* received 0x01000803/,
  'idx/magic-little-endian': /little-endian/,
  'idx/type-unknown': /unknown element type.*received 0x07/,
  'idx/dims-wrap-32': /Expected 4295032832 bytes .* received 65536/,
  'idx/trailing-bytes': /trailing bytes.* Expected 1568 .* received 1571/,
  'idx/images-given-as-labels': /is images \(magic 2051\), expected labels \(magic 2049\)/,
  'idx/labels-given-as-images': /is labels \(magic 2049\), expected images \(magic 2051\)/,
  'idx/count-mismatch-images': /Expected 2 labels .* received 3/,
  'idx/count-mismatch-labels': /Expected 2 labels .* received 3/,
  'idx/label-out-of-range-labels': /Expected 0 to 9 for label 1 .* received 10/,
  'idx/label-255-labels': /Expected 0 to 9 for label 0 .* received 255/,
  'idx/cut.gz': /gzip data cannot be unpacked \(unexpected end of file\)/,
  'idx/no-trailer.gz': /gzip data cannot be unpacked \(unexpected end of file\)/,
  'idx/bad-length.gz': /gzip data cannot be unpacked \(incorrect length check\)/,
  'idx/truncated-inside.gz': /Expected 1568 bytes .* received 1468/,
  'idx/i4-cut': /Expected 12 bytes .* received 10/,
  'idx/method-9.gz': /unknown compression method/,
};

describe.each(malformed.map((entry) => [entry.file, entry] as const))('malformed %s', (file, entry) => {
  const path = golden(`bad/${file}`);
  it(entry.description, async () => {
    if (file === 'idx/not-gzip.gz') {
      // The name lies and the content is whole: content decides.
      expect((await readIdx(path)).shape).toEqual([2, 28, 28]);
      return;
    }
    const pair = golden(`bad/${entry.pair ?? 'idx/count-mismatch-images'}`);
    const whole = golden('bad/idx/count-mismatch-labels');
    const promise =
      entry.use_as === undefined ? readIdx(path)
      : entry.use_as === 'images' ? readIdxImagesLabels({ images: path, labels: entry.pair === undefined ? whole : pair, classes: 10 })
      : readIdxImagesLabels({ images: pair, labels: path, classes: entry.num_classes ?? 10 });
    const error = await failureOf(promise);
    expect(error.message).toContain(path);
    expect(error.message).toMatch(says[file] ?? /no expectation is written down for this file/);
    expect(error.code).toBe(file.includes('mismatch') ? 'ERR_SHAPE' : /label-(out|255)/.test(file) ? 'ERR_RANGE' : 'ERR_FORMAT');
  });
});

describe('parseIdx', () => {
  it('gives back what encodeIdx was given, for every type and shape', () => {
    const data = fc.oneof<fc.Arbitrary<IdxData>[]>(
      fc.uint8Array({ maxLength: 24 }), fc.int8Array({ maxLength: 24 }), fc.int16Array({ maxLength: 24 }),
      fc.int32Array({ maxLength: 24 }), fc.float32Array({ maxLength: 24 }), fc.float64Array({ maxLength: 24 }),
    );
    fc.assert(
      fc.property(data, fc.integer({ min: 1, max: 5 }), fc.boolean(), (values, rank, zip) => {
        const shape = [...Array<number>(rank - 1).fill(1), values.length];
        const bytes = encodeIdx({ shape, data: values });
        const array = parseIdx(zip ? gzipSync(bytes) : bytes);
        expect(array.shape).toEqual(shape);
        expect(array.data.constructor).toBe(values.constructor);
        expect(Array.from(array.data)).toEqual(Array.from(values));
      }),
    );
  });

  it('neither keeps nor changes the bytes, and takes a view at an odd offset', () => {
    const file = encodeIdx({ shape: [2], data: Float64Array.of(1.5, -2) });
    const room = new Uint8Array(file.length + 3);
    room.set(file, 3);
    expect(Array.from(parseIdx(room.subarray(3)).data)).toEqual([1.5, -2]);
    const bytes = encodeIdx({ shape: [2], data: Uint8Array.of(1, 2) });
    const array = parseIdx(bytes);
    bytes.fill(0);
    expect(Array.from(array.data)).toEqual([1, 2]);
  });

  it('never answers a damaged file with anything but data or a NablaError', () => {
    const file = encodeIdx({ shape: [3, 2], data: Int16Array.of(1, -2, 3, -4, 5, -6) });
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.nat(255), fc.nat(file.length), fc.boolean(), (at, value, length, zip) => {
        const bytes = file.slice(0, length);
        if (at < length) bytes[at] = value;
        try {
          parseIdx(zip ? gzipSync(bytes) : bytes);
        } catch (error) {
          expect(isNablaError(error)).toBe(true);
        }
      }),
    );
  });

  it('refuses a gzip bomb without unpacking it', () => {
    const honest = encodeIdx({ shape: [4], data: Uint8Array.of(1, 2, 3, 4) });
    const bomb = gzipSync(Buffer.concat([honest, Buffer.alloc(32 << 20)]));
    expect(failure(() => parseIdx(bomb, 'bomb.gz')).message).toMatch(/bomb.gz unpacks to more than it says it holds. Expected 12 bytes/);
    const lie = honest.slice();
    new DataView(lie.buffer).setUint32(4, 2 ** 31);
    const error = failure(() => parseIdx(gzipSync(lie), 'lie.gz'));
    expect(error.code).toBe('ERR_FORMAT');
    expect(error.message).toMatch(/Expected 2147483648 bytes/);
  });

  it('unpacks no more than it is allowed', async () => {
    const set = encodeIdx({ shape: [1 << 20], data: new Uint8Array(1 << 20) });
    const packed = gzipSync(set);
    const error = failure(() => parseIdx(packed, 'big.gz', { maxBytes: 1 << 20 }));
    expect(error.code).toBe('ERR_MEMORY');
    expect(error.message).toMatch(/big.gz unpacks to more than allowed. Expected at most 1048576 bytes \(maxBytes\), received 1048584/);
    expect(parseIdx(packed, 'big.gz', { maxBytes: set.length }).shape).toEqual([1 << 20]);
    // Not the file's size: plain data are in memory already.
    expect(parseIdx(set, 'plain', { maxBytes: 0 }).shape).toEqual([1 << 20]);
    const path = join(dir, 'big.gz');
    writeFileSync(path, packed);
    expect((await failureOf(readIdx(path, { maxBytes: 1000 }))).message).toMatch(/\[readIdx\] .*at most 1000 bytes/);
    expect((await failureOf(readIdxImagesLabels({ images: path, labels: path, maxBytes: -1 }))).code).toBe('ERR_RANGE');
    // @ts-expect-error the option is misspelt
    expect(failure(() => parseIdx(packed, 'a', { limit: 1 })).code).toBe('ERR_OPTION');
  });

  it('finds the content behind any gzip header, and in any number of members', () => {
    const set = encodeIdx({ shape: [5000], data: Uint8Array.from({ length: 5000 }, (_, i) => (i * i) % 251) });
    const plain = gzipSync(set);
    for (const length of [0, 100_000]) {
      const name = Buffer.concat([Buffer.alloc(length, 'x'), Buffer.alloc(1)]);
      const extra = Buffer.concat([Uint8Array.of(255, 255), Buffer.alloc(65535)]);
      const head = Buffer.from(plain.subarray(0, 10));
      head[3] = 4 + 8 + 16;
      expect(parseIdx(Buffer.concat([head, extra, name, name, plain.subarray(10)])).shape).toEqual([5000]);
    }
    // A second member that begins close to where the look at the start ends.
    for (let cut = 3900; cut < 4400; cut += 7) {
      expect(parseIdx(Buffer.concat([gzipSync(set.subarray(0, 8)), gzipSync(set.subarray(8, cut), { level: 0 }), gzipSync(set.subarray(cut))])).shape).toEqual([5000]);
    }
    const damaged = Buffer.from(gzipSync(set, { level: 0 }));
    damaged.fill(255, 10, 40);
    expect(failure(() => parseIdx(damaged)).message).toMatch(/is damaged: its gzip data cannot be unpacked/);
  });

  it('bounds what it quotes', () => {
    const bytes = new Uint8Array(4 + 4 * 255).fill(255);
    bytes.set([0, 0, 14, 255]);
    for (const file of [bytes, gzipSync(bytes)]) {
      const { message } = failure(() => parseIdx(file, 'n'.repeat(10_000)));
      expect(message).toMatch(/Expected over 2\^53 bytes of data for shape \[4294967295, /);
      expect(message.length).toBeLessThan(900);
    }
  });

  it('refuses bytes after the gzip data', () => {
    const file = gzipSync(encodeIdx({ shape: [1], data: Uint8Array.of(7) }));
    expect(failure(() => parseIdx(Buffer.concat([file, Buffer.alloc(5)]))).message).toMatch(/after the end of its gzip data. Expected 0, received 5/);
    expect(failure(() => parseIdx(Buffer.concat([file, Buffer.from('rest')]))).code).toBe('ERR_FORMAT');
  });

  it('refuses what is no bytes', () => {
    // @ts-expect-error a path is not the content of a file
    expect(failure(() => parseIdx('train-images')).code).toBe('ERR_TYPE');
    expect(failure(() => parseIdx(Uint8Array.of(0, 0, 8, 0))).message).toMatch(/no dimensions/);
    expect(failure(() => parseIdx(Uint8Array.of(0, 0, 8, 3, 0, 0))).message).toMatch(/ends inside its header. Expected 16 bytes/);
  });
});

describe('encodeIdx', () => {
  it('writes big-endian numbers after the magic of labels', () => {
    expect(Array.from(encodeIdx({ shape: [2], data: Int32Array.of(1, -2) }))).toEqual([0, 0, 12, 1, 0, 0, 0, 2, 0, 0, 0, 1, 255, 255, 255, 254]);
    expect(new DataView(encodeIdx({ shape: [1], data: Uint8Array.of(3) }).buffer).getUint32(0)).toBe(2049);
  });
  it('refuses shapes that do not fit', () => {
    expect(failure(() => encodeIdx({ shape: [2, 2], data: new Uint8Array(3) })).code).toBe('ERR_SHAPE');
    expect(failure(() => encodeIdx({ shape: [], data: new Uint8Array(1) })).code).toBe('ERR_SHAPE');
    expect(failure(() => encodeIdx({ shape: [65536, 65537], data: new Uint8Array(65536) })).message).toMatch(/Expected 4295032832 elements/);
    // @ts-expect-error IDX has no such type
    expect(failure(() => encodeIdx({ shape: [1], data: new Uint16Array(1) })).code).toBe('ERR_TYPE');
  });
});

describe('readIdxImagesLabels', () => {
  const images = golden('interop/idx/images6-idx3-ubyte.gz');
  const labels = golden('interop/idx/labels6-idx1-ubyte');

  it('keeps bytes as bytes', async () => {
    const set = await readIdxImagesLabels({ images, labels, classes: 10 });
    expect([set.rows, set.features, set.sampleShape]).toEqual([6, 20, [4, 5]]);
    expect(set.x).toBeInstanceOf(Uint8Array);
    expect(Array.from(set.y ?? [])).toEqual([3, 1, 4, 1, 5, 9]);
    expect(Array.from(set.row(1)).slice(0, 3)).toEqual([172, 93, 167]);
  });

  it('converts other pictures exactly and refuses bad labels', async () => {
    const write = (name: string, shape: number[], data: IdxData): string => {
      writeFileSync(join(dir, name), encodeIdx({ shape, data }));
      return join(dir, name);
    };
    const short = write('short', [2, 2], Int16Array.of(-32768, 1, 2, 32767));
    const wide = write('wide', [2, 1], Int32Array.of(-2147483648, 2147483647));
    const two = write('two', [2], Int32Array.of(0, 70000));
    expect((await readIdxImagesLabels({ images: short, labels: two })).x).toEqual(Float32Array.of(-32768, 1, 2, 32767));
    const set = await readIdxImagesLabels({ images: wide, labels: two });
    expect(set.x).toEqual(Float64Array.of(-2147483648, 2147483647));
    expect(set.y).toEqual(Int32Array.of(0, 70000));
    expect((await failureOf(readIdxImagesLabels({ images: wide, labels: two, classNames: ['a', 'b'] }))).message).toMatch(/Expected 0 to 1 for label 1 .* received 70000/);
    const negative = write('negative', [2], Int8Array.of(0, -1));
    expect((await failureOf(readIdxImagesLabels({ images: wide, labels: negative }))).code).toBe('ERR_RANGE');
    const table = write('table', [2, 3], Uint8Array.of(1, 2, 3, 4, 5, 6));
    expect((await failureOf(readIdxImagesLabels({ images: wide, labels: table }))).message).toMatch(/table has two axes \(magic 2050\), expected labels \(magic 2049\): one axis/);
    const real = write('real', [2], Float32Array.of(0, 1));
    expect((await failureOf(readIdxImagesLabels({ images: wide, labels: real }))).message).toMatch(/holds float32 numbers/);
    expect((await failureOf(readIdxImagesLabels({ images: wide, labels: two, classes: 0 }))).code).toBe('ERR_RANGE');
  });

  it('names a missing file and the cause', async () => {
    const error = await failureOf(readIdx(join(dir, 'absent')));
    expect(error.code).toBe('ERR_FILE');
    expect(error.message).toContain(join(dir, 'absent'));
    expect(error.message).toContain('ENOENT');
    expect(error).toHaveProperty('cause.code', 'ENOENT');
    expect((await failureOf(readIdx(dir))).message).toMatch(/it is a folder/);
    expect((await failureOf(readIdx(''))).code).toBe('ERR_TYPE');
  });
});
