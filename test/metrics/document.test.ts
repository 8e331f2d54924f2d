// docs/metrics.md: its example runs, its tables name every metric there is.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { metrics } from '../../src/index.js';
import { metricNames } from '../../src/metrics/by-name.js';

const top = fileURLToPath(new URL('../../', import.meta.url));
const text = readFileSync(join(top, 'docs/metrics.md'), 'utf8');

it('the example runs, learns, and finds what matters', () => {
  const [script, ...more] = [...text.matchAll(/^```js\n(.*?)^```/gms)].map((match) => match[1]);
  expect(more).toEqual([]);
  const folder = join(top, 'build', 'metrics-document');
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(join(folder, 'script.mts'), `// @ts-nocheck\n${script}`);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', join(folder, 'script.mts')], {
      cwd: top, encoding: 'utf8', timeout: 110_000, env: { ...process.env, NO_COLOR: '1', TSX_TSCONFIG_PATH: join(top, 'tsconfig.check.json') },
    });
    expect(status, stderr).toBe(0);
    expect(Number(/area under the ROC curve ([\d.]+)/.exec(stdout)?.[1])).toBeGreaterThan(0.95);
    const accuracy = (row: string): number => Number(new RegExp(`^${row} +([\\d.]+)`, 'm').exec(stdout)?.[1]);
    expect(accuracy('model')).toBeGreaterThan(accuracy('linear \\(softmax regression\\)'));
    expect(accuracy('model')).toBeGreaterThan(accuracy('always (?:in|out)side'));
    const drops = [0, 1, 2].map((feature) => Number(new RegExp(`^${feature} (-?[\\d.]+) ±`, 'm').exec(stdout)?.[1]));
    expect(Math.min(drops[0], drops[1])).toBeGreaterThan(drops[2] + 0.05);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);

it('every metric stands in its tables', () => {
  const named = (name: string): boolean => text.includes(`\`${name}\``) || text.includes(`metrics.${name}(`);
  expect([...Object.keys(metrics), ...metricNames].filter((name) => !named(name) && name !== 'rocAucPerClass')).toEqual([]);
});
