// L-BFGS as an optimizer of compile: its options, its state as arrays.
import type { FloatArray } from '../../base/arrays.js';
import { checkInteger, checkOptions, checkReal } from '../../base/checks.js';
import { NablaError } from '../../base/errors.js';
import { runSync } from '../../base/sync-async.js';
import { LbfgsMemory, type LbfgsSettings } from '../../train/lbfgs.js';
import type { LearningRate } from './learning-rate.js';

/** Options of `optimizers.lbfgs`. */
export interface LbfgsOptions {
  readonly learningRate?: LearningRate;
  readonly maxIterations?: number;
  readonly historySize?: number;
  readonly toleranceGradient?: number;
  readonly toleranceChange?: number;
}

/** L-BFGS as plain data. */
export type LbfgsSpec = LbfgsSettings & { readonly name: 'lbfgs' };

/** Checks all options but the learning rate. @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
export function lbfgsSpec(op: string, options: LbfgsOptions): LbfgsSpec {
  checkOptions(op, options, ['learningRate', 'maxIterations', 'historySize', 'toleranceGradient', 'toleranceChange']);
  return Object.freeze({
    name: 'lbfgs',
    maxIterations: checkInteger(op, 'maxIterations', options.maxIterations ?? 1, 1),
    historySize: checkInteger(op, 'historySize', options.historySize ?? 10, 1),
    toleranceGradient: checkReal(op, 'toleranceGradient', options.toleranceGradient ?? 1e-7, { minimum: 0 }),
    toleranceChange: checkReal(op, 'toleranceChange', options.toleranceChange ?? 1e-9, { minimum: 0 }),
  });
}

const MOVE = 'move';
const CHANGE = 'gradientChange';

/** The pairs as slots, each cut into the parameters: move0, gradientChange0 (the oldest), move1, … */
export function slotsOfMemory(memory: LbfgsMemory, sizes: readonly number[]): Record<string, FloatArray[]> {
  const cut = (flat: FloatArray): FloatArray[] => {
    let to = 0;
    return sizes.map((size) => flat.slice((to += size) - size, to));
  };
  return Object.fromEntries(memory.pairs.flatMap(({ move, change }, i) => [[`${MOVE}${i}`, cut(move)], [`${CHANGE}${i}`, cut(change)]] as const));
}

/** Names of the slots of so many pairs. */
export function memorySlotNames(pairs: number): string[] {
  return Array.from({ length: pairs }, (_, i) => [`${MOVE}${i}`, `${CHANGE}${i}`]).flat();
}

/** @param slots checked: those of memorySlotNames @throws ERR_RANGE for a pair whose curvature no iteration leaves */
export function memoryOfSlots(op: string, { historySize }: LbfgsSpec, slots: Readonly<Record<string, readonly FloatArray[]>>): LbfgsMemory {
  const memory = new LbfgsMemory(historySize);
  const joined = (arrays: readonly FloatArray[]): FloatArray => {
    const length = arrays.reduce((sum, array) => sum + array.length, 0);
    const flat = arrays[0] instanceof Float32Array ? new Float32Array(length) : new Float64Array(length);
    let from = 0;
    for (const array of arrays) {
      flat.set(array, from);
      from += array.length;
    }
    return flat;
  };
  for (let i = 0; i < Object.keys(slots).length / 2; i++) {
    if (!runSync(memory.remember({ move: joined(slots[`${MOVE}${i}`]), change: joined(slots[`${CHANGE}${i}`]) }))) {
      throw new NablaError('ERR_RANGE', `[${op}] move and change of the gradient point the same way. Expected a product above 1e-10 for pair ${i}, received less.`);
    }
  }
  return memory;
}
