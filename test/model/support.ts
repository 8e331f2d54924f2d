import { loadAddon } from '../../src/backend/native/addon.js';
import { layers, losses, optimizers, sequential, type DType, type Sequential, type SequentialOptions } from '../../src/index.js';
import { rememberRows } from '../../src/train/known-rows.js';

/** The backends of this machine; a missing addon is told, not hidden. */
export const backends: readonly ('typescript' | 'native')[] = loadAddon().addon === null ? ['typescript'] : ['typescript', 'native'];
if (backends.length === 1) console.warn('no native addon: these tests run on TypeScript alone');

/** The four rows of exclusive or. */
export const xorX = [[0, 0], [0, 1], [1, 0], [1, 1]];
export const xorY = [[0], [1], [1], [0]];

/** 2-8-1 with a sigmoid. */
export function xorModel(options: SequentialOptions): Sequential {
  const model = sequential(options, [
    layers.dense({ units: 8, activation: 'tanh', inputShape: [2] }),
    layers.dense({ units: 1, activation: 'sigmoid' }),
  ]);
  model.compile({ optimizer: optimizers.sgd({ learningRate: 0.5, momentum: 0.9 }), loss: 'binaryCrossentropy', metrics: ['accuracy'] });
  return model;
}

/** 3-7-4 with a softmax, labels, momentum or Adam, and a penalty. */
export function classifier(options: SequentialOptions, kind: 'sgd' | 'adam' = 'sgd', dropout = 0): Sequential {
  const model = sequential(options, [
    layers.dense({ units: 7, activation: 'relu', inputShape: [3], kernelRegularizer: 'l2' }),
    ...(dropout === 0 ? [] : [layers.dropout({ rate: dropout })]),
    layers.dense({ units: 4, activation: 'softmax' }),
  ]);
  const optimizer = kind === 'sgd' ? optimizers.sgd({ learningRate: 0.1, momentum: 0.5 }) : optimizers.adam({ learningRate: 0.01 });
  model.compile({ optimizer, loss: losses.sparseCategoricalCrossentropy(), metrics: ['accuracy'] });
  return model;
}

/** Rows of three numbers with a class that follows from them. */
export function samples(rows: number, seed = 1): { x: Float32Array; y: Int32Array } {
  const x = new Float32Array(rows * 3);
  let state = seed;
  for (let i = 0; i < x.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    x[i] = state / 2 ** 31 - 1;
  }
  rememberRows(x, rows); // As a data set's.
  return { x, y: Int32Array.from({ length: rows }, (_, row) => (x[3 * row] > 0 ? 2 : 0) + (x[3 * row + 1] > 0 ? 1 : 0)) };
}

/** All weights behind each other, for comparing. */
export function flat(model: Sequential): number[] {
  return model.getWeights().flatMap((array) => [...array]);
}

export const dtypes: readonly DType[] = ['float32', 'float64'];
