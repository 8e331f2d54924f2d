// The digit recogniser that `npm start`, `npm run seeds` and the comparison train.
import { layers, optimizers, sequential, type Sequential, type SequentialOptions } from '../index.js';

/** How it is trained. */
export const digitsTraining = { seed: 1, epochs: 10, batchSize: 64, learningRate: 0.1 } as const;

/** 784-100-200-10 for raw bytes of 28 x 28 pictures. @param options of `sequential` @returns compiled */
export function buildDigitsModel(options: SequentialOptions): Sequential {
  const model = sequential(options, [
    layers.rescaling({ scale: 1 / 255, inputShape: [784] }),
    layers.dense({ units: 100, activation: 'relu' }),
    layers.dense({ units: 200, activation: 'relu' }),
    layers.dense({ units: 10, activation: 'softmax' }),
  ]);
  model.compile({ optimizer: optimizers.sgd({ learningRate: digitsTraining.learningRate }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}
