// L. Smith, N. Topin, "Super-Convergence", 2017, as PyTorch's OneCycleLR computes it.
import { cosPi } from '../../math/powers.js';
import { makeSchedule, ScheduleOptions, type AnnealStrategy, type Schedule } from './schedule.js';

/** Options that the rate's and the momentum's cycle share. */
export interface CycleOptions {
  readonly totalSteps: number;
  readonly pctStart?: number;
  readonly annealStrategy?: AnnealStrategy;
  readonly threePhase?: boolean;
}
/** Options of {@link schedules.oneCycle}. */
export interface OneCycleOptions extends CycleOptions {
  readonly maxLearningRate: number;
  readonly divFactor?: number;
  readonly finalDivFactor?: number;
}
/** Options of {@link schedules.oneCycleMomentum}. */
export interface OneCycleMomentumOptions extends CycleOptions {
  readonly baseMomentum?: number;
  readonly maxMomentum?: number;
}

const cycleNames = ['totalSteps', 'pctStart', 'annealStrategy', 'threePhase'] as const;
const anneals: readonly [AnnealStrategy, AnnealStrategy] = ['cos', 'linear'];

/** Where a phase ends, which need not be a whole step, and the value reached there. */
interface Phase {
  readonly end: number;
  readonly to: number;
}

interface Cycle {
  readonly totalSteps: number;
  readonly pctStart: number;
  readonly annealStrategy: AnnealStrategy;
  readonly threePhase: boolean;
}

function checkCycle(options: ScheduleOptions): Cycle {
  const threePhase = options.flag('threePhase');
  return {
    totalSteps: options.integer('totalSteps', 2),
    // Rise and fall of three phases take pctStart each: more than half would leave nothing for the last one.
    pctStart: options.real('pctStart', { minimum: 0, maximum: threePhase ? 0.5 : 1 }, 0.3),
    annealStrategy: options.choice('annealStrategy', anneals),
    threePhase,
  };
}

/** Values by step: from `low` up to `high`, then down to `last`; three phases come back to `low` before. Stays at `last` after the end. */
function cycleOf({ totalSteps, pctStart, annealStrategy, threePhase }: Cycle, low: number, high: number, last: number): (step: number) => number {
  const end = totalSteps - 1;
  const phases: readonly Phase[] = threePhase
    ? [{ end: pctStart * totalSteps - 1, to: high }, { end: 2 * pctStart * totalSteps - 2, to: low }, { end, to: last }]
    : [{ end: pctStart * totalSteps - 1, to: high }, { end, to: last }];
  return (step) => {
    let from = { end: 0, to: low };
    for (const phase of phases) {
      if (step <= phase.end) return anneal(annealStrategy, from.to, phase.to, (step - from.end) / (phase.end - from.end));
      from = phase;
    }
    return last;
  };
}

/** @param done 0 to 1; NaN in a phase of no length, which is over at once */
function anneal(strategy: AnnealStrategy, from: number, to: number, done: number): number {
  if (Number.isNaN(done)) return to;
  return strategy === 'linear' ? from + (to - from) * done : to + ((from - to) / 2) * (1 + cosPi(done));
}

/** @see schedules.oneCycle */
export function oneCycle(given: object): Schedule {
  const options = new ScheduleOptions('schedules.oneCycle', given, ['maxLearningRate', 'divFactor', 'finalDivFactor', ...cycleNames]);
  const maxLearningRate = options.rate('maxLearningRate');
  const cycle = checkCycle(options);
  const divFactor = options.real('divFactor', { minimum: 1 }, 25);
  const finalDivFactor = options.real('finalDivFactor', { minimum: 1 }, 1e4);
  const initial = maxLearningRate / divFactor;
  return makeSchedule({ name: 'oneCycle', maxLearningRate, ...cycle, divFactor, finalDivFactor }, cycleOf(cycle, initial, maxLearningRate, initial / finalDivFactor));
}

/** @see schedules.oneCycleMomentum */
export function oneCycleMomentum(given: object): (step: number) => number {
  const options = new ScheduleOptions('schedules.oneCycleMomentum', given, ['baseMomentum', 'maxMomentum', ...cycleNames]);
  const cycle = checkCycle(options);
  const below1 = { minimum: 0, maximum: 1, maximumOpen: true };
  const maxMomentum = options.real('maxMomentum', below1, 0.95);
  const baseMomentum = options.real('baseMomentum', { minimum: 0, maximum: maxMomentum }, 0.85);
  return cycleOf(cycle, maxMomentum, baseMomentum, maxMomentum);
}
