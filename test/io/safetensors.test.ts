import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeSafetensors, halfToNumber, parseSafetensors, readSafetensors, writeSafetensors, type SafetensorsTensor } from '../../src/io/safetensors.js';
import { badFiles, golden, goldenBytes, goldenNumber, goodFiles } from '../golden-files.js';
import { messageOf } from '../thrown.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-safetensors-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A file with the given header text and data. */
function file(header: string, data = 16): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const valid = goodFiles('safetensors');
const malformed = badFiles('safetensors');

it('has all golden files', () => {
  expect(valid.length).toBe(10);
  expect(malformed.length).toBe(28);
});

describe.each(valid.map((entry) => [entry.file, entry] as const))('valid %s', (path, entry) => {
  it(entry.note, async () => {
    const { tensors, metadata } = await readSafetensors(golden(`interop/${path}`));
    expect(Object.fromEntries(metadata)).toEqual(entry.metadata ?? {});
    expect(tensors.map((t) => t.name).sort()).toEqual(Object.keys(entry.tensors).sort());
    const asFloats = new Map(parseSafetensors(goldenBytes(`interop/${path}`), path, { half: 'float32' }).tensors.map((t) => [t.name, t]));
    for (const tensor of tensors) {
      const wanted = entry.tensors[tensor.name];
      expect(wanted).toBeDefined();
      expect([tensor.dtype, tensor.shape]).toEqual([wanted?.dtype, wanted?.shape]);
      const values = Array.from<number | bigint>(asFloats.get(tensor.name)?.data ?? []);
      // Values of 64-bit integers are text in the index: numbers could not hold them.
      if (tensor.dtype === 'I64' || tensor.dtype === 'U64') expect(values.map(String)).toEqual(wanted?.values);
      else expect(values).toEqual(wanted?.values.map(goldenNumber));
    }
    // What was read writes back to the same tensors.
    const again = parseSafetensors(Buffer.concat(encodeSafetensors(tensors, metadata)));
    expect(again).toEqual({ tensors, metadata });
  });
});

const says: Readonly<Record<string, RegExp>> = {
  empty: /it is empty/,
  length_huge: /header is too long.*received 9223372036854775808/,
  length_past_end: /ends inside its header. Expected 100008/,
  length_over_100mb: /header is too long. Expected at most 100000000 bytes, received 200000000/,
  json_array: /begins with a brace/,
  not_utf8: /not UTF-8/,
  leading_space: /begins with a brace. Expected "{", received " "/,
  deep_nesting: /Expected .* for "a", received Array\(1\)/,
  overlap: /without overlap. Expected "b" to begin at 16, received 8/,
  same_range: /without overlap. Expected "b" to begin at 16, received 0/,
  hole: /without holes. Expected "b" to begin at 16, received 20/,
  hole_at_start: /without holes. Expected "a" to begin at 0, received 16/,
  past_end: /cut short. Expected 32 bytes after the header, received 26/,
  far_past_end: /cut short. Expected 1073741824/,
  reversed: /ascending order for "a", received \[16, 0\]/,
  fraction: /16.5 is not a whole number from 0/,
  huge_offset: /two whole numbers up to 2\^53-1/,
  offsets_strings: /two whole numbers/,
  size_mismatch: /Expected 20 bytes for "a", F32 of shape \[5\], received 16/,
  dtype_unknown: /unknown dtype.* received "F128"/,
  dtype_lowercase: /unknown dtype.* received "f32"/,
  dtype_missing: /unknown dtype.* received undefined/,
  shape_missing: /shape of "a", received undefined/,
  shape_negative: /-2 is not a whole number from 0/,
  shape_fraction: /2.5 is not a whole number from 0/,
  shape_not_list: /shape of "a", received 4/,
  tensor_null: /for "a", received null/,
};

describe.each(malformed.map((entry) => [entry.file.replace(/.*\/|\..*/g, ''), entry] as const))('malformed %s', (name, entry) => {
  it(entry.description, async () => {
    const path = golden(`bad/${entry.file}`);
    if (name === 'proto_key') {
      const { tensors } = await readSafetensors(path);
      expect(tensors.map((t) => t.name)).toEqual(['__proto__']);
      expect(Object.getPrototypeOf({})).toBe(Object.prototype);
      expect('dtype' in {}).toBe(false);
      return;
    }
    const message = messageOf(() => parseSafetensors(readFileSync(path), path));
    expect(message).toContain('ERR_FORMAT');
    expect(message).toContain(path);
    expect(message).toMatch(says[name] ?? /no expectation is written down for this file/);
  });
});

