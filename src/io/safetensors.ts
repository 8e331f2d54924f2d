// safetensors: 8 bytes little-endian length, a JSON header, the tensors' bytes without gaps.
// Format: https://github.com/huggingface/safetensors#format
import { NablaError, show, showList } from '../errors.js';
import { checkBytes, checkDimensions, checkList, checkObject, checkOptions } from '../model/checks.js';
import { hostIsLittleEndian, swapBytes } from './byte-order.js';
import { writeFileAtomic } from './atomic-write.js';
import { readBytes, toPath, type PathLike } from './files.js';
import { looseJson } from './strict-json.js';

/** Element types of the format. */
export type SafetensorsDtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'U64' | 'I32' | 'U32' | 'I16' | 'U16' | 'I8' | 'U8' | 'BOOL';
/** F16 and BF16 are Uint16Array (their bits) or, where asked for, Float32Array; BOOL is Uint8Array. */
export type SafetensorsData =
  | Float64Array | Float32Array | BigInt64Array | BigUint64Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;

export interface SafetensorsTensor {
  readonly name: string;
  readonly dtype: SafetensorsDtype;
  /** Row-major; [] is a single number. */
  readonly shape: readonly number[];
  readonly data: SafetensorsData;
}
export interface SafetensorsFile {
  /** In the order of their bytes in the file. */
  readonly tensors: readonly SafetensorsTensor[];
  /** Free text by key. */
  readonly metadata: ReadonlyMap<string, string>;
}
export interface SafetensorsOptions {
  /** What F16 and BF16 become: 'bits' (default) the 16 bits of each element, which write back unchanged; 'float32' their exact values. */
  readonly half?: 'bits' | 'float32';
}

const sizes: Readonly<Record<SafetensorsDtype, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, U64: 8, I32: 4, U32: 4, I16: 2, U16: 2, I8: 1, U8: 1, BOOL: 1 };
const dtypes = Object.keys(sizes).join(', ');
/** The format's own limit. */
const maxHeader = 100_000_000;

interface Entry { readonly name: string; readonly dtype: SafetensorsDtype; readonly shape: readonly number[]; readonly begin: number; readonly end: number }

/**
 * Reads a safetensors file whole.
 * @param path file  @param options what 16-bit floats become
 * @throws ERR_FILE when it cannot be read, ERR_FORMAT when it breaks any rule of the format
 * @example const { tensors, metadata } = await readSafetensors('model.safetensors');
 */
export async function readSafetensors(path: PathLike, options: SafetensorsOptions = {}): Promise<SafetensorsFile> {
  return parseSafetensors(await readBytes('readSafetensors', path), toPath('readSafetensors', path), options);
}

/**
 * Writes a safetensors file in one piece: it is the old or the new one, never a part.
 * @param path file  @param tensors in the order to write them  @param metadata free text by key
 * @throws ERR_FILE, and what encodeSafetensors throws
 */
export async function writeSafetensors(path: PathLike, tensors: readonly SafetensorsTensor[], metadata: ReadonlyMap<string, string> = new Map()): Promise<void> {
  await writeFileAtomic('writeSafetensors', path, encodeSafetensors(tensors, metadata));
}

/**
 * Decodes the bytes of a safetensors file. Every rule of the format is checked before a tensor is made.
 * @param bytes the whole file; not changed and not kept  @param name what errors call it  @param options what 16-bit floats become
 * @throws ERR_TYPE, ERR_OPTION, ERR_FORMAT
 */
export function parseSafetensors(bytes: Uint8Array, name = 'the bytes', options: SafetensorsOptions = {}): SafetensorsFile {
  checkBytes('parseSafetensors', bytes, name);
  checkOptions('parseSafetensors', options, ['half']);
  const half = options.half ?? 'bits';
  if (half !== 'bits' && half !== 'float32') throw new NablaError('ERR_OPTION', `[parseSafetensors] unknown form of 16-bit floats. Expected 'bits' or 'float32' for half, received ${show(half)}.`);
  const fail = (text: string): NablaError => new NablaError('ERR_FORMAT', `[parseSafetensors] ${name} is not a valid safetensors file: ${text}`);
  const { header, start } = parseHeader(bytes, fail);
  const metadata = new Map<string, string>();
  const entries: Entry[] = [];
  for (const [key, value] of Object.entries(header)) {
    checkText(key, fail);
    if (key !== '__metadata__') {
      entries.push(parseEntry(key, value, fail));
      continue;
    }
    if (!isObject(value)) throw fail(`__metadata__ is a map of text. Expected an object, received ${show(value)}.`);
    for (const [k, text] of Object.entries(value)) {
      if (typeof text !== 'string') throw fail(`__metadata__ is a map of text. Expected text for ${show(k)}, received ${show(text)}.`);
      checkText(k, fail);
      checkText(text, fail);
      metadata.set(k, text);
    }
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end) {
      throw fail(`tensors lie side by side without ${entry.begin > end ? 'holes' : 'overlap'}. Expected ${show(entry.name)} to begin at ${end}, received ${entry.begin}.`);
    }
    end = entry.end;
  }
  const received = bytes.length - start;
  if (received !== end) throw fail(`the data ${received < end ? 'is cut short' : 'has bytes that belong to no tensor'}. Expected ${end} bytes after the header, received ${received}.`);
  return { metadata, tensors: entries.map((entry) => ({ name: entry.name, dtype: entry.dtype, shape: entry.shape, data: decode(entry, bytes.subarray(start), half) })) };
}

