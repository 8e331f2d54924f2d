// Columns that wait until somebody looks hold what lists hold that were made at once.
import { inspect } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layers, sequential } from '../../src/index.js';
import { createHistory, recordEpoch, type History } from '../../src/train/history.js';
import { StepColumns } from '../../src/train/step-columns.js';
import { backends } from '../model/support.js';

const params = { epochs: 9000, batchSize: 3, samples: 3, steps: 1 };
/** 1/7, 1/8, …: the product and the quotient round. */
const lossesOf = (count: number, from: number): Float64Array => Float64Array.from({ length: count }, (_, i) => 1 / (from + i + 7));
const correctOf = (count: number, from: number): Uint32Array => Uint32Array.from({ length: count }, (_, i) => (from + i) % 4);

function addSteps(columns: StepColumns, first: number, count: number): void {
  columns.add(first, count, { loss: { values: lossesOf(count, first), factor: 3, divisor: 3 }, accuracy: { values: correctOf(count, first), factor: 1, divisor: 3 } });
}
function addEpochs(history: History, first: number, count: number): void {
  for (let i = 0; i < count; i++) recordEpoch(history, first + i, { loss: (lossesOf(1, first + i)[0] * 3) / 3, accuracy: correctOf(1, first + i)[0] / 3 });
}

describe('StepColumns', () => {
  it('holds the numbers that single epochs give, whoever looks in between', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ count: fc.constantFrom(0, 1, 5, 1023, 1024, 3000), merged: fc.boolean(), look: fc.boolean() }), { minLength: 1, maxLength: 6 }), (slices) => {
        const [history, expected] = [createHistory(params), createHistory(params)];
        const columns = new StepColumns(history);
        let first = 2;
        for (const { count, merged, look } of slices) {
          if (merged) addSteps(columns, first, count);
          else addEpochs(history, first, count);
          addEpochs(expected, first, count);
          first += count;
          if (look) expect(history.history['loss'] ?? []).toEqual(expected.history['loss'] ?? []);
        }
        expect(history.epoch).toEqual(expected.epoch);
        expect(history.history['loss'] ?? []).toEqual(expected.history['loss'] ?? []);
        expect(history.history['accuracy'] ?? []).toEqual(expected.history['accuracy'] ?? []);
      }),
      { numRuns: 60, seed: 3 },
    );
  });

  it('looks like plain data', () => {
    const [history, expected] = [createHistory(params), createHistory(params)];
    addSteps(new StepColumns(history), 0, 2000);
    addEpochs(expected, 0, 2000);
    const text = inspect(history);
    expect(text).toContain('loss: [');
    expect(text).not.toContain('Getter');
    expect(Object.keys(history)).toEqual(Object.keys(expected));
    expect(JSON.stringify(history)).toBe(JSON.stringify(expected));
    expect(structuredClone(history)).toEqual(expected);
    expect(history.history['loss']).toBe(history.history['loss']);
    history.history['loss'].push(5);
    expect(history.history['loss']).toHaveLength(2001);
  });

  it('can be replaced before anybody looked', () => {
    const history = createHistory(params);
    const columns = new StepColumns(history);
    addSteps(columns, 0, 2000);
    history.history['loss'] = [1];
    addSteps(columns, 2000, 1);
    expect(history.history['loss']).toEqual([1, (lossesOf(1, 2000)[0] * 3) / 3]);
    expect(history.epoch).toHaveLength(2001);
  });
});

describe('fit', () => {
  it.each(backends)('gives the history of single epochs for thousands of steps (%s)', async (backend) => {
    const x = Float32Array.of(0, 0, 0, 1, 1, 0);
    const y = Float32Array.of(0, 1, 1);
    const runs = await Promise.all([{}, { callbacks: [{}] }].map(async (more) => {
      const model = sequential({ seed: 4, backend }, [layers.dense({ units: 2, activation: 'tanh', inputShape: [2] }), layers.dense({ units: 1, activation: 'sigmoid' })]);
      model.compile({ optimizer: 'sgd', loss: 'binaryCrossentropy', metrics: ['accuracy'] });
      return model.fit(x, y, { epochs: 2500, batchSize: 3, ...more });
    }));
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0].epoch).toHaveLength(2500);
  });
});
