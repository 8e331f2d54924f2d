import type { FloatArray } from '../base/arrays.js';
import { checkInteger, checkObject, itemsOf } from '../base/checks.js';
import { NablaError, show } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';
import type { Flow } from '../base/sync-async.js';
import { perform } from '../base/sync-async.js';
import type { FitParams, History, Logs } from './history.js';

/** The model as callbacks see it. */
export interface TrainedModel {
  /** Set it to true and fit ends after the current epoch (the current batch, when set in a batch hook). */
  stopTraining: boolean;
  /** The learning rate; setting it replaces a number or a function by this number. */
  learningRate: number;
  getWeights(): FloatArray[];
  setWeights(weights: readonly FloatArray[]): void;
}

/** Handed to every hook. */
export interface CallbackContext {
  readonly model: TrainedModel;
  readonly params: FitParams;
  /** The epochs finished so far. */
  readonly history: History;
}

type Awaitable = void | Promise<void>;

/** Hooks into a fit. Any of them may return a promise, which is awaited (not in fitSync). Epochs and batches count from 0. */
export interface Callback {
  onTrainBegin?(logs: Logs, context: CallbackContext): Awaitable;
  onTrainEnd?(logs: Logs, context: CallbackContext): Awaitable;
  onEpochBegin?(epoch: number, logs: Logs, context: CallbackContext): Awaitable;
  /** `logs`: loss, accuracy, val_loss, val_accuracy, … of the epoch. */
  onEpochEnd?(epoch: number, logs: Logs, context: CallbackContext): Awaitable;
  onBatchBegin?(batch: number, logs: Logs, context: CallbackContext): Awaitable;
  /** `logs`: loss, accuracy, … of the batch, and its `size`. */
  onBatchEnd?(batch: number, logs: Logs, context: CallbackContext): Awaitable;
}

const hookNames = ['onTrainBegin', 'onTrainEnd', 'onEpochBegin', 'onEpochEnd', 'onBatchBegin', 'onBatchEnd'] as const;
/** Name of a hook. */
export type HookName = (typeof hookNames)[number];

/** What a ready callback's hook was called with, by whomever. @throws ERR_TYPE */
export function checkHook(op: string, { logs, epoch = 0, context }: { readonly logs: unknown; readonly epoch?: unknown; readonly context: unknown }): void {
  checkInteger(op, 'epoch', epoch, 0);
  checkObject(op, 'logs', logs, 'loss, …');
  const { model }: { readonly model?: unknown } = checkObject(op, 'context', context, 'model');
  checkObject(op, 'model of context', model, 'learningRate, stopTraining');
}

/** @param value one callback, an array of them, or nothing @throws ERR_TYPE for a hook that is no function or is misspelt */
export function checkCallbacks(op: string, value: unknown): readonly Callback[] {
  if (value === undefined || value === null) return [];
  const list: readonly unknown[] = Array.isArray(value) ? itemsOf(value) : [value];
  return list.map((item) => {
    if (isCallback(op, item)) return item;
    throw new NablaError('ERR_TYPE', `[${op}] a callback is an object of hooks. Expected { ${hookNames.join(', ')} } for callbacks, received ${show(item)}.`);
  });
}

function isCallback(op: string, value: unknown): value is Callback {
  if (typeof value !== 'object' || value === null) return false;
  for (const name of hookNames) {
    const hook: unknown = Reflect.get(value, name);
    if (hook !== undefined && typeof hook !== 'function') {
      throw new NablaError('ERR_TYPE', `[${op}] a hook is a function. Expected a function for ${name}, received ${show(hook)}.`);
    }
  }
  // Objects may carry state of their own; a name that looks like a hook but is none would silently never run.
  for (const name of Object.keys(value)) {
    if (/^on[A-Z]/.test(name) && !hookNames.some((known) => known === name)) {
      throw new NablaError('ERR_OPTION', `[${op}] unknown hook. Expected one of ${hookNames.join(', ')}, received ${show(name)}.${didYouMean(name, hookNames)}`);
    }
  }
  return true;
}

/** True where some callback wants to be called between batches, so that steps cannot be run many at a time. */
export function wantsBatches(callbacks: readonly Callback[]): boolean {
  return callbacks.some((callback) => callback.onBatchBegin !== undefined || callback.onBatchEnd !== undefined);
}

function mustNotWait(name: HookName, result: Awaitable): void {
  if (result !== undefined && typeof result.then === 'function') {
    result.catch(() => undefined);
    throw new NablaError('ERR_OPTION', `[fitSync] hooks cannot wait here. Expected no promise from ${name} (or model.fit), received one.`);
  }
}

/** Calls one hook of every callback, in order. @param invoke how the hook is called */
export function* callHooks(callbacks: readonly Callback[], name: HookName, invoke: (callback: Callback) => Awaitable): Flow<void> {
  for (const callback of callbacks) {
    if (callback[name] === undefined) continue;
    yield* perform(
      () => { mustNotWait(name, invoke(callback)); },
      async () => { await invoke(callback); },
    );
  }
}
