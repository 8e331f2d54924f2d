// Backends, instruction sets and thread counts against one another: the promises of docs/numerics.md, on networks of all kinds and sizes.
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { DataHandle, Executor, ExecutorState, LossAndGradients, TrainResult } from '../../src/backend/contract/executor.js';
import type { LayerSpec, LossSpec, NetworkSpec, OptimizerSpec } from '../../src/backend/contract/spec.js';
import type { DType, FloatArray } from '../../src/base/arrays.js';
import { isas, native, skippedBecause, typescript, type Configuration } from './configurations.js';
import {
  adam, constantScalars, dense, everyActivation, everyClipping, everyConstraint, dropout, expectSameLists, floats, network, normalization, randomData, randomState, relativeDifference, rescaling, sgd, sigmoidLoss, softmaxLoss, squaredLoss, uniforms,
} from './networks.js';

/** Of the largest magnitude in a tensor, after one step. Adam divides a gradient's rounding by epsilon: it is not small here. Worst measured: float64 8.2e-15; float32 8.3e-6, a bias gradient of one element whose terms cancel, next 2.2e-6. */
const BOUND: Readonly<Record<DType, number>> = { float64: 1e-12, float32: 1e-5 };
const worst: Record<DType, number> = { float64: 0, float32: 0 };
const SEED = 20240607;

/** A network with data: everything a run needs. */
interface Scene {
  readonly spec: NetworkSpec;
  readonly rows: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly kind: 'labels' | 'values';
  readonly bytes: boolean;
  readonly weighted: boolean;
}
interface Run {
  readonly worked: LossAndGradients;
  readonly first: ExecutorState;
  readonly trained: TrainResult;
  readonly last: ExecutorState;
  readonly predicted: FloatArray;
  readonly evaluated: readonly (number | null)[];
}

function load(executor: Executor, { spec, rows, seed, kind, bytes, weighted }: Scene): DataHandle {
  const options = randomData(spec, rows, seed + 1, kind);
  const next = uniforms(seed + 2);
  const x = bytes ? Uint8Array.from(options.x, () => (next() < 0.8 ? 0 : 1 + Math.floor(next() * 255))) : options.x;
  return executor.load({ ...options, x, ...(weighted ? { sampleWeight: Float64Array.from({ length: rows }, () => next() * 2) } : {}) });
}

function run(configuration: Configuration, scene: Scene, start: ExecutorState = randomState(scene.spec, scene.seed), plan: 'auto' | 'materialised' = 'auto'): Run {
  const { spec, rows, batchSize } = scene;
  const executor = configuration.make(spec, { plan });
  executor.setState(start);
  const data = load(executor, scene);
  const all = { order: null, from: 0, to: rows };
  const worked = executor.lossAndGradients(data, all);
  executor.trainStepsSync(data, { ...all, batchSize: rows, stepScalars: constantScalars(spec, 1, 0.05) });
  const first = executor.getState();
  const order = Uint32Array.from({ length: rows }, (_, i) => (i * 7 + 3) % rows);
  const steps = 2 * Math.ceil(rows / batchSize);
  const trained = executor.trainStepsSync(data, { ...all, order, batchSize, repeat: 2, stepScalars: constantScalars(spec, steps, 0.05, 2) });
  const last = executor.getState();
  const predicted = executor.predictSync(data, { ...all, order, output: 'outputs' });
  const { lossSum, denominator, penalty, correct } = executor.evaluateSync(data, all);
  executor.dispose();
  return { worked, first, trained, last, predicted, evaluated: [lossSum, denominator, penalty, correct] };
}

/** All numbers of a run, in one list. */
function listed({ worked, first, trained, last, predicted, evaluated }: Run): FloatArray[] {
  return [
    ...worked.gradients, worked.dx, worked.outputs, Float64Array.of(worked.loss, worked.penalty), ...first.parameters, ...Object.values(first.slots).flat(), trained.losses,
    Float64Array.from(trained.correct ?? []), ...last.parameters, ...Object.values(last.slots).flat(), predicted, Float64Array.from(evaluated, (value) => value ?? NaN),
  ];
}

