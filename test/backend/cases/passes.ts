// Passes between dense layers: worked values, gradients against central differences, statistics, and a step taken apart.
import { expect } from 'vitest';
import type { Executor } from '../../../src/backend/contract/executor.js';
import type { LayerSpec, NetworkSpec } from '../../../src/backend/contract/spec.js';
import type { Suite } from '../executor.cases.js';
import {
  activationPass, adam, batchNorm, constantScalars, dense, dropout, expectClose, expectSame, expectSameLists, expectSameState, floats, layerNorm, network, noise, normalization, prelu, randomData,
  randomState, rescaling, rounded, sgd, squaredLoss,
} from '../networks.js';

/** Networks that have everything, in many orders. */
const chains: readonly (readonly LayerSpec[])[] = [
  [dense(7), batchNorm(), activationPass('relu'), dense(3)],
  [dense(19, 'tanh', { l2: 0.01 }), layerNorm(), dropout(0.25), dense(3)],
  [dense(6), prelu, dense(3), layerNorm({ scale: false })],
  [rescaling(2, 0.5), batchNorm({ center: false }), dense(17, 'gelu'), batchNorm({ scale: false }), activationPass('softmax'), noise(0.1), dense(3), batchNorm()],
  [normalization([0.5, 0, -0.5, 0, 0], [1, 2, 0.5, 1, 1]), noise(0.05), prelu, layerNorm({ center: false }), dense(5), batchNorm({ center: false, scale: false }), activationPass('silu'), dense(3, 'sigmoid'), prelu],
];

