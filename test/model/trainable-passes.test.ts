// Layers other than dense that do not learn.
import { describe, expect, it } from 'vitest';
import { layers, optimizers, sequential, sequentialFromRecord, type Layer, type Optimizer, type Sequential } from '../../src/index.js';
import { backends } from './support.js';

const ROWS = 12;
const x = Array.from({ length: ROWS }, (_, row) => Array.from({ length: 3 }, (_, i) => Math.sin(1.3 * row + i)));
const y = x.map((row) => [row[0] * row[1]]);
const kinds: Readonly<Record<string, { readonly make: (trainable: boolean) => Layer; readonly values: readonly number[][] }>> = {
  batchNormalization: { make: (trainable) => layers.batchNormalization({ name: 'kept', trainable }), values: [[1.5, 0.5, -2, 1], [0.1, -0.2, 0.3, 0], [0.2, -0.1, 0.4, 0], [0.5, 2, 1.5, 1]] },
  layerNormalization: { make: (trainable) => layers.layerNormalization({ name: 'kept', trainable }), values: [[1.5, 0.5, -2, 1], [0.1, -0.2, 0.3, 0.5]] },
  prelu: { make: (trainable) => layers.prelu({ name: 'kept', trainable }), values: [[0.25, 0.1, -0.3, 0.5]] },
};
const rules: Readonly<Record<string, () => Optimizer>> = {
  sgd: () => optimizers.sgd({ learningRate: 0.05, weightDecay: 0.1 }),
  'sgd, momentum': () => optimizers.sgd({ learningRate: 0.05, momentum: 0.9, weightDecay: 0.1 }),
  adamW: () => optimizers.adamW({ learningRate: 0.01, weightDecay: 0.2 }),
  lion: () => optimizers.lion({ learningRate: 0.01, weightDecay: 0.2 }),
  nadam: () => optimizers.nadam({ learningRate: 0.01, weightDecay: 0.2 }),
  lbfgs: () => optimizers.lbfgs(),
};

function build(backend: 'native' | 'typescript', kind: string, optimizer: Optimizer, trainable = false): Sequential {
  const { make, values } = kinds[kind];
  const model = sequential({ seed: 2, dtype: 'float64', backend }, [layers.dense({ units: 4, inputShape: [3], name: 'first' }), make(trainable), layers.dense({ units: 1, name: 'head' })]);
  model.getLayer('kept').setWeights(values);
  model.compile({ optimizer, loss: 'meanSquaredError' });
  return model;
}
const ofKept = (model: Sequential): number[][] => model.getLayer('kept').getWeights().map((array) => [...array]);

describe.each(backends)('trainable: false of passes, %s', (backend) => {
  describe.each(Object.keys(kinds))('%s', (kind) => {
    // L-BFGS refuses every batch normalization.
    it.each(Object.keys(rules).filter((name) => name !== 'lbfgs' || kind !== 'batchNormalization'))('%s moves no byte of it and trains the layers around', async (name) => {
      const model = build(backend, kind, rules[name]());
      const [first] = model.getLayer('first').getWeights();
      await model.fit(x, y, name === 'lbfgs' ? { epochs: 3 } : { epochs: 3, batchSize: 4 });
      expect(ofKept(model)).toEqual(kinds[kind].values);
      expect(model.getLayer('first').getWeights()[0]).not.toEqual(first);
    });

    it('is in the record, copies and the summary', () => {
      const model = build(backend, kind, optimizers.sgd());
      expect(model.toRecord().config.layers[1]).toMatchObject({ trainable: false });
      expect(build(backend, kind, optimizers.sgd(), true).toRecord().config.layers[1]).not.toHaveProperty('trainable');
      for (const again of [sequentialFromRecord(model.toRecord(), { backend }), model.clone()]) {
        again.compile({ optimizer: optimizers.sgd(), loss: 'meanSquaredError' });
        again.fitSync(x, y, { epochs: 1 });
        expect(ofKept(again)).toEqual(kinds[kind].values);
      }
      expect(model.summary()).toContain(`Trainable params: 21\nNon-trainable params: ${4 * kinds[kind].values.length}`);
    });

    it('gradients are those of finite differences of the loss', () => {
      const model = build(backend, kind, optimizers.sgd());
      const { gradients } = model.gradients(x, y);
      const weights = model.getLayer('first').getWeights().map((array) => Float64Array.from(array));
      for (let i = 0; i < 12; i++) {
        const at = (h: number): number => {
          const moved = weights.map((array) => array.slice());
          moved[0][i] += h;
          model.getLayer('first').setWeights(moved);
          return model.evaluateSync(x, y)['loss'];
        };
        expect(gradients['first.weight'][i]).toBeCloseTo((at(1e-5) - at(-1e-5)) / 2e-5, 6);
      }
    });
  });

  it('a frozen batch normalization hands back dy·gamma/√(variance + epsilon), of one row too', () => {
    const model = sequential({ dtype: 'float64', backend }, [
      layers.dense({ units: 1, inputShape: [1], useBias: false, weights: [[[2]]] }), layers.batchNormalization({ name: 'kept', trainable: false, epsilon: 1 }), layers.dense({ units: 1, useBias: false, weights: [[[1]]] }),
    ]);
    model.getLayer('kept').setWeights([[4], [0.5], [1], [3]]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.25 }), loss: 'meanSquaredError' });
    // z = 2·3 = 6, (6 - 1)/√4·4 + 0.5 = 10.5; against 10 dy = 1, dz = 4/2 = 2, dw = 2·3 = 6: 2 - 0.25·6 = 0.5. The head: 1 - 0.25·10.5.
    model.fitSync([[3]], [[10]], { epochs: 1, batchSize: 1 });
    expect(model.getWeights().map((array) => array[0])).toEqual([0.5, 4, 0.5, -1.625, 1, 3]);
  });
});
