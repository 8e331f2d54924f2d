// IDX, the file format of MNIST: two zero bytes, element type, rank, big-endian dimensions, big-endian elements.
// http://yann.lecun.com/exdb/mnist/ describes it.
import { checkBytes, checkDimensions, checkObject, checkOptions, checkText, checkTexts } from '../base/checks.js';
import { brief, NablaError, show, showList } from '../base/errors.js';
import { hostIsLittleEndian, swapBytes } from '../io/byte-order.js';
import { readBytes, toPath, type PathLike } from '../io/files.js';
import { countText, elementCount } from '../io/shapes.js';
import { unpackLimit } from '../io/unpack-limit.js';
import { ArrayDataset } from './array-dataset.js';
import { exceedsGzip, gunzip, gunzipStart, isGzip, tooMuch } from './gzip.js';

export type IdxType = 'uint8' | 'int8' | 'int16' | 'int32' | 'float32' | 'float64';
export type IdxData = Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;

/** What an IDX file holds. */
export interface IdxArray {
  readonly type: IdxType;
  readonly shape: readonly number[];
  /** Row-major, in the file's own type. */
  readonly data: IdxData;
}

/** Where the pictures and labels of a set lie. */
export interface IdxFiles {
  /** Rank 2 or more, first dimension = number of samples. */
  readonly images: PathLike;
  /** Rank 1, whole numbers from 0. */
  readonly labels: PathLike;
  /** Number of classes: a label that is not below it is an error. Default: length of `classNames`, else no upper limit. */
  readonly classes?: number;
  readonly classNames?: readonly string[];
  /** Name of the set, for people. Default: the image file's path. */
  readonly name?: string;
  /** As for readIdx, for each of the two files. */
  readonly maxBytes?: number;
}
export interface IdxReadOptions {
  /** Bytes that a gzip file may unpack to: more is ERR_MEMORY before they are unpacked. Default: a quarter of the machine's (or the cgroup's) memory. */
  readonly maxBytes?: number;
}

interface TypeInfo { readonly type: IdxType; readonly code: number; readonly bytes: number }
const types: readonly TypeInfo[] = [
  { type: 'uint8', code: 0x08, bytes: 1 },
  { type: 'int8', code: 0x09, bytes: 1 },
  { type: 'int16', code: 0x0b, bytes: 2 },
  { type: 'int32', code: 0x0c, bytes: 4 },
  { type: 'float32', code: 0x0d, bytes: 4 },
  { type: 'float64', code: 0x0e, bytes: 8 },
];

/** A buffer of every supported Node can hold this much: 4 GiB, with room for the header. */
const maxBytes = 2 ** 32 - 2048;

interface Header { readonly info: TypeInfo; readonly shape: readonly number[]; readonly offset: number; readonly dataBytes: number }

/**
 * Reads an IDX file, plain or gzip (recognised by content, not by name).
 * @param path file  @param options a limit on what gzip data unpack to
 * @returns element type, shape and data
 * @throws ERR_FILE when it cannot be read, ERR_FORMAT when it is malformed, ERR_MEMORY above maxBytes
 * @example const { shape, data } = await readIdx('train-images-idx3-ubyte.gz'); // [60000, 28, 28]
 */
export async function readIdx(path: PathLike, options: IdxReadOptions = {}): Promise<IdxArray> {
  const limit = readLimit('readIdx', options);
  return decode('readIdx', toPath('readIdx', path), await readBytes('readIdx', path), { copy: false, limit });
}

/**
 * Decodes the bytes of an IDX file, plain or gzip.
 * @param bytes the whole file; not changed and not kept
 * @param name what errors call it, default 'the bytes'  @param options a limit on what gzip data unpack to
 * @throws ERR_TYPE when bytes is not a Uint8Array, ERR_FORMAT when they are malformed, ERR_MEMORY above maxBytes
 */
