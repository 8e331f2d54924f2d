// What an input can make long, a reader goes through once: four times the input costs about four times the time, also where it ends in an error.
// A quadratic reader costs sixteen times; the limit lies between, and a busy machine gets several tries.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNablaError } from '../../src/base/errors.js';
import { readCsv, type CsvOptions } from '../../src/data/csv.js';
import { encodeIdx, parseIdx } from '../../src/data/idx.js';
import { encodeNpy, parseNpy } from '../../src/io/npy.js';
import { encodeNpz, parseNpz } from '../../src/io/npz.js';
import { processorTime } from '../processor-time.js';

const limit = 9;
const tries = 6;

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-cost-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** Which field is long, how long it is at first, an input of that length, what reads it. */
type Row = readonly [field: string, n: number, input: (n: number) => Uint8Array | string, read: (input: Uint8Array) => unknown];

async function cost(input: Uint8Array, read: (input: Uint8Array) => unknown): Promise<number> {
  let least = Infinity;
  for (let i = 0; i < 3; i++) {
    const begin = processorTime();
    try {
      await read(input);
    } catch (error) {
      if (!isNablaError(error)) throw error;
      // The message does not grow with the input.
      expect(error.message.length).toBeLessThan(2500);
    }
    least = Math.min(least, processorTime() - begin);
  }
  return least;
}

async function expectLinear([field, n, input, read]: Row): Promise<void> {
  const bytes = (length: number): Uint8Array => Buffer.from(input(length));
  const [small, large] = [bytes(n), bytes(4 * n)];
  // Twice, so that the first measurement is of compiled code.
  await cost(small, read);
  let best = Infinity;
  for (let i = 0; i < tries && best > limit; i++) {
    // A floor: what takes less says nothing.
    const before = Math.max(2, await cost(small, read));
    best = Math.min(best, (await cost(large, read)) / before);
  }
  expect(best, field).toBeLessThan(limit);
}

const lines = (n: number, line: (i: number) => string): string => Array.from({ length: n }, (_, i) => line(i)).join('\n');

describe('readCsv, linear in', () => {
  const read = (options: CsvOptions = {}) => (input: Uint8Array): Promise<unknown> => {
    const path = join(dir, 'table.csv');
    writeFileSync(path, input);
    return readCsv(path, options);
  };
  const names = Array.from({ length: 40_000 }, (_, i) => `name ${i}`);
  it.each<Row>([
    ['different labels', 10_000, (n) => `a,class\n${lines(n, (i) => `1,label ${i}`)}\n`, read()],
    ['different labels in quotes', 5000, (n) => `a,class\n${lines(n, (i) => `1,"label ${i}"`)}\n`, read()],
    ['names of classes', 10_000, (n) => `a,class\n${lines(n, (i) => `1,name ${i}`)}\n`, read({ classNames: names })],
    ['values to be predicted', 20_000, (n) => `a,y\n${lines(n, (i) => `1,${i / 7}`)}\n`, read({ label: 'y', targets: 'numbers' })],
    ['labels in a file of their own', 20_000, (n) => `${lines(n, (i) => `${i % 10}`)}\n`, (input) => {
      writeFileSync(join(dir, 'labels.csv'), input);
      return readCsv(join(dir, 'labels.csv'), { labels: join(dir, 'labels.csv') });
    }],
    ['columns', 20_000, (n) => `${Array.from({ length: n }, (_, i) => `c${i}`).join(',')}\n${'1,'.repeat(n - 1)}1\n`, read({ label: null })],
    ['columns of numbers that count', 20_000, (n) => `x,${Array.from({ length: n }, (_, i) => i).join(',')}\n${'1,'.repeat(n)}1\n`, read({ label: null })],
    ['a name', 200_000, (n) => `${'x'.repeat(n)},b\ny,1\n`, read({ label: null })],
    ['a cell', 200_000, (n) => `a,b\n1,${'1'.repeat(n)}\n`, read({ label: null })],
    ['a label', 200_000, (n) => `a,class\n1,${'x'.repeat(n)}\n2,${'y'.repeat(n)}\n`, read({ classes: 1 })],
    ['a quoted cell of many lines', 200_000, (n) => `a,class\n1,"${'x\n'.repeat(n / 2)}"\n`, read()],
    ['a quoted name of many quotes', 100_000, (n) => `"${'""'.repeat(n)}",b\n1,2\n`, read({ label: null })],
    ['a name with inch marks', 100_000, (n) => `a${'"'.repeat(2 * n)},b\n1,2\n`, read({ label: null })],
    ['a quote that is never closed, in the first line', 300_000, (n) => `a,"${'x\n'.repeat(n)}`, read()],
    ['a quote that is never closed, in a row', 100_000, (n) => `a,b\n1,"${'x\n'.repeat(n)}`, read()],
    ['lines behind a quote', 20_000, (n) => `a,b\n"1",2\n${'3,4\n'.repeat(n)}`, read({ label: null })],
    ['blank lines', 200_000, (n) => `a,b\n1,2${'\n'.repeat(n)}`, read({ label: null })],
    ['blank lines between rows', 200_000, (n) => `a,b\n1,2${'\n'.repeat(n)}3,4\n`, read({ label: null })],
    ['blank lines behind a quote', 20_000, (n) => `a,b\n"1",2${'\n'.repeat(n)}`, read({ label: null })],
    ['blanks', 200_000, (n) => `${' '.repeat(n)}a,b\n1,2\n`, read({ label: null })],
    ['semicolons', 200_000, (n) => `a${';b'.repeat(n)}\n`, read()],
    ['a line without an end', 400_000, (n) => '1'.repeat(n), read()],
    ['cells of a row that is too long', 200_000, (n) => `a,b\n1,2${',3'.repeat(n)}\n`, read()],
  ])('%s', (...row) => expectLinear(row), 60_000);
});

