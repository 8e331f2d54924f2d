// The file of a model: safetensors, the description in its metadata.
import type { DType, FloatArray } from '../backend/spec.js';
import { NablaError, show } from '../errors.js';
import type { ModelRecord, StoredRecord, TensorRecord } from '../model/record.js';
import { numericsVersion, version } from '../version.js';
import { writeFileAtomic, writeFileAtomicSync } from './atomic-write.js';
import { readBytes, readBytesSync, toPath, type PathLike } from './files.js';
import { decodeOptimizer, encodeOptimizer, optimizerTensors } from './model-file-optimizer.js';
import { encodeSafetensors, parseSafetensors, type SafetensorsTensor } from './safetensors.js';

/** Version of the layout below; a reader refuses higher ones. */
export const modelFormatVersion = 1;

/** A model as it comes out of a file: `config` is parsed JSON that nobody has checked yet. */
export interface StoredModel extends StoredRecord {
  /** The version of nabla that wrote the file. */
  readonly nablaVersion: string;
  /** Version of the arithmetic the model was trained with (docs/numerics.md). */
  readonly numericsVersion: number;
}

/**
 * Writes a model file: a safetensors file with the tensors LAYER.weight (out, in) and LAYER.bias in canonical order. Its metadata holds format
 * 'nabla-model', formatVersion, nablaVersion, numericsVersion, seed, spec (JSON), and, where there are any, classNames and metrics (JSON).
 * An optimizer's state adds tensors optimizer/SLOT/LAYER.weight, … and in the metadata optimizer (JSON): step, nextEpoch, learningRate, slots (names).
 * The same model gives the same bytes. The file is replaced in one piece.
 * @throws ERR_FILE when it cannot be written
 */
export async function writeModelFile(path: PathLike, record: ModelRecord): Promise<void> {
  await writeFileAtomic('save', path, encodeModel(record));
}

/** writeModelFile, blocking. */
export function writeModelFileSync(path: PathLike, record: ModelRecord): void {
  writeFileAtomicSync('saveModelSync', path, encodeModel(record));
}

/**
 * Reads a model file.
 * @throws ERR_FILE when it cannot be read, ERR_FORMAT when it is damaged or something else, ERR_VERSION when a newer nabla wrote it
 */
export async function readModelFile(path: PathLike): Promise<StoredModel> {
  return decodeModel(await readBytes('readModelFile', path), toPath('readModelFile', path));
}

/** readModelFile, blocking. */
export function readModelFileSync(path: PathLike): StoredModel {
  return decodeModel(readBytesSync('readModelFileSync', path), toPath('readModelFileSync', path));
}

/** The bytes of a model file, in pieces. */
export function encodeModel(record: ModelRecord): Uint8Array[] {
  const metadata = new Map([
    ['format', 'nabla-model'],
    ['formatVersion', String(modelFormatVersion)],
    ['nablaVersion', version],
    ['numericsVersion', String(numericsVersion)],
    ['seed', String(record.config.seed)],
    ['spec', JSON.stringify(record.config)],
  ]);
  if (record.classNames !== undefined) metadata.set('classNames', JSON.stringify(record.classNames));
  if (record.metrics !== undefined) metadata.set('metrics', encodeMetrics(record.metrics));
  const { optimizerState } = record;
  if (optimizerState !== undefined) metadata.set('optimizer', encodeOptimizer(optimizerState));
  const tensors = [...record.tensors, ...(optimizerState === undefined ? [] : optimizerTensors(record.tensors, optimizerState))];
  return encodeSafetensors(tensors.map((t) => ({ ...t, dtype: t.data instanceof Float64Array ? 'F64' : 'F32' })), metadata);
}