export function parseIdx(bytes: Uint8Array, name = 'the bytes', options: IdxReadOptions = {}): IdxArray {
  const limit = readLimit('parseIdx', options);
  checkBytes('parseIdx', bytes, name);
  return decode('parseIdx', name, bytes, { copy: true, limit });
}

function readLimit(op: string, options: IdxReadOptions): number {
  checkOptions(op, options, ['maxBytes']);
  return unpackLimit(op, options.maxBytes);
}

/**
 * Encodes an IDX file.
 * @param array shape (rank 1 to 255, each dimension below 2^32) and data, whose typed array decides the element type
 * @returns the bytes of the file
 * @throws ERR_TYPE for other arrays, ERR_SHAPE when the shape does not fit the data
 */
export function encodeIdx(array: { readonly shape: readonly number[]; readonly data: IdxData }): Uint8Array {
  checkObject('encodeIdx', 'array', array, 'shape, data');
  const { data } = array;
  const shape = checkDimensions('encodeIdx', array.shape);
  const info = types.find((t) => t.type === typeOf(data));
  if (info === undefined) throw new NablaError('ERR_TYPE', `[encodeIdx] IDX has no such element type. Expected ${typeNames()} for data, received ${show(data)}.`);
  if (shape.length < 1 || shape.length > 255 || !shape.every((d) => d < 2 ** 32)) {
    throw new NablaError('ERR_SHAPE', `[encodeIdx] a shape has 1 to 255 whole dimensions from 0 to 2^32-1. Received [${showList(shape)}].`);
  }
  if (elementCount(shape) !== data.length) {
    throw new NablaError('ERR_SHAPE', `[encodeIdx] the shape must fit the data. Expected ${countText(elementCount(shape))} elements for shape [${showList(shape)}], received ${data.length}.`);
  }
  const offset = 4 + 4 * shape.length;
  const out = new Uint8Array(offset + data.length * info.bytes);
  const view = new DataView(out.buffer);
  out[2] = info.code;
  out[3] = shape.length;
  shape.forEach((d, i) => view.setUint32(4 + 4 * i, d));
  if (data instanceof Uint8Array) out.set(data, offset);
  else if (data instanceof Int8Array) new Int8Array(out.buffer, offset).set(data);
  else if (data instanceof Int16Array) data.forEach((v, i) => view.setInt16(offset + 2 * i, v));
  else if (data instanceof Int32Array) data.forEach((v, i) => view.setInt32(offset + 4 * i, v));
  else if (data instanceof Float32Array) data.forEach((v, i) => view.setFloat32(offset + 4 * i, v));
  else data.forEach((v, i) => view.setFloat64(offset + 8 * i, v));
  return out;
}

/**
 * Reads a pair of IDX files as a data set. Pictures keep their type where a network takes it (uint8, float32, float64);
 * int8 and int16 become float32, int32 becomes float64, all exactly.
 * @param files where the two files lie and how many classes there are
 * @throws ERR_FILE when a file cannot be read, ERR_FORMAT when one is malformed or the two are swapped, ERR_SHAPE when their
 * counts differ, ERR_RANGE for a label outside 0..classes-1, ERR_MEMORY above maxBytes
 * @example const set = await readIdxImagesLabels({ images: 'train-images-idx3-ubyte', labels: 'train-labels-idx1-ubyte', classes: 10 });
 */
