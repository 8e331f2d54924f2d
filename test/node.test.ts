import process from 'node:process';
import { expect, it, vi } from 'vitest';
import { getEnvironment } from '../src/base/environment.js';
import '../src/index.js';

it('progress whose reader has gone is written no more, and ends nothing', () => {
  const own = process.stdout.listeners('error');
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    getEnvironment().write('one\n');
    getEnvironment().write('two\n');
    expect(written).toHaveBeenCalledTimes(2);
    const added = process.stdout.listeners('error').filter((listener) => !own.includes(listener));
    expect(added).toHaveLength(1);
    // Without a listener this would end the process.
    const closed = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    for (const listener of added) Reflect.apply(listener, process.stdout, [closed]);
    getEnvironment().write('three\n');
    expect(written).toHaveBeenCalledTimes(2);
  } finally {
    written.mockRestore();
  }
});
