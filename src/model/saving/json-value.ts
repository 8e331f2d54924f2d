// Values that JSON holds without loss: what a program may keep in a model file.
import { NablaError, show } from '../../base/errors.js';

/** A value that JSON writes and reads back as it is. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** Characters of JSON: notes and settings, no data sets. */
const longest = 1_000_000;
const deepest = 100;

/**
 * A copy of plain data. @param op named in errors @param name of the option @param value anything
 * @throws ERR_TYPE for what JSON would lose (functions, dates, NaN, holes), ERR_RANGE for too much or too deep
 */
export function checkJson(op: string, name: string, value: unknown): JsonValue {
  let left = longest;
  const take = (characters: number): void => {
    left -= characters;
    if (left < 0) throw new NablaError('ERR_RANGE', `[${op}] ${name} has a limit. Expected at most ${longest} characters of JSON for ${name}, received more.`);
  };
  const copy = (item: unknown, depth: number): JsonValue => {
    take(2);
    if (depth > deepest) throw new NablaError('ERR_RANGE', `[${op}] ${name} has a limit. Expected at most ${deepest} levels in ${name}, received more (or an object in itself).`);
    if (item === null || typeof item === 'boolean' || (typeof item === 'number' && Number.isFinite(item))) return item;
    if (typeof item === 'string') {
      take(item.length);
      return item;
    }
    if (Array.isArray(item)) return Array.from(item, (inner: unknown) => copy(inner, depth + 1));
    const prototype: unknown = typeof item === 'object' ? Object.getPrototypeOf(item) : undefined;
    if (typeof item === 'object' && (prototype === Object.prototype || prototype === null)) {
      return Object.fromEntries(Object.entries(item).map(([key, inner]: [string, unknown]) => {
        take(key.length);
        return [key, copy(inner, depth + 1)];
      }));
    }
    throw new NablaError('ERR_TYPE', `[${op}] ${name} holds what JSON holds. Expected text, finite numbers, true, false, null, arrays and plain objects in ${name}, received ${show(item)}.`);
  };
  return copy(value, 0);
}
