// Opening and reading files, with errors that name the file.
import { closeSync, constants, fstatSync, openSync, readFileSync, readSync, statSync, type Stats } from 'node:fs';
import { open, stat, type FileHandle } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { brief, isNablaError, NablaError, show } from '../base/errors.js';

/** A path, or a file: URL. */
export type PathLike = string | URL;

/** The path as a string; anything else than a path is an error of the caller. */
export function toPath(op: string, path: unknown): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  if (path instanceof URL && path.protocol === 'file:') return fromUrl(op, path);
  throw new NablaError('ERR_TYPE', `[${op}] a file is named by a path or a file: URL. Expected a non-empty string for path, received ${show(path)}.`);
}

function fromUrl(op: string, url: URL): string {
  try {
    const path = fileURLToPath(url);
    if (!path.includes('\0')) return path;
  } catch (error) {
    // Another host, or a slash in disguise.
    throw new NablaError('ERR_TYPE', `[${op}] a file: URL names a file of this machine. Expected such a URL for path, received ${show(url.href)}.`, { cause: error });
  }
  throw new NablaError('ERR_TYPE', `[${op}] a path has no zero bytes. Expected another URL for path, received ${show(url.href)}.`);
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of the path is not a folder',
  ENOSPC: 'no space left on the device',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many open files',
  ELOOP: 'its symbolic links go round in a circle',
  ENAMETOOLONG: 'the name is too long',
  EIO: 'the device failed',
  ERR_FS_FILE_TOO_LARGE: 'it is larger than 2 GiB',
};

/** Wraps a system error: which file, what was tried, and why it failed. */
export function fileError(op: string, doing: string, path: string, cause: unknown): NablaError {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  const reason = (code === undefined ? undefined : reasons[code]) ?? (cause instanceof Error ? cause.message : String(cause));
  return new NablaError('ERR_FILE', `[${op}] cannot ${doing} ${JSON.stringify(brief(path))}: ${brief(reason)}${code === undefined ? '' : ` (${code})`}.`, { cause });
}

/** Without O_NONBLOCK (Windows has none) opening a pipe waits for its writer. */
const readFlags = constants.O_RDONLY | constants.O_NONBLOCK;
/** What is read of a file that does not tell its size, as those of /proc. */
const unsizedBytes = 1 << 20;

/** Only regular files are read: anything else may never end, or wait for ever. */
function refuseEndless(op: string, path: string, stats: Stats): void {
  if (stats.isFile()) return;
  const what = stats.isDirectory() ? 'it is a folder' : `it is ${stats.isFIFO() ? 'a pipe' : stats.isSocket() ? 'a socket' : 'a device'}, which may never end. Expected a regular file`;
  throw new NablaError('ERR_FILE', `[${op}] cannot read ${JSON.stringify(brief(path))}: ${what}.`);
}

/**
 * Opens a file that is about to be read. Every reader comes through here (or through its synchronous twin): a pipe, a socket or a device is refused.
 * @returns the open file, for the caller to close, and its size
 * @throws ERR_FILE naming the path and the cause
 */
export async function openToRead(op: string, path: PathLike): Promise<{ file: FileHandle; size: number }> {
  const name = toPath(op, path);
  let file: FileHandle | undefined;
  try {
    // Looked at before it is opened, which may wake a device, and after: it may be another one by then.
    refuseEndless(op, name, await stat(name));
    file = await open(name, readFlags);
    const stats = await file.stat();
    refuseEndless(op, name, stats);
    return { file, size: stats.size };
  } catch (error) {
    await file?.close().catch(() => undefined);
    throw isNablaError(error) ? error : fileError(op, 'read', name, error);
  }
}

/** openToRead, blocking. */
export function openToReadSync(op: string, name: string): { file: number; size: number } {
  let file: number | undefined;
  try {
    refuseEndless(op, name, statSync(name));
    file = openSync(name, readFlags);
    const stats = fstatSync(file);
    refuseEndless(op, name, stats);
    return { file, size: stats.size };
  } catch (error) {
    if (file !== undefined) closeQuietly(file);
    throw isNablaError(error) ? error : fileError(op, 'read', name, error);
  }
}

/** Reads a whole file. @throws ERR_FILE naming the path and the cause */
export async function readBytes(op: string, path: PathLike): Promise<Uint8Array> {
  const name = toPath(op, path);
  const { file, size } = await openToRead(op, name);
  try {
    if (size > 0) return await file.readFile();
    const buffer = new Uint8Array(unsizedBytes);
    for (let at = 0; at < buffer.length; ) {
      const { bytesRead } = await file.read(buffer, at, buffer.length - at, null);
      if (bytesRead === 0) return buffer.subarray(0, at);
      at += bytesRead;
    }
    throw endless(op, name);
  } catch (error) {
    throw isNablaError(error) ? error : fileError(op, 'read', name, error);
  } finally {
    await file.close().catch(() => undefined);
  }
}

/** Reads a whole file, blocking. @throws ERR_FILE naming the path and the cause */
export function readBytesSync(op: string, path: PathLike): Uint8Array {
  const name = toPath(op, path);
  const { file, size } = openToReadSync(op, name);
  try {
    if (size > 0) return readFileSync(file);
    const buffer = new Uint8Array(unsizedBytes);
    for (let at = 0; at < buffer.length; ) {
      const bytesRead = readSync(file, buffer, at, buffer.length - at, null);
      if (bytesRead === 0) return buffer.subarray(0, at);
      at += bytesRead;
    }
    throw endless(op, name);
  } catch (error) {
    throw isNablaError(error) ? error : fileError(op, 'read', name, error);
  } finally {
    closeQuietly(file);
  }
}

/** What was read stays right whatever closing says. */
function closeQuietly(file: number): void {
  try {
    closeSync(file);
  } catch {
    // Nothing was written through it.
  }
}

function endless(op: string, path: string): NablaError {
  return new NablaError('ERR_FILE', `[${op}] cannot read ${JSON.stringify(brief(path))}: it does not tell its size. Expected at most ${unsizedBytes} bytes, received more.`);
}
