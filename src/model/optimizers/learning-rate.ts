// A learning rate: what is taken, and what files hold of it.
import { checkReal } from '../../base/checks.js';
import { scheduleFromConfig } from '../schedules/index.js';
import { isSchedule, type ScheduleConfig } from '../schedules/schedule.js';

/** A learning rate: a number from 0, a schedule of {@link schedules}, or any function from the number of updates made so far (from 0) to a rate. */
export type LearningRate = number | ((step: number) => number);

/** @throws ERR_TYPE, ERR_RANGE, ERR_OPTION */
export function checkLearningRate(op: string, value: unknown): LearningRate {
  // Any function is taken; what it returns is checked at each step.
  if (isRateFunction(value)) return value;
  if (typeof value === 'object' && value !== null) return scheduleFromConfig(op, value);
  return checkReal(op, 'learningRate', value, { minimum: 0 });
}
function isRateFunction(value: unknown): value is (step: number) => number {
  return typeof value === 'function';
}

/** A learning rate as plain data. @returns null for a function that is no schedule of ours */
export function learningRateConfig(rate: LearningRate): number | ScheduleConfig | null {
  if (typeof rate === 'number') return rate;
  return isSchedule(rate) ? rate.config : null;
}
