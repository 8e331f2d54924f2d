// Writing a file so that a reader, or a power cut, finds the old content or the new one and nothing between.
import {
  closeSync, fchmodSync, fchownSync, fstatSync, fsyncSync, lstatSync, openSync, readdirSync, readlinkSync, realpathSync, renameSync, statSync, unlinkSync, writeSync, type Stats,
} from 'node:fs';
import { lstat, open, readdir, readlink, realpath, rename, stat, unlink, type FileHandle } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { brief, NablaError } from '../base/errors.js';
import { perform, runAsync, runSync, type Flow } from '../base/sync-async.js';
import { fileError, toPath, type PathLike } from './files.js';
import { isAbandoned, temporaryName } from './temporary-name.js';

/** A file's content: bytes, or pieces in order, made when they are wanted. */
export type Content = Uint8Array | Iterable<Uint8Array, void, void>;

/** An open file, however it was opened. */
type Handle = { readonly sync: number } | { readonly async: FileHandle };

/** As many links as Linux follows. */
const mostLinks = 40;
/** Bytes of one write call: the system's limit is 2 GiB. */
const writtenAtOnce = 1 << 26;

/**
 * Writes a file in one piece: a temporary file beside it, flushed to the disk, then renamed over it. Only a regular file is replaced, and keeps its mode and
 * owner; symbolic links are followed, also to where there is nothing yet. When anything fails the old file is as it was and the temporary one is gone; what
 * a killed process left of this name goes with the next call.
 * @param op the public function, named in errors @param path file  @param data its content
 * @throws ERR_FILE naming the path and the cause
 */
export async function writeFileAtomic(op: string, path: PathLike, data: Content): Promise<void> {
  await runAsync(writing(op, path, data));
}

/** writeFileAtomic, blocking. */
export function writeFileAtomicSync(op: string, path: PathLike, data: Content): void {
  runSync(writing(op, path, data));
}

function* writing(op: string, path: PathLike, data: Content): Flow<void> {
  const name = toPath(op, path);
  let temporary: string | undefined;
  let file: Handle | undefined;
  try {
    const { target, stats } = yield* follow(op, name);
    yield* clear(target);
    const path = temporaryName(target);
    const mode = stats === undefined ? undefined : stats.mode & 0o7777;
    const opened = yield* perform<Handle>(() => ({ sync: openSync(path, 'wx', mode ?? 0o666) }), async () => ({ async: await open(path, 'wx', mode ?? 0o666) }));
    file = opened;
    temporary = path;
    for (const piece of data instanceof Uint8Array ? [data] : data) yield* write(opened, piece);
    if (stats !== undefined) yield* likeOld(opened, stats);
    yield* perform(() => fsyncSync(number(opened)), () => handle(opened).sync());
    file = undefined;
    yield* close(opened);
    yield* perform(() => renameSync(path, target), () => rename(path, target));
    temporary = undefined;
    yield* syncFolder(dirname(target));
  } catch (error) {
    const [left, opened] = [temporary, file];
    if (opened !== undefined) yield* quietly(close(opened));
    if (left !== undefined) yield* quietly(perform(() => unlinkSync(left), () => unlink(left)));
    // Content that is made while it is written may fail by itself: only what the system says is about the file.
    throw error instanceof Error && 'syscall' in error ? fileError(op, 'write', name, error) : error;
  }
}

function number(file: Handle): number {
  if ('sync' in file) return file.sync;
  throw new Error('a file is closed by the manner it was opened in');
}
function handle(file: Handle): FileHandle {
  if ('async' in file) return file.async;
  throw new Error('a file is closed by the manner it was opened in');
}

function* close(file: Handle): Flow<void> {
  yield* perform(() => closeSync(number(file)), () => handle(file).close());
}

function* write(file: Handle, piece: Uint8Array): Flow<void> {
  yield* perform(
    () => {
      for (let at = 0; at < piece.length; ) at += writeSync(number(file), piece, at, Math.min(piece.length - at, writtenAtOnce));
    },
    () => handle(file).writeFile(piece),
  );
}

/** Where a path leads to, and what is there. @throws ERR_FILE for all but regular files, the system's errors */
function* follow(op: string, name: string): Flow<{ target: string; stats: Stats | undefined }> {
  let at = name;
  for (let links = 0; links <= mostLinks; links++) {
    const folder = dirname(at);
    const last = basename(at);
    const target = join(yield* perform(() => realpathSync(folder), () => realpath(folder)), last);
    const stats = yield* ifThere(perform(() => lstatSync(target), () => lstat(target)));
    if (stats === undefined && !at.endsWith('/')) return { target, stats };
    if (stats?.isSymbolicLink() !== true) {
      if (stats?.isFile() !== true) throw notRegular(op, name, stats);
      return { target, stats };
    }
    // Links of /proc lead to what has no path; the system follows them all the same.
    const end = yield* ifThere(perform(() => statSync(target), () => stat(target)));
    if (end !== undefined && !end.isFile()) throw notRegular(op, name, end);
    at = resolve(dirname(target), yield* perform(() => readlinkSync(target), () => readlink(target)));
  }
  throw new NablaError('ERR_FILE', `[${op}] cannot write ${JSON.stringify(brief(name))}: its symbolic links go round in a circle.`);
}

function notRegular(op: string, name: string, stats: Stats | undefined): NablaError {
  const what = stats === undefined || stats.isDirectory() ? 'a folder' : stats.isFIFO() ? 'a pipe' : stats.isSocket() ? 'a socket' : 'a device';
  return new NablaError('ERR_FILE', `[${op}] cannot write ${JSON.stringify(brief(name))}: it is ${what}. Expected a regular file, or a name that is free, for path.`);
}

/** The new file gets mode and owner of the old one; the owner as far as the system lets us. */
function* likeOld(file: Handle, old: Stats): Flow<void> {
  const fresh = yield* perform(() => fstatSync(number(file)), () => handle(file).stat());
  if (fresh.uid !== old.uid || fresh.gid !== old.gid) {
    yield* quietly(perform(() => fchownSync(number(file), old.uid, old.gid), () => handle(file).chown(old.uid, old.gid)));
  }
  // The mode given to open is cut down by the umask.
  yield* perform(() => fchmodSync(number(file), old.mode & 0o7777), () => handle(file).chmod(old.mode & 0o7777));
}

/** Removes what killed processes left of a file. A folder that cannot be listed may still be written to. */
function* clear(target: string): Flow<void> {
  const folder = dirname(target);
  const names = yield* quietly(perform(() => readdirSync(folder), () => readdir(folder)));
  for (const name of names ?? []) {
    const path = join(folder, name);
    if (!isAbandoned(name, target, () => statSync(path).mtimeMs)) continue;
    yield* quietly(perform(() => unlinkSync(path), () => unlink(path)));
  }
}

/** Makes the rename last. Windows and some network file systems refuse it; the content itself is safe by then. */
function* syncFolder(folder: string): Flow<void> {
  const opened = yield* quietly(perform<Handle>(() => ({ sync: openSync(folder, 'r') }), async () => ({ async: await open(folder, 'r') })));
  if (opened === undefined) return;
  yield* quietly(perform(() => fsyncSync(number(opened)), () => handle(opened).sync()));
  yield* quietly(close(opened));
}

/** What a flow gives, or undefined where it fails. */
function* quietly<T>(flow: Flow<T>): Flow<T | undefined> {
  try {
    return yield* flow;
  } catch {
    return undefined;
  }
}

/** What a flow gives, or undefined where there is no such file. */
function* ifThere<T>(flow: Flow<T>): Flow<T | undefined> {
  try {
    return yield* flow;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
