import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readCsv } from '../../src/data/csv.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-quoted-'));
  const missing = (): never => {
    throw new Error('not installed');
  };
  vi.doMock('csv-parse', missing);
  vi.doMock('csv-parse/sync', missing);
});
afterAll(() => {
  vi.doUnmock('csv-parse');
  vi.doUnmock('csv-parse/sync');
  rmSync(dir, { recursive: true });
});

it('asks for csv-parse only where a table holds quotes', async () => {
  const write = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  expect((await readCsv(write('plain.csv', 'label,a\n1,2\n'))).rows).toBe(1);
  for (const text of ['"label",a\n1,2\n', 'label,a\n"1",2\n', 'label,a\n1,2\n3,"4"\n']) {
    await expect(readCsv(write('quoted.csv', text))).rejects.toMatchObject({ code: 'ERR_DEPENDENCY' });
    await expect(readCsv(join(dir, 'quoted.csv'))).rejects.toThrow(/quoted\.csv.*\n {2}npm i csv-parse$/);
  }
});
