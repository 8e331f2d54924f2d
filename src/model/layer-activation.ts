import { NablaError, show } from '../errors.js';
import { checkActivation, type ActivationName } from './activations.js';
import { checkOptions } from './checks.js';
import { checkLayerName, makeLayer, type Layer } from './layer.js';

/** Options of {@link activation}. */
export interface ActivationOptions {
  readonly activation: ActivationName;
  readonly name?: string;
}

/** An activation as a layer of its own, behind a linear dense layer; the same as that layer's `activation`. @param options `activation`, or its name alone @throws ERR_OPTION */
export function activation(options: ActivationOptions | ActivationName): Layer {
  const op = 'layers.activation';
  if (typeof options === 'string') return makeLayer({ kind: 'activation', name: '', activation: checkActivation(op, options) });
  checkOptions(op, options, ['activation', 'name']);
  if (options.activation === undefined) throw new NablaError('ERR_OPTION', `[${op}] the activation is named. Expected { activation: 'relu' }, received ${show(options)}.`);
  return makeLayer({ kind: 'activation', name: checkLayerName(op, options.name), activation: checkActivation(op, options.activation) });
}
