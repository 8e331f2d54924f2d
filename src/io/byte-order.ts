/** True on every machine that Node is built for but IBM's mainframes. */
export const hostIsLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

/** Turns the byte order of elements of `size` bytes around, in place. */
export function swapBytes(bytes: Uint8Array, size: number): void {
  if (size < 2) return;
  for (let at = 0; at + size <= bytes.length; at += size) {
    for (let first = at, last = at + size - 1; first < last; first++, last--) {
      const byte = bytes[first];
      bytes[first] = bytes[last];
      bytes[last] = byte;
    }
  }
}
