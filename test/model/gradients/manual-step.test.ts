// forwardTrain, backward and applyGradients together are one step of fit; apart they refuse what does not fit.
import { describe, expect, it } from 'vitest';
import { isNablaError, layers, losses, optimizers, regularizers, sequential, type Sequential, type SequentialOptions } from '../../../src/index.js';
import { backends } from '../support.js';

const rows = 37;
const x = Float64Array.from({ length: rows * 5 }, (_, i) => Math.sin(i * 1.7) + 0.1 * (i % 3));
const labels = Int32Array.from({ length: rows }, (_, i) => (i * 7) % 3);

function build(options: SequentialOptions): Sequential {
  const model = sequential({ seed: 3, ...options }, [
    layers.rescaling({ scale: 0.5, offset: 0.25, inputShape: [5] }),
    layers.dense({ name: 'hidden', units: 4, activation: 'tanh', kernelRegularizer: regularizers.l2(0.01), learningRateFactor: 0.5 }),
    layers.dropout({ rate: 0.25 }),
    layers.dense({ name: 'output', units: 3, activation: 'softmax' }),
  ]);
  model.compile({ optimizer: optimizers.adam({ learningRate: 0.01 }), loss: losses.sparseCategoricalCrossentropy() });
  return model;
}

/** What the loss's gradient with respect to the logits is: (p - one-hot) / rows. */
function dLogits(outputs: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: rows * 3 }, (_, i) => ((outputs[i] ?? NaN) - (i % 3 === labels[Math.floor(i / 3)] ? 1 : 0)) / rows);
}

/** Measured: 3e-17; the last bit of one division differs. */
const tolerance = 1e-15;

describe.each(backends)('%s', (backend) => {
  it('three parts make one step', () => {
    const byFit = build({ backend, dtype: 'float64' });
    const byHand = build({ backend, dtype: 'float64' });
    for (let step = 0; step < 5; step++) {
      byFit.fitSync(x, labels, { epochs: 1, batchSize: rows, shuffle: false });
      const { outputs, activations } = byHand.forwardTrain(x);
      expect(Object.entries(activations).map(([name, values]) => [name, values.length])).toEqual([['hidden', rows * 4], ['output', rows * 3]]);
      byHand.applyGradients(byHand.backward(dLogits(outputs)).gradients);
    }
    expect(byHand.step).toBe(5);
    const expected = byFit.getWeights();
    byHand.getWeights().forEach((weight, i) => weight.forEach((value, k) => expect(Math.abs(value - expected[i][k])).toBeLessThanOrEqual(tolerance)));
  });

  it('goes back to the samples where that is wanted', () => {
    const model = build({ backend, dtype: 'float64' });
    const all = model.gradients(x, labels);
    const { outputs } = model.forwardTrain(x);
    const { dx, gradients } = model.backward(dLogits(outputs));
    expect(dx).toHaveLength(rows * 5);
    dx.forEach((value, i) => expect(Math.abs(value - all.dx[i])).toBeLessThanOrEqual(tolerance));
    const again = model.backward(dLogits(outputs), { dx: false });
    expect(again.dx).toHaveLength(0);
    expect(again.gradients).toEqual(gradients);
  });

  it('does the same for every number of rows, one after another', () => {
    const model = build({ backend, dtype: 'float64' });
    const fresh = build({ backend, dtype: 'float64' });
    for (const count of [rows, 1, rows, 7]) {
      const part = x.subarray(0, count * 5);
      const { logits } = model.forwardTrain(part);
      const want = fresh.clone().forwardTrain(part);
      expect(logits).toEqual(want.logits);
    }
  });

  it('refuses what does not fit and changes nothing', () => {
    const model = build({ backend });
    const before = model.getWeights();
    const codeOf = (call: () => unknown): string => {
      try {
        call();
      } catch (error) {
        return isNablaError(error) ? error.code : String(error);
      }
      return 'nothing thrown';
    };
    expect(codeOf(() => model.backward(new Float32Array(rows * 3)))).toBe('ERR_STATE');
    expect(codeOf(() => model.forwardTrain([1, 2, 3]))).toBe('ERR_SHAPE');
    model.forwardTrain(x);
    expect(codeOf(() => model.backward(new Float32Array(3)))).toBe('ERR_SHAPE');
    expect(codeOf(() => model.backward(new Float32Array(rows * 3).fill(NaN)))).toBe('ERR_NON_FINITE');
    const { gradients } = model.backward(new Float32Array(rows * 3));
    const { 'hidden.bias': left, ...others } = gradients;
    expect(left).toHaveLength(4);
    expect(codeOf(() => { model.applyGradients(others); })).toBe('ERR_OPTION');
    expect(codeOf(() => { model.applyGradients({ ...gradients, 'hidden.bais': left }); })).toBe('ERR_OPTION');
    expect(codeOf(() => { model.applyGradients({ ...gradients, 'hidden.bias': [1] }); })).toBe('ERR_SHAPE');
    const plain = sequential({ backend }, [layers.dense({ units: 1, inputShape: [5] })]);
    expect(plain.forwardTrain(x).outputs).toHaveLength(rows);
    expect(plain.backward(new Float32Array(rows)).gradients['dense.weight']).toHaveLength(5);
    expect(codeOf(() => { plain.applyGradients({ 'dense.weight': new Float32Array(5), 'dense.bias': [0] }); })).toBe('ERR_STATE');
    expect(model.getWeights()).toEqual(before);
    expect(model.step).toBe(0);
  });
});
