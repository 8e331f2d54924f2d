import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { metrics } from '../../src/index.js';

const close = (received: number, expected: number): void => { expect(Math.abs(received - expected) <= 1e-12 * Math.max(1, Math.abs(expected)), `expected ${expected}, received ${received}`).toBe(true); };

describe('worked by hand', () => {
  it('accuracies of the four kinds', () => {
    expect(metrics.accuracy([0, 1, 2, 70_000], [0, 2, 2, 70_000])).toBe(0.75);
    // From the threshold on is yes.
    expect(metrics.binaryAccuracy([0, 1, 1, 0], [0.2, 0.5, 0.4, 0.6])).toBe(0.5);
    expect(metrics.binaryAccuracy([0, 1, 1, 0], [0.2, 0.5, 0.4, 0.6], { threshold: 0.4 })).toBe(0.75);
    // Two rows of three labels: five elements right, one row whole.
    expect(metrics.binaryAccuracy([1, 0, 1, 0, 0, 1], [0.9, 0.1, 0.8, 0.7, 0.2, 0.6])).toBe(5 / 6);
    expect(metrics.subsetAccuracy([1, 0, 1, 0, 0, 1], [0.9, 0.1, 0.8, 0.7, 0.2, 0.6], { labels: 3 })).toBe(0.5);
    const scores = [0.2, 0.5, 0.3, 0.4, 0.4, 0.2];
    expect(metrics.categoricalAccuracy([0, 1, 0, 0, 1, 0], scores, { classes: 3 })).toBe(0.5);
    expect(metrics.sparseCategoricalAccuracy([1, 0], scores, { classes: 3 })).toBe(1);
  });

  it('the top k: of equal scores the lower class ranks first', () => {
    const scores = [0.4, 0.4, 0.2, 0.2, 0.4, 0.4];
    expect(metrics.topKCategoricalAccuracy([1, 2], scores, { classes: 3, k: 1 })).toBe(0);
    expect(metrics.topKCategoricalAccuracy([0, 1], scores, { classes: 3, k: 1 })).toBe(1);
    expect(metrics.topKCategoricalAccuracy([1, 2], scores, { classes: 3, k: 2 })).toBe(1);
    expect(metrics.topKCategoricalAccuracy([0, 1, 0, 0, 0, 1], scores, { classes: 3, k: 2 })).toBe(1);
    expect(metrics.topKCategoricalAccuracy([2, 0], scores, { classes: 3 })).toBe(1);
  });

  it('precision, recall and F1: tp 2, fp 1, fn 2', () => {
    const targets = [1, 1, 1, 1, 0, 0];
    const predictions = [1, 1, 0, 0, 1, 0];
    close(metrics.precision(targets, predictions), 2 / 3);
    close(metrics.recall(targets, predictions), 2 / 4);
    close(metrics.f1(targets, predictions), 4 / 7);
    // Nothing predicted as class 1: 0/0.
    expect(metrics.precision([1, 0], [0, 0])).toBe(0);
    expect(metrics.precision([1, 0], [0, 0], { zeroDivision: 1 })).toBe(1);
    expect(metrics.f1([1, 0], [0, 0])).toBe(0);
    const labels = new metrics.MultiLabelCounts(2).update([1, 0, 1, 0], [0.9, 0.8, 0.1, 0.3]);
    expect(labels.precisionRecallF1()).toEqual({
      perClass: { precision: [1, 0], recall: [0.5, 0], f1: [2 / 3, 0], support: [2, 0] },
      micro: { precision: 0.5, recall: 0.5, f1: 0.5 }, macro: { precision: 0.5, recall: 0.25, f1: 1 / 3 }, weighted: { precision: 1, recall: 0.5, f1: 2 / 3 },
    });
  });

  it('one class only: everything missed', () => {
    const table = new metrics.ConfusionMatrix(2).update([1, 1, 1], [0, 0, 0]);
    expect([table.accuracy(), table.balancedAccuracy(), table.matthewsCorrelation()]).toEqual([0, 0, 0]);
    expect(table.precisionRecallF1().weighted).toEqual({ precision: 0, recall: 0, f1: 0 });
    expect(metrics.balancedAccuracy([0, 1, 2, 3], [2, 2, 2, 2])).toBe(0.25);
  });

  it('Matthews: (tp·tn - fp·fn) / √(…)', () => {
    // tp 6, tn 3, fp 1, fn 2.
    const targets = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1];
    const predictions = [1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0];
    close(metrics.matthewsCorrelation(targets, predictions), (6 * 3 - 1 * 2) / Math.sqrt(7 * 8 * 4 * 5));
    close(metrics.matthewsCorrelation([0, 1, 2], [0, 1, 2]), 1);
    close(metrics.matthewsCorrelation([0, 1], [1, 0]), -1);
  });

  it('areas: ties count half, negative scores are scores, one class only cannot be told', () => {
    // Pairs: -2 = -2 half, -2 > -5, 3 and 0 above both: 5.5 of 6.
    close(metrics.rocAuc([0, 1, 1, 0, 1], [-5, -2, 3, -2, 0]), 5.5 / 6);
    expect(metrics.rocAuc([1, 1], [0.1, 0.2])).toBeNaN();
    expect(metrics.averagePrecision([0, 0], [0.1, 0.2])).toBeNaN();
    // Scores 0.8 (yes), 0.4 (no), 0.35 (yes), 0.1 (no): 1/2·1 + 1/2·2/3.
    close(metrics.averagePrecision([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 5 / 6);
    expect(metrics.rocAucPerClass([0, 1, 0], [0.6, 0.3, 0.1, 0.2, 0.7, 0.1, 0.5, 0.25, 0.25], { classes: 3 })).toEqual([1, 1, NaN]);
    expect(metrics.rocAuc([0, 1, 0], [0.6, 0.3, 0.1, 0.2, 0.7, 0.1, 0.5, 0.25, 0.25], { classes: 3 })).toBeNaN();
  });

  it('thresholds: at 0.9 1/1 of 3, at 0.7 1/2, at 0.6 2/3, at 0.3 3/4, at 0.1 3/5', () => {
    const targets = [1, 0, 1, 1, 0];
    const scores = [0.9, 0.7, 0.6, 0.3, 0.1];
    expect(metrics.bestThreshold(targets, scores)).toEqual({ threshold: 0.3, precision: 0.75, recall: 1, f1: 6 / 7 });
    expect(metrics.bestThreshold(targets, scores, { recallAtLeast: 0.5 })).toEqual({ threshold: 0.3, precision: 0.75, recall: 1, f1: 6 / 7 });
    expect(metrics.bestThreshold(targets, scores, { recallAtLeast: 0.3 })?.threshold).toBe(0.9);
    expect(metrics.bestThreshold(targets, scores, { precisionAtLeast: 0.7 })?.threshold).toBe(0.3);
    expect(metrics.bestThreshold([0, 1], [0.9, 0.1], { precisionAtLeast: 0.7 })).toBeNull();
    expect(metrics.bestThreshold([0, 0], [0.9, 0.1])).toBeNull();
  });

  it('log loss and Brier score', () => {
    close(metrics.logLoss([1, 0], [0.8, 0.4]), -(Math.log(0.8) + Math.log(0.6)) / 2);
    close(metrics.logLoss([1], [0]), 52 * Math.LN2);
    expect(metrics.logLoss([1], [0], { epsilon: 0 })).toBe(Infinity);
    close(metrics.logLoss([2, 0], [0.1, 0.2, 0.7, 0.5, 0.3, 0.2], { classes: 3 }), -(Math.log(0.7) + Math.log(0.5)) / 2);
    close(metrics.brierScore([1, 0], [0.8, 0.4]), (0.04 + 0.16) / 2);
    close(metrics.brierScore([0, 0, 1, 1, 0, 0], [0.1, 0.2, 0.7, 0.5, 0.3, 0.2], { classes: 3 }), (0.01 + 0.04 + 0.09 + 0.25 + 0.09 + 0.04) / 2);
    close(metrics.brierScore([1], [1, 0], { classes: 2 }), 2);
  });

  it('calibration: an edge belongs to the bin below, 0 to the first', () => {
    const { bins, expectedCalibrationError, maximumCalibrationError } = metrics.calibration([0, 1, 1, 0, 1], [0, 0.5, 0.4, 0.9, 1], { bins: 2 });
    expect(bins.map((bin) => bin.count)).toEqual([3, 2]);
    close(bins[0].confidence, 0.3);
    close(bins[0].frequency, 2 / 3);
    close(bins[1].confidence, 0.95);
    close(bins[1].frequency, 0.5);
    close(expectedCalibrationError, (3 * (2 / 3 - 0.3) + 2 * 0.45) / 5);
    close(maximumCalibrationError, 0.45);
    // Several classes: the largest probability against being right; 0.3 lies on an edge that products round past.
    const several = metrics.calibration([0, 1], [0.7, 0.2, 0.1, 0.3, 0.3, 0.4], { classes: 3 });
    expect(several.bins.map((bin) => bin.count)).toEqual([0, 0, 0, 1, 0, 0, 1, 0, 0, 0]);
    close(several.expectedCalibrationError, (0.3 + 0.4) / 2);
    expect(several.bins[0].confidence).toBeNaN();
    for (const edge of [0.1, 0.3, 0.6, 0.7]) expect(metrics.calibration([1], [edge]).bins[Math.round(edge * 10) - 1].count).toBe(1);
    close(metrics.expectedCalibrationError([1, 0], [1, 0]), 0);
  });

  it('regression: large common parts do not cancel, one row has no R²', () => {
    const targets = Array.from({ length: 10 }, (_, i) => 1e8 + i);
    close(metrics.r2Score(targets, targets.map((t) => t + 0.5)), 1 - 2.5 / 82.5);
    expect(metrics.r2Score([1.5], [2])).toBeNaN();
    close(metrics.r2Score([1, 2, 3], [3, 2, 1]), -3);
    expect(metrics.r2Score([1, 5, 2, 5], [1, 5, 2, 5], { outputs: 2 })).toBe(1);
    expect(metrics.r2Score([1, 5, 2, 5], [1, 6, 2, 5], { outputs: 2 })).toBe(0.5);
    close(metrics.rootMeanSquaredError([0, 0, 0, 0], [3, 4, 0, 0], { outputs: 2 }), 2.5);
    expect(metrics.residualQuantiles([1, 2, 3, 4], [0, 0, 0, 0], [0, 0.25, 0.5, 1])).toEqual([1, 1.75, 2.5, 4]);
    expect(metrics.residualQuantiles([5], [2])).toEqual([3, 3, 3, 3, 3, 3, 3]);
  });
});

describe('properties', () => {
  /** Rows of labels with scores on a coarse grid, so that ties are common. */
  const ranked = fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.integer({ min: 0, max: 8 })), { minLength: 1, maxLength: 60 });
  const labelled = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })), { minLength: 1, maxLength: 60 });
  const first = <A>(rows: readonly (readonly [A, unknown])[]): A[] => rows.map(([a]) => a);
  const second = <B>(rows: readonly (readonly [unknown, B])[]): B[] => rows.map(([, b]) => b);

  it('the area is the part of pairs in the right order', () => {
    fc.assert(fc.property(ranked, (rows) => {
      const pairs = rows.flatMap(([t, a]) => (t === 1 ? rows.filter(([u]) => u === 0).map(([, b]) => (a > b ? 1 : a === b ? 0.5 : 0)) : []));
      const received = metrics.rocAuc(first(rows), second(rows));
      if (pairs.length === 0) expect(received).toBeNaN();
      else close(received, pairs.reduce((sum: number, pair) => sum + pair, 0) / pairs.length);
    }));
  });

  it('the area under the curve of points is the same, and turns round with the scores', () => {
    fc.assert(fc.property(ranked, (rows) => {
      const [targets, scores] = [first(rows), second(rows)];
      fc.pre(new Set(targets).size === 2);
      const { falsePositiveRate: x, truePositiveRate: y } = metrics.rocCurve(targets, scores);
      close(x.slice(1).reduce((sum, value, i) => sum + ((value - x[i]) * (y[i + 1] + y[i])) / 2, 0), metrics.rocAuc(targets, scores));
      close(metrics.rocAuc(targets, scores.map((score) => -score)), 1 - metrics.rocAuc(targets, scores));
    }));
  });

  it('average precision and best thresholds as plain loops over all thresholds have them', () => {
    fc.assert(fc.property(ranked, fc.double({ min: 0, max: 1, noNaN: true }), (rows, least) => {
      const [targets, scores] = [first(rows), second(rows)];
      fc.pre(targets.includes(1));
      const points = [...new Set(scores)].sort((a, b) => b - a).map((threshold) => {
        const predicted = scores.map((score) => (score >= threshold ? 1 : 0));
        return { threshold, precision: metrics.precision(targets, predicted), recall: metrics.recall(targets, predicted), f1: metrics.f1(targets, predicted) };
      });
      close(metrics.averagePrecision(targets, scores), points.reduce((sum, { precision, recall }, i) => sum + (recall - (points[i - 1]?.recall ?? 0)) * precision, 0));
      close(metrics.bestThreshold(targets, scores)?.f1 ?? NaN, Math.max(...points.map((point) => point.f1)));
      const reached = points.filter((point) => point.recall >= least);
      close(metrics.bestThreshold(targets, scores, { recallAtLeast: least })?.precision ?? NaN, Math.max(...reached.map((point) => point.precision)));
    }));
  });

  it('rows in slices give the same bytes as all at once', () => {
    fc.assert(fc.property(labelled, fc.integer({ min: 1, max: 60 }), (rows, cut) => {
      const [a, b] = [rows.slice(0, cut), rows.slice(cut)];
      const both = <T extends { update(x: number[], y: number[]): T }>(object: T, y: (value: number) => number = (value) => value): T => {
        object.update(first(a), second(a).map(y));
        return b.length === 0 ? object : object.update(first(b), second(b).map(y));
      };
      const table = both(new metrics.ConfusionMatrix(5));
      expect(table.matrix()).toEqual(metrics.confusionMatrix(first(rows), second(rows), { classes: 5 }));
      expect(table.accuracy()).toBe(metrics.accuracy(first(rows), second(rows)));
      const errors = both(new metrics.RegressionErrors());
      expect(errors.r2Score()).toBe(metrics.r2Score(first(rows), second(rows)));
      expect(errors.meanSquaredError()).toBe(metrics.meanSquaredError(first(rows), second(rows)));
    }));
  });

  it('scores in slices, read after each, rank as all at once', () => {
    fc.assert(fc.property(ranked, fc.integer({ min: 1, max: 10 }), (rows, width) => {
      const scores = new metrics.BinaryScores();
      let last = NaN;
      for (let i = 0; i < rows.length; i += width) {
        const slice = rows.slice(i, i + width);
        last = scores.update(first(slice), second(slice)).rocAuc();
      }
      expect(last).toEqual(metrics.rocAuc(first(rows), second(rows)));
      expect(scores.averagePrecision()).toEqual(metrics.averagePrecision(first(rows), second(rows)));
    }));
  });

  it('micro averages are the accuracy; the correlation keeps its sign and bounds', () => {
    fc.assert(fc.property(labelled, (rows) => {
      const [targets, predictions] = [first(rows), second(rows)];
      const { micro } = metrics.precisionRecallF1(targets, predictions);
      for (const figure of [micro.precision, micro.recall, micro.f1]) close(figure, metrics.accuracy(targets, predictions));
      const correlation = metrics.matthewsCorrelation(targets, predictions);
      expect(correlation).toBeGreaterThanOrEqual(-1 - 1e-12);
      expect(correlation).toBeLessThanOrEqual(1 + 1e-12);
      close(metrics.matthewsCorrelation(predictions, targets), correlation);
    }));
  });

  it('two probabilities a row say what one says', () => {
    fc.assert(fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 1 }), fc.double({ min: 0, max: 1, noNaN: true })), { minLength: 1 }), (rows) => {
      const targets = first(rows);
      const pairs = second(rows).flatMap((p) => [1 - p, p]);
      close(metrics.logLoss(targets, pairs, { classes: 2 }), metrics.logLoss(targets, second(rows)));
      close(metrics.brierScore(targets, pairs, { classes: 2 }), 2 * metrics.brierScore(targets, second(rows)));
      const { bins, expectedCalibrationError } = metrics.calibration(targets, second(rows));
      expect(bins.reduce((sum, bin) => sum + bin.count, 0)).toBe(rows.length);
      for (const bin of bins) if (bin.count > 0) expect(bin.confidence >= bin.from && bin.confidence <= bin.to + 1e-15).toBe(true);
      expect(expectedCalibrationError).toBeLessThanOrEqual(1);
    }));
  });
});

