// Keras's batchSize of predict and evaluate: taken and checked; no number depends on it.
import { expect, it } from 'vitest';
import { flat, samples, classifier } from './support.js';

it('predict and evaluate take a batchSize, and refuse a wrong one', async () => {
  const model = classifier({ seed: 3 });
  const before = flat(model);
  const { x, y } = samples(50);
  const options = { batchSize: 7 };
  expect((await model.predict(x, options)).data).toEqual((await model.predict(x)).data);
  expect(model.predictSync(x, options).data).toEqual(model.predictSync(x).data);
  expect(model.freeze().predictSync(x, options).data).toEqual(model.predictSync(x).data);
  expect(await model.evaluate(x, y, options)).toEqual(await model.evaluate(x, y));
  expect(model.evaluateSync({ x, y, rows: 50, features: 3 }, options)).toEqual(model.evaluateSync(x, y));
  for (const batchSize of [0, -1, 1.5, NaN]) {
    const failure = expect.objectContaining({ code: 'ERR_RANGE', message: expect.stringContaining('for batchSize') as unknown }) as unknown;
    await expect(model.predict(x, { batchSize })).rejects.toEqual(failure);
    await expect(model.predictLogits(x, { batchSize })).rejects.toEqual(failure);
    expect(() => model.predictSync(x, { batchSize })).toThrow(failure);
    await expect(model.evaluate(x, y, { batchSize })).rejects.toEqual(failure);
    expect(() => model.evaluateSync(x, y, { batchSize })).toThrow(failure);
  }
  expect(flat(model)).toEqual(before);
});
