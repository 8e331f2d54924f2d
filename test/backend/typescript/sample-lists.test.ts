// Samples kept as lists give the bytes of the same samples kept whole: those in shared memory are never listed.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LayerSpec } from '../../../src/backend/contract/spec.js';
import { createReferenceExecutor } from '../../../src/backend/typescript/executor.js';
import { expandRow, GatheredRows, listSamples } from '../../../src/backend/typescript/sample-lists.js';
import type { InputArray } from '../../../src/base/arrays.js';
import { constantScalars, dense, dropout, expectSameLists, network, randomState, rescaling, uniforms } from '../networks.js';

const FEATURES = 70, ROWS = 150;
const kinds = {
  Uint8Array: (buffer: ArrayBufferLike) => new Uint8Array(buffer),
  Float32Array: (buffer: ArrayBufferLike) => new Float32Array(buffer),
  Float64Array: (buffer: ArrayBufferLike) => new Float64Array(buffer),
};

function samples(kind: keyof typeof kinds, shared: boolean, density: number): InputArray {
  const next = uniforms(9);
  const length = ROWS * FEATURES, bytes = length * { Uint8Array: 1, Float32Array: 4, Float64Array: 8 }[kind];
  const x = kinds[kind](shared ? new SharedArrayBuffer(bytes) : new ArrayBuffer(bytes));
  for (let i = 0; i < length; i++) x[i] = next() < density ? (kind === 'Uint8Array' ? 1 + Math.floor(next() * 255) : next() * 2 - 1) : 0;
  return x;
}

describe('listSamples', () => {
  it('keeps every element that is not 0, in order', () => {
    fc.assert(
      fc.property(fc.constantFrom('Uint8Array', 'Float32Array', 'Float64Array' as const), fc.constantFrom(0, 0.1, 0.45), (kind, density) => {
        const x = samples(kind, false, density);
        const lists = listSamples(x, ROWS, FEATURES);
        expect(lists).not.toBeNull();
        if (lists === null) return;
        const row = new Float64Array(FEATURES + 3).fill(7);
        for (let r = 0; r < ROWS; r++) {
          expandRow(lists, r, row, 2);
          expect([...row]).toEqual([7, 7, ...x.subarray(r * FEATURES, (r + 1) * FEATURES), 7]);
        }
      }),
      { numRuns: 9 },
    );
  });

  it('leaves dense samples and short rows as they are', () => {
    expect(listSamples(samples('Uint8Array', false, 0.6), ROWS, FEATURES)).toBeNull();
    expect(listSamples(new Float32Array(63 * 4), 4, 63)).toBeNull();
    expect(listSamples(new Float32Array(64 * 4), 4, 64)).not.toBeNull();
  });

  it('gathers rows in any order, larger and smaller', () => {
    const x = samples('Uint8Array', false, 0.3);
    const lists = listSamples(x, ROWS, FEATURES);
    if (lists === null) throw new Error('not listed');
    const halves = Float64Array.from({ length: 256 }, (_, byte) => byte / 2);
    const gathered = new GatheredRows();
    const order = Uint32Array.of(5, 149, 5, 0, 77, 12);
    for (const [from, to] of [[0, 2], [1, 6], [3, 4]]) {
      gathered.gather(lists, order, from, to, halves);
      expect(gathered.lines).toBe(to - from);
      for (let line = 0; line < to - from; line++) {
        const row = new Float64Array(FEATURES);
        for (let k = gathered.starts[line]; k < gathered.starts[line + 1]; k++) row[gathered.indices[k]] = gathered.values[k];
        expect([...row]).toEqual(Array.from(x.subarray(order[from + line] * FEATURES, (order[from + line] + 1) * FEATURES), (byte) => byte / 2));
      }
    }
  });
});

describe.each(['float32', 'float64'] as const)('a %s network', (dtype) => {
  const firsts: Record<string, readonly LayerSpec[]> = { plain: [], scaled: [rescaling(1 / 255)], 'scaled below 0': [rescaling(-3)], moved: [rescaling(0.5, 0.25)], dropped: [rescaling(0.5), dropout(0.3)] };
  it.each(Object.keys(firsts))('trains, evaluates and predicts the same: %s', (name) => {
    for (const kind of ['Uint8Array', 'Float32Array', 'Float64Array'] as const) {
      for (const poison of [false, true]) {
        const spec = network(dtype, FEATURES, [...firsts[name], dense(11, 'relu'), dense(3)]);
        const state = randomState(spec, 2);
        // A weight that is not finite makes zeros count.
        if (poison) state.parameters[0][FEATURES + 5] = Infinity;
        const results = [false, true].map((shared) => {
          const executor = createReferenceExecutor(spec, {});
          executor.setState(state);
          const data = executor.load({ x: samples(kind, shared, 0.2), rows: ROWS, y: { kind: 'labels', values: Int32Array.from({ length: ROWS }, (_, i) => i % 3) } });
          const order = Uint32Array.from({ length: ROWS }, (_, i) => (i * 7) % ROWS);
          const all = { order, from: 0, to: ROWS };
          const predicted = executor.predictSync(data, { ...all, output: 'logits' });
          const { outputs, loss, gradients, dx } = executor.lossAndGradients(data, all);
          const { lossSum } = executor.evaluateSync(data, all);
          const { losses } = executor.trainStepsSync(data, { ...all, batchSize: 40, stepScalars: constantScalars(spec, 4, 0.01) });
          return [predicted, outputs, Float64Array.of(loss, lossSum), ...gradients, dx, losses, ...executor.getState().parameters];
        });
        expectSameLists(results[0], results[1]);
      }
    }
  });
});
