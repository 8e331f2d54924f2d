// Names of temporary files: from a name one can tell whose it is, and whether its process is dead.
import { createHash } from 'node:crypto';
import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';

/** Bytes of the file's own name in that of its temporary one: together they stay below the 255 of most file systems and the 143 of some. */
const keptBytes = 80;
/** Milliseconds after which a file of another machine or container is taken for abandoned. */
const day = 86_400_000;

let counter = 0;
let place: string | undefined;

/** Numbers of processes mean something on one machine, and there within one namespace. */
function here(): string {
  let namespace = '';
  try {
    namespace = readlinkSync('/proc/self/ns/pid');
  } catch {
    // Only Linux has it.
  }
  place ??= createHash('sha256').update(`${hostname()} ${namespace}`).digest('hex').slice(0, 8);
  return place;
}

/** The first bytes of a text, without a part of a character. */
function cut(text: string): string {
  let bytes = 0;
  let kept = '';
  for (const character of text) {
    bytes += Buffer.byteLength(character);
    if (bytes > keptBytes) break;
    kept += character;
  }
  return kept;
}

const prefix = (target: string): string => `.${cut(basename(target))}.`;

/** A name in the same folder, so that the rename stays within one file system; unique among processes, threads and calls. */
export function temporaryName(target: string): string {
  counter += 1;
  const random = Math.floor(Math.random() * 36 ** 4).toString(36);
  return join(dirname(target), `${prefix(target)}${here()}.${process.pid}.${Date.now().toString(36)}.${counter.toString(36)}${random}.tmp`);
}

/**
 * True for a temporary file of this target whose process is gone.
 * @param name of a file in the target's folder @param target file @param changed when it was last written, in ms; asked where its process cannot be
 */
export function isAbandoned(name: string, target: string, changed: () => number): boolean {
  const before = prefix(target);
  if (!name.startsWith(before)) return false;
  const match = /^([0-9a-f]{8})\.(\d{1,10})\.([0-9a-z]{1,10})\.[0-9a-z]+\.tmp$/.exec(name.slice(before.length));
  if (match === null) return false;
  const [, where, pid, time] = match;
  if (where !== here()) {
    try {
      return changed() < Date.now() - day;
    } catch {
      return false;
    }
  }
  // A container's first process has the same number after every start. A second for clocks that are set.
  if (Number(pid) === process.pid) return parseInt(time, 36) < Date.now() - process.uptime() * 1000 - 1000;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
