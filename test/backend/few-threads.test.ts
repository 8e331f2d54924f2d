// A system that refuses threads: a child process whose address space has no room for another stack.
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { loadAddon } from '../../src/backend/native/addon.js';

const found = loadAddon();
const limits = spawnSync('prlimit', ['--stack=1073741824', 'true']).status === 0;
const reason = found.addon === null ? found.problem.reason : limits ? null : 'no prlimit that may raise the stack';
const skipped = reason === null ? '' : ` (skipped: ${reason})`;

function child(threads: 'all' | 'none'): unknown {
  const file = fileURLToPath(new URL('native-children/few-threads.mjs', import.meta.url));
  if (found.addon === null) throw new Error('no addon');
  // glibc takes the limit of the stack as what a thread's stack is long.
  const { status, signal, stdout } = spawnSync('prlimit', ['--stack=1073741824', process.execPath, file, found.path, threads], { encoding: 'utf8', timeout: 110_000 });
  expect({ status, signal }).toEqual({ status: 0, signal: null });
  return JSON.parse(stdout);
}

describe.skipIf(reason !== null)(`the addon where the system refuses threads${skipped}`, () => {
  it('works on without any, with the same bytes, one warning, and turns of the event loop', () => {
    const all = child('all');
    expect(all).toMatchObject({ steps: 84, turned: true, warnings: [] });
    expect(child('none')).toEqual({ ...Object(all), warnings: ['NablaWarning NABLA_THREADS'] });
  });
});
