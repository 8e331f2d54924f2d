// ZIP archives, as far as NPZ needs them: stored and deflated members, zip64, data descriptors. Every size, checksum and offset is checked:
// libraries that only unpack leave that to their callers. Format: PKWARE's APPNOTE.TXT.
import { constants } from 'node:buffer';
import { crc32, deflateRawSync, inflateRawSync } from 'node:zlib';
import { NablaError, show } from '../base/errors.js';

export interface ZipLimits {
  /** Bytes that all members together may unpack to. */
  readonly maxBytes: number;
}
interface Member {
  readonly name: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly packed: number;
  readonly unpacked: number;
  readonly offset: number;
}
type Fail = (text: string, cause?: unknown) => NablaError;

const endMagic = 0x06054b50;
const end64Magic = 0x06064b50;
const locator64Magic = 0x07064b50;
const centralMagic = 0x02014b50;
const localMagic = 0x04034b50;
const endSize = 22;
/** DEFLATE cannot expand by more (RFC 1951). */
const maxExpansion = 1032;
/** The largest count that does not say "look at the zip64 record". */
const maxMembers = 65534;
const stored = 0;
const deflated = 8;
const encoder = new TextEncoder();
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const latin1 = new TextDecoder('latin1');

/**
 * Unpacks all members but folders, each when it is asked for. Sizes are what the directory says, and no more is unpacked.
 * @param fail makes the error of a text  @throws what fail makes, ERR_MEMORY above the limit before anything is unpacked
 */
export function* readZip(bytes: Uint8Array, limits: ZipLimits, fail: Fail): Generator<readonly [name: string, content: Uint8Array], void> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const { members, directory } = readDirectory(view, bytes, fail);
  const total = members.reduce((sum, member) => sum + member.unpacked, 0);
  if (total > limits.maxBytes) throw new NablaError('ERR_MEMORY', fail(`it unpacks to more than allowed. Expected at most ${limits.maxBytes} bytes (maxBytes), received ${total}.`).message);
  const largest = members.find((member) => member.unpacked > constants.MAX_LENGTH);
  if (largest !== undefined) throw new NablaError('ERR_MEMORY', fail(`${show(largest.name)} is too large for one array. Expected at most ${constants.MAX_LENGTH} bytes, received ${largest.unpacked}.`).message);
  const ranges = members.map((member) => ({ member, ...locate(view, member, directory, fail) })).sort((a, b) => a.header - b.header);
  ranges.forEach((range, i) => {
    const next = ranges[i + 1]?.header ?? directory;
    if (range.end > next) throw fail(`its members overlap. Expected ${show(range.member.name)} to end at ${next}, received ${range.end}.`);
  });
  const names = new Set<string>();
  for (const { member, start, end } of ranges) {
    if (names.has(member.name)) throw fail(`two members share the name ${show(member.name)}.`);
    const content = unpack(member, bytes.subarray(start, end), fail);
    names.add(member.name);
    if (!member.name.endsWith('/')) yield [member.name, content];
  }
}

/** Packs files into an archive; the same files give the same bytes: the time stamps are those of 1980. */
export function writeZip(op: string, files: Iterable<readonly [name: string, content: Uint8Array]>, compress: boolean): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  const central: Uint8Array[] = [];
  let offset = 0;
  let members = 0;
  for (const [name, content] of files) {
    if (members === maxMembers) throw tooLarge(op);
    const packed = compress ? deflateRawSync(content) : content;
    const nameBytes = encoder.encode(name);
    const local = new DataView(new ArrayBuffer(30));
    const entry = new DataView(new ArrayBuffer(46));
    if (nameBytes.length > 65535 || offset + packed.length > 0xfffffffe || content.length > 0xfffffffe) throw tooLarge(op);
    local.setUint32(0, localMagic, true);
    entry.setUint32(0, centralMagic, true);
    entry.setUint16(4, 20, true);
    entry.setUint32(42, offset, true);
    // The fields from "version needed" to "length of the name" are the same in both headers.
    for (const [header, at] of [[local, 4], [entry, 6]] as const) {
      header.setUint16(at, 20, true);
      header.setUint16(at + 2, 0x800, true); // names are UTF-8
      header.setUint16(at + 4, compress ? deflated : stored, true);
      header.setUint16(at + 8, 0x21, true); // 1 January 1980
      header.setUint32(at + 10, crc32(content), true);
      header.setUint32(at + 14, packed.length, true);
      header.setUint32(at + 18, content.length, true);
      header.setUint16(at + 22, nameBytes.length, true);
    }
    pieces.push(new Uint8Array(local.buffer), nameBytes, packed);
    central.push(new Uint8Array(entry.buffer), nameBytes);
    offset += 30 + nameBytes.length + packed.length;
    members += 1;
  }
  const size = central.reduce((sum, piece) => sum + piece.length, 0);
  const end = new DataView(new ArrayBuffer(endSize));
  end.setUint32(0, endMagic, true);
  end.setUint16(8, members, true);
  end.setUint16(10, members, true);
  end.setUint32(12, size, true);
  end.setUint32(16, offset, true);
  return [...pieces, ...central, new Uint8Array(end.buffer)];
}

