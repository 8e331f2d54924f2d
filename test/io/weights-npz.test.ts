import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNablaError } from '../../src/base/errors.js';
import { readNpz, writeNpz } from '../../src/io/npz.js';
import { exportNpz, importNpz } from '../../src/io/weights-npz.js';
import { layers } from '../../src/model/layers/index.js';
import { Sequential } from '../../src/model/sequential.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-weights-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

async function errorOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isNablaError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'nothing was thrown';
}
const model = (seed: number, dtype: 'float32' | 'float64' = 'float64'): Sequential =>
  new Sequential({ seed, dtype, backend: 'typescript' }, [
    layers.rescaling({ scale: 0.5, inputShape: [3] }),
    layers.dense({ units: 2, activation: 'tanh', biasInitializer: 'ones' }),
    layers.dense({ units: 2, useBias: false }),
  ]);

describe('exportNpz and importNpz', () => {
  it('carry weights there and back, in both layouts', async () => {
    for (const dtype of ['float64', 'float32'] as const) {
      for (const layout of ['out-in', 'in-out'] as const) {
        for (const biases of ['vector', 'column'] as const) {
          const path = join(dir, 'w.npz');
          const first = model(1, dtype);
          await exportNpz(first, path, { layout, biases });
          const arrays = await readNpz(path);
          expect([...arrays].map(([name, a]) => [name, a.dtype, a.shape])).toEqual([
            ['W1', 'float64', layout === 'out-in' ? [2, 3] : [3, 2]],
            ['b1', 'float64', biases === 'vector' ? [2] : [2, 1]],
            ['W2', 'float64', [2, 2]],
          ]);
          const second = model(2, dtype);
          await importNpz(second, path, { layout });
          expect(second.getWeights()).toEqual(first.getWeights());
          // By hand: element (o, i) of the weight.
          const w1 = arrays.get('W1')?.data;
          expect(w1?.[layout === 'out-in' ? 1 * 3 + 2 : 2 * 2 + 1]).toBe(first.getWeights()[0]?.[1 * 3 + 2]);
        }
      }
    }
  });

  it('change nothing when anything does not fit', async () => {
    const path = join(dir, 'bad.npz');
    const target = model(3);
    const before = target.getWeights();
    const w1 = { shape: [2, 3], data: Float64Array.of(1, 2, 3, 4, 5, 6) };
    const b1 = { shape: [1, 2], data: Float32Array.of(1, 2) };
    const w2 = { shape: [2, 2], data: Int32Array.of(1, 2, 3, 4) };
    const attempt = async (arrays: Parameters<typeof writeNpz>[1]): Promise<string> => {
      await writeNpz(path, arrays);
      return errorOf(importNpz(target, path));
    };
    expect(await attempt({ W1: w1, b1 })).toMatch(/ERR_FORMAT.*bad.npz.*Expected W1, b1, W2, received W1, b1/);
    expect(await attempt({ W1: w1, b1, W2: w2, b2: b1 })).toMatch(/ERR_FORMAT.*received W1, b1, W2, b2/);
    expect(await attempt({ W1: { ...w1, shape: [3, 2] }, b1, W2: w2 })).toMatch(/Expected \(2, 3\) for W1 .* received \(3, 2\): pass layout: "in-out"/);
    expect(await attempt({ W1: w1, b1: { shape: [3], data: new Float64Array(3) }, W2: w2 })).toMatch(/Expected \(2\) for b1/);
    expect(await attempt({ W1: w1, b1, W2: { shape: [2, 2], data: new BigInt64Array(4) } })).toMatch(/received int64/);
    expect(await attempt({ W1: w1, b1, W2: { shape: [2, 2], data: Float64Array.of(1, 2, 3, NaN) } })).toMatch(/ERR_NON_FINITE/);
    expect(target.getWeights()).toEqual(before);
    expect(await attempt({ W1: w1, b1, W2: w2 })).toBe('nothing was thrown');
    expect(target.getWeights().map((w) => Array.from(w))).toEqual([[1, 2, 3, 4, 5, 6], [1, 2], [1, 2, 3, 4]]);
    // @ts-expect-error there is no such layout
    expect(await errorOf(exportNpz(target, path, { layout: 'rows' }))).toMatch(/ERR_OPTION/);
  });
});
