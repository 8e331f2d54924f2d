// NumPy's array file (.npy): magic, version, a Python dictionary as header, the elements.
// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { checkBytes, checkDimensions, checkObject } from '../base/checks.js';
import { brief, NablaError, show, showList } from '../base/errors.js';
import { writeFileAtomic } from './atomic-write.js';
import { hostIsLittleEndian, swapBytes } from './byte-order.js';
import { readBytes, toPath, type PathLike } from './files.js';
import { parseNpyHeader } from './npy-header.js';
import { halfToNumber } from './safetensors.js';
import { countText, elementCount } from './shapes.js';

export type NpyDtype = 'float64' | 'float32' | 'float16' | 'int64' | 'uint64' | 'int32' | 'uint32' | 'int16' | 'uint16' | 'int8' | 'uint8' | 'bool';
/** float16 comes as Float32Array (exact), bool as Uint8Array. */
export type NpyData = Float64Array | Float32Array | BigInt64Array | BigUint64Array | Int32Array | Uint32Array | Int16Array | Uint16Array | Int8Array | Uint8Array;

export interface NpyArray {
  /** Type of the elements in the file. */
  readonly dtype: NpyDtype;
  /** [] is a single number. */
  readonly shape: readonly number[];
  /** Row-major, whatever order the file has. */
  readonly data: NpyData;
}
/** What can be written: the typed array decides the type. */
export type NpyInput = Pick<NpyArray, 'shape' | 'data'>;

interface Kind { readonly dtype: NpyDtype; readonly size: number; readonly code: string }
const kinds: readonly Kind[] = [
  { dtype: 'float64', size: 8, code: 'f8' },
  { dtype: 'float32', size: 4, code: 'f4' },
  { dtype: 'float16', size: 2, code: 'f2' },
  { dtype: 'int64', size: 8, code: 'i8' },
  { dtype: 'uint64', size: 8, code: 'u8' },
  { dtype: 'int32', size: 4, code: 'i4' },
  { dtype: 'uint32', size: 4, code: 'u4' },
  { dtype: 'int16', size: 2, code: 'i2' },
  { dtype: 'uint16', size: 2, code: 'u2' },
  { dtype: 'int8', size: 1, code: 'i1' },
  { dtype: 'uint8', size: 1, code: 'u1' },
  { dtype: 'bool', size: 1, code: 'b1' },
];
/** NumPy's own limit. */
const maxRank = 64;
const magic = Uint8Array.of(0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59);

/**
 * Reads a .npy file: versions 1 to 3, both orders, both byte orders, real numbers and bool.
 * @throws ERR_FILE when it cannot be read, ERR_FORMAT when it is malformed or holds objects, structures, complex numbers, dates or text
 * @example const { shape, data } = await readNpy('W1.npy');
 */
export async function readNpy(path: PathLike): Promise<NpyArray> {
  return decodeNpy('readNpy', await readBytes('readNpy', path), toPath('readNpy', path));
}

/** Writes a .npy file, version 1.0, little-endian, row-major, in one piece. @throws ERR_FILE, ERR_TYPE, ERR_SHAPE */
export async function writeNpy(path: PathLike, array: NpyInput): Promise<void> {
  await writeFileAtomic('writeNpy', path, npyBytes('writeNpy', array));
}

/** Decodes the bytes of a .npy file. @param bytes not changed and not kept  @param name what errors call them  @throws ERR_TYPE, ERR_FORMAT */
export function parseNpy(bytes: Uint8Array, name = 'the bytes'): NpyArray {
  return decodeNpy('parseNpy', bytes, name);
}

/** parseNpy for any caller. @param op named in errors */
export function decodeNpy(op: string, bytes: Uint8Array, name: string): NpyArray {
  checkBytes(op, bytes, name);
  const fail = (text: string): NablaError => new NablaError('ERR_FORMAT', `[${op}] ${brief(name)} is not a valid .npy file: ${text}`);
  if (bytes.length < 10) throw fail(bytes.length === 0 ? 'it is empty.' : `it is too short. Expected at least 10 bytes, received ${bytes.length}.`);
  if (!magic.every((byte, i) => bytes[i] === byte)) throw fail('it does not begin with the magic string \\x93NUMPY.');
  const [major, minor] = [bytes[6], bytes[7]];
  if (![1, 2, 3].includes(major) || minor !== 0) throw fail(`unknown version. Expected 1.0, 2.0 or 3.0, received ${major}.${minor}.`);
  const start = major === 1 ? 10 : 12;
  if (bytes.length < start) throw fail('it ends inside its header.');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const end = start + (major === 1 ? view.getUint16(8, true) : view.getUint32(8, true));
  if (end > bytes.length) throw fail(`it ends inside its header. Expected ${end - start} bytes of header, received ${bytes.length - start}.`);
  const header = parseNpyHeader(headerText(bytes.subarray(start, end), major === 3, fail), fail);
  const { kind, bigEndian } = parseDescr(header.descr, fail);
  if (header.shape.length > maxRank) throw fail(`an array has a limited number of dimensions, as in NumPy. Expected at most ${maxRank}, received ${header.shape.length}.`);
  const needed = elementCount(header.shape) * kind.size;
  if (needed !== bytes.length - end) {
    throw fail(`${needed > bytes.length - end ? 'it is cut short' : 'it has trailing bytes'}. Expected ${countText(needed)} bytes for shape (${showList(header.shape)}) of ${kind.dtype}, received ${bytes.length - end}.`);
  }
  const copy = new Uint8Array(bytes.length - end);
  copy.set(bytes.subarray(end));
  if (bigEndian === hostIsLittleEndian) swapBytes(copy, kind.size);
  const data = view64(kind.dtype, copy.buffer);
  return { dtype: kind.dtype, shape: header.shape, data: header.fortranOrder ? rowMajor(data, header.shape) : data };
}

