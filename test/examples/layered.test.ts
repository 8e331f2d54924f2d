// The example layered against NumPy's runs of the notebook's 784-100-200-10 network on 6,000 (2,000) pictures.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { drawCurve } from '../../examples/layered/curve.js';
import { loadAddon } from '../../src/backend/native/addon.js';
import { followMiniBatches, miniBatchRun } from './mini-batch.js';
import { worstDifference } from './seeds.js';
import { setsOf } from './sets.js';

const runs = readdirSync(fileURLToPath(new URL('../golden/seeds/', import.meta.url)))
  .filter((name) => /^004-mcp-.*-(6k|2k)-.*\.json$/.test(name))
  .map((name) => name.replace(/\.json$/, ''));
const hasAddon = loadAddon().addon !== null;

it('has all runs', () => {
  expect(runs).toHaveLength(6);
});

describe.skipIf(!hasAddon)('whole runs, native', () => {
  for (const name of runs) {
    it(name, async () => {
      const run = miniBatchRun(name);
      const { accuracy } = await followMiniBatches(run, await setsOf(run.dataset), 'native');
      expect(accuracy).not.toBeNull();
    }, 120_000);
  }
});

describe('to batch 100, TypeScript', () => {
  for (const name of runs) {
    it(name, async () => {
      const run = miniBatchRun(name);
      await followMiniBatches(run, await setsOf(run.dataset), 'typescript', Math.min(100, run.first_100_batch_losses.length));
    }, 120_000);
  }
});

describe('drawCurve', () => {
  it('draws one column a value, the best on top', () => {
    expect(drawCurve({ a: [0, 0.5, 1], b: [-1, 0, 0.5] }, { from: 0, to: 1, height: 3 }).split('\n')).toEqual([
      ' 100.0 % |     o',
      '  50.0 % |   o *',
      '   0.0 % | * *',
      '         +------ epochs',
      '           o a',
      '           * b',
    ]);
  });
});

afterAll(() => {
  console.log(`mini-batch runs: largest difference from NumPy ${worstDifference()}`);
});
