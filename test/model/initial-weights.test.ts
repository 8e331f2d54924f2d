import { describe, expect, it } from 'vitest';
import { initializers, layers, sequential, type DType, type InitializerConfig, type Sequential } from '../../src/index.js';
import { backends, dtypes } from './support.js';

/** Sizes that no group of drawn numbers divides, above and below what a backend is asked for. */
function model(backend: 'native' | 'typescript', dtype: DType, kernelInitializer: InitializerConfig, units: number): Sequential {
  return sequential({ seed: 2 ** 53 - 5, backend, dtype }, [
    layers.dense({ units, kernelInitializer, biasInitializer: kernelInitializer, inputShape: [37] }), layers.dense({ units: 3, kernelInitializer }),
  ]);
}

describe.skipIf(!backends.includes('native')).each(dtypes)('initial weights in %s', (dtype) => {
  it.each([
    initializers.glorotUniform(), initializers.heUniform(), initializers.randomUniform({ minval: -3, maxval: 1e-3 }), initializers.varianceScaling({ distribution: 'uniform' }),
    initializers.varianceScaling({ distribution: 'uniform', mode: 'fanOut', scale: 7 }), initializers.heNormal(),
  ])('are the same bytes on both backends: %j', (config) => {
    // The last one is long enough for more than one thread.
    for (const units of [5, 111, 130, 20_011]) {
      const [native, typescript] = [model('native', dtype, config, units), model('typescript', dtype, config, units)];
      expect(native.backend).toBe('native');
      const [a, b] = [native.getWeights(), typescript.getWeights()].map((arrays) => arrays.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)));
      a.forEach((bytes, i) => { expect(bytes.equals(b[i])).toBe(true); });
      native.dispose();
      typescript.dispose();
    }
  });
});
