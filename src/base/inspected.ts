// What console.log prints in Node: a line that says something, instead of private fields that it cannot see. Other consoles know nothing of it.

/** Node's name for the method that its inspector asks; registered, so nothing is imported. */
const custom = Symbol.for('nodejs.util.inspect.custom');

/**
 * Gives all objects of a class their line, NAME [line].
 * @param type the class @param name its name; said here because the bundler writes _NAME for a class that mentions itself @param line of one object
 */
export function inspectAs<Instance extends object>(type: { readonly prototype: Instance }, name: string, line: (instance: Instance) => string): void {
  Object.defineProperty(type, 'name', { value: name, configurable: true });
  Object.defineProperty(type.prototype, custom, {
    value(this: Instance): string {
      try {
        return `${this.constructor.name} [${line(this)}]`;
      } catch {
        return name; // A prototype, or an object made from one: it has no fields to tell of.
      }
    },
    configurable: true,
    writable: true,
  });
}

/** 1234567 as 1,234,567. */
export function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** '1 row', '2 rows'. */
export function counted(value: number, noun: string): string {
  return `${grouped(value)} ${noun}${value === 1 ? '' : 's'}`;
}
