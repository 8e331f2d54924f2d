// docs/saving.md: its example runs and keeps its promise.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const top = fileURLToPath(new URL('../../', import.meta.url));
const text = readFileSync(join(top, 'docs/saving.md'), 'utf8');

it('the example goes on with the same bytes', () => {
  const [script, ...more] = [...text.matchAll(/^```js\n(.*?)^```/gms)].map((match) => match[1]);
  expect(more).toEqual([]);
  const folder = join(top, 'build', 'saving-document');
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(join(folder, 'script.mts'), `// @ts-nocheck\n${script}`);
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', join(top, 'node_modules/tsx/dist/esm/index.mjs'), 'script.mts'], {
      cwd: folder, encoding: 'utf8', timeout: 110_000, env: { ...process.env, NO_COLOR: '1', TSX_TSCONFIG_PATH: join(top, 'tsconfig.check.json') },
    });
    expect(status, stderr).toBe(0);
    expect(stdout).toBe('the same bytes: true\n');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 120_000);
