import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as nabla from '../src/index.js';

const run = promisify(execFile);
const script = `
  const { sequential, layers } = await import(${JSON.stringify(new URL('../src/index.ts', import.meta.url).href)});
  const make = (options) => sequential(options, [layers.dense({ units: 2, activation: 'tanh', inputShape: [2] })]);
  make({}); make({});
  let code = 'none';
  try { make({ backend: 'native' }); } catch (error) { code = error.code; }
  console.log(make({}).backend, code, make({ seed: 3 }).predictSync([[1, 2]]).data.length);
`;

describe('the entry', () => {
  it('has no default export and names what it offers', () => {
    expect(Object.keys(nabla).filter((name) => name === 'default')).toEqual([]);
    for (const name of ['sequential', 'layers', 'optimizers', 'losses', 'initializers', 'regularizers', 'datasets', 'loadModel', 'saveModel', 'NablaError', 'isNablaError']) {
      expect(Object.keys(nabla)).toContain(name);
    }
  });

  it('works without addon: one warning that says what was tried, an error for backend native', async () => {
    const { stdout, stderr } = await run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { env: { ...process.env, NABLA_NO_ADDON: '1' } });
    expect(stdout.trim()).toBe('typescript ERR_BACKEND 2');
    expect(stderr.match(/\[NABLA_NO_ADDON\]/g)).toHaveLength(1);
    expect(stderr).toMatch(/tried: .*\n.*fix: /s);
  }, 30_000);
});
