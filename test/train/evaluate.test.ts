// Evaluations in pieces: one set of weights for all of them, and an end by a signal.
import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadAddon } from '../../src/backend/native/addon.js';
import { getEnvironment } from '../../src/base/environment.js';
import { layers, losses, regularizers, sequential, type CompileOptions, type Sequential } from '../../src/index.js';

const found = loadAddon();
const backends = ['typescript', ...(found.addon === null ? [] : ['native'] as const)] as const;
const skipped = found.addon === null ? ` (native skipped: ${found.problem.reason})` : '';

// So many parameters that a piece has 64 rows.
const INPUTS = 1024;
const ROWS = 320;

function floats(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((i * 2654435761) % 1000) / 1000 + 0.001);
}
const x = floats(INPUTS * ROWS), y = floats(ROWS);

function network(backend: 'native' | 'typescript', loss: CompileOptions['loss'] = 'meanSquaredError'): Sequential {
  const model = sequential({ seed: 1, backend }, [
    layers.dense({ units: 512, activation: 'relu', inputShape: [INPUTS], kernelRegularizer: regularizers.l2(0.01) }), layers.dense({ units: 1 }),
  ]);
  model.compile({ optimizer: 'sgd', loss, metrics: ['mae'] });
  return model;
}
const halved = (model: Sequential): Float32Array[] => model.getWeights().map((values) => Float32Array.from(values, (value) => value / 2));
const ownLoss = losses.custom({
  name: 'halfOfSquares',
  compute: (outputs, targets) => ({
    loss: Array.from(outputs, (output, i) => (output - targets[i]) ** 2).reduce((sum, square) => sum + square, 0) / outputs.length,
    gradient: outputs.map((output, i) => (2 * (output - targets[i])) / outputs.length),
  }),
});
/** Turns until a piece or two are done. */
async function aWhile(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => { setImmediate(resolve); });
}

afterEach(() => { vi.restoreAllMocks(); });

describe(`evaluate has the weights of its call${skipped}`, () => {
  it.each(backends)('when others are set at once: %s', async (backend) => {
    const model = network(backend);
    const expected = model.evaluateSync(x, y);
    const running = model.evaluate(x, y);
    model.setWeights(halved(model));
    expect(await running).toEqual(expected);
    expect(model.evaluateSync(x, y)).not.toEqual(expected);
  });

  it.each(backends)('when a fit begins between two pieces, and others follow: %s', async (backend) => {
    const model = network(backend);
    const expected = model.evaluateSync(x, y);
    const running = model.evaluate(x, y);
    await aWhile();
    const few = [x.subarray(0, INPUTS * 8), y.subarray(0, 8)] as const;
    await model.fit(...few, { epochs: 2, batchSize: 4 });
    await model.fit(...few, { epochs: 1, batchSize: 4 });
    expect(await running).toEqual(expected);
    expect(model.evaluateSync(x, y)).not.toEqual(expected);
  });

  it.each(backends)('of a finished epoch, when more epochs are finished: %s', async (backend) => {
    const model = network(backend);
    const pairs: Promise<unknown[]>[] = [];
    const onEpochEnd = (epoch: number): void => {
      if (epoch === 1) pairs.push(Promise.all([Promise.resolve(model.evaluateSync(x, y)), model.evaluate(x, y)]));
    };
    await model.fit(x.subarray(0, INPUTS * 8), y.subarray(0, 8), { epochs: 8, batchSize: 4, callbacks: { onEpochEnd } });
    const [[expected, given]] = await Promise.all(pairs);
    expect(given).toEqual(expected);
  });

  it.each(backends)('with a loss of its own, penalties included: %s', async (backend) => {
    const model = network(backend, ownLoss);
    const expected = model.evaluateSync(x, y);
    const running = model.evaluate(x, y);
    await aWhile();
    model.setWeights(halved(model));
    expect(await running).toEqual(expected);
  });
});

/** Counts what is evaluated, piece by piece: the addon's calls, the turns that TypeScript gives the event loop. */
function pieces(backend: 'native' | 'typescript'): () => number {
  const calls = backend === 'native' && found.addon !== null ? vi.spyOn(found.addon, 'evaluate') : vi.spyOn(getEnvironment(), 'yield');
  return () => calls.mock.calls.length;
}

describe(`evaluate with a signal${skipped}`, () => {
  it.each(backends)('that is aborted already does not begin: %s', async (backend) => {
    const model = network(backend);
    const count = pieces(backend);
    const signal = AbortSignal.abort('no more');
    const error = { code: 'ERR_ABORTED', cause: 'no more', message: '[evaluate] stopped by its signal before it began.' };
    await expect(model.evaluate(x, y, { signal })).rejects.toMatchObject(error);
    expect(() => model.evaluateSync(x, y, { signal })).toThrow('[evaluateSync] stopped by its signal before it began.');
    expect(count()).toBe(0);
  });

  it.each(backends)('ends within a piece: %s', async (backend) => {
    const model = network(backend);
    const expected = model.evaluateSync(x, y);
    const controller = new AbortController();
    const count = pieces(backend);
    // 50 pieces.
    const running = model.evaluate(floats(INPUTS * 3200), floats(3200), { signal: controller.signal });
    setImmediate(() => { controller.abort('enough'); });
    await expect(running).rejects.toMatchObject({ code: 'ERR_ABORTED', cause: 'enough', message: '[evaluate] stopped by its signal.' });
    expect(count()).toBeLessThan(25);
    // Nothing is left of it.
    expect(await model.evaluate(x, y, { signal: new AbortController().signal })).toEqual(expected);
  });

  it('ends in the middle of a piece in TypeScript', async () => {
    const model = sequential({ backend: 'typescript' }, [layers.dense({ units: 4096, activation: 'relu', inputShape: [INPUTS] }), layers.dense({ units: 1 })]);
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const turns = pieces('typescript');
    const piece = [x.subarray(0, INPUTS * 64), y.subarray(0, 64)] as const;
    await model.evaluate(...piece);
    const all = turns();
    const controller = new AbortController();
    const running = model.evaluate(...piece, { signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expect(turns() - all).toBeLessThan(all / 2);
  });

  it.each(backends)('is refused where it is no signal, and forgotten when it is done: %s', async (backend) => {
    const model = network(backend);
    for (const text of ['{ "aborted": 1 }', '{ "aborted": false, "addEventListener": 1, "removeEventListener": 1 }']) {
      await expect(model.evaluate(x, y, { signal: JSON.parse(text) as AbortSignal })).rejects.toMatchObject({ code: 'ERR_TYPE' });
    }
    const { signal } = new AbortController();
    const added = vi.spyOn(signal, 'addEventListener'), removed = vi.spyOn(signal, 'removeEventListener');
    await model.evaluate(x, y, { signal });
    expect(added).toHaveBeenCalledTimes(1);
    expect(removed.mock.calls).toEqual(added.mock.calls);
  });
});
