// Update rules by hand, all numbers dyadic and so exact in every dtype; rate factors, decay, penalties.
import { expect } from 'vitest';
import { STEP_NUMBERS } from '../../../src/backend/contract/spec.js';
import type { Executor } from '../../../src/backend/contract/executor.js';
import type { DenseSpec, NetworkSpec, OptimizerSpec } from '../../../src/backend/contract/spec.js';
import type { Suite } from '../executor.cases.js';
import { adam, constantScalars, dense, everyOptimizer, expectSameLists, expectSameState, floats, freshSlots, network, randomData, randomState, sgd, stepOf } from '../networks.js';

export function updateCases({ make, dtype, test }: Suite): void {
  /** One weight p, updated with given gradients. @returns p after each */
  function updates(optimizer: OptimizerSpec, p: number, gradients: readonly number[], steps: readonly Float64Array[], layer: Partial<DenseSpec> = {}): { executor: Executor; values: number[] } {
    const spec = network(dtype, 1, [dense(1, 'linear', { useBias: false, ...layer })], { loss: null, optimizer });
    const executor = make(spec);
    const parameters = [floats(dtype, [p])];
    executor.setState({ parameters, slots: freshSlots(spec, parameters), step: 0 });
    const values = gradients.map((g, i) => {
      executor.applyGradients([floats(dtype, [g])], steps[i]);
      return executor.getState().parameters[0][0];
    });
    return { executor, values };
  }

  test('sgd: p = p - rate · g', () => {
    // 1 - 0.25·0.5 = 0.875; 0.875 - 0.5·(-1) = 1.375
    expect(updates(sgd(), 1, [0.5, -1], [stepOf({ rate: 0.25 }), stepOf({ rate: 0.5 })]).values).toEqual([0.875, 1.375]);
  });

  test('sgd with weight decay: g + decay · p', () => {
    // g = 0.5·1 + 0.5 = 1; p = 1 - 0.25 = 0.75; g = 0.5·0.75 + 0 = 0.375; p = 0.75 - 0.09375
    expect(updates(sgd({ weightDecay: 0.5 }), 1, [0.5, 0], [stepOf({ rate: 0.25 }), stepOf({ rate: 0.25 })]).values).toEqual([0.75, 0.65625]);
  });

  test('sgd with momentum: v = momentum · v + g', () => {
    // v = 0.5, p = 1 - 0.125; v = 0.25 + 0.5 = 0.75, p = 0.875 - 0.1875; v = 0.375, p = 0.6875 - 0.09375
    const { executor, values } = updates(sgd({ momentum: 0.5 }), 1, [0.5, 0.5, 0], [stepOf({ rate: 0.25 }), stepOf({ rate: 0.25 }), stepOf({ rate: 0.25 })]);
    expect(values).toEqual([0.875, 0.6875, 0.59375]);
    expectSameLists(executor.getState().slots['momentum'], [floats(dtype, [0.375])]);
  });

  test('Nesterov: p - rate · (momentum · v + g)', () => {
    // v = 0.5, g = 0.25 + 0.5 = 0.75, p = 1 - 0.1875; v = 0.25 + 0.5 = 0.75, g = 0.375 + 0.5 = 0.875, p = 0.8125 - 0.21875
    const { executor, values } = updates(sgd({ momentum: 0.5, nesterov: true }), 1, [0.5, 0.5], [stepOf({ rate: 0.25 }), stepOf({ rate: 0.25 })]);
    expect(values).toEqual([0.8125, 0.59375]);
    expectSameLists(executor.getState().slots['momentum'], [floats(dtype, [0.75])]);
  });

  test('the second scalar damps the gradient that enters the momentum', () => {
    // v = 1·0.5, p = 1 - 0.125; v = 0.5·0.5 + 0.5·0.5 = 0.5, p = 0.875 - 0.125
    expect(updates(sgd({ momentum: 0.5 }), 1, [0.5, 0.5], [stepOf({ rate: 0.25 }), stepOf({ rate: 0.25, dampening: 0.5 })]).values).toEqual([0.875, 0.75]);
    // Without momentum there is nothing to damp.
    expect(updates(sgd(), 1, [0.5], [stepOf({ rate: 0.25, dampening: 0.5 })]).values).toEqual([0.875]);
  });

  test('momentum decays with weight decay inside', () => {
    // g = 0.25·1 + 0.5 = 0.75, v = 0.75, p = 1 - 0.1875 = 0.8125
    expect(updates(sgd({ momentum: 0.5, weightDecay: 0.25 }), 1, [0.5], [stepOf({ rate: 0.25 })]).values).toEqual([0.8125]);
  });

  test('adam: p - α · m / (c · √v + epsilon)', () => {
    // beta1 0.5, beta2 0.75, g = 2: m = 1, v = 0.25·2·2 = 1; α = 0.25 / (1 - 0.5) = 0.5, c = 1 / √0.25 = 2
    //   epsilon 0: p = 1 - 0.5·1/2 = 0.75;  epsilon 2: p = 1 - 0.5·1/4 = 0.875
    // then g = 0: m = 0.5, v = 0.75
    const { executor, values } = updates(adam({ beta1: 0.5, beta2: 0.75, epsilon: 0 }), 1, [2], [stepOf({ rate: 0.5, correction: 2 })]);
    expect(values).toEqual([0.75]);
    executor.applyGradients([floats(dtype, [0])], stepOf({}));
    expectSameLists(executor.getState().slots['firstMoment'], [floats(dtype, [0.5])]);
    expectSameLists(executor.getState().slots['secondMoment'], [floats(dtype, [0.75])]);
    expect(updates(adam({ beta1: 0.5, beta2: 0.75, epsilon: 2 }), 1, [2], [stepOf({ rate: 0.5, correction: 2 })]).values).toEqual([0.875]);
    // g = -2 has the same second moment and the opposite first.
    expect(updates(adam({ beta1: 0.5, beta2: 0.75, epsilon: 2 }), 1, [-2], [stepOf({ rate: 0.5, correction: 2 })]).values).toEqual([1.125]);
  });

  test('adam with decoupled decay: p - decay · p first', () => {
    // m = 1, v = 1; p = 1 - 0.25 = 0.75; 0.75 - 0.5·1/(2 + 2)
    expect(updates(adam({ beta1: 0.5, beta2: 0.75, epsilon: 2, weightDecay: 0.5 }), 1, [2], [stepOf({ rate: 0.5, correction: 2, decay: 0.25 })]).values).toEqual([0.625]);
    // The layer's factor scales both: p = 1 - 0.125 = 0.875; 0.875 - 0.25·1/4
    expect(updates(adam({ beta1: 0.5, beta2: 0.75, epsilon: 2, weightDecay: 0.5 }), 1, [2], [stepOf({ rate: 0.5, correction: 2, decay: 0.25 })], { learningRateFactor: 0.5 }).values).toEqual([0.8125]);
  });

  test('amsgrad divides by the largest second moment so far', () => {
    // m = 1, v = 1, p = 1 - 0.5·1/4; then m = 0.5, v = 0.75, largest 1: p = 0.875 - 0.5·0.5/4
    const { executor, values } = updates(adam({ beta1: 0.5, beta2: 0.75, epsilon: 2, amsgrad: true }), 1, [2, 0], [stepOf({ rate: 0.5, correction: 2 }), stepOf({ rate: 0.5, correction: 2 })]);
    expect(values).toEqual([0.875, 0.8125]);
    expectSameLists(executor.getState().slots['secondMoment'], [floats(dtype, [0.75])]);
    expectSameLists(executor.getState().slots['largestSecondMoment'], [floats(dtype, [1])]);
  });

  test('rmsprop: p - rate · g / (√v + epsilon)', () => {
    const rmsprop = (changes: Partial<OptimizerSpec & { name: 'rmsprop' }>): OptimizerSpec => ({ name: 'rmsprop', rho: 0.75, momentum: 0, epsilon: 1, centered: false, ...changes });
    // v = 0.25·2·2 = 1; p = 1 - 0.25·2/(1 + 1)
    expect(updates(rmsprop({}), 1, [2], [stepOf({ rate: 0.25 })]).values).toEqual([0.75]);
    // b = 1, p = 0.75; then g = 0: b = 0.5, p = 0.75 - 0.125
    const withMomentum = updates(rmsprop({ momentum: 0.5 }), 1, [2, 0], [stepOf({ rate: 0.25 }), stepOf({ rate: 0.25 })]);
    expect(withMomentum.values).toEqual([0.75, 0.625]);
    expectSameLists(withMomentum.executor.getState().slots['momentum'], [floats(dtype, [0.5])]);
    // rho 0.5: v = 2, m = 1, v - m² = 1; p = 1 - 0.25·2/(1 + 1)
    const centered = updates(rmsprop({ rho: 0.5, centered: true }), 1, [2], [stepOf({ rate: 0.25 })]);
    expect(centered.values).toEqual([0.75]);
    expectSameLists(centered.executor.getState().slots['meanSquare'], [floats(dtype, [2])]);
    expectSameLists(centered.executor.getState().slots['meanGradient'], [floats(dtype, [1])]);
    // All three slots at once: b = 1, then with g = 0: v = 1, m = 0.5, b = 0.5
    const all = updates(rmsprop({ rho: 0.5, centered: true, momentum: 0.5 }), 1, [2, 0], [stepOf({ rate: 0.25 }), stepOf({ rate: 0.25 })]);
    expect(all.values).toEqual([0.75, 0.625]);
    expect(Object.keys(all.executor.getState().slots)).toEqual(['meanSquare', 'meanGradient', 'momentum']);
  });

  test('adagrad: s = s + g², p - rate · g / (√s + epsilon)', () => {
    // s = 4; p = 1 - 0.5·2/(2 + 2)
    expect(updates({ name: 'adagrad', epsilon: 2, initialAccumulatorValue: 0 }, 1, [2], [stepOf({ rate: 0.5 })]).values).toEqual([0.75]);
    // s = 5 + 4 = 9; p = 1 - 0.5·2/(3 + 1)
    const { executor, values } = updates({ name: 'adagrad', epsilon: 1, initialAccumulatorValue: 5 }, 1, [2], [stepOf({ rate: 0.5 })]);
    expect(values).toEqual([0.75]);
    expectSameLists(executor.getState().slots['sumOfSquares'], [floats(dtype, [9])]);
  });

  test('adadelta: p - rate · √(u + epsilon) / √(v + epsilon) · g', () => {
    // v = 0.75·4 = 3; d = √1/√4·2 = 1; u = 0.75
    const { executor, values } = updates({ name: 'adadelta', rho: 0.25, epsilon: 1 }, 1, [2], [stepOf({ rate: 0.25 })]);
    expect(values).toEqual([0.75]);
    expectSameLists(executor.getState().slots['meanSquare'], [floats(dtype, [3])]);
    expectSameLists(executor.getState().slots['meanSquareStep'], [floats(dtype, [0.75])]);
  });

  test('adamax: u = max(beta2 · u, |g|), p - α · m / (u + epsilon)', () => {
    // m = 1, u = 2, p = 1 - 0.5·1/4; then m = 0, u = max(1.5, 1); then m = -1, u = max(1.125, 2)
    const { executor, values } = updates({ name: 'adamax', beta1: 0.5, beta2: 0.75, epsilon: 2 }, 1, [2, -1, -2], [stepOf({ rate: 0.5 }), stepOf({ rate: 0.5 }), stepOf({ rate: 0.5 })]);
    expect(values).toEqual([0.875, 0.875, 1]);
    expectSameLists(executor.getState().slots['largestGradient'], [floats(dtype, [2])]);
    // The largest fades: 0.75 · 2 is more than 1.
    const { executor: fading } = updates({ name: 'adamax', beta1: 0.5, beta2: 0.75, epsilon: 2 }, 1, [2, -1], [stepOf({ rate: 0.5 }), stepOf({ rate: 0.5 })]);
    expectSameLists(fading.getState().slots['largestGradient'], [floats(dtype, [1.5])]);
  });

  test('lion: p - decay · p, then one rate up or down', () => {
    // c = 1, p = 1 - 0.125 - 0.25, m = 0.5; c = 0.25 - 0.5 < 0, p = 0.625 - 0.078125 + 0.25, m = 0.375 - 0.25; c = 0.0625 - 0.0625 = 0: decay alone
    const lion = { name: 'lion', beta1: 0.5, beta2: 0.75, weightDecay: 0.5 } as const;
    const { executor, values } = updates(lion, 1, [2, -1, -0.125], [stepOf({ rate: 0.25, decay: 0.125 }), stepOf({ rate: 0.25, decay: 0.125 }), stepOf({ rate: 0.25, decay: 0 })]);
    expect(values).toEqual([0.625, 0.796875, 0.796875]);
    expectSameLists(executor.getState().slots['momentum'], [floats(dtype, [0.09375 - 0.03125])]);
  });

  test('nadam: p - decay · p, then the mean and the gradient, each with its own rate', () => {
    // m = 1, v = 1, divisor 2·1 + 2 = 4: p = 1 - 0.25·1/4 - 0.5·2/4 = 0.6875; then g = 0: m = 0.5, v = 0.75
    const nadam = { name: 'nadam', beta1: 0.5, beta2: 0.75, epsilon: 2, momentumDecay: 0.004, weightDecay: 0 } as const;
    const { executor, values } = updates(nadam, 1, [2], [stepOf({ rate: 0.5, correction: 2, momentumRate: 0.25 })]);
    expect(values).toEqual([0.6875]);
    executor.applyGradients([floats(dtype, [0])], stepOf({}));
    expectSameLists(executor.getState().slots['firstMoment'], [floats(dtype, [0.5])]);
    expectSameLists(executor.getState().slots['secondMoment'], [floats(dtype, [0.75])]);
    // p = 1 - 0.25 first; the layer's factor scales all three.
    expect(updates({ ...nadam, weightDecay: 0.5 }, 1, [2], [stepOf({ rate: 0.5, correction: 2, momentumRate: 0.25, decay: 0.25 })]).values).toEqual([0.4375]);
    expect(updates({ ...nadam, weightDecay: 0.5 }, 1, [2], [stepOf({ rate: 0.5, correction: 2, momentumRate: 0.25, decay: 0.25 })], { learningRateFactor: 0.5 }).values).toEqual([0.71875]);
  });

  test('every rule: training steps as one call, as slices and materialised', () => {
    for (const optimizer of everyOptimizer) {
      const spec = network(dtype, 7, [dense(20, 'tanh', { l2: 0.01, learningRateFactor: 0.5 }), dense(3)], { optimizer });
      const data = randomData(spec, 40, 8);
      const run = (plan: 'auto' | 'materialised', slice: number): Executor => {
        const executor = make(spec, { plan });
        executor.setState(randomState(spec, 5));
        const handle = executor.load(data);
        const options = { order: null, from: 0, to: 40, batchSize: 9, repeat: 4, stepScalars: constantScalars(spec, 20, 0.01) };
        let step = 0;
        while (step < 20) {
          const { steps } = executor.trainStepsSync(handle, { ...options, firstStep: step, maxMilliseconds: slice });
          if (steps === 0) expect.fail(`${optimizer.name}: no step`);
          step += steps;
        }
        return executor;
      };
      const whole = run('auto', Infinity);
      expectSameState(run('auto', 0), whole);
      expectSameState(run('materialised', Infinity), whole);
      expect(whole.getState().parameters[0].every(Number.isFinite)).toBe(true);
    }
  });

  test('the L2 term joins given gradients, of weights only', () => {
    // g = 0.5·1 + 0.5 = 1 for the weight; the bias keeps g = 0.5
    expect(updates(sgd(), 1, [0.5], [stepOf({ rate: 0.25 })], { l2: 0.5 }).values).toEqual([0.75]);
    const spec = network(dtype, 1, [dense(1, 'linear', { l2: 0.5 })], { loss: null });
    const executor = make(spec);
    executor.setState({ parameters: [floats(dtype, [1]), floats(dtype, [1])], slots: {}, step: 0 });
    executor.applyGradients([floats(dtype, [0.5]), floats(dtype, [0.5])], stepOf({ rate: 0.25 }));
    expectSameLists(executor.getState().parameters, [floats(dtype, [0.75]), floats(dtype, [0.875])]);
  });

  test('a rate factor multiplies the rate of its layer, biases included', () => {
    expect(updates(sgd(), 1, [0.5], [stepOf({ rate: 0.25 })], { learningRateFactor: 2 }).values).toEqual([0.75]);
    expect(updates(adam({ beta1: 0.5, beta2: 0.75, epsilon: 0 }), 1, [2], [stepOf({ rate: 0.5, correction: 2 })], { learningRateFactor: 0.5 }).values).toEqual([0.875]);
    const spec = network(dtype, 4, [dense(5, 'relu', { learningRateFactor: 0 }), dense(3)]);
    const executor = make(spec);
    executor.setState(randomState(spec, 3));
    const before = executor.getState().parameters;
    executor.trainStepsSync(executor.load(randomData(spec, 8, 1)), { order: null, from: 0, to: 8, batchSize: 4, stepScalars: constantScalars(spec, 2) });
    const after = executor.getState().parameters;
    expectSameLists(after.slice(0, 2), before.slice(0, 2));
    expect([...after[2]]).not.toEqual([...before[2]]);
    expect([...after[3]]).not.toEqual([...before[3]]);
  });

  test('scalars given once are those of every step', async () => {
    for (const [optimizer, once] of [[sgd({ momentum: 0.5 }), stepOf({ rate: 0.25, dampening: 0.5 })], [adam({ weightDecay: 0.1 }), stepOf({ rate: 0.25, correction: 0.5, decay: 0.125 })]] as const) {
      for (const [batchSize, repeat] of [[3, 2], [8, 7]]) {
        const spec = (): NetworkSpec => network(dtype, 4, [dense(3)], { optimizer });
        const [given, repeated, later] = [make(spec()), make(spec()), make(spec())];
        for (const executor of [given, repeated, later]) executor.setState(randomState(executor.spec, 3));
        const options = randomData(given.spec, 8, 1);
        const pass = { order: null, from: 0, to: 8, batchSize, repeat };
        const steps = Math.ceil(8 / batchSize) * repeat;
        const stepScalars = once.slice();
        given.trainStepsSync(given.load(options), { ...pass, stepScalars });
        repeated.trainStepsSync(repeated.load(options), { ...pass, stepScalars: Float64Array.from({ length: steps * once.length }, (_, i) => once[i % once.length]) });
        const data = later.load(options);
        for (let step = 0; step < steps;) {
          const result = await later.trainSteps(data, { ...pass, stepScalars, firstStep: step, maxMilliseconds: 0 });
          expect(result.steps).toBeGreaterThan(0);
          step += Math.max(1, result.steps);
        }
        expectSameState(given, repeated);
        expectSameState(given, later);
      }
    }
  });

  test('each step uses its own scalars', () => {
    const spec = (): NetworkSpec => network(dtype, 4, [dense(3)], { optimizer: sgd({ momentum: 0.5 }) });
    const [together, apart] = [make(spec()), make(spec())];
    for (const executor of [together, apart]) executor.setState(randomState(executor.spec, 3));
    const options = randomData(together.spec, 8, 1);
    const stepScalars = Float64Array.from([[0.5, 1], [0.25, 0.5], [0.125, 0.75], [0.0625, 1]].flatMap(([rate, dampening]) => [...stepOf({ rate, dampening })]));
    together.trainStepsSync(together.load(options), { order: null, from: 0, to: 8, batchSize: 2, stepScalars });
    const data = apart.load(options);
    for (let step = 0; step < 4; step++) {
      apart.trainStepsSync(data, { order: null, from: 2 * step, to: 2 * step + 2, batchSize: 2, stepScalars: stepScalars.slice(STEP_NUMBERS * step, STEP_NUMBERS * (step + 1)) });
    }
    expectSameState(together, apart);
  });

  test('a step updates all layers from the weights of its forward pass', () => {
    // 1-1-1 linear, x = 1, W1 = W2 = 1, y = 0, mean squared error, rate 0.25: out = 1, dout = 2, dW2 = 2·1, dW1 = 2·W2 = 2 with the old W2.
    const spec = network(dtype, 1, [dense(1, 'linear', { useBias: false }), dense(1, 'linear', { useBias: false })], { loss: { name: 'meanSquaredError', reduction: 'mean' } });
    const executor = make(spec);
    executor.setState({ parameters: [floats(dtype, [1]), floats(dtype, [1])], slots: {}, step: 0 });
    executor.trainStepsSync(executor.load({ x: Uint8Array.of(1), rows: 1, y: { kind: 'values', values: Uint8Array.of(0) } }), { order: null, from: 0, to: 1, batchSize: 1, stepScalars: stepOf({ rate: 0.25 }) });
    expectSameLists(executor.getState().parameters, [floats(dtype, [0.5]), floats(dtype, [0.5])]);
  });
}
