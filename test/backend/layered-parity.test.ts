// Networks with passes between their dense layers: backends, instruction sets, threads and plans against one another.
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { ExecutorState } from '../../src/backend/contract/executor.js';
import type { ConstraintSpec, LayerSpec, NetworkSpec, OptimizerSpec } from '../../src/backend/contract/spec.js';
import type { DType, FloatArray } from '../../src/base/arrays.js';
import { isas, native, skippedBecause, typescript, type Configuration } from './configurations.js';
import {
  activationPass, adam, batchNorm, constantScalars, dense, dropout, everyActivation, expectSameLists, layerNorm, network, noise, normalization, prelu, randomData, randomState, relativeDifference, sgd, sigmoidLoss,
  softmaxLoss, squaredLoss,
} from './networks.js';

/**
 * Of the largest magnitude in a tensor, after one step. A normalization divides by a deviation and so magnifies roundings of what it is given; epsilon 0.1 here keeps
 * that of small batches in bounds. Worst measured: float64 8.6e-15, float32 6.7e-6.
 */
const BOUND: Readonly<Record<DType, number>> = { float64: 1e-12, float32: 1e-5 };
const worst: Record<DType, number> = { float64: 0, float32: 0 };
const SEED = 20240611;

interface Scene { readonly spec: NetworkSpec; readonly rows: number; readonly batchSize: number; readonly seed: number }

function largest(values: FloatArray): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

/** Gradients and one step; then all numbers, more steps, predictions and evaluation included. */
function run({ make }: Configuration, { spec, rows, batchSize, seed }: Scene, plan: 'auto' | 'materialised' = 'auto'): { one: FloatArray[]; all: FloatArray[] } {
  const executor = make(spec, { plan });
  executor.setState(randomState(spec, seed));
  const data = executor.load(randomData(spec, rows, seed + 1));
  const range = { order: null, from: 0, to: rows };
  const listed = ({ parameters, slots, statistics = [] }: ExecutorState): FloatArray[] => [...parameters, ...Object.values(slots).flat(), ...statistics];
  const worked = executor.lossAndGradients(data, range);
  executor.trainStepsSync(data, { ...range, batchSize: rows, stepScalars: constantScalars(spec, 1, 0.05) });
  const one = [...worked.gradients, worked.dx, worked.outputs, Float64Array.of(worked.loss), ...listed(executor.getState())];
  const order = Uint32Array.from({ length: rows }, (_, i) => (i * 7 + 3) % rows);
  const { losses, correct, steps } = executor.trainStepsSync(data, { ...range, order, batchSize, repeat: 2, stepScalars: constantScalars(spec, 2 * Math.ceil(rows / batchSize), 0.05, 2) });
  const forward = executor.forwardTrain(data, range);
  const { lossSum, denominator, penalty, correct: right } = executor.evaluateSync(data, range);
  const predicted = executor.predictSync(data, { ...range, order, output: 'outputs' });
  const state = listed(executor.getState());
  executor.dispose();
  return { one, all: [...one, losses, Float64Array.from(correct ?? []), ...state, ...forward.activations, forward.outputs, predicted, Float64Array.of(lossSum, denominator, penalty, right ?? NaN, steps)] };
}

const width = fc.constantFrom(1, 2, 3, 7, 8, 9, 16, 17, 33);
const optimizer = fc.constantFrom<OptimizerSpec>(sgd(), sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.01 }), adam({ epsilon: 0.1, amsgrad: true }), { name: 'rmsprop', rho: 0.9, momentum: 0.5, epsilon: 0.1, centered: false }, sgd({ clipnorm: 0.3 }), sgd({ momentum: 0.5, globalClipnorm: 0.5, normType: 1 }),
  { name: 'nadam', beta1: 0.9, beta2: 0.99, epsilon: 0.1, momentumDecay: 0.004, weightDecay: 0.01, clipvalue: 0.1 });
const loss = fc.constantFrom(softmaxLoss(), sigmoidLoss(), squaredLoss('sum'));
const pass: fc.Arbitrary<LayerSpec> = fc.oneof(
  fc.record({ center: fc.boolean(), scale: fc.boolean(), momentum: fc.constantFrom(0, 0.9), trainable: fc.constantFrom(true, true, false) }).map((changes) => batchNorm({ epsilon: 0.1, ...changes })),
  fc.record({ center: fc.boolean(), scale: fc.boolean(), trainable: fc.constantFrom(true, true, false) }).map((changes) => layerNorm({ epsilon: 0.1, ...changes })),
  fc.constantFrom<LayerSpec>(prelu, { kind: 'prelu', name: 'kept', trainable: false }, noise(0.1), dropout(0.3)),
  fc.constantFrom(...everyActivation.filter((name) => name !== 'exponential' && name !== 'thresholdedRelu'), 'softmax' as const).map((name) => activationPass(name)),
);

