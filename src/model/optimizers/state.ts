// What an optimizer has learned so far, as plain data: with it and the weights a training goes on as if it had never stopped.
import { slotNames, type ParameterShape } from '../../backend/contract/spec.js';
import type { DType, FloatArray } from '../../base/arrays.js';
import { checkInteger, checkOptions, checkReal } from '../../base/checks.js';
import { NablaError, show, showList } from '../../base/errors.js';
import { toParameter } from '../parameters/parameter-arrays.js';
import { memorySlotNames } from './lbfgs.js';
import type { Optimizer } from './optimizer.js';

/** State of a model's optimizer and where its training stands. */
export interface OptimizerState {
  /** Updates made so far: where schedules, bias corrections and dropout masks go on. */
  readonly step: number;
  /** Number of the epoch that follows the last finished one: the `initialEpoch` to go on with. */
  readonly nextEpoch: number;
  /** The learning rate where it is a number; null where it is a function of the step, which belongs to `compile`. */
  readonly learningRate: number | null;
  /** By name of the optimizer's arrays (for adam firstMoment and secondMoment), each one array a parameter, in the order of getWeights. */
  readonly slots: Readonly<Record<string, readonly FloatArray[]>>;
}

/** What a state has to fit. */
export interface StateRule {
  readonly op: string;
  readonly optimizer: Optimizer;
  readonly shapes: readonly ParameterShape[];
  /** Of the parameters. */
  readonly names: readonly string[];
  readonly dtype: DType;
  /** The arrays are fresh, finite, of the right type and length: they are taken as they are. */
  readonly owned?: boolean;
}

/** @param value anything @returns fresh arrays @throws ERR_TYPE, ERR_OPTION, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE */
export function checkOptimizerState({ op, optimizer, shapes, names, dtype, owned }: StateRule, value: unknown): OptimizerState {
  checkOptions(op, value, ['step', 'nextEpoch', 'learningRate', 'slots']);
  const given = { step: undefined, nextEpoch: undefined, learningRate: undefined, slots: undefined, ...(typeof value === 'object' ? value : {}) };
  const step = checkInteger(op, 'step', given.step, 0);
  const nextEpoch = checkInteger(op, 'nextEpoch', given.nextEpoch, 0);
  const learningRate = given.learningRate === null ? null : checkReal(op, 'learningRate', given.learningRate, { minimum: 0 });
  const slots: unknown = given.slots;
  if (typeof slots !== 'object' || slots === null || Array.isArray(slots)) {
    throw new NablaError('ERR_TYPE', `[${op}] arrays have names. Expected an object of lists of arrays for slots, received ${show(slots)}.`);
  }
  const received = Object.keys(slots);
  const { spec } = optimizer;
  const wanted = spec.name === 'lbfgs' ? memorySlotNames(Math.min(spec.historySize, Math.ceil(received.length / 2))) : slotNames(spec);
  if (received.length !== wanted.length || !wanted.every((name) => received.includes(name))) {
    const list = (items: readonly string[]): string => (items.length === 0 ? 'none' : showList(items));
    throw new NablaError('ERR_OPTION', `[${op}] the state is one of this optimizer. Expected ${list(wanted)} (${spec.name}) for slots, received ${list(received)}.`);
  }
  const checked = wanted.map((name) => {
    const arrays: unknown = Reflect.get(slots, name);
    if (!Array.isArray(arrays) || arrays.length !== shapes.length) {
      throw new NablaError('ERR_SHAPE', `[${op}] a slot has one array a parameter. Expected ${shapes.length} arrays for slots.${name}, received ${show(arrays)}.`);
    }
    const items: readonly unknown[] = arrays;
    return [name, shapes.map(({ shape }, i) => {
      const item = items[i];
      if (owned === true && (item instanceof Float32Array || item instanceof Float64Array)) return item;
      return toParameter(op, `slots.${name} of ${names[i]}`, item, shape, dtype);
    })] as const;
  });
  return { step, nextEpoch, learningRate, slots: Object.fromEntries(checked) };
}
