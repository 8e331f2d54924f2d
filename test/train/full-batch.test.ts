// The iterations on functions of two numbers, behind an executor that knows nothing but them.
import { describe, expect, it } from 'vitest';
import type { ExecutorState, TrainResult } from '../../src/backend/contract/executor.js';
import type { NetworkSpec } from '../../src/backend/contract/spec.js';
import { runSync, type Flow } from '../../src/base/sync-async.js';
import { FullBatch, gradientReader } from '../../src/train/full-batch.js';
import { LbfgsMemory, type Converged, type LbfgsSettings } from '../../src/train/lbfgs.js';

type F = (x: number, y: number) => readonly [value: number, dx: number, dy: number];
const rosenbrock: F = (x, y) => [(1 - x) ** 2 + 100 * (y - x * x) ** 2, -2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)];

const spec: NetworkSpec = {
  inputSize: 2, head: 'none', loss: null, optimizer: gradientReader, dtype: 'float64', seed: 0,
  layers: [{ kind: 'dense', name: 'dense', units: 1, useBias: false, activation: { name: 'linear' }, l2: 0, learningRateFactor: 1 }],
};

function minimize(f: F, from: readonly [number, number], { epochs = 100, rate = 1, tamper, ...changes }: Partial<LbfgsSettings> & { epochs?: number; rate?: number; tamper?: (memory: LbfgsMemory) => void } = {}) {
  const settings: LbfgsSettings = { historySize: 10, maxIterations: 1, toleranceGradient: 1e-7, toleranceChange: 1e-9, ...changes };
  let state: ExecutorState = { parameters: [Float64Array.from(from)], slots: {}, step: 0 };
  let gradient = new Float64Array(2);
  let iterations = 0;
  let evaluations = 0;
  const memory = new LbfgsMemory(settings.historySize);
  const result = (loss: number, good: boolean): TrainResult => ({ steps: good ? 1 : 0, losses: Float64Array.of(loss), correct: null, stopped: good ? 'done' : 'nonFinite', outputs: null });
  const getState = (): ExecutorState => ({ ...state, slots: { momentum: [gradient] } });
  const search = new FullBatch({
    executor: { spec, getState, getStateAsync: () => Promise.resolve(getState()), adoptState: (given) => void (state = { ...given, parameters: given.parameters.map((p) => p.slice()) }) },
    samples: 1, outputs: false, lbfgs: { settings, memory, iterations: () => iterations, rate: () => rate },
    // eslint-disable-next-line require-yield -- nothing waits here
    *step(options): Flow<TrainResult> {
      expect([...options.stepScalars]).toEqual([0, 1, 0, 0, 0]);
      expect(state.slots['momentum']).toEqual([new Float64Array(2)]);
      evaluations += 1;
      const [x, y] = state.parameters[0];
      const [value, dx, dy] = f(x, y);
      gradient = Float64Array.of(dx, dy);
      return result(value, Number.isFinite(value));
    },
    advance: (count) => void (iterations += count),
  });
  const losses: number[] = [];
  let converged: Converged | null = null;
  for (let epoch = 0; epoch < epochs && converged === null; epoch++) {
    if (epoch === 3) tamper?.(memory);
    const done = runSync(search.epoch());
    losses.push(done.result.losses[0]);
    ({ converged } = done);
    if (done.result.stopped === 'nonFinite') break;
  }
  return { end: [...state.parameters[0]], losses, converged, iterations, evaluations, pairs: memory.pairs.length, step: state.step };
}