export async function readIdxImagesLabels(files: IdxFiles): Promise<ArrayDataset> {
  const op = 'readIdxImagesLabels';
  checkOptions(op, files, ['images', 'labels', 'classes', 'classNames', 'name', 'maxBytes']);
  const classNames = files.classNames === undefined ? undefined : checkTexts(op, 'classNames', files.classNames);
  const name = files.name === undefined ? undefined : checkText(op, 'name', files.name);
  const [imagesName, labelsName] = [toPath(op, files.images), toPath(op, files.labels)];
  const limit = unpackLimit(op, files.maxBytes);
  const classes = files.classes ?? classNames?.length;
  if (classes !== undefined && (!Number.isInteger(classes) || classes < 1)) {
    throw new NablaError('ERR_RANGE', `[${op}] the number of classes is whole and positive. Expected 1 or more for classes, received ${show(classes)}.`);
  }
  const images = decode(op, imagesName, await readBytes(op, files.images), { copy: false, limit, role: 'images' });
  const labels = decode(op, labelsName, await readBytes(op, files.labels), { copy: false, limit, role: 'labels' });
  const rows = images.shape[0] ?? 0;
  if (labels.data.length !== rows) {
    throw new NablaError('ERR_SHAPE', `[${op}] every picture has one label. Expected ${rows} labels in ${brief(labelsName)} for the ${rows} pictures of ${brief(imagesName)}, received ${labels.data.length}.`);
  }
  const y = labels.data instanceof Uint8Array ? labels.data : Int32Array.from(labels.data);
  for (let i = 0; i < y.length; i++) {
    const label = y[i] ?? -1;
    if (label < 0 || (classes !== undefined && label >= classes)) {
      throw new NablaError('ERR_RANGE', `[${op}] a label names a class. Expected 0 to ${classes === undefined ? '...' : classes - 1} for label ${i} of ${brief(labelsName)}, received ${label}.`);
    }
  }
  return new ArrayDataset({
    x: inputArray(images.data),
    y,
    rows,
    sampleShape: images.shape.slice(1),
    name: name ?? imagesName,
    ...(classNames === undefined ? {} : { classNames }),
  });
}

interface DecodeOptions {
  /** The caller's own bytes: the result must not share their memory. */
  readonly copy: boolean;
  /** Bytes that gzip data may unpack to. */
  readonly limit: number;
  readonly role?: 'images' | 'labels';
}

function decode(op: string, path: string, bytes: Uint8Array, { copy, limit, role }: DecodeOptions): IdxArray {
  const name = brief(path);
  if (!isGzip(bytes)) {
    const header = parseHeader(op, name, bytes, role);
    checkLength(op, name, header, bytes.length - header.offset);
    return elements(header, bytes, copy);
  }
  const start = gunzipStart(op, name, bytes, 4 + 4 * 255) ?? gunzip(op, name, bytes, limit);
  const header = parseHeader(op, name, start, role);
  if (exceedsGzip(bytes.length, header.dataBytes)) {
    throw new NablaError('ERR_FORMAT', `[${op}] ${name} is cut short or lies about its size. Expected ${countText(header.dataBytes)} bytes of data for shape [${showList(header.shape)}], received gzip data of ${bytes.length} bytes, which cannot hold them.`);
  }
  const wanted = header.offset + header.dataBytes;
  if (wanted > limit) throw tooMuch(op, name, limit, wanted);
  refuseHuge(op, name, header.dataBytes);
  const content = gunzip(op, name, bytes, limit, wanted);
  checkLength(op, name, header, content.length - header.offset);
  return elements(header, content, false);
}

