// What fit and evaluate take in several forms.
import { NablaError, show } from '../base/errors.js';
import type { History, Logs } from '../train/history.js';
import type { FitOptions } from './prepare-fit.js';

/** True for an object that is no array. */
export function isPlainOptions(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

/** @throws ERR_TYPE */
export function checkedOptions(op: string, value: unknown): FitOptions {
  if (value === undefined) return {};
  if (isPlainOptions(value)) return value;
  throw new NablaError('ERR_TYPE', `[${op}] options are an object. Expected { epochs, batchSize, … } for options, received ${show(value)}.`);
}

/** The figures of a history's first epoch. */
export function onlyEpoch(history: History): Logs {
  return Object.fromEntries(Object.entries(history.history).map(([name, values]) => [name, values[0]]));
}
