// The header of a safetensors file: which tensors lie where. Every rule of the format is checked before a tensor is made.
import { brief, show, showList, type NablaError } from '../base/errors.js';
import { looseJson } from './strict-json.js';

/** Element types of the format. */
export type SafetensorsDtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'U64' | 'I32' | 'U32' | 'I16' | 'U16' | 'I8' | 'U8' | 'BOOL';
export const sizes: Readonly<Record<SafetensorsDtype, number>> = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, U64: 8, I32: 4, U32: 4, I16: 2, U16: 2, I8: 1, U8: 1, BOOL: 1 };
export const dtypes = Object.keys(sizes).join(', ');
/** The format's own limit. */
export const maxHeader = 100_000_000;
/** More than NumPy and PyTorch know: products of sizes stay short. */
export const maxDimensions = 64;
/** The length of the header comes first. */
export const lengthBytes = 8;

/** A tensor's place: `begin` and `end` count from behind the header. */
export interface Entry { readonly name: string; readonly dtype: SafetensorsDtype; readonly shape: readonly number[]; readonly begin: number; readonly end: number }

export type Fail = (text: string) => NablaError;

/** What a header says, checked against the number of bytes that follow it. @param bytes of the header @param size of the data @throws what `fail` makes */
export function parseLayout(bytes: Uint8Array, size: number, fail: Fail): { readonly entries: readonly Entry[]; readonly metadata: ReadonlyMap<string, string> } {
  const header = parseHeader(bytes, fail);
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
  if (size !== end) throw fail(`the data ${size < end ? 'is cut short' : 'has bytes that belong to no tensor'}. Expected ${end} bytes after the header, received ${size}.`);
  return { entries, metadata };
}

/** Where the tensors begin. @param first the file's first bytes, eight or what there is @param size of the file @throws what `fail` makes */
export function headerLength(first: Uint8Array, size: number, fail: Fail): number {
  if (size < lengthBytes) throw fail(size === 0 ? 'it is empty.' : `it is too short. Expected at least ${lengthBytes} bytes, received ${size}.`);
  const length = new DataView(first.buffer, first.byteOffset, lengthBytes).getBigUint64(0, true);
  if (length > BigInt(maxHeader)) throw fail(`its header is too long. Expected at most ${maxHeader} bytes, received ${length}.`);
  const start = lengthBytes + Number(length);
  if (start > size) throw fail(`it ends inside its header. Expected ${start} bytes or more, received ${size}.`);
  return start;
}

function parseHeader(bytes: Uint8Array, fail: Fail): object {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw fail('its header is not UTF-8.');
  }
  if (!text.startsWith('{')) throw fail(`its header begins with a brace. Expected "{", received ${show(text.slice(0, 1))}.`);
  let header: unknown;
  try {
    header = JSON.parse(text);
  } catch (error) {
    throw fail(`its header is not JSON (${brief(error instanceof Error ? error.message : String(error))}).`);
  }
  if (!isObject(header)) throw fail('its header is no JSON object.');
  const loose = looseJson(text);
  if (loose !== undefined) throw fail(`in its header ${loose}.`);
  return header;
}

function parseEntry(name: string, value: unknown, fail: Fail): Entry {
  if (!isObject(value)) throw fail(`a tensor is described by an object. Expected { dtype, shape, data_offsets } for ${show(name)}, received ${show(value)}.`);
  const described: { readonly dtype?: unknown; readonly shape?: unknown; readonly data_offsets?: unknown } = value;
  const { dtype, shape, data_offsets: offsets } = described;
  if (!isDtype(dtype)) throw fail(`unknown dtype. Expected one of ${dtypes} for ${show(name)}, received ${show(dtype)}.`);
  if (!isCounts(shape)) throw fail(`a shape is a list of whole numbers. Expected such a list for the shape of ${show(name)}, received ${show(shape)}.`);
  if (shape.length > maxDimensions) throw fail(`a shape has a limit. Expected at most ${maxDimensions} dimensions for ${show(name)}, received ${shape.length}.`);
  if (!isCounts(offsets) || offsets.length !== 2) throw fail(`data_offsets are two whole numbers up to 2^53-1. Expected [begin, end] for ${show(name)}, received ${show(offsets)}.`);
  const [begin = 0, end = 0] = offsets;
  if (end < begin) throw fail(`a tensor ends after it begins. Expected data_offsets in ascending order for ${show(name)}, received [${begin}, ${end}].`);
  const needed = count(shape) * BigInt(sizes[dtype]);
  if (needed !== BigInt(end - begin)) throw fail(`data_offsets fit the shape. Expected ${needed} bytes for ${show(name)}, ${dtype} of shape [${showList(shape)}], received ${end - begin}.`);
  return { name, dtype, shape, begin, end };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isDtype(value: unknown): value is SafetensorsDtype {
  return typeof value === 'string' && Object.hasOwn(sizes, value);
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n: unknown) => Number.isSafeInteger(n) && Number(n) >= 0);
}

/** Half of a surrogate pair has no UTF-8 form. */
export function checkText(text: string, fail: Fail): void {
  if (/\p{Surrogate}/u.test(text)) throw fail(`${show(text)} is not well-formed Unicode.`);
}

export function count(shape: readonly number[]): bigint {
  return shape.reduce((p, d) => p * BigInt(d), 1n);
}