/**
 * Encodes a safetensors file. The same tensors and metadata, in the same order, give the same bytes.
 * @param tensors names, types, shapes, data; F16 and BF16 as Uint16Array  @param metadata free text by key
 * @returns pieces to be written one after the other
 * @throws ERR_TYPE, ERR_SHAPE or ERR_OPTION for what the format cannot hold
 */
export function encodeSafetensors(tensors: readonly SafetensorsTensor[], metadata: ReadonlyMap<string, string> = new Map()): Uint8Array[] {
  const op = 'encodeSafetensors';
  const list = checkList(op, 'tensors', tensors);
  list.forEach((tensor, i) => { checkObject(op, `tensors[${i}]`, tensor, 'name, dtype, shape, data'); });
  if (!(metadata instanceof Map)) throw new NablaError('ERR_TYPE', `[${op}] metadata is text by key. Expected a Map for metadata, received ${show(metadata)}.`);
  const bad = (text: string): NablaError => new NablaError('ERR_TYPE', `[${op}] the header holds well-formed text: ${text}`);
  const fields: string[] = [];
  if (metadata.size > 0) {
    const pairs = [...metadata].map(([key, value]) => {
      if (typeof key !== 'string' || typeof value !== 'string') throw new NablaError('ERR_TYPE', `[${op}] metadata is text. Expected a string for ${show(key)}, received ${show(value)}.`);
      checkText(key, bad);
      checkText(value, bad);
      return `${JSON.stringify(key)}:${JSON.stringify(value)}`;
    });
    fields.push(`"__metadata__":{${pairs.join(',')}}`);
  }
  const names = new Set<string>(['__metadata__']);
  const pieces: Uint8Array[] = [];
  let offset = 0;
  for (const { name, dtype, shape: given, data } of tensors) {
    if (typeof name !== 'string' || names.has(name)) throw new NablaError('ERR_OPTION', `[${op}] every tensor has a name of its own. Expected a name not used before, received ${show(name)}.`);
    names.add(name);
    checkText(name, bad);
    if (!isDtype(dtype) || !(data instanceof arrayOf(dtype))) {
      throw new NablaError('ERR_TYPE', `[${op}] the data has the type that dtype says. Expected ${isDtype(dtype) ? arrayOf(dtype).name : `a dtype out of ${dtypes}`} for ${show(name)}, received ${isDtype(dtype) ? show(data) : show(dtype)}.`);
    }
    const shape = checkDimensions(op, given);
    if (count(shape) !== BigInt(data.length)) {
      throw new NablaError('ERR_SHAPE', `[${op}] the shape fits the data. Expected the product of [${showList(shape)}] to be the length of ${show(name)}, received ${data.length}.`);
    }
    fields.push(`${JSON.stringify(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${offset},${offset + data.byteLength}]}`);
    offset += data.byteLength;
    let piece = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    if (!hostIsLittleEndian) {
      piece = piece.slice();
      swapBytes(piece, sizes[dtype]);
    }
    pieces.push(piece);
  }
  const text = new TextEncoder().encode(`{${fields.join(',')}}`);
  // Blanks bring the first tensor to a multiple of eight bytes, so that readers can map it into memory.
  const length = Math.ceil(text.length / 8) * 8;
  if (length > maxHeader) throw new NablaError('ERR_RANGE', `[${op}] the header has a limit. Expected at most ${maxHeader} bytes of names and metadata, received ${length}.`);
  const head = new Uint8Array(8 + length).fill(0x20);
  new DataView(head.buffer).setBigUint64(0, BigInt(length), true);
  head.set(text, 8);
  return [head, ...pieces];
}

type Fail = (text: string) => NablaError;

