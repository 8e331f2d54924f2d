// What the campaigns share. A campaign is a program of its own: `node test/trust/NAME.mjs --seed S --seconds T` tries things until its
// time is over, prints one line of JSON, { tried, figures, failures }, and exits 1 where there are failures.
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';

export const { seed, seconds } = arguments_();

function arguments_() {
  const { values } = parseArgs({ options: { seed: { type: 'string', default: '1' }, seconds: { type: 'string', default: '10' } }, allowPositionals: true });
  return { seed: Number(values.seed), seconds: Number(values.seconds) };
}

/** Random choices from a seed (mulberry32, public domain arithmetic). */
export class Random {
  #state;
  constructor(start) {
    this.#state = start >>> 0;
  }
  /** @returns {number} in [0, 1) */
  next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
  /** @returns {number} from `low` to `high`, both included */
  integer(low, high) {
    return low + Math.floor(this.next() * (high - low + 1));
  }
  pick(list) {
    return list[this.integer(0, list.length - 1)];
  }
  chance(p) {
    return this.next() < p;
  }
}

/** A case's own randomness: `--seed` and the case's number give it again. */
export const caseRandom = (number) => new Random(Math.imul(seed, 0x9e3779b1) + Math.imul(number, 0x85ebca6b));

const start = performance.now();
/** Calls `body(number)` for cases 0, 1, 2, … until the time is over. @returns {Promise<number>} how many ran */
export async function untilTimeIsOver(body, share = 1) {
  let number = 0;
  const end = performance.now() + 1000 * share * seconds;
  for (; performance.now() < end; number++) await body(number);
  return number;
}

export const failures = [];
/** Notes what broke a promise; a campaign goes on, up to twenty. */
export function fail(what) {
  failures.push(what);
  if (failures.length >= 20) finish({}, {});
}

/** @returns {string} what went wrong with an error that is not nabla's, or '' */
export function foreign(error) {
  if (error instanceof Error && error.name === 'NablaError' && typeof error.code === 'string' && error.code !== 'ERR_INTERNAL') return '';
  return error instanceof Error ? `${error.name} ${error.code ?? ''}: ${error.message.slice(0, 200)}` : String(error);
}

const folders = [];
/** A folder that goes with the process. */
export function scratch() {
  if (folders.length === 0) process.on('exit', () => { for (const folder of folders) rmSync(folder, { recursive: true, force: true }); });
  const folder = mkdtempSync(join(tmpdir(), 'nabla-trust-'));
  folders.push(folder);
  return folder;
}

/** @returns {string} of a model's weights */
export function fingerprint(model) {
  const hash = createHash('sha256');
  for (const { buffer, byteOffset, byteLength } of model.getWeights()) hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest('hex').slice(0, 16);
}

/** Prints the line of JSON and ends the process. */
export function finish(tried, figures = {}) {
  console.log(JSON.stringify({ tried, figures, failures, seconds: Math.round((performance.now() - start) / 1000) }));
  process.exit(failures.length > 0 ? 1 : 0);
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
