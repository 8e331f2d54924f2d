// Schedules that fall along half a cosine wave, once or again and again.
import { NablaError } from '../../base/errors.js';
import { cosPi, power } from '../../math/powers.js';
import { makeSchedule, ScheduleOptions, type Schedule } from './schedule.js';

/** Options of {@link schedules.cosineDecay}. */
export interface CosineDecayOptions {
  readonly initialLearningRate: number;
  readonly decaySteps: number;
  readonly alpha?: number;
  readonly warmupTarget?: number;
  readonly warmupSteps?: number;
}
/** Options of {@link schedules.cosineDecayRestarts}. */
export interface CosineDecayRestartsOptions {
  readonly initialLearningRate: number;
  readonly firstDecaySteps: number;
  readonly tMul?: number;
  readonly mMul?: number;
  readonly alpha?: number;
}

const share = { minimum: 0, maximum: 1 };

/** @see schedules.cosineDecay */
export function cosineDecay(given: object): Schedule {
  const op = 'schedules.cosineDecay';
  const options = new ScheduleOptions(op, given, ['initialLearningRate', 'decaySteps', 'alpha', 'warmupTarget', 'warmupSteps']);
  const initialLearningRate = options.rate('initialLearningRate');
  const decaySteps = options.integer('decaySteps', 1);
  const alpha = options.real('alpha', share, 0);
  const warmupSteps = options.integer('warmupSteps', 0, 0);
  const warmupTarget = options.has('warmupTarget') ? options.rate('warmupTarget') : null;
  if (warmupSteps > 0 !== (warmupTarget !== null)) {
    throw new NablaError(
      'ERR_OPTION',
      `[${op}] a warm-up has steps and a rate it leads to. Expected both warmupSteps above 0 and warmupTarget, or neither, received warmupSteps ${warmupSteps} and warmupTarget ${warmupTarget ?? 'undefined'}.`,
    );
  }
  const top = warmupTarget ?? initialLearningRate;
  return makeSchedule({ name: 'cosineDecay', initialLearningRate, decaySteps, alpha, warmupSteps, warmupTarget }, (step) => {
    if (step < warmupSteps) return initialLearningRate + (top - initialLearningRate) * (step / warmupSteps);
    const done = Math.min(step - warmupSteps, decaySteps) / decaySteps;
    return top * ((1 - alpha) * 0.5 * (1 + cosPi(done)) + alpha);
  });
}

/** @see schedules.cosineDecayRestarts */
export function cosineDecayRestarts(given: object): Schedule {
  const options = new ScheduleOptions('schedules.cosineDecayRestarts', given, ['initialLearningRate', 'firstDecaySteps', 'tMul', 'mMul', 'alpha']);
  const initialLearningRate = options.rate('initialLearningRate');
  const firstDecaySteps = options.integer('firstDecaySteps', 1);
  const tMul = options.real('tMul', { minimum: 1 }, 2);
  const mMul = options.real('mMul', { minimum: 0 }, 1);
  const alpha = options.real('alpha', share, 0);
  return makeSchedule({ name: 'cosineDecayRestarts', initialLearningRate, firstDecaySteps, tMul, mMul, alpha }, (step) => {
    const { restarts, done } = placeInCycle(step, firstDecaySteps, tMul);
    return initialLearningRate * ((1 - alpha) * 0.5 * power(mMul, restarts) * (1 + cosPi(done)) + alpha);
  });
}

/** Which cycle a step belongs to and how much of it is done. Counted, not by logarithms: those miss the first step of a cycle by rounding. */
function placeInCycle(step: number, first: number, growth: number): { restarts: number; done: number } {
  if (growth === 1) return { restarts: Math.floor(step / first), done: (step % first) / first };
  let start = 0;
  let length = first;
  let restarts = 0;
  while (step >= start + length) {
    start += length;
    length *= growth;
    restarts += 1;
  }
  return { restarts, done: (step - start) / length };
}
