// Finds what can be called: exports, methods, accessors and statics of classes, and the same of the objects that calls return.

/** Something that can be called with arguments. */
export interface Target {
  readonly name: string;
  /** How many arguments are replaced, at least. */
  readonly arity: number;
  /** Calls it, on a receiver of its own. */
  readonly call: (args: readonly unknown[]) => unknown;
}
/** Makes an object whose methods are called. */
type Make = () => unknown;

/** Arguments that work, by name of a target; objects that are worth calling, by name of a class. */
export interface Recipes {
  readonly args: ReadonlyMap<string, () => readonly unknown[]>;
  readonly instances: ReadonlyMap<string, Make>;
}

type Callable = (...args: unknown[]) => unknown;
const isCallable = (value: unknown): value is Callable => typeof value === 'function';
const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isClass = (value: unknown): value is Callable => isCallable(value) && /^class\b/u.test(Function.prototype.toString.call(value));
/** Node's and the language's own classes are not what is tried. */
const builtIn = new Set<unknown>([
  null, Object.prototype, Array.prototype, Function.prototype, Error.prototype, Map.prototype, Promise.prototype, Object.getPrototypeOf(Uint8Array.prototype),
  Uint8Array.prototype, Int8Array.prototype, Int16Array.prototype, Uint16Array.prototype, Int32Array.prototype, Uint32Array.prototype, Float32Array.prototype, Float64Array.prototype,
  BigInt64Array.prototype, BigUint64Array.prototype, Buffer.prototype,
]);

/** @param exports of a module @returns everything in it that can be called */
export async function discover(exports: object, recipes: Recipes): Promise<Target[]> {
  const targets: Target[] = [];
  const seen = new Set<unknown>();

  function addFunction(name: string, fn: Callable, call: Target['call']): void {
    targets.push({ name, arity: Math.max(fn.length, recipes.args.get(name)?.().length ?? 0, 1), call });
  }

  function addNamespace(name: string, holder: object): void {
    for (const key of Object.keys(holder)) add(name === '' ? key : `${name}.${key}`, Reflect.get(holder, key));
  }

  function add(name: string, value: unknown): void {
    if (isClass(value)) {
      if (seen.has(value)) return;
      seen.add(value);
      addFunction(`new ${name}`, value, (args) => Reflect.construct(value, args));
      for (const key of Reflect.ownKeys(value)) {
        const fn: unknown = typeof key === 'string' && !['length', 'name', 'prototype'].includes(key) ? Reflect.get(value, key) : undefined;
        if (isCallable(fn)) addFunction(`${name}.${String(key)}`, fn, (args) => Reflect.apply(fn, value, args));
      }
    } else if (isCallable(value)) addFunction(name, value, (args) => value(...args));
    else if (isObject(value) && !Array.isArray(value)) addNamespace(name, value);
  }

  /** Methods and accessors of what `make` gives. */
  async function addReceiver(name: string, make: Make): Promise<void> {
    let object: unknown;
    try {
      object = await make();
    } catch {
      return;
    }
    if (!isObject(object)) return;
    for (let holder: unknown = object; isObject(holder) && !builtIn.has(holder); holder = Object.getPrototypeOf(holder)) {
      if (seen.has(holder)) break;
      const names = Reflect.ownKeys(holder);
      if (holder !== object) seen.add(holder);
      for (const key of names) {
        const descriptor = Object.getOwnPropertyDescriptor(holder, key);
        const full = `${name}.${String(key)}`;
        const method: unknown = descriptor?.value;
        if (key === 'constructor' || descriptor === undefined) continue;
        const set = descriptor.set;
        if (descriptor.get !== undefined) targets.push({ name: full, arity: 0, call: async (): Promise<unknown> => Reflect.get(Object(await make()), key) });
        if (set !== undefined) targets.push({ name: `set ${full}`, arity: 1, call: async (args): Promise<unknown> => Reflect.apply(set, await make(), args) });
        if (isCallable(method) && !isClass(method)) addFunction(full, method, async (args) => Reflect.apply(method, await make(), args));
      }
    }
  }

  addNamespace('', exports);
  for (const [name, make] of recipes.instances) await addReceiver(name, make);
  // What calls return is looked at as well; new targets come behind those there are.
  for (let i = 0; i < targets.length; i++) {
    const target = targets[i];
    const args = recipes.args.get(target.name);
    if (/\)\..*\)\./u.test(target.name) || /[.\s](dispose|pause)/u.test(target.name)) continue;
    await addReceiver(`${target.name.replace(/^new /u, '')}()`, () => target.call(args?.() ?? []));
  }
  return targets;
}
