import { optimizerOps, type Settings } from '../../backend/contract/ops.js';
import { readSettings } from '../../backend/contract/settings.js';
import { STEP_NUMBERS, stepNumbers, type OptimizerSpec } from '../../backend/contract/spec.js';
import { checkName, checkOptions, checkReal } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';
import { power } from '../../math/powers.js';
import { checkClipping, clippingNames, type ClippingOptions } from './clipping.js';
import { lbfgsSpec, type LbfgsOptions } from './lbfgs.js';
import { checkLearningRate, type LearningRate } from './learning-rate.js';
import { momentumAt, momentumProduct } from './nadam-momentum.js';
import type { Optimizer } from './optimizer.js';

/** Options of {@link optimizers.sgd}. */
export interface SgdOptions extends ClippingOptions {
  readonly learningRate?: LearningRate;
  readonly momentum?: number;
  readonly nesterov?: boolean;
  readonly weightDecay?: number;
}
/** Options of {@link optimizers.adam}. */
export interface AdamOptions extends ClippingOptions {
  readonly learningRate?: LearningRate;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly amsgrad?: boolean;
  readonly weightDecay?: number;
}
/** Options of {@link optimizers.rmsprop}. */
export interface RmspropOptions extends ClippingOptions {
  readonly learningRate?: LearningRate;
  readonly rho?: number;
  readonly momentum?: number;
  readonly epsilon?: number;
  readonly centered?: boolean;
}
/** Options of {@link optimizers.adagrad}. */
export interface AdagradOptions extends ClippingOptions {
  readonly learningRate?: LearningRate;
  readonly initialAccumulatorValue?: number;
  readonly epsilon?: number;
}
/** Options of {@link optimizers.adadelta}. */
export interface AdadeltaOptions extends ClippingOptions {
  readonly learningRate?: LearningRate;
  readonly rho?: number;
  readonly epsilon?: number;
}
/** Options of {@link optimizers.adamax}. */
export interface AdamaxOptions extends ClippingOptions {
  readonly learningRate?: LearningRate;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
}
/** Options of {@link optimizers.lion}. */
export interface LionOptions extends ClippingOptions {
  readonly learningRate?: LearningRate;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly weightDecay?: number;
}

/** Options of {@link optimizers.nadam}. */
export interface NadamOptions extends ClippingOptions {
  readonly learningRate?: LearningRate;
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  readonly momentumDecay?: number;
  readonly weightDecay?: number;
}

const optimizerNames = ['sgd', 'adam', 'adamW', 'rmsprop', 'adagrad', 'adadelta', 'adamax', 'lion', 'nadam', 'lbfgs'] as const;
/** Name of an optimizer with all its defaults. */
export type OptimizerName = (typeof optimizerNames)[number];

/** What a rule's options may be. */
function optionNames({ settings }: { readonly settings: Settings }): readonly string[] {
  return ['learningRate', ...Object.keys(settings), ...clippingNames];
}

function adam(op: string, options: AdamOptions, decay: number): Optimizer {
  checkOptions(op, options, optionNames(optimizerOps.adam));
  return Object.freeze({
    learningRate: checkLearningRate(op, options.learningRate ?? 0.001),
    spec: Object.freeze({ name: 'adam', ...readSettings(op, optimizerOps.adam.settings, { ...options, weightDecay: options.weightDecay ?? decay }), ...checkClipping(op, options) }),
  });
}

