// Names of losses: what compile takes, and figures that logs may hold.
import { lossOps, namesOf } from '../backend/contract/ops.js';

type LossOpName = keyof typeof lossOps;
/** The backend's cross-entropies see logits; people ask for them by other names. */
type EntropyName = 'softmaxCrossEntropy' | 'sigmoidCrossEntropy';
export type EntropyLossName = 'sparseCategoricalCrossentropy' | 'categoricalCrossentropy' | 'binaryCrossentropy';
export type ValueLossName = Exclude<LossOpName, EntropyName>;

const entropyOf: Readonly<Record<EntropyLossName, EntropyName>> = {
  sparseCategoricalCrossentropy: 'softmaxCrossEntropy', categoricalCrossentropy: 'softmaxCrossEntropy', binaryCrossentropy: 'sigmoidCrossEntropy',
};
function isValueLoss(name: LossOpName): name is ValueLossName {
  return lossOps[name].compares !== 'entropy';
}
function isEntropyLoss(name: EntropyLossName | ValueLossName): name is EntropyLossName {
  return Object.hasOwn(entropyOf, name);
}

/** Losses by name. */
export const lossNames: readonly (EntropyLossName | ValueLossName)[] = [...namesOf(entropyOf), ...namesOf(lossOps).filter(isValueLoss)];
/** Other names of the same losses. */
export const shortLossNames = ['mse', 'mae', 'mape', 'msle', 'klDivergence'] as const;
/** Name of a loss with all its defaults. */
export type LossName = EntropyLossName | ValueLossName | (typeof shortLossNames)[number];

/** Whether a text names a loss. */
export function isLossName(name: string): name is LossName {
  return [...lossNames, ...shortLossNames].some((known) => known === name);
}

/** What the targets of a loss may be. @param name of any loss; a loss of the user's own takes any */
export function targetsOf(name: EntropyLossName | ValueLossName | 'custom'): (typeof lossOps)[LossOpName]['targets'] {
  if (name === 'custom') return 'any';
  return lossOps[isEntropyLoss(name) ? entropyOf[name] : name].targets;
}