/** Encodes a .npy file, as numpy.save would write it. @throws ERR_TYPE, ERR_SHAPE */
export function encodeNpy(array: NpyInput): Uint8Array {
  return npyBytes('encodeNpy', array);
}

/** encodeNpy. @param op the public function, named in errors */
export function npyBytes(op: string, array: NpyInput): Uint8Array {
  checkObject(op, 'array', array, 'shape, data');
  const { data } = array;
  const shape = checkDimensions(op, array.shape);
  const kind = kinds.find((k) => k.dtype === dtypeOf(data));
  if (kind === undefined) throw new NablaError('ERR_TYPE', `[${op}] the numbers lie in one typed array. Expected Float64Array, Float32Array or one of whole numbers for data, received ${show(data)}.`);
  if (shape.length > maxRank) throw new NablaError('ERR_SHAPE', `[${op}] an array has a limited number of dimensions, as in NumPy. Expected at most ${maxRank} for shape, received ${shape.length}.`);
  if (elementCount(shape) !== data.length) {
    throw new NablaError('ERR_SHAPE', `[${op}] the shape fits the data. Expected the product of [${showList(shape)}] to be its length, received ${data.length}.`);
  }
  const descr = `${kind.size === 1 ? '|' : '<'}${kind.code}`;
  const dimensions = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${dimensions}), }`;
  // Blanks bring the data to a multiple of 64 bytes.
  const start = 10;
  const end = Math.ceil((start + text.length + 1) / 64) * 64;
  const bytes = new Uint8Array(end + data.byteLength).fill(0x20, start, end);
  bytes.set(magic);
  bytes[6] = 1;
  new DataView(bytes.buffer).setUint16(8, end - start, true);
  bytes.set(new TextEncoder().encode(text), start);
  bytes[end - 1] = 0x0a;
  bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), end);
  if (!hostIsLittleEndian) swapBytes(bytes.subarray(end), kind.size);
  return bytes;
}

function headerText(bytes: Uint8Array, utf8: boolean, fail: (text: string) => NablaError): string {
  try {
    return new TextDecoder(utf8 ? 'utf-8' : 'latin1', { fatal: true }).decode(bytes);
  } catch {
    throw fail('its header is not UTF-8.');
  }
}

function parseDescr(descr: string, fail: (text: string) => NablaError): { kind: Kind; bigEndian: boolean } {
  // '=' and none: the order of the machine that reads, as in NumPy; '|': there is none to tell.
  const [, order = '', code = ''] = /^([<>=|]?)(\w+)$/.exec(descr) ?? [];
  const kind = kinds.find((k) => k.code === code);
  if (kind !== undefined && (order !== '|' || kind.size === 1)) return { kind, bigEndian: order === '<' ? false : order === '>' || !hostIsLittleEndian };
  const letter = /^[<>|=]?([a-zA-Z])/.exec(descr)?.[1] ?? '';
  const meaning: Readonly<Record<string, string>> = {
    O: 'Python objects, which only Python can read and which may run code', c: 'complex numbers', M: 'dates', m: 'time spans', S: 'text', a: 'text', U: 'text', V: 'raw records',
  };
  const what = meaning[letter];
  throw fail(`${what === undefined ? 'unknown type' : `it holds ${what}`}. Expected real numbers (${kinds.map((k) => k.dtype).join(', ')}) for descr, received ${show(descr)}.`);
}

function view64(dtype: NpyDtype, buffer: ArrayBuffer): NpyData {
  switch (dtype) {
    case 'float64':
      return new Float64Array(buffer);
    case 'float32':
      return new Float32Array(buffer);
    case 'float16':
      return Float32Array.from(new Uint16Array(buffer), halfToNumber);
    case 'int64':
      return new BigInt64Array(buffer);
    case 'uint64':
      return new BigUint64Array(buffer);
    case 'int32':
      return new Int32Array(buffer);
    case 'uint32':
      return new Uint32Array(buffer);
    case 'int16':
      return new Int16Array(buffer);
    case 'uint16':
      return new Uint16Array(buffer);
    case 'int8':
      return new Int8Array(buffer);
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer);
  }
}

/** Reorders elements whose first index runs fastest. */
function rowMajor(data: NpyData, shape: readonly number[]): NpyData {
  const to = data.slice();
  if (shape.length < 2 || data.length === 0) return to;
  const steps: number[] = [];
  shape.reduce((step, d) => (steps.push(step), step * d), 1);
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let i = 0; i < to.length; i++) {
    to[i] = data[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const [step, size] = [steps[axis] ?? 0, shape[axis] ?? 1];
      index[axis] = (index[axis] ?? 0) + 1;
      from += step;
      if ((index[axis] ?? 0) < size) break;
      index[axis] = 0;
      from -= step * size;
    }
  }
  return to;
}

function dtypeOf(data: unknown): NpyDtype | undefined {
  if (data instanceof Float64Array) return 'float64';
  if (data instanceof Float32Array) return 'float32';
  if (data instanceof BigInt64Array) return 'int64';
  if (data instanceof BigUint64Array) return 'uint64';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Uint32Array) return 'uint32';
  if (data instanceof Int16Array) return 'int16';
  if (data instanceof Uint16Array) return 'uint16';
  if (data instanceof Int8Array) return 'int8';
  return data instanceof Uint8Array ? 'uint8' : undefined;
}
