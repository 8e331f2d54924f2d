import type { FloatArray } from '../backend/spec.js';
import { NablaError, show } from '../errors.js';
import { checkActivation } from './activations.js';
import { checkName } from './checks.js';
import { checkBiasConstraint, checkKernelConstraint } from './constraints.js';
import { storedCustomLoss } from './custom-loss.js';
import { checkInitializerConfig, type InitializerConfig } from './initializers.js';
import { toParameter, toStatistic } from './initial-weights.js';
import type { Layer } from './layer.js';
import { storedNormalization } from './layer-normalization.js';
import { layers } from './layers.js';
import type { StoredRecord } from './record.js';
import { regularizers } from './regularizers.js';
import type { StoredCompile } from './core.js';
import { Sequential } from './sequential.js';
import type { SequentialOptions } from './settings.js';

/** What may differ from the stored model: where it runs. */
export type FromRecordOptions = Pick<SequentialOptions, 'backend' | 'isa' | 'threads' | 'plan'>;

const op = 'sequentialFromRecord';

/**
 * A model from plain data; everything is checked, since it may come from a file.
 * @param record as `model.toRecord()` gives it @param options `backend`, `isa`, `threads`
 * @returns a model with the stored weights and `compile` arguments; its optimizer starts anew, or goes on where the record has its state
 * @throws ERR_VERSION for a newer format, ERR_FORMAT for a record that contradicts itself, and what layers and compile refuse
 */
export function sequentialFromRecord(record: StoredRecord, options: FromRecordOptions = {}): Sequential {
  const version: unknown = record.formatVersion;
  if (version !== 1) {
    const newer = typeof version === 'number' && version > 1;
    throw new NablaError(newer ? 'ERR_VERSION' : 'ERR_FORMAT', `[${op}] this nabla reads format version 1. Expected 1 for formatVersion, received ${show(version)}${newer ? '; a newer nabla wrote it' : ''}.`);
  }
  const config = new Fields('config', record.config);
  const settings: SequentialOptions = {
    ...options,
    dtype: checkName(op, 'dtype', config.get('dtype'), ['float32', 'float64']),
    seed: config.number('seed'),
    ...(record.classNames === undefined ? {} : { classNames: record.classNames }),
  };
  const list = config.list('layers').map((layer, index) => layerFromConfig(new Fields(`config.layers[${index}]`, layer)));
  const blank = new Sequential(settings, list);
  const names = blank.parameterNames();
  const shapes = blank.parameterShapes();
  const moving = blank.statisticNames();
  if (record.tensors.length !== names.length + moving.length) {
    throw new NablaError('ERR_FORMAT', `[${op}] a record has one tensor a parameter. Expected ${[...names, ...moving].join(', ')}, received ${record.tensors.length} tensors.`);
  }
  const parameters = names.map((name, i) => findTensor(record, name, shapes[i], blank));
  const compile = config.get('compile');
  const metrics = record.metrics ?? {};
  const sizes = blank.getWeights().slice(names.length).map((array) => array.length);
  const statistics = moving.map((name, i) => toStatistic(op, name, findTensor(record, name, [sizes[i]], blank), sizes[i], blank.dtype));
  const state = { parameters, slots: {}, step: 0, statistics };
  const { optimizerState } = record;
  if (optimizerState !== undefined && (compile === null || compile === undefined)) {
    throw new NablaError('ERR_FORMAT', `[${op}] an optimizer's state belongs to a compiled model. Expected config.compile beside optimizerState, received none.`);
  }
  if (compile === null || compile === undefined) return new Sequential(settings, list, { state, metrics });
  const fields = new Fields('config.compile', compile);
  const compiled: StoredCompile = { optimizer: fields.get('optimizer') ?? null, loss: storedCustomLoss(op, fields.get('loss')) ?? fields.get('loss'), metrics: fields.get('metrics') };
  const model = new Sequential(settings, list, { state, metrics, compiled });
  if (optimizerState !== undefined) model.setOptimizerState(optimizerState);
  return model;
}

function findTensor(record: StoredRecord, name: string, shape: readonly number[], blank: Sequential): FloatArray {
  const tensor = record.tensors.find((item) => item.name === name);
  if (tensor === undefined) {
    throw new NablaError('ERR_FORMAT', `[${op}] a record has one tensor a parameter. Expected a tensor named ${show(name)}, received ${record.tensors.map((item) => item.name).join(', ')}.`);
  }
  const size = shape.reduce((product, length) => product * length, 1);
  if (tensor.data.length !== size || tensor.shape.join() !== shape.join()) {
    throw new NablaError('ERR_FORMAT', `[${op}] a tensor has its parameter's shape, (out, in). Expected ${shape.join(' x ')} for ${show(name)}, received ${tensor.shape.join(' x ')} (${tensor.data.length} values).`);
  }
  return toParameter(op, name, tensor.data, shape, blank.dtype);
}

