import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getEnvironment, setEnvironment } from '../../src/base/environment.js';
import { NablaError } from '../../src/base/errors.js';
import { encodeIdx, parseIdx } from '../../src/data/idx.js';
import { encodeNpz, parseNpz, readNpz, writeNpz } from '../../src/io/npz.js';
import { readZip, writeZip } from '../../src/io/zip.js';
import { badFiles, golden, goldenBytes, goldenNumber, goodFiles } from '../golden-files.js';
import { messageOf } from '../thrown.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-npz-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const valid = goodFiles('npz');
const malformed = badFiles('npz');

it('has all golden files', () => {
  expect(valid.length).toBe(6);
  expect(malformed.length).toBe(14);
});

describe.each(valid.map((entry) => [entry.file, entry] as const))('valid %s', (path, entry) => {
  it(entry.note, async () => {
    const arrays = await readNpz(golden(`interop/${path}`));
    expect([...arrays.keys()]).toEqual(Object.keys(entry.arrays));
    for (const [name, array] of arrays) {
      expect(array.shape).toEqual(entry.arrays[name]?.shape);
      expect(Array.from(array.data, Number)).toEqual(entry.arrays[name]?.values_c_order.map(goldenNumber));
    }
    for (const compress of [false, true]) expect(parseNpz(Buffer.concat(encodeNpz(arrays, { compress })))).toEqual(arrays);
  });
});

const says: Readonly<Record<string, RegExp>> = {
  not_zip: /no ZIP archive/,
  local_only: /directory is missing/,
  crc: /"w.npy" is damaged: its checksum is wrong/,
  deflate_corrupt: /"w.npy" is damaged/,
  member_truncated_npy: /member w.npy is not a valid .npy file: it is cut short. Expected 512 bytes .* received 412/,
  lzma: /Expected 0 \(stored\) or 8 \(deflated\), received 14 \(LZMA\)/,
  encrypted: /"w.npy" is encrypted/,
  size_lie_small: /"w.npy" lies about its size. Expected 10 bytes, received more/,
  offset_past_end: /"w.npy" is not where the directory says/,
  directory_past_end: /directory lies outside/,
  entry_count_lie: /Expected 60000 members, received 1/,
  object_member: /Python objects/,
};

describe.each(malformed.map((entry) => [entry.file.replace(/.*\/|\..*/g, ''), entry] as const))('malformed %s', (name, entry) => {
  it(entry.description, () => {
    const path = golden(`bad/${entry.file}`);
    const bytes = readFileSync(path);
    if (name === 'path_traversal') {
      // Names are only names: nothing is ever written where they point.
      const before = readdirSync(join(golden('bad'), '..'));
      expect([...parseNpz(bytes).keys()]).toEqual(['../../evil']);
      expect(readdirSync(join(golden('bad'), '..'))).toEqual(before);
      return;
    }
    if (name === 'bomb') {
      expect(parseNpz(bytes).get('w')?.data.length).toBe(8388608);
      expect(messageOf(() => parseNpz(bytes, path, { maxBytes: 1e6 }))).toMatch(/^ERR_MEMORY .*bomb.npz.* Expected at most 1000000 bytes \(maxBytes\), received 67108938/);
      return;
    }
    const message = messageOf(() => parseNpz(bytes, path));
    expect(message).toMatch(/^ERR_FORMAT/);
    expect(message).toContain(path);
    expect(message).toMatch(says[name] ?? /no expectation is written down for this file/);
  });
});

describe('parseNpz', () => {
  it('never answers damage with anything but arrays or a NablaError', () => {
    for (const name of ['stored', 'deflated', 'data_descriptor']) {
      const bytes = goldenBytes(`interop/npz/${name}.npz`);
      fc.assert(
        fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.integer({ min: 0, max: bytes.length }), fc.boolean(), (at, value, length, cut) => {
          const damaged = Uint8Array.prototype.slice.call(bytes, 0, cut ? length : bytes.length);
          if (at < damaged.length) damaged[at] = value;
          expect(messageOf(() => parseNpz(damaged))).toMatch(/^ERR_(FORMAT|MEMORY)|nothing/);
        }),
        { numRuns: 400 },
      );
    }
  });

  it('refuses members that overlap, share a name, or are no arrays', () => {
    const array = { shape: [1], data: Float64Array.of(1) };
    const archive = Buffer.concat(encodeNpz({ a: array, b: array }));
    const second = archive.lastIndexOf(Buffer.from('504b0102', 'hex'));
    const overlap = Buffer.from(archive);
    overlap.writeUInt32LE(0, second + 42);
    expect(messageOf(() => parseNpz(overlap))).toMatch(/differ in the name|overlap/);
    const twice = Buffer.from(archive.toString('latin1').replaceAll('b.npy', 'a.npy'), 'latin1');
    expect(messageOf(() => parseNpz(twice))).toMatch(/two members share the name "a.npy"/);
    expect(messageOf(() => parseNpz(Buffer.concat(writeZip('encodeNpz', [['readme.txt', new Uint8Array(3)]], false))))).toMatch(/end in .npy, received "readme.txt"/);
    const claims = Buffer.from(archive);
    claims.writeUInt32LE(4_000_000_000, second + 24);
    expect(messageOf(() => parseNpz(claims))).toMatch(/lies about its size/);
    expect(messageOf(() => parseNpz(Buffer.concat([archive, Buffer.alloc(3)])))).toMatch(/ERR_FORMAT/);
    // @ts-expect-error the option is misspelt
    expect(messageOf(() => parseNpz(archive, 'a', { limit: 1 }))).toMatch(/ERR_OPTION/);
  });
});

