import { describe, expect, it } from 'vitest';
import { isNablaError, layers, optimizers, sequential, type ClippingOptions, type Sequential } from '../../../src/index.js';
import { checkOptimizer } from '../../../src/model/optimizers/index.js';
import { backends } from '../support.js';

const names = ['sgd', 'adam', 'adamW', 'rmsprop', 'adagrad', 'adadelta', 'adamax', 'lion', 'nadam'] as const;
const ways: readonly ClippingOptions[] = [{ clipvalue: 0.5 }, { clipnorm: 1 }, { globalClipnorm: 2 }, { clipnorm: 1, normType: 'inf' }, { globalClipnorm: 2, normType: 1 }];

describe('clipping options', () => {
  it('are taken by every optimizer and survive a file', () => {
    for (const name of names) {
      expect(Object.keys(optimizers[name]().spec).filter((key) => /clip|norm/.test(key))).toEqual([]);
      for (const way of ways) {
        const made = optimizers[name](way);
        expect(made.spec).toMatchObject(way);
        expect(checkOptimizer('test', JSON.parse(JSON.stringify({ ...made.spec, learningRate: made.learningRate })))).toEqual(made);
      }
    }
  });

  it('are refused where they mean nothing', () => {
    const refused: readonly (readonly [code: string, text: RegExp, options: Record<string, unknown>])[] = [
      ['ERR_RANGE', /above 0 for clipvalue, received 0/, { clipvalue: 0 }],
      ['ERR_RANGE', /for clipnorm, received -1/, { clipnorm: -1 }],
      ['ERR_RANGE', /for globalClipnorm, received NaN/, { globalClipnorm: NaN }],
      ['ERR_TYPE', /number for clipvalue, received "1"/, { clipvalue: '1' }],
      ['ERR_TYPE', /for clipnorm, received null/, { clipnorm: null }],
      ['ERR_OPTION', /one of clipvalue, clipnorm, globalClipnorm, received clipvalue and globalClipnorm/, { clipvalue: 1, globalClipnorm: 1 }],
      ['ERR_OPTION', /1, 2 or 'inf' for normType, received 3/, { clipnorm: 1, normType: 3 }],
      ['ERR_OPTION', /beside it, received neither/, { normType: 2 }],
      ['ERR_OPTION', /beside it, received clipvalue/, { clipvalue: 1, normType: 2 }],
      ['ERR_OPTION', /unknown option.*clipvalue, clipnorm, globalClipnorm, normType, received "clipNorm"/, { clipNorm: 1 }],
    ];
    for (const name of names) {
      for (const [code, text, options] of refused) {
        let caught: unknown;
        try {
          Reflect.apply(optimizers[name], optimizers, [options]);
        } catch (error) {
          caught = error;
        }
        expect(isNablaError(caught), `${name} ${JSON.stringify(options)}`).toBe(true);
        expect(caught).toMatchObject({ code, message: expect.stringMatching(text) });
      }
    }
  });

  it.each(backends)('hold in fit and in applyGradients on %s', (backend) => {
    // One linear unit from 0, rate 1: the first update is the clipped gradient. Mean of (0 - 10)² over one row x = 3: dw = -60, db = -20.
    const make = (options: ClippingOptions): Sequential => {
      const model = sequential({ backend, dtype: 'float64' }, [layers.dense({ units: 1, inputShape: [1], weights: [[0], [0]] })]);
      model.compile({ optimizer: optimizers.sgd({ learningRate: 1, ...options }), loss: 'mse' });
      return model;
    };
    const norm = Math.hypot(60, 20);
    for (const [options, expected] of [
      [{}, [60, 20]], [{ clipvalue: 30 }, [30, 20]], [{ clipnorm: 30 }, [60 * (30 / (60 + 1e-6)), 20]], [{ globalClipnorm: 1 }, [60 * (1 / (norm + 1e-6)), 20 * (1 / (norm + 1e-6))]],
    ] as const) {
      const [fitted, applied] = [make(options), make(options)];
      fitted.fitSync([3], [10]);
      const { gradients } = applied.gradients([3], [10]);
      expect([...gradients['dense.weight'], ...gradients['dense.bias']]).toEqual([-60, -20]);
      applied.applyGradients(gradients);
      for (const model of [fitted, applied]) model.getWeights().flatMap((values) => [...values]).forEach((value, i) => expect(value).toBeCloseTo(expected[i], 13));
    }
  });
});