export function passCases({ make, isa, dtype, tolerance, test }: Suite): void {
  const all = (rows: number): { order: null; from: number; to: number } => ({ order: null, from: 0, to: rows });
  const started = (spec: NetworkSpec, seed = 3): Executor => {
    const executor = make(spec);
    executor.setState(randomState(spec, seed));
    return executor;
  };
  /** Layers behind a dense layer that changes nothing: outputs and dx of given z and dy, (rows, 2). */
  function behind(layers: readonly LayerSpec[], parameters: readonly (readonly number[])[], z: readonly number[], dy: readonly number[]) {
    const spec = network(dtype, 2, [dense(2, 'linear', { useBias: false }), ...layers], { loss: squaredLoss() });
    const executor = make(spec);
    const state = randomState(spec, 1);
    executor.setState({ ...state, parameters: [[1, 0, 0, 1], ...parameters].map((values) => floats(dtype, values)) });
    const x = floats(dtype, z);
    const rows = z.length / 2;
    const data = executor.load({ x, rows, y: { kind: 'values', values: x } });
    const { outputs } = executor.forwardTrain(data, all(rows));
    const { dx, gradients } = executor.backward(floats(dtype, dy));
    return { executor, data, outputs, dx, gradients: gradients.slice(1) };
  }

  test('prelu, worked: the slope at 0 is alpha', () => {
    const { outputs, dx, gradients } = behind([prelu], [[0.25, -2]], [-2, -1, 0, 0, 3, 4], [1, 10, 2, 20, 3, 30]);
    expect([...outputs]).toEqual([-0.5, 2, 0, -0, 3, 4]);
    expect([...dx]).toEqual([0.25, -20, 0.5, -40, 3, 30]);
    expect([...(gradients[0] ?? [])]).toEqual([-2, -10]);
  });

  test('layer normalization, worked', () => {
    // Each row has mean m and deviation 3: normal is -1, 1 less what epsilon takes.
    const { outputs, dx, gradients } = behind([layerNorm({ epsilon: 7 })], [[2, 10], [0.5, 1]], [1, 7, 10, 4], [1, 0.5, 0, 3]);
    const normal = [-0.75, 0.75, 0.75, -0.75];
    expectClose(outputs, [2 * -0.75 + 0.5, 10 * 0.75 + 1, 2 * 0.75 + 0.5, 10 * -0.75 + 1], tolerance);
    expectClose(gradients[0] ?? [], [1 * -0.75 + 0 * 0.75, 0.5 * 0.75 + 3 * -0.75], tolerance);
    expectClose(gradients[1] ?? [], [1, 3.5], tolerance);
    // d = dy·gamma; dx = 1/4 · (d - mean(d) - normal · mean(d · normal)).
    const d = [[2, 5], [0, 30]];
    const expected = d.flatMap(([a = 0, b = 0], row) => {
      const n = normal.slice(2 * row, 2 * row + 2);
      const mean = (a + b) / 2, product = (a * (n[0] ?? 0) + b * (n[1] ?? 0)) / 2;
      return [0.25 * (a - mean - (n[0] ?? 0) * product), 0.25 * (b - mean - (n[1] ?? 0) * product)];
    });
    expectClose(dx, expected, tolerance);
  });

  test('batch normalization, worked: statistics of the batch in training, moving ones in prediction', () => {
    const { executor, data, outputs, dx, gradients } = behind([batchNorm({ epsilon: 7, momentum: 0.75 })], [[2, 10], [0.5, 1]], [1, 10, 7, 4], [1, 0, 0.5, 3]);
    const normal = [-0.75, 0.75, 0.75, -0.75];
    expectClose(outputs, [2 * -0.75 + 0.5, 10 * 0.75 + 1, 2 * 0.75 + 0.5, 10 * -0.75 + 1], tolerance);
    expectClose(gradients[0] ?? [], [1 * -0.75 + 0.5 * 0.75, 3 * -0.75], tolerance);
    expectClose(gradients[1] ?? [], [1.5, 3], tolerance);
    const unit = (gamma: number, d: readonly number[], n: readonly number[]): number[] => {
      const mean = ((d[0] ?? 0) + (d[1] ?? 0)) / 2, product = ((d[0] ?? 0) * (n[0] ?? 0) + (d[1] ?? 0) * (n[1] ?? 0)) / 2;
      return d.map((value, i) => (gamma / 4) * (value - mean - (n[i] ?? 0) * product));
    };
    const [a, b] = [unit(2, [1, 0.5], [normal[0] ?? 0, normal[2] ?? 0]), unit(10, [0, 3], [normal[1] ?? 0, normal[3] ?? 0])];
    expectClose(dx, [a[0] ?? 0, b[0] ?? 0, a[1] ?? 0, b[1] ?? 0], tolerance);
    // Nothing moves before an update; then mean 4 and 7, variance Σ d² / (rows - 1) = 18.
    const before = executor.getState();
    executor.applyGradients(before.parameters.map((parameter) => parameter.map(() => 0)), constantScalars(executor.spec, 1));
    const after = executor.getState();
    const old = (i: number): number[] => [...(before.statistics?.[i] ?? [])];
    expectClose(after.statistics?.[0] ?? [], old(0).map((value, u) => 0.75 * value + 0.25 * [4, 7][u]), tolerance);
    expectClose(after.statistics?.[1] ?? [], old(1).map((value) => 0.75 * value + 0.25 * 18), tolerance);
    // They move once for each pass forward.
    executor.applyGradients(before.parameters.map((parameter) => parameter.map(() => 0)), constantScalars(executor.spec, 1));
    expectSameLists(executor.getState().statistics ?? [], after.statistics ?? []);
    const [mean = [], variance = []] = (after.statistics ?? []).map((array) => [...array]);
    const predicted = executor.predictSync(data, { ...all(2), output: 'outputs' });
    expectClose(predicted, [1, 10, 7, 4].map((z, i) => ((z - (mean[i % 2] ?? 0)) / Math.sqrt((variance[i % 2] ?? 0) + 7)) * (i % 2 === 0 ? 2 : 10) + (i % 2 === 0 ? 0.5 : 1)), tolerance);
  });

  test('gaussian noise: other numbers each step, unit and row, of the right deviation; none in prediction', () => {
    const spec = network(dtype, 37, [noise(0.5), dense(37, 'linear', { useBias: false })], { loss: squaredLoss() });
    const executor = make(spec);
    const unit = Float64Array.from({ length: 37 * 37 }, (_, i) => (i % 38 === 0 ? 1 : 0));
    const x = floats(dtype, new Float64Array(37 * 300).fill(2));
    const drawn = [0, 1, 2 ** 32].map((step) => {
      executor.setState({ parameters: [floats(dtype, unit)], slots: {}, step });
      const { outputs } = executor.forwardTrain(executor.load({ x, rows: 300 }), all(300));
      return Array.from(outputs, (value) => (value - 2) / 0.5);
    });
    const [first = [], second = [], wrapped = []] = drawn;
    expect(wrapped).toEqual(first);
    expect(first.filter((value, i) => value === second[i]).length).toBeLessThan(10);
    expect(new Set(first).size).toBeGreaterThan(dtype === 'float64' ? 11090 : 10000);
    const n = first.length;
    const moment = (power: number): number => first.reduce((sum, value) => sum + value ** power, 0) / n;
    // Four deviations of each moment's own noise.
    expect(Math.abs(moment(1))).toBeLessThan(4 / Math.sqrt(n));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(4 * Math.sqrt(2 / n));
    expect(Math.abs(moment(3))).toBeLessThan(4 * Math.sqrt(15 / n));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(4 * Math.sqrt(96 / n));
    expect(Math.abs(first.reduce((sum, value, i) => sum + value * (first[i + 1] ?? 0), 0) / n)).toBeLessThan(4 / Math.sqrt(n));
    expect([...executor.predictArraySync(x, 300, 'outputs')]).toEqual([...x]);
  });

  if (dtype === 'float64') {
    chains.forEach((layers, index) => {
      test(`gradients are central differences, chain ${index}`, () => {
        const spec = network(dtype, 5, layers, { seed: 11 });
        const state = randomState(spec, 4 + index);
        const data = randomData(spec, 6, 5);
        const executor = started(spec, 4 + index);
        const handle = executor.load(data);
        const { gradients, dx } = executor.lossAndGradients(handle, all(6));
        const lossAt = (parameters: readonly ArrayLike<number>[], x = data.x): number => {
          executor.setState({ ...state, parameters: parameters.map((values) => floats(dtype, values)) });
          const result = executor.lossAndGradients(executor.load({ ...data, x }), all(6));
          return result.loss + result.penalty;
        };
        const h = 1e-6;
        const shifted = (values: Float64Array, at: number, by: number): Float64Array => values.map((value, i) => (i === at ? value + by : value));
        const plain = state.parameters.map((parameter) => Float64Array.from(parameter));
        const scale = Math.max(...gradients.flatMap((gradient) => [...gradient].map(Math.abs)));
        gradients.forEach((gradient, p) => {
          for (let i = 0; i < gradient.length; i += Math.ceil(gradient.length / 9)) {
            const at = (by: number): number => lossAt(plain.map((values, q) => (q === p ? shifted(values, i, by) : values)));
            const difference = (at(h) - at(-h)) / (2 * h);
            if (!(Math.abs(gradient[i] - difference) <= 1e-8 * scale)) expect.fail(`parameter ${p}, element ${i}: ${gradient[i]}, differences say ${difference}`);
          }
        });
        const x = Float64Array.from(data.x);
        for (let i = 0; i < x.length; i += 4) {
          const difference = (lossAt(plain, shifted(x, i, h)) - lossAt(plain, shifted(x, i, -h))) / (2 * h);
          if (!(Math.abs(dx[i] - difference) <= 1e-8 * scale)) expect.fail(`dx ${i}: ${dx[i]}, differences say ${difference}`);
        }
      });
    });
  }

  test('a step is forwardTrain, backward and applyGradients, statistics included', () => {
    for (const [index, layers] of chains.entries()) {
      for (const optimizer of [sgd({ momentum: 0.9 }), adam({ amsgrad: true, weightDecay: 0.01 })]) {
        const spec = network(dtype, 5, layers, { loss: squaredLoss(), optimizer });
        const [a, b] = [started(spec, index), started(spec, index)];
        const data = randomData(spec, 9, 6);
        const [x, y] = [a.load(data), b.load(data)];
        for (let step = 0; step < 3; step++) {
          const scalars = constantScalars(spec, 1, 0.01, 1 + step);
          a.trainStepsSync(x, { ...all(9), batchSize: 9, stepScalars: scalars });
          const { outputs, logits } = b.forwardTrain(y, all(9));
          expectSame(outputs, logits);
          // As the loss does: TypeScript rounds once, on store.
          const each = (value: number): number => (isa === 'typescript' ? value : rounded(dtype, value));
          const dlogits = floats(dtype, Array.from(logits, (value, i) => each(2 * each(value - data.y.values[i])) * rounded(dtype, 1 / 27)));
          const { gradients } = b.backward(dlogits);
          // Predictions in between change nothing.
          b.predictSync(y, { ...all(9), output: 'outputs' });
          b.applyGradients(gradients, scalars);
        }
        expectSameState(b, a);
      }
    }
  });

  test('weights and biases have 16 blocks of 1024 rows and more, gamma and beta one chain', () => {
    const spec = network(dtype, 3, [dense(5, 'tanh'), layerNorm(), dense(2)], { loss: squaredLoss('sum') });
    const executor = started(spec);
    const rows = 1030;
    const data = executor.load(randomData(spec, rows, 3));
    const whole = executor.lossAndGradients(data, all(rows));
    const sums = whole.gradients.map((gradient) => new Float64Array(gradient.length));
    for (let block = 0; block < 16; block++) {
      const { gradients } = executor.lossAndGradients(data, { order: null, from: Math.floor((block * rows) / 16), to: Math.floor(((block + 1) * rows) / 16) });
      gradients.forEach((gradient, p) => { gradient.forEach((value, i) => { sums[p][i] += value; }); });
    }
    whole.gradients.forEach((gradient, p) => {
      if (dtype === 'float64' && p !== 2 && p !== 3) expectSame(gradient, sums[p]);
      else expectClose(gradient, sums[p], tolerance);
    });
    // Fewer rows are one chain, longer than any part a backend may take at once.
    const parts = [[0, 500], [0, 100], [100, 200], [200, 300], [300, 400], [400, 500]].map(([from = 0, to = 0]) => executor.lossAndGradients(data, { order: null, from, to }).gradients);
    parts[0]?.forEach((gradient, p) => {
      expectClose(gradient, gradient.map((_, i) => parts.slice(1).reduce((sum, part) => sum + (part[p]?.[i] ?? NaN), 0)), tolerance);
    });
  });

  test('slices, outputs and a second pass give the same numbers as one call', () => {
    for (const [index, layers] of chains.entries()) {
      const spec = network(dtype, 5, layers, { optimizer: adam() });
      const [a, b] = [started(spec, index), started(spec, index)];
      const data = randomData(spec, 44, 6);
      const [x, y] = [a.load(data), b.load(data)];
      const order = Uint32Array.from({ length: 44 }, (_, i) => (i * 7 + 3) % 44);
      const pass = { order, from: 0, to: 44, batchSize: 6, repeat: 2, stepScalars: constantScalars(spec, 16, 0.01) };
      const whole = a.trainStepsSync(x, pass);
      const losses: number[] = [];
      for (let turn = 0, firstStep = 0; firstStep < 16 && turn < 20; turn++) {
        const slice = b.trainStepsSync(y, { ...pass, firstStep, maxMilliseconds: 0, outputs: true });
        expect(slice.outputs?.length).toBe(slice.steps * 18 - (firstStep === 7 || firstStep === 15 ? 12 : 0));
        losses.push(...slice.losses);
        firstStep += slice.steps;
      }
      expect(losses).toEqual([...whole.losses]);
      expectSameState(a, b);
    }
  });

  test('predictions are the same alone and in any batch, published ones stay', () => {
    for (const [index, layers] of chains.entries()) {
      const spec = network(dtype, 5, layers);
      const executor = started(spec, index);
      const data = randomData(spec, 75, 6);
      const handle = executor.load(data);
      const together = executor.predictSync(handle, { ...all(75), output: 'outputs' });
      for (const row of [0, 31, 32, 74]) expectSame(executor.predictSync(handle, { order: null, from: row, to: row + 1, output: 'outputs' }), together.slice(3 * row, 3 * row + 3));
      const evaluated = executor.evaluateSync(handle, { ...all(75), outputs: true });
      expectSame(evaluated.outputs, together);
      executor.publish();
      executor.trainStepsSync(handle, { ...all(75), batchSize: 25, stepScalars: constantScalars(spec, 3) });
      expectSame(executor.predictSync(handle, { ...all(75), output: 'outputs', weights: 'published' }), together);
      expect([...executor.predictSync(handle, { ...all(75), output: 'outputs' })]).not.toEqual([...together]);
    }
  });

  test('a loss that is not finite leaves parameters and statistics as they were', () => {
    const spec = network(dtype, 5, chains[0] ?? [], { loss: squaredLoss() });
    const executor = started(spec);
    const start = executor.getState();
    start.parameters[4].fill(dtype === 'float64' ? 1e308 : 3e38);
    executor.setState(start);
    const state = executor.getState();
    const handle = executor.load(randomData(spec, 8, 6));
    const { stopped, steps } = executor.trainStepsSync(handle, { ...all(8), batchSize: 8, stepScalars: constantScalars(spec, 1) });
    expect([stopped, steps]).toEqual(['nonFinite', 0]);
    expect(executor.getState()).toEqual(state);
    executor.applyGradients(state.parameters.map((parameter) => parameter.map(() => 0)), constantScalars(spec, 1));
    expectSameLists(executor.getState().statistics ?? [], state.statistics ?? []);
  });

  test('batches of one row, other statistics and bad numbers are refused', () => {
    const spec = network(dtype, 5, chains[0] ?? []);
    const executor = started(spec);
    const handle = executor.load(randomData(spec, 7, 6));
    const refused = (code: string, text: string, run: () => unknown): void => expect(run).toThrow(expect.objectContaining({ code, message: expect.stringContaining(text) }));
    const step = (to: number, batchSize: number, count: number) => () => executor.trainStepsSync(handle, { order: null, from: 0, to, batchSize, stepScalars: constantScalars(spec, count) });
    refused('ERR_RANGE', 'at least 2', step(7, 1, 7));
    refused('ERR_RANGE', 'at least 2', step(7, 3, 3));
    refused('ERR_RANGE', 'at least 2', step(1, 3, 1));
    refused('ERR_RANGE', 'at least 2', () => executor.forwardTrain(handle, all(1)));
    refused('ERR_RANGE', 'at least 2', () => executor.lossAndGradients(handle, all(1)));
    expect(executor.evaluateSync(handle, all(1)).denominator).toBe(1);
    expect(step(7, 4, 2)().steps).toBe(2);
    const state = executor.getState();
    refused('ERR_SHAPE', '2 arrays for statistics', () => executor.setState({ parameters: state.parameters, slots: {}, step: 0 }));
    refused('ERR_SHAPE', 'movingVariance of layer 1', () => executor.setState({ ...state, statistics: [state.statistics?.[0] ?? floats(dtype, []), floats(dtype, [1])] }));
    expect(executor.getState()).toEqual(state);
    const build = (layer: LayerSpec) => (): unknown => make(network(dtype, 5, [dense(3), layer]));
    refused('ERR_RANGE', 'momentum', build(batchNorm({ momentum: 1.5 })));
    refused('ERR_RANGE', 'epsilon', build(batchNorm({ epsilon: 0 })));
    refused('ERR_RANGE', 'epsilon', build(layerNorm({ epsilon: NaN })));
    refused('ERR_RANGE', 'deviation', build(noise(-1)));
    refused('ERR_OPTION', 'rescaling', () => make(network(dtype, 5, [layerNorm(), rescaling(2), dense(3)])));
    refused('ERR_OPTION', 'at least one dense layer', () => make(network(dtype, 5, [layerNorm()])));
  });
}
