// Reading whole files, with errors that name the file.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { NablaError, show } from '../errors.js';

/** A path, or a file: URL. */
export type PathLike = string | URL;

/** The path as a string; anything else than a path is an error of the caller. */
export function toPath(op: string, path: unknown): string {
  if (typeof path === 'string' && path !== '' && !path.includes('\0')) return path;
  if (path instanceof URL && path.protocol === 'file:') return fileURLToPath(path);
  throw new NablaError('ERR_TYPE', `[${op}] a file is named by a path or a file: URL. Expected a non-empty string for path, received ${show(path)}.`);
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
  ERR_FS_FILE_TOO_LARGE: 'it is larger than 2 GiB',
};

/** Wraps a system error: which file, what was tried, and why it failed. */
export function fileError(op: string, doing: string, path: string, cause: unknown): NablaError {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  const reason = (code === undefined ? undefined : reasons[code]) ?? (cause instanceof Error ? cause.message : String(cause));
  return new NablaError('ERR_FILE', `[${op}] cannot ${doing} ${JSON.stringify(path)}: ${reason}${code === undefined ? '' : ` (${code})`}.`, { cause });
}

/** Reads a whole file. @throws ERR_FILE naming the path and the cause */
export async function readBytes(op: string, path: PathLike): Promise<Uint8Array> {
  const name = toPath(op, path);
  try {
    return await readFile(name);
  } catch (error) {
    throw fileError(op, 'read', name, error);
  }
}

/** Reads a whole file, blocking. @throws ERR_FILE naming the path and the cause */
export function readBytesSync(op: string, path: PathLike): Uint8Array {
  const name = toPath(op, path);
  try {
    return readFileSync(name);
  } catch (error) {
    throw fileError(op, 'read', name, error);
  }
}
