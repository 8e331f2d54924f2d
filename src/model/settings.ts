// The options of a model: checked once, when it is made.
import type { ExecutorOptions, Isa } from '../backend/contract/executor.js';
import { backendChoices, resolveBackend, type BackendChoice } from '../backend/create.js';
import type { DType } from '../base/arrays.js';
import { checkInteger, checkName, checkOptions } from '../base/checks.js';
import { warnOnce } from '../base/environment.js';
import { NablaError, show } from '../base/errors.js';
import { checkSeed } from '../random/stream.js';

/** Options of `sequential`. */
export interface SequentialOptions {
  /** Fixes initial weights, shuffles and masks: 0 to 2^53-1. Default 0, not a random one: two models without a seed are the same. */
  readonly seed?: number;
  /** Type of weights and arithmetic, default 'float32'. */
  readonly dtype?: DType;
  /** Default 'auto': native where it works, else TypeScript with one warning. */
  readonly backend?: BackendChoice;
  /** Instruction set of the native kernels; default NABLA_ISA or the best there is. */
  readonly isa?: Isa;
  /** Threads of the native backend; default NABLA_THREADS or what affinity and cgroup allow. Never changes a result. */
  readonly threads?: number;
  /** 'materialised' stores gradients before every update; the same bytes, slower. Default 'auto'. */
  readonly plan?: 'auto' | 'materialised';
  /** 'openblas': matrix products by the machine's OpenBLAS, native backend only; results then differ in their last bits and may depend on threads. Default 'nabla'. */
  readonly gemm?: 'nabla' | 'openblas';
  /** Names of the classes, stored with the model. */
  readonly classNames?: readonly string[];
}
/** Checked options. */
export interface Settings {
  readonly seed: number;
  readonly dtype: DType;
  readonly choice: BackendChoice;
  readonly backend: 'native' | 'typescript';
  readonly executorOptions: ExecutorOptions;
  readonly classNames: readonly string[] | undefined;
}
const settingNames = ['seed', 'dtype', 'backend', 'isa', 'threads', 'plan', 'gemm', 'classNames'] as const;
const isas: readonly Isa[] = ['baseline', 'avx2', 'avx512', 'neon'];

/** @throws ERR_OPTION, ERR_TYPE, ERR_RANGE, ERR_BACKEND */
export function checkSettings(options: SequentialOptions): Settings {
  const op = 'sequential';
  checkOptions(op, options, settingNames);
  const seed: unknown = options.seed ?? 0;
  checkSeed(op, seed);
  const choice = checkName(op, 'backend', options.backend ?? 'auto', backendChoices);
  const executorOptions: ExecutorOptions = {
    ...(options.isa === undefined ? {} : { isa: checkName(op, 'isa', options.isa, isas) }),
    ...(options.threads === undefined ? {} : { threads: checkInteger(op, 'threads', options.threads, 1) }),
    ...(options.plan === undefined ? {} : { plan: checkName(op, 'plan', options.plan, ['auto', 'materialised']) }),
    ...(options.gemm === undefined ? {} : { gemm: checkName(op, 'gemm', options.gemm, ['nabla', 'openblas']) }),
  };
  return {
    seed, choice, executorOptions,
    dtype: checkName(op, 'dtype', options.dtype ?? 'float32', ['float32', 'float64']),
    backend: resolveBackend(choice, executorOptions, warnOnce),
    classNames: checkClassNames(op, options.classNames),
  };
}

function checkClassNames(op: string, names: unknown): readonly string[] | undefined {
  if (names === undefined) return undefined;
  if (Array.isArray(names) && names.every((name): name is string => typeof name === 'string')) return Object.freeze([...names]);
  throw new NablaError('ERR_TYPE', `[${op}] class names are strings. Expected an array of strings for classNames, received ${show(names)}.`);
}
