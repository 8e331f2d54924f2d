import { NablaError, show } from '../errors.js';
import { checkReal } from './checks.js';

/** A penalty on a layer's weights. */
export interface Regularizer {
  readonly kind: 'l2';
  /** Adds l2·Σweight² to the loss. */
  readonly l2: number;
}

/** Penalties for `kernelRegularizer`. */
export const regularizers = {
  /**
   * Adds l2·Σweight² to the loss, so 2·l2·weight to the gradient (Keras). PyTorch's weight_decay λ is l2 = λ/2.
   * @param l2 0 or more, default 0.01
   * @throws ERR_RANGE
   * @example layers.dense({ units: 10, kernelRegularizer: regularizers.l2(1e-4) })
   */
  l2(l2 = 0.01): Regularizer {
    return Object.freeze({ kind: 'l2', l2: checkReal('regularizers.l2', 'l2', l2, { minimum: 0 }) });
  },
} as const;

/** @returns the factor of Keras' l2, 0 where there is none @throws ERR_OPTION */
export function checkRegularizer(op: string, value: unknown): number {
  if (value === undefined || value === null) return 0;
  if (value === 'l2') return 0.01;
  if (typeof value === 'object' && 'kind' in value && value.kind === 'l2' && 'l2' in value) return checkReal(op, 'kernelRegularizer.l2', value.l2, { minimum: 0 });
  throw new NablaError('ERR_OPTION', `[${op}] unknown regularizer. Expected regularizers.l2(0.01) or 'l2' for kernelRegularizer, received ${show(value)}.`);
}
