// States, publishing, what may be called when.
import { expect } from 'vitest';
import type { Executor } from '../../../src/backend/contract/executor.js';
import { outputSize } from '../../../src/backend/contract/spec.js';
import type { NetworkSpec } from '../../../src/backend/contract/spec.js';
import type { Suite } from '../executor.cases.js';
import { adam, constantScalars, dense, dropout, expectSame, expectSameLists, expectSameState, floats, network, randomData, randomState, sgd, sigmoidLoss, squaredLoss, stepOf } from '../networks.js';

export function stateCases({ make, isa, dtype, test }: Suite): void {
  const started = (spec: NetworkSpec): Executor => {
    const executor = make(spec);
    executor.setState(randomState(spec, 3));
    return executor;
  };
  const all = (rows: number): { order: null; from: number; to: number } => ({ order: null, from: 0, to: rows });

  test('says what it is', () => {
    const spec = network(dtype, 4, [dense(3)]);
    const executor = make(spec);
    expect(executor.isa).toBe(isa);
    expect(executor.backend).toBe(isa === 'typescript' ? 'typescript' : 'native');
    expect(executor.threads).toBeGreaterThan(0);
    expect(executor.spec).toEqual(spec);
  });

  test('parameters start at zero', () => {
    const spec = network(dtype, 4, [dense(17, 'relu'), dense(3, 'linear', { useBias: false })], { optimizer: adam() });
    const { parameters, slots, step } = make(spec).getState();
    expectSameLists(parameters, [68, 17, 51].map((size) => floats(dtype, new Float64Array(size))));
    expect(Object.keys(slots)).toEqual(['firstMoment', 'secondMoment']);
    expectSameLists(slots['secondMoment'], parameters);
    expect(step).toBe(0);
  });

  test('a state goes in and comes out unchanged, copied both ways', () => {
    for (const optimizer of [null, sgd({ momentum: 0.9 }), adam()]) {
      const spec = network(dtype, 19, [dense(33, 'relu'), dense(17, 'tanh', { useBias: false }), dense(1)], { optimizer, loss: squaredLoss() });
      const state = randomState(spec, 8);
      let n = 0;
      for (const slot of Object.values(state.slots)) for (const array of slot) array.forEach((_, i) => (array[i] = ++n / 64));
      const kept = structuredClone(state);
      const executor = make(spec);
      executor.setState({ ...state, step: 12 });
      for (const array of [...state.parameters, ...Object.values(state.slots).flat()]) array.fill(9);
      const taken = executor.getState();
      expectSameLists(taken.parameters, kept.parameters);
      expect(Object.keys(taken.slots)).toEqual(Object.keys(kept.slots));
      for (const name of Object.keys(kept.slots)) expectSameLists(taken.slots[name], kept.slots[name]);
      expect(taken.step).toBe(12);
      taken.parameters[0].fill(5);
      expectSameLists(executor.getState().parameters, kept.parameters);
    }
  });

  test('what is copied beside the event loop is found done by every later call, and is of its moment', async () => {
    // Wide enough to be worth a job.
    const spec = network(dtype, 512, [dense(520, 'relu'), dense(3)], { optimizer: adam() });
    const [first, second] = [randomState(spec, 3), { ...randomState(spec, 4), step: 7 }];
    const { x } = randomData(spec, 5, 6);
    const wanted = started(spec).predictArraySync(x, 5, 'outputs');
    const executor = make(spec);
    executor.adoptState(first);
    expectSame(executor.predictArraySync(x, 5, 'outputs'), wanted);
    const taken = executor.getStateAsync();
    executor.adoptState(second);
    const later = executor.getStateAsync();
    executor.setState(first);
    expectSameLists((await taken).parameters, first.parameters);
    const { parameters, slots, step } = await later;
    expectSameLists(parameters, second.parameters);
    for (const [name, arrays] of Object.entries(second.slots)) expectSameLists(slots[name], arrays);
    expect(step).toBe(7);
    executor.adoptState(second);
    executor.adoptState(first);
    await executor.publishAsync();
    expectSame(executor.predictArraySync(x, 5, 'outputs', 'published'), wanted);
    const data = executor.load({ x, rows: 5 });
    executor.adoptState(second);
    const predicted = executor.predict(data, { ...all(5), output: 'outputs' });
    executor.adoptState(first);
    const latest = executor.predict(data, { ...all(5), output: 'outputs' });
    // Jobs see what was there when they began to run; none sees less than what was there when it was asked for.
    await predicted;
    expectSame(await latest, wanted);
    expect(() => { executor.adoptState({ ...first, parameters: first.parameters.slice(1) }); }).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
    executor.adoptState(second);
    executor.dispose();
  });

  test('a state is everything needed to go on bit for bit', () => {
    for (const optimizer of [sgd({ momentum: 0.9, weightDecay: 0.01 }), adam()]) {
      const spec = network(dtype, 6, [dense(10, 'relu'), dropout(0.4), dense(3)], { optimizer });
      const [straight, first, second] = [started(spec), started(spec), make(spec)];
      const options = randomData(spec, 20, 6);
      const pass = { ...all(20), batchSize: 6 };
      straight.trainStepsSync(straight.load(options), { ...pass, repeat: 2, stepScalars: constantScalars(spec, 8) });
      first.trainStepsSync(first.load(options), { ...pass, stepScalars: constantScalars(spec, 4) });
      second.setState(first.getState());
      second.trainStepsSync(second.load(options), { ...pass, stepScalars: constantScalars(spec, 4, 0.1, 5) });
      expectSameState(second, straight);
    }
  });

  test('published predictions see the weights of the last publish', async () => {
    const spec = network(dtype, 6, [dense(10, 'relu'), dense(3)]);
    const executor = started(spec);
    const options = randomData(spec, 20, 6);
    const data = executor.load(options);
    executor.publish();
    const before = executor.predictSync(data, { ...all(20), output: 'outputs' });
    const lossBefore = executor.evaluateSync(data, all(20));
    executor.trainStepsSync(data, { ...all(20), batchSize: 6, stepScalars: constantScalars(spec, 4) });
    expect(executor.predictSync(data, { ...all(20), output: 'outputs', weights: 'current' })).not.toEqual(before);
    expectSame(executor.predictSync(data, { ...all(20), output: 'outputs', weights: 'published' }), before);
    expectSame(executor.predictArraySync(options.x, 20, 'outputs', 'published'), before);
    expectSame(await executor.predict(data, { ...all(20), output: 'outputs', weights: 'published' }), before);
    expect(executor.evaluateSync(data, { ...all(20), weights: 'published' })).toEqual(lossBefore);
    executor.publish();
    expectSame(executor.predictSync(data, { ...all(20), output: 'outputs', weights: 'published' }), executor.predictSync(data, { ...all(20), output: 'outputs' }));
  });

  test('a reading keeps the weights of its moment', async () => {
    const spec = network(dtype, 6, [dense(10, 'relu', { l2: 0.1 }), dense(3)]);
    const executor = started(spec);
    const data = executor.load(randomData(spec, 20, 6));
    const options = { ...all(20), output: 'outputs' } as const;
    const train = (): void => { executor.trainStepsSync(data, { ...all(20), batchSize: 6, stepScalars: constantScalars(spec, 4) }); };
    executor.publish();
    const published = executor.read('published');
    train();
    const current = executor.read('current');
    const expected = [published, current].map((reading, i) => {
      const weights = i === 0 ? 'published' : 'current';
      return { reading, outputs: executor.predictSync(data, { ...options, weights }), result: executor.evaluateSync(data, { ...all(20), outputs: true, weights }) };
    });
    const first = executor.predict(data, options, current);
    train();
    executor.publish();
    executor.setState(randomState(spec, 8));
    executor.publish();
    expectSame(await first, expected[1].outputs);
    for (const { reading, outputs, result } of expected) {
      expectSame(await executor.predict(data, options, reading), outputs);
      expect(await executor.evaluate(data, { ...all(20), outputs: true }, reading)).toEqual(result);
      reading.dispose();
    }
    expect(executor.predictSync(data, options)).not.toEqual(expected[1].outputs);
  });

  test('an aborted reading ends what reads it and nothing else', async () => {
    const spec = network(dtype, 6, [dense(10, 'relu'), dense(3)]);
    const [executor, other] = [started(spec), started(spec)];
    const data = executor.load(randomData(spec, 20, 6));
    const options = { ...all(20), output: 'outputs' } as const;
    const [aborted, live] = [executor.read('current'), executor.read('current')];
    aborted.abort();
    await expect(executor.predict(data, options, aborted)).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    await expect(executor.evaluate(data, all(20), aborted)).rejects.toMatchObject({ code: 'ERR_ABORTED' });
    expectSame(await executor.predict(data, options, live), executor.predictSync(data, options));
    await expect(executor.predict(data, options, other.read('current'))).rejects.toMatchObject({ code: 'ERR_STATE' });
    for (const reading of [aborted, live]) reading.dispose();
  });

  test('published predictions run during a job', async () => {
    const spec = network(dtype, 60, [dense(50, 'relu'), dense(3)]);
    const executor = started(spec);
    const options = randomData(spec, 200, 6);
    const data = executor.load(options);
    executor.publish();
    const before = executor.predictArraySync(options.x, 200, 'outputs');
    const running = executor.trainSteps(data, { ...all(200), batchSize: 10, repeat: 5, stepScalars: constantScalars(spec, 100), maxMilliseconds: Infinity });
    const predicted = executor.predict(data, { ...all(200), output: 'outputs', weights: 'published' });
    expectSame(executor.predictArraySync(options.x, 200, 'outputs', 'published'), before);
    expectSame(await predicted, before);
    expect((await running).steps).toBe(100);
  });

  test('every prediction has an array of its own, of its own length', () => {
    const spec = network(dtype, 3, [dense(2)]);
    const executor = make(spec);
    executor.setState(randomState(spec, 4));
    // Around the size from which the native backend makes arrays in another way.
    for (const rows of [1, 3, 4, 5, 8, 9]) {
      const [x, other] = [randomData(spec, rows, 1).x, randomData(spec, rows, 2).x];
      const first = executor.predictArraySync(x, rows, 'logits');
      const [kept, second] = [first.slice(), executor.predictArraySync(other, rows, 'logits')];
      expect(first).toHaveLength(2 * rows);
      expect(first.buffer.byteLength).toBe(first.byteLength);
      expectSame(first, kept);
      expect([...second]).not.toEqual([...first]);
      expectSame(executor.predictSync(executor.load({ x, rows }), { order: null, from: 0, to: rows, output: 'logits' }), first);
    }
  });

  test('head: what predict applies to the logits', () => {
    for (const head of ['none', 'softmax', 'sigmoid'] as const) {
      const spec = network(dtype, 4, [dense(3)], { head, loss: sigmoidLoss() });
      const executor = started(spec);
      const { x } = randomData(spec, 5, 4);
      const [logits, outputs] = [executor.predictArraySync(x, 5, 'logits'), executor.predictArraySync(x, 5, 'outputs')];
      for (let row = 0; row < 5; row++) {
        const z = Array.from(logits.slice(3 * row, 3 * row + 3));
        const total = z.reduce((sum, value) => sum + Math.exp(value), 0);
        const expected = z.map((value) => (head === 'none' ? value : head === 'softmax' ? Math.exp(value) / total : 1 / (1 + Math.exp(-value))));
        expected.forEach((value, i) => expect(Math.abs(outputs[3 * row + i] - value)).toBeLessThan(dtype === 'float64' ? 1e-14 : 1e-6));
      }
    }
  });

  test('networks without loss or optimizer predict', () => {
    const spec = network(dtype, 4, [dense(3, 'softmax')], { loss: null, optimizer: null });
    const executor = started(spec);
    const p = executor.predictArraySync(randomData(spec, 2, 1).x, 2, 'outputs');
    expect(p.length).toBe(2 * outputSize(spec));
    expect(Math.abs(p[0] + p[1] + p[2] - 1)).toBeLessThan(1e-6);
  });

  test('wide and narrow layers of all sizes learn', () => {
    for (const [inputs, ...units] of [[1, 1], [17, 17, 1], [31, 16, 8, 33], [64, 48, 32, 2]]) {
      const spec = network(dtype, inputs, units.map((count, i) => dense(count, i < units.length - 1 ? 'tanh' : 'linear')), { loss: squaredLoss() });
      const executor = started(spec);
      const data = executor.load(randomData(spec, 33, 2));
      const { losses } = executor.trainStepsSync(data, { ...all(33), batchSize: 33, repeat: 60, stepScalars: constantScalars(spec, 60, 0.1) });
      expect(losses[59]).toBeLessThan(losses[0]);
    }
  });

  test('infinite and NaN weights show in the loss, not in the rows they do not touch', () => {
    const spec = network(dtype, 2, [dense(2)], { loss: squaredLoss() });
    const executor = make(spec);
    for (const bad of [NaN, Infinity, -Infinity]) {
      executor.setState({ parameters: [floats(dtype, [1, 1, bad, 1]), floats(dtype, [0, 0])], slots: {}, step: 0 });
      const logits = executor.predictArraySync(Float64Array.of(1, 1), 1, 'logits');
      expect(logits[0]).toBe(2);
      expect(logits[1]).toBe(bad);
      // 0 · inf is NaN: zeros must not be skipped here.
      expect(executor.predictArraySync(Float64Array.of(0, 1), 1, 'logits')[1]).toBeNaN();
      const data = executor.load({ x: Float64Array.of(1, 1), rows: 1, y: { kind: 'values', values: Uint8Array.of(0, 0) } });
      const result = executor.trainStepsSync(data, { ...all(1), batchSize: 1, stepScalars: stepOf({ rate: 0.1 }) });
      expect([result.stopped, result.steps, result.losses.length]).toEqual(['nonFinite', 0, 1]);
      expectSameLists(executor.getState().parameters, [floats(dtype, [1, 1, bad, 1]), floats(dtype, [0, 0])]);
    }
  });
}
