import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeNpy, parseNpy, readNpy, writeNpy, type NpyData } from '../../src/io/npy.js';
import { badFiles, golden, goldenBytes, goldenNumber, goodFiles } from '../golden-files.js';
import { messageOf } from '../thrown.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-npy-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A version 1.0 file with the given header. */
function file(header: string, data = 32): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(10 + text.length + data);
  bytes.set([0x93, 78, 85, 77, 80, 89, 1, 0, text.length & 255, text.length >> 8]);
  bytes.set(text, 10);
  return bytes;
}

/** The same without the data. */
const head = (header: string): Uint8Array => file(header, 0);

const valid = goodFiles('npy');
const malformed = badFiles('npy');
const names: Readonly<Record<string, string>> = { f8: 'float64', f4: 'float32', f2: 'float16', i8: 'int64', u8: 'uint64', i4: 'int32', u4: 'uint32', i2: 'int16', u2: 'uint16', i1: 'int8', u1: 'uint8', b1: 'bool' };

it('has all golden files', () => {
  expect(valid.length).toBe(25);
  expect(malformed.length).toBe(22);
});

describe.each(valid.map((entry) => [entry.file, entry] as const))('valid %s', (path, entry) => {
  it(entry.note, async () => {
    const array = await readNpy(golden(`interop/${path}`));
    expect(array.shape).toEqual(entry.array.shape);
    expect(array.dtype).toBe(names[entry.array.dtype.slice(1)]);
    const values = Array.from<number | bigint>(array.data);
    if (array.data instanceof BigInt64Array || array.data instanceof BigUint64Array) expect(values.map(String)).toEqual(entry.array.values_c_order);
    else expect(values).toEqual(entry.array.values_c_order.map(goldenNumber));
  });
});

const says: Readonly<Record<string, RegExp>> = {
  empty: /it is empty/,
  magic: /magic string/,
  magic_cut: /too short/,
  version_9: /received 9.0/,
  header_cut: /Expected 118 bytes of header, received 20/,
  data_odd: /cut short. Expected 32 bytes .* received 29/,
  data_long: /trailing bytes. Expected 32 bytes .* received 40/,
  object_dtype: /Python objects/,
  structured: /several fields/,
  complex: /complex numbers/,
  datetime: /dates/,
  descr_unknown: /unknown type.*received "<q9"/,
  descr_f3: /unknown type.*received "<f3"/,
  shape_negative: /Received -4 in shape/,
  shape_negative_pair: /Received -2 in shape/,
  shape_float: /Received "4.0" in shape/,
  shape_text: /a shape is a tuple.*received "four"/,
  shape_int: /a shape is a tuple.*received 4/,
  shape_missing: /received descr, fortran_order/,
  descr_missing: /received fortran_order, shape/,
  order_missing: /received descr, shape/,
  unclosed: /not closed/,
};

describe.each(malformed.map((entry) => [entry.file.replace(/.*\/|\..*/g, ''), entry] as const))('malformed %s', (name, entry) => {
  it(entry.description, () => {
    const path = golden(`bad/${entry.file}`);
    const message = messageOf(() => parseNpy(readFileSync(path), path));
    expect(message).toMatch(/^ERR_FORMAT/);
    expect(message).toContain(path);
    expect(message).toMatch(says[name] ?? /no expectation is written down for this file/);
  });
});

