import { checkName, checkReal } from '../../base/checks.js';
import { perEpoch, warmup, type WarmupOptions } from './around.js';
import { cosineDecay, cosineDecayRestarts, type CosineDecayOptions, type CosineDecayRestartsOptions } from './cosine.js';
import { exponentialDecay, piecewiseConstant, polynomialDecay, stepDecay, type ExponentialDecayOptions, type PiecewiseConstantOptions, type PolynomialDecayOptions, type StepDecayOptions } from './decay.js';
import { oneCycle, oneCycleMomentum, type OneCycleMomentumOptions, type OneCycleOptions } from './one-cycle.js';
import { checkDepth, type Schedule } from './schedule.js';

function warmupBefore(schedule: Schedule | number, options: WarmupOptions): Schedule;
function warmupBefore(schedule: (step: number) => number, options: WarmupOptions): (step: number) => number;
function warmupBefore(schedule: unknown, options: WarmupOptions): Schedule | ((step: number) => number) {
  return warmup(schedule, options);
}
function countEpochs(schedule: Schedule | number, stepsPerEpoch: number): Schedule;
function countEpochs(schedule: (step: number) => number, stepsPerEpoch: number): (step: number) => number;
function countEpochs(schedule: unknown, stepsPerEpoch: number): Schedule | ((step: number) => number) {
  return perEpoch(schedule, { stepsPerEpoch });
}

/**
 * Learning rates that change while a model learns: functions of the step, the number of updates made so far (from 0). Each carries its settings as
 * `config`, so that a compiled model can be saved. Rates are numbers from 0, steps whole numbers; all that is wrong throws ERR_OPTION, ERR_TYPE,
 * ERR_RANGE or ERR_SHAPE when the schedule is made. Shapes and whose definitions: docs/schedules.md.
 * @example
 * const learningRate = schedules.warmup(schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 900 }), { steps: 100 });
 * model.compile({ optimizer: optimizers.sgd({ learningRate }), loss: 'meanSquaredError' });
 */