describe('parseNpy, linear in', () => {
  const file = (header: string, data = 0): Uint8Array => {
    const bytes = new Uint8Array(12 + header.length + data);
    bytes.set([0x93, 78, 85, 77, 80, 89, 2, 0]);
    new DataView(bytes.buffer).setUint32(8, header.length, true);
    bytes.set(new TextEncoder().encode(header), 12);
    return bytes;
  };
  const shaped = (shape: string, order = 'False', data = 0): Uint8Array => file(`{'descr': '|u1', 'fortran_order': ${order}, 'shape': ${shape}, }`, data);
  const read = (input: Uint8Array): unknown => parseNpy(input);
  it.each<Row>([
    ['dimensions', 1000, (n) => shaped(`(${'9,'.repeat(n)})`), read],
    ['dimensions of 1', 1000, (n) => shaped(`(${'1,'.repeat(n)})`, 'True', 1), read],
    ['digits of a dimension', 2000, (n) => shaped(`(${'9'.repeat(n)},)`), read],
    ['elements of an array of many dimensions, turned', 4000, (n) => shaped(`(${'1,'.repeat(63)}${n})`, 'True', n), read],
    ['keys', 300, (n) => file(`{${Array.from({ length: n }, (_, i) => `'${i}':1`).join(',')}}`), read],
    ['a key', 2000, (n) => file(`{'${'x'.repeat(n)}':1}`), read],
    ['descr', 2000, (n) => file(`{'descr': '${'x'.repeat(n)}', 'fortran_order': False, 'shape': ()}`), read],
    ['brackets', 2000, (n) => file('('.repeat(n)), read],
    ['empty brackets', 1000, (n) => shaped(`(${'(),'.repeat(n)})`), read],
    ['blanks', 2000, (n) => file(`{${' '.repeat(n)}`), read],
    ['a header above the limit', 200_000, (n) => file(' '.repeat(n)), read],
    ['elements', 200_000, (n) => encodeNpy({ shape: [n], data: new Float64Array(n) }), read],
  ])('%s', (...row) => expectLinear(row), 60_000);
});

describe('parseNpz, linear in', () => {
  const array = { shape: [], data: Uint8Array.of(1) };
  const archive = (n: number, name = (i: number): string => `a${i}`): Buffer => Buffer.concat(encodeNpz(new Map(Array.from({ length: n }, (_, i) => [name(i), array]))));
  const read = (input: Uint8Array): unknown => parseNpz(input);
  it.each<Row>([
    ['members', 1000, (n) => archive(n), read],
    ['members of one name', 1000, (n) => archive(n, (i) => String(i % 10 ** 5).padStart(5, '0')).toString('latin1').replace(/\d{5}\.npy/g, '00000.npy'), (input) => parseNpz(Buffer.from(Buffer.from(input).toString('utf8'), 'latin1'))],
    ['a name', 4000, (n) => archive(1, () => 'x'.repeat(n)), read],
    ['names that are no arrays', 4000, (n) => Buffer.from(archive(1, () => 'x'.repeat(n)).toString('latin1').replaceAll('.npy', '.txt'), 'latin1'), read],
    ['bytes behind the archive', 15_000, (n) => Buffer.concat([archive(1), Buffer.from('504b0506'.repeat(n / 4), 'hex')]), read],
    ['elements', 200_000, (n) => Buffer.concat(encodeNpz({ a: { shape: [n], data: new Float64Array(n) } }, { compress: true })), read],
  ])('%s', (...row) => expectLinear(row), 60_000);
});

describe('parseIdx, linear in', () => {
  const read = (input: Uint8Array): unknown => parseIdx(input);
  const small = encodeIdx({ shape: [4], data: Uint8Array.of(1, 2, 3, 4) });
  it.each<Row>([
    ['dimensions', 60, (n) => encodeIdx({ shape: Array<number>(n).fill(1), data: Uint8Array.of(1) }), read],
    ['dimensions that cannot be', 60, (n) => Uint8Array.from({ length: 4 + 4 * n }, (_, i) => (i < 2 ? 0 : i === 2 ? 14 : i === 3 ? n : 255)), read],
    ['elements', 50_000, (n) => encodeIdx({ shape: [n], data: new Int16Array(n) }), read],
    ['packed elements', 200_000, (n) => gzipSync(encodeIdx({ shape: [n], data: new Uint8Array(n) })), read],
    ['members of a gzip file', 1000, (n) => Buffer.concat([gzipSync(small), ...Array.from({ length: n }, () => gzipSync(new Uint8Array(0)))]), read],
    ['the name in a gzip file', 200_000, (n) => {
      const packed = gzipSync(small);
      packed[3] = 8;
      return Buffer.concat([packed.subarray(0, 10), Buffer.alloc(n, 'x'), Buffer.alloc(1), packed.subarray(10)]);
    }, read],
    ['bytes behind gzip data', 200_000, (n) => Buffer.concat([gzipSync(small), Buffer.alloc(n)]), read],
  ])('%s', (...row) => expectLinear(row), 60_000);
});
