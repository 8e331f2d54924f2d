import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { throughCsv } from '../../examples/openml/openml.js';
import { UsageError } from '../../examples/shared/command.js';
import { ArrayDataset } from '../../src/index.js';

const data = new ArrayDataset({ x: Uint8Array.of(0, 1, 2, 255), y: Uint8Array.of(3, 0), sampleShape: [2] });
let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-openml-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

it('writes the pair of tables and reads the same numbers', async () => {
  const again = await throughCsv(data, dir);
  expect([again.x, again.y]).toEqual([data.x, data.y]);
  expect(readdirSync(dir).sort()).toEqual(['X.csv', 'y.csv']);
});

it.each(['X.csv', 'y.csv'])('leaves a %s alone that was there before', async (name) => {
  writeFileSync(join(dir, name), 'mine');
  await expect(throughCsv(data, dir)).rejects.toThrow(UsageError);
  expect(readdirSync(dir)).toEqual([name]);
  expect(readFileSync(join(dir, name), 'utf8')).toBe('mine');
});
