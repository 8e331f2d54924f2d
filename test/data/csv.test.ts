import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNablaError, NablaError } from '../../src/base/errors.js';
import { ArrayDataset } from '../../src/data/array-dataset.js';
import { parseNumber } from '../../src/data/csv-cell.js';
import { readCsv, type CsvOptions } from '../../src/data/csv.js';
import { writeCsv, writeSubmission } from '../../src/io/csv-writer.js';
import { badFiles, golden, goodFiles } from '../golden-files.js';

let dir = '';
let count = 0;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-csv-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

/** A file with the given text. */
function file(text: string | Uint8Array): string {
  count += 1;
  const path = join(dir, `${count}.csv`);
  writeFileSync(path, text);
  return path;
}
async function errorOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isNablaError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'nothing was thrown';
}
const failure = (text: string, options?: CsvOptions): Promise<string> => errorOf(readCsv(file(text), options));
/** Labels and features, row by row. */
async function rows(text: string, options?: CsvOptions): Promise<number[][]> {
  const set = await readCsv(file(text), options);
  return Array.from({ length: set.rows }, (_, i) => [...(set.y === null ? [] : [set.label(i)]), ...set.row(i)]);
}

const valid = goodFiles('csv');
const malformed = badFiles('csv');

it('has all golden files', () => {
  expect(valid.length).toBe(14);
  expect(malformed.length).toBe(26);
});

describe.each(valid.map((entry) => [entry.file, entry] as const))('valid %s', (path, entry) => {
  it(entry.note, async () => {
    const set = await readCsv(golden(`interop/${path}`));
    expect(Array.from(set.y ?? [])).toEqual(entry.labels);
    expect(Array.from({ length: set.rows }, (_, i) => Array.from(set.row(i)))).toEqual(entry.rows);
    expect(set.featureNames).toEqual(entry.header?.slice(1) ?? null);
    expect(set.x.constructor).toBe(path === 'csv/floats.csv' ? Float64Array : Uint8Array);
    expect(set.y).toBeInstanceOf(Uint8Array);
  });
});

const says: Readonly<Record<string, RegExp>> = {
  empty: /is empty/,
  header_only: /holds no data.*below the header/,
  bom_only: /is empty/,
  blank_lines_only: /line 1: there are blank lines only/,
  row_short: /line 3, column 4 \(p2\): .*Expected 4 cells, received 3/,
  row_long: /line 3, column 5: .*Expected 4 cells, received 5/,
  blank_line_inside: /line 3: a blank line lies between rows/,
  text_cell: /line 2, column 3 \(p1\): .*received "abc"/,
  nan_cell: /line 2, column 2 \(p0\): .*received "nan"/,
  inf_cell: /line 2, column 2 \(p0\): .*received "inf"/,
  overflow_cell: /line 2, column 2 \(p0\): .*received "1e400"/,
  number_then_text: /line 2, column 2 \(p0\): .*received "12px"/,
  thousands: /line 2, column 2 \(p0\): .*received "1,000"/,
  two_numbers: /line 2, column 2 \(p0\): .*received "2 3"/,
  two_points: /line 2, column 2 \(p0\): .*received "1.2.3"/,
  whitespace_cell: /line 2, column 2 \(p0\): .*received nothing/,
  garbage_after_quote: /line 2, column 2 \(p0\): quotes are misplaced/,
  label_fraction: /line 2, column 1 \(label\): .*Expected a whole number, received 1.5/,
  label_10: /ERR_RANGE.*line 2, column 1 \(label\): .*Expected 0 to 9, received 10/,
  label_empty: /line 2, column 1 \(label\): .*received nothing/,
  pixel_256: /ERR_RANGE.*line 2, column 3 \(p1\): .*Expected 0 to 255, received 256/,
  pixel_negative: /ERR_RANGE.*line 2, column 3 \(p1\): .*Expected 0 to 255, received -3/,
  utf16: /UTF-16/,
  tabs: /line 1: .*commas, not by tabs/,
  header_wrong_count: /line 2, column 3: .*Expected 2 cells, received 4/,
  label_only: /line 1: no column holds features/,
};

