import { describe, expect, it } from 'vitest';
import { ArrayDataset, metrics, report } from '../../src/index.js';
import { RandomStream } from '../../src/random/stream.js';

const stream = new RandomStream(11, 1000, 0);
const uniform = (): number => stream.below(100_001) / 50_000 - 1;
const failure = (code: string, message: RegExp): unknown => expect.objectContaining({ code, message: expect.stringMatching(message) as unknown });

describe('classification', () => {
  const ROWS = 300;
  const x = Float64Array.from({ length: ROWS * 2 }, uniform);
  // Three sectors that lines separate, unequally many rows.
  const y = Int32Array.from({ length: ROWS }, (_, row) => (x[row * 2] > 0.1 ? 0 : x[row * 2 + 1] > 0.3 ? 1 : 2));
  const counts = [0, 1, 2].map((k) => y.filter((label) => label === k).length);
  /** Right with 0.8 where the row's number is no multiple of 5, else the next class. */
  const outputs = Float64Array.from({ length: ROWS * 3 }, (_, i) => {
    const row = Math.floor(i / 3);
    return i % 3 === (y[row] + (row % 5 === 0 ? 1 : 0)) % 3 ? 0.8 : 0.1;
  });
  const predicted = Array.from(y, (label, row) => (label + (row % 5 === 0 ? 1 : 0)) % 3);

  it('has the figures of the functions, and the baselines of hand and of a linear model', async () => {
    const { data } = await report(y, outputs, { task: 'classification', classNames: ['right', 'up', 'down'], samples: x });
    expect(data.rows).toBe(ROWS);
    expect(data.accuracy).toBe(0.8);
    expect(data.balancedAccuracy).toBe(metrics.balancedAccuracy(y, predicted));
    expect(data.confusionMatrix).toEqual(metrics.confusionMatrix(y, predicted));
    expect(data.perClass.map((row) => row.support)).toEqual(counts);
    const { perClass, ...averages } = metrics.precisionRecallF1(y, predicted);
    expect(data).toMatchObject(averages);
    expect(data.perClass.map((row) => row.f1)).toEqual(perClass.f1);
    expect(data.logLoss).toBeCloseTo(-0.8 * Math.log(0.8) - 0.2 * Math.log(0.1), 12);
    expect(data.rocAuc).toBe(metrics.rocAuc(y, outputs, { classes: 3 }));
    expect(data.threshold).toBeNull();
    expect(data.bestThreshold).toBeNull();
    const { majority, linear, learnedFrom } = data.baselines;
    const largest = Math.max(...counts);
    expect(majority).toMatchObject({ name: ['right', 'up', 'down'][counts.indexOf(largest)], accuracy: largest / ROWS, balancedAccuracy: 1 / 3 });
    // Probabilities that are the frequencies have their entropy as loss.
    expect(majority.logLoss).toBeCloseTo(-counts.reduce((sum, count) => sum + (count / ROWS) * Math.log(count / ROWS), 0), 12);
    expect(linear?.accuracy).toBeGreaterThan(0.9);
    expect(linear?.logLoss).toBeLessThan(majority.logLoss ?? 0);
    expect(learnedFrom).toBe('evaluated rows');
  });

  it('baselines learn from the training rows where there are some; the same bytes every time', async () => {
    const train = new ArrayDataset({ x: Float64Array.from({ length: 400 }, uniform), y: new Int32Array(200).fill(2).fill(0, 150), rows: 200 });
    const one = await report(y, outputs, { task: 'classification', samples: x, train });
    expect(one.data.baselines).toMatchObject({ learnedFrom: 'train', majority: { name: '2', accuracy: counts[2] / ROWS } });
    const other = await report(y, outputs, { task: 'classification', samples: new ArrayDataset({ x, rows: ROWS }), train });
    expect(JSON.stringify(other)).toBe(JSON.stringify(one));
    expect((await report(y, outputs, { task: 'classification', train })).data.baselines).toMatchObject({ learnedFrom: 'train', linear: null });
  });

  it('two classes: one output or two are the same, with thresholds for a goal', async () => {
    const targets = [1, 0, 1, 1, 0];
    const p = [0.9, 0.7, 0.6, 0.3, 0.1];
    const one = (await report(targets, p, { task: 'classification' })).data;
    const two = (await report(targets, p.flatMap((value) => [1 - value, value]), { task: 'classification' })).data;
    expect(one.threshold).toBe(0.5);
    expect(one.bestThreshold).toEqual({ goal: { maximize: 'f1' }, threshold: 0.3, precision: 0.75, recall: 1, f1: 6 / 7 });
    expect({ ...two, threshold: 0.5, logLoss: 0, micro: 0 }).toEqual({ ...one, logLoss: 0, micro: 0 });
    const lower = (await report(targets, p, { task: 'classification', threshold: 0.3, goal: { precisionAtLeast: 0.9 } })).data;
    expect(lower.confusionMatrix).toEqual([[1, 1], [0, 3]]);
    expect(lower.bestThreshold).toMatchObject({ threshold: 0.9, precision: 1, recall: 1 / 3 });
  });

  it('prints tables, and JSON without NaN', async () => {
    const made = await report([1, 1], [0.9, 0.2], { task: 'classification', classNames: ['no', 'yes'] });
    expect(made.data.rocAuc).toBeNull();
    expect(JSON.parse(JSON.stringify(made))).toEqual(made.data);
    expect(String(made)).toBe(`\
            accuracy  balanced accuracy  macro F1  log loss
model         0.5000             0.5000    0.3333    0.8574
always yes    1.0000             1.0000    0.5000    0.0000

baselines learned from the evaluated rows themselves; no samples given, so no linear model

class     precision  recall      F1  rows
no           0.0000  0.0000  0.0000     0
yes          1.0000  0.5000  0.6667     2
micro        0.5000  0.5000  0.5000     2
macro        0.5000  0.2500  0.3333     2
weighted     1.0000  0.5000  0.6667     2

ROC-AUC -, Matthews correlation 0.0000

target \\ predicted  no  yes
no                   0    0
yes                  1    1

threshold for the largest F1: 0.2000 (precision 1.0000, recall 1.0000, F1 1.0000)`);
  });

  it('refuses what does not fit', async () => {
    await expect(report([0, 1], [0.1, 0.2, 0.7], { task: 'classification' })).rejects.toEqual(failure('ERR_SHAPE', /multiple of the 2 targets/));
    await expect(report([0, 1], [0.1, 2], { task: 'classification' })).rejects.toEqual(failure('ERR_RANGE', /0 to 1 at position 1 of outputs/));
    await expect(report(y, outputs, { task: 'classification', threshold: 0.5 })).rejects.toEqual(failure('ERR_OPTION', /two classes.*3 classes/));
    await expect(report([0, 1], [0.1, 0.2], { task: 'classification', classNames: ['a'] })).rejects.toEqual(failure('ERR_OPTION', /Expected 2 texts for classNames/));
    await expect(report([0, 1], [0.1, 0.2], { task: 'classification', samples: [1, 2, 3] })).rejects.toEqual(failure('ERR_SHAPE', /multiple of 2 values for samples/));
    const train = new ArrayDataset({ x: new Float64Array(6), y: new Int32Array(2), rows: 2 });
    await expect(report([0, 1], [0.1, 0.2], { task: 'classification', samples: [1, 2], train })).rejects.toEqual(failure('ERR_SHAPE', /Expected 3 features for samples, received 1/));
    await expect(Reflect.apply(report, null, [[0], [0], { task: 'ranking' }])).rejects.toEqual(failure('ERR_OPTION', /classification, multiLabel, regression, received "ranking"/));
    await expect(Reflect.apply(report, null, [[0], [0], { task: 'regression', goal: 1 }])).rejects.toEqual(failure('ERR_OPTION', /received "goal"/));
  });
});

