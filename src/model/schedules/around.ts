// Schedules around another one: a warm-up before it, epochs instead of steps.
import { checkInner, makeSchedule, ScheduleOptions, type Schedule } from './schedule.js';

/** Options of {@link schedules.warmup}. */
export interface WarmupOptions {
  readonly steps: number;
  readonly startFactor?: number;
}

type Rate = (step: number) => number;

/** @see schedules.warmup */
export function warmup(given: Schedule | number, settings: object): Schedule;
export function warmup(given: unknown, settings: object): Schedule | Rate;
export function warmup(given: unknown, settings: object): Schedule | Rate {
  const op = 'schedules.warmup';
  const { rateAt, config } = checkInner(op, given);
  const options = new ScheduleOptions(op, settings, ['steps', 'startFactor']);
  const steps = options.integer('steps', 1);
  const startFactor = options.has('startFactor') ? options.real('startFactor', { minimum: 0, maximum: 1 }) : null;
  const factorAt = startFactor === null ? (step: number) => (step + 1) / steps : (step: number) => startFactor + (1 - startFactor) * (step / steps);
  const rate: Rate = (step) => (step < steps ? rateAt(0) * factorAt(step) : rateAt(step - steps));
  return config === null ? rate : makeSchedule({ name: 'warmup', steps, startFactor, schedule: config }, rate);
}

/** @see schedules.perEpoch */
export function perEpoch(given: Schedule | number, settings: object): Schedule;
export function perEpoch(given: unknown, settings: object): Schedule | Rate;
export function perEpoch(given: unknown, settings: object): Schedule | Rate {
  const op = 'schedules.perEpoch';
  const { rateAt, config } = checkInner(op, given);
  const steps = new ScheduleOptions(op, settings, ['stepsPerEpoch']).integer('stepsPerEpoch', 1);
  const rate: Rate = (step) => rateAt(Math.floor(step / steps));
  return config === null ? rate : makeSchedule({ name: 'perEpoch', stepsPerEpoch: steps, schedule: config }, rate);
}