describe.each(malformed.map((entry) => [entry.file.replace(/.*\/|\..*/g, ''), entry] as const))('malformed %s', (name, entry) => {
  it(entry.description, async () => {
    const path = golden(`bad/${entry.file}`);
    const message = await errorOf(readCsv(path, { ...(entry.num_classes === undefined ? {} : { classes: entry.num_classes }), ...(name.startsWith('pixel') ? { dtype: 'uint8' } : {}) }));
    expect(message).toMatch(/^ERR_(FORMAT|RANGE) /);
    expect(message).toContain(path);
    expect(message).toMatch(says[name] ?? /no expectation is written down for this file/);
  });
});

describe('readCsv', () => {
  it('finds labels, header and index as the known layouts have them', async () => {
    expect(await rows('label,1x1,1x2\n3,0,255\n')).toEqual([[3, 0, 255]]);
    expect(await rows('3,0,255\n4,1,2\n')).toEqual([[3, 0, 255], [4, 1, 2]]);
    expect(await rows('pixel0,pixel1\n0,255\n')).toEqual([[0, 255]]);
    expect(await rows(',pixel1,pixel2,class\n0,10,20,7\n1,11,21,8\n')).toEqual([[7, 10, 20], [8, 11, 21]]);
    expect(await rows('Unnamed: 0,a,Label\nx,10,7\n')).toEqual([[7, 10]]);
    expect(await rows(',0,1,2\n0,10,20,30\n')).toEqual([[10, 20, 30]]);
    expect(await rows('a,b,c\n1,2,3\n', { label: 'b' })).toEqual([[2, 1, 3]]);
    expect(await rows('a,b,c\n1,2,3\n', { label: 2, index: 'a' })).toEqual([[3, 2]]);
    expect(await rows('1,2,3\n', { label: null })).toEqual([[1, 2, 3]]);
    expect(await rows('1,2,3\n4,5,6\n', { header: true })).toEqual([[4, 5, 6]]);
    expect(await rows('label,label2\n1,2\n', { label: null, header: true })).toEqual([[1, 2]]);
    const set = await readCsv(file('label,a,b,c,d\n1,2,3,4,5\n'), { sampleShape: [2, 2], name: 'four' });
    expect([set.sampleShape, set.name, set.featureNames]).toEqual([[2, 2], 'four', ['a', 'b', 'c', 'd']]);
  });

  it("reads OpenML's pair of tables", async () => {
    const labels = file(',class\n0,5\n1,0\n');
    const x = file(',pixel1,pixel2\n0,10,20\n1,11,21\n');
    const set = await readCsv(x, { labels, classes: 10 });
    expect([Array.from(set.x), Array.from(set.y ?? []), set.featureNames]).toEqual([[10, 20, 11, 21], [5, 0], ['pixel1', 'pixel2']]);
    expect(Array.from((await readCsv(file('10,20\n11,21\n'), { labels: file('5\n0\n') })).y ?? [])).toEqual([5, 0]);
    expect(Array.from((await readCsv(x, { labels: file('"","class"\n"0","5"\n"1","0"\n') })).y ?? [])).toEqual([5, 0]);
    expect(await errorOf(readCsv(x, { labels: file(',class\n0,5\n') }))).toMatch(/ERR_SHAPE.*Expected 2 labels .* received 1/);
    expect(await errorOf(readCsv(x, { labels: file('a,b\n0,5\n0,5\n') }))).toMatch(/ERR_OPTION.*which column holds the labels/);
    expect(await errorOf(readCsv(x, { labels: join(dir, 'absent') }))).toMatch(/ERR_FILE.*absent.*ENOENT/);
  });

  it('reads labels that are text, numbered by their sorted names', async () => {
    const text = 'a,class\n1,dog\n2,cat\n3,dog\n';
    const set = await readCsv(file(text));
    expect([Array.from(set.y ?? []), set.classNames, set.labelName(0)]).toEqual([[1, 0, 1], ['cat', 'dog'], 'dog']);
    expect(Array.from((await readCsv(file(text), { classNames: ['dog', 'cat'] })).y ?? [])).toEqual([0, 1, 0]);
    expect(Array.from((await readCsv(file('a,class\n1,"x, y"\n2, z \n'))).classNames ?? [])).toEqual(['x, y', 'z']);
    expect(await rows('cat,1\ndog,2\n', { header: false })).toEqual([[0, 1], [1, 2]]);
    expect(await failure(text, { classNames: ['dog', 'cow'] })).toMatch(/ERR_RANGE.*line 3, column 2 \(class\).*Expected one of dog, cow, received "cat"/);
    expect(await failure(text, { classes: 1 })).toMatch(/ERR_RANGE.*Expected 1, received 2: cat, dog/);
    expect(await failure('a,class\n1,dog\n2,\n')).toMatch(/line 3, column 2 \(class\): the label is missing/);
    expect(await failure('a,class\n1,5\n2,dog\n')).toMatch(/line 3, column 2 \(class\).*received "dog"/);
    expect(await failure('cat,1,2.5\n')).toMatch(/may be the name of a column or a label/);
  });

  it('takes the smallest type that is exact', async () => {
    const type = async (text: string, dtype?: CsvOptions['dtype']): Promise<string> => (await readCsv(file(text), { label: null, header: false, ...(dtype === undefined ? {} : { dtype }) })).x.constructor.name;
    expect(await type('0,255\n')).toBe('Uint8Array');
    expect(await type('0,256\n')).toBe('Float32Array');
    expect(await type('0,-0\n')).toBe('Float32Array');
    expect(await type('0,0.5\n1,2\n')).toBe('Float32Array');
    expect(await type('0,1\n16777216,2\n')).toBe('Float32Array');
    expect(await type('0,1\n16777217,2\n')).toBe('Float64Array');
    expect(await type('0.1,1\n')).toBe('Float64Array');
    expect(await type('0,1\n', 'float64')).toBe('Float64Array');
    const exact = await readCsv(file('3,1\n0.1,-0\n123456789012345678,9007199254740991\n'), { label: null, header: false });
    expect(Array.from(exact.x)).toEqual([3, 1, 0.1, -0, 123456789012345680, 9007199254740991]);
    expect((await readCsv(file('label,a\n300,1\n'))).y).toEqual(Int32Array.of(300));
    expect(await failure('label,a\n1,2\n2,0.5\n', { dtype: 'uint8' })).toMatch(/ERR_RANGE.*line 3, column 2 \(a\).*received 0.5/);
  });

  it('counts lines through quotes, line ends and pieces', async () => {
    expect(await failure('"a","b\nb"\n1,2\n3,x\n', { label: null })).toMatch(/line 4, column 2 \(b\nb\): .*received "x"/);
    expect(await failure('a,b\r\n1,2\r\n3,"4"\r\n5,"6"\r\n7,x\r\n', { label: null })).toMatch(/line 5, column 2 \(b\): .*received "x"/);
    expect(await failure('a,b\n1,"2"\n3,"4",5\n', { label: null })).toMatch(/line 3, column 3: .*Expected 2 cells, received 3/);
    expect(await failure('a,b\n1,"2"\n\n3,"4"\n', { label: null })).toMatch(/line 3: a blank line/);
    expect(await failure('a,b\n1,"2\n', { label: null })).toMatch(/ERR_FORMAT.*(line 2.*quotes|never closed)/);
    expect(await failure('"a,b\n1,2\n', { label: null })).toMatch(/never closed/);
    expect(await failure('a,b\n1,2\r3,4\n', { label: null })).toMatch(/line 2, column 2/);
    expect(await failure('a,b\n1,2\n3,\xff\n')).toMatch(/line 3, column 2/);
    expect(await errorOf(readCsv(file(Buffer.from('a,b\n1,\xff\n', 'latin1'))))).toMatch(/line 2, column 2 \(b\): .*UTF-8/);
    expect(await failure('a,b\n1,"2"\n \n\n3,4\n', { label: null })).toMatch(/line 3: a blank line/);
    expect(await failure('a,b\n1,"2"\n"3","x\ny"\n', { label: null })).toMatch(/line 3, column 2/);
    for (const eol of ['\n', '\r\n']) expect(await rows(`a,b${eol}1,"2"${eol}${eol} ${eol}${eol}`, { label: null })).toEqual([[1, 2]]);
    expect(await rows('a,b\n1,"2"\n\n\n', { label: null })).toEqual([[1, 2]]);
    // More than one piece of a mebibyte, with the mistake near the end.
    const many = `a,b\n${'1,22\n'.repeat(400000)}3,x\n`;
    expect(await failure(many, { label: null })).toMatch(/line 400002, column 2 \(b\)/);
    const good = await readCsv(file(many.replace('x', '"7"')), { label: null });
    expect([good.rows, good.x.length, good.x.at(-1), good.x.at(-3)]).toEqual([400001, 800002, 7, 22]);
  });

  it('says file, line, column and cause where quotes are misplaced', async () => {
    const caught = async (text: string, options?: CsvOptions): Promise<NablaError> => {
      const path = file(text);
      const error = await readCsv(path, options).then(() => undefined, (thrown: unknown) => thrown);
      if (!(error instanceof NablaError)) throw new Error('no NablaError', { cause: error });
      expect(error.message).toContain(path);
      expect(error.message.length).toBeLessThan(600);
      expect(error.code).toBe('ERR_FORMAT');
      return error;
    };
    // An inch mark in a cell, in the first row, a later one, behind a quoted row, in a wide cell.
    const inch = await caught('a,size,class\n1,2,x\n3,5",y\n');
    expect(inch.message).toMatch(/line 3, column 2 \(size\): quotes are misplaced: a quote stands inside a cell/);
    expect(inch.cause).toBeInstanceOf(Error);
    expect((await caught('a,size,class\n1,5",x\n')).message).toMatch(/line 2/);
    expect((await caught('a,size,class\n"1","2","x"\n"3",5","y"\n')).message).toMatch(/line 3, column 2/);
    expect((await caught(`a,b\n1,${'x'.repeat(100_000)}"\n`, { label: 'b' })).message).toMatch(/line 2, column 2/);
    expect((await caught('a,b\n1,"2"x\n')).cause).toBeInstanceOf(Error);
    expect((await caught('size 5",b"\n1,2\n')).message).toMatch(/line 1, column 1: quotes are misplaced/);
  });

  it('bounds what it quotes', async () => {
    const long = 'y'.repeat(50_000);
    const many = Array.from({ length: 5000 }, (_, i) => `name${i}`);
    for (const [text, options] of [
      [`${long},label\nx,1\n`, {}], [`a,label\n${long},1\n`, {}], [`a,label\n1,2\n1,${long}\n`, {}], [`a,label\n1,${long}\n1,z\n`, { classes: 1 }],
      ['a,label\n1,x\n', { classNames: many }], [`a,label\n1,x\n`, { classNames: [long, long] }], [`${long};b\n`, {}], [`a,b\n`, { label: long }],
      [`a,label\n${many.map((name) => `1,${name}`).join('\n')}\n`, { classes: 2 }],
    ] as const) {
      const message = await failure(text, options);
      expect(message).toMatch(/^ERR_/);
      expect(message.length).toBeLessThan(1000);
    }
  });

  it('names the separator where it is no comma', async () => {
    expect(await failure('"a";"b"\n1;2\n')).toMatch(/ERR_FORMAT.*line 1: cells are separated by commas, not by semicolons/);
    expect(await failure('a|b|label\n1|2|3\n')).toMatch(/line 1: .*not by pipes/);
    expect(await failure('1 2 3\n4 5 6\n')).toMatch(/line 1: .*not by blanks/);
    expect(await failure('p0 p1 label\n4 5 6\n')).toMatch(/line 2, column 1 .*not by blanks/);
    expect(await failure('"1"\t"2"\n')).toMatch(/line 1: .*not by tabs/);
    const x = file('a,b\n1,2\n');
    expect(await errorOf(readCsv(x, { labels: file('id class\n0 1\n') }))).toMatch(/line 2, .*not by blanks/);
    // Not separators: blanks in a name, anything in a quoted one.
    expect(await rows('height in cm\n180\n', { label: null })).toEqual([[180]]);
    expect((await readCsv(file('"a;b|c"\n1\n'), { label: null })).featureNames).toEqual(['a;b|c']);
  });

  it('takes no room for a hole in the file', async (context) => {
    const path = file(`a,b\n${'1.5,2\n'.repeat(400_000)}`);
    try {
      truncateSync(path, 2 ** 42);
    } catch {
      context.skip('this file system holds no file of 4 TiB');
    }
    expect(await errorOf(readCsv(path, { label: null }))).toMatch(/^ERR_FORMAT .*line 400002: a line has a limit/);
  });

  it('reads values to be predicted', async () => {
    const set = await readCsv(file('price,a\n1.5,1\n-2,2\n1e9,3\n'), { label: 'price', targets: 'numbers' });
    expect([set.y, set.classNames]).toEqual([Float32Array.of(1.5, -2, 1e9), undefined]);
    expect((await readCsv(file('label,a\n0.1,1\n2,2\n'), { targets: 'numbers' })).y).toEqual(Float64Array.of(0.1, 2));
    expect((await readCsv(file('a\n1\n2\n'), { labels: file('y\n0.5\n3\n'), label: 'y', targets: 'numbers' })).y).toEqual(Float32Array.of(0.5, 3));
    expect(await failure('label,a\nx,1\n', { targets: 'numbers' })).toMatch(/line 2, column 1 \(label\): a cell holds a finite number/);
    expect(await failure('label,a\n1.5,1\n')).toMatch(/Expected a whole number, received 1\.5; targets: 'numbers' reads/);
    expect(await failure('label,a\n1,1\n', { targets: 'numbers', classes: 2 })).toMatch(/^ERR_OPTION/);
    // @ts-expect-error there is no such kind
    expect(await failure('label,a\n1,1\n', { targets: 'values' })).toMatch(/^ERR_OPTION/);
  });

  it('names the classes, also where they are numbers', async () => {
    const names = async (text: string, options?: CsvOptions): Promise<readonly string[] | undefined> => (await readCsv(file(text), options)).classNames;
    expect(await names('label,a\n2,1\n0,1\n')).toEqual(['0', '1', '2']);
    expect(await names('label,a\n2,1\n', { classes: 4 })).toEqual(['0', '1', '2', '3']);
    expect(await names('label,a\n2,1\n', { classNames: ['x', 'y', 'z'] })).toEqual(['x', 'y', 'z']);
    expect(await names('label,a\n200000,1\n')).toBeUndefined();
    expect(await names('label,a\n2,1\n', { classes: 2 ** 40 })).toBeUndefined();
    expect(await names('a,b\n2,1\n', { label: null })).toBeUndefined();
  });

  it('gives back any table, however it is written', async () => {
    const cell = fc.oneof(fc.integer({ min: 0, max: 255 }), fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), fc.float({ noNaN: true, noDefaultInfinity: true }));
    const spelling = fc.tuple(fc.constantFrom('\n', '\r\n'), fc.boolean(), fc.constantFrom('', ' '), fc.boolean(), fc.boolean());
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 5 }), fc.array(fc.array(cell, { minLength: 5, maxLength: 5 }), { minLength: 1, maxLength: 6 }), spelling, async (width, table, [eol, mark, blank, quotes, last]) => {
        const wanted = table.map((row) => row.slice(0, width));
        const write = (value: number): string => (quotes ? `"${Object.is(value, -0) ? '-0' : value}"` : `${blank}${Object.is(value, -0) ? '-0' : value}${blank}`);
        const text = (mark ? '\ufeff' : '') + wanted.map((row) => row.map(write).join(',')).join(eol) + (last ? eol : '');
        const path = file(text);
        const set = await readCsv(path, { header: false, label: null });
        expect(Array.from(set.x)).toEqual(wanted.flat());
        rmSync(path);
      }),
    );
  });

  it('refuses options that do not fit', async () => {
    const text = 'label,a\n1,2\n';
    expect(await failure(text, { label: 'b' })).toMatch(/ERR_OPTION.*Expected one of "label", "a", or a number from 0 to 1 for label, received "b"/);
    expect(await failure(text, { index: 5 })).toMatch(/ERR_OPTION.*for index, received 5/);
    expect(await failure(text, { classes: 0 })).toMatch(/ERR_RANGE/);
    // @ts-expect-error there is no such type
    expect(await failure(text, { dtype: 'int8' })).toMatch(/ERR_OPTION/);
    // @ts-expect-error the option is misspelt
    expect(await failure(text, { labelled: 'a' })).toMatch(/ERR_OPTION/);
    // @ts-expect-error header is a switch
    expect(await failure(text, { header: 'yes' })).toMatch(/ERR_OPTION/);
    expect(await failure('label,a\n-1,2\n')).toMatch(/ERR_RANGE.*received -1/);
    expect(await failure('a;b;c\n1;2;3\n', { label: 0 })).toMatch(/not by semicolons/);
    expect(await errorOf(readCsv(dir))).toMatch(/ERR_FILE.*it is a folder/);
    expect(await errorOf(readCsv(join(dir, 'absent')))).toMatch(/ERR_FILE.*ENOENT/);
  });
});