describe('regression', () => {
  it('has the figures of the functions; ridge finds a linear law and a constant column harms nothing', async () => {
    const rows = 120;
    const x = Float64Array.from({ length: rows * 4 }, (_, i) => (i % 4 === 3 ? 7 : uniform()));
    // The third column repeats the first one.
    for (let row = 0; row < rows; row++) x[row * 4 + 2] = 2 * x[row * 4] + 1;
    const y = Float64Array.from({ length: rows * 2 }, (_, i) => 100 + 3 * x[Math.floor(i / 2) * 4] - (i % 2) * x[Math.floor(i / 2) * 4 + 1]);
    const outputs = y.map((value, i) => value + (i === 31 ? 5 : i % 2 === 0 ? 0.1 : -0.2));
    const { data } = await report(y, outputs, { task: 'regression', outputs: 2, outputNames: ['a', 'b'], samples: x, worst: 2 });
    expect(data.r2).toBe(metrics.r2Score(y, outputs, { outputs: 2 }));
    expect(data.meanAbsoluteError).toBe(metrics.meanAbsoluteError(y, outputs, { outputs: 2 }));
    expect(data.worstRows[0]).toEqual({ row: 15, error: expect.closeTo((0.01 + 25) / 2, 9) as unknown, target: [y[30], y[31]], prediction: [outputs[30], outputs[31]] });
    expect(data.worstRows).toHaveLength(2);
    expect(data.perOutput.map((row) => row.name)).toEqual(['a', 'b']);
    expect(data.perOutput[0].residuals.map(({ value }) => value)).toEqual(Array.from({ length: 7 }, () => expect.closeTo(-0.1, 9) as unknown));
    expect(data.perOutput[1].residuals[0]).toEqual({ quantile: 0, value: expect.closeTo(-5, 9) as unknown });
    expect(data.baselines.mean.r2).toBeCloseTo(0, 12);
    // The penalty of 1e-6 leaves squared errors of its own square.
    expect(data.baselines.linear?.meanSquaredError).toBeLessThan(1e-9);
    expect(data.baselines.linear?.meanSquaredError).toBeGreaterThan(0);
  });

  it('the ridge is the least squares line of scattered points, learned from other rows', async () => {
    // y = 1, 3, 2 at x = 0, 1, 2: slope 1/2, intercept 3/2; evaluated at 4: 3.5.
    const train = new ArrayDataset({ x: new Float64Array([0, 1, 2]), y: new Float64Array([1, 3, 2]), rows: 3 });
    const { data } = await report([3.5, 4.5], [3, 4], { task: 'regression', samples: [4, 6], train });
    expect(data.baselines.learnedFrom).toBe('train');
    expect(data.baselines.linear?.meanAbsoluteError).toBeLessThan(1e-5);
    expect(data.baselines.mean.meanAbsoluteError).toBe(2);
    expect(data.r2).toBe(0);
  });

  it('prints tables; one row has no R²', async () => {
    const made = await report([2], [1.5], { task: 'regression' });
    expect(made.data.r2).toBeNull();
    expect(JSON.parse(JSON.stringify(made))).toEqual(made.data);
    expect(String(made)).toBe(`\
                    MSE    RMSE     MAE  R²
model            0.2500  0.5000  0.5000   -
always the mean  0.0000  0.0000  0.0000   -

baselines learned from the evaluated rows themselves; no samples given, so no linear model

target - prediction     0 %     5 %    25 %    50 %    75 %    95 %   100 %
0                    0.5000  0.5000  0.5000  0.5000  0.5000  0.5000  0.5000

worst rows   error  target  prediction
0           0.2500  2.0000      1.5000`);
  });

  it('refuses what does not fit', async () => {
    await expect(report([1, 2, 3], [1, 2, 3], { task: 'regression', outputs: 2 })).rejects.toEqual(failure('ERR_SHAPE', /multiple of 2/));
    await expect(report([1, NaN], [1, 2], { task: 'regression' })).rejects.toEqual(failure('ERR_NON_FINITE', /targets/));
    const wide = { task: 'regression', samples: new Uint8Array(2 * 5000) } as const;
    await expect(report([1, 2], [1, 2], wide)).rejects.toEqual(failure('ERR_RANGE', /at most 4096 features/));
  });
});
