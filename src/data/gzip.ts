// gzip for readers: recognised by content, output bounded by what the file says it holds.
import { constants, gunzipSync } from 'node:zlib';
import { NablaError } from '../errors.js';

/** DEFLATE cannot expand by more than this factor (RFC 1951: 258 bytes from two bits). */
const maxExpansion = 1032;

/** True where the bytes start like a gzip member, whatever the file is called. */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** True where a gzip file of this size cannot hold that many bytes. */
export function exceedsGzip(compressed: number, claimed: bigint): boolean {
  return claimed > BigInt(compressed) * BigInt(maxExpansion) + 64n;
}

/** The first bytes of the content, at least `wanted` where there are as many; less work than unpacking all of it. */
export function gunzipStart(op: string, name: string, bytes: Uint8Array, wanted: number): Uint8Array {
  let start: Uint8Array = new Uint8Array(0);
  // Headers are short, but a gzip header may carry 64 KiB of extra field before the data.
  for (const part of [4096, 160 * 1024]) {
    const slice = bytes.subarray(0, part);
    try {
      start = gunzipSync(slice, { finishFlush: constants.Z_SYNC_FLUSH });
    } catch (error) {
      // A cut after the first bytes of a following member also ends here; the full unpacking decides.
      if (bytes.length <= part) throw damaged(op, name, error);
    }
    if (start.length >= wanted || bytes.length <= part) break;
  }
  return start;
}

/** Unpacks all members; more than `limit` bytes, a cut stream, a wrong checksum or bytes after the end are errors. */
export function gunzip(op: string, name: string, bytes: Uint8Array, limit: number): Uint8Array {
  let result: { buffer: Uint8Array; engine: { bytesWritten: number } };
  try {
    result = unpack(bytes, limit);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new NablaError('ERR_FORMAT', `[${op}] ${name} unpacks to more than it says it holds. Expected ${limit} bytes of content, received more.`, { cause: error });
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