/** Update rules; formulas in docs/numerics.md, PyTorch's arithmetic. All of them take {@link ClippingOptions} too. */
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
    checkOptions(op, options, optionNames(optimizerOps.sgd));
    const settings = readSettings(op, optimizerOps.sgd.settings, options);
    if (settings.nesterov && settings.momentum === 0) {
      throw new NablaError('ERR_OPTION', `[${op}] nesterov needs momentum. Expected a momentum above 0, received 0.`);
    }
    return Object.freeze({
      learningRate: checkLearningRate(op, options.learningRate ?? 0.01),
      spec: Object.freeze({ name: 'sgd', ...settings, ...checkClipping(op, options) }),
    });
  },
  /**
   * Adam (D. Kingma, J. Ba 2014): weight -= learningRate·m̂/(√v̂ + epsilon), m̂ and v̂ bias-corrected.
   * @param options `learningRate` default 0.001, a schedule or a function of the step; `beta1` default 0.9; `beta2` default 0.999; `epsilon` default 1e-8
   * (PyTorch's; Keras has 1e-7), added after the root of the bias-corrected second moment; `amsgrad` default false: the largest v so far instead of v
   * (S. Reddi et al. 2018); `weightDecay` 0 or more, default 0, decoupled (see adamW)
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   * @example model.compile({ optimizer: optimizers.adam({ learningRate: 0.002 }), loss: 'meanSquaredError' })
   */
  adam(options: AdamOptions = {}): Optimizer {
    return adam('optimizers.adam', options, 0);
  },
  /**
   * AdamW (I. Loshchilov, F. Hutter 2019): Adam whose weight decay is apart from the gradient: first weight -= learningRate·weightDecay·weight, biases too (PyTorch).
   * @param options as adam; `weightDecay` default 0.01 (PyTorch; Keras has 0.004)
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   * @example model.compile({ optimizer: optimizers.adamW({ weightDecay: 0.05 }), loss: 'meanSquaredError' })
   */
  adamW(options: AdamOptions = {}): Optimizer {
    return adam('optimizers.adamW', options, 0.01);
  },
  /**
   * RMSprop (T. Hinton 2012): v = rho·v + (1-rho)·g², weight -= learningRate·g/(√v + epsilon); centered: v less the square of the running mean of g
   * (A. Graves 2013); with momentum b = momentum·b + g/(√v + epsilon), weight -= learningRate·b.
   * @param options `learningRate` default 0.001; `rho` default 0.9 (Keras; PyTorch's alpha is 0.99); `momentum` 0 to 1, default 0; `epsilon` default 1e-7, outside the
   * root (PyTorch); `centered` default false
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   */
  rmsprop(options: RmspropOptions = {}): Optimizer {
    const op = 'optimizers.rmsprop';
    checkOptions(op, options, optionNames(optimizerOps.rmsprop));
    return Object.freeze({
      learningRate: checkLearningRate(op, options.learningRate ?? 0.001),
      spec: Object.freeze({ name: 'rmsprop', ...readSettings(op, optimizerOps.rmsprop.settings, options), ...checkClipping(op, options) }),
    });
  },
  /**
   * Adagrad (J. Duchi et al. 2011): s += g², weight -= learningRate·g/(√s + epsilon).
   * @param options `learningRate` default 0.01 (PyTorch; Keras has 0.001); `initialAccumulatorValue` of s, default 0 (PyTorch; Keras has 0.1); `epsilon` default 1e-10
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   */
  adagrad(options: AdagradOptions = {}): Optimizer {
    const op = 'optimizers.adagrad';
    checkOptions(op, options, optionNames(optimizerOps.adagrad));
    return Object.freeze({
      learningRate: checkLearningRate(op, options.learningRate ?? 0.01),
      spec: Object.freeze({ name: 'adagrad', ...readSettings(op, optimizerOps.adagrad.settings, options), ...checkClipping(op, options) }),
    });
  },
  /**
   * Adadelta (M. Zeiler 2012): v = rho·v + (1-rho)·g², d = √(u + epsilon)/√(v + epsilon)·g, u = rho·u + (1-rho)·d², weight -= learningRate·d.
   * @param options `learningRate` default 1 (the paper's; Keras has 0.001); `rho` default 0.9; `epsilon` default 1e-6
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   */
  adadelta(options: AdadeltaOptions = {}): Optimizer {
    const op = 'optimizers.adadelta';
    checkOptions(op, options, optionNames(optimizerOps.adadelta));
    return Object.freeze({
      learningRate: checkLearningRate(op, options.learningRate ?? 1),
      spec: Object.freeze({ name: 'adadelta', ...readSettings(op, optimizerOps.adadelta.settings, options), ...checkClipping(op, options) }),
    });
  },
  /**
   * Adamax (D. Kingma, J. Ba 2014, section 7.1): m as in Adam, u = max(beta2·u, |g|), weight -= learningRate/(1-beta1^t)·m/(u + epsilon).
   * @param options `learningRate` default 0.001 (Keras; PyTorch has 0.002); `beta1` default 0.9; `beta2` default 0.999; `epsilon` default 1e-7
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   */
  adamax(options: AdamaxOptions = {}): Optimizer {
    const op = 'optimizers.adamax';
    checkOptions(op, options, optionNames(optimizerOps.adamax));
    return Object.freeze({
      learningRate: checkLearningRate(op, options.learningRate ?? 0.001),
      spec: Object.freeze({ name: 'adamax', ...readSettings(op, optimizerOps.adamax.settings, options), ...checkClipping(op, options) }),
    });
  },
  /**
   * Lion (X. Chen et al. 2023): weight -= learningRate·(sign(beta1·m + (1-beta1)·g) + weightDecay·weight), then m = beta2·m + (1-beta2)·g.
   * @param options `learningRate` default 0.0001; `beta1` default 0.9; `beta2` default 0.99; `weightDecay` 0 or more, default 0, decoupled
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   */
  lion(options: LionOptions = {}): Optimizer {
    const op = 'optimizers.lion';
    checkOptions(op, options, optionNames(optimizerOps.lion));
    return Object.freeze({
      learningRate: checkLearningRate(op, options.learningRate ?? 0.0001),
      spec: Object.freeze({ name: 'lion', ...readSettings(op, optimizerOps.lion.settings, options), ...checkClipping(op, options) }),
    });
  },
  /**
   * NAdam (T. Dozat 2016): Adam with Nesterov's momentum, µ_t = beta1·(1 - 0.96^(t·momentumDecay)/2):
   * weight -= learningRate·((1-µ_t)/(1-µ_1·…·µ_t)·g + µ_(t+1)/(1-µ_1·…·µ_(t+1))·m)/(√v̂ + epsilon).
   * @param options `learningRate` default 0.002 (PyTorch; Keras has 0.001); `beta1` default 0.9; `beta2` default 0.999; `epsilon` default 1e-8 (PyTorch; Keras has 1e-7);
   * `momentumDecay` 0 or more, default 0.004; `weightDecay` 0 or more, default 0, decoupled (PyTorch's decoupled_weight_decay)
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   * @example model.compile({ optimizer: optimizers.nadam({ learningRate: 0.001 }), loss: 'meanSquaredError' })
   */
  nadam(options: NadamOptions = {}): Optimizer {
    const op = 'optimizers.nadam';
    checkOptions(op, options, optionNames(optimizerOps.nadam));
    return Object.freeze({
      learningRate: checkLearningRate(op, options.learningRate ?? 0.002),
      spec: Object.freeze({ name: 'nadam', ...readSettings(op, optimizerOps.nadam.settings, options), ...checkClipping(op, options) }),
    });
  },
  /**
   * L-BFGS (D. Liu, J. Nocedal 1989) with a line search for the strong Wolfe conditions: weight += t·d, d = -H·g, H from the last `historySize` moves.
   * Every step looks at all rows: an epoch is `maxIterations` iterations, `batchSize` is left out, `fit` ends early where it has converged (`converged` in
   * its history). Not with dropout.
   * @param options `learningRate` default 1, the first length tried (in the very first iteration at most 1/Σ|g|); `maxIterations` an epoch, default 1 (a call of
   * PyTorch's step has up to 20); `historySize` default 10 (SciPy's; PyTorch has 100), 2·historySize arrays like the weights are kept; `toleranceGradient`
   * default 1e-7: converged where max|g| is no larger; `toleranceChange` default 1e-9: where loss, weights or g·d change by no more (both PyTorch's)
   * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE
   * @example model.compile({ optimizer: optimizers.lbfgs(), loss: 'meanSquaredError' }); await model.fit(x, y, { epochs: 200 });
   */
  lbfgs(options: LbfgsOptions = {}): Optimizer {
    const op = 'optimizers.lbfgs';
    const spec = lbfgsSpec(op, options);
    return Object.freeze({ learningRate: checkLearningRate(op, options.learningRate ?? 1), spec });
  },
} as const;

