// Members of plain data that nobody has checked yet: it may come from a file, or from anywhere.
import { itemsOf } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';

/** An object's own members by name, each of the type that is asked for. @throws ERR_FORMAT naming the member */
export class Fields {
  readonly #op: string;
  readonly #path: string;
  readonly #object: object;

  constructor(op: string, path: string, value: unknown) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(op, path, 'an object', value);
    this.#op = op;
    this.#path = path;
    this.#object = value;
  }

  get(name: string): unknown {
    return Object.hasOwn(this.#object, name) ? Reflect.get(this.#object, name) : undefined;
  }
  number(name: string): number {
    const value = this.get(name);
    if (typeof value !== 'number') throw wrong(this.#op, `${this.#path}.${name}`, 'a number', value);
    return value;
  }
  text(name: string): string {
    const value = this.get(name);
    if (typeof value !== 'string') throw wrong(this.#op, `${this.#path}.${name}`, 'a string', value);
    return value;
  }
  flag(name: string): boolean {
    const value = this.get(name);
    if (typeof value !== 'boolean') throw wrong(this.#op, `${this.#path}.${name}`, 'true or false', value);
    return value;
  }
  list(name: string): readonly unknown[] {
    const value = this.get(name);
    if (!Array.isArray(value)) throw wrong(this.#op, `${this.#path}.${name}`, 'an array', value);
    return itemsOf(value);
  }
  /** The members of an object in this one. */
  object(name: string): Fields {
    return new Fields(this.#op, `${this.#path}.${name}`, this.get(name));
  }
  /** Objects in a list. */
  objects(name: string): Fields[] {
    return this.list(name).map((value, index) => new Fields(this.#op, `${this.#path}.${name}[${index}]`, value));
  }
  names(): string[] {
    return Object.keys(this.#object);
  }
  numbers(name: string): number[] {
    return this.list(name).map((value, index) => {
      if (typeof value !== 'number') throw wrong(this.#op, `${this.#path}.${name}[${index}]`, 'a number', value);
      return value;
    });
  }
}

/** @returns the error of a member that is something else */
export function wrong(op: string, path: string, expected: string, received: unknown): NablaError {
  return new NablaError('ERR_FORMAT', `[${op}] a record is complete. Expected ${expected} for ${path}, received ${show(received)}.`);
}
