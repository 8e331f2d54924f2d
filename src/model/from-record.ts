// A model from plain data. Everything is looked at before anything of its size is made: descriptions may come from a file, and may lie.
import { parameterShapes, statisticShapes } from '../backend/contract/spec.js';
import type { FloatArray } from '../base/arrays.js';
import { brief, NablaError, show, showList } from '../base/errors.js';
import { runSync, type Flow } from '../base/sync-async.js';
import { buildSpec } from './build-spec.js';
import { checkName, checkNumbers, checkOptions } from '../base/checks.js';
import type { StoredCompile } from './model-state.js';
import { storedCustomLoss } from './losses/custom-loss.js';
import { parameterNames } from './parameters/parameter-names.js';
import { statisticNames } from './initial-weights.js';
import { layerFromConfig } from './saving/layer-from-config.js';
import { checkJson, type JsonValue } from './saving/json-value.js';
import { Fields, wrong } from './saving/record-fields.js';
import { lazyArray, type LazyArray } from './saving/record-numbers.js';
import type { StoredRecord } from './saving/record.js';
import { Sequential } from './sequential.js';
import type { SequentialOptions } from './settings.js';
import { resolveStructure } from './layers/structure.js';

/** What may differ from the stored model: where it runs. */
export type FromRecordOptions = Pick<SequentialOptions, 'backend' | 'isa' | 'threads' | 'plan'>;

/** A record whose numbers are still where they are. */
export interface LazyRecord {
  readonly config: unknown;
  readonly tensors: readonly LazyTensor[];
  readonly classNames?: readonly string[];
  readonly metrics?: Readonly<Record<string, number>>;
  readonly extra?: JsonValue;
  readonly optimizer?: LazyOptimizer;
}
export type { LazyArray } from './saving/record-numbers.js';
export interface LazyTensor extends LazyArray {
  readonly name: string;
  readonly shape: readonly number[];
}
/** An optimizer's state; nobody has checked more than the names of its slots. */
export interface LazyOptimizer {
  readonly step: unknown;
  readonly nextEpoch: unknown;
  readonly learningRate: unknown;
  readonly slots: ReadonlyMap<string, readonly LazyArray[]>;
}

/**
 * A model from plain data; everything is checked, since it may come from a file. Nothing is drawn: the weights are those of the record.
 * @param record as `model.toRecord()` gives it, also after `JSON.parse(JSON.stringify(record))` @param options `backend`, `isa`, `threads`, `plan`
 * @returns a model with the stored weights and `compile` arguments; its optimizer starts anew, or goes on where the record has its state
 * @throws ERR_VERSION for a newer format, ERR_FORMAT for a record that contradicts itself, and what layers and compile refuse
 */
export function sequentialFromRecord(record: StoredRecord, options: FromRecordOptions = {}): Sequential {
  return modelOf('sequentialFromRecord', record, options);
}

/** @throws what {@link sequentialFromRecord} throws, under the name `op` */
export function checkRecord(op: string, record: StoredRecord): void {
  modelOf(op, record, { backend: 'typescript' }).dispose();
}

function modelOf(op: string, record: StoredRecord, options: FromRecordOptions): Sequential {
  try {
    return runSync(modelFlow(op, lazyRecord(op, record), options));
  } catch (error) {
    // What layers and compile refuse is refused here, under the name that was called.
    throw error instanceof NablaError ? new NablaError(error.code, `[${op}] ${withoutName(error.message)}`, { cause: error }) : error;
  }
}

/** An error's message without the function it names. */
export function withoutName(message: string): string {
  return message.replace(/^\[[^\]]*\] /, '');
}

/**
 * The model of a record. First the description, then the shapes, then the numbers.
 * @param op named in errors @throws ERR_FORMAT, ERR_MEMORY, and what layers and compile refuse
 */
