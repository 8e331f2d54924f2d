import { afterAll, describe, expect, it } from 'vitest';
import { configurations, isas, skippedBecause } from './configurations.js';
import { casesRun, executorCases } from './executor.cases.js';

const all = configurations([1, 2, 3, 4]);
for (const configuration of all) {
  for (const dtype of ['float64', 'float32'] as const) {
    describe(`${configuration.name} ${dtype}`, () => executorCases(configuration, dtype));
  }
}

describe('the suite itself', () => {
  it.skipIf(skippedBecause === '')(`runs without native: ${skippedBecause}`, () => expect(isas.length).toBe(0));
  it('has native configurations where the addon loads', () => {
    expect(all.length).toBe(1 + 4 * isas.length);
    if (skippedBecause === '') expect(isas).toContain('baseline');
  });
});

afterAll(() => {
  // A suite that runs nothing proves nothing.
  if (casesRun() < 2 * 70 * all.length) throw new Error(`only ${casesRun()} cases ran on ${all.length} configurations`);
});