function scenes(dtype: DType): fc.Arbitrary<Scene> {
  const passes = fc.array(pass, { maxLength: 3 });
  const hidden = fc.record({ units: width, activation: fc.constantFrom('linear' as const, 'relu' as const, 'tanh' as const, 'gelu' as const), l2: fc.constantFrom(0, 0.01), l1: fc.constantFrom(0, 0, 0.01), kernelConstraint: fc.constantFrom<ConstraintSpec | undefined>(undefined, undefined, { name: 'maxNorm', maxValue: 1 }, { name: 'nonNegative' }), learningRateFactor: fc.constantFrom(1, 0.5), useBias: fc.boolean(), passes });
  return fc.record({
    inputSize: width, first: passes, hidden: fc.array(hidden, { maxLength: 2 }), outputs: fc.constantFrom(2, 3, 17), last: passes, loss, optimizer, rows: fc.constantFrom(2, 6, 14, 33, 130), batchSize: fc.constantFrom(2, 4, 17), seed: fc.nat(1000),
  }).map(({ inputSize, first, hidden: list, outputs, last, loss: chosen, optimizer: rule, rows, batchSize, seed }) => {
    const layers: LayerSpec[] = seed % 5 === 0 ? [normalization(new Array<number>(inputSize).fill(0.25), new Array<number>(inputSize).fill(2))] : [];
    layers.push(...first);
    for (const { units, activation, l2, l1, kernelConstraint, learningRateFactor, useBias, passes: own } of list) {
      layers.push(dense(units, activation, { l2, l1, learningRateFactor, useBias, ...(kernelConstraint === undefined ? {} : { kernelConstraint }) }), ...own);
    }
    layers.push(dense(outputs), layerNorm({ epsilon: 0.1 }), ...last);
    // No batch of one row.
    const size = rows % batchSize === 1 || batchSize > rows ? rows : batchSize;
    return { spec: network(dtype, inputSize, layers, { loss: chosen, optimizer: rule, seed: seed * 2 ** 40 + seed }), rows, batchSize: size, seed };
  });
}

/** Gradient blocks, several panels, and the classic chain. */
function largeScenes(dtype: DType): Scene[] {
  const norm = batchNorm({ epsilon: 0.1 });
  return [
    { spec: network(dtype, 40, [dense(33, 'linear', { useBias: false }), norm, activationPass('relu'), dense(20, 'linear', { l2: 0.001 }), norm, activationPass('relu'), dense(10)], { optimizer: adam({ epsilon: 0.1 }) }), rows: 1200, batchSize: 600, seed: 3 },
    { spec: network(dtype, 300, [norm, dense(130, 'relu'), layerNorm({ epsilon: 0.1 }), prelu, noise(0.05), dropout(0.2), dense(70), norm], { loss: sigmoidLoss() }), rows: 1030, batchSize: 515, seed: 4 },
  ];
}

const property = (dtype: DType, runs: number, check: (scene: Scene) => void): void => fc.assert(fc.property(scenes(dtype), check), { numRuns: runs, seed: SEED, endOnFailure: false });

describe.skipIf(skippedBecause !== '')(`native${skippedBecause === '' ? '' : ` (skipped: ${skippedBecause})`}`, () => {
  it('baseline equals TypeScript bit for bit in float64', () => {
    // Native arithmetic takes subnormal numbers for 0 on the way, TypeScript cannot (docs/numerics.md).
    const lifted = (arrays: readonly FloatArray[]): FloatArray[] => arrays.map((array) => array.map((value) => (Math.abs(value) < 1e-306 ? 0 : value)));
    const check = (scene: Scene): void => expectSameLists(lifted(run(native('baseline', 2), scene).all), lifted(run(typescript, scene).all));
    property('float64', 200, check);
    largeScenes('float64').forEach(check);
  });

  for (const dtype of ['float64', 'float32'] as const) {
    it(`every instruction set is within the bound of TypeScript in ${dtype}`, () => {
      const check = (scene: Scene): void => {
        const expected = run(typescript, scene).one;
        // Many of these gradients are sums that cancel (a bias before a batch normalization): all are measured against a tenth of the largest number there is.
        const floor = Math.max(1, ...expected.map(largest)) / 10;
        for (const isa of isas) {
          run(native(isa, 1), scene).one.forEach((array, i) => {
            const difference = relativeDifference(array, expected[i], floor);
            if (!(difference <= BOUND[dtype])) expect.fail(`${isa}, tensor ${i}: relative difference ${difference}`);
            worst[dtype] = Math.max(worst[dtype], difference);
          });
        }
      };
      property(dtype, 120, check);
      largeScenes(dtype).forEach(check);
    });

    const fused = isas.filter((isa) => isa !== 'baseline');
    it.skipIf(fused.length < 2)(`${fused.join(' = ')} byte for byte in ${dtype}`, () => {
      const check = (scene: Scene): void => {
        const [first, ...others] = fused.map((isa) => run(native(isa, 1), scene).all);
        for (const other of others) expectSameLists(other, first);
      };
      property(dtype, 120, check);
      largeScenes(dtype).forEach(check);
    });

    it(`any number of threads and either plan give the same bytes in ${dtype}`, () => {
      for (const isa of isas) {
        const check = (threads: readonly number[]) => (scene: Scene): void => {
          const expected = run(native(isa, 1), scene).all;
          for (const count of threads) expectSameLists(run(native(isa, count), scene).all, expected);
          expectSameLists(run(native(isa, 2), scene, 'materialised').all, expected);
        };
        property(dtype, 15, check([2, 3, 16]));
        largeScenes(dtype).forEach(check([2, 3, 5, 16]));
      }
    });
  }
});

afterAll(() => console.log(`layered parity: worst difference after one step, of a tensor's largest magnitude: float64 ${worst.float64.toExponential(1)}, float32 ${worst.float32.toExponential(1)}`));
