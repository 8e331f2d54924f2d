import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { numericsVersion, version } from '../../src/base/version.js';

it('is what package.json and docs/numerics.md say', () => {
  const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');
  expect(/"version": "([^"]+)"/.exec(read('../../package.json'))?.[1]).toBe(version);
  expect(/Numerics version (\d+)/.exec(read('../../docs/numerics.md'))?.[1]).toBe(String(numericsVersion));
});
