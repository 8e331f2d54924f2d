// A spec worked out: one stage a dense layer, everything else attached to its stage.
import { gradientBlocks, isLayered, outputSize, parameterShapes, takesBatchStatistics } from '../contract/spec.js';
import type { DenseSpec, NetworkSpec, ParameterShape } from '../contract/spec.js';
import type { Dropout } from './dropout.js';
import type { Loss } from './loss.js';
import { createLoss } from './losses.js';
import type { Pass } from './passes.js';
import { roundedTo } from './reductions.js';

/** A dense layer and what follows it up to the next one. */
export interface Stage {
  readonly dense: DenseSpec;
  readonly inputs: number;
  readonly units: number;
  /** Position of the weight in the canonical order. */
  readonly weight: number;
  /** Position of the bias, or -1. */
  readonly bias: number;
  readonly dropouts: readonly Dropout[];
  /** All of what follows, where the network is layered: the dense layer is linear then and has no dropouts. */
  readonly passes: readonly Pass[];
}
/** A rescaling or normalization layer's constants, as the network's type holds them: x · scale + offset, or (x - means_i) · scales_i where `features` is given. */
export interface Rescaling {
  readonly scale: number;
  readonly offset: number;
  readonly features: { readonly means: Float64Array; readonly scales: Float64Array } | null;
}

/** Standard deviations below this count as this: a constant feature becomes 0. */
const LEAST_DEVIATION = 1e-7;

export interface Plan {
  readonly spec: NetworkSpec;
  readonly outputs: number;
  readonly shapes: readonly ParameterShape[];
  readonly parameterCount: number;
  readonly rescalings: readonly Rescaling[];
  /** Dropout on the samples themselves. */
  readonly inputDropouts: readonly Dropout[];
  /** What happens to the samples before the first dense layer, where the network is layered. */
  readonly inputPasses: readonly Pass[];
  readonly stages: readonly Stage[];
  readonly loss: Loss | null;
}

/** @param spec a checked spec */
export function compilePlan(spec: NetworkSpec): Plan {
  const rescalings: Rescaling[] = [];
  const inputDropouts: Dropout[] = [];
  const stages: Stage[] = [];
  const layered = isLayered(spec);
  const inputPasses: Pass[] = [];
  let dropouts = inputDropouts;
  let passes = inputPasses;
  let statistics = 0;
  let inputs = spec.inputSize;
  let position = 0;
  spec.layers.forEach((layer, index) => {
    switch (layer.kind) {
      case 'rescaling':
        rescalings.push({ scale: roundedTo(spec.dtype, layer.scale), offset: roundedTo(spec.dtype, layer.offset), features: null });
        return;
      case 'normalization': {
        const means = Float64Array.from(layer.mean, (mean) => roundedTo(spec.dtype, mean));
        const scales = Float64Array.from(layer.variance, (variance) => roundedTo(spec.dtype, 1 / Math.max(Math.sqrt(variance), LEAST_DEVIATION)));
        rescalings.push({ scale: 1, offset: 0, features: { means, scales } });
        return;
      }
      case 'flatten':
        return;
      case 'dropout': {
        const dropout = { layer: index, threshold: Math.round(layer.rate * 4294967296), factor: roundedTo(spec.dtype, 1 / (1 - layer.rate)) };
        if (layered) passes.push({ kind: 'dropout', dropout });
        else dropouts.push(dropout);
        return;
      }
      case 'activation':
        passes.push({ kind: 'activation', activation: layer.activation });
        return;
      case 'gaussianNoise':
        passes.push({ kind: 'gaussianNoise', layer: index, deviation: layer.deviation });
        return;
      case 'prelu':
        passes.push({ kind: 'prelu', alpha: position++ });
        return;
      case 'layerNormalization':
        passes.push({ kind: 'layerNormalization', epsilon: layer.epsilon, gamma: layer.scale ? position++ : -1, beta: layer.center ? position++ : -1 });
        return;
      case 'batchNormalization':
        passes.push({ kind: 'batchNormalization', epsilon: layer.epsilon, momentum: layer.momentum, moves: takesBatchStatistics(layer), gamma: layer.scale ? position++ : -1, beta: layer.center ? position++ : -1, statistics });
        statistics += 2;
        return;
      case 'dense':
        dropouts = [];
        passes = layered && layer.activation.name !== 'linear' ? [{ kind: 'activation', activation: layer.activation }] : [];
        stages.push({
          dense: layered ? { ...layer, activation: { name: 'linear' } } : layer, inputs, units: layer.units, weight: position, bias: layer.useBias ? position + 1 : -1, dropouts, passes,
        });
        position += layer.useBias ? 2 : 1;
        inputs = layer.units;
        return;
    }
  });
  const shapes = parameterShapes(spec);
  const outputs = outputSize(spec);
  return {
    spec, outputs, shapes, rescalings, inputDropouts, inputPasses, stages,
    parameterCount: shapes.reduce((sum, shape) => sum + shape.size, 0),
    loss: spec.loss === null ? null : createLoss(spec.loss, outputs, spec.dtype),
  };
}

/** First rows of the gradient blocks of a batch, and the end. */
export function blockBounds(rows: number, parameterCount: number): number[] {
  const blocks = gradientBlocks(rows, parameterCount);
  return Array.from({ length: blocks + 1 }, (_, block) => Math.floor((block * rows) / blocks));
}
