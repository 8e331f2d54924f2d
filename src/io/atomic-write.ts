// Writing a file so that a reader, or a power cut, finds the old content or the new one and nothing between.
import { closeSync, fchmodSync, fsyncSync, openSync, realpathSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { open, realpath, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isNablaError } from '../errors.js';
import { fileError, toPath, type PathLike } from './files.js';

const op = 'writeFileAtomic';
let counter = 0;

/** A name in the same folder, so that the rename stays within one file system; unique among processes and calls. */
function temporaryName(target: string): string {
  counter += 1;
  return join(dirname(target), `.${basename(target).slice(0, 100)}.${process.pid}.${Date.now().toString(36)}.${counter}.tmp`);
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** A file's content: bytes, or pieces in order, made when they are wanted. */
export type Content = Uint8Array | Iterable<Uint8Array, void, void>;

function pieces(data: Content): Iterable<Uint8Array, void, void> {
  return data instanceof Uint8Array ? [data] : data;
}

/**
 * Writes a file in one piece: a temporary file beside it, flushed to the disk, then renamed over it. A file that exists keeps its mode; a
 * symbolic link keeps pointing to the same file. When anything fails the old file is as it was and the temporary one is gone.
 * @param path file  @param data its content
 * @throws ERR_FILE naming the path and the cause
 */
export async function writeFileAtomic(path: PathLike, data: Content): Promise<void> {
  const name = toPath(op, path);
  let temporary: string | undefined;
  let file: FileHandle | undefined;
  try {
    const target = await realpath(name).catch((error: unknown) => {
      if (isMissing(error)) return name;
      throw error;
    });
    const mode = await stat(target).then((s) => s.mode & 0o7777, () => undefined);
    const path = temporaryName(target);
    file = await open(path, 'wx', mode ?? 0o666);
    temporary = path;
    for (const piece of pieces(data)) await file.writeFile(piece);
    // The mode given to open is cut down by the umask.
    if (mode !== undefined) await file.chmod(mode);
    await file.sync();
    await file.close();
    file = undefined;
    await rename(path, target);
    temporary = undefined;
    await syncFolder(dirname(target));
  } catch (error) {
    await file?.close().catch(() => undefined);
    if (temporary !== undefined) await unlink(temporary).catch(() => undefined);
    // Content that is made while it is written may be refused itself.
    throw isNablaError(error) ? error : fileError(op, 'write', name, error);
  }
}

/** writeFileAtomic, blocking. */
export function writeFileAtomicSync(path: PathLike, data: Content): void {
  const name = toPath(op, path);
  let temporary: string | undefined;
  let file: number | undefined;
  try {
    const target = quietly(() => realpathSync(name)) ?? name;
    const mode = quietly(() => statSync(target).mode & 0o7777);
    const path = temporaryName(target);
    file = openSync(path, 'wx', mode ?? 0o666);
    temporary = path;
    for (const piece of pieces(data)) {
      let at = 0;
      while (at < piece.length) at += writeSync(file, piece, at, piece.length - at);
    }
    if (mode !== undefined) fchmodSync(file, mode);
    fsyncSync(file);
    closeSync(file);
    file = undefined;
    renameSync(path, target);
    temporary = undefined;
    syncFolderNow(dirname(target));
  } catch (error) {
    const [handle, left] = [file, temporary];
    if (handle !== undefined) quietly(() => closeSync(handle));
    if (left !== undefined) quietly(() => unlinkSync(left));
    throw isNablaError(error) ? error : fileError(op, 'write', name, error);
  }
}

function quietly<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}

/** Makes the rename last. Windows and some network file systems refuse it; the content itself is safe by then. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close().catch(() => undefined);
}

function syncFolderNow(folder: string): void {
  const handle = quietly(() => openSync(folder, 'r'));
  if (handle === undefined) return;
  quietly(() => fsyncSync(handle));
  quietly(() => closeSync(handle));
}