function parseHeader(bytes: Uint8Array, fail: Fail): { header: object; start: number } {
  if (bytes.length < 8) throw fail(bytes.length === 0 ? 'it is empty.' : `it is too short. Expected at least 8 bytes, received ${bytes.length}.`);
  const length = new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
  if (length > BigInt(maxHeader)) throw fail(`its header is too long. Expected at most ${maxHeader} bytes, received ${length}.`);
  const start = 8 + Number(length);
  if (start > bytes.length) throw fail(`it ends inside its header. Expected ${start} bytes or more, received ${bytes.length}.`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes.subarray(8, start));
  } catch {
    throw fail('its header is not UTF-8.');
  }
  if (!text.startsWith('{')) throw fail(`its header begins with a brace. Expected "{", received ${show(text.slice(0, 1))}.`);
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw fail(`its header is not JSON (${error instanceof Error ? error.message : String(error)}).`);
  }
  if (!isObject(header)) throw fail('its header is no JSON object.');
  const loose = looseJson(text);
  if (loose !== undefined) throw fail(`in its header ${loose}.`);
  return { header, start };
}

function parseEntry(name: string, value: unknown, fail: Fail): Entry {
  if (!isObject(value)) throw fail(`a tensor is described by an object. Expected { dtype, shape, data_offsets } for ${show(name)}, received ${show(value)}.`);
  const described: { readonly dtype?: unknown; readonly shape?: unknown; readonly data_offsets?: unknown } = value;
  const { dtype, shape, data_offsets: offsets } = described;
  if (!isDtype(dtype)) throw fail(`unknown dtype. Expected one of ${dtypes} for ${show(name)}, received ${show(dtype)}.`);
  if (!isCounts(shape)) throw fail(`a shape is a list of whole numbers. Expected such a list for the shape of ${show(name)}, received ${show(shape)}.`);
  if (!isCounts(offsets) || offsets.length !== 2) throw fail(`data_offsets are two whole numbers up to 2^53-1. Expected [begin, end] for ${show(name)}, received ${show(offsets)}.`);
  const [begin = 0, end = 0] = offsets;
  if (end < begin) throw fail(`a tensor ends after it begins. Expected data_offsets in ascending order for ${show(name)}, received [${begin}, ${end}].`);
  const needed = count(shape) * BigInt(sizes[dtype]);
  if (needed !== BigInt(end - begin)) throw fail(`data_offsets fit the shape. Expected ${needed} bytes for ${show(name)}, ${dtype} of shape [${showList(shape)}], received ${end - begin}.`);
  return { name, dtype, shape, begin, end };
}

function decode(entry: Entry, data: Uint8Array, half: 'bits' | 'float32'): SafetensorsData {
  // Copied: offsets need not be aligned, and the file's buffer is free to go.
  const bytes = new Uint8Array(entry.end - entry.begin);
  bytes.set(data.subarray(entry.begin, entry.end));
  if (!hostIsLittleEndian) swapBytes(bytes, sizes[entry.dtype]);
  const array = new (arrayOf(entry.dtype))(bytes.buffer);
  if (half === 'bits' || !(array instanceof Uint16Array)) return array;
  if (entry.dtype === 'BF16') {
    const values = new Float32Array(array.length);
    const bits = new Uint32Array(values.buffer);
    array.forEach((v, i) => (bits[i] = v * 0x10000));
    return values;
  }
  return entry.dtype === 'F16' ? Float32Array.from(array, halfToNumber) : array;
}

/** The value of an IEEE half-precision number given by its bits; every one is exact in single precision. */
export function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function arrayOf(dtype: SafetensorsDtype) {
  switch (dtype) {
    case 'F64':
      return Float64Array;
    case 'F32':
      return Float32Array;
    case 'I64':
      return BigInt64Array;
    case 'U64':
      return BigUint64Array;
    case 'I32':
      return Int32Array;
    case 'U32':
      return Uint32Array;
    case 'I16':
      return Int16Array;
    case 'F16':
    case 'BF16':
    case 'U16':
      return Uint16Array;
    case 'I8':
      return Int8Array;
    case 'U8':
    case 'BOOL':
      return Uint8Array;
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isDtype(value: unknown): value is SafetensorsDtype {
  return typeof value === 'string' && Object.hasOwn(sizes, value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n: unknown) => Number.isSafeInteger(n) && Number(n) >= 0);
}

/** Half of a surrogate pair has no UTF-8 form. */
function checkText(text: string, fail: Fail): void {
  if (/\p{Surrogate}/u.test(text)) throw fail(`${show(text)} is not well-formed Unicode.`);
}

function count(shape: readonly number[]): bigint {
  return shape.reduce((p, d) => p * BigInt(d), 1n);
}