it('parseNumber takes decimal notation alone', () => {
  for (const [cell, value] of [['+7', 7], ['.5', 0.5], ['5.', 5], ['1E2', 100], [' 1 ', 1], ['-0', -0], ['007', 7]] as const) expect(parseNumber(cell)).toBe(value);
  for (const cell of ['', ' ', '.', '+', '1e', '0x10', '1_0', 'Infinity', '1e999', '--1', '1 2', '١']) expect(parseNumber(cell)).toBeUndefined();
});

describe('writeCsv', () => {
  it('writes what readCsv reads back', async () => {
    const set = new ArrayDataset({ x: Uint8Array.of(0, 1, 128, 255), y: Uint8Array.of(9, 0), sampleShape: [2] });
    const path = join(dir, 'out.csv');
    await writeCsv(path, set);
    expect(readFileSync(path, 'utf8')).toBe('label,pixel0,pixel1\n9,0,1\n0,128,255\n');
    const again = await readCsv(path);
    expect([again.x, again.y]).toEqual([set.x, set.y]);
    const labels = join(dir, 'y.csv');
    await writeCsv(path, set, { labels, label: 'class', index: true, columns: ['a', 'b,c'] });
    expect(readFileSync(path, 'utf8')).toBe(',a,"b,c"\n0,0,1\n1,128,255\n');
    expect(readFileSync(labels, 'utf8')).toBe(',class\n0,9\n1,0\n');
    const pair = await readCsv(path, { labels });
    expect([pair.x, pair.y]).toEqual([set.x, set.y]);
    const floats = new ArrayDataset({ x: Float32Array.of(0.1, -0, 3e38, 5), y: Uint8Array.of(1, 0), sampleShape: [2], classNames: ['cat', 'a "dog"'] });
    await writeCsv(path, floats, { names: true, columns: ['a', 'b'] });
    expect(readFileSync(path, 'utf8')).toBe('label,a,b\n"a ""dog""",0.10000000149011612,-0\ncat,3.0000000054977558e+38,5\n');
    const back = await readCsv(path, { dtype: 'float32' });
    expect([back.x, back.classNames, Array.from(back.y ?? [])]).toEqual([floats.x, ['a "dog"', 'cat'], [0, 1]]);
  });

  it('writes rows in pieces', async () => {
    const set = new ArrayDataset({ x: Float64Array.from({ length: 1500 }, (_, i) => i / 7), y: null, sampleShape: [1] });
    const path = join(dir, 'long.csv');
    await writeCsv(path, set);
    expect((await readCsv(path)).x).toEqual(set.x);
  });

  it('refuses what a table cannot hold', async () => {
    const path = join(dir, 'never.csv');
    const set = new ArrayDataset({ x: Float32Array.of(1, NaN), y: null, sampleShape: [2] });
    expect(await errorOf(writeCsv(path, set))).toMatch(/^ERR_NON_FINITE/);
    expect(await errorOf(writeCsv(path, set, { columns: ['a'] }))).toMatch(/ERR_SHAPE/);
    expect(await errorOf(writeCsv(path, set, { label: 'label' }))).toMatch(/ERR_STATE/);
    expect(await errorOf(writeCsv(path, set, { labels: join(dir, 'y') }))).toMatch(/ERR_STATE/);
    expect(() => readFileSync(path)).toThrow(/ENOENT/);
  });
});

describe('writeSubmission', () => {
  it("writes Kaggle's file", async () => {
    const path = join(dir, 'submission.csv');
    await writeSubmission(path, Uint32Array.of(2, 0, 9));
    expect(readFileSync(path, 'utf8')).toBe('ImageId,Label\n1,2\n2,0\n3,9\n');
    await writeSubmission(path, [1], { header: ['id', 'y'], firstId: 0 });
    expect(readFileSync(path, 'utf8')).toBe('id,y\n0,1\n');
    expect(await errorOf(writeSubmission(path, [0.5]))).toMatch(/ERR_RANGE.*prediction 0, received 0.5/);
    expect(await errorOf(writeSubmission(path, [-1]))).toMatch(/ERR_RANGE/);
    // @ts-expect-error the option is misspelt
    expect(await errorOf(writeSubmission(path, [1], { first: 2 }))).toMatch(/ERR_OPTION/);
  });
});
