// Schedules that only fall: by steps, along a power, along a polynomial.
import { checkNumbers } from '../../base/checks.js';
import { NablaError } from '../../base/errors.js';
import { power, realPower } from '../../math/powers.js';
import { makeSchedule, ScheduleOptions, type Schedule } from './schedule.js';

/** Options of {@link schedules.stepDecay}: either `every` or `milestones`. */
export interface StepDecayOptions {
  readonly initialLearningRate: number;
  readonly every?: number;
  readonly milestones?: readonly number[];
  readonly factor?: number;
}
/** Options of {@link schedules.piecewiseConstant}. */
export interface PiecewiseConstantOptions {
  readonly boundaries: readonly number[];
  readonly values: readonly number[];
}
/** Options of {@link schedules.exponentialDecay}. */
export interface ExponentialDecayOptions {
  readonly initialLearningRate: number;
  readonly decaySteps: number;
  readonly decayRate: number;
  readonly staircase?: boolean;
}
/** Options of {@link schedules.polynomialDecay}. */
export interface PolynomialDecayOptions {
  readonly initialLearningRate: number;
  readonly decaySteps: number;
  readonly endLearningRate?: number;
  readonly power?: number;
  readonly cycle?: boolean;
}

const above0 = { minimum: 0, minimumOpen: true };

/** How many of a rising list are below `limit` (or equal to it, where `inclusive`). */
function countUpTo(list: readonly number[], limit: number, inclusive: boolean): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (inclusive ? list[middle] <= limit : list[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** @see schedules.stepDecay */
export function stepDecay(given: object): Schedule {
  const op = 'schedules.stepDecay';
  const options = new ScheduleOptions(op, given, ['initialLearningRate', 'every', 'milestones', 'factor']);
  const initialLearningRate = options.rate('initialLearningRate');
  const factor = options.real('factor', above0, 0.1);
  if (options.has('every') === options.has('milestones')) {
    throw new NablaError('ERR_OPTION', `[${op}] the rate falls every so many steps or at milestones. Expected either every or milestones, received ${options.has('every') ? 'both' : 'neither'}.`);
  }
  if (options.has('every')) {
    const every = options.integer('every', 1);
    return makeSchedule({ name: 'stepDecay', initialLearningRate, every, milestones: null, factor }, (step) => initialLearningRate * power(factor, Math.floor(step / every)));
  }
  const milestones = options.steps('milestones', false);
  return makeSchedule({ name: 'stepDecay', initialLearningRate, every: null, milestones, factor }, (step) => initialLearningRate * power(factor, countUpTo(milestones, step, true)));
}

/** @see schedules.piecewiseConstant */
export function piecewiseConstant(given: object): Schedule {
  const op = 'schedules.piecewiseConstant';
  const options = new ScheduleOptions(op, given, ['boundaries', 'values']);
  const boundaries = options.steps('boundaries', true);
  const values = Object.freeze(checkNumbers(op, 'values', options.get('values'), { minimum: 0 }));
  if (values.length !== boundaries.length + 1) {
    throw new NablaError('ERR_SHAPE', `[${op}] there is a rate before the first boundary and one after each. Expected ${boundaries.length + 1} values, received ${values.length}.`);
  }
  return makeSchedule({ name: 'piecewiseConstant', boundaries, values }, (step) => values[countUpTo(boundaries, step, false)]);
}

/** @see schedules.exponentialDecay */
export function exponentialDecay(given: object): Schedule {
  const options = new ScheduleOptions('schedules.exponentialDecay', given, ['initialLearningRate', 'decaySteps', 'decayRate', 'staircase']);
  const initialLearningRate = options.rate('initialLearningRate');
  const decaySteps = options.integer('decaySteps', 1);
  const decayRate = options.real('decayRate', above0);
  const staircase = options.flag('staircase');
  return makeSchedule({ name: 'exponentialDecay', initialLearningRate, decaySteps, decayRate, staircase }, (step) => {
    const decays = step / decaySteps;
    return initialLearningRate * realPower(decayRate, staircase ? Math.floor(decays) : decays);
  });
}

/** @see schedules.polynomialDecay */
export function polynomialDecay(given: object): Schedule {
  const options = new ScheduleOptions('schedules.polynomialDecay', given, ['initialLearningRate', 'decaySteps', 'endLearningRate', 'power', 'cycle']);
  const initialLearningRate = options.rate('initialLearningRate');
  const decaySteps = options.integer('decaySteps', 1);
  const endLearningRate = options.rate('endLearningRate', 0.0001);
  const exponent = options.real('power', above0, 1);
  const cycle = options.flag('cycle');
  return makeSchedule({ name: 'polynomialDecay', initialLearningRate, decaySteps, endLearningRate, power: exponent, cycle }, (step) => {
    // Each cycle stretches the decay to the next multiple of decaySteps; the first one also holds step 0.
    const length = cycle ? decaySteps * Math.max(1, Math.ceil(step / decaySteps)) : decaySteps;
    const left = 1 - Math.min(step, length) / length;
    return (initialLearningRate - endLearningRate) * realPower(left, exponent) + endLearningRate;
  });
}