const loss: fc.Arbitrary<LossSpec> = fc.oneof(
  fc.record({ reduction: fc.constantFrom('mean' as const, 'sum' as const), labelSmoothing: fc.constantFrom(0, 0, 0.1) }).map((changes) => softmaxLoss(changes)),
  fc.record({ reduction: fc.constantFrom('mean' as const, 'sum' as const), labelSmoothing: fc.constantFrom(0, 0, 0.1) }).map((changes) => sigmoidLoss(changes)),
  fc.constantFrom(squaredLoss('mean'), squaredLoss('sum')),
  fc.constantFrom<LossSpec>({ name: 'huber', reduction: 'mean', delta: 0.6 }, { name: 'logCosh', reduction: 'mean' }),
  fc.constantFrom<LossSpec>(
    { name: 'meanAbsolutePercentageError', reduction: 'mean' }, { name: 'meanSquaredLogarithmicError', reduction: 'mean' }, { name: 'poisson', reduction: 'mean' },
    { name: 'kullbackLeiblerDivergence', reduction: 'mean' }, { name: 'categoricalHinge', reduction: 'sum' }, { name: 'cosineSimilarity', reduction: 'mean' },
  ),
);
const optimizer: fc.Arbitrary<OptimizerSpec> = fc.oneof(
  fc.record({ momentum: fc.constantFrom(0, 0.9), nesterov: fc.boolean(), weightDecay: fc.constantFrom(0, 0.01) }).map((changes) => sgd(changes)),
  fc.constantFrom(adam({ epsilon: 0.1 }), adam({ epsilon: 0.1, beta1: 0.5, beta2: 0.75 }), adam({ epsilon: 0.1, amsgrad: true, weightDecay: 0.01 })),
  // Guards as large as the gradients: a small one magnifies roundings. Lion's sign would turn one into a whole step.
  fc.constantFrom<OptimizerSpec>(
    { name: 'rmsprop', rho: 0.9, momentum: 0.5, epsilon: 0.1, centered: false }, { name: 'adagrad', epsilon: 0.1, initialAccumulatorValue: 0.1 },
    { name: 'adadelta', rho: 0.9, epsilon: 0.1 }, { name: 'adamax', beta1: 0.9, beta2: 0.99, epsilon: 0.1 },
    { name: 'nadam', beta1: 0.9, beta2: 0.99, epsilon: 0.1, momentumDecay: 0.004, weightDecay: 0 }, { name: 'nadam', beta1: 0.5, beta2: 0.75, epsilon: 0.1, momentumDecay: 1, weightDecay: 0.01 },
  ),
);
const width = fc.constantFrom(1, 2, 3, 5, 8, 10, 16, 17, 31, 33);

function scenes(dtype: DType): fc.Arbitrary<Scene> {
  const hidden = fc.record({
    units: width, activation: fc.constantFrom(...everyActivation.filter((name) => name !== 'exponential'), 'softmax' as const), useBias: fc.boolean(),
    l2: fc.constantFrom(0, 0, 0.01), learningRateFactor: fc.constantFrom(1, 1, 0.5), rate: fc.constantFrom(0, 0, 0.25),
    l1: fc.constantFrom(0, 0, 0.003), constraint: fc.constantFrom({}, ...everyConstraint),
  });
  return fc.record({
    inputSize: width, hidden: fc.array(hidden, { maxLength: 3 }), outputs: fc.constantFrom(1, 2, 3, 10, 17), loss, optimizer, rows: fc.constantFrom(1, 2, 7, 14, 32, 33, 65, 130),
    batchSize: fc.constantFrom(1, 3, 16, 64), seed: fc.nat(1000), scaled: fc.boolean(), classWeighted: fc.boolean(), clipping: fc.constantFrom({}, {}, ...everyClipping), values: fc.boolean(), bytes: fc.boolean(), weighted: fc.boolean(), wide: fc.boolean(),
  }).map(({ inputSize, hidden: list, outputs, loss: chosen, optimizer: rule, rows, batchSize, seed, scaled, classWeighted, clipping, values, bytes, weighted, wide }) => {
    // Bytes want a scale; a wide input has enough zeros to be worth leaving out.
    const layers: LayerSpec[] = bytes ? [rescaling(1 / 255)] : scaled ? [rescaling(0.75, seed % 2 === 0 ? 0 : 0.125)] : [];
    const features = Array.from({ length: bytes && wide ? inputSize + 40 : inputSize }, (_, i) => i);
    if (seed % 4 === 3) layers.push(normalization(features.map((i) => 0.1 * (i % 7)), features.map((i) => 0.5 + (i % 3))));
    for (const { units, activation, useBias, l2, l1, constraint, learningRateFactor, rate } of list) {
      layers.push(dense(units, activation, { useBias, l2, l1, learningRateFactor, ...constraint }));
      if (rate > 0) layers.push(dropout(rate));
    }
    // Logarithms want outputs above 0.
    layers.push(dense(outputs, chosen.name === 'poisson' || chosen.name === 'meanSquaredLogarithmicError' ? 'softplus' : chosen.name === 'kullbackLeiblerDivergence' ? 'softmax' : 'linear'));
    const weights = Array.from({ length: outputs }, (_, i) => 0.5 + (i % 3));
    const weightedLoss: LossSpec = !classWeighted ? chosen : chosen.name === 'softmaxCrossEntropy' ? { ...chosen, classWeights: weights } : chosen.name === 'sigmoidCrossEntropy' ? { ...chosen, positiveWeights: weights } : chosen;
    return {
      spec: network(dtype, bytes && wide ? inputSize + 40 : inputSize, layers, { loss: weightedLoss, optimizer: { ...rule, ...clipping }, seed: seed * 2 ** 40 + seed }),
      rows, batchSize: Math.min(batchSize, rows), seed, kind: chosen.name === 'softmaxCrossEntropy' && !values ? 'labels' as const : 'values' as const, bytes, weighted,
    };
  });
}

