// Calls everything that can be called with hostile values and tells what came back that is neither a result nor a NablaError.
import { isNablaError } from '../../src/index.js';
import type { Recipes, Target } from './discover.js';
import { userError, type HostileValue } from './values.js';

/** Longest message of an error: what it quotes is cut. */
const longestMessage = 2000;
/** Milliseconds after which a call counts as hanging. */
const patience = 20_000;

/** One call: arguments made when it is made. */
export interface Call {
  readonly target: Target;
  readonly what: string;
  readonly args: () => readonly unknown[];
}

type Path = readonly (string | number)[];
const isPlain = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** A copy of `value` with one place in it replaced. */
function replaced(value: unknown, path: Path, by: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return by;
  if (Array.isArray(value)) {
    const copy: unknown[] = [...value];
    copy[Number(first)] = replaced(copy[Number(first)], rest, by);
    return copy;
  }
  const copy = { ...Object(value) };
  // Not an assignment: __proto__ is a name like others.
  Object.defineProperty(copy, first, { value: replaced(Reflect.get(Object(value), first), rest, by), enumerable: true, configurable: true, writable: true });
  return copy;
}

/** Fields inside plain objects and the first of an array, `depth` levels down. */
function placesIn(value: unknown, depth: number, path: Path): Path[] {
  if (depth === 0) return [];
  if (isPlain(value)) return Object.keys(value).flatMap((key) => [[...path, key], ...placesIn(value[key], depth - 1, [...path, key])]);
  if (Array.isArray(value) && value.length > 0 && isPlain(value[0])) return [[...path, 0], ...placesIn(value[0], depth - 1, [...path, 0])];
  return [];
}

/** Names of options, as the error that refuses an unknown one lists them. */
async function knownOptions(target: Target, args: readonly unknown[], at: number): Promise<string[]> {
  try {
    const changed = replaced([...args], [at, 'zzz'], 1);
    await target.call(Array.isArray(changed) ? changed : []);
  } catch (error) {
    const list = isNablaError(error) ? /Expected (?:one of )?\{?\s*([\w, ]+?)\s*\}?, received/u.exec(error.message)?.[1] : undefined;
    return list?.split(', ').filter((name) => /^\w+$/u.test(name)) ?? [];
  }
  return [];
}

/** Places to be replaced: each argument, each field of options, known ones included. */
export async function placesOf(target: Target, recipes: Recipes): Promise<Path[]> {
  const args = recipes.args.get(target.name)?.() ?? [];
  const places: Path[] = [];
  for (let at = 0; at < Math.max(target.arity, args.length); at++) {
    const value = args[at];
    const inside = placesIn(value, 3, [at]);
    if (isPlain(value)) for (const name of await knownOptions(target, args, at)) if (!inside.some((path) => path.length === 2 && path[1] === name)) inside.push([at, name]);
    places.push([at], ...inside);
  }
  return places;
}

/** @returns the call with the values put into the places */
export function callWith(target: Target, recipes: Recipes, changes: readonly (readonly [Path, HostileValue])[]): Call {
  return {
    target,
    what: changes.map(([path, value]) => `${path.join('.')} = ${value.name}`).join(', '),
    args: () => {
      let args: unknown = [...(recipes.args.get(target.name)?.() ?? [])];
      for (const [path, value] of changes) args = replaced(args, path, value.make());
      const made: readonly unknown[] = Array.isArray(args) ? args : [];
      return made;
    },
  };
}

/** Makes a call and waits for it. @returns what is wrong with its outcome, or '' */
export async function attempt({ target, args }: Call): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  try {
    const outcome = target.call(args());
    await Promise.race([outcome, new Promise((_resolve, reject) => { timer = setTimeout(() => { reject(new Error('it hangs')); }, patience); })]);
    return '';
  } catch (error) {
    return fault(error);
  } finally {
    clearTimeout(timer);
  }
}

/** @returns what is wrong with an error, or '' */
function fault(error: unknown): string {
  // The caller's own code, and what the language says of the caller's own proxy, pass through as they are.
  if (error === userError || (error instanceof TypeError && /revoked|^Class constructor Stranger/u.test(error.message))) return '';
  if (!isNablaError(error)) return error instanceof Error ? `${error.name}: ${error.message.slice(0, 200)} ${error.stack?.split('\n').find((line) => line.includes('/src/'))?.trim() ?? ''}` : `threw ${typeof error}`;
  if (error.code === 'ERR_INTERNAL') return `ERR_INTERNAL: ${error.message.slice(0, 200)}`;
  if (error.cause instanceof TypeError || error.cause instanceof RangeError) return Reflect.has(error.cause, 'code') ? '' : `hides ${error.cause.message}: ${error.message.slice(0, 200)}`;
  if (error.cause === userError) return `wraps the caller's own error: ${error.message.slice(0, 200)}`;
  return error.message.length > longestMessage ? `a message of ${error.message.length} characters: ${error.message.slice(0, 100)}` : '';
}
