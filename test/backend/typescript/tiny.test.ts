// Many steps of a tiny network give the bytes of as many calls of one step, which take the usual way.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LossSpec, NetworkSpec } from '../../../src/backend/contract/spec.js';
import { createReferenceExecutor } from '../../../src/backend/typescript/executor.js';
import { compilePlan } from '../../../src/backend/typescript/plan.js';
import { isTiny } from '../../../src/backend/typescript/tiny.js';
import { constantScalars, dense, dropout, everyElementwiseLoss, everyOptimizer, expectSameState, network, randomData, randomState, rescaling, sigmoidLoss, softmaxLoss } from '../networks.js';

const STEPS = 40;
const losses: readonly LossSpec[] = [softmaxLoss(), softmaxLoss({ labelSmoothing: 0.1 }), sigmoidLoss(), ...everyElementwiseLoss];

describe('TinyBatch', () => {
  it.each(['float32', 'float64'] as const)('has the bytes of single steps in %s', (dtype) => {
    let stepped = 0;
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 16 }), fc.integer({ min: 1, max: 4 }), fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom('linear', 'relu', 'sigmoid', 'tanh', 'softmax' as const), fc.constantFrom('linear', 'linear', 'sigmoid', 'tanh' as const), fc.constantFrom(...losses), fc.constantFrom(...everyOptimizer), fc.boolean(), fc.boolean(),
        (rows, inputs, widths, activation, last, loss, optimizer, weighted, useBias) => {
          const hidden = widths.slice(1).map((units) => dense(units, activation, { useBias, l2: 0.01 }));
          const spec: NetworkSpec = network(dtype, inputs, [rescaling(0.5, 0.25), ...hidden, dense(widths[0], last, { useBias })], { loss, optimizer });
          expect(isTiny(compilePlan(spec), rows)).toBe(true);
          const sampleWeight = Float64Array.from({ length: rows }, (_, i) => 0.5 + i / 4);
          const executors = [1, 2].map(() => createReferenceExecutor(spec, {}));
          const data = executors.map((executor) => {
            executor.setState(randomState(spec, 5));
            return executor.load({ ...randomData(spec, rows, 6), ...(weighted ? { sampleWeight } : {}) });
          });
          const order = Uint32Array.from({ length: rows }, (_, i) => (i * 3 + 1) % rows);
          const pass = { order, from: 0, to: rows, batchSize: rows };
          const scalars = constantScalars(spec, STEPS, 0.05);
          const many = executors[0].trainStepsSync(data[0], { ...pass, repeat: STEPS, stepScalars: scalars });
          const width = scalars.length / STEPS;
          for (let step = 0; step < many.steps; step++) {
            const one = executors[1].trainStepsSync(data[1], { ...pass, stepScalars: scalars.slice(width * step, width * (step + 1)) });
            expect(one.losses[0]).toBe(many.losses[step]);
            expect(one.correct?.[0]).toBe(many.correct?.[step]);
            stepped += one.steps;
          }
          expectSameState(executors[0], executors[1]);
        },
      ),
      { numRuns: 60, seed: 20 },
    );
    expect(stepped).toBeGreaterThan(50 * STEPS);
  });

  it('ends where time is up, soon after, and goes on from there', () => {
    const spec: NetworkSpec = network('float32', 2, [dense(3, 'tanh'), dense(1)], { loss: sigmoidLoss() });
    const [whole, sliced] = [1, 2].map(() => createReferenceExecutor(spec, {}));
    const pass = { order: null, from: 0, to: 4, batchSize: 4, repeat: STEPS, stepScalars: constantScalars(spec, STEPS, 0.05) };
    const [data, slicedData] = [whole, sliced].map((executor) => {
      executor.setState(randomState(spec, 5));
      return executor.load(randomData(spec, 4, 6));
    });
    const { losses, correct } = whole.trainStepsSync(data, pass);
    const first = sliced.trainStepsSync(slicedData, { ...pass, maxMilliseconds: 0 });
    expect(first.stopped).toBe('slice');
    expect(first.steps).toBeLessThan(STEPS);
    const second = sliced.trainStepsSync(slicedData, { ...pass, firstStep: first.steps });
    expect(second.stopped).toBe('done');
    expect([...first.losses, ...second.losses]).toEqual([...losses]);
    expect([...(first.correct ?? []), ...(second.correct ?? [])]).toEqual([...(correct ?? [])]);
    expectSameState(whole, sliced);
  });

  it('refuses more steps than there is memory for', () => {
    const spec: NetworkSpec = network('float64', 2, [dense(1)]);
    const executor = createReferenceExecutor(spec, {});
    const data = executor.load(randomData(spec, 4, 6));
    expect(() => executor.trainStepsSync(data, { order: null, from: 0, to: 4, batchSize: 4, repeat: 2 ** 39, stepScalars: constantScalars(spec, 1) })).toThrow(expect.objectContaining({ code: 'ERR_MEMORY' }));
  });

  it('is for small batches of small plain networks', () => {
    const tiny = (rows: number, ...layers: Parameters<typeof network>[2]): boolean => isTiny(compilePlan(network('float64', 4, layers)), rows);
    expect(tiny(16, dense(8), dense(4))).toBe(true);
    expect(tiny(17, dense(8), dense(4))).toBe(false);
    expect(tiny(4, dense(9), dense(4))).toBe(false);
    expect(tiny(4, dense(3), dropout(0.5), dense(4))).toBe(false);
    expect(tiny(4, dropout(0.5), dense(4))).toBe(false);
    expect(tiny(4, dense(3, 'gelu'), dense(4))).toBe(false);
  });
});
