// Losses: formulas, options, weights, reductions; the L2 penalty; gradients against central differences.
import { expect } from 'vitest';
import type { Executor, LoadOptions } from '../../../src/backend/contract/executor.js';
import type { LossSpec, NetworkSpec } from '../../../src/backend/contract/spec.js';
import type { Suite } from '../executor.cases.js';
import { constantScalars, dense, expectClose, expectSameLists, floats, network, randomData, randomState, sigmoidLoss, softmaxLoss, squaredLoss } from '../networks.js';

const sum = (values: ArrayLike<number>): number => Array.from(values).reduce((total, value) => total + value, 0);

export function lossCases({ make, dtype, tolerance, test }: Suite): void {
  const started = (spec: NetworkSpec): Executor => {
    const executor = make(spec);
    executor.setState(randomState(spec, 3));
    return executor;
  };
  const linear = (loss: LossSpec, changes: Partial<NetworkSpec> = {}): NetworkSpec => network(dtype, 4, [dense(3)], { loss, ...changes });
  const rows = { order: null, from: 0, to: 6 };
  const labels = Int32Array.of(0, 2, 1, 1, 2, 2);
  const close = (actual: number, expected: number): void => expectClose([actual], [expected], 4 * tolerance);

  /** Log-probabilities of each row, from the logits that predict gives. */
  function logProbabilities(executor: Executor, options: LoadOptions): number[][] {
    const z = executor.predictArraySync(options.x, options.rows, 'logits');
    return Array.from({ length: options.rows }, (_, row) => {
      const of = Array.from(z.slice(row * 3, row * 3 + 3));
      const logSum = Math.log(sum(of.map(Math.exp)));
      return of.map((value) => value - logSum);
    });
  }

  test('softmax cross-entropy by hand: equal logits', () => {
    // One row x = 2, W = (0, 0): p = (0.5, 0.5), loss = log 2, dlogits = (-0.5, 0.5), dW = 2 dlogits = (-1, 1), dx = 0.
    const spec = network(dtype, 1, [dense(2)]);
    const executor = make(spec);
    const one = { order: null, from: 0, to: 1 };
    const load = (label: number) => executor.load({ x: Float64Array.of(2), rows: 1, y: { kind: 'labels', values: Int32Array.of(label) } });
    const worked = executor.lossAndGradients(load(0), one);
    // Of equal logits the lowest index is the prediction.
    expect([0, 1].map((label) => executor.evaluateSync(load(label), one).correct)).toEqual([1, 0]);
    close(worked.loss, Math.LN2);
    expectSameLists(worked.gradients, [floats(dtype, [-1, 1]), floats(dtype, [-0.5, 0.5])]);
    expectSameLists([worked.outputs, worked.dx], [floats(dtype, [0.5, 0.5]), floats(dtype, [0])]);
  });

  test('sigmoid cross-entropy by hand: logit 0', () => {
    // x = 2, W = 0: p = 0.5; y = 1: loss = log 2, dlogit = -0.5; with positive weight 3: loss = 3 log 2, dlogit = -1.5.
    for (const [weights, factor] of [[null, 1], [[3], 3]] as const) {
      const spec = network(dtype, 1, [dense(1)], { loss: sigmoidLoss({ positiveWeights: weights }) });
      const executor = make(spec);
      const data = executor.load({ x: Float64Array.of(2), rows: 1, y: { kind: 'values', values: Uint8Array.of(1) } });
      const worked = executor.lossAndGradients(data, { order: null, from: 0, to: 1 });
      close(worked.loss, factor * Math.LN2);
      // A logit of 0 counts as predicting 1.
      expect(executor.evaluateSync(data, { order: null, from: 0, to: 1 }).correct).toBe(1);
      expectSameLists(worked.gradients, [floats(dtype, [-factor]), floats(dtype, [-0.5 * factor])]);
      expectSameLists([worked.outputs], [floats(dtype, [0.5])]);
    }
  });

  test('softmax cross-entropy of labels is -log p', () => {
    const executor = started(linear(softmaxLoss()));
    const options = { ...randomData(executor.spec, 6, 2), y: { kind: 'labels' as const, values: labels } };
    const lp = logProbabilities(executor, options);
    const { lossSum, denominator, correct } = executor.evaluateSync(executor.load(options), rows);
    close(lossSum, -sum(Array.from(labels, (label, row) => lp[row][label])));
    expect(denominator).toBe(6);
    expect(correct).toBe(lp.filter((row, i) => row.indexOf(Math.max(...row)) === labels[i]).length);
  });

  test('labels and one-hot values agree', () => {
    for (const loss of [softmaxLoss(), softmaxLoss({ labelSmoothing: 0.2 })]) {
      const executor = started(linear(loss));
      const { x } = randomData(executor.spec, 6, 2);
      const oneHot = Uint8Array.from({ length: 18 }, (_, i) => (labels[Math.floor(i / 3)] === i % 3 ? 1 : 0));
      const a = executor.lossAndGradients(executor.load({ x, rows: 6, y: { kind: 'labels', values: labels } }), rows);
      const b = executor.lossAndGradients(executor.load({ x, rows: 6, y: { kind: 'values', values: oneHot } }), rows);
      close(a.loss, b.loss);
      a.gradients.forEach((gradient, i) => expectClose(gradient, b.gradients[i], tolerance));
      const counts = [labels, oneHot].map((values) => executor.evaluateSync(
        executor.load({ x, rows: 6, y: values instanceof Int32Array ? { kind: 'labels', values } : { kind: 'values', values } }), rows).correct);
      expect(counts[0]).toBe(counts[1]);
    }
  });

  test('label smoothing, class weights and soft targets follow their formula', () => {
    const weights = [0.5, 2, 1.25];
    for (const smoothing of [0, 0.3]) {
      for (const classWeights of [null, weights]) {
        const executor = started(linear(softmaxLoss({ labelSmoothing: smoothing, classWeights })));
        const options = { ...randomData(executor.spec, 6, 2), y: { kind: 'labels' as const, values: labels } };
        const lp = logProbabilities(executor, options);
        const weightOf = (i: number): number => (classWeights === null ? 1 : classWeights[i]);
        const target = (row: number, i: number): number => (labels[row] === i ? 1 - smoothing : 0) + smoothing / 3;
        const expected = -sum(lp.map((row, r) => sum(row.map((value, i) => weightOf(i) * target(r, i) * value))));
        const result = executor.evaluateSync(executor.load(options), rows);
        close(result.lossSum, expected);
        close(result.denominator, classWeights === null ? 6 : sum(Array.from(labels, (label) => classWeights[label])));
        // Values: the mean divides by rows whatever the class weights.
        const soft = floats(dtype, [0.25, 0.75, 0, 1, 0, 0, 0.5, 0.25, 0.25, 0, 0, 1, 0.125, 0.5, 0.375, 0, 1, 0]);
        const softly = executor.evaluateSync(executor.load({ x: options.x, rows: 6, y: { kind: 'values', values: soft } }), rows);
        close(softly.lossSum, -sum(lp.map((row, r) => sum(row.map((value, i) => weightOf(i) * (soft[r * 3 + i] * (1 - smoothing) + smoothing / 3) * value)))));
        expect(softly.denominator).toBe(6);
      }
    }
  });

  test('sigmoid cross-entropy follows its formula and counts elements', () => {
    for (const positiveWeights of [null, [0.5, 3, 1]]) {
      const executor = started(linear(sigmoidLoss({ positiveWeights })));
      const options = randomData(executor.spec, 6, 2);
      const y = options.y.values;
      const z = executor.predictArraySync(options.x, 6, 'logits');
      const p = Array.from(z, (value) => 1 / (1 + Math.exp(-value)));
      const result = executor.evaluateSync(executor.load(options), rows);
      close(result.lossSum, -sum(p.map((value, i) => (positiveWeights === null ? 1 : positiveWeights[i % 3]) * y[i] * Math.log(value) + (1 - y[i]) * Math.log(1 - value))));
      expect(result.denominator).toBe(18);
      expect(result.correct).toBe(p.filter((_, i) => z[i] >= 0 === y[i] >= 0.5).length);
    }
  });

  test('extreme logits have finite losses', () => {
    const spec = network(dtype, 1, [dense(2)]);
    const softmax = make(spec);
    softmax.setState({ parameters: [floats(dtype, [1000, -1000]), floats(dtype, [0, 0])], slots: {}, step: 0 });
    const data = softmax.load({ x: Float64Array.of(1, 1), rows: 2, y: { kind: 'labels', values: Int32Array.of(0, 1) } });
    expect(softmax.evaluateSync(data, { order: null, from: 0, to: 1 }).lossSum).toBe(0);
    expect(softmax.evaluateSync(data, { order: null, from: 1, to: 2 }).lossSum).toBe(2000);
    const sigmoid = make(network(dtype, 1, [dense(2)], { loss: sigmoidLoss() }));
    sigmoid.setState({ parameters: [floats(dtype, [1000, -1000]), floats(dtype, [0, 0])], slots: {}, step: 0 });
    const values = sigmoid.load({ x: Float64Array.of(1), rows: 1, y: { kind: 'values', values: Uint8Array.of(0, 1) } });
    expect(sigmoid.evaluateSync(values, { order: null, from: 0, to: 1 }).lossSum).toBe(2000);
  });

  test('mean squared error has no notion of right', () => {
    const executor = started(linear(squaredLoss()));
    const options = randomData(executor.spec, 6, 2);
    const y = options.y.values;
    const a = executor.predictArraySync(options.x, 6, 'outputs');
    const result = executor.evaluateSync(executor.load(options), rows);
    close(result.lossSum, sum(Array.from(a, (value, i) => (value - y[i]) ** 2)));
    expect([result.denominator, result.correct]).toEqual([18, null]);
  });

  test('sum is the mean times what it divides by', () => {
    for (const [mean, total] of [[softmaxLoss(), softmaxLoss({ reduction: 'sum' })], [sigmoidLoss(), sigmoidLoss({ reduction: 'sum' })], [squaredLoss(), squaredLoss('sum')]]) {
      const [a, b] = [started(linear(mean)), started(linear(total))];
      const options = randomData(a.spec, 6, 2);
      const { denominator } = a.evaluateSync(a.load(options), rows);
      expect(b.evaluateSync(b.load(options), rows).denominator).toBe(1);
      const [averaged, summed] = [a.lossAndGradients(a.load(options), rows), b.lossAndGradients(b.load(options), rows)];
      close(summed.loss, averaged.loss * denominator);
      summed.gradients.forEach((gradient, i) => expectClose(gradient, averaged.gradients[i].map((value) => value * denominator), tolerance));
    }
  });

  test('sample weights multiply losses and gradients; the mean divides by rows', () => {
    const sampleWeight = Float64Array.of(1, 0, 2, 0.5, 0, 3);
    const executor = started(linear(softmaxLoss()));
    const options = { ...randomData(executor.spec, 6, 2), y: { kind: 'labels' as const, values: labels } };
    const lp = logProbabilities(executor, options);
    const weighted = executor.evaluateSync(executor.load({ ...options, sampleWeight }), rows);
    close(weighted.lossSum, -sum(Array.from(labels, (label, row) => sampleWeight[row] * lp[row][label])));
    expect(weighted.denominator).toBe(6);
    // Rows of weight 0 change nothing: their terms in every chain are zeros.
    const [some, few] = [started(linear(softmaxLoss({ reduction: 'sum' }))), started(linear(softmaxLoss({ reduction: 'sum' })))];
    const all = some.lossAndGradients(some.load({ ...options, sampleWeight: Float64Array.of(1, 0, 1, 1, 0, 1) }), rows);
    const picked = few.lossAndGradients(few.load(options), { order: Uint32Array.of(0, 2, 3, 5), from: 0, to: 4 });
    expectSameLists(all.gradients, picked.gradients);
    close(all.loss, picked.loss);
    // The order picks the weights along with the rows.
    const ordered = executor.evaluateSync(executor.load({ ...options, sampleWeight }), { order: Uint32Array.of(5, 2), from: 0, to: 2 });
    close(ordered.lossSum, -3 * lp[5][2] - 2 * lp[2][1]);
  });

  test('the L2 penalty is in the loss and its gradient in the weights', () => {
    const spec = (l2: number): NetworkSpec => network(dtype, 4, [dense(5, 'relu', { l2 }), dense(3, 'linear', { l2: 2 * l2 })]);
    const [with2, without] = [started(spec(0.125)), started(spec(0))];
    const options = { ...randomData(with2.spec, 6, 2) };
    const { parameters } = with2.getState();
    const [a, b] = [with2.lossAndGradients(with2.load(options), rows), without.lossAndGradients(without.load(options), rows)];
    const squares = (values: ArrayLike<number>): number => sum(Array.from(values, (value) => value * value));
    const penalty = (0.125 / 2) * squares(parameters[0]) + (0.25 / 2) * squares(parameters[2]);
    close(a.penalty, penalty);
    expect(b.penalty).toBe(0);
    expect(a.loss).toBe(b.loss);
    expectClose(a.gradients[0], b.gradients[0].map((g, i) => g + 0.125 * parameters[0][i]), tolerance);
    expectClose(a.gradients[2], b.gradients[2].map((g, i) => g + 0.25 * parameters[2][i]), tolerance);
    expectSameLists([a.gradients[1], a.gradients[3]], [b.gradients[1], b.gradients[3]]);
    expect(with2.evaluateSync(with2.load(options), rows).penalty).toBe(a.penalty);
    const { losses } = with2.trainStepsSync(with2.load(options), { ...rows, batchSize: 6, stepScalars: constantScalars(with2.spec, 1, 0.5) });
    expect(losses[0]).toBe(a.loss + a.penalty);
    const updated = with2.getState().parameters;
    updated.forEach((parameter, p) => expectClose(parameter, parameters[p].map((value, i) => value - 0.5 * a.gradients[p][i]), tolerance));
  });

  if (dtype === 'float64') {
    test('gradients match central differences', () => {
      const losses = [softmaxLoss({ labelSmoothing: 0.1, classWeights: [1, 2, 0.5] }), sigmoidLoss({ positiveWeights: [2, 1, 0.5] }), squaredLoss()];
      for (const loss of losses) {
        for (const activation of ['linear', 'relu', 'sigmoid', 'tanh', 'softmax'] as const) {
          const spec = network(dtype, 3, [dense(4, activation, { l2: 0.01, l1: 0.02 }), dense(4, activation, { useBias: false, l1: 0.01 }), dense(3)], { loss });
          const executor = started(spec);
          const state = executor.getState();
          const data = executor.load(randomData(spec, 5, 11));
          const all = { order: null, from: 0, to: 5 };
          const { gradients } = executor.lossAndGradients(data, all);
          const lossAt = (): number => {
            executor.setState(state);
            const { lossSum, denominator, penalty } = executor.evaluateSync(data, all);
            return lossSum / denominator + penalty;
          };
          // Step 1e-5; largest difference measured 4e-11, gradients are of order 0.1.
          state.parameters.forEach((parameter, p) => {
            for (let i = 0; i < parameter.length; i += 3) {
              const kept = parameter[i];
              parameter[i] = kept + 1e-5;
              const above = lossAt();
              parameter[i] = kept - 1e-5;
              const below = lossAt();
              parameter[i] = kept;
              const difference = Math.abs((above - below) / 2e-5 - gradients[p][i]);
              if (!(difference <= 1e-9)) expect.fail(`${loss.name} ${activation} parameter ${p}[${i}]: ${difference}`);
            }
          });
        }
      }
    });

    test('dx matches central differences', () => {
      const spec = network(dtype, 3, [{ kind: 'rescaling', name: 'r', scale: 0.5, offset: 1 }, { kind: 'flatten', name: 'f' }, dense(4, 'softmax'), dense(3)]);
      const executor = started(spec);
      const options = randomData(spec, 5, 11);
      const all = { order: null, from: 0, to: 5 };
      const { dx } = executor.lossAndGradients(executor.load(options), all);
      const x = Float64Array.from(options.x);
      for (let i = 0; i < x.length; i++) {
        const [above, below] = [1e-5, -1e-5].map((change) => {
          const moved = x.slice();
          moved[i] += change;
          return executor.evaluateSync(executor.load({ ...options, x: moved }), all).lossSum / 5;
        });
        const difference = Math.abs((above - below) / 2e-5 - dx[i]);
        if (!(difference <= 1e-9)) expect.fail(`dx[${i}]: ${difference}`);
      }
    });
  }
}