function tooLarge(op: string): NablaError {
  return new NablaError('ERR_RANGE', `[${op}] this archive would need zip64, which is not written. Expected less than 4 GiB, at most ${maxMembers} members and names of at most 65535 bytes.`);
}

function readDirectory(view: DataView, bytes: Uint8Array, fail: Fail): { members: Member[]; directory: number } {
  const at = findEnd(view, fail);
  let count = view.getUint16(at + 10, true);
  let size = view.getUint32(at + 12, true);
  let start = view.getUint32(at + 16, true);
  let limit = at;
  let disks = view.getUint16(at + 4, true) | view.getUint16(at + 6, true) | (view.getUint16(at + 8, true) === count ? 0 : 1);
  if (at >= 20 && view.getUint32(at - 20, true) === locator64Magic) {
    limit = at - 20;
    const at64 = safe(view.getBigUint64(at - 12, true), fail);
    if (at64 + 56 > limit || view.getUint32(at64, true) !== end64Magic) throw fail('its zip64 end record is not where it should be.');
    count = safe(view.getBigUint64(at64 + 32, true), fail);
    size = safe(view.getBigUint64(at64 + 40, true), fail);
    start = safe(view.getBigUint64(at64 + 48, true), fail);
    disks = view.getUint32(at64 + 16, true) | view.getUint32(at64 + 20, true) | view.getUint32(at - 16, true);
    limit = at64;
  }
  if (disks !== 0) throw fail('it is one part of a divided archive.');
  if (start + size > limit) throw fail(`its directory lies outside of it. Expected it to end by byte ${limit}, received ${start + size}.`);
  const members: Member[] = [];
  let position = start;
  for (let i = 0; i < count; i++) {
    if (position + 46 > start + size || view.getUint32(position, true) !== centralMagic) throw fail(`its directory does not hold what it claims. Expected ${count} members, received ${i}.`);
    const next = position + 46 + view.getUint16(position + 28, true) + view.getUint16(position + 30, true) + view.getUint16(position + 32, true);
    if (next > start + size) throw fail('its directory is cut short.');
    members.push(readMember(view, bytes, position, fail));
    position = next;
  }
  if (position !== start + size) throw fail(`its directory has room for more members than it claims. Expected ${size} bytes for ${count}, received ${position - start}.`);
  return { members, directory: start };
}

/** The end record: the last one whose comment ends with the file. */
function findEnd(view: DataView, fail: Fail): number {
  const length = view.byteLength;
  for (let at = length - endSize; at >= Math.max(0, length - endSize - 65535); at--) {
    if (view.getUint32(at, true) === endMagic && at + endSize + view.getUint16(at + 20, true) === length) return at;
  }
  throw fail(length >= 4 && view.getUint32(0, true) === localMagic ? 'its directory is missing: it is cut short.' : 'it is no ZIP archive.');
}

