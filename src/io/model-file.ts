// The file of a model: safetensors, the description in its metadata.
import type { DType } from '../base/arrays.js';
import { brief, NablaError, show } from '../base/errors.js';
import type { Flow } from '../base/sync-async.js';
import { numericsVersion, version } from '../base/version.js';
import type { LazyRecord, LazyTensor } from '../model/from-record.js';
import { floatArray } from '../model/parameters/parameter-arrays.js';
import { checkJson, type JsonValue } from '../model/saving/json-value.js';
import { checkAllFinite } from '../model/saving/record-numbers.js';
import type { ModelRecord } from '../model/saving/record.js';
import { writeFileAtomic, writeFileAtomicSync } from './atomic-write.js';
import { hostIsLittleEndian, swapBytes } from './byte-order.js';
import type { ByteSource } from './file-source.js';
import type { PathLike } from './files.js';
import { decodeOptimizer, encodeOptimizer, optimizerTensors } from './model-file-optimizer.js';
import { headerLength, lengthBytes, parseLayout, sizes, type Entry } from './safetensors-header.js';
import { safetensorsBytes } from './safetensors.js';

/** Numbers that are read and looked through in one go: a few milliseconds. */
const takenAtOnce = 1 << 20;

/** Version of the layout below; a reader refuses higher ones. */
export const modelFormatVersion = 1;

/** A model as it comes out of a file: its numbers are still there, its description is parsed JSON that nobody has checked yet. */
export interface StoredModel extends LazyRecord {
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
 * @param op the public function, named in errors @throws ERR_FILE when it cannot be written
 */
export async function writeModelFile(op: string, path: PathLike, record: ModelRecord): Promise<void> {
  await writeFileAtomic(op, path, encodeModel(op, record));
}

/** writeModelFile, blocking. */
export function writeModelFileSync(op: string, path: PathLike, record: ModelRecord): void {
  writeFileAtomicSync(op, path, encodeModel(op, record));
}

/** The bytes of a model file, in pieces. */
export function encodeModel(op: string, record: ModelRecord): Uint8Array[] {
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
  if (record.extra !== undefined) metadata.set('extra', JSON.stringify(checkJson(op, 'extra', record.extra)));
  const { optimizerState } = record;
  if (optimizerState !== undefined) metadata.set('optimizer', encodeOptimizer(optimizerState));
  const tensors = [...record.tensors, ...(optimizerState === undefined ? [] : optimizerTensors(record.tensors, optimizerState))];
  return safetensorsBytes(op, tensors.map((t) => ({ ...t, dtype: t.data instanceof Float64Array ? 'F64' : 'F32' })), metadata);
}

/**
 * The model in a model file: header and description are read, the tensors when somebody takes them.
 * @param op the public function, named in errors @param name of the file @param source its bytes
 * @throws ERR_FORMAT when it is damaged or something else, ERR_VERSION when a newer nabla wrote it
 */
export function* readModel(op: string, name: string, source: ByteSource): Flow<StoredModel> {
  const errors = new FileErrors(op, name);
  const first = new Uint8Array(Math.min(source.size, lengthBytes));
  yield* source.read(first, 0);
  const other = foreignFormat(first, source.size);
  if (other !== undefined) throw errors.notAModel(`it is ${other}`);
  const invalid = (text: string): NablaError => new NablaError('ERR_FORMAT', `[${op}] ${brief(name)} is not a valid safetensors file: ${text}`);
  const start = headerLength(first, source.size, invalid);
  const header = new Uint8Array(start - lengthBytes);
  yield* source.read(header, lengthBytes);
  const { entries, metadata } = parseLayout(header, source.size - start, invalid);
  const format = metadata.get('format');
  if (format !== 'nabla-model') {
    const some = entries.slice(0, 3).map((t) => show(t.name)).join(', ');
    throw errors.notAModel(`it is a safetensors file without a nabla model: its metadata has format ${show(format)}${some === '' ? '' : `, its tensors are ${some}${entries.length > 3 ? ', ...' : ''}`}; readSafetensors reads it`);
  }
  return describe(errors, metadata, entries.map((entry) => lazyTensor(errors, entry, start, source)));
}

function describe(errors: FileErrors, metadata: ReadonlyMap<string, string>, all: readonly LazyTensor[]): StoredModel {
  const field = (key: string): string => {
    const value = metadata.get(key);
    if (value === undefined) throw errors.damaged(`Expected ${key} in its metadata, received nothing.`);
    return value;
  };
  const wholeNumber = (key: string): number => {
    const text = field(key);
    if (!/^\d{1,9}$/.test(text)) throw errors.damaged(`Expected a whole number for ${key}, received ${show(text)}.`);
    return Number(text);
  };
  const fileVersion = wholeNumber('formatVersion');
  if (fileVersion > modelFormatVersion) {
    const writer = metadata.get('nablaVersion');
    throw new NablaError(
      'ERR_VERSION',
      `[${errors.op}] ${brief(errors.name)} was written by a newer nabla${writer === undefined ? '' : ` (${brief(writer)})`}. Expected formatVersion ${modelFormatVersion} or lower, received ${fileVersion}; update with npm install nabla@latest.`,
    );
  }
  if (fileVersion < 1) throw errors.damaged(`Expected formatVersion 1 or higher, received ${fileVersion}.`);
  const classNames = metadata.get('classNames');
  const metrics = metadata.get('metrics');
  const optimizer = metadata.get('optimizer');
  const extra = metadata.get('extra');
  const parted = optimizer === undefined ? { tensors: all } : decodeOptimizer(errors.parse('optimizer', optimizer), all, (text) => errors.damaged(text));
  return {
    config: errors.parse('spec', field('spec')),
    ...parted,
    nablaVersion: field('nablaVersion'),
    numericsVersion: wholeNumber('numericsVersion'),
    ...(classNames === undefined ? {} : { classNames: decodeClassNames(errors, classNames) }),
    ...(extra === undefined ? {} : { extra: decodeExtra(errors, extra) }),
    ...(metrics === undefined ? {} : { metrics: decodeMetrics(errors, metrics) }),
  };
}

/** Numbers that are read when they are taken: into their own array at once, and looked through piece by piece. */
function lazyTensor(errors: FileErrors, { name, shape, dtype: stored, begin, end }: Entry, start: number, source: ByteSource): LazyTensor {
  if (stored !== 'F32' && stored !== 'F64') throw errors.damaged(`Expected F32 or F64 for ${show(name)}, received ${stored}.`);
  const width = sizes[stored];
  const own: DType = stored === 'F64' ? 'float64' : 'float32';
  return {
    name, shape, size: (end - begin) / width, dtype: own,
    *take(op, label) {
      const values = floatArray(own, (end - begin) / width);
      for (let at = 0; at < values.length; at += takenAtOnce) {
        const part = values.subarray(at, at + takenAtOnce);
        const bytes = new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
        yield* source.read(bytes, start + begin + at * width);
        if (!hostIsLittleEndian) swapBytes(bytes, width);
        checkAllFinite(op, label, part, at);
      }
      return values;
    },
  };
}

/** Errors that name the file. */
class FileErrors {
  readonly op: string;
  readonly name: string;

