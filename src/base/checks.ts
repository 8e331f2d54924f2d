// Checks of options, shared by every public function: each throws before anything is changed and names what it wanted.
import { isNumericTypedArray } from './arrays.js';
import { NablaError, show } from './errors.js';
import { didYouMean } from './nearest.js';

/** Refuses anything but a plain object of known options. @param op named in errors @param options anything @param known allowed names */
export function checkOptions(op: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new NablaError('ERR_TYPE', `[${op}] options are an object. Expected { ${known.join(', ')} }, received ${show(options)}.`);
  }
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new NablaError('ERR_OPTION', `[${op}] unknown option. Expected one of ${known.join(', ')}, received ${show(name)}.${didYouMean(name, known)}`);
    }
  }
}

/** A whole number of at least `minimum`. @returns the number */
export function checkInteger(op: string, name: string, value: unknown, minimum: number, maximum = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number') {
    throw new NablaError('ERR_TYPE', `[${op}] ${name} is a whole number. Expected a number for ${name}, received ${show(value)}.`);
  }
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    const range = maximum === Number.MAX_SAFE_INTEGER ? `${minimum} or more` : `${minimum} to ${maximum}`;
    throw new NablaError('ERR_RANGE', `[${op}] ${name} is a whole number in its range. Expected ${range} for ${name}, received ${show(value)}.`);
  }
  return value;
}

/** Limits of a real number; the `Open` ones are not allowed themselves. */
export interface RealRange {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minimumOpen?: boolean;
  readonly maximumOpen?: boolean;
}

/** A finite number in a range. @returns the number */
export function checkReal(op: string, name: string, value: unknown, range: RealRange = {}): number {
  if (typeof value !== 'number') {
    throw new NablaError('ERR_TYPE', `[${op}] ${name} is a number. Expected a number for ${name}, received ${show(value)}.`);
  }
  const minimum = range.minimum ?? -Infinity;
  const maximum = range.maximum ?? Infinity;
  const fits =
    Number.isFinite(value) && (range.minimumOpen === true ? value > minimum : value >= minimum) && (range.maximumOpen === true ? value < maximum : value <= maximum);
  if (!fits) {
    const parts = ['a finite number'];
    if (range.minimum !== undefined) parts.push(`${range.minimumOpen === true ? 'above' : 'from'} ${range.minimum}`);
    if (range.maximum !== undefined) parts.push(`${range.maximumOpen === true ? 'below' : 'up to'} ${range.maximum}`);
    throw new NablaError('ERR_RANGE', `[${op}] ${name} is a number in its range. Expected ${parts.join(' ')} for ${name}, received ${show(value)}.`);
  }
  return value;
}

/** true or false. @returns the value */
export function checkBoolean(op: string, name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') {
    throw new NablaError('ERR_TYPE', `[${op}] ${name} is true or false. Expected a boolean for ${name}, received ${show(value)}.`);
  }
  return value;
}

/** One of a list of names. @returns the name */
export function checkName<Name extends string>(op: string, what: string, value: unknown, names: readonly Name[]): Name {
  const found = names.find((name) => name === value);
  if (found === undefined) {
    throw new NablaError('ERR_OPTION', `[${op}] unknown ${what}. Expected one of ${names.join(', ')}, received ${show(value)}.${didYouMean(value, names)}`);
  }
  return found;
}

/** A shape: at least one positive whole number. @returns a frozen copy */
export function checkShape(op: string, name: string, value: unknown): readonly number[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new NablaError('ERR_SHAPE', `[${op}] a shape lists the sizes of one sample. Expected an array such as [784] for ${name}, received ${show(value)}.`);
  }
  return Object.freeze(itemsOf(value).map((size) => checkInteger(op, `each size of ${name}`, size, 1)));
}

/** Numbers of an array or typed array. @returns a fresh plain array */
export function checkNumbers(op: string, name: string, value: unknown, range: RealRange = {}): number[] {
  if (!Array.isArray(value) && !isNumericTypedArray(value)) {
    throw new NablaError('ERR_TYPE', `[${op}] ${name} lists numbers. Expected an array for ${name}, received ${show(value)}.`);
  }
  return itemsOf(value).map((item, index) => checkReal(op, `${name}[${index}]`, item, range));
}

/** The product of a shape's sizes. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** An object with fields, such as what a file is encoded from. @param fields named in the error @returns the object */
export function checkObject(op: string, name: string, value: unknown, fields: string): object {
  if (typeof value !== 'object' || value === null) {
    throw new NablaError('ERR_TYPE', `[${op}] ${name} is an object. Expected { ${fields} } for ${name}, received ${show(value)}.`);
  }
  return value;
}

/** An array. @returns a copy: what is looked at stays what is used, and its methods are the language's */
export function checkList(op: string, name: string, value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new NablaError('ERR_TYPE', `[${op}] ${name} is a list. Expected an array for ${name}, received ${show(value)}.`);
  return itemsOf(value);
}

/** A copy of an array's or a typed array's items, by their places: an array's own methods and iterator may be anything, a transferred array has none. */
export function itemsOf(array: ArrayLike<unknown>): unknown[] {
  return Array.from({ length: array.length }, (_, i) => array[i]);
}

/** A text. @returns it */
export function checkText(op: string, name: string, value: unknown): string {
  if (typeof value !== 'string') throw new NablaError('ERR_TYPE', `[${op}] ${name} is a text. Expected a string for ${name}, received ${show(value)}.`);
  return value;
}

/** A list of texts. @returns a frozen copy */
export function checkTexts(op: string, name: string, value: unknown): readonly string[] {
  return Object.freeze(checkList(op, name, value).map((text, i) => checkText(op, `${name}[${i}]`, text)));
}

/** The shape of an array: whole sizes from 0; none for a single number. @returns a copy @throws ERR_SHAPE */
export function checkDimensions(op: string, value: unknown): number[] {
  const list = Array.isArray(value) ? itemsOf(value) : [undefined];
  const bad = list.findIndex((size) => !Number.isSafeInteger(size) || Number(size) < 0);
  if (bad >= 0) {
    const received = Array.isArray(value) ? `${show(list[bad])} at position ${bad}` : show(value);
    throw new NablaError('ERR_SHAPE', `[${op}] a shape lists whole sizes. Expected an array of numbers from 0 for shape, received ${received}.`);
  }
  return list.map(Number);
}

/** The bytes of a file and what errors call them. */
export function checkBytes(op: string, bytes: unknown, name: unknown): void {
  if (!(bytes instanceof Uint8Array)) throw new NablaError('ERR_TYPE', `[${op}] a file's content is bytes. Expected Uint8Array for bytes, received ${show(bytes)}.`);
  checkText(op, 'name', name);
}
