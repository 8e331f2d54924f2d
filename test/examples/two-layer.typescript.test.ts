// As two-layer.test.ts, on the TypeScript backend: the first 40 iterations, 20 of the runs that are stepped by hand. Whole runs at full scale: npm run test:long.
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { worstDifference } from './seeds.js';
import { setsOf } from './sets.js';
import { followTwoLayer, twoLayerRun } from './two-layer.js';

const files = readdirSync(fileURLToPath(new URL('../golden/seeds/', import.meta.url)));
const runs = files.filter((name) => /^00[0-3]-.*-(6k|2k)-.*\.json$/.test(name)).map((name) => name.replace(/\.json$/, ''));

it('has all runs', () => {
  expect(runs).toHaveLength(22);
});

describe('the first iterations, TypeScript', () => {
  for (const name of runs) {
    it(name, async () => {
      const run = twoLayerRun(name);
      const { compared } = await followTwoLayer(run, await setsOf(run.dataset), 'typescript', run.variant === 'as_written' ? 20 : 40);
      expect(compared).toBeGreaterThanOrEqual(2);
    }, 120_000);
  }
});

afterAll(() => {
  console.log(`two-layer runs, TypeScript: largest difference from NumPy ${worstDifference()}`);
});
