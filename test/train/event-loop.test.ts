// What a fit does beside its steps leaves the event loop its turns. No clocks: turns are looked for where one long stretch would have none.
import { describe, expect, it } from 'vitest';
import { createExecutor } from '../../src/backend/create.js';
import { layers, optimizers, sequential, type Sequential } from '../../src/index.js';
import { permutation } from '../../src/random/permutation.js';
import { purposes } from '../../src/random/purposes.js';
import { dense, network } from '../backend/networks.js';
import { backends, flat } from '../model/support.js';

/** 1-1 on rows of one number. */
function line(backend: 'native' | 'typescript'): Sequential {
  const model = sequential({ seed: 3, backend }, [layers.dense({ units: 1, inputShape: [1] })]);
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.01 }), loss: 'meanSquaredError' });
  return model;
}

describe.each(backends)('the event loop beside a fit on %s', (backend) => {
  it('has turns while an order function\'s rows are looked through', async () => {
    const rows = 600_000;
    const x = new Float32Array(rows).fill(1), y = new Float32Array(rows).fill(2);
    const turned: boolean[] = [];
    const order = (epoch: number): ArrayLike<number> & readonly number[] => {
      const list = Array.from({ length: rows }, (_, i) => rows - 1 - i);
      if (epoch === 0) return list;
      let turn = false;
      // The first element asks for a turn, the last one says whether there was one.
      Object.defineProperty(list, 0, { get: () => { setImmediate(() => { turn = true; }); return 0; } });
      Object.defineProperty(list, rows - 1, { get: () => { turned.push(turn); return 1; } });
      return list;
    };
    const model = line(backend);
    await model.fit(x, y, { epochs: 3, batchSize: 100_000, order });
    expect(turned).toEqual([true, true]);
    const blocking = line(backend);
    blocking.fitSync(x, y, { epochs: 3, batchSize: 100_000, order });
    expect(turned).toEqual([true, true, false, false]);
    expect(flat(model)).toEqual(flat(blocking));
    model.dispose();
    blocking.dispose();
  });

  it('trains in the same order, however many calls an epoch takes', async () => {
    const rows = 300_001;
    const x = Float32Array.from({ length: rows }, (_, i) => (i % 17) / 17), y = x.map((value) => 1 - value);
    const orders = Array.from({ length: 2 }, (_, epoch) => permutation(rows, 3, purposes.shuffle, epoch));
    const [shuffled, listed, blocking] = [line(backend), line(backend), line(backend)];
    // Schedules give every step its own rate: each call gets those of its steps.
    for (const model of [shuffled, listed, blocking]) model.compile({ optimizer: optimizers.adam({ learningRate: (step) => 0.01 / (1 + step) }), loss: 'meanSquaredError' });
    const options = { epochs: 2, batchSize: 30_000 };
    await shuffled.fit(x, y, options);
    await listed.fit(x, y, { ...options, order: (epoch) => orders[epoch] });
    blocking.fitSync(x, y, options);
    expect(flat(listed)).toEqual(flat(shuffled));
    expect(flat(blocking)).toEqual(flat(shuffled));
    for (const model of [shuffled, listed, blocking]) model.dispose();
  });

  it('throws what an order function throws when its epoch begins, with the weights of the steps before', async () => {
    const rows = 64;
    const x = new Float32Array(rows).fill(1), y = new Float32Array(rows).fill(2);
    const model = line(backend);
    const boom = new Error('boom');
    const list = Array.from({ length: rows }, (_, i) => i);
    await expect(model.fit(x, y, { epochs: 3, batchSize: 8, order: (epoch) => { if (epoch === 2) throw boom; return list; } })).rejects.toBe(boom);
    expect([model.step, model.nextEpoch]).toEqual([16, 2]);
    await model.fit(x, y);
    expect(model.step).toBe(18);
    model.dispose();
  });

  it('predicts with the weights as they are until the fit has its own', async () => {
    const model = sequential({ seed: 1, backend }, [layers.dense({ units: 520, activation: 'relu', inputShape: [512] }), layers.dense({ units: 1 })]);
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const x = new Float32Array(512).fill(0.1), y = [1];
    const fitted = model.fit(x, y);
    const first = model.predictSync(x).data.slice();
    await fitted;
    // What the first fit has published is old now.
    model.setWeights(model.getWeights().map((array) => array.fill(0.01)));
    const before = model.predictSync(x).data.slice();
    const again = model.fit(x, y);
    expect(model.predictSync(x).data).toEqual(before);
    expect(before).not.toEqual(first);
    await again;
    model.dispose();
  });
});

describe.skipIf(!backends.includes('native'))('work that is worth a thread', () => {
  it('is done while the event loop goes on', async () => {
    const executor = createExecutor(network('float32', 1, [dense(1)]), 'native', {});
    let settled = false;
    const drawing = executor.permutationAsync(3_000_000, 5, purposes.shuffle, 1).finally(() => { settled = true; });
    // What was drawn at once would be here without a turn of the event loop.
    for (let i = 0; i < 50; i++) await Promise.resolve();
    expect(settled).toBe(false);
    const order = await drawing;
    expect(Buffer.from(order.buffer).equals(Buffer.from(executor.permutation(3_000_000, 5, purposes.shuffle, 1).buffer))).toBe(true);
    executor.dispose();
  });
});
