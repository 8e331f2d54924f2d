// Dropout: how much, how scaled, where, when.
import { expect } from 'vitest';
import type { Executor } from '../../../src/backend/contract/executor.js';
import type { LayerSpec, NetworkSpec } from '../../../src/backend/contract/spec.js';
import { philox4x32 } from '../../../src/random/philox.js';
import type { Suite } from '../executor.cases.js';
import { constantScalars, dense, dropout, expectSame, expectSameLists, floats, network, randomData, randomState, rescaling, rounded, squaredLoss } from '../networks.js';

export function maskCases({ make, dtype, test }: Suite): void {
  const all = (rows: number): { order: null; from: number; to: number } => ({ order: null, from: 0, to: rows });
  /** 1 -> units, all activations 1 before dropout; then a sum. */
  function ones(units: number, layers: readonly LayerSpec[], changes: Partial<NetworkSpec> = {}): Executor {
    const spec = network(dtype, 1, [dense(units), ...layers, dense(1)], { loss: squaredLoss(), ...changes });
    const executor = make(spec);
    const fill = (count: number, value: number) => floats(dtype, new Float64Array(count).fill(value));
    executor.setState({ parameters: [fill(units, 0), fill(units, 1), fill(units, 1), fill(1, 0)], slots: {}, step: 0 });
    return executor;
  }
  const load = (executor: Executor, rows: number) => executor.load({ x: new Uint8Array(rows), rows, y: { kind: 'values', values: new Uint8Array(rows) } });

  test('drops the stated part and scales the rest', () => {
    for (const rate of [0.1, 0.5, 0.75]) {
      const executor = ones(50, [dropout(rate)]);
      const { activations } = executor.forwardTrain(load(executor, 200), all(200));
      const kept = activations[0].filter((value) => value !== 0);
      expect(new Set(kept)).toEqual(new Set([rounded(dtype, 1 / (1 - rate))]));
      // 10,000 draws: five standard deviations are at most 0.025.
      expect(Math.abs(kept.length / 10000 - (1 - rate))).toBeLessThan(0.025);
      // Row after row and unit after unit differ.
      expect([...activations[0].slice(0, 50)]).not.toEqual([...activations[0].slice(50, 100)]);
    }
  });

  test('a mask is made of the words of Philox that docs/numerics.md names', () => {
    // Counter (unit / 4, row, step, 256 · layer + 1), key (seed's low and high half); kept where word u mod 4 reaches rate · 2^32.
    const [seed, step, rate] = [3 * 4294967296 + 17, 5, 0.3];
    const executor = ones(11, [dropout(rate)], { seed });
    executor.setState({ ...executor.getState(), step });
    // 150 rows: more than TypeScript takes at once.
    const { activations } = executor.forwardTrain(load(executor, 150), all(150));
    const words = new Uint32Array(4);
    activations[0].forEach((value, i) => {
      const unit = i % 11;
      philox4x32(Uint32Array.of(Math.floor(unit / 4), Math.floor(i / 11), step, 256 * 1 + 1), Uint32Array.of(17, 3), words);
      expect(value !== 0).toBe(words[unit % 4] >= Math.round(rate * 4294967296));
    });
  });

  test('the gradient passes the same mask', () => {
    const executor = ones(9, [dropout(0.5)]);
    const { activations } = executor.forwardTrain(load(executor, 4), all(4));
    const { gradients } = executor.backward(floats(dtype, [1, 1, 1, 1]));
    // The bias of unit u gets the sum over rows of the factors that its activations had.
    expectSame(gradients[1], floats(dtype, Array.from({ length: 9 }, (_, unit) => [0, 1, 2, 3].reduce((sum, row) => sum + activations[0][row * 9 + unit], 0))));
  });

  test('masks change with the step, the seed and the layer, and come back', () => {
    const masks = (executor: Executor): number[] => [...executor.forwardTrain(load(executor, 8), all(8)).activations[0]];
    const executor = ones(30, [dropout(0.5)]);
    const first = masks(executor);
    expect(masks(executor)).toEqual(first);
    const state = executor.getState();
    executor.setState({ ...state, step: 1 });
    expect(masks(executor)).not.toEqual(first);
    executor.setState({ ...state, step: 4294967296 });
    expect(masks(executor)).toEqual(first);
    expect(masks(ones(30, [dropout(0.5)], { seed: 8 }))).not.toEqual(first);
    expect(masks(ones(30, [dropout(0.5)], { seed: 7 + 4294967296 }))).not.toEqual(first);
    expect(masks(ones(30, [{ kind: 'flatten', name: 'flatten' }, dropout(0.5)]))).not.toEqual(first);
  });

  test('a row has the mask of its place in the batch', () => {
    const executor = ones(12, [dropout(0.5)]);
    const data = load(executor, 10);
    const { activations } = executor.forwardTrain(data, { order: null, from: 3, to: 10 });
    const whole = executor.forwardTrain(data, all(10)).activations[0];
    expectSame(activations[0], whole.slice(0, 84));
  });

  test('training uses the masks that forwardTrain shows; predictions use none', () => {
    const spec = network(dtype, 5, [dropout(0.2), dense(8, 'sigmoid'), dropout(0.5), dropout(0.1), dense(3), dropout(0.3)]);
    const executor = make(spec);
    executor.setState(randomState(spec, 2));
    const options = randomData(spec, 300, 2);
    const data = executor.load(options);
    const plain = make(network(dtype, 5, [dense(8, 'sigmoid'), dense(3)]));
    for (let step = 0; step < 3; step++) {
      const shown = executor.forwardTrain(data, all(300));
      plain.setState({ ...executor.getState(), step: 0 });
      expectSame(executor.predictSync(data, { ...all(300), output: 'logits' }), plain.predictArraySync(options.x, 300, 'logits'));
      const result = executor.trainStepsSync(data, { ...all(300), batchSize: 300, stepScalars: constantScalars(spec, 1), outputs: true });
      expectSame(result.outputs, shown.outputs);
      expect(result.stopped).toBe('done');
    }
  });

  test('dropout on the samples masks them after rescaling, and dx', () => {
    const spec = network(dtype, 40, [rescaling(2), dropout(0.5), dense(1, 'linear', { useBias: false })], { loss: squaredLoss() });
    const executor = make(spec);
    executor.setState({ parameters: [floats(dtype, new Float64Array(40).fill(1))], slots: {}, step: 0 });
    const x = floats(dtype, Float64Array.from({ length: 40 }, (_, i) => 2 ** (i % 20)));
    const data = executor.load({ x, rows: 1, y: { kind: 'values', values: Uint8Array.of(0) } });
    const { logits } = executor.forwardTrain(data, all(1));
    const { gradients, dx } = executor.backward(floats(dtype, [1]));
    // The weight's gradient is the masked sample: 0 or x · 2 · 2. dx = mask · 2 · 2 there.
    const kept = gradients[0].map((value) => (value === 0 ? 0 : 1));
    expectSame(gradients[0], x.map((value, i) => 4 * value * kept[i]));
    expectSame(dx, floats(dtype, kept).map((value) => 4 * value));
    expect(logits[0]).toBe(Array.from(gradients[0]).reduce((sum, value) => sum + value));
    expect(kept.some((value) => value === 0) && kept.some((value) => value === 1)).toBe(true);
  });

  test('rate 0 keeps everything', () => {
    const [some, none] = [network(dtype, 5, [dense(8, 'relu'), dropout(0), dense(3)]), network(dtype, 5, [dense(8, 'relu'), dense(3)])].map((spec) => {
      const executor = make(spec);
      executor.setState(randomState(spec, 2));
      return executor.lossAndGradients(executor.load(randomData(spec, 6, 2)), all(6));
    });
    expectSameLists(some.gradients, none.gradients);
    expect(some.loss).toBe(none.loss);
  });
}