function layerFromConfig(fields: Fields): Layer {
  const kind = checkName(op, 'layer', fields.get('kind'), ['input', 'flatten', 'reshape', 'rescaling', 'normalization', 'dense', 'activation', 'dropout', 'gaussianNoise', 'prelu', 'layerNormalization', 'batchNormalization']);
  const name = fields.text('name');
  const given = fields.get('inputShape');
  const shape = given === undefined ? {} : { inputShape: fields.numbers('inputShape') };
  switch (kind) {
    case 'input':
      return layers.input({ shape: fields.numbers('shape'), name });
    case 'flatten':
      return layers.flatten({ name, ...shape });
    case 'reshape':
      return layers.reshape({ targetShape: fields.numbers('targetShape'), name, ...shape });
    case 'rescaling':
      return layers.rescaling({ scale: fields.number('scale'), offset: fields.number('offset'), name, ...shape });
    case 'normalization':
      return storedNormalization({ mean: fields.numbers('mean'), variance: fields.numbers('variance'), name, ...shape });
    case 'activation':
      return layers.activation({ activation: checkActivation(op, fields.get('activation')), name });
    case 'dropout':
      return layers.dropout({ rate: fields.number('rate'), name });
    case 'gaussianNoise':
      return layers.gaussianNoise({ stddev: fields.number('stddev'), name, ...shape });
    case 'prelu':
      return layers.prelu({ alphaInitializer: drawable(fields.get('alphaInitializer')), name, ...shape });
    case 'layerNormalization':
      return layers.layerNormalization({ ...normFields(fields), name, ...shape });
    case 'batchNormalization':
      return layers.batchNormalization({ ...normFields(fields), momentum: fields.number('momentum'), name, ...shape });
    case 'dense': {
      const l2 = fields.number('l2');
      const l1 = fields.get('l1') === undefined ? 0 : fields.number('l1');
      return layers.dense({
        name,
        units: fields.number('units'),
        activation: checkActivation(op, fields.get('activation')),
        useBias: fields.flag('useBias'),
        kernelInitializer: drawable(fields.get('kernelInitializer')),
        biasInitializer: drawable(fields.get('biasInitializer')),
        kernelRegularizer: l1 === 0 && l2 === 0 ? null : regularizers.l1l2({ l1, l2 }),
        kernelConstraint: checkKernelConstraint(op, fields.get('kernelConstraint')) ?? null,
        biasConstraint: checkBiasConstraint(op, fields.get('biasConstraint')) ?? null,
        learningRateFactor: fields.number('learningRateFactor'),
        trainable: fields.get('trainable') === undefined ? true : fields.flag('trainable'),
        ...shape,
      });
    }
  }
}

function normFields(fields: Fields) {
  return {
    epsilon: fields.number('epsilon'), center: fields.flag('center'), scale: fields.flag('scale'),
    betaInitializer: drawable(fields.get('betaInitializer')), gammaInitializer: drawable(fields.get('gammaInitializer')),
  };
}

/** Given arrays are not stored twice: their values are in the tensors. */
function drawable(value: unknown): InitializerConfig {
  const config = checkInitializerConfig(op, value);
  return config.name === 'array' ? { name: 'zeros' } : config;
}

/** Members of an object that nobody has checked yet. */
class Fields {
  readonly #path: string;
  readonly #object: object;

  constructor(path: string, value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(path, 'an object', value);
    this.#path = path;
    this.#object = value;
  }

  get(name: string): unknown {
    return Object.hasOwn(this.#object, name) ? Reflect.get(this.#object, name) : undefined;
  }
  number(name: string): number {
    const value = this.get(name);
    if (typeof value !== 'number') throw wrong(`${this.#path}.${name}`, 'a number', value);
    return value;
  }
  text(name: string): string {
    const value = this.get(name);
    if (typeof value !== 'string') throw wrong(`${this.#path}.${name}`, 'a string', value);
    return value;
  }
  flag(name: string): boolean {
    const value = this.get(name);
    if (typeof value !== 'boolean') throw wrong(`${this.#path}.${name}`, 'true or false', value);
    return value;
  }
  list(name: string): readonly unknown[] {
    const value = this.get(name);
    if (!Array.isArray(value)) throw wrong(`${this.#path}.${name}`, 'an array', value);
    return value;
  }
  numbers(name: string): number[] {
    return this.list(name).map((value, index) => {
      if (typeof value !== 'number') throw wrong(`${this.#path}.${name}[${index}]`, 'a number', value);
      return value;
    });
  }
}

function wrong(path: string, expected: string, received: unknown): NablaError {
  return new NablaError('ERR_FORMAT', `[${op}] a record is complete. Expected ${expected} for ${path}, received ${show(received)}.`);
}
