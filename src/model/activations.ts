import { checkName } from './checks.js';

/** Activations a layer may have; formulas in docs/numerics.md. */
export const activationNames = ['linear', 'relu', 'sigmoid', 'tanh', 'softmax'] as const;
/** Name of an activation. */
export type ActivationName = (typeof activationNames)[number];

/** @throws ERR_OPTION for a name that is none */
export function checkActivation(op: string, value: unknown): ActivationName {
  return checkName(op, 'activation', value, activationNames);
}
