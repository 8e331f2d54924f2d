// Work in pieces: the event loop has its turns within a step, and what happens in them changes no byte.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Executor } from '../../../src/backend/contract/executor.js';
import type { LayerSpec, NetworkSpec } from '../../../src/backend/contract/spec.js';
import { denseBackward, denseBackwardInput, denseForward } from '../../../src/backend/typescript/dense.js';
import { createReferenceExecutor } from '../../../src/backend/typescript/executor.js';
import { finish, PIECE, pieceColumns, type Pieces } from '../../../src/backend/typescript/pieces.js';
import { ListSpace } from '../../../src/backend/typescript/sparse.js';
import { adam, batchNorm, constantScalars, dense, expectSame, expectSameState, network, randomData, randomState, softmaxLoss, stepOf } from '../networks.js';

const ROWS = 128;
const chains: Readonly<Record<string, readonly LayerSpec[]>> = {
  'dense layers': [dense(500, 'relu'), dense(500, 'tanh'), dense(4)],
  'batch normalization': [dense(500, 'relu'), batchNorm(), dense(500, 'relu'), dense(4)],
};
const wide = (layers: readonly LayerSpec[]): NetworkSpec => network('float32', 500, layers, { loss: softmaxLoss(), optimizer: adam() });

const oneTurn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

interface Scene { readonly executor: Executor; readonly data: ReturnType<Executor['load']>; readonly pass: Parameters<Executor['trainSteps']>[1] }
function scene(layers: readonly LayerSpec[]): Scene {
  const spec = wide(layers);
  // As models do it in Node.js: timers that are due run one after the other before anything else has its turn.
  const executor = createReferenceExecutor(spec, { turn: oneTurn });
  executor.setState(randomState(spec, 1));
  const data = executor.load(randomData(spec, ROWS, 2, 'labels'));
  const order = Uint32Array.from({ length: ROWS }, (_, i) => (i * 7) % ROWS);
  return { executor, data, pass: { order, from: 0, to: ROWS, batchSize: ROWS, repeat: 2, stepScalars: constantScalars(spec, 2, 0.001) } };
}
/** Counts turns of the event loop until `stop`. */
function turns(): { count: number; stop(): void } {
  const state = { count: 0, over: false, stop: () => { state.over = true; } };
  const next = (): void => {
    if (state.over) return;
    state.count += 1;
    setImmediate(next);
  };
  setImmediate(next);
  return state;
}

describe.each(Object.entries(chains))('a step over %s', (_what, layers) => {
  it('lets the event loop in many times, and has the bytes of the sync call', async () => {
    const [waiting, whole] = [scene(layers), scene(layers)];
    const loop = turns();
    const result = await waiting.executor.trainSteps(waiting.data, { ...waiting.pass, maxMilliseconds: Infinity });
    loop.stop();
    expect(result.steps).toBe(2);
    // Two steps of about 190 million multiplications: over 70 ms on any machine.
    expect(loop.count).toBeGreaterThan(3);
    expect(whole.executor.trainStepsSync(whole.data, whole.pass).losses).toEqual(result.losses);
    expectSameState(waiting.executor, whole.executor);
  });

  it('is given up where it is aborted before its update', async () => {
    const { executor, data, pass } = scene(layers);
    const before = scene(layers).executor;
    const running = executor.trainSteps(data, pass);
    await oneTurn();
    executor.abort();
    expect(await running).toMatchObject({ steps: 0, stopped: 'aborted' });
    expectSameState(executor, before);
    // The next call begins anew.
    expect((await executor.trainSteps(data, { ...pass, repeat: 1, stepScalars: constantScalars(executor.spec, 1, 0.001) })).stopped).toBe('done');
  });

  it('does not mind predictions, overwritten arguments and data that is disposed of while it waits', async () => {
    const [busy, alone] = [scene(layers), scene(layers)];
    busy.executor.publish();
    const published = busy.executor.predictSync(busy.data, { order: null, from: 0, to: ROWS, output: 'logits', weights: 'published' });
    const running = busy.executor.trainSteps(busy.data, { ...busy.pass, maxMilliseconds: Infinity });
    await oneTurn();
    const options = { order: null, from: 0, to: ROWS, output: 'logits', weights: 'published' } as const;
    const answers = [busy.executor.predict(busy.data, options), busy.executor.predict(busy.data, options)];
    busy.pass.order?.fill(0);
    busy.pass.stepScalars.fill(0);
    busy.data.dispose();
    await running;
    for (const answer of answers) expectSame(await answer, published);
    alone.executor.trainStepsSync(alone.data, alone.pass);
    expectSameState(busy.executor, alone.executor);
  });

  it('is alone: what would change the network or read its weights of now is refused until it is over', async () => {
    const { executor, data, pass } = scene(layers);
    const state = randomState(executor.spec, 5);
    const all = { order: null, from: 0, to: ROWS };
    const running = executor.trainSteps(data, pass);
    await oneTurn();
    const busy = expect.objectContaining({ code: 'ERR_BUSY' });
    for (const call of [
      () => executor.trainStepsSync(data, pass), () => { executor.setState(state); }, () => executor.getState(), () => { executor.publish(); }, () => executor.forwardTrain(data, all),
      () => executor.lossAndGradients(data, all), () => { executor.applyGradients(state.parameters, stepOf({ rate: 0.1 })); }, () => executor.predictSync(data, { ...all, output: 'logits' }),
      () => executor.evaluateSync(data, all),
    ]) expect(call).toThrow(busy);
    await expect(executor.trainSteps(data, pass)).rejects.toEqual(busy);
    await expect(executor.evaluate(data, all)).rejects.toEqual(busy);
    await running;
    executor.setState(state);
  });

  it('an evaluation and a prediction keep the weights of their call', async () => {
    const { executor, data, pass } = scene(layers);
    const rows = 5 * ROWS;
    const many = executor.load(randomData(executor.spec, rows, 3, 'labels'));
    const all = { order: null, from: 0, to: rows };
    const [wanted, loss] = [executor.predictSync(many, { ...all, output: 'logits' }), executor.evaluateSync(many, all)];
    let over = 0;
    const count = <Result>(result: Result): Result => {
      over += 1;
      return result;
    };
    const [predicted, evaluated] = [executor.predict(many, { ...all, output: 'logits' }).then(count), executor.evaluate(many, all).then(count)];
    await oneTurn();
    // Over 300 million multiplications each: neither is done, and the weights become others.
    expect(over).toBe(0);
    executor.setState(randomState(executor.spec, 9));
    executor.trainStepsSync(data, pass);
    expectSame(await predicted, wanted);
    expect(await evaluated).toEqual(loss);
  });
});

