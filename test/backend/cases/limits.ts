// Clipped gradients, the l1 penalty and constraints, by hand; what they do to numbers that are not finite; every plan alike.
import { expect } from 'vitest';
import type { Executor } from '../../../src/backend/contract/executor.js';
import type { ClippingSpec, DenseSpec, NetworkSpec, OptimizerSpec } from '../../../src/backend/contract/spec.js';
import type { Suite } from '../executor.cases.js';
import { constantScalars, dense, dropout, everyClipping, everyConstraint, everyOptimizer, expectClose, expectSameLists, expectSameState, floats, freshSlots, network, randomData, randomState, rounded, sgd, squaredLoss, stepOf } from '../networks.js';

export function limitCases({ make, dtype, tolerance, test }: Suite): void {
  const values = (executor: Executor): number[][] => executor.getState().parameters.map((parameter) => [...parameter]);
  /** Two inputs, one unit with bias: weight [3, 4] has norm 5, with bias 12 it is 13. @returns parameters after an update with rate -1 from zero: the gradients as the rule saw them */
  function clipped(clipping: ClippingSpec, weight: readonly number[] = [3, 4], bias = 12, layer: Partial<DenseSpec> = {}, start: readonly number[] = [0, 0], optimizer: OptimizerSpec = sgd()): number[][] {
    const spec = network(dtype, 2, [dense(1, 'linear', layer)], { loss: null, optimizer: { ...optimizer, ...clipping } });
    const executor = make(spec);
    const parameters = [floats(dtype, start), floats(dtype, [0])];
    executor.setState({ parameters, slots: freshSlots(spec, parameters), step: 0 });
    executor.applyGradients([floats(dtype, weight), floats(dtype, [bias])], stepOf({ rate: -1 }));
    return values(executor);
  }
  /** g · fl(limit / (norm + 1e-6)), rounded. */
  const times = (limit: number, norm: number, ...gradient: number[]): number[] => gradient.map((g) => rounded(dtype, g * rounded(dtype, limit / (norm + 1e-6))));

  test('clipvalue limits each element both ways', () => {
    expect(clipped({ clipvalue: 3.5 }, [3, 4], -12)).toEqual([[3, 3.5], [-3.5]]);
    expect(clipped({ clipvalue: 0.5 }, [-0.5, 0.5], 0.25)).toEqual([[-0.5, 0.5], [0.25]]);
    // A limit that float32 cannot hold is 0, not none.
    if (dtype === 'float32') expect(clipped({ clipvalue: 1e-60 }).flat().map(Math.abs)).toEqual([0, 0, 0]);
  });

  test('clipnorm takes the norm of each array', () => {
    expect(clipped({ clipnorm: 2.5 })).toEqual([times(2.5, 5, 3, 4), times(2.5, 12, 12)]);
    expect(clipped({ clipnorm: 3.5, normType: 1 })).toEqual([times(3.5, 7, 3, 4), times(3.5, 12, 12)]);
    expect(clipped({ clipnorm: 2, normType: 'inf' }, [3, -4])).toEqual([times(2, 4, 3, -4), times(2, 12, 12)]);
  });

  test('globalClipnorm takes the norm of all of them', () => {
    expect(clipped({ globalClipnorm: 6.5 })).toEqual([times(6.5, 13, 3, 4), times(6.5, 13, 12)]);
    expect(clipped({ globalClipnorm: 9.5, normType: 1 })).toEqual([times(9.5, 19, 3, 4), times(9.5, 19, 12)]);
    expect(clipped({ globalClipnorm: 6, normType: 'inf' }, [3, -4], -12)).toEqual([times(6, 12, 3, -4), times(6, 12, -12)]);
  });

  test('gradients within their limit stay as they are; a norm on its limit is 1e-6 over it (PyTorch)', () => {
    for (const clipping of [{ clipnorm: 13 }, { globalClipnorm: 14 }, { clipvalue: 12 }, { globalClipnorm: 20, normType: 1 as const }]) expect(clipped(clipping)).toEqual([[3, 4], [12]]);
    expect(clipped({ globalClipnorm: 13 })).toEqual([times(13, 13, 3, 4), times(13, 13, 12)]);
    for (const clipping of everyClipping) expect(clipped(clipping, [0, 0], 0)).toEqual([[0, 0], [0]]);
  });

  test('a penalty is clipped with its gradient, weight decay is not', () => {
    // 0.5·1 - 0.5 = 0 and 0.5·1 - 4 = -3.5, then + 0.125 of l1: 0.125 and -3.375; limit 0.25
    expect(clipped({ clipvalue: 0.25 }, [-0.5, -4], 0, { l2: 0.5, l1: 0.125 }, [1, 1])).toEqual([[1.125, 0.75], [0]]);
    // g = 0.25 after clipping, then + 0.5·1
    expect(clipped({ clipvalue: 0.25 }, [0.5, -4], 0, {}, [1, 1], sgd({ weightDecay: 0.5 }))).toEqual([[1.75, 1.25], [0]]);
    // With l2 the gradient is [2 + 1, 3 + 1]: norm 5. The bias is not penalised.
    expect(clipped({ globalClipnorm: 2.5 }, [2, 3], 0, { l2: 1 }, [1, 1])).toEqual([times(2.5, 5, 3, 4).map((g) => rounded(dtype, 1 + g)), [0]]);
  });

  test('a norm that is not finite is told by the parameters: infinite leaves 0 or NaN, NaN leaves NaN', () => {
    for (const clipping of [{ clipnorm: 1 }, { globalClipnorm: 1 }, { clipnorm: 1, normType: 1 as const }, { globalClipnorm: 1, normType: 'inf' as const }]) {
      const all = 'globalClipnorm' in clipping;
      expect(clipped(clipping, [Infinity, 4])).toEqual([[NaN, 0], [all ? 0 : times(1, 12, 12)[0]]]);
      // A NaN before and after larger numbers.
      expect(clipped(clipping, [NaN, 4])).toEqual([[NaN, NaN], [all ? NaN : times(1, 12, 12)[0]]]);
      expect(clipped(clipping, [4, NaN])).toEqual([[NaN, NaN], [all ? NaN : times(1, 12, 12)[0]]]);
    }
    expect(clipped({ clipvalue: 1 }, [Infinity, NaN], -Infinity)).toEqual([[1, NaN], [-1]]);
  });

  test('the next loss ends a job whose gradients were not finite', () => {
    const spec = network(dtype, 2, [dense(3, 'relu'), dense(1)], { loss: squaredLoss(), optimizer: sgd({ globalClipnorm: 1 }) });
    const executor = make(spec);
    const state = randomState(spec, 3);
    state.parameters[2].fill(dtype === 'float64' ? 1e200 : 1e25);
    state.parameters[0].fill(dtype === 'float64' ? 1e-100 : 1e-12);
    state.parameters[1].fill(0);
    executor.setState(state);
    const huge = dtype === 'float64' ? 1e150 : 1e15;
    const data = executor.load({ x: floats(dtype, [1, 1]), rows: 1, y: { kind: 'values', values: floats(dtype, [huge]) } });
    // The first loss is finite, its gradient is not: the second one says so.
    const { stopped, steps, losses } = executor.trainStepsSync(data, { order: null, from: 0, to: 1, batchSize: 1, repeat: 3, stepScalars: constantScalars(spec, 3, 1) });
    expect([stopped, steps]).toEqual(['nonFinite', 1]);
    expect([...losses].map(Number.isFinite)).toEqual([true, false]);
    expect([...executor.getState().parameters[0]]).toEqual([NaN, NaN, NaN, NaN, NaN, NaN]);
  });

  test('the l1 penalty is in the loss, its gradient in the weights, 0 at 0', () => {
    const spec = (l1: number, l2: number): NetworkSpec => network(dtype, 4, [dense(5, 'tanh', { l1, l2 }), dense(3, 'linear', { l1: 2 * l1 })]);
    const [penalised, plain] = [make(spec(0.125, 0.25)), make(spec(0, 0))];
    const state = randomState(penalised.spec, 3);
    state.parameters[0][2] = 0;
    for (const executor of [penalised, plain]) executor.setState(state);
    const options = randomData(plain.spec, 6, 2);
    const rows = { order: null, from: 0, to: 6 };
    const [a, b] = [penalised.lossAndGradients(penalised.load(options), rows), plain.lossAndGradients(plain.load(options), rows)];
    const sum = (list: ArrayLike<number>, f: (value: number) => number): number => Array.from(list, f).reduce((total, value) => total + value, 0);
    const expected = 0.125 * (sum(state.parameters[0], Math.abs) + sum(state.parameters[0], (value) => value * value)) + 0.25 * sum(state.parameters[2], Math.abs);
    expectClose([a.penalty], [expected], tolerance);
    expect(a.loss).toBe(b.loss);
    expectClose(a.gradients[0], b.gradients[0].map((g, i) => g + 0.25 * state.parameters[0][i] + 0.125 * Math.sign(state.parameters[0][i])), tolerance);
    expect(a.gradients[0][2]).toBe(b.gradients[0][2]);
    expectClose(a.gradients[2], b.gradients[2].map((g, i) => g + 0.25 * Math.sign(state.parameters[2][i])), tolerance);
    expectSameLists([a.gradients[1], a.gradients[3]], [b.gradients[1], b.gradients[3]]);
    const { losses } = penalised.trainStepsSync(penalised.load(options), { ...rows, batchSize: 6, stepScalars: constantScalars(penalised.spec, 1, 0.5) });
    expect(losses[0]).toBe(a.loss + a.penalty);
  });

  test('constraints bring each unit back after the update', () => {
    const after = (layer: Partial<DenseSpec>): number[][] => {
      const executor = make(network(dtype, 2, [dense(3, 'linear', layer)], { loss: null }));
      executor.setState({ parameters: [floats(dtype, [2.5, -4, 0.375, 0.5, 0, 0]), floats(dtype, [1, -1, 0])], slots: {}, step: 0 });
      // The update moves the first weight from 2.5 to 3: what is constrained is the result.
      executor.applyGradients([floats(dtype, [-1, 0, 0, 0, 0, 0]), floats(dtype, [0, 0, 0])], stepOf({ rate: 0.5 }));
      return values(executor);
    };
    const by = (wanted: number, norm: number, ...row: number[]): number[] => row.map((value) => rounded(dtype, value * rounded(dtype, wanted / (1e-7 + norm))));
    expect(after({ kernelConstraint: { name: 'maxNorm', maxValue: 2 } })).toEqual([[...by(2, 5, 3, -4), ...by(0.625, 0.625, 0.375, 0.5), 0, 0], [1, -1, 0]]);
    expect(after({ kernelConstraint: { name: 'unitNorm' } })).toEqual([[...by(1, 5, 3, -4), ...by(1, 0.625, 0.375, 0.5), 0, 0], [1, -1, 0]]);
    expect(after({ kernelConstraint: { name: 'nonNegative' } })).toEqual([[3, 0, 0.375, 0.5, 0, 0], [1, -1, 0]]);
    expect(after({ biasConstraint: { name: 'nonNegative' } })).toEqual([[3, -4, 0.375, 0.5, 0, 0], [1, 0, 0]]);
    expect(after({})).toEqual([[3, -4, 0.375, 0.5, 0, 0], [1, -1, 0]]);
  });

  test('constraints hold after every step, whatever the rule', () => {
    for (const optimizer of everyOptimizer) {
      const spec = network(dtype, 5, [
        dense(18, 'tanh', { kernelConstraint: { name: 'maxNorm', maxValue: 0.5 }, biasConstraint: { name: 'nonNegative' } }),
        dense(17, 'relu', { kernelConstraint: { name: 'unitNorm' } }), dense(3, 'linear', { kernelConstraint: { name: 'nonNegative' } }),
      ], { optimizer });
      const executor = make(spec);
      executor.setState(randomState(spec, 4));
      const data = executor.load(randomData(spec, 20, 4));
      const { steps } = executor.trainStepsSync(data, { order: null, from: 0, to: 20, batchSize: 8, repeat: 3, stepScalars: constantScalars(spec, 9, 0.02) });
      expect(steps).toBe(9);
      const [first, bias, second, , third] = executor.getState().parameters;
      const norm = (row: ArrayLike<number>): number => Math.hypot(...Array.from(row));
      const slack = dtype === 'float64' ? 1e-6 : 1e-5;
      for (let o = 0; o < 18; o++) expect(norm(first.subarray(5 * o, 5 * o + 5))).toBeLessThanOrEqual(0.5 + slack);
      for (let o = 0; o < 17; o++) expect(Math.abs(norm(second.subarray(18 * o, 18 * o + 18)) - 1)).toBeLessThan(slack);
      expect(bias.some((value) => value < 0) || third.some((value) => value < 0), optimizer.name).toBe(false);
      expect(bias.some((value) => value > 0)).toBe(true);
    }
  });

  const unclipped = everyOptimizer.filter(({ clipvalue, clipnorm, globalClipnorm }) => clipvalue === undefined && clipnorm === undefined && globalClipnorm === undefined);
  test('every way of clipping with every constraint: one call, slices, materialised, taken apart', () => {
    everyClipping.forEach((clipping, c) => {
      for (const [n, constraint] of everyConstraint.entries()) {
        const rule = unclipped[(everyConstraint.length * c + n) % unclipped.length];
        const spec = network(dtype, 5, [dense(19, 'relu', { l1: 0.001, ...constraint }), dropout(0.2), dense(4, 'tanh', { l2: 0.01, ...constraint }), dense(1)], { loss: squaredLoss(), optimizer: { ...rule, ...clipping } });
        // 8 rows, 1 output, targets 0: dlogits = 2 a / 8 is exact in every dtype.
        const options = { ...randomData(spec, 8, 6), y: { kind: 'values' as const, values: floats(dtype, new Float64Array(8)) } };
        const rows = { order: null, from: 0, to: 8 };
        const stepScalars = constantScalars(spec, 4, 0.05);
        const width = stepScalars.length / 4;
        const start = (plan: 'auto' | 'materialised'): Executor => {
          const executor = make(spec, { plan });
          executor.setState(randomState(spec, 5));
          return executor;
        };
        const [whole, materialised, sliced, apart] = [start('auto'), start('materialised'), start('auto'), start('auto')];
        for (const executor of [whole, materialised]) executor.trainStepsSync(executor.load(options), { ...rows, batchSize: 8, repeat: 4, stepScalars });
        const [data, other] = [sliced.load(options), apart.load(options)];
        for (let step = 0; step < 4; step++) {
          const own = stepScalars.slice(width * step, width * step + width);
          sliced.trainStepsSync(data, { ...rows, batchSize: 8, stepScalars: own });
          const { logits } = apart.forwardTrain(other, rows);
          apart.applyGradients(apart.backward(floats(dtype, logits.map((value) => value / 4))).gradients, own);
        }
        for (const executor of [materialised, sliced, apart]) expectSameState(executor, whole);
        expect(whole.getState().parameters.every((parameter) => parameter.every(Number.isFinite))).toBe(true);
      }
    });
  });
}
