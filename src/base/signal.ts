// An AbortSignal that ends work.
import { NablaError, show } from './errors.js';

/** @param signal an option of a call @returns null where there is none @throws ERR_TYPE for what is no signal; ERR_ABORTED for one that is aborted already */
export function checkSignal(op: string, signal: unknown): AbortSignal | null {
  if (signal === undefined || signal === null) return null;
  if (!isSignal(signal)) throw new NablaError('ERR_TYPE', `[${op}] the signal comes from an AbortController. Expected an AbortSignal for signal, received ${show(signal)}.`);
  if (signal.aborted) throw new NablaError('ERR_ABORTED', `[${op}] stopped by its signal before it began.`, { cause: signal.reason });
  return signal;
}

function isSignal(value: unknown): value is AbortSignal {
  if (typeof value !== 'object' || value === null || !('aborted' in value) || typeof value.aborted !== 'boolean') return false;
  return 'addEventListener' in value && typeof value.addEventListener === 'function' && 'removeEventListener' in value && typeof value.removeEventListener === 'function';
}

/** What ends a call, and with which error. */
export interface Stop {
  readonly signal: AbortSignal | null;
  readonly error: (cause: unknown) => NablaError;
}

/** The stop of a call that leaves nothing behind. */
export function stopOf(op: string, signal: AbortSignal | null): Stop {
  return { signal, error: (cause) => new NablaError('ERR_ABORTED', `[${op}] stopped by its signal.`, { cause }) };
}

/** @throws the stop's error once its signal is aborted */
export function checkStop({ signal, error }: Stop): void {
  if (signal?.aborted === true) throw error(signal.reason);
}
