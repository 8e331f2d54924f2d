// Names of losses: what compile takes, and figures that logs may hold.

/** Losses by name. */
export const lossNames = [
  'sparseCategoricalCrossentropy', 'categoricalCrossentropy', 'binaryCrossentropy', 'meanSquaredError', 'meanAbsoluteError', 'huber', 'logCosh', 'hinge', 'squaredHinge',
  'meanAbsolutePercentageError', 'meanSquaredLogarithmicError', 'poisson', 'kullbackLeiblerDivergence', 'categoricalHinge', 'cosineSimilarity',
] as const;
/** Other names of the same losses. */
export const shortLossNames = ['mse', 'mae', 'mape', 'msle', 'klDivergence'] as const;
/** Name of a loss with all its defaults. */
export type LossName = (typeof lossNames)[number] | (typeof shortLossNames)[number];

/** Whether a text names a loss. */
export function isLossName(name: string): name is LossName {
  return [...lossNames, ...shortLossNames].some((known) => known === name);
}
