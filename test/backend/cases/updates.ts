// Update rules by hand, all numbers dyadic and so exact in every dtype; rate factors, decay, penalties.
import { expect } from 'vitest';
import type { Executor } from '../../../src/backend/executor.js';
import type { DenseSpec, NetworkSpec, OptimizerSpec } from '../../../src/backend/spec.js';
import type { Suite } from '../executor.cases.js';
import { adam, constantScalars, dense, expectSameLists, expectSameState, floats, network, randomData, randomState, sgd, zeroSlots } from '../networks.js';

export function updateCases({ make, dtype, test }: Suite): void {
  /** One weight p, updated with given gradients. @returns p after each */
  function updates(optimizer: OptimizerSpec, p: number, gradients: readonly number[], scalars: readonly (readonly [number, number])[], layer: Partial<DenseSpec> = {}): { executor: Executor; values: number[] } {
    const spec = network(dtype, 1, [dense(1, 'linear', { useBias: false, ...layer })], { loss: null, optimizer });
    const executor = make(spec);
    const parameters = [floats(dtype, [p])];
    executor.setState({ parameters, slots: zeroSlots(spec, parameters), step: 0 });
    const values = gradients.map((g, i) => {
      executor.applyGradients([floats(dtype, [g])], Float64Array.from(scalars[i]));
      return executor.getState().parameters[0][0];
    });
    return { executor, values };
  }

  test('sgd: p = p - rate · g', () => {
    // 1 - 0.25·0.5 = 0.875; 0.875 - 0.5·(-1) = 1.375
    expect(updates(sgd(), 1, [0.5, -1], [[0.25, 1], [0.5, 1]]).values).toEqual([0.875, 1.375]);
  });

  test('sgd with weight decay: g + decay · p', () => {
    // g = 0.5·1 + 0.5 = 1; p = 1 - 0.25 = 0.75; g = 0.5·0.75 + 0 = 0.375; p = 0.75 - 0.09375
    expect(updates(sgd({ weightDecay: 0.5 }), 1, [0.5, 0], [[0.25, 1], [0.25, 1]]).values).toEqual([0.75, 0.65625]);
  });

  test('sgd with momentum: v = momentum · v + g', () => {
    // v = 0.5, p = 1 - 0.125; v = 0.25 + 0.5 = 0.75, p = 0.875 - 0.1875; v = 0.375, p = 0.6875 - 0.09375
    const { executor, values } = updates(sgd({ momentum: 0.5 }), 1, [0.5, 0.5, 0], [[0.25, 1], [0.25, 1], [0.25, 1]]);
    expect(values).toEqual([0.875, 0.6875, 0.59375]);
    expectSameLists(executor.getState().slots['momentum'], [floats(dtype, [0.375])]);
  });

  test('Nesterov: p - rate · (momentum · v + g)', () => {
    // v = 0.5, g = 0.25 + 0.5 = 0.75, p = 1 - 0.1875; v = 0.25 + 0.5 = 0.75, g = 0.375 + 0.5 = 0.875, p = 0.8125 - 0.21875
    const { executor, values } = updates(sgd({ momentum: 0.5, nesterov: true }), 1, [0.5, 0.5], [[0.25, 1], [0.25, 1]]);
    expect(values).toEqual([0.8125, 0.59375]);
    expectSameLists(executor.getState().slots['momentum'], [floats(dtype, [0.75])]);
  });

  test('the second scalar damps the gradient that enters the momentum', () => {
    // v = 1·0.5, p = 1 - 0.125; v = 0.5·0.5 + 0.5·0.5 = 0.5, p = 0.875 - 0.125
    expect(updates(sgd({ momentum: 0.5 }), 1, [0.5, 0.5], [[0.25, 1], [0.25, 0.5]]).values).toEqual([0.875, 0.75]);
    // Without momentum there is nothing to damp.
    expect(updates(sgd(), 1, [0.5], [[0.25, 0.5]]).values).toEqual([0.875]);
  });

  test('momentum decays with weight decay inside', () => {
    // g = 0.25·1 + 0.5 = 0.75, v = 0.75, p = 1 - 0.1875 = 0.8125
    expect(updates(sgd({ momentum: 0.5, weightDecay: 0.25 }), 1, [0.5], [[0.25, 1]]).values).toEqual([0.8125]);
  });

  test('adam: p - α · m / (c · √v + epsilon)', () => {
    // beta1 0.5, beta2 0.75, g = 2: m = 1, v = 0.25·2·2 = 1; α = 0.25 / (1 - 0.5) = 0.5, c = 1 / √0.25 = 2
    //   epsilon 0: p = 1 - 0.5·1/2 = 0.75;  epsilon 2: p = 1 - 0.5·1/4 = 0.875
    // then g = 0: m = 0.5, v = 0.75
    const { executor, values } = updates(adam({ beta1: 0.5, beta2: 0.75, epsilon: 0 }), 1, [2], [[0.5, 2]]);
    expect(values).toEqual([0.75]);
    executor.applyGradients([floats(dtype, [0])], Float64Array.of(0, 1));
    expectSameLists(executor.getState().slots['firstMoment'], [floats(dtype, [0.5])]);
    expectSameLists(executor.getState().slots['secondMoment'], [floats(dtype, [0.75])]);
    expect(updates(adam({ beta1: 0.5, beta2: 0.75, epsilon: 2 }), 1, [2], [[0.5, 2]]).values).toEqual([0.875]);
    // g = -2 has the same second moment and the opposite first.
    expect(updates(adam({ beta1: 0.5, beta2: 0.75, epsilon: 2 }), 1, [-2], [[0.5, 2]]).values).toEqual([1.125]);
  });

  test('the L2 term joins given gradients, of weights only', () => {
    // g = 0.5·1 + 0.5 = 1 for the weight; the bias keeps g = 0.5
    expect(updates(sgd(), 1, [0.5], [[0.25, 1]], { l2: 0.5 }).values).toEqual([0.75]);
    const spec = network(dtype, 1, [dense(1, 'linear', { l2: 0.5 })], { loss: null });
    const executor = make(spec);
    executor.setState({ parameters: [floats(dtype, [1]), floats(dtype, [1])], slots: {}, step: 0 });
    executor.applyGradients([floats(dtype, [0.5]), floats(dtype, [0.5])], Float64Array.of(0.25, 1));
    expectSameLists(executor.getState().parameters, [floats(dtype, [0.75]), floats(dtype, [0.875])]);
  });

  test('a rate factor multiplies the rate of its layer, biases included', () => {
    expect(updates(sgd(), 1, [0.5], [[0.25, 1]], { learningRateFactor: 2 }).values).toEqual([0.75]);
    expect(updates(adam({ beta1: 0.5, beta2: 0.75, epsilon: 0 }), 1, [2], [[0.5, 2]], { learningRateFactor: 0.5 }).values).toEqual([0.875]);
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

  test('each step uses its own scalars', () => {
    const spec = (): NetworkSpec => network(dtype, 4, [dense(3)], { optimizer: sgd({ momentum: 0.5 }) });
    const [together, apart] = [make(spec()), make(spec())];
    for (const executor of [together, apart]) executor.setState(randomState(executor.spec, 3));
    const options = randomData(together.spec, 8, 1);
    const stepScalars = Float64Array.of(0.5, 1, 0.25, 0.5, 0.125, 0.75, 0.0625, 1);
    together.trainStepsSync(together.load(options), { order: null, from: 0, to: 8, batchSize: 2, stepScalars });
    const data = apart.load(options);
    for (let step = 0; step < 4; step++) {
      apart.trainStepsSync(data, { order: null, from: 2 * step, to: 2 * step + 2, batchSize: 2, stepScalars: stepScalars.slice(2 * step, 2 * step + 2) });
    }
    expectSameState(together, apart);
  });

  test('a step updates all layers from the weights of its forward pass', () => {
    // 1-1-1 linear, x = 1, W1 = W2 = 1, y = 0, mean squared error, rate 0.25: out = 1, dout = 2, dW2 = 2·1, dW1 = 2·W2 = 2 with the old W2.
    const spec = network(dtype, 1, [dense(1, 'linear', { useBias: false }), dense(1, 'linear', { useBias: false })], { loss: { name: 'meanSquaredError', reduction: 'mean' } });
    const executor = make(spec);
    executor.setState({ parameters: [floats(dtype, [1]), floats(dtype, [1])], slots: {}, step: 0 });
    executor.trainStepsSync(executor.load({ x: Uint8Array.of(1), rows: 1, y: { kind: 'values', values: Uint8Array.of(0) } }), { order: null, from: 0, to: 1, batchSize: 1, stepScalars: Float64Array.of(0.25, 1) });
    expectSameLists(executor.getState().parameters, [floats(dtype, [0.5]), floats(dtype, [0.5])]);
  });
}
