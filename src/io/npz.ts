// NumPy's archive of arrays (.npz): a ZIP file with one .npy file an array.
import { checkBoolean, checkBytes, checkObject, checkOptions, checkText } from '../base/checks.js';
import { brief, NablaError, show } from '../base/errors.js';
import { writeFileAtomic } from './atomic-write.js';
import { readBytes, toPath, type PathLike } from './files.js';
import { decodeNpy, npyBytes, type NpyArray, type NpyInput } from './npy.js';
import { unpackLimit } from './unpack-limit.js';
import { readZip, writeZip } from './zip.js';

type NpzArrays = ReadonlyMap<string, NpyInput> | Readonly<Record<string, NpyInput>>;

export interface NpzReadOptions {
  /** Bytes that all arrays together may unpack to: more is ERR_MEMORY before anything is unpacked. Default: a quarter of the machine's (or the cgroup's) memory. */
  readonly maxBytes?: number;
}
export interface NpzWriteOptions {
  /** numpy.savez_compressed instead of numpy.savez. Default false. */
  readonly compress?: boolean;
}

/**
 * Reads a .npz file: stored or deflated members, zip64, data descriptors.
 * @returns arrays by name, without .npy
 * @throws ERR_FILE when it cannot be read, ERR_FORMAT when the archive or an array in it is malformed, ERR_MEMORY above maxBytes
 * @example const w1 = (await readNpz('weights.npz')).get('W1');
 */
export async function readNpz(path: PathLike, options: NpzReadOptions = {}): Promise<Map<string, NpyArray>> {
  return loadNpz('readNpz', path, options);
}

/** readNpz for any caller. @param op named in errors */
export async function loadNpz(op: string, path: PathLike, options: NpzReadOptions): Promise<Map<string, NpyArray>> {
  const maxBytes = checkReadOptions(op, options);
  return decodeNpz(op, await readBytes(op, path), toPath(op, path), maxBytes);
}

/** Writes a .npz file, in one piece. @param arrays by name, in this order  @throws ERR_FILE, ERR_TYPE, ERR_SHAPE, ERR_OPTION */
export async function writeNpz(path: PathLike, arrays: ReadonlyMap<string, NpyInput> | Readonly<Record<string, NpyInput>>, options: NpzWriteOptions = {}): Promise<void> {
  await writeArrays('writeNpz', path, arrays, options);
}

/** writeNpz. @param op the public function, named in errors */
export async function writeArrays(op: string, path: PathLike, arrays: NpzArrays, options: NpzWriteOptions): Promise<void> {
  await writeFileAtomic(op, path, npzBytes(op, arrays, options));
}

/** Decodes the bytes of a .npz file. @param bytes not changed and not kept  @param name what errors call them */
export function parseNpz(bytes: Uint8Array, name = 'the bytes', options: NpzReadOptions = {}): Map<string, NpyArray> {
  return decodeNpz('parseNpz', bytes, name, checkReadOptions('parseNpz', options));
}

function checkReadOptions(op: string, options: NpzReadOptions): number {
  checkOptions(op, options, ['maxBytes']);
  return unpackLimit(op, options.maxBytes);
}

function decodeNpz(op: string, bytes: Uint8Array, name: string, maxBytes: number): Map<string, NpyArray> {
  checkBytes(op, bytes, name);
  const fail = (text: string, cause?: unknown): NablaError => new NablaError('ERR_FORMAT', `[${op}] ${brief(name)} is not a valid .npz file: ${text}`, cause === undefined ? undefined : { cause });
  const arrays = new Map<string, NpyArray>();
  for (const [file, content] of readZip(bytes, { maxBytes }, fail)) {
    if (!file.endsWith('.npy')) throw fail(`every member is an array. Expected names that end in .npy, received ${show(file)}.`);
    arrays.set(file.slice(0, -4), decodeNpy(op, content, `${brief(name)}, member ${brief(file)}`));
  }
  return arrays;
}

/** Encodes a .npz file of at most 65,534 arrays and 4 GiB; the same arrays give the same bytes. @returns pieces to be written one after the other */
export function encodeNpz(arrays: ReadonlyMap<string, NpyInput> | Readonly<Record<string, NpyInput>>, options: NpzWriteOptions = {}): Uint8Array[] {
  return npzBytes('encodeNpz', arrays, options);
}

function npzBytes(op: string, arrays: NpzArrays, options: NpzWriteOptions): Uint8Array[] {
  checkOptions(op, options, ['compress']);
  checkObject(op, 'arrays', arrays, 'name: { shape, data }');
  const compress = checkBoolean(op, 'compress', options.compress ?? false);
  const list: (readonly [string, NpyInput])[] = arrays instanceof Map ? [...arrays] : Object.entries(arrays);
  return writeZip(op, list.map(([name, array]) => [`${checkText(op, 'name of an array', name)}.npy`, npyBytes(op, array)] as const), compress);
}
