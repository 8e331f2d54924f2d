// Who waits for whom: networks and calls share the native backend's threads in slices.
import { describe, expect, it, vi } from 'vitest';
import { loadAddon } from '../../src/backend/native/addon.js';
import { getEnvironment } from '../../src/base/environment.js';
import { layers, sequential, type Sequential } from '../../src/index.js';

const found = loadAddon();
const skipped = found.addon === null ? ` (skipped: ${found.problem.reason})` : '';

function floats(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((i * 2654435761) % 1000) / 1000 + 0.001);
}
function network(inputs: number, hidden: readonly number[], outputs = 1): Sequential {
  const model = sequential({ seed: 1, backend: 'native', threads: 1 }, [
    ...hidden.map((units, i) => layers.dense({ units, activation: 'relu', ...(i === 0 ? { inputShape: [inputs] } : {}) })), layers.dense({ units: outputs }),
  ]);
  model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
  return model;
}

describe.skipIf(found.addon === null)(`one queue for the process${skipped}`, () => {
  it('lets short predictions pass two long ones, of other networks and of the same', async () => {
    const first = network(64, [512, 512]), second = network(64, [512, 512]), small = network(8, [16]);
    const many = floats(64 * 60_000);
    const order: string[] = [];
    const note = async (name: string, work: Promise<unknown>): Promise<void> => {
      await work;
      order.push(name);
    };
    const long = [note('long', first.predict(many, { rows: 60_000 })), note('long', second.predict(many, { rows: 60_000 }))];
    const short = [note('short', small.predict(floats(8))), note('short', first.predict(floats(64))), note('short', small.evaluate(floats(8 * 100), floats(100)))];
    await Promise.all([...long, ...short]);
    expect(order).toEqual(['short', 'short', 'short', 'long', 'long']);
  });

  it('predicts with the weights of the call, though a fit changes them before the last row', async () => {
    const model = network(32, [256, 256]);
    const x = floats(32 * 20_000), y = floats(2000), rows = { rows: 20_000 };
    const expected = model.predictSync(x, rows).data;
    const prediction = model.predict(x, rows);
    await model.fit(x.subarray(0, 32 * 2000), y, { epochs: 2, batchSize: 100 });
    const weights = model.getWeights();
    expect((await prediction).data).toEqual(expected);
    expect(model.predictSync(x, rows).data).not.toEqual(expected);
    // And back: setting weights does not wait for a prediction, which goes on with those it had.
    const changed = model.predictSync(x, rows).data;
    const again = model.predict(x, rows);
    model.setWeights(weights.map((values) => values.map((value) => value / 2)));
    expect((await again).data).toEqual(changed);
  });

  it('answers one row many times within an epoch of the same network', async () => {
    const model = network(256, [512, 512]);
    const x = floats(256 * 4096), y = floats(4096), row = x.subarray(0, 256);
    await model.fit(x, y, { epochs: 1, batchSize: 512 });
    const published = model.predictSync(row).data;
    const before: boolean[] = [];
    let epochs = 0;
    const fit = model.fit(x, y, { epochs: 3, batchSize: 512, callbacks: { onEpochEnd: () => { epochs += 1; } } });
    while (epochs === 0) {
      const { data } = await model.predict(row);
      if (epochs === 0) before.push(data[0] === published[0]);
    }
    await fit;
    // With the weights of the last finished epoch.
    expect(before.length).toBeGreaterThan(0);
    expect(before.every(Boolean)).toBe(true);
  });
});

/** Counts what is evaluated, piece by piece: the addon's calls, the turns that TypeScript gives the event loop. */
function pieces(backend: 'native' | 'typescript'): { count: () => number; stop: () => void } {
  if (backend === 'native') {
    if (found.addon === null) throw new Error('no addon');
    const calls = vi.spyOn(found.addon, 'evaluate');
    return { count: () => calls.mock.calls.length, stop: () => { calls.mockRestore(); } };
  }
  const environment = getEnvironment();
  const turns = vi.spyOn(environment, 'yield');
  return { count: () => turns.mock.calls.length, stop: () => { turns.mockRestore(); } };
}

describe('abort during validation', () => {
  const backends = ['typescript', ...(found.addon === null ? [] : ['native'] as const)] as const;
  it.each(backends)('ends it after the piece at work: %s', async (backend) => {
    const model = sequential({ seed: 1, backend }, [layers.dense({ units: 512, activation: 'relu', inputShape: [1024] }), layers.dense({ units: 1 })]);
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const controller = new AbortController();
    const evaluated = pieces(backend);
    const abort = (): void => {
      if (evaluated.count() > 0) controller.abort();
      else setImmediate(abort);
    };
    try {
      const fit = model.fit(floats(1024 * 4), floats(4), {
        epochs: 2, batchSize: 4, signal: controller.signal, validationData: [floats(1024 * 6400), floats(6400)],
        // The epoch's only step is made: its validation follows.
        callbacks: { onBatchEnd: () => { setImmediate(abort); } },
      });
      await expect(fit).rejects.toMatchObject({ code: 'ERR_ABORTED' });
      // 100 in all.
      expect(evaluated.count()).toBeGreaterThan(0);
      expect(evaluated.count()).toBeLessThan(50);
    } finally {
      evaluated.stop();
    }
  });
});