describe('the limit on what is unpacked', () => {
  const zeros = Buffer.concat(encodeNpz({ a: { shape: [1 << 20], data: new Uint8Array(1 << 20) }, b: { shape: [1 << 20], data: new Uint8Array(1 << 20) } }, { compress: true }));

  it('counts all members, and holds for the reader of files and of weights', async () => {
    expect(messageOf(() => parseNpz(zeros, 'zeros', { maxBytes: 1.5 * 2 ** 20 }))).toMatch(/^ERR_MEMORY \[parseNpz\] zeros .*Expected at most 1572864 bytes \(maxBytes\), received 2097408/);
    expect(parseNpz(zeros, 'zeros', { maxBytes: 2097408 }).size).toBe(2);
    const path = join(dir, 'zeros.npz');
    writeFileSync(path, zeros);
    await expect(readNpz(path, { maxBytes: 1000 })).rejects.toThrow(/\[readNpz\] .*zeros.npz .*at most 1000 bytes/);
    expect(messageOf(() => parseNpz(zeros, 'zeros', { maxBytes: -1 }))).toMatch(/^ERR_RANGE .*maxBytes/);
  });

  it('is a quarter of the memory by default', () => {
    const environment = getEnvironment();
    try {
      setEnvironment({ ...environment, memoryLimit: () => 4 * 2 ** 20 });
      expect(messageOf(() => parseNpz(zeros))).toMatch(/^ERR_MEMORY .*Expected at most 1048576 bytes/);
      setEnvironment({ ...environment, memoryLimit: () => 16 * 2 ** 20 });
      expect(parseNpz(zeros).size).toBe(2);
      // A gzip file claims a size too.
      setEnvironment({ ...environment, memoryLimit: () => 2 ** 20 });
      expect(messageOf(() => parseIdx(gzipSync(encodeIdx({ shape: [1 << 20], data: new Uint8Array(1 << 20) }))))).toMatch(/^ERR_MEMORY .*Expected at most 262144 bytes \(maxBytes\), received 1048584/);
    } finally {
      setEnvironment(environment);
    }
  });

  it('stops where a member holds more than it says', () => {
    const lie = Buffer.from(zeros);
    // The size in both headers of the first member.
    lie.writeUInt32LE(1000, 22);
    lie.writeUInt32LE(1000, lie.indexOf(Buffer.from('504b0102', 'hex')) + 24);
    expect(messageOf(() => parseNpz(lie))).toMatch(/"a.npy" lies about its size. Expected 1000 bytes, received more/);
  });
});

describe('encodeNpz', () => {
  it('holds as many members as it says', () => {
    const many = Object.fromEntries(Array.from({ length: 33_000 }, (_, i) => [`a${i}`, { shape: [], data: Uint8Array.of(1) }]));
    expect(parseNpz(Buffer.concat(encodeNpz(many))).size).toBe(33_000);
    const members = (count: number): (readonly [string, Uint8Array])[] => Array.from({ length: count }, (_, i) => [`a${i}`, new Uint8Array(0)]);
    const archive = Buffer.concat(writeZip('encodeNpz', members(65534), false));
    expect([...readZip(archive, { maxBytes: 0 }, (text) => new NablaError('ERR_FORMAT', text))].length).toBe(65534);
    expect(messageOf(() => writeZip('encodeNpz', members(65535), false))).toMatch(/^ERR_RANGE \[encodeNpz\] .*at most 65534 members/);
  });
});

describe('writeNpz', () => {
  it('writes the same bytes each time, deflated or not, and reads them back', async () => {
    const arrays = { 'sub/ä': { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }, e: { shape: [0], data: new Float64Array(0) } };
    const path = join(dir, 'a.npz');
    await writeNpz(path, arrays);
    const first = readFileSync(path);
    await writeNpz(path, arrays);
    expect(readFileSync(path).equals(first)).toBe(true);
    const back = await readNpz(path);
    expect([...back.keys()]).toEqual(['sub/ä', 'e']);
    expect(back.get('sub/ä')?.data).toEqual(arrays['sub/ä'].data);
    const zeros = new Map([['z', { shape: [100000], data: new Float64Array(100000) }]]);
    await writeNpz(path, zeros, { compress: true });
    expect(readFileSync(path).length).toBeLessThan(2000);
    expect((await readNpz(path)).get('z')?.data).toEqual(new Float64Array(100000));
  });
});