describe('parseNpy', () => {
  it('reads literals only', () => {
    const wrong = [
      "{'descr': '<f8', 'fortran_order': False, 'shape': (4,)} + 1",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (2+2,)}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), 'descr': '<f8'}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (4,), 'more': 1}",
      "{'descr': '<f8', 'fortran_order': 0, 'shape': (4,)}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': [4]}",
      "{'descr': '<f8', 'fortran_order': False 'shape': (4,)}",
      "{'descr': '<f8', 'fortran_order': False, 'shape': (4 4)}",
      "{'descr': '<f8', 'fortran_order', 'shape': (4,)}",
      "{'descr': '<f8, 'fortran_order': False, 'shape': (4,)}",
      "{'descr': '\\x3cf8', 'fortran_order': False, 'shape': (4,)}",
      '[1, 2]',
      '',
      '('.repeat(5000),
      `{'descr': '<f8', 'fortran_order': False, 'shape': (4,)}${' '.repeat(10001)}`,
    ];
    for (const header of wrong) expect(messageOf(() => parseNpy(file(header)))).toMatch(/^ERR_FORMAT/);
    expect(messageOf(() => parseNpy(file('{"shape":(2,2),"descr":"<f8","fortran_order":False}\n')))).toBe('nothing was thrown');
    // Sizes whose product goes beyond a double's whole numbers.
    expect(messageOf(() => parseNpy(file("{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }")))).toMatch(/Expected over 2\^53 bytes/);
    expect(messageOf(() => parseNpy(file("{'descr': '<f8', 'fortran_order': False, 'shape': (4, 99999999999999999999), }")))).toMatch(/in shape/);
    // @ts-expect-error a path is not the content of a file
    expect(messageOf(() => parseNpy('a.npy'))).toMatch(/ERR_TYPE/);
  });

  it("takes the machine's own byte order, as NumPy spells it, or none", () => {
    const data = new Uint8Array(Float64Array.of(1.5, -2).buffer);
    for (const descr of ['=f8', 'f8']) {
      const bytes = Buffer.concat([head(`{'descr': '${descr}', 'fortran_order': False, 'shape': (2,), }`), data]);
      expect(parseNpy(bytes)).toEqual({ dtype: 'float64', shape: [2], data: Float64Array.of(1.5, -2) });
    }
    expect(messageOf(() => parseNpy(head("{'descr': '|f8', 'fortran_order': False, 'shape': (), }")))).toMatch(/unknown type/);
    expect(parseNpy(Buffer.concat([head("{'descr': '=u1', 'fortran_order': False, 'shape': (1,), }"), Uint8Array.of(7)])).data).toEqual(Uint8Array.of(7));
  });

  it('refuses more dimensions than NumPy has, and says so in short', () => {
    const header = (shape: readonly number[], fortran = 'False'): Uint8Array => head(`{'descr': '|u1', 'fortran_order': ${fortran}, 'shape': (${shape.join(',')},), }`);
    const bytes = Buffer.concat([header([...Array<number>(4000).fill(1), 1000], 'True'), new Uint8Array(1000)]);
    expect(messageOf(() => parseNpy(bytes))).toMatch(/Expected at most 64, received 4001/);
    expect(parseNpy(Buffer.concat([header([...Array<number>(63).fill(1), 3]), Uint8Array.of(1, 2, 3)])).data).toEqual(Uint8Array.of(1, 2, 3));
    for (const shape of [Array<number>(64).fill(9007199254740991), [0, ...Array<number>(63).fill(9007199254740991)], Array<number>(4000).fill(9)]) {
      expect(messageOf(() => parseNpy(Buffer.concat([header(shape), new Uint8Array(3)]), 'n'.repeat(5000))).length).toBeLessThan(900);
    }
    expect(messageOf(() => encodeNpy({ shape: Array<number>(65).fill(1), data: Uint8Array.of(1) }))).toMatch(/^ERR_SHAPE .*Expected at most 64 for shape, received 65/);
  });

  it('never answers damage with anything but an array or a NablaError', () => {
    const bytes = goldenBytes('interop/npy/f8_fortran.npy');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
        const damaged = Uint8Array.prototype.slice.call(bytes, 0, length);
        if (at < length) damaged[at] = value;
        expect(messageOf(() => parseNpy(damaged))).toMatch(/^ERR_FORMAT|nothing/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('encodeNpy', () => {
  it('writes what numpy.save writes, byte for byte', () => {
    for (const name of ['f8_c', 'f4_c', 'u1', 'i1', 'i8', 'u8', 'i2', 'scalar_0d', 'empty_0x3', 'empty_1d', 'five_d', 'special']) {
      const bytes = goldenBytes(`interop/npy/${name}.npy`);
      expect(Buffer.compare(encodeNpy(parseNpy(bytes)), bytes)).toBe(0);
    }
  });

  it('gives back any array', async () => {
    const data = fc.oneof<fc.Arbitrary<NpyData>[]>(
      fc.float64Array({ maxLength: 12 }), fc.float32Array({ maxLength: 12 }), fc.bigInt64Array({ maxLength: 12 }), fc.bigUint64Array({ maxLength: 12 }),
      fc.int32Array({ maxLength: 12 }), fc.uint32Array({ maxLength: 12 }), fc.int16Array({ maxLength: 12 }), fc.uint16Array({ maxLength: 12 }), fc.int8Array({ maxLength: 12 }), fc.uint8Array({ maxLength: 12 }),
    );
    fc.assert(
      fc.property(data, fc.integer({ min: 1, max: 4 }), (values, rank) => {
        const shape = [...Array<number>(rank - 1).fill(1), values.length];
        const array = parseNpy(encodeNpy({ shape, data: values }));
        expect(array.shape).toEqual(shape);
        expect(array.data).toEqual(values);
      }),
    );
    const path = join(dir, 'a.npy');
    await writeNpy(path, { shape: [], data: Float64Array.of(-0) });
    expect(await readNpy(path)).toEqual({ dtype: 'float64', shape: [], data: Float64Array.of(-0) });
    await expect(readNpy(join(dir, 'absent'))).rejects.toThrow(/absent.*ENOENT/);
  });

  it('refuses what does not fit', () => {
    expect(messageOf(() => encodeNpy({ shape: [3], data: new Float32Array(2) }))).toMatch(/ERR_SHAPE/);
    expect(messageOf(() => encodeNpy({ shape: [-1, -2], data: new Float32Array(2) }))).toMatch(/ERR_SHAPE/);
    // @ts-expect-error plain arrays have no type of elements
    expect(messageOf(() => encodeNpy({ shape: [1], data: [1] }))).toMatch(/ERR_TYPE/);
  });
});