describe('parseSafetensors', () => {
  const a = '"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}';

  it('refuses what JSON.parse lets pass', () => {
    expect(messageOf(() => parseSafetensors(file(`{${a}}`)))).toBe('nothing was thrown');
    expect(messageOf(() => parseSafetensors(file(`{${a},${a}}`)))).toMatch(/the key "a" comes twice/);
    expect(messageOf(() => parseSafetensors(file(`{${a},"\\u0061":null}`)))).toMatch(/received null|comes twice/);
    expect(messageOf(() => parseSafetensors(file('{"a":{"dtype":"F32","shape":[4],"shape":[4],"data_offsets":[0,16]}}')))).toMatch(/the key "shape" comes twice/);
    for (const word of ['4.0', '4e0', '-0']) {
      expect(messageOf(() => parseSafetensors(file(`{"a":{"dtype":"F32","shape":[${word}],"data_offsets":[0,${word === '-0' ? 0 : 16}]}}`, word === '-0' ? 0 : 16)))).toMatch(/not a whole number/);
    }
    expect(messageOf(() => parseSafetensors(file(`{"a}":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"__metadata__":{"a":"-1.5 \\" 2","b":"{[\\"a\\":"}}`)))).toBe('nothing was thrown');
  });

  it('refuses metadata that is no map of text, and text that is none', () => {
    for (const meta of ['[]', 'null', '{"a":1}', '{"a":{}}', '{"a":null}']) expect(messageOf(() => parseSafetensors(file(`{"__metadata__":${meta},${a}}`)))).toMatch(/__metadata__ is a map of text/);
    expect(messageOf(() => parseSafetensors(file(`{"\\ud800":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}`)))).toMatch(/well-formed/);
    expect(messageOf(() => parseSafetensors(file(`{${a}}`, 20)))).toMatch(/belong to no tensor. Expected 16 bytes after the header, received 20/);
    expect(messageOf(() => parseSafetensors(file(`{${a}`)))).toMatch(/not JSON/);
    expect(messageOf(() => parseSafetensors(Uint8Array.of(1, 2, 3)))).toMatch(/too short/);
    expect(messageOf(() => parseSafetensors(file('{}', 0)))).toBe('nothing was thrown');
    // @ts-expect-error a path is not the content of a file
    expect(messageOf(() => parseSafetensors('a.safetensors'))).toMatch(/ERR_TYPE/);
    // @ts-expect-error there is no such form
    expect(messageOf(() => parseSafetensors(file(`{${a}}`), 'a', { half: 'float64' }))).toMatch(/ERR_OPTION/);
  });

  it('refuses a product of dimensions that wraps', () => {
    expect(messageOf(() => parseSafetensors(file('{"a":{"dtype":"F32","shape":[4294967296,4294967297,0],"data_offsets":[0,0]}}', 0)))).toBe('nothing was thrown');
    expect(messageOf(() => parseSafetensors(file('{"a":{"dtype":"U8","shape":[4294967296,4294967296,4294967296],"data_offsets":[0,16]}}')))).toMatch(/Expected 79228162514264337593543950336 bytes/);
  });

  it('never answers damage with anything but tensors or a NablaError', () => {
    const bytes = goldenBytes('interop/safetensors/mlp_f64.safetensors');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.nat(bytes.length), (at, value, length) => {
        const damaged = Uint8Array.prototype.slice.call(bytes, 0, length);
        if (at < length) damaged[at] = value;
        expect(messageOf(() => parseSafetensors(damaged))).toMatch(/^ERR_FORMAT|nothing/);
      }),
      { numRuns: 500 },
    );
  });
});

