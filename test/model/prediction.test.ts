import { describe, expect, it } from 'vitest';
import { layers, Prediction, sequential } from '../../src/index.js';

describe('Prediction', () => {
  const prediction = new Prediction(Float32Array.of(1, 3, 3, 5, 4, -1), 2, null);

  it('has rows, a shape and the first largest of each row', () => {
    expect(prediction.rows).toBe(2);
    expect(prediction.shape).toEqual([2, 3]);
    expect([...prediction.row(1)]).toEqual([5, 4, -1]);
    expect([...prediction.argmax()]).toEqual([1, 0]);
    expect(prediction.argmax()).toBeInstanceOf(Uint32Array);
  });

  it.each([-1, 2, 0.5, NaN])('refuses row %s', (row) => {
    expect(() => prediction.row(row)).toThrow(expect.objectContaining({ code: 'ERR_RANGE' }));
  });

  it('cuts a single sigmoid at a half, its logit at zero, and nothing else', () => {
    const model = (activation: 'sigmoid' | 'linear') => sequential([layers.dense({ units: 1, activation, inputShape: [1], weights: [[1]] })]);
    const rows = [[-1], [0], [2]];
    expect([...model('sigmoid').predictSync(rows).argmax()]).toEqual([0, 1, 1]);
    expect([...model('sigmoid').predictLogitsSync(rows).argmax()]).toEqual([0, 1, 1]);
    expect([...model('linear').predictSync(rows).argmax()]).toEqual([0, 0, 0]);
    const trained = model('sigmoid');
    trained.compile({ optimizer: 'sgd', loss: 'mse' });
    expect([...trained.predictSync(rows).argmax()]).toEqual([0, 1, 1]);
  });
});
