import { describe, expect, it } from 'vitest';
import { ArrayDataset, layers, optimizers, report, sequential } from '../../src/index.js';

describe('report of several labels a row', () => {
  // Rows (red, round): three rows; wrong are row 1's round and row 2's red.
  const targets = [1, 0, 1, 1, 0, 1];
  const outputs = [0.9, 0.2, 0.6, 0.4, 0.7, 0.8];

  it('by hand', async () => {
    const { data } = await report(targets, outputs, { task: 'multiLabel', labelNames: ['red', 'round'] });
    expect(data).toMatchObject({ task: 'multiLabel', rows: 3, threshold: 0.5, binaryAccuracy: 4 / 6, subsetAccuracy: 1 / 3, micro: { precision: 3 / 4, recall: 3 / 4, f1: 3 / 4 } });
    const [red, round] = data.perLabel;
    // red: scores 0.9 and 0.6 against 0.7: one pair of two in order.
    expect(red).toMatchObject({ name: 'red', precision: 2 / 3, recall: 1, support: 2, rocAuc: 0.5, bestThreshold: { threshold: 0.6, f1: 0.8 } });
    expect(round).toMatchObject({ name: 'round', precision: 1, recall: 0.5, support: 2, rocAuc: 1, bestThreshold: { threshold: 0.4, precision: 1, recall: 1, f1: 1 } });
    expect(data.rocAuc).toBe(0.75);
    expect(data.logLoss).toBeCloseTo(-Math.log(0.9 * 0.8 * 0.6 * 0.4 * 0.3 * 0.8) / 6, 14);
    // Two rows of three have each label: 2/3 says yes to both, always.
    expect(data.baselines).toMatchObject({ learnedFrom: 'evaluated rows', frequencies: { binaryAccuracy: 4 / 6, subsetAccuracy: 1 / 3, microF1: 0.8, macroF1: 0.8 }, linear: null });
    expect(data.baselines.frequencies.logLoss).toBeCloseTo(-(4 * Math.log(2 / 3) + 2 * Math.log(1 / 3)) / 6, 14);
  });

  it('prints tables', async () => {
    expect(String(await report(targets, outputs, { task: 'multiLabel', labelNames: ['red', 'round'] }))).toBe(`\
                        labels right  rows right  micro F1  macro F1  log loss
model                         0.6667      0.3333    0.7500    0.7333    0.5305
always the frequencies        0.6667      0.3333    0.8000    0.8000    0.6365

baselines learned from the evaluated rows themselves; no samples given, so no linear model

label     precision  recall      F1  rows  ROC-AUC  best threshold  its F1
red          0.6667  1.0000  0.8000     2   0.5000          0.6000  0.8000
round        1.0000  0.5000  0.6667     2   1.0000          0.4000  1.0000
micro        0.7500  0.7500  0.7500     4        -
macro        0.8333  0.7500  0.7333     4   0.7500
weighted     0.8333  0.7500  0.7333     4        -

of 3 rows; a probability from 0.5000 on is a yes`);
    const weighted = String(await report(targets, outputs, { task: 'multiLabel', labels: 2, sampleWeight: [0.25, 1, 1] }));
    expect(weighted).toMatch(/^0 .* 1\.25 /m);
  });

  it('stands beside frequencies and logistic regressions of the training rows, for a model of its own', async () => {
    const ROWS = 400;
    const x = Float32Array.from({ length: 2 * ROWS }, (_, i) => Math.sin(12.9898 * i));
    const y = Float32Array.from({ length: 2 * ROWS }, (_, i) => {
      const [a, b] = [x[i - (i % 2)], x[i - (i % 2) + 1]];
      return (i % 2 === 0 ? a > 0.2 : a * a + b * b < 0.5) ? 1 : 0;
    });
    const cut = 300;
    const train = new ArrayDataset({ x: x.subarray(0, 2 * cut), y: y.subarray(0, 2 * cut), rows: cut });
    const [testX, testY] = [x.subarray(2 * cut), y.subarray(2 * cut)];
    const model = sequential({ seed: 1, backend: 'typescript' }, [layers.dense({ units: 12, activation: 'tanh', inputShape: [2] }), layers.dense({ units: 2, activation: 'sigmoid' })]);
    model.compile({ optimizer: optimizers.lbfgs({ maxIterations: 5 }), loss: 'binaryCrossentropy' });
    model.fitSync(train.x, train.y, { epochs: 20 });
    const { data } = await model.predict(testX, { rows: testX.length / 2 });
    const { data: made } = await report(testY, data, { task: 'multiLabel', labelNames: ['right', 'inside'], samples: testX, train });
    expect(made.baselines.learnedFrom).toBe('train');
    expect(made.subsetAccuracy).toBeGreaterThan(0.85);
    // One label is a half-plane, which a line finds; the other is a disc, which it does not.
    expect(made.baselines.linear?.binaryAccuracy).toBeGreaterThan(made.baselines.frequencies.binaryAccuracy + 0.1);
    expect(made.subsetAccuracy).toBeGreaterThan((made.baselines.linear?.subsetAccuracy ?? 1) + 0.1);
    expect(JSON.stringify(await report(testY, data, { task: 'multiLabel', labelNames: ['right', 'inside'], samples: testX, train }))).toBe(JSON.stringify(made));
  });

  it('a label that never occurs has no area, goals are sought', async () => {
    const { data } = await report([0, 1, 0, 0], [0.1, 0.8, 0.3, 0.9], { task: 'multiLabel', labels: 2, goal: { precisionAtLeast: 0.9 } });
    expect(data.perLabel[0]).toMatchObject({ support: 0, rocAuc: null, bestThreshold: null });
    expect(data.perLabel[1]).toMatchObject({ support: 1, rocAuc: 0, bestThreshold: null });
    expect(data.rocAuc).toBeNull();
  });

  it.each<[string, string, RegExp, readonly unknown[]]>([
    ['no number of labels', 'ERR_OPTION', /Expected labels or labelNames/, [targets, outputs, { task: 'multiLabel' }]],
    ['rows that are not whole', 'ERR_SHAPE', /multiple of 4 values for targets, received 6/, [targets, outputs, { task: 'multiLabel', labels: 4 }]],
    ['targets in between', 'ERR_RANGE', /0 to 1 at position 0 of targets, received 0.5/, [[0.5], [0.5], { task: 'multiLabel', labels: 1 }]],
    ['outputs that are no probabilities', 'ERR_RANGE', /position 1 of outputs/, [[0, 1], [0.5, 1.5], { task: 'multiLabel', labels: 1 }]],
    ['other lengths', 'ERR_SHAPE', /Expected 2 values for outputs, received 3/, [[0, 1], [0.5, 0.5, 0.5], { task: 'multiLabel', labels: 1 }]],
    ['names that do not fit', 'ERR_OPTION', /Expected 2 texts for labelNames/, [targets, outputs, { task: 'multiLabel', labels: 2, labelNames: ['red'] }]],
    ['a threshold beyond 1', 'ERR_RANGE', /threshold/, [targets, outputs, { task: 'multiLabel', labels: 2, threshold: 2 }]],
    ['a goal that is none', 'ERR_OPTION', /f1/, [targets, outputs, { task: 'multiLabel', labels: 2, goal: { maximize: 'accuracy' } }]],
    ['options of others', 'ERR_OPTION', /received "units"/, [targets, outputs, { task: 'multiLabel', labels: 2, units: 2 }]],
    ['labels to learn from that are one a row', 'ERR_SHAPE', /Expected 4 values for y of train, received 2/, [targets, outputs, { task: 'multiLabel', labels: 2, train: new ArrayDataset({ x: new Float64Array(2), y: Int32Array.of(0, 1), rows: 2 }) }]],
  ])('refuses %s', async (_what, code, text, given) => {
    await expect(Reflect.apply(report, null, given)).rejects.toMatchObject({ code, message: expect.stringMatching(text) });
  });
});
