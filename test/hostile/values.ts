// What callers hand over by mistake or on purpose.

/** What the hostile values' own code throws: it may reach the caller as it is. */
export const userError = new Error("thrown by the caller's own code");

export interface HostileValue {
  readonly name: string;
  readonly make: () => unknown;
}

class Stranger {
  readonly x = 1;
}

function thrower(): never {
  throw userError;
}

/** Every trap throws. */
function throwingProxy(target: object): unknown {
  return new Proxy(target, new Proxy({}, { get: () => thrower }));
}

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {});
  revoke();
  return proxy;
}

function deep(levels: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}
const veryDeep = deep(100_000);
const longText = 'x'.repeat(100_000);

function cyclic(): unknown {
  const list: unknown[] = [1];
  list.push(list);
  return list;
}

function cyclicFromTheStart(): unknown {
  const list: unknown[] = [];
  list.push(list, list);
  return list;
}

function cyclicObject(): unknown {
  const object: Record<string, unknown> = { name: 'x' };
  object['self'] = object;
  return object;
}

function detached(): Float32Array {
  const array = new Float32Array(4);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

/** A view of a buffer that may change its length; with `to`, it has. */
function resizable(to?: number): unknown {
  const buffer: unknown = Reflect.construct(ArrayBuffer, [16, { maxByteLength: 64 }]);
  const view: unknown = Reflect.construct(Float32Array, to === undefined ? [buffer] : [buffer, 8]);
  if (to !== undefined && buffer instanceof ArrayBuffer) {
    const resize: unknown = Reflect.get(buffer, 'resize');
    if (typeof resize === 'function') Reflect.apply(resize, buffer, [to]);
  }
  return view;
}

const words = ['length', 'x', 'y', 'rows', 'name', 'shape', 'data', 'then', 'toString', 'config', 'spec', 'epochs', 'units', 'learningRate', 'model', 'dtype', 'path', 'size'];
function throwingGetters(): unknown {
  const object = {};
  for (const word of words) Object.defineProperty(object, word, { enumerable: true, get: thrower });
  return object;
}

function plain(name: string, ...values: readonly unknown[]): HostileValue[] {
  return values.map((value, i) => ({ name: values.length === 1 ? name : `${name} ${i}`, make: () => value }));
}

/** Each kind once; made anew for every call where a call could change it. */
export const hostileValues: readonly HostileValue[] = [
  ...plain('undefined', undefined), ...plain('null', null), ...plain('true', true), ...plain('false', false),
  ...[NaN, Infinity, -Infinity, -0, 0, -1, 1, 1.5, 3, 255, 1e10, 2 ** 31, 2 ** 32, 2 ** 53, 1e308, 5e-324].map((value) => ({ name: Object.is(value, -0) ? '-0' : String(value), make: () => value })),
  ...plain('BigInt', 10n, -(2n ** 200n)), ...plain('symbol', Symbol('s'), Symbol.iterator),
  ...['', 'x', '0', '../', 'a\0b', '__proto__', 'constructor', '\ud800', 'relu'].map((value) => ({ name: JSON.stringify(value), make: () => value })),
  ...plain('a long string', longText),
  { name: 'a function', make: () => () => undefined }, { name: 'a function that throws', make: () => thrower }, { name: 'an async function', make: () => async () => { await Promise.resolve(); } },
  { name: 'a class', make: () => Stranger }, { name: 'a class instance', make: () => new Stranger() },
  { name: 'a Proxy that throws', make: () => throwingProxy({}) }, { name: 'an array Proxy that throws', make: () => throwingProxy([1, 2]) }, { name: 'a function Proxy that throws', make: () => throwingProxy(() => 1) },
  { name: 'a revoked proxy', make: () => revoked({}) }, { name: 'a revoked array proxy', make: () => revoked([]) },
  { name: 'getters that throw', make: throwingGetters }, { name: 'an array with a getter that throws', make: (): unknown => Object.defineProperty([1, 2], 0, { get: thrower }) },
  { name: 'an empty object', make: () => ({}) }, { name: 'no prototype', make: (): unknown => Object.create(null) }, { name: 'constructor null', make: (): unknown => Object.create({ constructor: null }) },
  { name: 'constructor null in an array', make: (): unknown => Object.assign([1, 2], { constructor: null }) },
  { name: 'an unknown field', make: () => ({ nonsense: 1 }) }, { name: 'toString that throws', make: () => ({ toString: thrower, valueOf: thrower, toJSON: thrower }) },
  { name: 'toString null', make: () => ({ toString: null, valueOf: null, toJSON: null }) }, { name: 'a cyclic object', make: cyclicObject },
  ...[-1, 1e10, 2 ** 53, NaN, '2'].map((length) => ({ name: `length ${String(length)}`, make: () => ({ length, 0: 1 }) })),
  { name: 'a cyclic array', make: cyclic }, { name: 'an array of itself', make: cyclicFromTheStart }, { name: 'a very deep array', make: () => veryDeep }, { name: 'a very deep row', make: () => [veryDeep, veryDeep] },
  { name: 'holes', make: (): unknown => new Array(3) }, { name: 'a hole in the middle', make: (): unknown => Object.assign(new Array(3), { 0: 1, 2: 1 }) },
  ...[undefined, null, NaN, Infinity, -1, 1.5, 1e10, 2 ** 53, 1n, Symbol('s'), 'a', '', true, {}, [], [1, [2]], Object.create(null), thrower, longText].map((value, i) => ({ name: `in an array ${i}`, make: (): unknown => [value, value] })),
  { name: 'a Proxy that throws in an array', make: () => [throwingProxy({})] }, { name: 'getters that throw in an array', make: () => [throwingGetters()] },
  { name: 'ragged rows', make: () => [[1], [1, 2]] }, { name: 'an empty array', make: () => [] }, { name: 'a frozen array', make: (): unknown => Object.freeze([0, 1]) },
  { name: 'rows of a Map', make: () => [new Map(), new Map()] },
  { name: 'ArrayBuffer', make: () => new ArrayBuffer(8) }, { name: 'SharedArrayBuffer', make: () => new SharedArrayBuffer(8) }, { name: 'shared floats', make: () => new Float32Array(new SharedArrayBuffer(8)) },
  { name: 'DataView', make: () => new DataView(new ArrayBuffer(8)) }, { name: 'Buffer', make: () => Buffer.from([1, 2]) },
  { name: 'a detached array', make: detached }, { name: 'a resizable array', make: () => resizable() }, { name: 'a shrunk array', make: () => resizable(4) }, { name: 'an array grown', make: () => resizable(64) },
  ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array].map((kind) => ({ name: kind.name, make: () => kind.from([1, 0]) })),
  { name: 'BigInt64Array', make: () => new BigInt64Array(2) }, { name: 'BigUint64Array', make: () => new BigUint64Array(2) }, { name: 'an empty Float32Array', make: () => new Float32Array(0) },
  { name: 'NaN in a Float64Array', make: () => Float64Array.of(NaN, Infinity) },
  { name: 'a Date', make: () => new Date(0) }, { name: 'an invalid Date', make: () => new Date(NaN) }, { name: 'a RegExp', make: () => /x/ }, { name: 'an Error', make: () => new Error('x') },
  { name: 'a Map', make: () => new Map([['x', 1]]) }, { name: 'a Map of symbols', make: () => new Map([[Symbol('s'), Symbol('s')]]) }, { name: 'a Set', make: () => new Set([1]) }, { name: 'a WeakMap', make: () => new WeakMap() },
  { name: 'a Number', make: (): unknown => Object(3) }, { name: 'a String', make: (): unknown => Object('relu') }, { name: 'a BigInt object', make: (): unknown => Object(1n) }, { name: 'a Symbol object', make: (): unknown => Object(Symbol('s')) },
  { name: 'a thenable', make: () => ({ then: (resolve: (value: number) => void) => { resolve(1); } }) }, { name: 'a thenable that throws', make: () => ({ then: thrower }) },
  { name: 'a Promise', make: () => Promise.resolve(1) }, { name: 'a generator', make: () => [1, 2].values() }, { name: 'an iterable that throws', make: () => ({ [Symbol.iterator]: thrower, length: 2 }) },
  { name: 'a web URL', make: () => new URL('http://localhost/x') }, { name: 'a URL of another host', make: () => new URL('file://host/x') }, { name: 'a URL with an encoded slash', make: () => new URL('file:///a%2Fb') },
  { name: 'an aborted signal', make: () => AbortSignal.abort() },
];
