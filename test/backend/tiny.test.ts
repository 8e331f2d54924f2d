// The smallest networks run many steps in one kernel: the same bytes as the usual plan and, on the baseline, as TypeScript.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ExecutorState, PlanChoice } from '../../src/backend/contract/executor.js';
import type { ActivationSpec, LossSpec, NetworkSpec, OptimizerSpec } from '../../src/backend/contract/spec.js';
import { isas, native, skippedBecause, typescript, type Configuration } from './configurations.js';
import { constantScalars, dense, everyConstraint, everyOptimizer, expectSameLists, network, randomData, randomState, rescaling, sgd, sigmoidLoss, squaredLoss } from './networks.js';

interface Scene { readonly spec: NetworkSpec; readonly rows: number; readonly seed: number; readonly weighted: boolean }
interface Run { readonly state: ExecutorState; readonly losses: readonly number[]; readonly correct: readonly number[] | null }

function run(configuration: Configuration, { spec, rows, seed, weighted }: Scene, plan: PlanChoice = 'auto', slices = 1): Run {
  const executor = configuration.make(spec, { plan });
  executor.setState(randomState(spec, seed));
  const sampleWeight = Float64Array.from({ length: rows }, (_, i) => 0.5 + i / 4);
  const data = executor.load({ ...randomData(spec, rows, seed + 1), ...(weighted ? { sampleWeight } : {}) });
  const steps = 300;
  const stepScalars = constantScalars(spec, steps, 0.02);
  const losses: number[] = [];
  const correct: number[] = [];
  let counts = true;
  while (losses.length < steps) {
    const result = executor.trainStepsSync(data, { order: null, from: 0, to: rows, batchSize: rows, repeat: steps, stepScalars, firstStep: losses.length, ...(slices > 1 ? { maxMilliseconds: 0 } : {}) });
    losses.push(...result.losses);
    counts = result.correct !== null;
    if (result.correct !== null) correct.push(...result.correct);
    if (result.stopped === 'nonFinite') break;
  }
  const state = executor.getState();
  executor.dispose();
  return { state, losses, correct: counts ? correct : null };
}

function expectSameRun(actual: Run, expected: Run): void {
  expect(actual.losses).toEqual(expected.losses);
  expect(actual.correct).toEqual(expected.correct);
  expectSameLists(actual.state.parameters, expected.state.parameters);
  for (const name of Object.keys(expected.state.slots)) expectSameLists(actual.state.slots[name], expected.state.slots[name]);
  expect(actual.state.step).toBe(expected.state.step);
}

const activation = fc.constantFrom<ActivationSpec['name']>('linear', 'relu', 'sigmoid', 'tanh');
const optimizer = fc.constantFrom<OptimizerSpec>(sgd({ momentum: 0.9 }), ...everyOptimizer);
const loss = fc.constantFrom<LossSpec>(squaredLoss(), squaredLoss('sum'), sigmoidLoss());
const scene = (dtype: 'float32' | 'float64'): fc.Arbitrary<Scene> => fc
  .record({ inputs: fc.integer({ min: 1, max: 5 }), hidden: fc.array(fc.tuple(fc.integer({ min: 1, max: 6 }), activation, fc.boolean()), { maxLength: 2 }), outputs: fc.integer({ min: 1, max: 4 }), optimizer, loss, rows: fc.integer({ min: 1, max: dtype === 'float64' ? 8 : 16 }), seed: fc.integer({ min: 1, max: 1000 }), weighted: fc.boolean(), rescaled: fc.boolean(), constraint: fc.constantFrom({}, {}, ...everyConstraint, { biasConstraint: { name: 'nonNegative' as const } }) })
  .map(({ inputs, hidden, outputs, optimizer: rule, loss: of, rows, seed, weighted, rescaled, constraint }) => ({
    spec: network(dtype, inputs, [...(rescaled ? [rescaling(0.5, 0.25)] : []), ...hidden.map(([units, name, useBias]) => dense(units, name, { useBias, learningRateFactor: 0.5, ...constraint })), dense(outputs, 'linear', constraint)], { loss: of, optimizer: rule }),
    rows, seed, weighted,
  }));

describe.skipIf(skippedBecause !== '')('many steps of a tiny network in one kernel', () => {
  it('baseline equals TypeScript to the bit in float64', () => {
    fc.assert(fc.property(scene('float64'), (one) => { expectSameRun(run(native('baseline', 1), one), run(typescript, one)); }), { numRuns: 60, seed: 11 });
  });
  it('does not look at lanes without a sample, whatever is in them', () => {
    // weight · 1 + bias is 0; without a sample there is the bias, whose square is beyond float32.
    const spec = network('float32', 1, [dense(1, 'linear')], { loss: squaredLoss(), optimizer: sgd() });
    for (const isa of isas) {
      const executor = native(isa, 1).make(spec, {});
      executor.setState({ parameters: [Float32Array.of(-1e30), Float32Array.of(1e30)], slots: {}, step: 0 });
      const data = executor.load({ x: Float32Array.of(1, 1, 1), rows: 3, y: { kind: 'values', values: Float32Array.of(0, 0, 0) } });
      const { losses, stopped } = executor.trainStepsSync(data, { order: null, from: 0, to: 3, batchSize: 3, repeat: 2, stepScalars: constantScalars(spec, 2, 0.02) });
      expect([stopped, ...losses]).toEqual(['done', 0, 0]);
    }
  });
  for (const dtype of ['float32', 'float64'] as const) {
    it(`equals the usual plan on every instruction set, ${dtype}`, () => {
      fc.assert(fc.property(scene(dtype), (one) => {
        for (const isa of isas) expectSameRun(run(native(isa, 1), one), run(native(isa, 2), one, 'materialised'));
      }), { numRuns: 40, seed: 12 });
    });
    it(`slices make no difference, and AVX2 equals AVX-512, ${dtype}`, () => {
      fc.assert(fc.property(scene(dtype), (one) => {
        const vector = isas.filter((isa) => isa !== 'baseline');
        for (const isa of vector) expectSameRun(run(native(isa, 1), one, 'auto', 2), run(native(vector[0], 1), one));
      }), { numRuns: 20, seed: 13 });
    });
  }
});
