// Metrics by name in compile: figures of fit and evaluate are those of the functions on what predict gives.
import { describe, expect, it } from 'vitest';
import { layers, metrics, optimizers, sequential, type LossName, type MetricName, type Sequential } from '../../src/index.js';
import { RandomStream } from '../../src/random/stream.js';

const ROWS = 200;
const FEATURES = 4;
const TOLERANCE = 1e-12;

const stream = new RandomStream(7, 1000, 0);
const x = Float64Array.from({ length: ROWS * FEATURES }, () => stream.below(2001) / 1000 - 1);
const sum = (row: number): number => x[row * FEATURES] - x[row * FEATURES + 1] + 0.5 * x[row * FEATURES + 2];
const yes = Uint8Array.from({ length: ROWS }, (_, row) => (sum(row) + x[row * FEATURES + 3] > 0.2 ? 1 : 0));
const classes = Int32Array.from({ length: ROWS }, (_, row) => Math.min(6, Math.floor((sum(row) + 2.5) * 1.5)));
const hot = Uint8Array.from({ length: ROWS * 7 }, (_, i) => (classes[Math.floor(i / 7)] === i % 7 ? 1 : 0));
const values = Float64Array.from({ length: ROWS * 2 }, (_, i) => sum(Math.floor(i / 2)) * (i % 2 === 0 ? 1 : -2) + 10);
const both = Uint8Array.from({ length: ROWS * 2 }, (_, i) => (i % 2 === 0 ? yes[i / 2] : 1 - yes[(i - 1) / 2]));

function model(units: number, activation: 'sigmoid' | 'softmax' | 'linear', loss: LossName, names: readonly MetricName[], backend: 'typescript' | 'auto' = 'typescript'): Sequential {
  const made = sequential({ seed: 3, backend, dtype: 'float64' }, [layers.dense({ units: 5, activation: 'tanh', inputShape: [FEATURES] }), layers.dense({ units, activation })]);
  made.compile({ optimizer: optimizers.adam({ learningRate: 0.02 }), loss, metrics: names });
  return made;
}
function expectClose(received: Readonly<Record<string, number>>, expected: Readonly<Record<string, number>>): void {
  for (const [name, value] of Object.entries(expected)) {
    expect(Math.abs(received[name] - value) <= TOLERANCE * Math.max(1, Math.abs(value)), `${name}: expected ${value}, received ${received[name]}`).toBe(true);
  }
}
const argmax = (data: ArrayLike<number>, units: number): number[] =>
  Array.from({ length: data.length / units }, (_, row) => {
    const own = Array.from({ length: units }, (__, unit) => data[row * units + unit]);
    return own.indexOf(Math.max(...own));
  });

