// Backends by name. The native one needs node: modules, so the Node entry registers it; without that there is TypeScript alone.
import type { FloatArray } from '../base/arrays.js';
import type { Executor, ExecutorOptions } from './contract/executor.js';
import type { NetworkSpec } from './contract/spec.js';

/** How a backend is made. */
export interface BackendFactory {
  /** Why it cannot be used here with these options (what was tried, how to mend it), or null where it can. May be slow the first time. */
  problem(options: ExecutorOptions): string | null;
  /** @throws ERR_OPTION, ERR_BACKEND, ERR_MEMORY */
  create(spec: NetworkSpec, options: ExecutorOptions): Executor;
  /** What fillUniform of src/random gives from the beginning of the stream of (seed, purpose, index), at the backend's speed. */
  fillUniform(out: FloatArray, seed: number, purpose: number, index: number, low: number, high: number): void;
}

const factories = new Map<string, BackendFactory>();

/** Makes a backend known, in place of one of the same name. @param name 'native' @param factory how to make it */
export function registerBackend(name: 'native', factory: BackendFactory): void {
  factories.set(name, factory);
}

/** @returns the factory, or undefined where none was registered */
export function findBackend(name: 'native'): BackendFactory | undefined {
  return factories.get(name);
}
