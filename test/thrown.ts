import { isNablaError } from '../src/base/errors.js';

/** Code and message of the NablaError that `run` throws; any other error goes on. */
export function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (isNablaError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'nothing was thrown';
}