function parseHeader(op: string, name: string, bytes: Uint8Array, role: 'images' | 'labels' | undefined): Header {
  const fail = (text: string): NablaError => new NablaError('ERR_FORMAT', `[${op}] ${name} ${text}`);
  if (bytes.length === 0) throw fail('is empty. Expected an IDX file.');
  if (bytes.length < 4) throw fail(`is too short for an IDX file. Expected at least 4 bytes, received ${bytes.length}.`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  const [b0, b1, code, rank] = [view.getUint8(0), view.getUint8(1), view.getUint8(2), view.getUint8(3)];
  if (b0 !== 0 || b1 !== 0) {
    const swapped = code === 0 && rank === 0 && types.some((t) => t.code === b1);
    throw fail(`is not an IDX file${swapped ? ': its magic number is written little-endian' : ''}. Expected two zero bytes at the start of the magic number, received 0x${magic.toString(16).padStart(8, '0')}.`);
  }
  const info = types.find((t) => t.code === code);
  if (info === undefined) throw fail(`has an unknown element type. Expected one of ${types.map((t) => `0x${hex(t.code)} (${t.type})`).join(', ')}, received 0x${hex(code)}.`);
  if (rank === 0) throw fail('has no dimensions. Expected 1 to 255, received 0.');
  if (role === 'images' && rank < 2) throw fail(`is labels (magic ${magic}), expected images (magic 2051).`);
  if (role === 'labels' && rank > 1) throw fail(`${rank === 2 ? 'has two axes' : 'is images'} (magic ${magic}), expected labels (magic 2049)${rank === 2 ? ': one axis' : ''}.`);
  if (role === 'labels' && info.type.startsWith('float')) throw fail(`holds ${info.type} numbers (magic ${magic}), expected whole numbers as labels (magic 2049).`);
  const offset = 4 + 4 * rank;
  if (bytes.length < offset) throw fail(`ends inside its header. Expected ${offset} bytes of header for ${rank} dimensions, received ${bytes.length}.`);
  const shape = Array.from({ length: rank }, (_, i) => view.getUint32(4 + 4 * i));
  return { info, shape, offset, dataBytes: elementCount(shape) * info.bytes };
}

/** Before anything is allocated: the file holds what its header says, no more and no less. */
function checkLength(op: string, name: string, header: Header, received: number): void {
  if (header.dataBytes !== received) {
    const what = header.dataBytes > received ? 'is cut short or lies about its size' : 'has trailing bytes after its data';
    throw new NablaError('ERR_FORMAT', `[${op}] ${name} ${what}. Expected ${countText(header.dataBytes)} bytes of data for shape [${showList(header.shape)}] of ${header.info.type}, received ${received}.`);
  }
  refuseHuge(op, name, header.dataBytes);
}

function refuseHuge(op: string, name: string, dataBytes: number): void {
  if (dataBytes > maxBytes) throw new NablaError('ERR_MEMORY', `[${op}] ${name} is too large for one array. Expected at most ${maxBytes} bytes of data, received ${dataBytes}.`);
}

/** The elements in the machine's byte order. Bytes are viewed where the caller owns the buffer (`copy` false). */
function elements(header: Header, bytes: Uint8Array, copy: boolean): IdxArray {
  const { info, shape, offset } = header;
  const content = bytes.subarray(offset, offset + elementCount(shape) * info.bytes);
  if (info.bytes === 1 && !copy) return { type: info.type, shape, data: viewAs(info.type, content) };
  const own = new Uint8Array(content.length);
  own.set(content);
  if (hostIsLittleEndian) swapBytes(own, info.bytes);
  return { type: info.type, shape, data: viewAs(info.type, own) };
}

function viewAs(type: IdxType, { buffer, byteOffset, byteLength }: Uint8Array): IdxData {
  switch (type) {
    case 'uint8':
      return new Uint8Array(buffer, byteOffset, byteLength);
    case 'int8':
      return new Int8Array(buffer, byteOffset, byteLength);
    case 'int16':
      return new Int16Array(buffer, byteOffset, byteLength / 2);
    case 'int32':
      return new Int32Array(buffer, byteOffset, byteLength / 4);
    case 'float32':
      return new Float32Array(buffer, byteOffset, byteLength / 4);
    case 'float64':
      return new Float64Array(buffer, byteOffset, byteLength / 8);
  }
}

function inputArray(data: IdxData): Uint8Array | Float32Array | Float64Array {
  if (data instanceof Int8Array || data instanceof Int16Array) return Float32Array.from(data);
  return data instanceof Int32Array ? Float64Array.from(data) : data;
}

function typeOf(data: unknown): IdxType | undefined {
  if (data instanceof Uint8Array) return 'uint8';
  if (data instanceof Int8Array) return 'int8';
  if (data instanceof Int16Array) return 'int16';
  if (data instanceof Int32Array) return 'int32';
  if (data instanceof Float32Array) return 'float32';
  return data instanceof Float64Array ? 'float64' : undefined;
}

function typeNames(): string {
  return types.map((t) => t.type).join(', ');
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
