import type { OptimizerSpec } from '../../backend/contract/spec.js';
import type { ScheduleConfig } from '../schedules/schedule.js';
import type { LbfgsSpec } from './lbfgs.js';
import type { LearningRate } from './learning-rate.js';

/** An optimizer: its learning rate, and its settings without it. */
export interface Optimizer {
  readonly learningRate: LearningRate;
  /** What a backend is built from; L-BFGS works outside of it. */
  readonly spec: OptimizerSpec | LbfgsSpec;
}
/** An optimizer whose learning rate is a number or a schedule, as plain data. */
export type OptimizerConfig = Optimizer['spec'] & { readonly learningRate: number | ScheduleConfig };
