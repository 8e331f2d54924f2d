// A ranking of weighted rows: what BinaryScores gives, rows counting as much as they weigh.
import { bestOf, type ScoreVisitor, type ThresholdFigures, type ThresholdGoal } from './binary-scores.js';

/** Scores of class 1 with their weights. */
export class WeightedScores {
  readonly #scores: ArrayLike<number>;
  readonly #weights: ArrayLike<number>;
  readonly #positive: (row: number) => boolean;
  /** Rows, the largest score first. */
  readonly #order: Uint32Array;
  readonly #totalPositive: number;
  readonly #totalNegative: number;

  /** @param scores (rows), finite @param positive whether a row is of class 1 @param weights (rows) */
  constructor(scores: ArrayLike<number>, positive: (row: number) => boolean, weights: ArrayLike<number>) {
    this.#scores = scores;
    this.#positive = positive;
    this.#weights = weights;
    this.#order = Uint32Array.from({ length: scores.length }, (_, row) => row).sort((a, b) => scores[b] - scores[a] || a - b);
    let totalPositive = 0;
    let totalNegative = 0;
    for (const row of this.#order) {
      if (positive(row)) totalPositive += weights[row];
      else totalNegative += weights[row];
    }
    this.#totalPositive = totalPositive;
    this.#totalNegative = totalNegative;
  }

  /** Weight of the pairs in the right order / weight of all pairs, a pair weighing the product of its rows, ties half. @returns NaN unless both classes occur */
  rocAuc(): number {
    if (this.#totalPositive === 0 || this.#totalNegative === 0) return NaN;
    let area = 0;
    let positivesBefore = 0;
    let negativesBefore = 0;
    this.#descend((_, positives, negatives) => {
      area += (positives - positivesBefore) * (this.#totalNegative - (negatives + negativesBefore) / 2);
      positivesBefore = positives;
      negativesBefore = negatives;
    });
    return area / (this.#totalPositive * this.#totalNegative);
  }

  /** As BinaryScores.bestThreshold. */
  bestThreshold(goal: ThresholdGoal): ThresholdFigures | null {
    return this.#totalPositive === 0 ? null : bestOf(goal, this.#totalPositive, (visit) => { this.#descend(visit); });
  }

  #descend(visit: ScoreVisitor): void {
    let positives = 0;
    let negatives = 0;
    this.#order.forEach((row, i) => {
      if (this.#positive(row)) positives += this.#weights[row];
      else negatives += this.#weights[row];
      if (i + 1 === this.#order.length || this.#scores[this.#order[i + 1]] !== this.#scores[row]) visit(this.#scores[row], positives, negatives);
    });
  }
}
