// L-BFGS as an optimizer of compile: its options, what it goes with, its state as arrays.
import type { DType, FloatArray, OptimizerSpec } from '../backend/spec.js';
import { NablaError } from '../errors.js';
import { runSync } from '../train/flow.js';
import { gradientReader } from '../train/full-batch.js';
import { getHost } from '../train/host.js';
import { LbfgsMemory, type LbfgsSettings } from '../train/lbfgs.js';
import { checkInteger, checkOptions, checkReal } from './checks.js';
import type { LearningRate, Optimizer } from './optimizers.js';
import type { Structure } from './structure.js';

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

/** What a backend is built with. */
export function backendOptimizer(optimizer: Optimizer | null): OptimizerSpec | null {
  if (optimizer === null) return null;
  return optimizer.spec.name === 'lbfgs' ? gradientReader : optimizer.spec;
}

/** A fresh memory; null for the other optimizers. */
export function freshMemory(optimizer: Optimizer | null): LbfgsMemory | null {
  return optimizer?.spec.name === 'lbfgs' ? new LbfgsMemory(optimizer.spec.historySize) : null;
}

/** Layers that give the same outputs for the same rows and weights. A kind that is not listed is refused. */
const certainKinds: readonly string[] = ['dense', 'rescaling', 'normalization', 'flatten', 'activation', 'prelu', 'layerNormalization'];

/** Refuses what a line search cannot do: compare losses that change by chance, and steps of a length for each layer. @throws ERR_OPTION, ERR_MEMORY */
export function checkForLbfgs(op: string, optimizer: Optimizer | null, { specLayers, parameters }: Structure, dtype: DType): void {
  if (optimizer?.spec.name !== 'lbfgs') return;
  for (const layer of specLayers) {
    if (layer.kind === 'dropout' ? layer.rate > 0 : !certainKinds.includes(layer.kind)) {
      const received = layer.kind === 'dropout' ? `rate ${layer.rate}` : layer.kind;
      throw new NablaError('ERR_OPTION', `[${op}] lbfgs compares losses, which dropout makes random. Expected no dropout with lbfgs (only ${certainKinds.join(', ')} layers), or another optimizer, received ${received} in layer "${layer.name}".`);
    }
    if (layer.kind === 'dense' && (layer.kernelConstraint !== undefined || layer.biasConstraint !== undefined)) {
      const { name } = layer.kernelConstraint ?? layer.biasConstraint ?? { name: '' };
      throw new NablaError('ERR_OPTION', `[${op}] lbfgs searches along a line, which a constraint leaves. Expected no constraint with lbfgs, or another optimizer, received ${name} in layer "${layer.name}".`);
    }
    if (layer.kind === 'dense' && layer.learningRateFactor !== 0 && layer.learningRateFactor !== 1) {
      throw new NablaError('ERR_OPTION', `[${op}] lbfgs takes one step for all layers. Expected learningRateFactor 1, or 0 for a layer that stays as it is, received ${layer.learningRateFactor} in layer "${layer.name}".`);
    }
  }
  const { historySize } = optimizer.spec;
  const wanted = 2 * historySize * parameters * (dtype === 'float32' ? 4 : 8);
  const limit = getHost().memoryLimit();
  if (wanted > limit) {
    throw new NablaError('ERR_MEMORY', `[${op}] the pairs of lbfgs fit into memory. Expected at most ${limit} bytes for historySize, received ${historySize} (${wanted} bytes).`);
  }
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
