import type { OptimizerSpec } from '../backend/spec.js';
import { NablaError, show } from '../errors.js';
import { checkBoolean, checkName, checkOptions, checkReal } from './checks.js';
import { power } from './powers.js';
import { isSchedule, type ScheduleConfig } from './schedule.js';
import { scheduleFromConfig } from './schedules.js';

/** A learning rate: a number from 0, a schedule of {@link schedules}, or any function from the number of updates made so far (from 0) to a rate. */
export type LearningRate = number | ((step: number) => number);

/** Options of {@link optimizers.sgd}. */
export interface SgdOptions {
  readonly learningRate?: LearningRate;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly weightDecay?: number;
}
/** Options of {@link optimizers.adam}. */
export interface AdamOptions {
  readonly learningRate?: LearningRate;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}

/** An optimizer's settings without its learning rate: what a backend is built from. */
export interface Optimizer {
  readonly learningRate: LearningRate;
  readonly spec: OptimizerSpec;
}
/** An optimizer whose learning rate is a number or a schedule, as plain data. */
export type OptimizerConfig = OptimizerSpec & { readonly learningRate: number | ScheduleConfig };

const optimizerNames = ['sgd', 'adam'] as const;
/** Name of an optimizer with all its defaults. */
export type OptimizerName = (typeof optimizerNames)[number];

function checkLearningRate(op: string, value: unknown): LearningRate {
  // Any function is taken; what it returns is checked at each step.
  if (isRateFunction(value)) return value;
  if (typeof value === 'object' && value !== null) return scheduleFromConfig(op, value);
  return checkReal(op, 'learningRate', value, { minimum: 0 });
}
function isRateFunction(value: unknown): value is (step: number) => number {
  return typeof value === 'function';
}

/** Update rules; formulas in docs/numerics.md, PyTorch's arithmetic. */
export const optimizers = {
  /**
   * Gradient descent: v = momentum·v + g, weight -= learningRate·v (nesterov: g + momentum·v instead of v), where g includes weightDecay·weight.
   * @param options `learningRate` default 0.01 (Keras), a schedule or a function of the step; `momentum` 0 to 1, default 0; `nesterov` default false, needs
   * momentum; `weightDecay` 0 or more, default 0, applies to biases too (PyTorch)
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   * @example model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1, momentum: 0.9 }), loss: 'meanSquaredError' })
   */
  sgd(options: SgdOptions = {}): Optimizer {
    const op = 'optimizers.sgd';
    checkOptions(op, options, ['learningRate', 'momentum', 'nesterov', 'weightDecay']);
    const momentum = checkReal(op, 'momentum', options.momentum ?? 0, { minimum: 0, maximum: 1 });
    const nesterov = checkBoolean(op, 'nesterov', options.nesterov ?? false);
    if (nesterov && momentum === 0) {
      throw new NablaError('ERR_OPTION', `[${op}] nesterov needs momentum. Expected a momentum above 0, received 0.`);
    }
    const weightDecay = checkReal(op, 'weightDecay', options.weightDecay ?? 0, { minimum: 0 });
    return Object.freeze({
      learningRate: checkLearningRate(op, options.learningRate ?? 0.01),
      spec: Object.freeze({ name: 'sgd', momentum, nesterov, weightDecay }),
    });
  },
  /**
   * Adam (D. Kingma, J. Ba 2014): weight -= learningRate·m̂/(√v̂ + epsilon), m̂ and v̂ bias-corrected.
   * @param options `learningRate` default 0.001, a schedule or a function of the step; `beta1` default 0.9; `beta2` default 0.999; `epsilon` default 1e-8
   * (PyTorch's; Keras has 1e-7), added after the root of the bias-corrected second moment
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   * @example model.compile({ optimizer: optimizers.adam({ learningRate: 0.002 }), loss: 'meanSquaredError' })
   */
  adam(options: AdamOptions = {}): Optimizer {
    const op = 'optimizers.adam';
    checkOptions(op, options, ['learningRate', 'beta1', 'beta2', 'epsilon']);
    const below1 = { minimum: 0, maximum: 1, maximumOpen: true };
    return Object.freeze({
      learningRate: checkLearningRate(op, options.learningRate ?? 0.001),
      spec: Object.freeze({
        name: 'adam',
        beta1: checkReal(op, 'beta1', options.beta1 ?? 0.9, below1),
        beta2: checkReal(op, 'beta2', options.beta2 ?? 0.999, below1),
        epsilon: checkReal(op, 'epsilon', options.epsilon ?? 1e-8, { minimum: 0 }),
      }),
    });
  },
} as const;

/** A learning rate as plain data. @returns null for a function that is no schedule of ours */
export function learningRateConfig(rate: LearningRate): number | ScheduleConfig | null {
  if (typeof rate === 'number') return rate;
  return isSchedule(rate) ? rate.config : null;
}

/** @param value what `compile` was given @throws ERR_OPTION, ERR_TYPE */
export function checkOptimizer(op: string, value: unknown): Optimizer {
  if (typeof value === 'string') return optimizers[checkName(op, 'optimizer', value, optimizerNames)]();
  if (typeof value === 'object' && value !== null && 'spec' in value && 'learningRate' in value && typeof value.spec === 'object' && value.spec !== null) {
    return optimizerFromConfig(op, { ...value.spec, learningRate: value.learningRate });
  }
  if (typeof value === 'object' && value !== null && 'name' in value) return optimizerFromConfig(op, value);
  throw new NablaError('ERR_TYPE', `[${op}] the optimizer is a name or an object. Expected 'sgd', 'adam' or optimizers.sgd({ ... }), received ${show(value)}.`);
}

/** Builds an optimizer from plain data, checking all of it. @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
export function optimizerFromConfig(op: string, config: object): Optimizer {
  const { name, ...options } = { name: undefined, ...config };
  return optimizers[checkName(op, 'optimizer', name, optimizerNames)](options);
}

/**
 * The numbers that vary by step (stepScalarCount in src/backend/spec.ts).
 * @param optimizer settings @param rate the learning rate to use @param firstStep updates made before @param steps how many steps
 * @returns two numbers a step @throws ERR_RANGE for a rate function that returns no rate
 */
export function stepScalars(optimizer: OptimizerSpec, rate: LearningRate, firstStep: number, steps: number): Float64Array {
  const scalars = new Float64Array(2 * steps);
  if (optimizer.name === 'sgd' && typeof rate === 'number') {
    scalars[0] = rate;
    scalars[1] = 1;
    // Doubling what is there, by the engine's own copy.
    for (let done = 2; done < scalars.length; done *= 2) scalars.copyWithin(done, 0, done);
    return scalars;
  }
  for (let i = 0; i < steps; i++) {
    const learningRate = typeof rate === 'number' ? rate : checkReal('fit', 'the learning rate function\'s result', rate(firstStep + i), { minimum: 0 });
    switch (optimizer.name) {
      case 'sgd':
        scalars[2 * i] = learningRate;
        scalars[2 * i + 1] = 1;
        break;
      case 'adam': {
        const t = firstStep + i + 1;
        scalars[2 * i] = learningRate / (1 - power(optimizer.beta1, t));
        scalars[2 * i + 1] = 1 / Math.sqrt(1 - power(optimizer.beta2, t));
        break;
      }
    }
  }
  return scalars;
}
