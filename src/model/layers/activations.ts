import { activationOps } from '../../backend/contract/ops.js';
import { readSettings } from '../../backend/contract/settings.js';
import type { ActivationSpec } from '../../backend/contract/spec.js';
import { checkName, checkOptions } from '../../base/checks.js';

const plainNames = ['linear', 'relu', 'sigmoid', 'tanh', 'softmax', 'relu6', 'selu', 'gelu', 'geluTanh', 'hardSigmoid', 'softsign', 'silu', 'mish', 'exponential'] as const;
/** Activations a layer may have; formulas in docs/operations.md. 'swish' is silu. */
export const activationNames = [...plainNames, 'leakyRelu', 'elu', 'thresholdedRelu', 'softplus', 'swish'] as const;
/** Name of an activation, with its defaults. */
export type ActivationName = (typeof activationNames)[number];

/** An activation as plain data: a name where nothing is to be set. */
export type ActivationConfig =
  | (typeof plainNames)[number]
  | { readonly name: 'leakyRelu'; readonly negativeSlope: number }
  | { readonly name: 'elu'; readonly alpha: number }
  | { readonly name: 'thresholdedRelu'; readonly theta: number }
  | { readonly name: 'softplus'; readonly beta: number; readonly threshold: number };

/** What a layer's `activation` takes. */
export type ActivationOption = ActivationName | ActivationConfig;

/** Activations with settings. */
export const activations = {
  /** z > 0 ? z : negativeSlope·z. @param options `negativeSlope` default 0.2 (Keras; PyTorch has 0.01) @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
  leakyRelu(options: { readonly negativeSlope?: number } = {}): ActivationConfig {
    const op = 'activations.leakyRelu';
    checkOptions(op, options, ['negativeSlope']);
    return Object.freeze({ name: 'leakyRelu', ...readSettings(op, activationOps.leakyRelu.settings, options) });
  },
  /** z > 0 ? z : alpha·(e^z - 1) (D. Clevert et al. 2015). @param options `alpha` default 1 @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
  elu(options: { readonly alpha?: number } = {}): ActivationConfig {
    const op = 'activations.elu';
    checkOptions(op, options, ['alpha']);
    return Object.freeze({ name: 'elu', ...readSettings(op, activationOps.elu.settings, options) });
  },
  /** z > theta ? z : 0 (Keras). @param options `theta` default 1 @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
  thresholdedRelu(options: { readonly theta?: number } = {}): ActivationConfig {
    const op = 'activations.thresholdedRelu';
    checkOptions(op, options, ['theta']);
    return Object.freeze({ name: 'thresholdedRelu', ...readSettings(op, activationOps.thresholdedRelu.settings, options) });
  },
  /**
   * log(1 + e^(beta·z)) / beta, and z itself where beta·z is above `threshold` (PyTorch).
   * @param options `beta` above 0, default 1; `threshold` default 20: the two differ by less than 2.1e-9 there @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   */
  softplus(options: { readonly beta?: number; readonly threshold?: number } = {}): ActivationConfig {
    const op = 'activations.softplus';
    checkOptions(op, options, ['beta', 'threshold']);
    return Object.freeze({ name: 'softplus', ...readSettings(op, activationOps.softplus.settings, options) });
  },
} as const;

/** @param value a name or an object of {@link activations} @returns plain data with all settings @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
export function checkActivation(op: string, value: unknown): ActivationConfig {
  const given = typeof value === 'object' && value !== null && 'name' in value ? { ...value } : { name: value };
  const { name, ...options } = given;
  const known = checkName(op, 'activation', name, activationNames);
  if (known === 'leakyRelu' || known === 'elu' || known === 'thresholdedRelu' || known === 'softplus') return activations[known](options);
  checkOptions(op, options, []);
  return known === 'swish' ? 'silu' : known;
}

/** What the backend is given. */
export function activationSpec(config: ActivationConfig): ActivationSpec {
  return typeof config === 'string' ? { name: config } : config;
}