/** @param value what `compile` was given @throws ERR_OPTION, ERR_TYPE */
export function checkOptimizer(op: string, value: unknown): Optimizer {
  if (typeof value === 'string') return optimizers[checkName(op, 'optimizer', value, optimizerNames)]();
  if (typeof value === 'object' && value !== null && 'spec' in value && 'learningRate' in value && typeof value.spec === 'object' && value.spec !== null) {
    return optimizerFromConfig(op, { ...value.spec, learningRate: value.learningRate });
  }
  if (typeof value === 'object' && value !== null && 'name' in value) return optimizerFromConfig(op, value);
  throw new NablaError('ERR_TYPE', `[${op}] the optimizer is a name or an object. Expected one of ${optimizerNames.join(', ')} or optimizers.sgd({ ... }), received ${show(value)}.`);
}

/** Builds an optimizer from plain data, checking all of it. @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
export function optimizerFromConfig(op: string, config: object): Optimizer {
  const { name, ...options } = { name: undefined, ...config };
  return optimizers[checkName(op, 'optimizer', name, optimizerNames)](options);
}

/**
 * The numbers that vary by step (stepNumbers in src/backend/contract/spec.ts).
 * @param optimizer settings @param rate the learning rate to use @param firstStep updates made before @param steps how many steps
 * @returns STEP_NUMBERS numbers a step, or once where all steps have the same @throws ERR_RANGE for a rate function that returns no rate
 */