interface Case {
  readonly name: string;
  readonly names: readonly MetricName[];
  readonly make: (names: readonly MetricName[], backend?: 'typescript' | 'auto') => Sequential;
  readonly y: Uint8Array | Int32Array | Float64Array;
  readonly expected: (outputs: Float32Array | Float64Array) => Record<string, number>;
}
const ofClasses = (outputs: Float32Array | Float64Array): Record<string, number> => {
  const predicted = argmax(outputs, 7);
  return {
    accuracy: metrics.accuracy(classes, predicted),
    topKCategoricalAccuracy: metrics.topKCategoricalAccuracy(classes, outputs, { classes: 7 }),
    precision: metrics.precision(classes, predicted, { average: 'macro', classes: 7 }),
    recall: metrics.recall(classes, predicted, { average: 'macro', classes: 7 }),
    f1: metrics.f1(classes, predicted, { average: 'macro', classes: 7 }),
    auc: metrics.rocAuc(classes, outputs, { classes: 7 }),
  };
};
const common = ['accuracy', 'topKCategoricalAccuracy', 'precision', 'recall', 'f1', 'auc'] as const;
const CASES: readonly Case[] = [
  {
    name: 'binary', names: ['accuracy', 'binaryAccuracy', 'precision', 'recall', 'f1', 'auc', 'rootMeanSquaredError', 'r2'], y: yes,
    make: (names, backend) => model(1, 'sigmoid', 'binaryCrossentropy', names, backend),
    expected: (p) => {
      const predicted = Array.from(p, (value) => (value >= 0.5 ? 1 : 0));
      return {
        accuracy: metrics.accuracy(yes, predicted), binaryAccuracy: metrics.binaryAccuracy(yes, p), precision: metrics.precision(yes, predicted),
        recall: metrics.recall(yes, predicted), f1: metrics.f1(yes, predicted), auc: metrics.rocAuc(yes, p),
        rootMeanSquaredError: metrics.rootMeanSquaredError(yes, p), r2: metrics.r2Score(yes, p),
      };
    },
  },
  {
    name: 'two labels a row: elements together, areas averaged', names: ['binaryAccuracy', 'precision', 'recall', 'f1', 'auc'], y: both,
    make: (names, backend) => model(2, 'sigmoid', 'binaryCrossentropy', names, backend),
    expected: (p) => {
      const { micro } = new metrics.MultiLabelCounts(2).update(both, p).precisionRecallF1();
      const column = (data: ArrayLike<number>, k: number): number[] => Array.from({ length: ROWS }, (_, row) => data[row * 2 + k]);
      return { binaryAccuracy: metrics.binaryAccuracy(both, p), ...micro, auc: (metrics.rocAuc(column(both, 0), column(p, 0)) + metrics.rocAuc(column(both, 1), column(p, 1))) / 2 };
    },
  },
  {
    name: 'class indices', names: [...common, 'sparseCategoricalAccuracy'], y: classes,
    make: (names, backend) => model(7, 'softmax', 'sparseCategoricalCrossentropy', names, backend),
    expected: (p) => ({ ...ofClasses(p), sparseCategoricalAccuracy: metrics.sparseCategoricalAccuracy(classes, p, { classes: 7 }) }),
  },
  {
    name: 'one-hot targets', names: [...common, 'categoricalAccuracy', 'rootMeanSquaredError'], y: hot,
    make: (names, backend) => model(7, 'softmax', 'categoricalCrossentropy', names, backend),
    expected: (p) => ({ ...ofClasses(p), categoricalAccuracy: metrics.categoricalAccuracy(hot, p, { classes: 7 }), rootMeanSquaredError: metrics.rootMeanSquaredError(hot, p, { outputs: 7 }) }),
  },
  {
    name: 'one-hot targets of a divergence', names: [...common, 'categoricalAccuracy'], y: hot,
    make: (names, backend) => model(7, 'softmax', 'kullbackLeiblerDivergence', names, backend),
    expected: (p) => ({ ...ofClasses(p), categoricalAccuracy: metrics.categoricalAccuracy(hot, p, { classes: 7 }) }),
  },
  {
    name: 'one-hot targets of a hinge of classes', names: [...common, 'categoricalAccuracy', 'mae'], y: hot,
    make: (names, backend) => model(7, 'linear', 'categoricalHinge', names, backend),
    expected: (p) => ({ ...ofClasses(p), categoricalAccuracy: metrics.categoricalAccuracy(hot, p, { classes: 7 }), mae: metrics.meanAbsoluteError(hot, p, { outputs: 7 }) }),
  },
  {
    name: 'sides of a hinge: right on the same side of 0', names: ['accuracy'], y: Int32Array.from(yes, (side) => 2 * side - 1),
    make: (names, backend) => model(1, 'linear', 'hinge', names, backend),
    expected: (p) => ({ accuracy: metrics.accuracy(yes, Array.from(p, (value) => (value >= 0 ? 1 : 0))) }),
  },
  {
    name: 'values', names: ['mse', 'mae', 'rootMeanSquaredError', 'r2', 'binaryAccuracy'], y: values,
    make: (names, backend) => model(2, 'linear', 'meanSquaredError', names, backend),
    expected: (p) => ({
      mse: metrics.meanSquaredError(values, p, { outputs: 2 }), mae: metrics.meanAbsoluteError(values, p, { outputs: 2 }),
      rootMeanSquaredError: metrics.rootMeanSquaredError(values, p, { outputs: 2 }), r2: metrics.r2Score(values, p, { outputs: 2 }),
      binaryAccuracy: values.filter((value, i) => value >= 0.5 === p[i] >= 0.5).length / values.length,
    }),
  },
];

