// Every run of the notebooks at its full scale: `npm run test:long`. Ends with a table of what ran.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadAddon } from '../../src/backend/native/addon.js';
import { followMiniBatches, miniBatchRun } from './mini-batch.js';
import { worstDifference } from './seeds.js';
import { setsOf } from './sets.js';
import { followTwoLayer, twoLayerRun } from './two-layer.js';

const all = readdirSync(fileURLToPath(new URL('../golden/seeds/', import.meta.url)))
  .filter((name) => name.endsWith('.json'))
  .map((name) => name.replace(/\.json$/, ''));
const full = all.filter((name) => name.includes('-full-'));
const hasAddon = loadAddon().addon !== null;
const table: string[] = [];

async function follow(name: string, backend: 'native' | 'typescript'): Promise<void> {
  const begin = performance.now();
  const percent = (value: number | null): string => (value === null ? '-' : `${(100 * value).toFixed(2)} %`).padStart(9);
  let figures: string;
  let compared: number;
  if (name.startsWith('004')) {
    const run = miniBatchRun(name);
    const followed = await followMiniBatches(run, await setsOf(run.dataset), backend);
    compared = followed.compared;
    figures = `${percent(followed.accuracy?.train ?? null)}${percent(null)}${percent(followed.accuracy?.test ?? null)}`;
    followed.model.dispose();
  } else {
    const run = twoLayerRun(name);
    const followed = await followTwoLayer(run, await setsOf(run.dataset), backend);
    compared = followed.compared;
    const { train, heldOut, test } = followed.accuracy;
    figures = `${percent(train)}${percent(heldOut)}${percent(test)}`;
    followed.model.dispose();
  }
  const seconds = (performance.now() - begin) / 1000;
  table.push(`${name.padEnd(43)} ${backend.padEnd(10)} ${String(compared).padStart(4)} ${figures} ${seconds.toFixed(0).padStart(5)} s`);
  console.log(table.at(-1));
}

it('has all runs', () => {
  expect(full).toHaveLength(11);
});

describe.skipIf(!hasAddon)('full scale, native', () => {
  for (const name of full) it(name, () => follow(name, 'native'), 3_600_000);
});

describe('full scale, TypeScript', () => {
  for (const name of full.filter((run) => /^00[03]-/.test(run))) it(name, () => follow(name, 'typescript'), 7_200_000);
});

afterAll(() => {
  console.log([
    `${'run'.padEnd(43)} ${'backend'.padEnd(10)} compared train   held out     test`,
    ...table,
    `${table.length} runs; largest difference from NumPy ${worstDifference().toExponential(1)}, relative to the larger of 1 and what is compared`,
  ].join('\n'));
});
