// Which backends, instruction sets and thread counts the shared tests run on.
import type { Executor, ExecutorOptions, Isa } from '../../src/backend/contract/executor.js';
import type { NetworkSpec } from '../../src/backend/contract/spec.js';
import type * as NativeModule from '../../src/backend/native/executor.js';
import { createReferenceExecutor } from '../../src/backend/typescript/executor.js';

/** One way of building executors. */
export interface Configuration {
  readonly name: string;
  readonly isa: Isa | 'typescript';
  readonly threads: number;
  make(spec: NetworkSpec, options?: ExecutorOptions): Executor;
}

export const typescript: Configuration = { name: 'typescript', isa: 'typescript', threads: 1, make: (spec, options = {}) => createReferenceExecutor(spec, options) };

type Native = typeof NativeModule;
interface Loaded { readonly native: Native | null; readonly isas: readonly Isa[]; readonly reason: string }

async function loadNative(): Promise<Loaded> {
  try {
    const native = await import('../../src/backend/native/executor.js');
    return { native, isas: native.nativeInfo().isas, reason: '' };
  } catch (error) {
    // CI sets NABLA_REQUIRE_NATIVE so that a build that broke cannot pass as a skip.
    if (process.env['NABLA_REQUIRE_NATIVE'] === '1') throw error;
    return { native: null, isas: [], reason: error instanceof Error ? error.message : String(error) };
  }
}

const loaded = await loadNative();

/** Why native configurations are missing; empty where they run. */
export const skippedBecause = loaded.reason;
/** Instruction sets that run here. */
export const isas = loaded.isas;

/** One native configuration. @param isa one of `isas` */
export function native(isa: Isa, threads: number): Configuration {
  const { native: backend } = loaded;
  if (backend === null) throw new Error(`no native backend: ${loaded.reason}`);
  return { name: `native ${isa} x${threads}`, isa, threads, make: (spec, options = {}) => backend.createNativeExecutor(spec, { isa, threads, ...options }) };
}

/** TypeScript and native with every instruction set and these thread counts. */
export function configurations(threads: readonly number[]): Configuration[] {
  return [typescript, ...isas.flatMap((isa) => threads.map((count) => native(isa, count)))];
}
