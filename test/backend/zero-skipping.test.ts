// Leaving out zeros changes no byte: mostly zero samples against the same numbers in a form that the rule of docs/kernels.md does not skip.
import { describe, expect, it } from 'vitest';
import type { ExecutorState } from '../../src/backend/contract/executor.js';
import type { NetworkSpec } from '../../src/backend/contract/spec.js';
import type { DType, FloatArray } from '../../src/base/arrays.js';
import { isas, native, skippedBecause, typescript, type Configuration } from './configurations.js';
import { adam, constantScalars, dense, expectSameLists, network, randomState, rescaling, sgd, uniforms } from './networks.js';

interface Case { readonly name: string; readonly rows: number; readonly batchSize: number; readonly spec: (dtype: DType) => NetworkSpec }
const features = 45;
const cases: readonly Case[] = [
  { name: 'columns, plain update', rows: 90, batchSize: 32, spec: (dtype) => network(dtype, features, [rescaling(1 / 255), dense(70, 'relu'), dense(3)]) },
  { name: 'columns, sigmoid, momentum and L2', rows: 61, batchSize: 61, spec: (dtype) => network(dtype, features, [dense(9, 'sigmoid', { l2: 0.01 }), dense(3)], { optimizer: sgd({ momentum: 0.9 }) }) },
  { name: 'columns, tanh, adam', rows: 40, batchSize: 7, spec: (dtype) => network(dtype, features, [dense(200, 'tanh'), dense(3)], { optimizer: adam() }) },
  { name: 'columns, no negative weights', rows: 90, batchSize: 32, spec: (dtype) => network(dtype, features, [dense(20, 'relu', { kernelConstraint: { name: 'nonNegative' } }), dense(3)]) },
  { name: 'columns, rows of norm 1, clipped values', rows: 61, batchSize: 32, spec: (dtype) => network(dtype, features, [rescaling(1 / 255), dense(20, 'relu', { kernelConstraint: { name: 'unitNorm' } }), dense(3)], { optimizer: sgd({ clipvalue: 0.01 }) }) },
  { name: 'blocks, the norm of all clipped', rows: 1100, batchSize: 1100, spec: (dtype) => network(dtype, features, [rescaling(1 / 255), dense(10, 'relu', { l1: 0.001, kernelConstraint: { name: 'maxNorm', maxValue: 1 } }), dense(3)], { optimizer: sgd({ globalClipnorm: 0.1 }) }) },
  { name: 'blocks, one panel', rows: 1300, batchSize: 1300, spec: (dtype) => network(dtype, features, [rescaling(1 / 255), dense(10, 'relu'), dense(3)]) },
  { name: 'blocks, five panels', rows: 1100, batchSize: 1050, spec: (dtype) => network(dtype, features, [dense(75, 'relu'), dense(3)]) },
  { name: 'chunks', rows: 1500, batchSize: 1500, spec: (dtype) => network(dtype, features, [rescaling(1 / 255), dense(720, 'relu'), dense(3)]) },
];

/** Bytes of which one in eight is not 0. `shared`: memory that training may not make lists of. */
function samples(rows: number, shared: boolean): Uint8Array {
  const next = uniforms(99);
  const size = rows * features;
  const x = shared ? new Uint8Array(new SharedArrayBuffer(size)) : new Uint8Array(size);
  for (let i = 0; i < size; i++) x[i] = next() < 0.125 ? 1 + Math.floor(next() * 255) : 0;
  return x;
}

function train(configuration: Configuration, { rows, batchSize, spec }: Case, dtype: DType, shared: boolean, spoil?: (weight: FloatArray) => void): ExecutorState & { losses: Float64Array } {
  const built = spec(dtype);
  const executor = configuration.make(built);
  const state = randomState(built, 5);
  spoil?.(state.parameters[0]);
  executor.setState(state);
  const data = executor.load({ x: samples(rows, shared), rows, y: { kind: 'labels', values: Int32Array.from({ length: rows }, (_, i) => (i * 5) % 3) } });
  const order = Uint32Array.from({ length: rows }, (_, i) => (i * 11 + 2) % rows);
  const steps = 3 * Math.ceil(rows / batchSize);
  const { losses } = executor.trainStepsSync(data, { order, from: 0, to: rows, batchSize, repeat: 3, stepScalars: constantScalars(built, steps, 0.05) });
  const after = executor.getState();
  executor.dispose();
  return { ...after, losses };
}

describe.skipIf(skippedBecause !== '')('zero skipping', () => {
  for (const one of cases) {
    for (const dtype of ['float32', 'float64'] as const) {
      it(`${one.name}, ${dtype}: the dense chains' bytes on every instruction set and with 1 to 5 threads`, () => {
        for (const isa of isas) {
          const whole = train(native(isa, 1), one, dtype, true);
          for (const threads of [1, 2, 5]) {
            const skipped = train(native(isa, threads), one, dtype, false);
            expect([...skipped.losses]).toEqual([...whole.losses]);
            expectSameLists(skipped.parameters, whole.parameters);
            for (const name of Object.keys(whole.slots)) expectSameLists(skipped.slots[name], whole.slots[name]);
          }
        }
      });
    }
    it(`${one.name}: baseline equals TypeScript`, () => {
      const reference = train(typescript, one, 'float64', false);
      const baseline = train(native('baseline', 2), one, 'float64', false);
      expect([...baseline.losses]).toEqual([...reference.losses]);
      expectSameLists(baseline.parameters, reference.parameters);
    });
  }

  it('an infinite weight meets the zeros: its loss is not a number, as without skipping', () => {
    for (const isa of isas) {
      const spoil = (weight: FloatArray): void => { weight[0] = Infinity; };
      const skipped = train(native(isa, 2), cases[0], 'float32', false, spoil);
      expect(skipped.losses).toHaveLength(1);
      expect(skipped.losses[0]).toBeNaN();
      expect(train(native(isa, 2), cases[0], 'float32', true, spoil).losses).toEqual(skipped.losses);
    }
  });

  it('weights that overflow on the way stop training at the same step', () => {
    for (const isa of isas) {
      const spoil = (weight: FloatArray): void => { weight.fill(3e38); };
      const skipped = train(native(isa, 2), cases[3], 'float32', false, spoil);
      const whole = train(native(isa, 2), cases[3], 'float32', true, spoil);
      expect([...skipped.losses]).toEqual([...whole.losses]);
      expectSameLists(skipped.parameters, whole.parameters);
    }
  });
});
