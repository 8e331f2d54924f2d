// How much a reader may unpack: a few bytes of a compressed file can claim gigabytes.
import { checkInteger } from '../base/checks.js';
import { getEnvironment } from '../base/environment.js';

/** Where nothing tells how much memory there is. */
const withoutHost = 2 ** 32;

/** An option `maxBytes`, checked. Default: a quarter of the memory that the machine has or the cgroup allows; unpacking and copying may take twice the content. */
export function unpackLimit(op: string, maxBytes: number | undefined): number {
  if (maxBytes !== undefined) return checkInteger(op, 'maxBytes', maxBytes, 0);
  const memory = getEnvironment().memoryLimit();
  return Number.isFinite(memory) ? Math.floor(memory / 4) : withoutHost;
}
