// Precision, recall and F1 from three counts a class.

/** Three figures that go together. */
export interface PrecisionRecallF1 {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
}
/** The same for each class, and averaged in three ways. */
export interface ClassFigures {
  /** One number a class; `support` is how many rows have it as target. */
  readonly perClass: { readonly precision: number[]; readonly recall: number[]; readonly f1: number[]; readonly support: number[] };
  /** From the counts of all classes together. */
  readonly micro: PrecisionRecallF1;
  /** Mean over the classes. */
  readonly macro: PrecisionRecallF1;
  /** Mean over the classes, weighted by support. */
  readonly weighted: PrecisionRecallF1;
}

/** Counts a class: right predictions, predictions, rows that have it as target. Weighted rows count as much as they weigh. */
export class ClassCounts {
  readonly classes: number;
  readonly truePositives: Float64Array;
  readonly predicted: Float64Array;
  readonly support: Float64Array;

  constructor(classes: number) {
    this.classes = classes;
    this.truePositives = new Float64Array(classes);
    this.predicted = new Float64Array(classes);
    this.support = new Float64Array(classes);
  }

  /** One row of several classes. */
  addRow(label: number, predicted: number, weight = 1): void {
    this.support[label] += weight;
    this.predicted[predicted] += weight;
    if (label === predicted) this.truePositives[label] += weight;
  }

  /** One element of a binary or multi-label row. */
  addElement(unit: number, wanted: boolean, predicted: boolean, weight = 1): void {
    if (wanted) this.support[unit] += weight;
    if (predicted) this.predicted[unit] += weight;
    if (wanted && predicted) this.truePositives[unit] += weight;
  }

  /**
   * precision = tp / predicted, recall = tp / support, F1 = 2·precision·recall / (precision + recall), as in scikit-learn.
   * @param zeroDivision what 0/0 is; F1 takes it for a class that is neither wanted nor predicted, and is 0 where precision + recall is 0
   */
  figures(zeroDivision: number): ClassFigures {
    const { classes } = this;
    const all = Array.from({ length: classes }, (_, k) => figuresOf(this.truePositives[k], this.predicted[k], this.support[k], zeroDivision));
    const support = Array.from(this.support);
    const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
    const rows = sum(this.support);
    return {
      perClass: { precision: all.map((c) => c.precision), recall: all.map((c) => c.recall), f1: all.map((c) => c.f1), support },
      micro: figuresOf(sum(this.truePositives), sum(this.predicted), rows, zeroDivision),
      macro: meanOf(all, all.map(() => 1), classes),
      weighted: rows === 0 ? { precision: zeroDivision, recall: zeroDivision, f1: zeroDivision } : meanOf(all, support, rows),
    };
  }
}

/** Precision, recall and F1 of one class. */
export function figuresOf(truePositives: number, predicted: number, support: number, zeroDivision: number): PrecisionRecallF1 {
  const precision = predicted === 0 ? zeroDivision : truePositives / predicted;
  const recall = support === 0 ? zeroDivision : truePositives / support;
  if (predicted === 0 && support === 0) return { precision, recall, f1: zeroDivision };
  return { precision, recall, f1: precision + recall === 0 ? 0 : (2 * precision * recall) / (precision + recall) };
}

function meanOf(figures: readonly PrecisionRecallF1[], weights: readonly number[], total: number): PrecisionRecallF1 {
  let precision = 0;
  let recall = 0;
  let f1 = 0;
  figures.forEach((figure, k) => {
    precision += figure.precision * weights[k];
    recall += figure.recall * weights[k];
    f1 += figure.f1 * weights[k];
  });
  return { precision: precision / total, recall: recall / total, f1: f1 / total };
}
