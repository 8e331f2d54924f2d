// A training step in three parts, so that what lies between them can be anyone's: custom losses, edited gradients, other rules of update.
import type { Executor } from '../../backend/contract/executor.js';
import { parameterShapes } from '../../backend/contract/spec.js';
import type { FloatArray, ArrayInput } from '../../base/arrays.js';
import { checkBoolean, checkOptions } from '../../base/checks.js';
import { NablaError, show, showList } from '../../base/errors.js';
import { toMatrix } from '../inputs/samples.js';
import type { Structure } from '../layers/structure.js';
import { toParameter } from '../parameters/parameter-arrays.js';
import { parameterNames } from '../parameters/parameter-names.js';

/** What {@link Sequential.forwardTrain} computed. */
export interface ForwardPass {
  /** (rows, outputs), what predict would give, but in training mode. */
  readonly outputs: FloatArray;
  /** (rows, outputs) before the softmax or sigmoid of the loss: what backward's argument is the gradient of. */
  readonly logits: FloatArray;
  /** By dense layer: what the next one is fed with, (rows, units). */
  readonly activations: Readonly<Record<string, FloatArray>>;
}
/** Options of {@link Sequential.backward}. */
export interface BackwardOptions {
  /** Also go back to the samples. Default true; it costs as much as the first layer's forward pass. */
  readonly dx?: boolean;
}
/** What {@link Sequential.backward} computed. */
export interface BackwardPass {
  /** By LAYER.weight (out, in) and LAYER.bias (out); without the penalties' terms, which the update adds. Yours to change. */
  readonly gradients: Readonly<Record<string, FloatArray>>;
  /** (rows, features), with respect to the samples as given; empty where it was not asked for. */
  readonly dx: FloatArray;
}

/** The training pass forward over all rows as one batch. @throws ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE */
export function forwardTrain(executor: Executor, structure: Structure, x: ArrayInput): ForwardPass {
  const { dtype, layers } = executor.spec;
  const matrix = toMatrix(x, { op: 'forwardTrain', name: 'x', features: structure.inputSize, shape: structure.inputShape, dtype });
  const data = executor.load({ x: matrix.values, rows: matrix.rows, scanned: true });
  try {
    const { outputs, logits, activations } = executor.forwardTrain(data, { order: null, from: 0, to: matrix.rows });
    const names = layers.flatMap((layer) => (layer.kind === 'dense' ? [layer.name] : []));
    return { outputs, logits, activations: Object.fromEntries(names.map((name, i) => [name, activations[i]])) };
  } finally {
    data.dispose();
  }
}

/** The pass back over the rows of the last forwardTrain. @throws ERR_STATE, ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE */
export function backward(executor: Executor, structure: Structure, dLogits: ArrayInput, options: BackwardOptions): BackwardPass {
  const op = 'backward';
  checkOptions(op, options, ['dx']);
  const dx = checkBoolean(op, 'dx', options.dx ?? true);
  const { dtype } = executor.spec;
  const { values } = toMatrix(dLogits, { op, name: 'dLogits', features: structure.units, shape: [structure.units], dtype });
  const typed = dtype === 'float32' ? (values instanceof Float32Array ? values : Float32Array.from(values)) : values instanceof Float64Array ? values : Float64Array.from(values);
  const result = executor.backward(typed, { dx });
  return { gradients: Object.fromEntries(parameterNames(executor.spec).map((name, i) => [name, result.gradients[i]])), dx: result.dx };
}

/** One update. @param scalars of this step @throws ERR_SHAPE, ERR_OPTION, ERR_TYPE, ERR_NON_FINITE before anything changes */
export function applyGradients(executor: Executor, gradients: Readonly<Record<string, ArrayInput>>, scalars: Float64Array): void {
  const op = 'applyGradients';
  const names = parameterNames(executor.spec);
  const given: unknown = gradients;
  if (typeof given !== 'object' || given === null || Object.keys(given).some((name) => !names.includes(name)) || Object.keys(given).length !== names.length) {
    const received = typeof given === 'object' && given !== null ? showList(Object.keys(given)) : show(given);
    throw new NablaError('ERR_OPTION', `[${op}] every parameter has its gradient. Expected ${showList(names)} for gradients, received ${received}.`);
  }
  const shapes = parameterShapes(executor.spec);
  executor.applyGradients(names.map((name, i) => toParameter(op, name, gradients[name], shapes[i].shape, executor.spec.dtype)), scalars);
}
