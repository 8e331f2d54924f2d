// A spec as C++ reads it: operations by their place in the table of ops.ts, settings as numbers in the table's order.
import { activationOps, lossOps, namesOf, optimizerOps, type Settings } from '../contract/ops.js';
import type { ActivationSpec, LayerSpec, LossSpec, NetworkSpec, OptimizerSpec } from '../contract/spec.js';

/** An operation in C++'s form. */
interface NativeOp {
  readonly op: number;
  readonly settings: Float64Array;
}
/** A network in C++'s form. */
export type NativeSpec = Omit<NetworkSpec, 'layers' | 'loss' | 'optimizer'> & { readonly layers: readonly object[]; readonly loss: object | null; readonly optimizer: object | null };

function encode(table: Readonly<Record<string, { readonly settings: Settings }>>, spec: { readonly name: string }): NativeOp {
  const { settings } = table[spec.name];
  return { op: namesOf(table).indexOf(spec.name), settings: Float64Array.from(Object.keys(settings), (name) => Number(Reflect.get(spec, name))) };
}

function encodeActivation(activation: ActivationSpec): NativeOp {
  return encode(activationOps, activation);
}

function encodeLayer(layer: LayerSpec): object {
  return layer.kind === 'dense' || layer.kind === 'activation' ? { ...layer, activation: encodeActivation(layer.activation) } : layer;
}

function encodeLoss(loss: LossSpec): object {
  const weights = loss.name === 'softmaxCrossEntropy' ? loss.classWeights : loss.name === 'sigmoidCrossEntropy' ? loss.positiveWeights : null;
  return { ...encode(lossOps, loss), reduction: loss.reduction, weights };
}

function encodeOptimizer(optimizer: OptimizerSpec): object {
  const { clipvalue, clipnorm, globalClipnorm, normType } = optimizer;
  return { ...encode(optimizerOps, optimizer), clipvalue, clipnorm, globalClipnorm, normType };
}

/** @param spec checked */
export function encodeSpec(spec: NetworkSpec): NativeSpec {
  return {
    ...spec,
    layers: spec.layers.map(encodeLayer),
    loss: spec.loss === null ? null : encodeLoss(spec.loss),
    optimizer: spec.optimizer === null ? null : encodeOptimizer(spec.optimizer),
  };
}
