// What is refused, with which code, and that nothing changes then.
import { expect } from 'vitest';
import type { Executor, ExecutorState, TrainOptions } from '../../../src/backend/contract/executor.js';
import type { NetworkSpec } from '../../../src/backend/contract/spec.js';
import { isNablaError, show, type NablaErrorCode } from '../../../src/base/errors.js';
import type { Suite } from '../executor.cases.js';
import { adam, constantScalars, dense, dropout, expectSameLists, floats, network, normalization, randomData, randomState, rescaling, sgd, sigmoidLoss, softmaxLoss, stepOf } from '../networks.js';

/** Whatever it throws or rejects with must be a NablaError with this code and a message of the house's form. */
async function expectCode(code: NablaErrorCode, action: () => unknown, mentions: readonly string[] = []): Promise<void> {
  let caught: unknown;
  try {
    await action();
  } catch (error) {
    caught = error;
  }
  if (!isNablaError(caught)) expect.fail(`expected ${code}, got ${caught === undefined ? 'no error' : show(caught)}`);
  expect([caught.code, caught.message]).toEqual([code, caught.message]);
  expect(caught.message).toMatch(/^\[\w+\] .+\. Expected .+\.$/s);
  for (const mention of mentions) expect(caught.message).toContain(mention);
}

export function errorCases({ make, dtype, test }: Suite): void {
  const spec = (): NetworkSpec => network(dtype, 4, [dense(5, 'relu'), dropout(0.1), dense(3)], { optimizer: sgd({ momentum: 0.9 }) });
  const started = (of: NetworkSpec = spec()): Executor => {
    const executor = make(of);
    executor.setState(randomState(of, 3));
    return executor;
  };
  const build = (changes: Partial<NetworkSpec>) => () => make({ ...spec(), ...changes });

  test('refuses specs that mean nothing', async () => {
    // @ts-expect-error: unknown dtype
    await expectCode('ERR_OPTION', build({ dtype: 'float16' }), ['float32', 'float64']);
    // @ts-expect-error: unknown activation
    await expectCode('ERR_OPTION', build({ layers: [dense(3, 'swish')] }), ['relu', '"swish"']);
    // @ts-expect-error: unknown layer
    await expectCode('ERR_OPTION', build({ layers: [{ kind: 'conv', name: 'c' }] }), ['dense']);
    // @ts-expect-error: unknown loss
    await expectCode('ERR_OPTION', build({ loss: { name: 'ctc', reduction: 'mean' } }), ['softmaxCrossEntropy', 'huber']);
    await expectCode('ERR_RANGE', build({ loss: { name: 'huber', reduction: 'mean', delta: 0 } }));
    await expectCode('ERR_RANGE', build({ layers: [dense(3, { name: 'softplus', beta: 0, threshold: 20 })] }));
    await expectCode('ERR_RANGE', build({ layers: [dense(3, { name: 'elu', alpha: NaN })] }));
    // @ts-expect-error: unknown optimizer
    await expectCode('ERR_OPTION', build({ optimizer: { name: 'praxis' } }), ['sgd', 'adam', 'lion']);
    // @ts-expect-error: unknown head
    await expectCode('ERR_OPTION', build({ head: 'argmax' }), ['sigmoid']);
    // @ts-expect-error: unknown plan
    await expectCode('ERR_OPTION', () => make(spec(), { plan: 'best' }), ['materialised']);
    await expectCode('ERR_OPTION', build({ layers: [] }));
    await expectCode('ERR_OPTION', build({ layers: [dropout(0.5)] }));
    await expectCode('ERR_OPTION', build({ layers: [dense(3), rescaling(2)] }));
    // @ts-expect-error: units in words
    await expectCode('ERR_TYPE', build({ layers: [dense('3')] }), ['units']);
    await expectCode('ERR_RANGE', build({ layers: [dense(0)] }), ['units']);
    await expectCode('ERR_RANGE', build({ layers: [dense(2.5)] }));
    await expectCode('ERR_RANGE', build({ inputSize: -4 }));
    await expectCode('ERR_RANGE', build({ seed: 2 ** 53 }));
    await expectCode('ERR_RANGE', build({ layers: [dense(3, 'relu', { l2: -1 })] }));
    await expectCode('ERR_RANGE', build({ layers: [dense(3, 'relu', { learningRateFactor: NaN })] }));
    await expectCode('ERR_RANGE', build({ layers: [dropout(1), dense(3)] }));
    await expectCode('ERR_RANGE', build({ layers: [rescaling(Infinity), dense(3)] }));
    await expectCode('ERR_OPTION', build({ layers: [dense(3), normalization([0, 0, 0, 0], [1, 1, 1, 1])] }));
    await expectCode('ERR_SHAPE', build({ layers: [normalization([0], [1, 1, 1, 1]), dense(3)] }), ['mean', '4 numbers']);
    await expectCode('ERR_SHAPE', build({ layers: [normalization([0, 0, 0, 0], [1, 1]), dense(3)] }), ['variance']);
    await expectCode('ERR_RANGE', build({ layers: [normalization([0, 0, NaN, 0], [1, 1, 1, 1]), dense(3)] }), ['mean[2]']);
    await expectCode('ERR_RANGE', build({ layers: [normalization([0, 0, 0, 0], [1, -1, 1, 1]), dense(3)] }), ['variance[1]']);
    await expectCode('ERR_RANGE', build({ loss: softmaxLoss({ labelSmoothing: 1.01 }) }));
    await expectCode('ERR_SHAPE', build({ loss: softmaxLoss({ classWeights: [1, 2] }) }));
    await expectCode('ERR_RANGE', build({ loss: sigmoidLoss({ positiveWeights: [1, 2, -1] }) }));
    await expectCode('ERR_RANGE', build({ optimizer: sgd({ momentum: -0.1 }) }));
    await expectCode('ERR_RANGE', build({ optimizer: adam({ beta1: 1 }) }));
    await expectCode('ERR_RANGE', build({ optimizer: adam({ epsilon: NaN }) }));
    await expectCode('ERR_RANGE', build({ optimizer: adam({ weightDecay: -1 }) }));
    await expectCode('ERR_RANGE', build({ optimizer: { name: 'rmsprop', rho: 1, momentum: 0, epsilon: 1e-7, centered: false } }));
    await expectCode('ERR_RANGE', build({ optimizer: { name: 'adagrad', epsilon: 1e-7, initialAccumulatorValue: -1 } }));
    await expectCode('ERR_RANGE', build({ optimizer: { name: 'adadelta', rho: 0.9, epsilon: -1 } }));
    await expectCode('ERR_RANGE', build({ optimizer: { name: 'adamax', beta1: 0.9, beta2: 1, epsilon: 1e-7 } }));
    await expectCode('ERR_RANGE', build({ optimizer: { name: 'lion', beta1: -0.1, beta2: 0.9, weightDecay: 0 } }));
    const nadam = { name: 'nadam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, momentumDecay: 0.004, weightDecay: 0 } as const;
    await expectCode('ERR_RANGE', build({ optimizer: { ...nadam, momentumDecay: -1 } }));
    await expectCode('ERR_RANGE', build({ optimizer: { ...nadam, weightDecay: Infinity } }));
  });

  test('refuses limits, penalties and constraints that mean nothing', async () => {
    for (const name of ['clipvalue', 'clipnorm', 'globalClipnorm'] as const) {
      for (const bad of [0, -1, NaN, Infinity]) await expectCode('ERR_RANGE', build({ optimizer: sgd({ [name]: bad }) }), [name]);
      await expectCode('ERR_TYPE', build({ optimizer: sgd({ [name]: '1' }) }), [name]);
    }
    await expectCode('ERR_OPTION', build({ optimizer: sgd({ clipvalue: 1, globalClipnorm: 1 }) }), ['one of clipvalue, clipnorm, globalClipnorm', 'clipvalue, globalClipnorm']);
    // @ts-expect-error: unknown norm
    await expectCode('ERR_OPTION', build({ optimizer: sgd({ clipnorm: 1, normType: 3 }) }), ['"inf"']);
    await expectCode('ERR_OPTION', build({ optimizer: sgd({ clipvalue: 1, normType: 1 }) }), ['clipnorm or globalClipnorm']);
    for (const l1 of [-1, NaN, Infinity]) await expectCode('ERR_RANGE', build({ layers: [dense(3, 'relu', { l1 })] }), ['l1']);
    // @ts-expect-error: unknown constraint
    await expectCode('ERR_OPTION', build({ layers: [dense(3, 'relu', { kernelConstraint: { name: 'minNorm' } })] }), ['maxNorm', 'unitNorm']);
    // @ts-expect-error: a name alone
    await expectCode('ERR_TYPE', build({ layers: [dense(3, 'relu', { kernelConstraint: 'unitNorm' })] }), ['unitNorm']);
    for (const maxValue of [0, NaN, Infinity]) await expectCode('ERR_RANGE', build({ layers: [dense(3, 'relu', { kernelConstraint: { name: 'maxNorm', maxValue } })] }), ['maxValue']);
    // @ts-expect-error: a bias has no inputs
    await expectCode('ERR_OPTION', build({ layers: [dense(3, 'relu', { biasConstraint: { name: 'unitNorm' } })] }), ['nonNegative']);
  });

  test('refuses absurd sizes before it takes memory', async () => {
    await expectCode('ERR_MEMORY', build({ layers: [dense(2 ** 40)] }));
    await expectCode('ERR_MEMORY', build({ inputSize: 2 ** 20, layers: [dense(2 ** 20), dense(3)] }));
    await expectCode('ERR_MEMORY', build({ inputSize: 2 ** 40, layers: [dense(2 ** 40), dense(3)] }));
  });

  test('refuses data that does not fit', async () => {
    const executor = started();
    const { x, y } = randomData(executor.spec, 6, 1);
    const labels = (...values: number[]) => ({ x, rows: 6, y: { kind: 'labels' as const, values: Int32Array.from(values) } });
    await expectCode('ERR_SHAPE', () => executor.load({ x, rows: 5 }), ['20']);
    await expectCode('ERR_SHAPE', () => executor.load({ x: x.subarray(1), rows: 6 }));
    await expectCode('ERR_SHAPE', () => executor.load({ x, rows: 2 ** 40 }));
    await expectCode('ERR_RANGE', () => executor.load({ x: x.subarray(0, 0), rows: 0 }));
    await expectCode('ERR_RANGE', () => executor.load({ x, rows: 1.5 }));
    // @ts-expect-error: an array of another kind
    await expectCode('ERR_TYPE', () => executor.load({ x: new Int16Array(24), rows: 6 }), ['Int16Array']);
    // @ts-expect-error: a plain array
    await expectCode('ERR_TYPE', () => executor.load({ x: [1, 2, 3, 4], rows: 1 }));
    await expectCode('ERR_SHAPE', () => executor.load(labels(0, 1, 2)));
    await expectCode('ERR_RANGE', () => executor.load(labels(0, 1, 2, 3, 0, 0)), ['row 3', '3']);
    await expectCode('ERR_RANGE', () => executor.load(labels(0, 1, 2, 0, -1, 0)), ['row 4', '-1']);
    // @ts-expect-error: labels of another kind
    await expectCode('ERR_TYPE', () => executor.load({ x, rows: 6, y: { kind: 'labels', values: new Uint8Array(6) } }));
    // @ts-expect-error: unknown kind of targets
    await expectCode('ERR_OPTION', () => executor.load({ x, rows: 6, y: { kind: 'classes', values: new Int32Array(6) } }));
    await expectCode('ERR_SHAPE', () => executor.load({ x, rows: 6, y: { kind: 'values', values: new Float32Array(6) } }));
    await expectCode('ERR_SHAPE', () => executor.load({ x, rows: 6, sampleWeight: new Float64Array(5) }));
    await expectCode('ERR_RANGE', () => executor.load({ x, rows: 6, sampleWeight: Float64Array.of(1, 1, 1, 1, 1, -1) }));
    await expectCode('ERR_NON_FINITE', () => executor.load({ x, rows: 6, sampleWeight: Float64Array.of(1, NaN, 1, 1, 1, 1) }));
    const sigmoid = make(network(dtype, 4, [dense(3)], { loss: sigmoidLoss() }));
    await expectCode('ERR_OPTION', () => sigmoid.load({ x, rows: 6, y }), ['sigmoidCrossEntropy']);
  });

  test('refuses numbers that are not finite and says where', async () => {
    const executor = started();
    for (const bad of [NaN, Infinity, -Infinity]) {
      for (const at of [0, 14, 23]) {
        for (const make32 of [true, false]) {
          const x = make32 ? new Float32Array(24) : new Float64Array(24);
          x[at] = bad;
          await expectCode('ERR_NON_FINITE', () => executor.load({ x, rows: 6 }), [`row ${Math.floor(at / 4)}`, `column ${at % 4}`]);
          await expectCode('ERR_NON_FINITE', () => executor.predictArraySync(x, 6, 'logits'), [`row ${Math.floor(at / 4)}`, `column ${at % 4}`]);
        }
      }
    }
    const y = new Float64Array(18);
    y[7] = NaN;
    await expectCode('ERR_NON_FINITE', () => executor.load({ x: new Uint8Array(24), rows: 6, y: { kind: 'values', values: y } }), ['row 2', 'column 1']);
  });

  test('refuses training calls that cannot run, and changes nothing', async () => {
    const executor = started();
    const before = executor.getState();
    const data = executor.load(randomData(executor.spec, 6, 1));
    const good: TrainOptions = { order: null, from: 0, to: 6, batchSize: 4, stepScalars: constantScalars(executor.spec, 2) };
    const cases: [NablaErrorCode, Partial<TrainOptions>][] = [
      ['ERR_RANGE', { from: 6 }], ['ERR_RANGE', { from: -1 }], ['ERR_RANGE', { to: 7 }], ['ERR_RANGE', { to: 0.5 }], ['ERR_RANGE', { from: NaN }],
      ['ERR_RANGE', { order: Uint32Array.of(0, 1, 2, 3, 4, 6) }], ['ERR_RANGE', { order: Uint32Array.of(0, 1, 2) }],
      ['ERR_RANGE', { batchSize: 0 }], ['ERR_RANGE', { batchSize: 1.5 }], ['ERR_RANGE', { repeat: 0 }], ['ERR_RANGE', { firstStep: 2 }], ['ERR_RANGE', { firstStep: -1 }],
      ['ERR_RANGE', { maxMilliseconds: -1 }], ['ERR_RANGE', { maxMilliseconds: NaN }],
      ['ERR_SHAPE', { stepScalars: new Float64Array(3) }], ['ERR_SHAPE', { stepScalars: new Float64Array(0) }], ['ERR_NON_FINITE', { stepScalars: stepOf({ rate: 0.1, dampening: Infinity }) }], ['ERR_SHAPE', { repeat: 2 }], ['ERR_NON_FINITE', { stepScalars: Float64Array.from([...stepOf({ rate: 0.1 }), ...stepOf({ rate: NaN })]) }],
    ];
    for (const [code, changes] of cases) {
      await expectCode(code, () => executor.trainStepsSync(data, { ...good, ...changes }));
      await expectCode(code, () => executor.trainSteps(data, { ...good, ...changes }));
    }
    // @ts-expect-error: an order of another kind
    await expectCode('ERR_TYPE', () => executor.trainStepsSync(data, { ...good, order: Int32Array.of(0, 1, 2, 3, 4, 5) }));
    // @ts-expect-error: scalars of another kind
    await expectCode('ERR_TYPE', () => executor.trainStepsSync(data, { ...good, stepScalars: new Float32Array(4) }));
    const after = executor.getState();
    expectSameLists(after.parameters, before.parameters);
    expect(after.step).toBe(before.step);
    expect((await executor.trainSteps(data, good)).stopped).toBe('done');
  });

  test('refuses calls for which something is missing', async () => {
    const executor = started();
    const bare = executor.load({ x: new Uint8Array(24), rows: 6 });
    const rows = { order: null, from: 0, to: 6 };
    const train = { ...rows, batchSize: 6, stepScalars: constantScalars(executor.spec, 1) };
    await expectCode('ERR_STATE', () => executor.trainStepsSync(bare, train));
    await expectCode('ERR_STATE', () => executor.evaluateSync(bare, rows));
    await expectCode('ERR_STATE', () => executor.evaluate(bare, rows));
    await expectCode('ERR_STATE', () => executor.lossAndGradients(bare, rows));
    await expectCode('ERR_STATE', () => executor.predictSync(bare, { ...rows, output: 'outputs', weights: 'published' }));
    await expectCode('ERR_STATE', () => executor.backward(floats(dtype, new Float64Array(18))));
    const predictor = started(network(dtype, 4, [dense(3)], { loss: null, optimizer: null }));
    const data = predictor.load({ x: new Uint8Array(24), rows: 6 });
    await expectCode('ERR_STATE', () => predictor.trainStepsSync(data, train));
    await expectCode('ERR_STATE', () => predictor.evaluateSync(data, rows));
    await expectCode('ERR_STATE', () => predictor.applyGradients([floats(dtype, new Float64Array(12)), floats(dtype, new Float64Array(3))], stepOf({ rate: 0.1 })));
    await expectCode('ERR_STATE', () => predictor.predictSync(bare, { ...rows, output: 'outputs' }));
    // @ts-expect-error: no output of that name
    await expectCode('ERR_OPTION', () => predictor.predictSync(data, { ...rows, output: 'labels' }));
    // @ts-expect-error: no weights of that name
    await expectCode('ERR_OPTION', () => predictor.predictSync(data, { ...rows, output: 'logits', weights: 'best' }));
    await expectCode('ERR_SHAPE', () => predictor.predictArraySync(new Uint8Array(7), 2, 'logits'));
    bare.dispose();
    bare.dispose();
    await expectCode('ERR_STATE', () => executor.predictSync(bare, { ...rows, output: 'outputs' }));
  });

  test('backward wants what forwardTrain left', async () => {
    const executor = started();
    const data = executor.load(randomData(executor.spec, 6, 1));
    const rows = { order: null, from: 0, to: 6 };
    const dLogits = floats(dtype, new Float64Array(18).fill(0.5));
    executor.forwardTrain(data, rows);
    await expectCode('ERR_SHAPE', () => executor.backward(dLogits.subarray(1)));
    await expectCode('ERR_TYPE', () => executor.backward(dtype === 'float32' ? new Float64Array(18) : new Float32Array(18)));
    executor.backward(dLogits);
    executor.forwardTrain(data, rows);
    executor.trainStepsSync(data, { ...rows, batchSize: 6, stepScalars: constantScalars(executor.spec, 1) });
    await expectCode('ERR_STATE', () => executor.backward(dLogits));
  });

  test('refuses gradients and states of other networks, and takes nothing of them', async () => {
    const executor = started();
    const before = executor.getState();
    const wrong = dtype === 'float32' ? new Float64Array(20) : new Float32Array(20);
    const zeros = before.parameters.map((parameter) => floats(dtype, new Float64Array(parameter.length)));
    const scalars = stepOf({ rate: 0.1 });
    await expectCode('ERR_SHAPE', () => executor.applyGradients(zeros.slice(1), scalars));
    await expectCode('ERR_SHAPE', () => executor.applyGradients([zeros[1], ...zeros.slice(1)], scalars));
    await expectCode('ERR_TYPE', () => executor.applyGradients([wrong, ...zeros.slice(1)], scalars));
    await expectCode('ERR_SHAPE', () => executor.applyGradients(zeros, Float64Array.of(0.1)));
    const state = (changes: Partial<ExecutorState>) => () => executor.setState({ parameters: zeros, slots: { momentum: zeros }, step: 3, ...changes });
    await expectCode('ERR_SHAPE', state({ parameters: zeros.slice(0, 3) }));
    await expectCode('ERR_SHAPE', state({ parameters: [...zeros.slice(0, 3), floats(dtype, [1, 2])] }));
    await expectCode('ERR_TYPE', state({ parameters: [wrong, ...zeros.slice(1)] }));
    await expectCode('ERR_OPTION', state({ slots: {} }), ['momentum']);
    await expectCode('ERR_OPTION', state({ slots: { momentum: zeros, velocity: zeros } }), ['velocity']);
    await expectCode('ERR_SHAPE', state({ slots: { momentum: zeros.slice(1) } }));
    await expectCode('ERR_RANGE', state({ step: -1 }));
    const after = executor.getState();
    expectSameLists(after.parameters, before.parameters);
    expectSameLists(after.slots['momentum'], before.slots['momentum']);
    expect(after.step).toBe(0);
  });

  test('one writer: what changes weights is refused while a job runs', async () => {
    const executor = started();
    const data = executor.load(randomData(executor.spec, 6, 1));
    const pass = { order: null, from: 0, to: 6, batchSize: 2, repeat: 200, stepScalars: constantScalars(executor.spec, 600, 0.001), maxMilliseconds: Infinity };
    const running = executor.trainSteps(data, pass);
    if (executor.backend === 'native') {
      const { parameters, slots } = randomState(executor.spec, 1);
      await expectCode('ERR_BUSY', () => executor.trainStepsSync(data, pass));
      await expectCode('ERR_BUSY', () => executor.setState({ parameters, slots, step: 0 }));
      await expectCode('ERR_BUSY', () => executor.applyGradients(parameters, stepOf({ rate: 0.1 })));
    }
    expect((await running).steps).toBe(600);
    executor.setState(randomState(executor.spec, 1));
  });

  test('a disposed network refuses everything', async () => {
    const executor = started();
    const data = executor.load(randomData(executor.spec, 6, 1));
    const rows = { order: null, from: 0, to: 6 };
    executor.dispose();
    executor.dispose();
    await expectCode('ERR_STATE', () => executor.load(randomData(executor.spec, 6, 1)));
    await expectCode('ERR_STATE', () => executor.getState());
    await expectCode('ERR_STATE', () => executor.publish());
    await expectCode('ERR_STATE', () => executor.predictSync(data, { ...rows, output: 'logits' }));
    await expectCode('ERR_STATE', () => executor.predict(data, { ...rows, output: 'logits' }));
    await expectCode('ERR_STATE', () => executor.predictArraySync(new Uint8Array(4), 1, 'logits'));
    await expectCode('ERR_STATE', () => executor.trainSteps(data, { ...rows, batchSize: 6, stepScalars: constantScalars(executor.spec, 1) }));
    await expectCode('ERR_STATE', () => executor.forwardTrain(data, rows));
  });
}
