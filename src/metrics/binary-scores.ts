// Figures of a ranking: the scores of the positives and of the negatives, each in order. Counts are whole numbers, so that ties are exact.
import { checkText } from '../base/checks.js';
import { NablaError, show } from '../base/errors.js';
import { checkLabels, checkSameLength, checkValues, type Numbers } from './input.js';
import { SortedNumbers } from './sorted-numbers.js';

/** A threshold and what it gives: scores from it on count as class 1. */
export interface ThresholdFigures {
  readonly threshold: number;
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}
/** What a threshold is chosen for. */
export type ThresholdGoal = { readonly maximize: 'f1' } | { readonly recallAtLeast: number } | { readonly precisionAtLeast: number };

/** Points of a ROC curve, from nothing predicted (threshold Infinity) to everything. */
export interface RocCurve {
  readonly falsePositiveRate: number[];
  readonly truePositiveRate: number[];
  readonly thresholds: number[];
}

/** Keeps every score (8 bytes a row): areas are exact, not sums over a grid of thresholds. */
export class BinaryScores {
  readonly #positives = new SortedNumbers();
  readonly #negatives = new SortedNumbers();
  readonly #op: string;

  /** @param op what errors name */
  constructor(op = 'BinaryScores.update') {
    this.#op = checkText('BinaryScores', 'op', op);
  }

  /** Adds rows. @param targets 0 or 1 @param scores larger means class 1 @returns this @throws ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE */
  update(targets: Numbers, scores: Numbers): this {
    const op = this.#op;
    const labels = checkLabels(op, 'targets', targets, 2);
    const values = checkValues(op, 'scores', scores);
    checkSameLength(op, 'scores', values.length, labels.length);
    for (let i = 0; i < labels.length; i++) this.add(labels[i] === 1, values[i]);
    return this;
  }

  /** One row. @param positive whether it is of class 1 @param score any number @throws ERR_TYPE */
  add(positive: boolean, score: number): void {
    if (typeof score !== 'number') throw new NablaError('ERR_TYPE', `[BinaryScores.add] a score is a number. Expected a number for score, received ${show(score)}.`);
    (positive ? this.#positives : this.#negatives).add(score);
  }

  /** Rows of class 1. */
  get support(): number {
    return this.#positives.length;
  }

  /** Probability that a positive is scored above a negative, ties count half. @returns NaN unless both classes occur */
  rocAuc(): number {
    const positives = this.#positives.values();
    const negatives = this.#negatives.values();
    if (positives.length === 0 || negatives.length === 0 || this.#unordered()) return NaN;
    let below = 0;
    let upTo = 0;
    let twice = 0;
    for (const score of positives) {
      while (below < negatives.length && negatives[below] < score) below += 1;
      while (upTo < negatives.length && negatives[upTo] <= score) upTo += 1;
      twice += below + upTo;
    }
    return twice / (2 * positives.length * negatives.length);
  }

  /** Σ (Rₙ - Rₙ₋₁)·Pₙ over the distinct scores, without interpolation (scikit-learn). @returns NaN without positives */
  averagePrecision(): number {
    const total = this.support;
    if (total === 0 || this.#unordered()) return NaN;
    let sum = 0;
    let before = 0;
    this.#descend((_, truePositives, falsePositives) => {
      sum += (truePositives - before) * (truePositives / (truePositives + falsePositives));
      before = truePositives;
    });
    return sum / total;
  }

  /** One point a distinct score. @returns NaN rates for a class that does not occur */
  rocCurve(): RocCurve {
    const curve: RocCurve = { falsePositiveRate: [], truePositiveRate: [], thresholds: [] };
    const point = (threshold: number, truePositives: number, falsePositives: number): void => {
      curve.thresholds.push(threshold);
      curve.truePositiveRate.push(truePositives / this.#positives.length);
      curve.falsePositiveRate.push(falsePositives / this.#negatives.length);
    };
    point(Infinity, 0, 0);
    if (!this.#unordered()) this.#descend(point);
    return curve;
  }

  /**
   * The score from which on rows should count as class 1: the largest F1; or the largest precision with a recall of at least x; or the largest
   * recall with a precision of at least x. Of equal ones the highest threshold.
   * @returns null without positives, or where no threshold reaches the goal
   */
  bestThreshold(goal: ThresholdGoal): ThresholdFigures | null {
    const total = this.support;
    if (total === 0 || this.#unordered()) return null;
    return bestOf(goal, total, (visit) => { this.#descend(visit); });
  }

  #unordered(): boolean {
    // NaN sorts last; a network that has gone wrong gives it, and nothing compares with it.
    return [this.#positives, this.#negatives].some((list) => Number.isNaN(list.values().at(-1)));
  }

  /** Visits distinct scores from the largest down, with the counts of rows at or above. */
  #descend(visit: ScoreVisitor): void {
    const positives = this.#positives.values();
    const negatives = this.#negatives.values();
    let i = positives.length;
    let j = negatives.length;
    while (i > 0 || j > 0) {
      const score = Math.max(i > 0 ? positives[i - 1] : -Infinity, j > 0 ? negatives[j - 1] : -Infinity);
      while (i > 0 && positives[i - 1] === score) i -= 1;
      while (j > 0 && negatives[j - 1] === score) j -= 1;
      visit(score, positives.length - i, negatives.length - j);
    }
  }
}

/** Told of a distinct score with the positives and the negatives at or above it. */
export type ScoreVisitor = (threshold: number, truePositives: number, falsePositives: number) => void;

/** The best of the thresholds that `descend` visits from the largest down. @param total positives */
export function bestOf(goal: ThresholdGoal, total: number, descend: (visit: ScoreVisitor) => void): ThresholdFigures | null {
  const found: { best: ThresholdFigures | null; value: number } = { best: null, value: -1 };
  descend((threshold, truePositives, falsePositives) => {
    const precision = truePositives / (truePositives + falsePositives);
    const recall = truePositives / total;
    const figures = { threshold, precision, recall, f1: (2 * truePositives) / (total + truePositives + falsePositives) };
    const value = valueFor(goal, figures);
    if (value > found.value) {
      found.best = figures;
      found.value = value;
    }
  });
  return found.best;
}

function valueFor(goal: ThresholdGoal, { precision, recall, f1 }: ThresholdFigures): number {
  if ('maximize' in goal) return f1;
  if ('recallAtLeast' in goal) return recall >= goal.recallAtLeast ? precision : -1;
  return precision >= goal.precisionAtLeast ? recall : -1;
}
