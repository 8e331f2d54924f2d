import type { ArrayInput } from '../../base/arrays.js';
import { checkBoolean, checkInteger, checkOptions, checkReal, checkShape } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';
import { checkBiasConstraint, checkKernelConstraint, type Constraint, type ConstraintName, type NonNegative } from '../parameters/constraints.js';
import { checkBiasInitializer, checkInitializer, type InitializerOption } from '../parameters/initializers.js';
import { checkRegularizer, type Regularizer } from '../parameters/regularizers.js';
import { checkActivation, type ActivationOption } from './activations.js';
import { checkLayerName, makeLayer, trainableConfig, type Layer } from './layer.js';

/** Options of {@link dense}. */
export interface DenseOptions {
  readonly units: number;
  readonly activation?: ActivationOption;
  readonly useBias?: boolean;
  readonly kernelInitializer?: InitializerOption;
  readonly biasInitializer?: InitializerOption;
  readonly kernelRegularizer?: Regularizer | 'l1' | 'l2' | null;
  readonly kernelConstraint?: Constraint | ConstraintName | null;
  readonly biasConstraint?: NonNegative | 'nonNegative' | null;
  readonly learningRateFactor?: number;
  readonly trainable?: boolean;
  readonly weights?: readonly [weight: ArrayInput, bias?: ArrayInput];
  readonly inputShape?: readonly number[];
  readonly name?: string;
}

const known = [
  'units', 'activation', 'useBias', 'kernelInitializer', 'biasInitializer', 'kernelRegularizer', 'kernelConstraint', 'biasConstraint', 'learningRateFactor', 'trainable', 'weights', 'inputShape', 'name',
] as const;

/**
 * A fully connected layer: activation(x·weightᵀ + bias), x (batch, inputs), weight (units, inputs), bias (units).
 * @param options `units` outputs; `activation` a name or an object of `activations`, default 'linear'; `useBias` default true; `kernelInitializer` default 'glorotUniform',
 * `biasInitializer` default 'zeros', each a name, an object of `initializers` or an array; `kernelRegularizer` default none: a penalty of `regularizers` or
 * 'l1', 'l2'; `kernelConstraint` default none: one of `constraints` or its name; `biasConstraint` default none: nonNegative;
 * `learningRateFactor` multiplies the learning rate of this layer, default 1; `trainable` default true: false keeps weight and bias as they are, without
 * penalty, constraint or part in a global norm (Keras; gradients pass through); `weights` [weight, bias] initial arrays, (out, in);
 * `inputShape` of one sample, for the first layer; `name` default dense, dense_1, …
 * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE, ERR_SHAPE
 * @example layers.dense({ units: 100, activation: 'relu' })
 * @example layers.dense({ units: 100, activation: 'relu', trainable: false, weights: [weight, bias] }) // a layer trained before, kept
 */
export function dense(options: DenseOptions): Layer {
  const op = 'layers.dense';
  checkOptions(op, options, known);
  const kernel = checkInitializer(op, options.kernelInitializer ?? 'glorotUniform');
  const bias = checkBiasInitializer(op, options.biasInitializer ?? 'zeros');
  const useBias = checkBoolean(op, 'useBias', options.useBias ?? true);
  const values = { weight: kernel.values, bias: bias.values };
  if (options.weights !== undefined) {
    const given: unknown = options.weights;
    if (!Array.isArray(given) || given.length < 1 || given.length > 2 || (given.length === 2 && !useBias)) {
      throw new NablaError(
        'ERR_SHAPE',
        `[${op}] initial weights are a list of arrays. Expected ${useBias ? '[weight, bias]' : '[weight] (useBias is false)'} for weights, received ${show(given)}.`,
      );
    }
    values.weight = given[0];
    values.bias = given[1] ?? values.bias;
  }
  const { l1, l2 } = checkRegularizer(op, options.kernelRegularizer);
  const kernelConstraint = checkKernelConstraint(op, options.kernelConstraint);
  const biasConstraint = checkBiasConstraint(op, options.biasConstraint);
  return makeLayer(
    {
      kind: 'dense',
      name: checkLayerName(op, options.name),
      units: checkInteger(op, 'units', options.units, 1),
      activation: checkActivation(op, options.activation ?? 'linear'),
      useBias,
      kernelInitializer: values.weight === null ? kernel.config : { name: 'array' },
      biasInitializer: values.bias === null ? bias.config : { name: 'array' },
      l2,
      ...(l1 === 0 ? {} : { l1 }),
      ...(kernelConstraint === undefined ? {} : { kernelConstraint }),
      ...(biasConstraint === undefined ? {} : { biasConstraint }),
      learningRateFactor: checkReal(op, 'learningRateFactor', options.learningRateFactor ?? 1, { minimum: 0 }),
      ...trainableConfig(op, options.trainable),
      ...(options.inputShape === undefined ? {} : { inputShape: checkShape(op, 'inputShape', options.inputShape) }),
    },
    values,
  );
}