describe('encodeSafetensors', () => {
  it('lays the header out as the format says', () => {
    const [head, data] = encodeSafetensors([{ name: 'w', dtype: 'F32', shape: [2], data: Float32Array.of(1, -2) }], new Map([['k', 'v']]));
    const text = '{"__metadata__":{"k":"v"},"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}';
    const length = Math.ceil(text.length / 8) * 8;
    expect(Buffer.from(head ?? []).toString('latin1')).toBe(`${String.fromCharCode(length)}\0\0\0\0\0\0\0${text.padEnd(length)}`);
    expect(Array.from(data ?? [])).toEqual([0, 0, 128, 63, 0, 0, 0, 192]);
  });

  it('gives back any tensors, and is written to disk as it is', async () => {
    const tensor = fc.oneof<fc.Arbitrary<Omit<SafetensorsTensor, 'name' | 'shape'>>[]>(
      fc.float64Array({ maxLength: 12 }).map((data) => ({ dtype: 'F64' as const, data })),
      fc.float32Array({ maxLength: 12 }).map((data) => ({ dtype: 'F32' as const, data })),
      fc.bigInt64Array({ maxLength: 12 }).map((data) => ({ dtype: 'I64' as const, data })),
      fc.int32Array({ maxLength: 12 }).map((data) => ({ dtype: 'I32' as const, data })),
      fc.uint16Array({ maxLength: 12 }).map((data) => ({ dtype: 'BF16' as const, data })),
      fc.int8Array({ maxLength: 12 }).map((data) => ({ dtype: 'I8' as const, data })),
      fc.uint8Array({ maxLength: 12 }).map((data) => ({ dtype: 'BOOL' as const, data })),
    );
    const named = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme' }), tensor), { selector: ([name]) => name, maxLength: 6 });
    fc.assert(
      fc.property(named, fc.dictionary(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' })), (list, meta) => {
        fc.pre(list.every(([name]) => name !== '__metadata__'));
        const tensors = list.map(([name, t]) => ({ name, ...t, shape: [t.data.length, 1] }));
        // A tensor without bytes may come before or after its neighbour: both lie at the same offset.
        const order = (list: readonly SafetensorsTensor[]): SafetensorsTensor[] => [...list].sort((a, b) => (a.name < b.name ? -1 : 1));
        const again = parseSafetensors(Buffer.concat(encodeSafetensors(tensors, new Map(Object.entries(meta)))));
        expect(order(again.tensors)).toEqual(order(tensors));
        expect(again.metadata).toEqual(new Map(Object.entries(meta)));
      }),
    );
    const path = join(dir, 'a.safetensors');
    const tensors: SafetensorsTensor[] = [{ name: 'x', dtype: 'F64', shape: [], data: Float64Array.of(-0) }];
    await writeSafetensors(path, tensors, new Map([['a', 'b']]));
    expect(await readSafetensors(path)).toEqual({ tensors, metadata: new Map([['a', 'b']]) });
  });

  it('refuses what the format cannot hold', () => {
    const one = { name: 'a', dtype: 'F32', shape: [1], data: new Float32Array(1) } as const;
    expect(messageOf(() => encodeSafetensors([one, one]))).toMatch(/ERR_OPTION/);
    expect(messageOf(() => encodeSafetensors([{ ...one, name: '__metadata__' }]))).toMatch(/ERR_OPTION/);
    expect(messageOf(() => encodeSafetensors([{ ...one, shape: [2] }]))).toMatch(/ERR_SHAPE/);
    expect(messageOf(() => encodeSafetensors([{ ...one, shape: [-1, -1] }]))).toMatch(/ERR_SHAPE/);
    expect(messageOf(() => encodeSafetensors([{ ...one, dtype: 'F64' }]))).toMatch(/ERR_TYPE.*Expected Float64Array for "a", received Float32Array\(1\)/);
    expect(messageOf(() => encodeSafetensors([{ ...one, name: '\ud800' }]))).toMatch(/ERR_TYPE/);
    // @ts-expect-error metadata holds text only
    expect(messageOf(() => encodeSafetensors([one], new Map([['a', 1]])))).toMatch(/ERR_TYPE/);
  });
});

it('halfToNumber knows every kind of half', () => {
  const halves: [number, number][] = [[0, 0], [0x8000, -0], [1, 2 ** -24], [0x03ff, 1023 * 2 ** -24], [0x0400, 2 ** -14], [0x3c00, 1], [0xc100, -2.5], [0x7bff, 65504], [0x7c00, Infinity], [0xfc00, -Infinity], [0x7e00, NaN]];
  for (const [bits, value] of halves) expect(halfToNumber(bits)).toBe(value);
});
