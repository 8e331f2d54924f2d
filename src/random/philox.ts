// Philox4x32-10, the counter-based generator of Salmon et al., "Parallel random numbers: as easy as 1, 2, 3" (SC 2011):
// every (counter, key) has its own four words, so any mask can be made in any order by anyone.

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;
const ROUNDS = 10;

/** Upper 32 bits, as a signed number, of the 64-bit product of two unsigned 32-bit numbers. No sum below reaches 2^32, so 32-bit integers hold them all. */
export function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff, aHigh = a >>> 16, bLow = b & 0xffff, bHigh = b >>> 16;
  const middle = (Math.imul(aHigh, bLow) + (Math.imul(aLow, bLow) >>> 16)) | 0;
  const carry = (Math.imul(aLow, bHigh) + (middle & 0xffff)) | 0;
  return (Math.imul(aHigh, bHigh) + (middle >>> 16) + (carry >>> 16)) | 0;
}

/** The four words of one counter. @param counter four words @param key two words @param out takes four words at its start */
export function philox4x32(counter: Uint32Array, key: Uint32Array, out: Uint32Array): void {
  philoxFill(counter[0] ?? 0, counter[1] ?? 0, counter[2] ?? 0, counter[3] ?? 0, key[0] ?? 0, key[1] ?? 0, out, 0, 1);
}

/** Writes the words of `blocks` counters (c0 + block, c1, c2, c3), block = 0, 1, …, under key (k0, k1) to out from `at` on. */
export function philoxFill(
  c0: number, c1: number, c2: number, c3: number, k0: number, k1: number, out: Uint32Array, at: number, blocks: number,
): void {
  for (let block = 0; block < blocks; block++) {
    let x0 = (c0 + block) | 0, x1 = c1 | 0, x2 = c2 | 0, x3 = c3 | 0, key0 = k0 | 0, key1 = k1 | 0;
    for (let round = 0; round < ROUNDS; round++) {
      // multiplyHigh, written out: until the engine has compiled this loop the calls are most of its time.
      const low0 = x0 & 0xffff, upper0 = x0 >>> 16, low2 = x2 & 0xffff, upper2 = x2 >>> 16;
      const middle0 = (Math.imul(0xd251, low0) + (Math.imul(0x1f53, low0) >>> 16)) | 0;
      const middle2 = (Math.imul(0xcd9e, low2) + (Math.imul(0x8d57, low2) >>> 16)) | 0;
      const carry0 = (Math.imul(0x1f53, upper0) + (middle0 & 0xffff)) | 0;
      const carry2 = (Math.imul(0x8d57, upper2) + (middle2 & 0xffff)) | 0;
      const high0 = Math.imul(0xd251, upper0) + (middle0 >>> 16) + (carry0 >>> 16);
      const high2 = Math.imul(0xcd9e, upper2) + (middle2 >>> 16) + (carry2 >>> 16);
      const next1 = Math.imul(MULTIPLIER_1, x2);
      x2 = high0 ^ x3 ^ key1;
      x3 = Math.imul(MULTIPLIER_0, x0);
      x0 = high2 ^ x1 ^ key0;
      x1 = next1;
      key0 = (key0 + WEYL_0) | 0;
      key1 = (key1 + WEYL_1) | 0;
    }
    const to = at + 4 * block;
    out[to] = x0;
    out[to + 1] = x1;
    out[to + 2] = x2;
    out[to + 3] = x3;
  }
}
