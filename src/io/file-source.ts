// A file that is read in pieces where they are wanted, in both manners.
import { closeSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { brief, isNablaError, NablaError } from '../base/errors.js';
import { perform, type Flow } from '../base/sync-async.js';
import { fileError, openToRead, openToReadSync } from './files.js';

/** Bytes that have places. */
export interface ByteSource {
  readonly size: number;
  /** Fills an array with what begins at a byte. @throws ERR_FILE */
  read(into: Uint8Array, at: number): Flow<void>;
}

/** Bytes of one read: between two of them the event loop has a turn. */
const piece = 1 << 23;

/**
 * Runs `use` with an open file and closes it, whatever happens.
 * @param op named in errors @param name path @throws ERR_FILE, and what `use` throws
 */
export function* withFile<Result>(op: string, name: string, use: (source: ByteSource) => Flow<Result>): Flow<Result> {
  const { file, size } = yield* perform<{ file: FileHandle | number; size: number }>(
    () => openToReadSync(op, name),
    () => openToRead(op, name),
  );
  // What was opened in one manner is read in the same one.
  const some = (into: Uint8Array, at: number, length: number, position: number): Flow<number> =>
    perform(
      () => (typeof file === 'number' ? readSync(file, into, at, length, position) : 0),
      async () => (typeof file === 'number' ? 0 : (await file.read(into, at, length, position)).bytesRead),
    );
  const source: ByteSource = {
    size,
    *read(into, position) {
      for (let at = 0; at < into.length; ) {
        const bytes = yield* some(into, at, Math.min(piece, into.length - at), position + at);
        if (bytes === 0) throw new NablaError('ERR_FILE', `[${op}] cannot read ${JSON.stringify(brief(name))}: it became shorter while it was read. Expected ${size} bytes, received ${position + at}.`);
        at += bytes;
      }
    },
  };
  try {
    return yield* use(source);
  } catch (error) {
    throw isNablaError(error) || !(error instanceof Error && 'syscall' in error) ? error : fileError(op, 'read', name, error);
  } finally {
    yield* perform(
      () => (typeof file === 'number' ? closeSync(file) : undefined),
      () => (typeof file === 'number' ? Promise.resolve() : file.close()),
    );
  }
}
