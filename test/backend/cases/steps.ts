// Steps, slices, orders, and the same machinery taken apart.
import { expect } from 'vitest';
import type { Executor, TrainResult } from '../../../src/backend/contract/executor.js';
import { parameterShapes } from '../../../src/backend/contract/spec.js';
import type { NetworkSpec } from '../../../src/backend/contract/spec.js';
import type { Suite } from '../executor.cases.js';
import { adam, constantScalars, dense, dropout, expectClose, expectSame, expectSameLists, expectSameState, floats, network, randomData, randomState, rescaling, rounded, sgd, softmaxLoss, squaredLoss, stepOf } from '../networks.js';

export function stepCases({ make, dtype, tolerance, test }: Suite): void {
  const spec = (): NetworkSpec => network(dtype, 7, [dense(9, 'relu'), dropout(0.3), dense(5, 'tanh'), dense(3)], { optimizer: sgd({ momentum: 0.9 }) });
  const started = (of: NetworkSpec = spec(), seed = 3): Executor => {
    const executor = make(of);
    executor.setState(randomState(of, seed));
    return executor;
  };

  test('does one step as worked out by hand', () => {
    // All numbers are dyadic, so every dtype and every order of summation gives exactly these.
    //   x = (1, 2), (-1, 1); W1 = ((0.5, -0.25), (1, 1)), b1 = (0.25, -1), relu; W2 = (1, -0.5), b2 = 0.5; y = 1, 0
    //   row 0: z1 = (0.5 - 0.5 + 0.25, 1 + 2 - 1) = (0.25, 2), active; out = 0.25 - 1 + 0.5 = -0.25
    //   row 1: z1 = (-0.5 - 0.25 + 0.25, -1 + 1 - 1) = (-0.5, -1), inactive; out = 0.5
    //   loss = ((-0.25 - 1)² + 0.5²) / 2 = 0.90625; dout = 2 (out - y) / 2 = -1.25, 0.5
    //   dW2 = -1.25 (0.25, 2) = (-0.3125, -2.5); db2 = -0.75
    //   dz1 = -1.25 (1, -0.5) = (-1.25, 0.625) in row 0, 0 in row 1; dW1 = ((-1.25, -2.5), (0.625, 1.25)); db1 = (-1.25, 0.625)
    //   dx row 0 = -1.25 (0.5, -0.25) + 0.625 (1, 1) = (0, 0.9375); row 1 = 0
    const handSpec = network(dtype, 2, [dense(2, 'relu'), dense(1)], { loss: squaredLoss() });
    const executor = make(handSpec);
    executor.setState({ parameters: [[0.5, -0.25, 1, 1], [0.25, -1], [1, -0.5], [0.5]].map((values) => floats(dtype, values)), slots: {}, step: 0 });
    const data = executor.load({ x: floats(dtype, [1, 2, -1, 1]), rows: 2, y: { kind: 'values', values: floats(dtype, [1, 0]) } });
    const all = { order: null, from: 0, to: 2 };
    const worked = executor.lossAndGradients(data, all);
    expect(worked.loss).toBe(0.90625);
    expect(worked.penalty).toBe(0);
    expectSame(worked.outputs, floats(dtype, [-0.25, 0.5]));
    expectSameLists(worked.gradients, [[-1.25, -2.5, 0.625, 1.25], [-1.25, 0.625], [-0.3125, -2.5], [-0.75]].map((values) => floats(dtype, values)));
    expectSame(worked.dx, floats(dtype, [0, 0.9375, 0, 0]));
    const result = executor.trainStepsSync(data, { ...all, batchSize: 2, stepScalars: stepOf({ rate: 0.5 }) });
    expect(result).toEqual({ steps: 1, losses: Float64Array.of(0.90625), correct: null, stopped: 'done', outputs: null });
    const { parameters, step } = executor.getState();
    expectSameLists(parameters, [[1.125, 1, 0.6875, 0.375], [0.875, -1.3125], [1.15625, 0.75], [0.875]].map((values) => floats(dtype, values)));
    expect(step).toBe(1);
  });

  test('slices of one step give the bytes of one call', () => {
    const executors = [started(), started(), started()];
    const options = randomData(executors[0].spec, 23, 5);
    const pass = { order: null, from: 0, to: 23, batchSize: 4, repeat: 3, stepScalars: constantScalars(executors[0].spec, 18) };
    const [whole, byPass, byStep] = executors.map((executor, slicing) => {
      const data = executor.load(options);
      const together = { losses: [] as number[], correct: [] as number[], outputs: [] as number[], slices: [] as number[] };
      for (let stopped: TrainResult['stopped'] = 'slice'; stopped === 'slice';) {
        // With outputs a slice ends with its pass, without them nothing but time ends it.
        const limits = slicing === 0 ? {} : slicing === 1 ? { outputs: true } : { outputs: true, maxMilliseconds: 0 };
        const slice = executor.trainStepsSync(data, { ...pass, firstStep: together.losses.length, ...limits });
        stopped = slice.stopped;
        expect(stopped).toBe(together.losses.length + slice.steps === 18 ? 'done' : 'slice');
        together.losses.push(...slice.losses);
        together.correct.push(...(slice.correct ?? []));
        together.outputs.push(...(slice.outputs ?? []));
        together.slices.push(slice.steps);
      }
      return together;
    });
    expect([whole.slices, byPass.slices, byStep.slices]).toEqual([[18], [6, 6, 6], Array<number>(18).fill(1)]);
    expect(byPass.outputs.length).toBe(3 * 23 * 3);
    expect(byStep).toEqual({ ...byPass, slices: byStep.slices });
    expect({ ...whole, outputs: [], slices: [] }).toEqual({ ...byPass, outputs: [], slices: [] });
    expectSameState(executors[1], executors[0]);
    expectSameState(executors[2], executors[0]);
  });

  test('async slices give the bytes of a sync call', async () => {
    const [whole, sliced] = [started(), started()];
    const options = randomData(whole.spec, 40, 5);
    const pass = { order: null, from: 0, to: 40, batchSize: 8, repeat: 20, stepScalars: constantScalars(whole.spec, 100) };
    whole.trainStepsSync(whole.load(options), pass);
    const data = sliced.load(options);
    let firstStep = 0;
    let stopped: TrainResult['stopped'] = 'slice';
    while (stopped === 'slice') {
      const slice = await sliced.trainSteps(data, { ...pass, firstStep, maxMilliseconds: 1 });
      expect(slice.steps).toBeGreaterThan(0);
      firstStep += slice.steps;
      stopped = slice.stopped;
    }
    expect([stopped, firstStep]).toEqual(['done', 100]);
    expectSameState(sliced, whole);
  });

  test('abort ends a slice between steps', async () => {
    const [aborted, other] = [started(), started()];
    const options = randomData(aborted.spec, 64, 5);
    const pass = { order: null, from: 0, to: 64, batchSize: 2, repeat: 50, stepScalars: constantScalars(aborted.spec, 1600) };
    const running = aborted.trainSteps(aborted.load(options), { ...pass, maxMilliseconds: Infinity });
    aborted.abort();
    const result = await running;
    expect(result.stopped).toBe(result.steps === 1600 ? 'done' : 'aborted');
    expect(result.losses.length).toBe(result.steps);
    const data = other.load(options);
    if (result.steps > 0) other.trainStepsSync(data, { ...pass, repeat: 50, stepScalars: pass.stepScalars, firstStep: 0, maxMilliseconds: 0 });
    for (let step = 1; step < result.steps; step++) other.trainStepsSync(data, { ...pass, firstStep: step, maxMilliseconds: 0 });
    expectSameState(aborted, other);
    // An abort with nothing running is not remembered.
    aborted.abort();
    const after = await aborted.trainSteps(aborted.load(options), { order: null, from: 0, to: 4, batchSize: 4, stepScalars: constantScalars(aborted.spec, 1) });
    expect([after.stopped, after.steps]).toEqual(['done', 1]);
  });

  test('repeat passes over the range again, in the same order', () => {
    const [repeated, apart] = [started(), started()];
    const options = randomData(repeated.spec, 11, 9);
    const order = Uint32Array.of(3, 10, 0, 4, 9, 1, 7);
    repeated.trainStepsSync(repeated.load(options), { order, from: 1, to: 7, batchSize: 4, repeat: 3, stepScalars: constantScalars(repeated.spec, 6) });
    const data = apart.load(options);
    for (let pass = 0; pass < 3; pass++) apart.trainStepsSync(data, { order, from: 1, to: 7, batchSize: 4, stepScalars: constantScalars(apart.spec, 2) });
    expectSameState(repeated, apart);
  });

  test('an order picks rows', () => {
    const [ordered, picked] = [started(), started()];
    const options = randomData(ordered.spec, 12, 1);
    const order = Uint32Array.of(11, 2, 2, 5, 0, 7);
    const x = options.x.slice(0, 6 * 7);
    order.forEach((row, i) => x.set(options.x.subarray(row * 7, row * 7 + 7), i * 7));
    const labels = options.y.values;
    const values = Int32Array.from(order, (row) => labels[row]);
    const a = ordered.trainStepsSync(ordered.load(options), { order, from: 1, to: 6, batchSize: 2, stepScalars: constantScalars(ordered.spec, 3), outputs: true });
    const b = picked.trainStepsSync(picked.load({ x, rows: 6, y: { kind: 'labels', values } }), { order: null, from: 1, to: 6, batchSize: 2, stepScalars: constantScalars(picked.spec, 3), outputs: true });
    expect(a).toEqual(b);
    expectSameState(ordered, picked);
  });

  test('the last batch takes what is left, a batch may be larger than the data, one row is enough', () => {
    const [executor, other] = [started(), started()];
    const options = randomData(executor.spec, 10, 2);
    const result = executor.trainStepsSync(executor.load(options), { order: null, from: 0, to: 10, batchSize: 4, stepScalars: constantScalars(executor.spec, 3) });
    expect(result.losses.length).toBe(3);
    const data = other.load(options);
    for (const [from, to] of [[0, 4], [4, 8], [8, 10]]) other.trainStepsSync(data, { order: null, from, to, batchSize: 1000, stepScalars: constantScalars(other.spec, 1) });
    expectSameState(executor, other);
    const one = executor.trainStepsSync(executor.load(randomData(executor.spec, 1, 3)), { order: null, from: 0, to: 1, batchSize: 64, stepScalars: constantScalars(executor.spec, 1) });
    expect(one.steps).toBe(1);
    expect(Number.isFinite(one.losses[0])).toBe(true);
  });

  test('outputs are those from before each update', () => {
    const plain = network(dtype, 4, [dense(6, 'sigmoid'), dense(3)]);
    const [executor, other] = [started(plain), started(plain)];
    const options = randomData(plain, 9, 4);
    const result = executor.trainStepsSync(executor.load(options), { order: null, from: 0, to: 9, batchSize: 4, stepScalars: constantScalars(plain, 3), outputs: true });
    const data = other.load(options);
    const outputs: number[] = [];
    for (const [from, to] of [[0, 4], [4, 8], [8, 9]]) {
      outputs.push(...other.predictSync(data, { order: null, from, to, output: 'outputs' }));
      other.trainStepsSync(data, { order: null, from, to, batchSize: 4, stepScalars: constantScalars(plain, 1) });
    }
    expectSame(result.outputs, floats(dtype, outputs));
  });

  test('evaluate gives the loss and the right predictions that a step would see', () => {
    for (const kind of ['labels', 'values'] as const) {
      const plain = network(dtype, 4, [dense(6, 'tanh', { l2: 0.01 }), dense(3)]);
      const executor = started(plain);
      const data = executor.load(randomData(plain, 21, 4, kind));
      const evaluated = executor.evaluateSync(data, { order: null, from: 2, to: 21, outputs: true });
      expectSame(evaluated.outputs, executor.predictSync(data, { order: null, from: 2, to: 21, output: 'outputs' }));
      expect(executor.evaluateSync(data, { order: null, from: 2, to: 21 }).outputs).toBe(null);
      const { losses, correct } = executor.trainStepsSync(data, { order: null, from: 2, to: 21, batchSize: 19, stepScalars: constantScalars(plain, 1) });
      expect(evaluated.lossSum / evaluated.denominator + evaluated.penalty).toBe(losses[0]);
      expect(evaluated.denominator).toBe(19);
      expect(evaluated.correct).toBe(correct?.[0]);
    }
  });

  test('async evaluate and predict agree with their sync twins', async () => {
    const executor = started();
    const data = executor.load(randomData(executor.spec, 30, 4));
    const rows = { order: Uint32Array.of(4, 29, 3), from: 0, to: 3 };
    expect(await executor.evaluate(data, { ...rows, outputs: true })).toEqual(executor.evaluateSync(data, { ...rows, outputs: true }));
    expectSame(await executor.predict(data, { ...rows, output: 'logits' }), executor.predictSync(data, { ...rows, output: 'logits' }));
  });

  test('a prediction has the same bytes alone, in any batch, at any position', () => {
    const wide = network(dtype, 37, [rescaling(0.5, 0.25), dense(19, 'relu'), dense(33, 'sigmoid'), dense(11)]);
    const executor = started(wide);
    const options = randomData(wide, 300, 8);
    const data = executor.load(options);
    const all = executor.predictSync(data, { order: null, from: 0, to: 300, output: 'logits' });
    for (const row of [0, 1, 13, 14, 127, 128, 255, 299]) {
      const expected = all.slice(row * 11, (row + 1) * 11);
      expectSame(executor.predictSync(data, { order: null, from: row, to: row + 1, output: 'logits' }), expected);
      expectSame(executor.predictArraySync(options.x.slice(row * 37, (row + 1) * 37), 1, 'logits'), expected);
      const order = Uint32Array.of(5, 9, row, 7, row);
      const mixed = executor.predictSync(data, { order, from: 0, to: 5, output: 'logits' });
      expectSame(mixed.slice(22, 33), expected);
      expectSame(mixed.slice(44, 55), expected);
    }
    expectSame(executor.predictArraySync(options.x, 300, 'logits'), all);
  });

  test('fused and materialised plans give the same bytes', () => {
    for (const optimizer of [sgd(), sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.01 }), adam()]) {
      const mixed = network(dtype, 7, [rescaling(0.5), dense(18, 'relu', { l2: 0.1 }), dropout(0.2), dense(17, 'tanh', { learningRateFactor: 0.5 }), dense(3, 'linear', { useBias: false })], { optimizer });
      const [fused, materialised] = [make(mixed, { plan: 'auto' }), make(mixed, { plan: 'materialised' })];
      const results = [fused, materialised].map((executor) => {
        executor.setState(randomState(mixed, 3));
        return executor.trainStepsSync(executor.load(randomData(mixed, 45, 3)), { order: null, from: 0, to: 45, batchSize: 16, repeat: 2, stepScalars: constantScalars(mixed, 6, 0.05) });
      });
      expect(results[0]).toEqual(results[1]);
      expectSameState(fused, materialised);
    }
  });

  test('forwardTrain, backward and applyGradients are a training step taken apart', () => {
    for (const optimizer of [sgd({ momentum: 0.5 }), adam()]) {
      // 8 rows, 1 output, targets 0: dlogits = 2 a / 8 is exact in every dtype.
      const taken = network(dtype, 5, [rescaling(2), dense(6, 'relu', { l2: 0.25 }), dropout(0.25), dense(4, 'softmax'), dense(1)], { loss: squaredLoss(), optimizer });
      const [apart, whole] = [started(taken), started(taken)];
      const options = { ...randomData(taken, 8, 6), y: { kind: 'values' as const, values: floats(dtype, new Float64Array(8)) } };
      const [a, b] = [apart.load(options), whole.load(options)];
      const rows = { order: null, from: 0, to: 8 };
      for (let step = 0; step < 3; step++) {
        const scalars = constantScalars(taken, 1, 0.1, step + 1);
        const { logits, outputs, activations } = apart.forwardTrain(a, rows);
        expectSame(logits, outputs);
        expect(activations.map((activation) => activation.length)).toEqual([48, 32, 8]);
        expectSame(activations[2], logits);
        const worked = whole.lossAndGradients(b, rows);
        const { gradients, dx } = apart.backward(floats(dtype, logits.map((value) => value / 4)));
        expectSame(dx, worked.dx);
        expectSameLists(gradients.slice(1), worked.gradients.slice(1));
        const weight = whole.getState().parameters[0];
        expectClose(worked.gradients[0], gradients[0].map((g, i) => g + 0.25 * weight[i]), tolerance);
        apart.applyGradients(gradients, scalars);
        whole.trainStepsSync(b, { ...rows, batchSize: 8, stepScalars: scalars });
        expectSameState(apart, whole);
      }
      expect(apart.getState().step).toBe(3);
    }
  });

  test('forwardTrain shows each layer: products, biases, activations', () => {
    const shown = network(dtype, 3, [dense(2, 'tanh'), dense(2, 'softmax'), dense(2, 'sigmoid'), dense(2)]);
    const executor = started(shown);
    const options = randomData(shown, 4, 6);
    const { activations, logits, outputs } = executor.forwardTrain(executor.load(options), { order: null, from: 0, to: 4 });
    const { parameters } = executor.getState();
    let x: number[][] = Array.from({ length: 4 }, (_, row) => [...options.x.slice(row * 3, row * 3 + 3)]);
    const softmax = (z: number[]): number[] => {
      const e = z.map((value) => Math.exp(value - Math.max(...z)));
      return e.map((value) => value / e.reduce((sum, term) => sum + term));
    };
    const functions = [(z: number[]) => z.map(Math.tanh), softmax, (z: number[]) => z.map((value) => 1 / (1 + Math.exp(-value))), (z: number[]) => z];
    functions.forEach((f, layer) => {
      const [weight, bias] = [parameters[2 * layer], parameters[2 * layer + 1]];
      x = x.map((row) => f([0, 1].map((o) => row.reduce((sum, value, i) => sum + value * weight[o * row.length + i], 0) + bias[o])));
      expectClose(activations[layer], x.flat(), tolerance);
    });
    expectSame(activations[3], logits);
    expectClose(outputs, x.map(softmax).flat(), tolerance);
  });

  test('a loss that is not finite stops before the update', () => {
    const exploding = network(dtype, 3, [dense(4), dense(2)], { loss: squaredLoss() });
    const [executor, other] = [started(exploding), started(exploding)];
    const options = randomData(exploding, 8, 2);
    const stepScalars = constantScalars(exploding, 400, 1e30);
    const pass = { order: null, from: 0, to: 8, batchSize: 4, repeat: 200, stepScalars };
    const result = executor.trainStepsSync(executor.load(options), pass);
    expect(result.stopped).toBe('nonFinite');
    expect(result.steps).toBeGreaterThan(0);
    expect(result.losses.length).toBe(result.steps + 1);
    expect(Number.isFinite(result.losses[result.steps])).toBe(false);
    expect(Number.isFinite(result.losses[result.steps - 1])).toBe(true);
    const data = other.load(options);
    for (let firstStep = 0; firstStep < result.steps; firstStep++) other.trainStepsSync(data, { ...pass, firstStep, maxMilliseconds: 0 });
    expect(executor.getState().step).toBe(result.steps);
    expectSameState(executor, other);
  });

  test('a sum of finite losses that overflows stops before the update', () => {
    // Each row's loss is about 1e308 (float32: the sum is double, so only the penalty can overflow there).
    const tall = network(dtype, 1, [dense(1, 'linear', { l2: dtype === 'float64' ? 0 : 1e300 })], { loss: squaredLoss() });
    const executor = make(tall);
    const start = [floats(dtype, [dtype === 'float64' ? 1e154 : 1e15]), floats(dtype, [0])];
    executor.setState({ parameters: start, slots: {}, step: 0 });
    const data = executor.load({ x: new Uint8Array(16).fill(1), rows: 16, y: { kind: 'values', values: new Uint8Array(16) } });
    const result = executor.trainStepsSync(data, { order: null, from: 0, to: 16, batchSize: 16, stepScalars: stepOf({ rate: 1e-3 }) });
    expect([result.stopped, result.steps, result.losses[0]]).toEqual(['nonFinite', 0, Infinity]);
    expectSameLists(executor.getState().parameters, start);
  });

  test('gradients of 1024 rows and more are sums of 16 blocks', () => {
    const small = network(dtype, 3, [dense(5, 'tanh'), dense(2)], { loss: squaredLoss('sum') });
    const executor = started(small);
    const rows = 1030;
    const data = executor.load(randomData(small, rows, 3));
    const whole = executor.lossAndGradients(data, { order: null, from: 0, to: rows });
    const sums = parameterShapes(small).map(({ size }) => new Float64Array(size));
    for (let block = 0; block < 16; block++) {
      const { gradients } = executor.lossAndGradients(data, { order: null, from: Math.floor((block * rows) / 16), to: Math.floor(((block + 1) * rows) / 16) });
      gradients.forEach((gradient, p) => gradient.forEach((value, i) => (sums[p][i] += value)));
    }
    whole.gradients.forEach((gradient, p) => {
      if (dtype === 'float64') expectSame(gradient, sums[p]);
      else expectClose(gradient, sums[p], tolerance);
    });
    const { logits } = executor.forwardTrain(data, { order: null, from: 0, to: rows });
    const target = randomData(small, rows, 3).y.values;
    const back = executor.backward(floats(dtype, logits.map((value, i) => rounded(dtype, 2 * rounded(dtype, value - target[i])))));
    expectSameLists(back.gradients, whole.gradients);
    expectSame(back.dx, whole.dx);
  });

  test('a large batch of a large network is one chain', () => {
    // 33,153 parameters: above the limit for blocks.
    const large = network(dtype, 255, [dense(128, 'relu'), dense(3)], { loss: softmaxLoss({ reduction: 'sum' }) });
    const executor = started(large);
    const data = executor.load(randomData(large, 1040, 3));
    const all = executor.lossAndGradients(data, { order: null, from: 0, to: 1040 });
    const halves = [[0, 520], [520, 1040]].map(([from, to]) => executor.lossAndGradients(data, { order: null, from, to }));
    all.gradients.forEach((gradient, p) => expectClose(gradient, gradient.map((_, i) => halves[0].gradients[p][i] + halves[1].gradients[p][i]), tolerance));
    expect(Math.abs(all.loss - halves[0].loss - halves[1].loss)).toBeLessThan(tolerance * all.loss);
  });
}
