// Reports of weighted rows, and of several labels a row: scikit-learn's figures, and rows that come twice.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { ArrayDataset, report, type ClassificationReportOptions, type MultiLabelReportOptions, type RegressionReportOptions } from '../../src/index.js';

const folder = fileURLToPath(new URL('../golden/reports/', import.meta.url));
/** Worst difference found: 3.4e-16, relative to figures above 1. */
const TOLERANCE = 1e-12;
let worst = 0;
let compared = 0;

interface Golden {
  readonly id: string;
  readonly targets: number[] | number[][];
  readonly outputs: number[][];
  readonly sample_weight: number[] | null;
  readonly perClass?: { readonly precision: number[]; readonly recall: number[]; readonly f1: number[]; readonly support: number[] };
  readonly rocAucPerLabel?: number[];
  readonly r2PerOutput?: number[];
  readonly [figure: string]: unknown;
}
const isGolden = (value: unknown): value is Golden => typeof value === 'object' && value !== null && 'targets' in value && 'outputs' in value;
const golden = (name: string): Golden => {
  const value: unknown = JSON.parse(readFileSync(`${folder}${name}.json`, 'utf8'));
  if (!isGolden(value)) throw new Error(`${name} is no golden`);
  return value;
};

/** Numbers of the same place in both. */
function close(received: unknown, expected: unknown, name: string): void {
  if (typeof expected === 'number') {
    compared += 1;
    const difference = Math.abs(Number(received) - expected) / Math.max(1, Math.abs(expected));
    worst = Math.max(worst, difference);
    expect(difference <= TOLERANCE, `${name}: expected ${expected}, received ${String(received)}`).toBe(true);
    return;
  }
  if (typeof expected !== 'object' || expected === null || typeof received !== 'object' || received === null) throw new Error(`${name} is no figure`);
  for (const [key, value] of Object.entries(expected)) close(Reflect.get(received, key), value, `${name}.${key}`);
}
const weightsOf = ({ sample_weight: w }: Golden): { sampleWeight?: number[] } => (w === null ? {} : { sampleWeight: w });
const columns = (rows: readonly object[], names: readonly string[]): Record<string, unknown[]> => Object.fromEntries(names.map((name) => [name, rows.map((row): unknown => Reflect.get(row, name))]));
const figureNames = ['precision', 'recall', 'f1', 'support'];

describe("scikit-learn's figures", () => {
  it('has five reports', () => {
    expect(readdirSync(folder)).toHaveLength(5);
  });
  it.each(['classes2', 'classes3'])('%s', async (id) => {
    const g = golden(id);
    const { data } = await report(g.targets.flat(), g.outputs.flat(), { task: 'classification', ...weightsOf(g) });
    for (const name of ['accuracy', 'balancedAccuracy', 'logLoss', 'matthewsCorrelation', 'rocAuc', 'confusionMatrix', 'micro', 'macro', 'weighted']) close(Reflect.get(data, name), g[name], `${id}.${name}`);
    close(columns(data.perClass, figureNames), g.perClass, `${id}.perClass`);
  });
  it.each(['multi_label', 'multi_label_weighted'])('%s', async (id) => {
    const g = golden(id);
    const { data } = await report(g.targets.flat(), g.outputs.flat(), { task: 'multiLabel', labels: 4, ...weightsOf(g) });
    for (const name of ['binaryAccuracy', 'subsetAccuracy', 'logLoss', 'rocAuc', 'micro', 'macro', 'weighted']) close(Reflect.get(data, name), g[name], `${id}.${name}`);
    close(columns(data.perLabel, figureNames), g.perClass, `${id}.perLabel`);
    close(data.perLabel.map((row) => row.rocAuc), g.rocAucPerLabel, `${id}.rocAucPerLabel`);
    expect([data.microF1, data.macroF1]).toEqual([data.micro.f1, data.macro.f1]);
  });
  it('regression', async () => {
    const g = golden('regression');
    const { data } = await report(g.targets.flat(), g.outputs.flat(), { task: 'regression', outputs: 2, ...weightsOf(g) });
    for (const name of ['meanSquaredError', 'meanAbsoluteError', 'r2']) close(Reflect.get(data, name), g[name], `regression.${name}`);
    close(data.perOutput.map((row) => row.r2), g.r2PerOutput, 'regression.r2PerOutput');
  });
  afterAll(() => {
    console.log(`reports: ${compared} figures compared with scikit-learn, worst difference ${worst}`);
    expect(compared).toBe(132);
  });
});

/** Everything that is a number in two reports, but for what knows nothing of weights. */
function same(one: unknown, other: unknown, name = 'data'): void {
  if (typeof one === 'number' && typeof other === 'number') {
    expect(Math.abs(one - other) <= 1e-9 * Math.max(1, Math.abs(one)), `${name}: ${one} and ${other}`).toBe(true);
    return;
  }
  if (typeof one === 'object' && one !== null && typeof other === 'object' && other !== null) {
    expect(Object.keys(other)).toEqual(Object.keys(one));
    for (const key of Object.keys(one)) if (!['rows', 'worstRows', 'residuals'].includes(key)) same(Reflect.get(one, key), Reflect.get(other, key), `${name}.${key}`);
    return;
  }
  expect(other, name).toEqual(one);
}

