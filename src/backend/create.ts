// Chooses the backend of a network.
import { NablaError } from '../base/errors.js';
import type { Executor, ExecutorOptions } from './contract/executor.js';
import type { NetworkSpec } from './contract/spec.js';
import { findBackend } from './registry.js';
import { createReferenceExecutor } from './typescript/executor.js';

/** 'auto': native where it works, else TypeScript with one warning. */
export type BackendChoice = 'auto' | 'native' | 'typescript';

/** Names a backend can be asked for by. */
export const backendChoices = ['auto', 'native', 'typescript'] as const;

/**
 * Settles which backend a model uses. Asking for an instruction set or for OpenBLAS is asking for native.
 * @param choice what was asked for @param options isa and gemm count @param warnOnce tells that 'auto' found no addon
 * @throws ERR_BACKEND where native was asked for and cannot be used; the message says what was tried and how to mend it
 */
export function resolveBackend(
  choice: BackendChoice, options: ExecutorOptions, warnOnce: (message: string, code: string) => void,
): 'native' | 'typescript' {
  if (choice === 'typescript') {
    if (options.isa !== undefined) {
      throw new NablaError('ERR_OPTION', `[sequential] instruction sets belong to the native backend. Expected no isa with backend 'typescript', received "${options.isa}".`);
    }
    if (options.gemm === 'openblas') {
      throw new NablaError('ERR_OPTION', `[sequential] OpenBLAS belongs to the native backend. Expected no gemm 'openblas' with backend 'typescript', received "openblas".`);
    }
    return 'typescript';
  }
  const native = findBackend('native');
  const problem = native === undefined ? 'this entry of nabla has no native backend; import \'nabla\' in Node.js' : native.problem(options);
  if (problem === null) return 'native';
  if (choice === 'native' || options.isa !== undefined || options.gemm === 'openblas') {
    throw new NablaError('ERR_BACKEND', `[sequential] the native backend was asked for. Expected a working addon, received none: ${problem}`);
  }
  if (native !== undefined) warnOnce(`nabla uses the TypeScript backend, which is many times slower: ${problem}`, 'NABLA_NO_ADDON');
  return 'typescript';
}

/** Builds a network in a backend that {@link resolveBackend} settled on. @throws ERR_BACKEND, ERR_OPTION, ERR_MEMORY */
export function createExecutor(spec: NetworkSpec, backend: 'native' | 'typescript', options: ExecutorOptions): Executor {
  const native = backend === 'native' ? findBackend('native') : undefined;
  return native === undefined ? createReferenceExecutor(spec, options) : native.create(spec, options);
}
