import { checkOptions, checkReal } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';
import { didYouMean } from '../../base/nearest.js';

/** A penalty on a layer's weights: l1·Σ|weight| + l2·Σweight² joins the loss. */
export type Regularizer =
  | { readonly kind: 'l1'; readonly l1: number }
  | { readonly kind: 'l2'; readonly l2: number }
  | { readonly kind: 'l1l2'; readonly l1: number; readonly l2: number };

/** Factors of a penalty, as Keras counts them. */
export interface PenaltyFactors {
  readonly l1: number;
  readonly l2: number;
}

const from0 = { minimum: 0 };

/** Penalties for `kernelRegularizer`. */
export const regularizers = {
  /**
   * Adds l1·Σ|weight| to the loss, so l1·sign(weight) to the gradient, sign(0) = 0 (Keras, PyTorch's autograd).
   * @param l1 0 or more, default 0.01
   * @throws ERR_TYPE, ERR_RANGE
   * @example layers.dense({ units: 10, kernelRegularizer: regularizers.l1(1e-4) })
   */
  l1(l1 = 0.01): Regularizer & { readonly kind: 'l1' } {
    return Object.freeze({ kind: 'l1', l1: checkReal('regularizers.l1', 'l1', l1, from0) });
  },
  /**
   * Adds l2·Σweight² to the loss, so 2·l2·weight to the gradient (Keras). PyTorch's weight_decay λ is l2 = λ/2.
   * @param l2 0 or more, default 0.01
   * @throws ERR_TYPE, ERR_RANGE
   * @example layers.dense({ units: 10, kernelRegularizer: regularizers.l2(1e-4) })
   */
  l2(l2 = 0.01): Regularizer & { readonly kind: 'l2' } {
    return Object.freeze({ kind: 'l2', l2: checkReal('regularizers.l2', 'l2', l2, from0) });
  },
  /**
   * Both: adds l1·Σ|weight| + l2·Σweight² to the loss (Keras' L1L2).
   * @param options `l1` and `l2`, 0 or more each, default 0
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   * @example layers.dense({ units: 10, kernelRegularizer: regularizers.l1l2({ l1: 1e-5, l2: 1e-4 }) })
   */
  l1l2(options: { readonly l1?: number; readonly l2?: number } = {}): Regularizer & { readonly kind: 'l1l2' } {
    const op = 'regularizers.l1l2';
    checkOptions(op, options, ['l1', 'l2']);
    return Object.freeze({ kind: 'l1l2', l1: checkReal(op, 'l1', options.l1 ?? 0, from0), l2: checkReal(op, 'l2', options.l2 ?? 0, from0) });
  },
} as const;

/** @returns the factors, 0 where there is none @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
export function checkRegularizer(op: string, value: unknown): PenaltyFactors {
  if (value === undefined || value === null) return { l1: 0, l2: 0 };
  if (value === 'l1') return { l1: 0.01, l2: 0 };
  if (value === 'l2') return { l1: 0, l2: 0.01 };
  if (typeof value === 'object' && 'kind' in value && (value.kind === 'l1' || value.kind === 'l2' || value.kind === 'l1l2')) {
    const { kind } = value;
    const factor = (name: 'l1' | 'l2'): number => (kind === name || kind === 'l1l2' ? checkReal(op, `kernelRegularizer.${name}`, Reflect.get(value, name), from0) : 0);
    return { l1: factor('l1'), l2: factor('l2') };
  }
  throw new NablaError('ERR_OPTION', `[${op}] unknown regularizer. Expected regularizers.l1(0.01), regularizers.l2(0.01), regularizers.l1l2({ l1, l2 }), 'l1' or 'l2' for kernelRegularizer, received ${show(value)}.${didYouMean(value, Object.keys(regularizers))}`);
}
