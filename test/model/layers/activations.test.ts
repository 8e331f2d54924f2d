import { describe, expect, it } from 'vitest';
import { isNablaError } from '../../../src/base/errors.js';
import { activations, layers, losses, optimizers, sequential, sequentialFromRecord } from '../../../src/index.js';
import { activationNames, activationSpec, checkActivation } from '../../../src/model/layers/activations.js';
import { backends } from '../support.js';

function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return isNablaError(error) ? error.code : String(error);
  }
  return 'ok';
}

describe('checkActivation', () => {
  it('takes every name, with defaults where there are settings', () => {
    for (const name of activationNames) expect(activationSpec(checkActivation('test', name)).name).toBe(name === 'swish' ? 'silu' : name);
    expect(checkActivation('test', 'leakyRelu')).toEqual({ name: 'leakyRelu', negativeSlope: 0.2 });
    expect(checkActivation('test', 'softplus')).toEqual({ name: 'softplus', beta: 1, threshold: 20 });
    expect(checkActivation('test', activations.elu({ alpha: 0.5 }))).toEqual({ name: 'elu', alpha: 0.5 });
  });

  it('refuses what it does not know', () => {
    expect(codeOf(() => checkActivation('test', 'rulo'))).toBe('ERR_OPTION');
    expect(codeOf(() => checkActivation('test', { name: 'relu', alpha: 1 }))).toBe('ERR_OPTION');
    expect(codeOf(() => checkActivation('test', { name: 'elu', alpha: '1' }))).toBe('ERR_TYPE');
    expect(codeOf(() => activations.softplus({ beta: 0 }))).toBe('ERR_RANGE');
    expect(codeOf(() => checkActivation('test', null))).not.toBe('ok');
  });
});

const x = Float32Array.from({ length: 60 }, (_, i) => Math.sin(i * 7));
const y = Float32Array.from({ length: 20 }, (_, i) => (i % 3 === 0 ? 1 : -1));

describe.each(backends)('a model of many activations, %s', (backend) => {
  const build = () => {
    const model = sequential({ seed: 3, backend }, [
      layers.dense({ units: 6, activation: 'gelu', inputShape: [3] }),
      layers.dense({ units: 6 }), layers.leakyReLU(),
      layers.dense({ units: 6 }), layers.elu({ alpha: 0.5 }),
      layers.dense({ units: 6 }), layers.thresholdedReLU({ theta: -0.1 }),
      layers.dense({ units: 6 }), layers.activation(activations.softplus({ beta: 2 })),
      layers.dense({ units: 5, activation: 'mish' }),
      layers.dense({ units: 1 }),
    ]);
    model.compile({ optimizer: optimizers.adamW({ learningRate: 0.01 }), loss: 'squaredHinge' });
    return model;
  };

  it('learns, and is the same model after a record', () => {
    const model = build();
    const rows = y.length;
    const { history } = model.fitSync(x, y, { epochs: 60, batchSize: 5 });
    const column = history['loss'] ?? [];
    expect(column.at(-1) ?? NaN).toBeLessThan((column[0] ?? NaN) / 2);
    const record = model.toRecord();
    const again = sequentialFromRecord({ ...record, config: JSON.parse(JSON.stringify(record.config)) }, { backend });
    expect(again.predictSync(x, { rows }).data).toEqual(model.predictSync(x, { rows }).data);
    expect(again.toRecord().config).toEqual(record.config);
  });

  it('has the gradients that differences say', () => {
    for (const { worst } of build().checkGradients(x, y)) expect(worst).toBeLessThan(2e-4);
  });
});

describe('losses of values', () => {
  it('go by their names and short forms', () => {
    const model = sequential({ backend: 'typescript' }, [layers.dense({ units: 1, inputShape: [3] })]);
    for (const loss of ['mae', 'meanAbsoluteError', 'huber', 'logCosh', 'hinge', 'squaredHinge'] as const) {
      model.compile({ optimizer: 'sgd', loss });
      expect(model.evaluateSync(x, y)['loss']).toBeGreaterThan(0);
    }
    model.compile({ optimizer: 'sgd', loss: losses.huber({ delta: 0.25, reduction: 'sum' }) });
    expect(model.evaluateSync(x, y)['loss']).toBeGreaterThan(0);
  });

  it('hinge wants sides', () => {
    const model = sequential({ backend: 'typescript' }, [layers.dense({ units: 1, inputShape: [3] })]);
    model.compile({ optimizer: 'sgd', loss: 'hinge' });
    expect(codeOf(() => model.fitSync(x, y.map((value) => (value + 1) / 2)))).toBe('ERR_RANGE');
  });
});