/** Networks large enough for blocks, panels and several tiles. */
function largeScenes(dtype: DType): Scene[] {
  const scene = (spec: NetworkSpec, rows: number, batchSize: number, changes: Partial<Scene> = {}): Scene => ({
    spec, rows, batchSize, seed: 5, kind: spec.loss?.name === 'softmaxCrossEntropy' ? 'labels' : 'values', bytes: false, weighted: false, ...changes,
  });
  return [
    scene(network(dtype, 17, [dense(33, 'relu'), dense(1, 'tanh'), dense(3)]), 1024, 512),
    scene(network(dtype, 40, [dropout(0.1), dense(20, 'tanh', { l2: 0.001 }), dropout(0.5), dense(10)], { optimizer: adam({ epsilon: 0.1 }) }), 1100, 1099, { weighted: true }),
    scene(network(dtype, 784, [rescaling(1 / 255), dense(100, 'relu'), dense(200, 'relu'), dense(10)]), 200, 64, { bytes: true }),
    scene(network(dtype, 784, [rescaling(1 / 255), dense(10, 'relu'), dense(10)]), 2049, 2049, { bytes: true }),
    scene(network(dtype, 90, [rescaling(1 / 255), dense(50, 'tanh'), dense(3)], { optimizer: sgd({ momentum: 0.9 }) }), 1200, 1100, { bytes: true }),
    scene(network(dtype, 200, [rescaling(1 / 255), dense(33, 'relu', { l2: 0.01 }), dropout(0.3), dense(17)], { loss: sigmoidLoss(), optimizer: adam({ epsilon: 0.1 }) }), 150, 37, { bytes: true }),
    scene(network(dtype, 130, [dense(65, 'sigmoid'), dense(129, 'softmax'), dense(70)], { loss: sigmoidLoss(), optimizer: sgd({ momentum: 0.9, nesterov: true }) }), 99, 33),
    scene(network(dtype, 300, [dense(120, 'relu'), dense(2)], { loss: squaredLoss() }), 1030, 1030),
    scene(network(dtype, 40, [dense(20, 'tanh'), dense(33, 'softmax')], { loss: { name: 'kullbackLeiblerDivergence', reduction: 'mean' } }), 1200, 1100, { weighted: true }),
    scene(network(dtype, 30, [dense(25, 'relu'), dense(17)], { loss: { name: 'cosineSimilarity', reduction: 'mean' } }), 300, 64),
    scene(network(dtype, 784, [rescaling(1 / 255), dense(100, 'relu', { l1: 1e-4, kernelConstraint: { name: 'maxNorm', maxValue: 1 } }), dense(50, 'relu', { kernelConstraint: { name: 'nonNegative' } }), dense(10)], { optimizer: sgd({ momentum: 0.9, clipvalue: 0.01 }) }), 200, 64, { bytes: true }),
    scene(network(dtype, 90, [rescaling(1 / 255), dense(50, 'tanh', { kernelConstraint: { name: 'unitNorm' } }), dense(3, 'linear', { biasConstraint: { name: 'nonNegative' } })], { optimizer: adam({ epsilon: 0.1, globalClipnorm: 0.1 }) }), 1200, 1100, { bytes: true }),
    scene(network(dtype, 130, [dense(65, 'sigmoid', { l1: 0.001, l2: 0.01 }), dense(129, 'relu', { kernelConstraint: { name: 'maxNorm', maxValue: 0.7 } }), dense(70)], { loss: sigmoidLoss(), optimizer: { name: 'nadam', beta1: 0.9, beta2: 0.99, epsilon: 0.1, momentumDecay: 0.004, weightDecay: 0.01, clipnorm: 0.05 } }), 1100, 33),
  ];
}