export const schedules = {
  /**
   * initialLearningRate·factor^n, n = floor(step / every), or the number of milestones up to the step (PyTorch's StepLR and MultiStepLR).
   * @param options `initialLearningRate`; `every` so many steps, from 1, or `milestones`, steps that never fall (one listed twice counts twice);
   * `factor` above 0, default 0.1
   */
  stepDecay: (options: StepDecayOptions): Schedule => stepDecay(options),
  /**
   * values[n], n = number of boundaries below the step: a boundary itself still has the old rate (Keras).
   * @param options `boundaries` rising steps; `values` one rate more than boundaries
   */
  piecewiseConstant: (options: PiecewiseConstantOptions): Schedule => piecewiseConstant(options),
  /**
   * initialLearningRate·decayRate^(step / decaySteps) (Keras); decaySteps 1 is PyTorch's ExponentialLR with gamma = decayRate.
   * @param options `initialLearningRate`; `decaySteps` from 1; `decayRate` above 0; `staircase` rounds the exponent down, default false
   */
  exponentialDecay: (options: ExponentialDecayOptions): Schedule => exponentialDecay(options),
  /**
   * (initialLearningRate - endLearningRate)·(1 - step/decaySteps)^power + endLearningRate, constant after decaySteps (Keras).
   * @param options `initialLearningRate`; `decaySteps` from 1; `endLearningRate` default 0.0001; `power` above 0, default 1; `cycle` stretches
   * decaySteps to its next multiple instead of ending, default false
   */
  polynomialDecay: (options: PolynomialDecayOptions): Schedule => polynomialDecay(options),
  /**
   * top·((1 - alpha)·(1 + cos(π·t/decaySteps))/2 + alpha), constant after decaySteps; t counts from the end of the warm-up, which goes straight from
   * initialLearningRate to top (Keras). PyTorch's CosineAnnealingLR up to T_max, with alpha = eta_min / initialLearningRate.
   * @param options `initialLearningRate`; `decaySteps` from 1, without the warm-up; `alpha` share of top that is left at the end, 0 to 1, default 0;
   * `warmupSteps` default 0 and `warmupTarget`, the top; without them top is initialLearningRate
   */
  cosineDecay: (options: CosineDecayOptions): Schedule => cosineDecay(options),
  /**
   * Cosine decay that starts again (I. Loshchilov, F. Hutter 2016, SGDR): cycle n is firstDecaySteps·tMul^n long and falls from the top, mMul^n of the
   * first (Keras). PyTorch's CosineAnnealingWarmRestarts with tMul = T_mult, alpha = eta_min / initialLearningRate.
   * @param options `initialLearningRate`; `firstDecaySteps` from 1; `tMul` from 1, default 2; `mMul` from 0, default 1; `alpha` 0 to 1, default 0
   */
  cosineDecayRestarts: (options: CosineDecayRestartsOptions): Schedule => cosineDecayRestarts(options),
  /**
   * Up from maxLearningRate/divFactor to maxLearningRate, then down to maxLearningRate/divFactor/finalDivFactor (L. Smith, N. Topin 2017; PyTorch's
   * OneCycleLR). After totalSteps the last rate stays.
   * @param options `maxLearningRate`; `totalSteps` from 2; `pctStart` share of the steps that rise, 0 to 1, default 0.3; `annealStrategy` 'cos' (default)
   * or 'linear'; `divFactor` from 1, default 25; `finalDivFactor` from 1, default 10000; `threePhase` falls as long as it rose, back to where it started,
   * and only then to the end, default false; pctStart is up to 0.5 then
   */
  oneCycle: (options: OneCycleOptions): Schedule => oneCycle(options),
  /**
   * The momentum that goes with {@link schedules.oneCycle}: down from maxMomentum to baseMomentum while the rate rises, and back. Only a function of
   * the step: optimizers keep the momentum they were made with.
   * @param options `baseMomentum` default 0.85; `maxMomentum` below 1, default 0.95; `totalSteps`, `pctStart`, `annealStrategy`, `threePhase` as there
   */
  oneCycleMomentum: (options: OneCycleMomentumOptions): ((step: number) => number) => oneCycleMomentum(options),
  /**
   * For the first `steps` steps the schedule's first rate times a factor that rises linearly, then the schedule from its step 0.
   * @param schedule a schedule, a number, or a function (then the result is a plain function, which no file can hold)
   * @param options `steps` from 1; `startFactor` 0 to 1: the factor is startFactor + (1 - startFactor)·step/steps (PyTorch's LinearLR). Left out: it is
   * (step + 1)/steps, so that the first update moves and the last one of the warm-up has the full rate
   */
  warmup: warmupBefore,
  /**
   * The same schedule, counted in epochs: schedule(floor(step / stepsPerEpoch)).
   * @param schedule as for warmup @param stepsPerEpoch updates in an epoch, ceil(rows / batchSize), from 1
   */
  perEpoch: countEpochs,
} as const;

/** Those that stand alone, by name. */
const alone = { stepDecay, piecewiseConstant, exponentialDecay, polynomialDecay, cosineDecay, cosineDecayRestarts, oneCycle } as const;
const scheduleNames = ['stepDecay', 'piecewiseConstant', 'exponentialDecay', 'polynomialDecay', 'cosineDecay', 'cosineDecayRestarts', 'oneCycle', 'warmup', 'perEpoch'] as const;

/** Builds a schedule from plain data, checking all of it. @param config as {@link Schedule.config} @throws ERR_OPTION, ERR_TYPE, ERR_RANGE, ERR_SHAPE */
export function scheduleFromConfig(op: string, config: object): Schedule {
  checkDepth(op, config);
  const { name: given, ...options } = { name: undefined, ...config };
  const name = checkName(op, 'schedule', given, scheduleNames);
  if (name !== 'warmup' && name !== 'perEpoch') return alone[name](options);
  const { schedule, ...rest } = { schedule: undefined, ...options };
  const inner = typeof schedule === 'object' && schedule !== null ? scheduleFromConfig(op, schedule) : checkReal(op, 'schedule', schedule, { minimum: 0 });
  return name === 'warmup' ? warmup(inner, rest) : perEpoch(inner, rest);
}