function readMember(view: DataView, bytes: Uint8Array, at: number, fail: Fail): Member {
  const nameLength = view.getUint16(at + 28, true);
  const extraLength = view.getUint16(at + 30, true);
  const name = decodeName(bytes.subarray(at + 46, at + 46 + nameLength));
  const wide = wideNumbers(view, at + 46 + nameLength, extraLength);
  // A field of all ones is to be found among the zip64 numbers, in this order.
  const number = (value: number): number => {
    if (value !== 0xffffffff || wide.length === 0) return value;
    return safe(wide.shift() ?? 0n, fail);
  };
  const flags = view.getUint16(at + 8, true);
  const method = view.getUint16(at + 10, true);
  const unpacked = number(view.getUint32(at + 24, true));
  const packed = number(view.getUint32(at + 20, true));
  const offset = number(view.getUint32(at + 42, true));
  if ((flags & 0x2041) !== 0) throw fail(`${show(name)} is encrypted.`);
  if (method !== stored && method !== deflated) throw fail(`${show(name)} is packed by a method that is not supported. Expected 0 (stored) or 8 (deflated), received ${method}${method === 14 ? ' (LZMA)' : method === 12 ? ' (bzip2)' : method === 93 ? ' (Zstandard)' : ''}.`);
  if (method === stored ? packed !== unpacked : unpacked > packed * maxExpansion + 64) {
    throw fail(`${show(name)} lies about its size. Expected ${method === stored ? packed : `at most ${packed * maxExpansion + 64}`} bytes out of ${packed}, received ${unpacked}.`);
  }
  return { name, flags, method, crc: view.getUint32(at + 16, true), packed, unpacked, offset };
}

/** The numbers of the zip64 field among a member's extra fields. */
function wideNumbers(view: DataView, start: number, length: number): bigint[] {
  for (let at = start; at + 4 <= start + length; ) {
    const size = view.getUint16(at + 2, true);
    if (at + 4 + size > start + length) return [];
    if (view.getUint16(at, true) === 1) return Array.from({ length: Math.floor(size / 8) }, (_, i) => view.getBigUint64(at + 4 + 8 * i, true));
    at += 4 + size;
  }
  return [];
}

/** Where a member's data lie; its own header must agree with the directory. */
function locate(view: DataView, member: Member, directory: number, fail: Fail): { header: number; start: number; end: number } {
  const at = member.offset;
  const lies = (what: string): NablaError => fail(`the directory and the header of ${show(member.name)} differ in ${what}.`);
  if (at + 30 > directory || view.getUint32(at, true) !== localMagic) throw fail(`${show(member.name)} is not where the directory says. Expected a header at byte ${at}.`);
  const start = at + 30 + view.getUint16(at + 26, true) + view.getUint16(at + 28, true);
  const end = start + member.packed;
  if (end > directory) throw fail(`${show(member.name)} is cut short. Expected ${member.packed} bytes, received ${Math.max(0, directory - start)}.`);
  const nameStart = view.byteOffset + at + 30;
  if (decodeName(new Uint8Array(view.buffer, nameStart, Math.min(view.getUint16(at + 26, true), view.byteLength - at - 30))) !== member.name) throw lies('the name');
  if (view.getUint16(at + 6, true) !== member.flags) throw lies('their flags');
  if (view.getUint16(at + 8, true) !== member.method) throw lies('the method');
  // Bit 3: sizes and checksum follow the data; they are in the directory too.
  if ((member.flags & 8) === 0) {
    const [packed, unpacked] = [view.getUint32(at + 18, true), view.getUint32(at + 22, true)];
    if (view.getUint32(at + 14, true) !== member.crc) throw lies('the checksum');
    if ((packed !== member.packed && packed !== 0xffffffff) || (unpacked !== member.unpacked && unpacked !== 0xffffffff)) throw lies('the size');
  }
  return { header: at, start, end };
}

function unpack(member: Member, data: Uint8Array, fail: Fail): Uint8Array {
  const content = member.method === stored ? data : inflate(member, data, fail);
  if (content.length !== member.unpacked) throw fail(`${show(member.name)} lies about its size. Expected ${member.unpacked} bytes, received ${content.length}.`);
  if (crc32(content) !== member.crc) throw fail(`${show(member.name)} is damaged: its checksum is wrong.`);
  return content;
}

function inflate(member: Member, data: Uint8Array, fail: Fail): Uint8Array {
  try {
    // In pieces of 16 KiB, zlib's own, time grows faster than the content.
    return inflateRawSync(data, { maxOutputLength: Math.max(1, member.unpacked), chunkSize: Math.min(Math.max(64, member.unpacked), 1 << 18) });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') throw fail(`${show(member.name)} lies about its size. Expected ${member.unpacked} bytes, received more.`, error);
    throw fail(`${show(member.name)} is damaged: it cannot be unpacked (${error instanceof Error ? error.message : String(error)}).`, error);
  }
}

function decodeName(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    return latin1.decode(bytes);
  }
}

function safe(value: bigint, fail: Fail): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw fail(`a size is beyond all measure: ${value}.`);
  return Number(value);
}
