// A custom loss's steps, evaluations and predictions of wide networks on TypeScript: the event loop has its turns within them, with the same bytes.
import { describe, expect, it } from 'vitest';
import type { DataHandle, Executor } from '../../src/backend/contract/executor.js';
import type { LayerSpec } from '../../src/backend/contract/spec.js';
import { createReferenceExecutor } from '../../src/backend/typescript/executor.js';
import type { FloatArray } from '../../src/base/arrays.js';
import { CustomLossExecutor } from '../../src/model/custom-loss-executor.js';
import { customLoss } from '../../src/model/losses/custom-loss.js';
import { adam, batchNorm, constantScalars, dense, expectSame, expectSameState, network, randomData, randomState } from '../backend/networks.js';

const ROWS = 256;
const chains: Readonly<Record<string, readonly LayerSpec[]>> = {
  'dense layers': [dense(600, 'relu', { l2: 0.01 }), dense(600, 'tanh'), dense(4)],
  'batch normalization': [dense(600, 'relu'), batchNorm(), dense(600, 'relu'), dense(4)],
};

/** Half the squared error. @param called is told of each call */
function squares(called: (outputs: FloatArray) => void): ReturnType<typeof customLoss> {
  return customLoss({
    name: 'half',
    compute(outputs, targets) {
      called(outputs);
      const gradient = outputs.map((output, i) => (output - targets[i]) / outputs.length);
      let loss = 0;
      for (const g of gradient) loss += g * g;
      return { loss, gradient };
    },
  });
}

interface Scene { readonly executor: Executor; readonly inner: Executor; readonly data: DataHandle; readonly pass: Parameters<Executor['trainSteps']>[1]; turns(): number }
function scene(layers: readonly LayerSpec[], called: (outputs: FloatArray) => void = () => undefined): Scene {
  const spec = network('float32', 500, layers, { loss: null, optimizer: adam() });
  let turns = 0;
  const inner = createReferenceExecutor(spec, {
    turn: () => {
      turns += 1;
      return new Promise((resolve) => { setImmediate(resolve); });
    },
  });
  inner.setState(randomState(spec, 1));
  const executor = new CustomLossExecutor(inner, squares(called));
  const order = Uint32Array.from({ length: ROWS }, (_, i) => (i * 7) % ROWS);
  const pass = { order, from: 0, to: ROWS, batchSize: ROWS, stepScalars: constantScalars(spec, 1, 0.001), outputs: true };
  return { executor, inner, data: executor.load(randomData(spec, ROWS, 2, 'values')), pass, turns: () => turns };
}
const oneTurn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });

describe.each(Object.entries(chains))('a custom loss over %s', (_what, layers) => {
  it('lets the event loop in within a step, and has the bytes of the sync call', async () => {
    const [waiting, whole] = [scene(layers), scene(layers)];
    const running = waiting.executor.trainSteps(waiting.data, waiting.pass);
    // What the caller does with its order meanwhile does not matter.
    waiting.pass.order?.fill(0);
    const result = await running;
    // About 500 million multiplications: over 100 ms on any machine.
    expect(waiting.turns()).toBeGreaterThan(2);
    expect(result).toEqual(whole.executor.trainStepsSync(whole.data, whole.pass));
    expectSameState(waiting.executor, whole.executor);
  });

  it('lets the event loop in within an evaluation, and has the bytes of the sync call', async () => {
    const { executor, data, turns } = scene(layers);
    const options = { order: null, from: 0, to: ROWS, outputs: true };
    const result = await executor.evaluate(data, options);
    expect(turns()).toBeGreaterThan(1);
    expect(result).toEqual(executor.evaluateSync(data, options));
  });

  it('predictions of published weights within a step change nothing; what would change the network is refused', async () => {
    const [busy, alone] = [scene(layers), scene(layers)];
    const options = { order: null, from: 0, to: ROWS, output: 'logits', weights: 'published' } as const;
    busy.executor.publish();
    const published = busy.executor.predictSync(busy.data, options);
    const running = busy.executor.trainSteps(busy.data, busy.pass);
    await oneTurn();
    const answer = busy.executor.predict(busy.data, options);
    expect(() => busy.executor.trainStepsSync(busy.data, busy.pass)).toThrow(expect.objectContaining({ code: 'ERR_BUSY' }));
    expect(() => { busy.executor.setState(randomState(busy.executor.spec, 5)); }).toThrow(expect.objectContaining({ code: 'ERR_BUSY' }));
    await running;
    expectSame(await answer, published);
    alone.executor.trainStepsSync(alone.data, alone.pass);
    expectSameState(busy.executor, alone.executor);
  });

  it('a step is given up where it is aborted, before the function is called and after', async () => {
    for (const late of [false, true]) {
      let calls = 0;
      const { executor, data, pass } = scene(layers, () => {
        calls += 1;
        if (late) executor.abort();
      });
      const before = scene(layers).executor;
      const running = executor.trainSteps(data, pass);
      if (!late) {
        await oneTurn();
        executor.abort();
      }
      expect(await running).toMatchObject({ steps: 0, stopped: 'aborted' });
      expect(calls).toBe(late ? 1 : 0);
      expectSameState(executor, before);
    }
  });

  it('the function may not use the model in the middle of a step, and its error leaves the network as it was', async () => {
    const { executor, data, pass } = scene(layers, () => { executor.predictSync(data, { order: null, from: 0, to: 1, output: 'logits' }); });
    await expect(executor.trainSteps(data, pass)).rejects.toMatchObject({ code: 'ERR_BUSY' });
    expectSameState(executor, scene(layers).executor);
  });
});
