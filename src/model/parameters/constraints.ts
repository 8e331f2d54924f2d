import type { ConstraintSpec } from '../../backend/contract/spec.js';
import { checkOptions, checkReal } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';
import { didYouMean } from '../../base/nearest.js';

/** What a parameter is brought back to after each update. */
export type Constraint = ConstraintSpec;
/** Name of a constraint with its defaults. */
export type ConstraintName = Constraint['name'];
/** Negative values become 0: the constraint that biases know too. */
export type NonNegative = Constraint & { readonly name: 'nonNegative' };

/** Constraints for `kernelConstraint` and `biasConstraint`, Keras' definitions: applied after each update, the norm of a unit's weights over its inputs. */
export const constraints = {
  /**
   * Multiplies each unit's weights by min(norm, maxValue) / (norm + 1e-7) (Keras; N. Srivastava et al. 2014).
   * @param maxValue above 0, default 2
   * @throws ERR_TYPE, ERR_RANGE
   * @example layers.dense({ units: 10, kernelConstraint: constraints.maxNorm(3) })
   */
  maxNorm(maxValue = 2): Constraint & { readonly name: 'maxNorm' } {
    return Object.freeze({ name: 'maxNorm', maxValue: checkReal('constraints.maxNorm', 'maxValue', maxValue, { minimum: 0, minimumOpen: true }) });
  },
  /**
   * Sets negative values to 0 (Keras).
   * @example layers.dense({ units: 10, kernelConstraint: constraints.nonNegative(), biasConstraint: 'nonNegative' })
   */
  nonNegative(): NonNegative {
    return Object.freeze({ name: 'nonNegative' });
  },
  /**
   * Multiplies each unit's weights by 1 / (norm + 1e-7) (Keras).
   * @example layers.dense({ units: 10, kernelConstraint: constraints.unitNorm() })
   */
  unitNorm(): Constraint & { readonly name: 'unitNorm' } {
    return Object.freeze({ name: 'unitNorm' });
  },
} as const;

/** @returns undefined where there is none @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
export function checkKernelConstraint(op: string, value: unknown): Constraint | undefined {
  if (value === undefined || value === null) return undefined;
  if (value === 'maxNorm') return constraints.maxNorm();
  if (value === 'nonNegative') return constraints.nonNegative();
  if (value === 'unitNorm') return constraints.unitNorm();
  if (typeof value === 'object' && 'name' in value) {
    const { name } = value;
    checkOptions(op, value, name === 'maxNorm' ? ['name', 'maxValue'] : ['name']);
    if (name === 'maxNorm') return constraints.maxNorm(checkReal(op, 'kernelConstraint.maxValue', 'maxValue' in value ? value.maxValue : undefined, { minimum: 0, minimumOpen: true }));
    if (name === 'nonNegative' || name === 'unitNorm') return constraints[name]();
  }
  throw new NablaError('ERR_OPTION', `[${op}] unknown constraint. Expected maxNorm, nonNegative, unitNorm or an object of constraints for kernelConstraint, received ${show(value)}.${didYouMean(value, Object.keys(constraints))}`);
}

/** @returns undefined where there is none @throws ERR_OPTION for norms: a bias has no inputs to take one over */
export function checkBiasConstraint(op: string, value: unknown): NonNegative | undefined {
  if (value === undefined || value === null) return undefined;
  const name: unknown = typeof value === 'object' && 'name' in value ? value.name : value;
  if (name === 'nonNegative') return constraints.nonNegative();
  throw new NablaError('ERR_OPTION', `[${op}] a bias has no inputs over which a norm goes. Expected nonNegative for biasConstraint, received ${show(value)}.${didYouMean(value, ['nonNegative'])}`);
}