export function* modelFlow(op: string, record: LazyRecord, options: FromRecordOptions): Flow<Sequential> {
  checkOptions(op, options, ['backend', 'isa', 'threads', 'plan']);
  const config = new Fields(op, 'config', record.config);
  const dtype = checkName(op, 'dtype', config.get('dtype'), ['float32', 'float64']);
  const seed = config.number('seed');
  const settings: SequentialOptions = { ...options, dtype, seed, ...(record.classNames === undefined ? {} : { classNames: record.classNames }) };
  const list = config.objects('layers').map((layer) => layerFromConfig(op, layer));
  const structure = resolveStructure(op, list);
  const network = { inputSize: structure.inputSize, layers: structure.specLayers };
  const shapes = parameterShapes(network);
  const names = parameterNames(network);
  const statistics = statisticShapes(network);
  const moving = statisticNames(network);
  const wanted = [...names, ...moving];
  if (record.tensors.length !== wanted.length) {
    throw new NablaError('ERR_FORMAT', `[${op}] a record has one tensor a parameter. Expected ${showList(wanted)}, received ${record.tensors.length} tensors.`);
  }
  const byName = new Map(record.tensors.map((tensor) => [tensor.name, tensor]));
  const find = (name: string, shape: readonly number[], size: number): LazyTensor => {
    const tensor = byName.get(name);
    if (tensor === undefined) {
      throw new NablaError('ERR_FORMAT', `[${op}] a record has one tensor a parameter. Expected a tensor named ${show(name)}, received ${showList(record.tensors.map((item) => item.name))}.`);
    }
    if (tensor.size !== size || tensor.shape.join() !== shape.join()) {
      throw new NablaError('ERR_FORMAT', `[${op}] a tensor has its parameter's shape, (out, in). Expected ${showList(shape, ' x ')} for ${show(name)}, received ${showList(tensor.shape, ' x ')} (${tensor.size} values).`);
    }
    return tensor;
  };
  const found = [...shapes.map(({ shape, size }, i) => find(names[i], shape, size)), ...statistics.map(({ size }, i) => find(moving[i], [size], size))];
  const { optimizer } = record;
  const compile = config.get('compile') ?? null;
  if (optimizer !== undefined) {
    if (compile === null) throw new NablaError('ERR_FORMAT', `[${op}] an optimizer's state belongs to a compiled model. Expected config.compile beside optimizerState, received none.`);
    checkSlots(op, optimizer, names, shapes.map(({ size }) => size));
  }
  const stored = [...found, ...[...(optimizer?.slots.values() ?? [])].flat()].find((array) => array.dtype !== null && array.dtype !== dtype);
  if (stored !== undefined) throw new NablaError('ERR_FORMAT', `[${op}] tensors have the model's type. Expected ${dtype} tensors as its spec says, received ${stored.dtype ?? 'none'}.`);
  buildSpec(op, { structure, loss: null, optimizer: null, dtype, seed });

  const arrays: FloatArray[] = [];
  for (const tensor of found) arrays.push(yield* tensor.take(op, brief(tensor.name), dtype));
  moving.forEach((name, i) => {
    if (name.endsWith('.movingVariance')) checkNumbers(op, name, arrays[names.length + i], { minimum: 0 });
  });
  const slots: [string, FloatArray[]][] = [];
  for (const [slot, lazy] of optimizer?.slots ?? []) {
    const taken: FloatArray[] = [];
    for (const [i, array] of lazy.entries()) taken.push(yield* array.take(op, brief(`slots.${slot} of ${names[i]}`), dtype));
    slots.push([slot, taken]);
  }
  const state = { parameters: arrays.slice(0, names.length), slots: {}, step: 0, statistics: arrays.slice(names.length) };
  const { metrics = {} } = record;
  const kept = { state, metrics, ...(record.extra === undefined ? {} : { extra: record.extra }) };
  if (compile === null) return new Sequential(settings, list, kept);
  const fields = new Fields(op, 'config.compile', compile);
  const compiled: StoredCompile = { optimizer: fields.get('optimizer') ?? null, loss: storedCustomLoss(op, fields.get('loss')) ?? fields.get('loss'), metrics: fields.get('metrics') };
  return new Sequential(settings, list, { ...kept, compiled, ...(optimizer === undefined ? {} : { optimizerState: { ...optimizer, slots: Object.fromEntries(slots) } }) });
}

/** One array of every slot for each parameter, before any is taken. */
function checkSlots(op: string, { slots }: LazyOptimizer, names: readonly string[], sizes: readonly number[]): void {
  for (const [slot, arrays] of slots) {
    if (arrays.length !== sizes.length) throw new NablaError('ERR_SHAPE', `[${op}] a slot has one array a parameter. Expected ${sizes.length} arrays for ${show(`slots.${slot}`)}, received ${arrays.length}.`);
    arrays.forEach(({ size }, i) => {
      if (size !== sizes[i]) throw new NablaError('ERR_SHAPE', `[${op}] a slot's array is as long as its parameter. Expected ${sizes[i]} numbers for ${show(`slots.${slot} of ${names[i]}`)}, received ${size}.`);
    });
  }
}

function lazyRecord(op: string, record: unknown): LazyRecord {
  const fields = new Fields(op, 'the record', record);
  const version = fields.get('formatVersion');
  if (version !== 1) {
    const newer = typeof version === 'number' && version > 1;
    throw new NablaError(newer ? 'ERR_VERSION' : 'ERR_FORMAT', `[${op}] this nabla reads format version 1. Expected 1 for formatVersion, received ${show(version)}${newer ? '; a newer nabla wrote it' : ''}.`);
  }
  const tensors = fields.objects('tensors').map((tensor, i) => {
    const shape = tensor.numbers('shape');
    return { name: tensor.text('name'), shape, ...lazyArray(op, `tensors[${i}].data`, tensor.get('data')) };
  });
  const [names, metrics, extra, state] = [fields.get('classNames'), fields.get('metrics'), fields.get('extra'), fields.get('optimizerState')];
  return {
    config: fields.get('config'), tensors,
    ...(names === undefined ? {} : { classNames: classNames(op, names) }),
    ...(metrics === undefined ? {} : { metrics: figures(op, fields.object('metrics')) }),
    ...(extra === undefined ? {} : { extra: checkJson(op, 'extra', extra) }),
    ...(state === undefined ? {} : { optimizer: lazyOptimizer(op, fields.object('optimizerState')) }),
  };
}

function classNames(op: string, value: unknown): string[] {
  if (!Array.isArray(value) || !value.every((name: unknown): name is string => typeof name === 'string')) throw wrong(op, 'classNames', 'a list of text', value);
  return value;
}

function figures(op: string, fields: Fields): Record<string, number> {
  return Object.fromEntries(fields.names().map((name) => {
    // JSON writes null for a number that is not finite.
    const value = fields.get(name) ?? NaN;
    if (typeof value !== 'number') throw wrong(op, `metrics.${brief(name)}`, 'a number', value);
    return [name, value];
  }));
}

function lazyOptimizer(op: string, fields: Fields): LazyOptimizer {
  const slots = fields.object('slots');
  return {
    step: fields.get('step'), nextEpoch: fields.get('nextEpoch'), learningRate: fields.get('learningRate'),
    slots: new Map(slots.names().map((slot) => [slot, slots.list(slot).map((array, i) => lazyArray(op, `slots.${brief(slot)}[${i}]`, array))])),
  };
}