export function stepScalars(optimizer: Optimizer['spec'], rate: LearningRate, firstStep: number, steps: number): Float64Array {
  if (optimizer.name === 'lbfgs') throw new NablaError('ERR_INTERNAL', '[fit] lbfgs has no step scalars. Expected another optimizer, received lbfgs.');
  const corrected = optimizer.name === 'adam' || optimizer.name === 'adamax' || optimizer.name === 'nadam';
  const count = !corrected && typeof rate === 'number' ? 1 : steps;
  const scalars = new Float64Array(STEP_NUMBERS * count);
  for (let i = 0; i < count; i++) {
    const learningRate = typeof rate === 'number' ? rate : checkReal('fit', 'the learning rate function\'s result', rate(firstStep + i), { minimum: 0 });
    fillStep(scalars, STEP_NUMBERS * i, optimizer, learningRate, firstStep + i + 1);
  }
  return scalars;
}

/** Of update t, from 1, into scalars from `at` on. */
function fillStep(scalars: Float64Array, at: number, optimizer: OptimizerSpec, learningRate: number, t: number): void {
  scalars[at + stepNumbers.rate] = learningRate;
  scalars[at + stepNumbers.dampening] = 1;
  scalars[at + stepNumbers.correction] = 1;
  switch (optimizer.name) {
    case 'adam':
      scalars[at + stepNumbers.rate] = learningRate / (1 - power(optimizer.beta1, t));
      scalars[at + stepNumbers.correction] = 1 / Math.sqrt(1 - power(optimizer.beta2, t));
      scalars[at + stepNumbers.decay] = learningRate * optimizer.weightDecay;
      return;
    case 'adamax':
      scalars[at + stepNumbers.rate] = learningRate / (1 - power(optimizer.beta1, t));
      return;
    case 'lion':
      scalars[at + stepNumbers.decay] = learningRate * optimizer.weightDecay;
      return;
    case 'nadam': {
      const { beta1, beta2, momentumDecay, weightDecay } = optimizer;
      const product = momentumProduct(optimizer, t);
      const [now, next] = [momentumAt(beta1, momentumDecay, t), momentumAt(beta1, momentumDecay, t + 1)];
      scalars[at + stepNumbers.rate] = (learningRate * (1 - now)) / (1 - product);
      scalars[at + stepNumbers.correction] = 1 / Math.sqrt(1 - power(beta2, t));
      scalars[at + stepNumbers.momentumRate] = (learningRate * next) / (1 - product * next);
      scalars[at + stepNumbers.decay] = learningRate * weightDecay;
      return;
    }
    case 'sgd':
    case 'rmsprop':
    case 'adagrad':
    case 'adadelta':
      return;
  }
}