describe('metrics by name', () => {
  for (const backend of ['typescript', 'auto'] as const) {
    for (const { name, names, make, y, expected } of CASES) {
      it(`${name}, ${backend}: evaluate`, async () => {
        const trained = make(names, backend);
        const history = await trained.fit(x, y, { epochs: 8, batchSize: 32 });
        for (const metric of names) expect(history.history[metric]).toHaveLength(8);
        const outputs = (await trained.predict(x, { rows: ROWS })).data;
        const logs = await trained.evaluate(x, y);
        expect(Object.keys(logs)).toEqual(['loss', ...names]);
        expectClose(logs, expected(outputs));
        expect(trained.evaluateSync(x, y)).toEqual(logs);
      });
    }
  }

  it('in fit: one batch of all rows, shuffled, before the update', async () => {
    for (const { names, make, y, expected } of CASES) {
      const trained = make(names);
      const outputs = (await trained.predict(x, { rows: ROWS })).data;
      const { history } = await trained.fit(x, y, { epochs: 1, batchSize: ROWS });
      expectClose(Object.fromEntries(Object.entries(history).map(([name, column]) => [name, column[0]])), expected(outputs));
    }
  });

  it('the figures of an epoch in batches are the same with and without a look after each', async () => {
    const names = ['auc', 'f1', 'accuracy'] as const;
    const make = (): Sequential => model(1, 'sigmoid', 'binaryCrossentropy', names);
    const silent = await make().fit(x, yes, { epochs: 3, batchSize: 16 });
    const watched = await make().fit(x, yes, { epochs: 3, batchSize: 16, callbacks: [{ onBatchEnd: () => undefined }] });
    expect(watched.history).toEqual(silent.history);
  });

  it('a class that does not occur: the area cannot be told, the rest can', async () => {
    const trained = model(1, 'sigmoid', 'binaryCrossentropy', ['auc', 'recall', 'precision']);
    const logs = await trained.evaluate(x, new Uint8Array(ROWS));
    expect(logs['auc']).toBeNaN();
    expect(logs['recall']).toBe(0);
  });

  const refused: readonly (readonly [MetricName, LossName, 'sigmoid' | 'softmax' | 'linear', RegExp])[] = [
    ['binaryAccuracy', 'sparseCategoricalCrossentropy', 'softmax', /binaryCrossentropy or meanSquaredError or custom for loss, received 'sparseCategoricalCrossentropy'/],
    ['categoricalAccuracy', 'sparseCategoricalCrossentropy', 'softmax', /Expected categoricalCrossentropy or kullbackLeiblerDivergence or categoricalHinge or custom for loss/],
    ['sparseCategoricalAccuracy', 'categoricalCrossentropy', 'softmax', /Expected sparseCategoricalCrossentropy for loss/],
    ['topKCategoricalAccuracy', 'binaryCrossentropy', 'sigmoid', /sparseCategoricalCrossentropy or categoricalCrossentropy/],
    ['auc', 'meanSquaredError', 'linear', /the metric 'auc' goes with some losses.*received 'meanSquaredError'/],
    ['f1', 'meanSquaredError', 'linear', /'f1'/],
    ['precision', 'meanSquaredError', 'linear', /'precision'/],
    ['recall', 'meanSquaredError', 'linear', /'recall'/],
    ['r2', 'sparseCategoricalCrossentropy', 'softmax', /compares values.*received 'r2'/],
    ['rootMeanSquaredError', 'sparseCategoricalCrossentropy', 'softmax', /compares values/],
  ];
  for (const [metric, loss, activation, message] of refused) {
    it(`${metric} does not go with ${loss}`, () => {
      expect(() => model(2, activation, loss, [metric])).toThrow(expect.objectContaining({ code: 'ERR_OPTION', message: expect.stringMatching(message) as unknown }));
    });
  }
});