const property = (dtype: DType, runs: number, check: (scene: Scene) => void): void =>
  fc.assert(fc.property(scenes(dtype), check), { numRuns: runs, seed: SEED, endOnFailure: false });

function expectWithin(dtype: DType, a: Run, b: Run): void {
  // After one step: gradients, loss, parameters, slots. Later steps may drift apart.
  const one = ({ worked, first }: Run): FloatArray[] => [
    ...worked.gradients, worked.dx, worked.outputs, Float64Array.of(worked.loss), ...first.parameters, ...Object.values(first.slots).flat(),
  ];
  const others = one(b);
  one(a).forEach((array, i) => {
    // A tensor that is zero but for rounding (all paths masked or saturated) is measured against 1e-3.
    const difference = relativeDifference(array, others[i], 1e-3);
    if (!(difference <= BOUND[dtype])) expect.fail(`tensor ${i}: relative difference ${difference}`);
    worst[dtype] = Math.max(worst[dtype], difference);
  });
}

describe.skipIf(skippedBecause !== '')(`native${skippedBecause === '' ? '' : ` (skipped: ${skippedBecause})`}`, () => {
  it('baseline equals TypeScript bit for bit in float64', () => {
    property('float64', 300, (scene) => expectSameLists(listed(run(native('baseline', 2), scene)), listed(run(typescript, scene))));
  });
  it('baseline equals TypeScript bit for bit in float64 on large networks', () => {
    for (const scene of largeScenes('float64')) expectSameLists(listed(run(native('baseline', 2), scene)), listed(run(typescript, scene)));
  });

  for (const dtype of ['float64', 'float32'] as const) {
    it(`every instruction set is within the bound of TypeScript in ${dtype}`, () => {
      const check = (scene: Scene): void => {
        const expected = run(typescript, scene);
        for (const isa of isas) expectWithin(dtype, run(native(isa, 1), scene), expected);
      };
      property(dtype, 150, check);
      largeScenes(dtype).forEach(check);
    });

    const fused = isas.filter((isa) => isa !== 'baseline');
    it.skipIf(fused.length < 2)(`${fused.join(' = ')} byte for byte in ${dtype}`, () => {
      const check = (scene: Scene): void => {
        const [first, ...others] = fused.map((isa) => listed(run(native(isa, 1), scene)));
        for (const other of others) expectSameLists(other, first);
      };
      property(dtype, 150, check);
      largeScenes(dtype).forEach(check);
    });

    it(`any number of threads gives the same bytes in ${dtype}`, () => {
      for (const isa of isas) {
        property(dtype, 25, (scene) => {
          const expected = listed(run(native(isa, 1), scene));
          for (const threads of [2, 3, 16]) expectSameLists(listed(run(native(isa, threads), scene)), expected);
        });
        for (const scene of largeScenes(dtype)) {
          const expected = listed(run(native(isa, 1), scene));
          for (const threads of [2, 7]) expectSameLists(listed(run(native(isa, threads), scene)), expected);
        }
      }
    });

    it(`fused and materialised plans give the same bytes in ${dtype}`, () => {
      for (const isa of isas) {
        const check = (scene: Scene): void => expectSameLists(listed(run(native(isa, 3), scene, randomState(scene.spec, scene.seed), 'materialised')), listed(run(native(isa, 3), scene)));
        property(dtype, 40, check);
        largeScenes(dtype).forEach(check);
      }
    });

    it(`masks are those of TypeScript in ${dtype}`, () => {
      for (const [rate, seed, step] of [[0.5, 0, 0], [0.1, 2 ** 53 - 1, 2 ** 32 + 5], [0.9, 12345, 2 ** 32 - 1]] as const) {
        const spec = network(dtype, 3, [dropout(rate), dense(70, 'linear'), dropout(rate), dropout(0.5), dense(5)], { seed });
        const state = randomState(spec, 4);
        const masks = [typescript, ...isas.map((isa) => native(isa, 2))].map(({ make }) => {
          const executor = make(spec);
          executor.setState({ ...state, step });
          const { activations } = executor.forwardTrain(executor.load(randomData(spec, 37, 4)), { order: null, from: 0, to: 37 });
          return Array.from(activations[0], (value) => value !== 0);
        });
        for (const mask of masks) expect(mask).toEqual(masks[0]);
      }
    });

    it(`infinite and NaN parameters spread alike in ${dtype}`, () => {
      for (const bad of [Infinity, -Infinity, NaN]) {
        for (const activation of ['linear', 'relu', 'sigmoid', 'tanh', 'softmax'] as const) {
          for (const at of [0, 5, 12]) {
            const spec = network(dtype, 6, [dense(9, activation), dense(7, 'relu'), dense(3)], { loss: softmaxLoss() });
            const state = randomState(spec, 9);
            state.parameters[0][at] = bad;
            const kinds = [typescript, ...isas.map((isa) => native(isa, 2))].map(({ make }) => {
              const executor = make(spec);
              executor.setState(state);
              const data = executor.load(randomData(spec, 33, 4));
              const rows = { order: null, from: 0, to: 33 };
              const { outputs, logits, activations } = executor.forwardTrain(data, rows);
              const { gradients } = executor.lossAndGradients(data, rows);
              const { stopped } = executor.trainStepsSync(data, { ...rows, batchSize: 16, stepScalars: constantScalars(spec, 3) });
              // Where things are NaN, +inf, -inf or zero or ordinary.
              const kind = (value: number): string => (Number.isNaN(value) ? 'n' : value === Infinity ? '+' : value === -Infinity ? '-' : '.');
              return [stopped, ...[outputs, logits, ...activations, ...gradients].map((array) => Array.from(array, kind).join(''))];
            });
            for (const other of kinds) expect(other, `${bad} ${activation} at ${at}`).toEqual(kinds[0]);
          }
        }
      }
    });
  }

  it('samples that are mostly zeros meet weights and gradients that are not finite like any others', () => {
    // Every 0 · inf is NaN, also in products that leave out zeros.
    const rows = 300;
    const next = uniforms(3);
    const x = Uint8Array.from({ length: rows * 40 }, () => (next() < 0.8 ? 0 : 1 + Math.floor(next() * 255)));
    const labels = Int32Array.from({ length: rows }, (_, row) => row % 3);
    for (const dtype of ['float64', 'float32'] as const) {
      const spec = network(dtype, 40, [rescaling(1 / 255), dense(9, 'relu'), dense(30, 'relu'), dense(3)]);
      for (const change of ['none', 'weight', 'overflow'] as const) {
        const state = randomState(spec, 9);
        // -inf behind a relu hides from the loss where zeros are left out.
        if (change === 'weight') state.parameters[0][3] = -Infinity;
        // The gradient of the hidden layer overflows while the loss stays finite.
        if (change === 'overflow') {
          state.parameters[2].fill(dtype === 'float64' ? 1e306 : 1e37);
          state.parameters[4].fill(0);
          for (let i = 0; i < 30; i++) state.parameters[4][i] = dtype === 'float64' ? 1e4 : 1e3;
          state.parameters[0].fill(0);
          state.parameters[3].fill(1e-3);
        }
        const results = [typescript, ...isas.flatMap((isa) => [native(isa, 1), native(isa, 2)])].map(({ make }) => {
          const executor = make(spec);
          executor.setState(state);
          const data = executor.load({ x, rows, y: { kind: 'labels', values: labels } });
          const result = executor.trainStepsSync(data, { order: null, from: 0, to: rows, batchSize: 100, repeat: 2, stepScalars: constantScalars(spec, 6, 1e-3) });
          return { steps: result.steps, stopped: result.stopped, finite: executor.getState().parameters.map((array) => Array.from(array, (value) => (Number.isFinite(value) ? '.' : 'x')).join('')) };
        });
        for (const other of results) expect(other, change).toEqual(results[0]);
        expect(results[0].stopped, change).toBe(change === 'none' ? 'done' : 'nonFinite');
      }
    }
  });
});

describe('TypeScript', () => {
  it('gives the same float32 results as float64 up to rounding', () => {
    // Only what float32 stores differs. Worst measured 7e-7.
    property('float64', 60, (scene) => {
      const single: Scene = { ...scene, spec: { ...scene.spec, dtype: 'float32' } };
      const start = randomState(single.spec, scene.seed);
      const widened = { parameters: start.parameters.map((array) => Float64Array.from(array)), slots: randomState(scene.spec, scene.seed).slots, step: 0 };
      const [a, b] = [run(typescript, single, start), run(typescript, scene, widened)];
      a.worked.gradients.forEach((gradient, i) => expect(relativeDifference(gradient, b.worked.gradients[i], 1e-3)).toBeLessThan(1e-5));
      expect(floats('float64', a.worked.outputs).length).toBe(b.worked.outputs.length);
    });
  });
});

afterAll(() => console.log(`parity: worst difference after one step, of a tensor's largest magnitude: float64 ${worst.float64.toExponential(1)}, float32 ${worst.float32.toExponential(1)}`));