/** The model in the bytes of a model file. @param name what errors call the file */
export function decodeModel(bytes: Uint8Array, name = 'the bytes'): StoredModel {
  const other = foreignFormat(bytes);
  if (other !== undefined) throw notAModel(name, `it is ${other}`);
  const { tensors, metadata } = parseSafetensors(bytes, name);
  const format = metadata.get('format');
  if (format !== 'nabla-model') {
    const some = tensors.slice(0, 3).map((t) => show(t.name)).join(', ');
    throw notAModel(name, `it is a safetensors file without a nabla model: its metadata has format ${show(format)}${some === '' ? '' : `, its tensors are ${some}${tensors.length > 3 ? ', ...' : ''}`}; readSafetensors reads it`);
  }
  const field = (key: string): string => {
    const value = metadata.get(key);
    if (value === undefined) throw damaged(name, `Expected ${key} in its metadata, received nothing.`);
    return value;
  };
  const fileVersion = wholeNumber(name, 'formatVersion', field('formatVersion'));
  if (fileVersion > modelFormatVersion) {
    const writer = metadata.get('nablaVersion');
    throw new NablaError(
      'ERR_VERSION',
      `[loadModel] ${name} was written by a newer nabla${writer === undefined ? '' : ` (${writer})`}. Expected formatVersion ${modelFormatVersion} or lower, received ${fileVersion}; update with npm install nabla@latest.`,
    );
  }
  if (fileVersion < 1) throw damaged(name, `Expected formatVersion 1 or higher, received ${fileVersion}.`);
  const classNames = metadata.get('classNames');
  const metrics = metadata.get('metrics');
  const optimizer = metadata.get('optimizer');
  const all = floatTensors(name, tensors);
  const parted = optimizer === undefined ? { tensors: all } : decodeOptimizer(parseJson(name, 'optimizer', optimizer), all, (text) => damaged(name, text));
  return {
    formatVersion: modelFormatVersion,
    config: parseJson(name, 'spec', field('spec')),
    ...parted,
    nablaVersion: field('nablaVersion'),
    numericsVersion: wholeNumber(name, 'numericsVersion', field('numericsVersion')),
    ...(classNames === undefined ? {} : { classNames: decodeClassNames(name, classNames) }),
    ...(metrics === undefined ? {} : { metrics: decodeMetrics(name, metrics) }),
  };
}

function floatTensors(name: string, tensors: readonly SafetensorsTensor[]): TensorRecord[] {
  let dtype: DType | undefined;
  return tensors.map((tensor) => {
    const { data } = tensor;
    if (!isFloats(data)) throw damaged(name, `Expected F32 or F64 for ${show(tensor.name)}, received ${tensor.dtype}.`);
    const type: DType = data instanceof Float64Array ? 'float64' : 'float32';
    dtype ??= type;
    if (type !== dtype) throw damaged(name, `Expected all tensors to be ${dtype}, received ${type} for ${show(tensor.name)}.`);
    return { name: tensor.name, shape: tensor.shape, data };
  });
}

function isFloats(data: unknown): data is FloatArray {
  return data instanceof Float32Array || data instanceof Float64Array;
}

/** JSON has no NaN and no infinities: they are written as text. */
function encodeMetrics(metrics: Readonly<Record<string, number>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(metrics).map(([key, value]) => [key, Number.isFinite(value) ? value : String(value)])));
}

function decodeMetrics(name: string, text: string): Record<string, number> {
  const value = parseJson(name, 'metrics', text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw damaged(name, `Expected an object of numbers for metrics, received ${show(value)}.`);
  return Object.fromEntries(
    Object.entries(value).map(([key, metric]: [string, unknown]) => {
      if (typeof metric === 'number') return [key, metric];
      if (metric === 'NaN' || metric === 'Infinity' || metric === '-Infinity') return [key, Number(metric)];
      throw damaged(name, `Expected a number for the metric ${show(key)}, received ${show(metric)}.`);
    }),
  );
}

function decodeClassNames(name: string, text: string): string[] {
  const value = parseJson(name, 'classNames', text);
  if (!Array.isArray(value) || !value.every((item: unknown): item is string => typeof item === 'string')) throw damaged(name, `Expected a list of text for classNames, received ${show(value)}.`);
  return value;
}

function wholeNumber(name: string, key: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw damaged(name, `Expected a whole number for ${key}, received ${show(text)}.`);
  return Number(text);
}

function parseJson(name: string, key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new NablaError('ERR_FORMAT', `[loadModel] ${name} is a damaged model file. Expected JSON for ${key} in its metadata, received ${show(text)}.`, { cause: error });
  }
}

function damaged(name: string, text: string): NablaError {
  return new NablaError('ERR_FORMAT', `[loadModel] ${name} is a damaged model file. ${text}`);
}

function notAModel(name: string, what: string): NablaError {
  return new NablaError('ERR_FORMAT', `[loadModel] ${name} is not a nabla model: ${what}. Expected a file written by model.save.`);
}

/** What people are likely to hand over by mistake, by its first bytes; undefined where it may be safetensors. */
function foreignFormat(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return 'empty';
  const start = String.fromCharCode(...bytes.subarray(0, 8));
  if (start.startsWith('PK\x03\x04') || start.startsWith('PK\x05\x06')) return 'a ZIP archive (NPZ, Keras 3 or PyTorch)';
  if (start.startsWith('\x89HDF')) return 'an HDF5 file (Keras)';
  if (start.startsWith('\x93NUMPY')) return 'a NumPy array (.npy)';
  if (start.startsWith('\x1f\x8b')) return 'gzip data; unpack it first';
  // A safetensors header that long would have to be larger than the format allows.
  if (/^\s*[[{]/.test(start) && bytes.length >= 8 && start.charCodeAt(7) !== 0) return 'JSON text';
  return undefined;
}
