// gzip for readers: recognised by content, output bounded by what the file says it holds.
import { constants as bufferLimits } from 'node:buffer';
import { constants, gunzipSync } from 'node:zlib';
import { NablaError } from '../base/errors.js';

/** DEFLATE cannot expand by more than this factor (RFC 1951: 258 bytes from two bits). */
const maxExpansion = 1032;

/** True where the bytes start like a gzip member, whatever the file is called. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** True where a gzip file of this size cannot hold that many bytes. */
export function exceedsGzip(compressed: number, claimed: number): boolean {
  return claimed > compressed * maxExpansion + 64;
}

/** Packed bytes that are unpacked for a look at the start: at most 4 MB of content. */
const startBytes = 4096;

/**
 * The first bytes of the content, at least `wanted` where there are as many; less work than unpacking all of it.
 * @returns undefined where only the whole file can tell
 */
export function gunzipStart(op: string, name: string, bytes: Uint8Array, wanted: number): Uint8Array | undefined {
  const slice = bytes.subarray(0, headerBytes(bytes) + startBytes);
  const whole = slice.length === bytes.length;
  try {
    const start = gunzipSync(slice, { finishFlush: constants.Z_SYNC_FLUSH });
    return start.length >= wanted || whole ? start : undefined;
  } catch (error) {
    // A cut after the first bytes of a following member also ends here; the full unpacking decides.
    if (whole) throw damaged(op, name, error);
    return undefined;
  }
}

/** Bytes in front of the packed data (RFC 1952): an extra field, the file's name and a comment may stand there. */
function headerBytes(bytes: Uint8Array): number {
  const flags = bytes[3] ?? 0;
  let at = 10;
  if ((flags & 4) !== 0) at += 2 + (bytes[at] ?? 0) + 256 * (bytes[at + 1] ?? 0);
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end === -1) return bytes.length;
    at = end + 1;
  }
  return at + ((flags & 2) !== 0 ? 2 : 0);
}

/** The error for content above a reader's limit. @param wanted bytes it claims, if it does */
export function tooMuch(op: string, name: string, limit: number, wanted?: number, cause?: unknown): NablaError {
  return new NablaError('ERR_MEMORY', `[${op}] ${name} unpacks to more than allowed. Expected at most ${limit} bytes (maxBytes), received ${wanted ?? 'more'}.`, { cause });
}

/**
 * Unpacks all members; too many bytes, a cut stream, a wrong checksum or bytes after the end are errors. No more is unpacked than may be.
 * @param limit bytes allowed  @param claimed bytes that the content says it holds, not above the limit
 */
export function gunzip(op: string, name: string, bytes: Uint8Array, limit: number, claimed?: number): Uint8Array {
  let result: { buffer: Uint8Array; engine: { bytesWritten: number } };
  try {
    result = unpack(bytes, Math.min(claimed ?? limit, bufferLimits.MAX_LENGTH));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      if (claimed === undefined) throw tooMuch(op, name, limit, undefined, error);
      throw new NablaError('ERR_FORMAT', `[${op}] ${name} unpacks to more than it says it holds. Expected ${claimed} bytes of content, received more.`, { cause: error });
    }
    throw damaged(op, name, error);
  }
  const rest = bytes.length - result.engine.bytesWritten;
  if (rest !== 0) throw new NablaError('ERR_FORMAT', `[${op}] ${name} has bytes after the end of its gzip data. Expected 0, received ${rest}.`);
  return result.buffer;
}

function damaged(op: string, name: string, cause: unknown): NablaError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new NablaError('ERR_FORMAT', `[${op}] ${name} is damaged: its gzip data cannot be unpacked (${reason}).`, { cause });
}

function unpack(bytes: Uint8Array, limit: number): { buffer: Uint8Array; engine: { bytesWritten: number } } {
  // zlib refuses a limit of 0, and content of exactly `limit` bytes must pass.
  const result: unknown = gunzipSync(bytes, { info: true, maxOutputLength: Math.max(1, limit), chunkSize: 1 << 18 });
  if (
    typeof result === 'object' && result !== null && 'buffer' in result && result.buffer instanceof Uint8Array &&
    'engine' in result && typeof result.engine === 'object' && result.engine !== null &&
    'bytesWritten' in result.engine && typeof result.engine.bytesWritten === 'number'
  ) {
    return { buffer: result.buffer, engine: { bytesWritten: result.engine.bytesWritten } };
  }
  throw new NablaError('ERR_INTERNAL', '[gunzip] zlib returned something else than a buffer and its engine.');
}