describe('a row of weight n is n rows, one of weight 0 is none', () => {
  const row = fc.record({ label: fc.integer({ min: 0, max: 2 }), bits: fc.array(fc.integer({ min: 0, max: 1 }), { minLength: 2, maxLength: 2 }), p: fc.integer({ min: 1, max: 9 }), q: fc.integer({ min: 1, max: 9 }), weight: fc.integer({ min: 0, max: 3 }) });
  const rows = fc.array(row, { minLength: 4, maxLength: 14 }).filter((list) => list.filter(({ weight }) => weight > 0).length > 2);
  type Row = (typeof row) extends fc.Arbitrary<infer Value> ? Value : never;
  const compare = async (list: readonly Row[], targets: (row: Row) => number[], outputs: (row: Row) => number[], options: ClassificationReportOptions | MultiLabelReportOptions | RegressionReportOptions): Promise<void> => {
    const make = async (of: readonly Row[], extra: object): Promise<{ data: unknown }> => {
      const made: unknown = await Reflect.apply(report, null, [of.flatMap(targets), of.flatMap(outputs), { ...options, ...extra }]);
      if (typeof made !== 'object' || made === null || !('data' in made)) throw new Error('no report');
      return made;
    };
    const weighted = await make(list, { sampleWeight: list.map(({ weight }) => weight) });
    const repeated = await make(list.flatMap((each) => Array.from({ length: each.weight }, () => each)), {});
    same(weighted.data, repeated.data);
  };
  const three = ({ p, q }: Row): number[] => [p / (p + q + 5), q / (p + q + 5), 5 / (p + q + 5)];
  it('three classes', () => fc.assert(fc.asyncProperty(rows, (list) => compare(list, ({ label }) => [label], three, { task: 'classification', units: 3 }))));
  it('two classes, with thresholds', () => fc.assert(fc.asyncProperty(rows, fc.constantFrom({ maximize: 'f1' as const }, { recallAtLeast: 0.7 }, { precisionAtLeast: 0.7 }), (list, goal) =>
    compare(list, ({ bits }) => [bits[0]], ({ p }) => [p / 10], { task: 'classification', units: 1, threshold: 0.4, goal }))));
  it('labels', () => fc.assert(fc.asyncProperty(rows, (list) => compare(list, ({ bits }) => bits, ({ p, q }) => [p / 10, q / 10], { task: 'multiLabel', labels: 2, threshold: 0.6 }))));
  it('values', () => fc.assert(fc.asyncProperty(rows, (list) => compare(list, ({ p, q }) => [p, q * 100], ({ label, q }) => [label, q * 99], { task: 'regression', outputs: 2 }))));

  it('for the ridge too', async () => {
    const x = [0, 1, 2, 3, 5, 8, 2, 2, 7, 1];
    const y = [1, 3, 2, 5, 4];
    const weight = [2, 0, 1, 3, 1];
    const twice = weight.flatMap((n, i) => Array.from({ length: n }, () => i));
    const weighted = (await report(y, y, { task: 'regression', samples: x, sampleWeight: weight })).data.baselines;
    const repeated = (await report(twice.map((i) => y[i]), twice.map((i) => y[i]), { task: 'regression', samples: twice.flatMap((i) => [x[2 * i], x[2 * i + 1]]) })).data.baselines;
    same(weighted, repeated);
  });

  it('a linear classifier and logistic regressions learn by weight', async () => {
    // Two laws that contradict each other: the heavy rows' law is learned.
    const ROWS = 80;
    const x = Float64Array.from({ length: ROWS }, (_, i) => Math.sin(i));
    const y = Int32Array.from(x, (value, i) => ((value > 0) === (i % 2 === 0) ? 1 : 0));
    const sampleWeight = Float64Array.from(x, (_, i) => (i % 2 === 0 ? 50 : 1));
    const outputs = new Float64Array(ROWS).fill(0.5);
    const classification = (await report(y, outputs, { task: 'classification', samples: x, sampleWeight })).data;
    expect(classification.baselines.linear?.accuracy).toBeGreaterThan(0.95);
    const multiLabel = (await report(Array.from(y).flatMap((label) => [label, 1 - label]), new Float64Array(2 * ROWS).fill(0.5), { task: 'multiLabel', labels: 2, samples: x, sampleWeight })).data;
    expect(multiLabel.baselines.linear?.subsetAccuracy).toBeGreaterThan(0.95);
  });

  it('rows of train count alike', async () => {
    const train = new ArrayDataset({ x: Float64Array.of(0, 1, 2), y: Float64Array.of(1, 2, 6), rows: 3 });
    const { data } = await report([0, 10], [0, 10], { task: 'regression', train, sampleWeight: [3, 1] });
    // The mean of train is 3: 3·9 and 49, over 4.
    expect(data.baselines.mean.meanSquaredError).toBe((27 + 49) / 4);
  });
});

describe('sampleWeight', () => {
  it.each<[string, unknown, string, RegExp]>([
    ['another length', [1, 2], 'ERR_SHAPE', /Expected 3 values for sampleWeight, received 2/],
    ['a negative one', [1, -1, 1], 'ERR_RANGE', /position 1 of sampleWeight/],
    ['NaN', [1, NaN, 1], 'ERR_NON_FINITE', /sampleWeight/],
    ['only zeros', [0, 0, 0], 'ERR_RANGE', /weight above 0/],
    ['text', 'heavy', 'ERR_TYPE', /sampleWeight/],
  ])('refuses %s', async (_what, sampleWeight, code, text) => {
    for (const options of [{ task: 'classification' }, { task: 'multiLabel', labels: 1 }, { task: 'regression' }]) {
      await expect(Reflect.apply(report, null, [[0, 1, 1], [0.1, 0.9, 0.8], { ...options, sampleWeight }])).rejects.toMatchObject({ code, message: expect.stringMatching(text) });
    }
  });
  it('refuses goals that are none, with weights as without', async () => {
    for (const sampleWeight of [undefined, [1, 2]]) {
      await expect(Reflect.apply(report, null, [[0, 1], [0.1, 0.9], { task: 'classification', sampleWeight, goal: { recallAtLeast: 2 } }])).rejects.toMatchObject({ code: 'ERR_RANGE' });
    }
  });
});