describe('FullBatch', () => {
  it('by hand: two iterations on x² + 4y² from (1, 1)', () => {
    // g = (2, 8): the first step is 1/10 of -g: (0.8, 0.2), value 0.8 <= 5 - ..., slope (1.6, 1.6)·(-2, -8) = -16, flat beside -68.
    const first = minimize((x, y) => [x * x + 4 * y * y, 2 * x, 8 * y], [1, 1], { epochs: 1 });
    expect(first.end[0]).toBeCloseTo(0.8, 15);
    expect(first.end[1]).toBeCloseTo(0.2, 15);
    expect([first.iterations, first.evaluations, first.pairs, first.step]).toEqual([1, 2, 1, 1]);
    // s = (-0.2, -0.8), y = (-0.4, -6.4), sᵀy = 5.2, yᵀy = 41.12, ρ = 1/5.2, γ = 5.2/41.12. g = (1.6, 1.6):
    // a = ρ·sᵀ(-g) = 1.6/5.2; q = -g - a·y; b = ρ·yᵀ(γq); d = γq + (a - b)s; t = 1.
    const a = 1.6 / 5.2;
    const q = [-1.6 + 0.4 * a, -1.6 + 6.4 * a].map((value) => (value * 5.2) / 41.12);
    const b = (-0.4 * q[0] - 6.4 * q[1]) / 5.2;
    const d = [q[0] - 0.2 * (a - b), q[1] - 0.8 * (a - b)];
    const second = minimize((x, y) => [x * x + 4 * y * y, 2 * x, 8 * y], [1, 1], { epochs: 2 });
    expect(second.end[0]).toBeCloseTo(0.8 + d[0], 14);
    expect(second.end[1]).toBeCloseTo(0.2 + d[1], 14);
    // A point is looked at once: the next iteration begins where the last evaluation was.
    expect(second.evaluations).toBe(3);
  });

  it("finds the end of Rosenbrock's valley", () => {
    const { end, losses, converged, iterations, evaluations } = minimize(rosenbrock, [-1.2, 1], { toleranceChange: 0 });
    expect(Math.hypot(end[0] - 1, end[1] - 1)).toBeLessThan(1e-6);
    expect(converged).toBe('gradient');
    // Measured: 37 iterations, 46 evaluations.
    expect(iterations).toBeLessThan(45);
    expect(evaluations).toBeLessThan(60);
    losses.slice(1).forEach((loss, i) => {
      expect(loss).toBeLessThan(losses[i]);
    });
  });

  it('many iterations an epoch are the same iterations', () => {
    const one = minimize(rosenbrock, [-1.2, 1], { epochs: 20 });
    const twenty = minimize(rosenbrock, [-1.2, 1], { epochs: 1, maxIterations: 20 });
    expect([twenty.end, twenty.iterations, twenty.evaluations]).toEqual([one.end, 20, one.evaluations]);
    expect(twenty.losses).toEqual(one.losses.slice(0, 1));
  });

  it('says why it ended', () => {
    const bowl: F = (x, y) => [x * x + y * y, 2 * x, 2 * y];
    expect(minimize(bowl, [0, 0])).toMatchObject({ converged: 'gradient', iterations: 0, losses: [0], end: [0, 0] });
    expect(minimize(bowl, [1, 1], { toleranceChange: 10 })).toMatchObject({ converged: 'change', iterations: 0 });
    // A narrow valley on a slope: the loss falls by 5e-11, the weights move by 1e-9.
    expect(minimize((x, y) => [5e7 * (x - 1e-9) ** 2 + 1e-5 * y, 1e8 * (x - 1e-9), 1e-5], [0, 0])).toMatchObject({ converged: 'change', iterations: 1 });
    // Steeper: the loss falls by 1e-8, the weights move by 5e-10; nothing is looked at once more.
    expect(minimize((x, y) => [5e10 * (x - 5e-10) ** 2 + 1e-5 * y, 1e11 * (x - 5e-10), 1e-5], [0, 0])).toMatchObject({ converged: 'change', iterations: 1, losses: [expect.closeTo(1.25e-8, 12)] });
    // The gradient points uphill: no step is better.
    expect(minimize((x, y) => [x + y, -1, -1], [1, 1])).toMatchObject({ converged: 'lineSearch', iterations: 0, end: [1, 1] });
  });

  it('forgets pairs that lead nowhere and goes on', () => {
    const { converged, end } = minimize(rosenbrock, [-1.2, 1], {
      toleranceChange: 0,
      tamper: (memory) => {
        memory.forget();
        // A pair of another function: the direction falls, but no step along it is short enough for 25 trials.
        runSync(memory.remember({ move: Float64Array.of(1e140, 1e140), change: Float64Array.of(1e-140, 1e-140) }));
      },
    });
    expect(converged).toBe('gradient');
    expect(Math.hypot(end[0] - 1, end[1] - 1)).toBeLessThan(1e-6);
  });

  it('comes back from where the loss is not finite, and tells of a start that is not', () => {
    const cliff: F = (x, y) => (x > 2 ? [NaN, NaN, NaN] : [(x - 1.9) ** 2 + y * y, 2 * (x - 1.9), 2 * y]);
    const { end, converged } = minimize(cliff, [0, 0], { rate: 50 });
    expect(converged).toBe('gradient');
    expect(end[0]).toBeCloseTo(1.9, 6);
    expect(minimize(cliff, [3, 0])).toMatchObject({ iterations: 0, losses: [NaN], end: [3, 0] });
  });

  it('a rate of 0 is an iteration without a step', () => {
    expect(minimize(rosenbrock, [-1.2, 1], { rate: 0, epochs: 3 })).toMatchObject({ iterations: 3, evaluations: 1, end: [-1.2, 1], converged: null });
  });
});