  constructor(op: string, name: string) {
    this.op = op;
    this.name = name;
  }
  damaged(text: string, cause?: unknown): NablaError {
    return new NablaError('ERR_FORMAT', `[${this.op}] ${brief(this.name)} is a damaged model file. ${text}`, { cause });
  }
  notAModel(what: string): NablaError {
    return new NablaError('ERR_FORMAT', `[${this.op}] ${brief(this.name)} is not a nabla model: ${what}. Expected a file written by model.save.`);
  }
  parse(key: string, text: string): unknown {
    try {
      return JSON.parse(text);
    } catch (error) {
      throw this.damaged(`Expected JSON for ${key} in its metadata, received ${show(text)}.`, error);
    }
  }
}

/** JSON has no NaN and no infinities: they are written as text. */
function encodeMetrics(metrics: Readonly<Record<string, number>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(metrics).map(([key, value]) => [key, Number.isFinite(value) ? value : String(value)])));
}

function decodeMetrics(errors: FileErrors, text: string): Record<string, number> {
  const value = errors.parse('metrics', text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw errors.damaged(`Expected an object of numbers for metrics, received ${show(value)}.`);
  return Object.fromEntries(
    Object.entries(value).map(([key, metric]: [string, unknown]) => {
      if (typeof metric === 'number') return [key, metric];
      if (metric === 'NaN' || metric === 'Infinity' || metric === '-Infinity') return [key, Number(metric)];
      throw errors.damaged(`Expected a number for the metric ${show(key)}, received ${show(metric)}.`);
    }),
  );
}

function decodeExtra(errors: FileErrors, text: string): JsonValue {
  try {
    return checkJson(errors.op, 'extra', errors.parse('extra', text));
  } catch (error) {
    throw error instanceof NablaError && error.code !== 'ERR_FORMAT' ? errors.damaged('Expected extra in its metadata to keep to its limits.', error) : error;
  }
}

function decodeClassNames(errors: FileErrors, text: string): string[] {
  const value = errors.parse('classNames', text);
  if (!Array.isArray(value) || !value.every((item: unknown): item is string => typeof item === 'string')) throw errors.damaged(`Expected a list of text for classNames, received ${show(value)}.`);
  return value;
}

/** What people are likely to hand over by mistake, by its first bytes; undefined where it may be safetensors. */
function foreignFormat(first: Uint8Array, size: number): string | undefined {
  if (size === 0) return 'empty';
  const start = String.fromCharCode(...first);
  if (start.startsWith('PK\x03\x04') || start.startsWith('PK\x05\x06')) return 'a ZIP archive (NPZ, Keras 3 or PyTorch)';
  if (start.startsWith('\x89HDF')) return 'an HDF5 file (Keras)';
  if (start.startsWith('\x93NUMPY')) return 'a NumPy array (.npy)';
  if (start.startsWith('\x1f\x8b')) return 'gzip data; unpack it first';
  // A safetensors header that long would have to be larger than the format allows.
  if (/^\s*[[{]/.test(start) && size >= 8 && start.charCodeAt(7) !== 0) return 'JSON text';
  return undefined;
}