describe('products in pieces', () => {
  /** Runs work with another's list made in every pause. */
  const disturbed = (work: Pieces<void>): number => {
    let pauses = 0;
    for (let next = work.next(); next.done !== true; next = work.next()) pauses += 1;
    return pauses;
  };

  it('columns come in whole tiles', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (work) => {
      const width = pieceColumns(work);
      expect(width % 8).toBe(0);
      expect(width).toBeGreaterThanOrEqual(8);
      if (width > 8) expect(width * Math.max(1, work)).toBeLessThanOrEqual(PIECE);
    }));
  });

  it.each([0, 0.7])('have the bytes of one product row by row, zeros %f', (zeros) => {
    const [rows, inputs, units] = [3, 70_001, 61];
    let seed = 1;
    const next = (): number => { seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0; return seed / 2 ** 32 - 0.5; };
    const array = (length: number): Float64Array => Float64Array.from({ length }, () => (Math.abs(next()) * 2 < zeros ? 0 : next()));
    const [x, weight, bias, dz] = [array(rows * inputs), array(units * inputs), array(units), array(rows * units)];
    const z = new Float64Array(rows * units);
    expect(disturbed(denseForward(new ListSpace(), x, weight, bias, z, rows, inputs, units))).toBeGreaterThan(1);
    const dx = new Float64Array(rows * inputs);
    expect(disturbed(denseBackwardInput(dz, weight, dx, rows, inputs, units))).toBeGreaterThan(1);
    for (let row = 0; row < rows; row++) {
      const one = new Float64Array(units);
      for (let o = 0; o < units; o++) {
        let sum = 0;
        for (let i = 0; i < inputs; i++) sum += x[row * inputs + i] * weight[o * inputs + i];
        one[o] = sum + bias[o];
      }
      expectSame(z.subarray(row * units, (row + 1) * units), one);
    }
    for (const i of [0, 1, 8, 1000, 69_999, 70_000]) {
      let sum = 0;
      for (let o = 0; o < units; o++) sum += dz[units + o] * weight[o * inputs + i];
      expect(dx[inputs + i]).toBe(sum);
    }
    const [dweight, dbias] = [new Float64Array(units * inputs), new Float64Array(units)];
    expect(disturbed(denseBackward(new ListSpace(), dz, x, dweight, dbias, rows, inputs, units, false))).toBeGreaterThan(1);
    for (const [o, i] of [[0, 0], [7, 8], [8, 7], [60, 70_000], [33, 12_345]]) {
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += dz[row * units + o] * x[row * inputs + i];
      expect(dweight[o * inputs + i]).toBe(sum);
    }
    finish(denseBackward(new ListSpace(), dz, x, dweight, dbias, rows, inputs, units, true));
    expect(dbias[5]).toBe([0, 1, 2, 0, 1, 2].reduce((sum, row) => sum + dz[row * units + 5], 0));
  });
});
