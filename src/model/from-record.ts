import type { FloatArray } from '../backend/spec.js';
import { NablaError, show } from '../errors.js';
import { initializers } from './initializers.js';
import { toParameter } from './initial-weights.js';
import type { Layer } from './layer.js';
import { layers } from './layers.js';
import type { LayerConfig, ModelRecord } from './record.js';
import { regularizers } from './regularizers.js';
import { Sequential } from './sequential.js';
import type { SequentialOptions } from './settings.js';

/** What may differ from the stored model: where it runs. */
export type FromRecordOptions = Pick<SequentialOptions, 'backend' | 'isa' | 'threads' | 'plan'>;

const op = 'sequentialFromRecord';

/**
 * A model from plain data; everything is checked, since it may come from a file.
 * @param record as `model.toRecord()` gives it @param options `backend`, `isa`, `threads`
 * @returns a model with the stored weights and `compile` arguments; an optimizer starts anew
 * @throws ERR_VERSION for a newer format, ERR_FORMAT for a record that contradicts itself, and what the layers refuse
 */
export function sequentialFromRecord(record: ModelRecord, options: FromRecordOptions = {}): Sequential {
  const version: unknown = record.formatVersion;
  if (version !== 1) {
    const newer = typeof version === 'number' && version > 1;
    throw new NablaError(newer ? 'ERR_VERSION' : 'ERR_FORMAT', `[${op}] this nabla reads format version 1. Expected 1 for formatVersion, received ${show(version)}${newer ? '; a newer nabla wrote it' : ''}.`);
  }
  const config: unknown = record.config;
  if (typeof config !== 'object' || config === null || !Array.isArray(record.config.layers) || !Array.isArray(record.tensors)) {
    throw new NablaError('ERR_FORMAT', `[${op}] a record describes its layers. Expected config.layers and tensors, received ${show(config)}.`);
  }
  const { dtype, seed, compile } = record.config;
  const settings: SequentialOptions = { ...options, dtype, seed, ...(record.classNames === undefined ? {} : { classNames: record.classNames }) };
  const list = record.config.layers.map(layerFromConfig);
  const blank = new Sequential(settings, list);
  const names = blank.parameterNames();
  const weights = blank.getWeights();
  if (record.tensors.length !== names.length) {
    throw new NablaError('ERR_FORMAT', `[${op}] a record has one tensor a parameter. Expected ${names.join(', ')}, received ${record.tensors.length} tensors.`);
  }
  const parameters = names.map((name, i) => findTensor(record, name, weights[i], blank));
  const state = { parameters, slots: {}, step: 0 };
  const metrics = record.metrics ?? {};
  return new Sequential(settings, list, compile === null || compile === undefined ? { state, metrics } : { state, metrics, compiled: compile });
}

function findTensor(record: ModelRecord, name: string, like: FloatArray, blank: Sequential): FloatArray {
  const tensor = record.tensors.find((item) => item.name === name);
  if (tensor === undefined) {
    throw new NablaError('ERR_FORMAT', `[${op}] a record has one tensor a parameter. Expected a tensor named ${show(name)}, received ${record.tensors.map((item) => item.name).join(', ')}.`);
  }
  const size = tensor.shape.reduce((product, length) => product * length, 1);
  if (tensor.data.length !== like.length || size !== like.length) {
    throw new NablaError('ERR_FORMAT', `[${op}] a tensor has its parameter's shape. Expected ${like.length} values for ${show(name)}, received ${tensor.data.length} (shape ${tensor.shape.join(' x ')}).`);
  }
  return toParameter(op, name, tensor.data, tensor.shape, blank.dtype);
}

/** Weights come from the tensors: initial ones would be drawn for nothing. */
const zeros = initializers.zeros();

function layerFromConfig(config: LayerConfig): Layer {
  const kind: string = config.kind;
  const shape = 'inputShape' in config && config.inputShape !== undefined ? { inputShape: config.inputShape } : {};
  switch (config.kind) {
    case 'input':
      return layers.input({ shape: config.shape, name: config.name });
    case 'flatten':
      return layers.flatten({ name: config.name, ...shape });
    case 'rescaling':
      return layers.rescaling({ scale: config.scale, offset: config.offset, name: config.name, ...shape });
    case 'activation':
      return layers.activation({ activation: config.activation, name: config.name });
    case 'dropout':
      return layers.dropout({ rate: config.rate, name: config.name });
    case 'dense':
      return layers.dense({
        name: config.name,
        units: config.units,
        activation: config.activation,
        useBias: config.useBias,
        kernelInitializer: config.kernelInitializer.name === 'array' ? zeros : config.kernelInitializer,
        biasInitializer: config.biasInitializer.name === 'array' ? zeros : config.biasInitializer,
        kernelRegularizer: config.l2 === 0 ? null : regularizers.l2(config.l2),
        learningRateFactor: config.learningRateFactor,
        ...shape,
      });
    default:
      throw new NablaError('ERR_FORMAT', `[${op}] unknown layer. Expected one of ${Object.keys(layers).join(', ')}, received ${show(kind)}.`);
  }
}
