// L-BFGS in a model: what the backend is built with, and what it goes with.
import type { OptimizerSpec } from '../backend/contract/spec.js';
import type { DType } from '../base/arrays.js';
import { getEnvironment } from '../base/environment.js';
import { NablaError } from '../base/errors.js';
import { gradientReader } from '../train/full-batch.js';
import { LbfgsMemory } from '../train/lbfgs.js';
import type { Structure } from './layers/structure.js';
import type { Optimizer } from './optimizers/optimizer.js';

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
  const limit = getEnvironment().memoryLimit();
  if (wanted > limit) {
    throw new NablaError('ERR_MEMORY', `[${op}] the pairs of lbfgs fit into memory. Expected at most ${limit} bytes for historySize, received ${historySize} (${wanted} bytes).`);
  }
}
