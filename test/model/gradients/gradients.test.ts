import { describe, expect, it } from 'vitest';
import { layers, losses, sequential } from '../../../src/index.js';
import { backends, classifier, dtypes, flat, samples, xorModel, xorX, xorY } from '../support.js';

const { x, y } = samples(9);

describe.each(backends)('gradients on %s', (backend) => {
  it('agree with a derivation by hand', () => {
    // One linear unit, a = w·x + b; mean of (a - y)²: dw = mean 2(a - y)x, db = mean 2(a - y), dx = 2(a - y)w / n.
    const model = sequential({ backend, dtype: 'float64' }, [layers.dense({ units: 1, inputShape: [1], weights: [[2], [1]] })]);
    model.compile({ optimizer: 'sgd', loss: 'mse' });
    const { loss, gradients, dx, outputs, penalty } = model.gradients([3, -1], [5, 0]);
    expect([...outputs]).toEqual([7, -1]);
    expect(loss).toBe((4 + 1) / 2);
    expect(penalty).toBe(0);
    expect([...gradients['dense.weight']]).toEqual([(4 * 3 + -2 * -1) / 2]);
    expect([...gradients['dense.bias']]).toEqual([(4 - 2) / 2]);
    expect([...dx]).toEqual([(4 * 2) / 2, (-2 * 2) / 2]);
  });

  it('add Keras\' l2: l2·Σweight² to the loss, 2·l2·weight to the gradient', () => {
    const make = (l2: number) => {
      const model = sequential({ backend, dtype: 'float64' }, [
        layers.dense({ units: 1, inputShape: [1], weights: [[2], [1]], kernelRegularizer: l2 === 0 ? null : { kind: 'l2', l2 } }),
      ]);
      model.compile({ optimizer: 'sgd', loss: 'mse' });
      return model.gradients([3], [5]);
    };
    const [without, withPenalty] = [make(0), make(0.1)];
    expect(withPenalty.penalty).toBeCloseTo(0.1 * 4, 15);
    expect(withPenalty.loss).toBeCloseTo(without.loss + 0.4, 14);
    expect(withPenalty.gradients['dense.weight'][0]).toBeCloseTo(without.gradients['dense.weight'][0] + 0.4, 14);
    expect([...withPenalty.gradients['dense.bias']]).toEqual([...without.gradients['dense.bias']]);
  });

  it('are proved by central differences, dropout and penalty included', () => {
    for (const dtype of dtypes) {
      const model = classifier({ seed: 4, backend, dtype }, 'adam', 0.3);
      model.fitSync(x, y, { epochs: 2, batchSize: 4 });
      const before = flat(model);
      const checks = model.checkGradients(x, y);
      expect(checks.map(({ name, checked }) => [name, checked])).toEqual([['dense.weight', 21], ['dense.bias', 7], ['dense_1.weight', 28], ['dense_1.bias', 4]]);
      // Measured: 2e-10 in float64, 4e-7 in float32.
      for (const check of checks) expect(check.worst).toBeLessThan(dtype === 'float64' ? 1e-8 : 1e-5);
      expect(flat(model)).toEqual(before);
    }
    const xor = xorModel({ seed: 1, backend, dtype: 'float64' });
    for (const check of xor.checkGradients(xorX, xorY)) expect(check.worst).toBeLessThan(1e-8);
  });

  it('are those of the training step', () => {
    const model = sequential({ seed: 2, backend, dtype: 'float64' }, [layers.dense({ units: 4, activation: 'softmax', inputShape: [3] })]);
    model.compile({ optimizer: 'sgd', loss: losses.sparseCategoricalCrossentropy({ labelSmoothing: 0.1, classWeights: [1, 2, 3, 4] }) });
    const before = model.getWeights();
    const { gradients, loss } = model.gradients(x, y);
    const logs = model.trainOnBatchSync(x, y);
    expect(logs['loss']).toBe(loss);
    model.getWeights().forEach((weight, i) => {
      const gradient = gradients[model.parameterNames()[i]];
      weight.forEach((value, j) => { expect(value).toBeCloseTo(before[i][j] - 0.01 * gradient[j], 14); });
    });
  });
});

describe('checkGradients', () => {
  it('finds a gradient that is wrong', async () => {
    const { compareWithDifferences, computeGradients } = await import('../../../src/model/gradients/gradients.js');
    const { createReferenceExecutor } = await import('../../../src/backend/typescript/executor.js');
    const model = classifier({ seed: 1, backend: 'typescript', dtype: 'float64' });
    const executor = createReferenceExecutor(model.spec, {});
    const slots = { momentum: model.getWeights().map((array) => new Float64Array(array.length)) };
    executor.setState({ parameters: model.getWeights(), slots, step: 0 });
    const data = { x, rows: 9, targets: { kind: 'labels', values: y } as const };
    const { gradients } = computeGradients(executor, data);
    const arrays = Object.values(gradients);
    const honest = compareWithDifferences(executor.spec, executor.getState(), data, arrays, { epsilon: 1e-5, elements: 100 });
    expect(Math.max(...honest.map(({ worst }) => worst))).toBeLessThan(1e-8);
    arrays[2][13] += 0.01;
    const [, , wrong] = compareWithDifferences(executor.spec, executor.getState(), data, arrays, { epsilon: 1e-5, elements: 100 });
    expect(wrong.worst).toBeGreaterThan(1e-3);
    expect(wrong.at).toEqual([1, 6]);
    expect(wrong.gradient - wrong.difference).toBeCloseTo(0.01, 6);
    arrays[2][13] = NaN;
    const [, , nan] = compareWithDifferences(executor.spec, executor.getState(), data, arrays, { epsilon: 1e-5, elements: 100 });
    expect(nan.worst).toBeNaN();
  });

  it('looks at no more elements than asked for, always the same ones', () => {
    const model = classifier({ seed: 1, backend: 'typescript' });
    const first = model.checkGradients(x, y, { elements: 5 });
    expect(first.map(({ checked }) => checked)).toEqual([5, 5, 5, 4]);
    expect(model.checkGradients(x, y, { elements: 5 })).toEqual(first);
  });
});
