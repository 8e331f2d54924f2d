// Long predictions: one set of weights for all rows, and an end by a signal.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadAddon } from '../../src/backend/native/addon.js';
import { getEnvironment } from '../../src/base/environment.js';
import { layers, sequential, type Sequential } from '../../src/index.js';

const found = loadAddon();
const backends = ['typescript', ...(found.addon === null ? [] : ['native'] as const)] as const;
const skipped = found.addon === null ? ` (native skipped: ${found.problem.reason})` : '';

const INPUTS = 1024;
const ROWS = 320;

function floats(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((i * 2654435761) % 1000) / 1000 + 0.001);
}
const x = floats(INPUTS * ROWS), y = floats(ROWS), rows = { rows: ROWS };

function network(backend: 'native' | 'typescript'): Sequential {
  const model = sequential({ seed: 1, backend }, [layers.dense({ units: 512, activation: 'relu', inputShape: [INPUTS] }), layers.dense({ units: 1, activation: 'sigmoid' })]);
  model.compile({ optimizer: 'sgd', loss: 'binaryCrossentropy' });
  return model;
}

afterEach(() => { vi.restoreAllMocks(); });

describe(`predict has the weights of its call${skipped}`, () => {
  it.each(backends)('when others are set at once: %s', async (backend) => {
    const model = network(backend);
    const expected = model.predictSync(x, rows).data;
    const running = model.predict(x, rows);
    model.setWeights(model.getWeights().map((values) => values.map((value) => value / 2)));
    expect((await running).data).toEqual(expected);
    expect(model.predictSync(x, rows).data).not.toEqual(expected);
  });

  it.each(backends)('when a fit begins before the last row: %s', async (backend) => {
    const model = network(backend);
    const expected = model.predictLogitsSync(x, rows).data;
    const running = model.predictLogits(x, rows);
    await new Promise((resolve) => { setImmediate(resolve); });
    await model.fit(x.subarray(0, INPUTS * 8), y.subarray(0, 8), { epochs: 2, batchSize: 4 });
    expect((await running).data).toEqual(expected);
    expect(model.predictLogitsSync(x, rows).data).not.toEqual(expected);
  });

  it.each(backends)('of a finished epoch, when more epochs are finished: %s', async (backend) => {
    const model = network(backend);
    const pairs: Promise<Float32Array | Float64Array>[] = [];
    const onEpochEnd = (epoch: number): void => {
      if (epoch === 1) pairs.push(Promise.resolve(model.predictSync(x, rows).data), model.predict(x, rows).then(({ data }) => data));
    };
    await model.fit(x.subarray(0, INPUTS * 8), y.subarray(0, 8), { epochs: 8, batchSize: 4, callbacks: { onEpochEnd } });
    const [expected, given] = await Promise.all(pairs);
    expect(given).toEqual(expected);
  });
});

describe(`predict with a signal${skipped}`, () => {
  it.each(backends)('that is aborted already does not begin: %s', async (backend) => {
    const model = network(backend), frozen = model.freeze();
    const signal = AbortSignal.abort('no more');
    const error = { code: 'ERR_ABORTED', cause: 'no more' };
    await expect(model.predict(x, { ...rows, signal })).rejects.toMatchObject({ ...error, message: '[predict] stopped by its signal before it began.' });
    await expect(model.predictLogits(x, { ...rows, signal })).rejects.toMatchObject(error);
    await expect(frozen.predict(x, { ...rows, signal })).rejects.toMatchObject(error);
    expect(() => model.predictSync(x, { ...rows, signal })).toThrow('[predictSync] stopped by its signal before it began.');
  });

  it.each(backends)('that is aborted midway ends: %s', async (backend) => {
    const model = network(backend), frozen = model.freeze();
    const expected = model.predictSync(x, rows).data;
    const turns = vi.spyOn(getEnvironment(), 'yield');
    const many = floats(INPUTS * 3200);
    for (const source of [model, frozen]) {
      const controller = new AbortController();
      const running = source.predict(many, { rows: 3200, signal: controller.signal });
      setImmediate(() => { controller.abort('enough'); });
      await expect(running).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough', message: '[predict] stopped by its signal.' });
    }
    // In TypeScript: a turn each 12 ms of about a second, were they not ended.
    expect(turns.mock.calls.length).toBeLessThan(50);
    // Nothing is left of them.
    expect((await model.predict(x, { ...rows, signal: new AbortController().signal })).data).toEqual(expected);
  });

  it.each(backends)('is refused where it is no signal: %s', async (backend) => {
    const options = JSON.parse('{ "rows": 320, "signal": "stop" }') as object;
    await expect(network(backend).predict(x, options)).rejects.toMatchObject({ code: 'ERR_TYPE' });
  });
});