describe('what is refused', () => {
  const wide = Array.from({ length: 4 }, () => 0.25);
  const cases: readonly (readonly [string, string, RegExp, () => unknown])[] = [
    ['no rows', 'ERR_SHAPE', /non-empty targets/, () => metrics.accuracy([], [])],
    ['different lengths', 'ERR_SHAPE', /Expected 2 values for predictions, received 1/, () => metrics.accuracy([0, 1], [0])],
    ['half a label', 'ERR_RANGE', /position 1 of predictions, received 0.5/, () => metrics.f1([0, 1], [0, 0.5])],
    ['a label below 0', 'ERR_RANGE', /received -1/, () => metrics.confusionMatrix([0, -1], [0, 0])],
    ['a label beyond the classes', 'ERR_RANGE', /Expected 0 to 1 at position 1 of targets, received 2/, () => metrics.confusionMatrix([0, 2], [0, 0], { classes: 2 })],
    ['NaN', 'ERR_NON_FINITE', /\[metrics.rocAuc\].*position 1 of scores, received NaN/, () => metrics.rocAuc([0, 1], [0, NaN])],
    ['infinity', 'ERR_NON_FINITE', /received Infinity/, () => metrics.r2Score([0, Infinity], [0, 1])],
    ['a probability above 1', 'ERR_RANGE', /\[metrics.logLoss\].*0 to 1 at position 1 of probabilities/, () => metrics.logLoss([0, 1], [0, 1.5])],
    ['probabilities that are none', 'ERR_RANGE', /sum to 1.*row 0.*received 0.8/, () => metrics.logLoss([0], [0.4, 0.4], { classes: 2 })],
    ['part of a row', 'ERR_SHAPE', /multiple of 3/, () => metrics.logLoss([0], wide, { classes: 3 })],
    ['neither labels nor one-hot', 'ERR_SHAPE', /Expected 2 labels or 2 x 2/, () => metrics.logLoss([0, 1, 1], wide, { classes: 2 })],
    ['targets that are not one-hot', 'ERR_RANGE', /one 1 .* row 1/, () => metrics.brierScore([1, 0, 0.5, 0.5], [0.5, 0.5, 0.5, 0.5], { classes: 2 })],
    ['an average of two for more', 'ERR_OPTION', /'micro', 'macro' or 'weighted'.* with 3 classes/, () => metrics.precision([0, 1, 2], [0, 1, 2], { classes: 3 })],
    ['three labels without an average', 'ERR_OPTION', /'micro', 'macro' or 'weighted'.* with 3 classes/, () => metrics.precision([0, 1, 2], [0, 1, 2])],
    ['a quantile beyond 1', 'ERR_RANGE', /0.*up to 1/, () => metrics.residualQuantiles([1], [1], [2])],
    ['a table that takes gigabytes', 'ERR_RANGE', /4096|4095/, () => metrics.confusionMatrix([0, 100_000], [0, 1])],
    ['two goals', 'ERR_OPTION', /one thing/, () => metrics.bestThreshold([0, 1], [0, 1], Object.assign({ maximize: 'f1' as const }, { recallAtLeast: 1 }))],
    ['a goal beyond 1', 'ERR_RANGE', /recallAtLeast/, () => metrics.bestThreshold([0, 1], [0, 1], { recallAtLeast: 2 })],
    ['rows inside rows', 'ERR_TYPE', /rows lie behind each other/, () => { Reflect.apply(metrics.accuracy, metrics, [[[0]], [0]]); }],
    ['an unknown option', 'ERR_OPTION', /received "class"/, () => { Reflect.apply(metrics.rocAuc, metrics, [[0, 1], [0, 1], { class: 2 }]); }],
    ['0.5 for 0/0', 'ERR_OPTION', /0 or 1 for zeroDivision/, () => { Reflect.apply(metrics.f1, metrics, [[0, 1], [0, 1], { zeroDivision: 0.5 }]); }],
  ];
  for (const [name, code, message, call] of cases) {
    it(name, () => {
      expect(call).toThrow(expect.objectContaining({ code, message: expect.stringMatching(message) as unknown }));
    });
  }

  it('a slice that is refused changes nothing', () => {
    const table = new metrics.ConfusionMatrix(2).update([0, 1], [0, 1]);
    expect(() => table.update([0, 1], [0, 2])).toThrow();
    expect(table.matrix()).toEqual([[1, 0], [0, 1]]);
    const scores = new metrics.ProbabilityScores(1).update([1], [0.5]);
    expect(() => scores.update([1, 1], [0.5, 2])).toThrow();
    close(scores.brierScore(), 0.25);
    expect(new metrics.RegressionErrors().meanSquaredError()).toBeNaN();
  });
});
