// One epoch of the layered network on all of MNIST: plain TypeScript and the native baseline end with the same bytes in float64.
import { expect, it } from 'vitest';
import { datasets, layers, optimizers, sequential } from '../../src/index.js';
import { skippedBecause } from './configurations.js';

it.skipIf(skippedBecause !== '')('an epoch of 60,000 pictures: TypeScript equals native baseline to the bit', async () => {
  const { train } = await datasets.mnist();
  const ends = [{ backend: 'typescript' }, { backend: 'native', isa: 'baseline', threads: 2 }] as const;
  const [typescript, native] = ends.map((options) => {
    const model = sequential({ seed: 3, dtype: 'float64', ...options }, [
      layers.rescaling({ scale: 1 / 255, inputShape: [784] }),
      layers.dense({ units: 100, activation: 'relu' }),
      layers.dense({ units: 200, activation: 'relu' }),
      layers.dense({ units: 10, activation: 'softmax' }),
    ]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    const { history } = model.fitSync(train.x, train.y, { epochs: 1, batchSize: 64 });
    return { history, weights: model.getWeights().map((weight) => Buffer.from(weight.buffer).toString('base64')) };
  });
  expect(native.history).toEqual(typescript.history);
  expect(native.weights).toEqual(typescript.weights);
  expect(native.history['accuracy'][0]).toBeGreaterThan(0.85);
}, 120_000);
