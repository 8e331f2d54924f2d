import { checkOptions, checkShape } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';
import { checkBiasInitializer, type InitializerOption } from '../parameters/initializers.js';
import { activations, checkActivation, type ActivationConfig, type ActivationOption } from './activations.js';
import { checkLayerName, makeLayer, trainableConfig, type Layer } from './layer.js';

/** Options of {@link activation}. */
export interface ActivationOptions {
  readonly activation: ActivationOption;
  readonly name?: string;
}

/** An activation as a layer of its own, behind a linear dense layer (the same as that layer's `activation`), a normalization, noise or prelu. @param options `activation`, or its name alone @throws ERR_OPTION */
export function activation(options: ActivationOptions | ActivationOption): Layer {
  const op = 'layers.activation';
  if (typeof options === 'string' || (typeof options === 'object' && options !== null && 'name' in options && !('activation' in options))) return makeLayer({ kind: 'activation', name: '', activation: checkActivation(op, options) });
  checkOptions(op, options, ['activation', 'name']);
  if (options.activation === undefined) throw new NablaError('ERR_OPTION', `[${op}] the activation is named. Expected { activation: 'relu' }, received ${show(options)}.`);
  return makeLayer({ kind: 'activation', name: checkLayerName(op, options.name), activation: checkActivation(op, options.activation) });
}

/** Options that every layer here has. */
interface Named { readonly name?: string }

function activationLayer(op: string, config: ActivationConfig, name: string | undefined): Layer {
  return makeLayer({ kind: 'activation', name: checkLayerName(op, name), activation: config });
}

/** Options of {@link leakyReLU}. */
export interface LeakyReLUOptions extends Named { readonly negativeSlope?: number }
/** z > 0 ? z : negativeSlope·z, behind a linear dense layer. @param options `negativeSlope` default 0.3 (Keras' layer) @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
export function leakyReLU(options: LeakyReLUOptions = {}): Layer {
  const op = 'layers.leakyReLU';
  checkOptions(op, options, ['negativeSlope', 'name']);
  return activationLayer(op, activations.leakyRelu({ negativeSlope: options.negativeSlope ?? 0.3 }), options.name);
}

/** Options of {@link elu}. */
export interface EluOptions extends Named { readonly alpha?: number }
/** z > 0 ? z : alpha·(e^z - 1), behind a linear dense layer. @param options `alpha` default 1 @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
export function elu(options: EluOptions = {}): Layer {
  const op = 'layers.elu';
  checkOptions(op, options, ['alpha', 'name']);
  return activationLayer(op, activations.elu({ alpha: options.alpha ?? 1 }), options.name);
}

/** Options of {@link thresholdedReLU}. */
export interface ThresholdedReLUOptions extends Named { readonly theta?: number }
/** z > theta ? z : 0, behind a linear dense layer. @param options `theta` default 1 (Keras) @throws ERR_OPTION, ERR_TYPE, ERR_RANGE */
export function thresholdedReLU(options: ThresholdedReLUOptions = {}): Layer {
  const op = 'layers.thresholdedReLU';
  checkOptions(op, options, ['theta', 'name']);
  return activationLayer(op, activations.thresholdedRelu({ theta: options.theta ?? 1 }), options.name);
}

/** Options of {@link prelu}. */
export interface PreluOptions extends Named { readonly alphaInitializer?: InitializerOption; readonly trainable?: boolean; readonly inputShape?: readonly number[] }
/**
 * z > 0 ? z : alpha·z with a trained alpha for each unit (K. He et al. 2015). At 0 the slope is alpha (PyTorch).
 * @param options `alphaInitializer` default 'zeros' (Keras; PyTorch starts at 0.25: initializers.constant({ value: 0.25 })); `trainable` default true: false keeps
 * alpha as it is (Keras; gradients pass through); `inputShape` for the first layer
 * @throws ERR_OPTION, ERR_TYPE
 */
export function prelu(options: PreluOptions = {}): Layer {
  const op = 'layers.prelu';
  checkOptions(op, options, ['alphaInitializer', 'trainable', 'inputShape', 'name']);
  const alpha = checkBiasInitializer(op, options.alphaInitializer ?? 'zeros', 'alphaInitializer');
  return makeLayer(
    {
      kind: 'prelu', name: checkLayerName(op, options.name), alphaInitializer: alpha.config, ...trainableConfig(op, options.trainable),
      ...(options.inputShape === undefined ? {} : { inputShape: checkShape(op, 'inputShape', options.inputShape) }),
    },
    { alpha: alpha.values },
  );
}
