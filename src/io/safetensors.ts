// safetensors: 8 bytes little-endian length, a JSON header, the tensors' bytes without gaps.
// Format: https://github.com/huggingface/safetensors#format
import { checkBytes, checkDimensions, checkList, checkName, checkObject, checkOptions } from '../base/checks.js';
import { brief, NablaError, show, showList } from '../base/errors.js';
import { writeFileAtomic } from './atomic-write.js';
import { hostIsLittleEndian, swapBytes } from './byte-order.js';
import { readBytes, toPath, type PathLike } from './files.js';
import { checkText, count, dtypes, headerLength, isDtype, lengthBytes, maxDimensions, maxHeader, parseLayout, sizes, type Entry, type SafetensorsDtype } from './safetensors-header.js';

export type { SafetensorsDtype } from './safetensors-header.js';

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

/**
 * Reads a safetensors file whole.
 * @param path file  @param options what 16-bit floats become
 * @throws ERR_FILE when it cannot be read, ERR_FORMAT when it breaks any rule of the format
 * @example const { tensors, metadata } = await readSafetensors('model.safetensors');
 */
export async function readSafetensors(path: PathLike, options: SafetensorsOptions = {}): Promise<SafetensorsFile> {
  const op = 'readSafetensors';
  const half = checkHalf(op, options);
  return decodeFile(op, await readBytes(op, path), toPath(op, path), half);
}

/**
 * Writes a safetensors file in one piece: it is the old or the new one, never a part.
 * @param path file  @param tensors in the order to write them  @param metadata free text by key
 * @throws ERR_FILE, and what encodeSafetensors throws
 */
export async function writeSafetensors(path: PathLike, tensors: readonly SafetensorsTensor[], metadata: ReadonlyMap<string, string> = new Map()): Promise<void> {
  await writeFileAtomic('writeSafetensors', path, safetensorsBytes('writeSafetensors', tensors, metadata));
}

/**
 * Decodes the bytes of a safetensors file. Every rule of the format is checked before a tensor is made.
 * @param bytes the whole file; not changed and not kept  @param name what errors call it  @param options what 16-bit floats become
 * @throws ERR_TYPE, ERR_OPTION, ERR_FORMAT
 */
export function parseSafetensors(bytes: Uint8Array, name = 'the bytes', options: SafetensorsOptions = {}): SafetensorsFile {
  const op = 'parseSafetensors';
  checkBytes(op, bytes, name);
  return decodeFile(op, bytes, name, checkHalf(op, options));
}

function checkHalf(op: string, options: SafetensorsOptions): 'bits' | 'float32' {
  checkOptions(op, options, ['half']);
  return checkName(op, 'form of 16-bit floats (half)', options.half ?? 'bits', ['bits', 'float32']);
}

function decodeFile(op: string, bytes: Uint8Array, name: string, half: 'bits' | 'float32'): SafetensorsFile {
  const fail = (text: string): NablaError => new NablaError('ERR_FORMAT', `[${op}] ${brief(name)} is not a valid safetensors file: ${text}`);
  const start = headerLength(bytes, bytes.length, fail);
  const { entries, metadata } = parseLayout(bytes.subarray(lengthBytes, start), bytes.length - start, fail);
  return { metadata, tensors: entries.map((entry) => ({ name: entry.name, dtype: entry.dtype, shape: entry.shape, data: decode(entry, bytes.subarray(start), half) })) };
}

/**
 * Encodes a safetensors file. The same tensors and metadata, in the same order, give the same bytes.
 * @param tensors names, types, shapes, data; F16 and BF16 as Uint16Array  @param metadata free text by key
 * @returns pieces to be written one after the other
 * @throws ERR_TYPE, ERR_SHAPE or ERR_OPTION for what the format cannot hold
 */
export function encodeSafetensors(tensors: readonly SafetensorsTensor[], metadata: ReadonlyMap<string, string> = new Map()): Uint8Array[] {
  return safetensorsBytes('encodeSafetensors', tensors, metadata);
}

/** encodeSafetensors. @param op the public function, named in errors */
export function safetensorsBytes(op: string, tensors: readonly SafetensorsTensor[], metadata: ReadonlyMap<string, string>): Uint8Array[] {
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
    if (shape.length > maxDimensions) throw new NablaError('ERR_SHAPE', `[${op}] a shape has a limit. Expected at most ${maxDimensions} dimensions for ${show(name)}, received ${shape.length}.`);
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

