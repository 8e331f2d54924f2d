import { describe, expect, it } from 'vitest';
import { perform, runAsync, runSync, type Flow } from '../../src/base/sync-async.js';

function* doubled(value: number): Flow<number> {
  const result = yield* perform(
    () => value,
    async () => Promise.resolve(value + 100),
  );
  return 2 * result;
}
function* guarded(): Flow<string> {
  try {
    yield* perform(
      () => { throw new Error('sync'); },
      async () => Promise.reject(new Error('async')),
    );
  } catch (error) {
    return yield* perform(
      () => `caught ${String(error)}`,
      async () => Promise.resolve(`caught ${String(error)}`),
    );
  }
  return 'not reached';
}

describe('a flow', () => {
  it('runs in both manners', async () => {
    expect(runSync(doubled(3))).toBe(6);
    expect(await runAsync(doubled(3))).toBe(206);
  });

  it('sees errors where it waits', async () => {
    expect(runSync(guarded())).toBe('caught Error: sync');
    expect(await runAsync(guarded())).toBe('caught Error: async');
  });

  it('passes on errors it does not catch', async () => {
    function* failing(): Flow<void> {
      yield* doubled(1);
      throw new Error('late');
    }
    expect(() => { runSync(failing()); }).toThrow('late');
    await expect(runAsync(failing())).rejects.toThrow('late');
  });

  it('starts before the promise is returned', () => {
    let started = false;
    function* starting(): Flow<void> {
      started = true;
      yield* doubled(1);
    }
    void runAsync(starting());
    expect(started).toBe(true);
  });
});
