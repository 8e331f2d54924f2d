// What a learning-rate schedule is: a function of the step that knows its own settings.
import { checkBoolean, checkInteger, checkName, checkOptions, checkReal, itemsOf, type RealRange } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';

/** How a one-cycle schedule goes from one rate to the next: half a cosine wave, or a straight line. */
export type AnnealStrategy = 'cos' | 'linear';

/** A schedule as plain data, every option filled in: what a model file holds. */
export type ScheduleConfig =
  | { readonly name: 'stepDecay'; readonly initialLearningRate: number; readonly every: number | null; readonly milestones: readonly number[] | null; readonly factor: number }
  | { readonly name: 'piecewiseConstant'; readonly boundaries: readonly number[]; readonly values: readonly number[] }
  | { readonly name: 'exponentialDecay'; readonly initialLearningRate: number; readonly decaySteps: number; readonly decayRate: number; readonly staircase: boolean }
  | {
      readonly name: 'polynomialDecay';
      readonly initialLearningRate: number; readonly decaySteps: number; readonly endLearningRate: number; readonly power: number; readonly cycle: boolean;
    }
  | {
      readonly name: 'cosineDecay';
      readonly initialLearningRate: number; readonly decaySteps: number; readonly alpha: number; readonly warmupSteps: number; readonly warmupTarget: number | null;
    }
  | {
      readonly name: 'cosineDecayRestarts';
      readonly initialLearningRate: number; readonly firstDecaySteps: number; readonly tMul: number; readonly mMul: number; readonly alpha: number;
    }
  | {
      readonly name: 'oneCycle';
      readonly maxLearningRate: number; readonly totalSteps: number; readonly pctStart: number; readonly annealStrategy: AnnealStrategy;
      readonly divFactor: number; readonly finalDivFactor: number; readonly threePhase: boolean;
    }
  | { readonly name: 'warmup'; readonly steps: number; readonly startFactor: number | null; readonly schedule: ScheduleConfig | number }
  | { readonly name: 'perEpoch'; readonly stepsPerEpoch: number; readonly schedule: ScheduleConfig | number };

/** A learning rate by step: call it with the number of updates made so far, from 0. Made by {@link schedules}. */
export interface Schedule {
  (step: number): number;
  /** Its settings; a model file stores them. */
  readonly config: ScheduleConfig;
}

/** How many schedules may stand inside one another: what comes from a file must not exhaust the stack. */
const DEEPEST = 8;
const made = new WeakSet<object>();

/** Makes a schedule. @param config complete settings @param rateAt the rate of a step that was checked */
export function makeSchedule(config: ScheduleConfig, rateAt: (step: number) => number): Schedule {
  const op = `schedules.${config.name}`;
  checkDepth(op, config);
  const rate = (step: number): number => rateAt(checkInteger(op, 'step', step, 0));
  const schedule: Schedule = Object.freeze(Object.assign(rate, { config: Object.freeze(config) }));
  made.add(schedule);
  return schedule;
}

/** True for what {@link makeSchedule} made: a function of somebody else's may have a member named config too. */
export function isSchedule(value: unknown): value is Schedule {
  return typeof value === 'function' && made.has(value);
}

/** @throws ERR_RANGE where schedules stand too deep inside one another */
export function checkDepth(op: string, config: object): void {
  let inner: unknown = config;
  for (let depth = 0; typeof inner === 'object' && inner !== null; depth++) {
    if (depth === DEEPEST) {
      throw new NablaError('ERR_RANGE', `[${op}] schedules stand inside one another only so deep. Expected up to ${DEEPEST} for schedule, received more.`);
    }
    inner = Reflect.get(inner, 'schedule');
  }
}

/** The schedule inside another one. `config` is null for a plain function, which no file can hold. */
export interface Inner {
  readonly rateAt: (step: number) => number;
  readonly config: ScheduleConfig | number | null;
}

/** @param value a schedule, a rate, or a function of the step @throws ERR_TYPE, ERR_RANGE */
export function checkInner(op: string, value: unknown): Inner {
  if (isSchedule(value)) return { rateAt: value, config: value.config };
  if (isFunction(value)) return { rateAt: (step) => checkReal(op, 'the schedule\'s result', value(step), { minimum: 0 }), config: null };
  if (typeof value !== 'number') {
    throw new NablaError('ERR_TYPE', `[${op}] a schedule gives the rate of a step. Expected an object of schedules, a function or a number for schedule, received ${show(value)}.`);
  }
  const rate = checkReal(op, 'schedule', value, { minimum: 0 });
  return { rateAt: () => rate, config: rate };
}
function isFunction(value: unknown): value is (step: number) => unknown {
  return typeof value === 'function';
}

/** Options nobody has checked yet, from a caller or from a file; null counts as left out. Each method throws ERR_TYPE or ERR_RANGE. */
export class ScheduleOptions {
  readonly #op: string;
  readonly #options: object;

  /** @throws ERR_TYPE, ERR_OPTION for an unknown one */
  constructor(op: string, options: object, known: readonly string[]) {
    checkOptions(op, options, known);
    this.#op = op;
    this.#options = options;
  }

  get(name: string): unknown {
    const value: unknown = Reflect.get(this.#options, name);
    return value ?? undefined;
  }
  has(name: string): boolean {
    return this.get(name) !== undefined;
  }
  real(name: string, range: RealRange, fallback?: number): number {
    return checkReal(this.#op, name, this.get(name) ?? fallback, range);
  }
  /** A learning rate, from 0. */
  rate(name: string, fallback?: number): number {
    return this.real(name, { minimum: 0 }, fallback);
  }
  integer(name: string, minimum: number, fallback?: number): number {
    return checkInteger(this.#op, name, this.get(name) ?? fallback, minimum);
  }
  flag(name: string): boolean {
    return checkBoolean(this.#op, name, this.get(name) ?? false);
  }
  choice<Name extends string>(name: string, names: readonly [Name, ...Name[]]): Name {
    return checkName(this.#op, name, this.get(name) ?? names[0], names);
  }
  /** Whole numbers from 0 that do not fall. @param strictly each larger than the one before */
  steps(name: string, strictly: boolean): readonly number[] {
    const given = this.get(name);
    if (!Array.isArray(given)) {
      throw new NablaError('ERR_TYPE', `[${this.#op}] ${name} lists steps. Expected an array of whole numbers for ${name}, received ${show(given)}.`);
    }
    const list = itemsOf(given).map((step, i) => checkInteger(this.#op, `${name}[${i}]`, step, 0));
    for (let i = 1; i < list.length; i++) {
      if (list[i] < list[i - 1] || (strictly && list[i] === list[i - 1])) {
        throw new NablaError('ERR_RANGE', `[${this.#op}] steps ${strictly ? 'rise' : 'never fall'}. Expected ${strictly ? 'more than' : 'at least'} ${list[i - 1]} for ${name}[${i}], received ${list[i]}.`);
      }
    }
    return Object.freeze(list);
  }
}
