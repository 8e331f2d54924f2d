// Every function of the addon with arguments that are right, nearly right and junk: each call works or throws an error with a code.
// Prints { calls, errors, codes, worked, functions } and exits 0; anything else (a crash, an error without a code) is a failure.
import process from 'node:process';
import fc from 'fast-check';
import { addonAt, operation, prepare, scalars, spec } from './common.mjs';

const [path, runs, seed] = process.argv.slice(2);
const addon = addonAt(path);
const codes = {};
const worked = {};
let calls = 0;
let errors = 0;

const description = spec(5, [17], 3);
const rows = 40;
const layered = spec(6, [4], 2);
layered.layers.splice(1, 0,
  { kind: 'batchNormalization', name: 'b', momentum: 0.9, epsilon: 1e-5, center: true, scale: true }, { kind: 'gaussianNoise', name: 'n', deviation: 0.1 }, { kind: 'prelu', name: 'p' },
  { kind: 'layerNormalization', name: 'l', epsilon: 1e-5, center: true, scale: false }, { kind: 'dropout', name: 'd', rate: 0.5 },
);
// Made anew for every sequence of calls: some calls dispose of them. Arguments hold places, which are filled in just before a call.
const makeAll = () => {
  const made = {
    live: prepare(addon, description, rows, 1),
    wide: prepare(addon, { ...spec(5, [4], 3, 'float64'), optimizer: { ...operation(1, 0.9, 0.999, 1e-8, 1, 0), globalClipnorm: 0.1, normType: 'inf' } }, rows, 2),
    other: prepare(addon, layered, rows, 3),
    bare: { network: addon.createNetwork({ ...description, loss: null, optimizer: null }, null, 1, false, false) },
    gone: prepare(addon, description, rows, 5),
  };
  made.bare.data = addon.load(made.bare.network, new Float32Array(5 * rows), rows, null, null, false, false);
  for (const one of Object.values(made)) one.reading = addon.beginReading(one.network, false);
  addon.endReading(made.gone.reading);
  addon.disposeNetwork(made.gone.network);
  addon.disposeData(made.gone.data);
  return made;
};
class Place {
  constructor(name, part) {
    this.name = name;
    this.part = part;
  }
}
const fillIn = (value, made) => (value instanceof Place ? made[value.name][value.part] : Array.isArray(value) && value.plain === undefined ? value.map((item) => fillIn(item, made)) : value);
const first = makeAll();
const states = { live: addon.getState(first.live.network), wide: addon.getState(first.wide.network), other: addon.getState(first.other.network) };
const copied = (arrays) => arrays.map((array) => (Array.isArray(array) ? copied(array) : array.slice()));

const oneOf = (...values) => fc.constantFrom(...values);
// Sizes in between would be tried and take gigabytes: those that no machine has are refused.
const size = fc.oneof(fc.integer({ min: 0, max: 60 }), oneOf(-1, -0, 0.5, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 32, 2 ** 44, 2 ** 52, 2 ** 53, 2 ** 53 + 2, 1e300));
const places = (part) => oneOf('live', 'live', 'live', 'wide', 'other', 'bare', 'gone').map((name) => new Place(name, part));
const networks = places('network');
const readings = fc.oneof(fc.constant(null), places('reading'));
const datas = places('data');

const detached = (Kind) => {
  const array = new Kind(40);
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
};
const shrunk = (Kind) => {
  const buffer = new ArrayBuffer(400, { maxByteLength: 800 });
  const array = new Kind(buffer, 80);
  buffer.resize(40);
  return array;
};
const kinds = [Uint8Array, Int8Array, Uint8ClampedArray, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array];
const filled = (Kind, length, next) => {
  const array = new Kind(length);
  for (let i = 0; i < length; i++) array[i] = Kind === BigInt64Array ? BigInt(i) : next(i);
  return array;
};
const typed = fc.tuple(oneOf(...kinds), fc.oneof(oneOf(2, 3, 17, 40, 85, 51, 120, 200), fc.integer({ min: 0, max: 210 })), fc.integer({ min: 0, max: 9 })).map(([Kind, length, way]) => {
  if (way === 0) return detached(Kind);
  if (way === 1) return shrunk(Kind);
  if (way === 2) return new Kind(new SharedArrayBuffer(length * Kind.BYTES_PER_ELEMENT));
  if (way === 3) return new Kind(new ArrayBuffer(length * Kind.BYTES_PER_ELEMENT + 64), 8 * Math.min(4, length), Math.max(0, length - 4));
  if (way === 4) return filled(Kind, length, () => NaN);
  return filled(Kind, length, (i) => (i * 7) % (way === 5 ? 3 : 40));
});
const junk = fc.oneof(
  oneOf(undefined, null, true, false, 0, 1, -1, NaN, '', 'avx2', 'none', Symbol('s'), 10n, () => 1, {}, [], [[]], new Date(), new Map(), new Proxy([], {}), new DataView(new ArrayBuffer(8)), new ArrayBuffer(8)),
  size, typed, networks, datas,
);
// A list whose getters dispose, detach and train while it is read.
const hostile = (arrays) => {
  const list = [...arrays];
  list.plain = false; // keeps its getters
  Object.defineProperty(list, list.length - 1, {
    get() {
      const victim = prepare(addon, description, rows, 9);
      addon.disposeNetwork(victim.network);
      for (const array of arrays) if (ArrayBuffer.isView(array) && array.buffer instanceof ArrayBuffer) structuredClone(array.buffer, { transfer: [array.buffer] });
      return arrays.at(-1);
    },
  });
  return list;
};
const parameters = fc.oneof(
  fc.constant(null).map(() => copied(states.live.parameters)),
  fc.constant(null).map(() => copied(states.wide.parameters)),
  fc.constant(null).map(() => hostile(copied(states.live.parameters))),
  fc.array(fc.oneof(typed, junk), { maxLength: 5 }),
);
const slots = fc.oneof(
  fc.constant(null).map(() => copied(states.live.slots)),
  fc.constant(null).map(() => copied(states.wide.slots)),
  fc.array(fc.oneof(parameters, junk), { maxLength: 3 }),
);

// A description with up to three of its values replaced.
const paths = [
  ['inputSize'], ['layers'], ['layers', 0], ['layers', 0, 'kind'], ['layers', 0, 'units'], ['layers', 0, 'useBias'], ['layers', 0, 'activation'], ['layers', 0, 'activation', 'op'], ['layers', 0, 'activation', 'settings'],
  ['layers', 0, 'l2'], ['layers', 1, 'learningRateFactor'], ['layers', 1, 'units'], ['head'], ['loss'], ['loss', 'op'], ['loss', 'settings'], ['loss', 'reduction'], ['loss', 'weights'],
  ['optimizer'], ['optimizer', 'op'], ['optimizer', 'settings'],
  ['optimizer', 'clipvalue'], ['optimizer', 'globalClipnorm'], ['optimizer', 'normType'], ['layers', 0, 'l1'], ['layers', 0, 'kernelConstraint'], ['layers', 0, 'kernelConstraint', 'name'],
  ['layers', 0, 'kernelConstraint', 'maxValue'], ['layers', 1, 'biasConstraint'], ['dtype'], ['seed'],
];
const words = oneOf('dense', 'dropout', 'batchNormalization', 'prelu', 'normalization', 'gaussianNoise', 'rescaling', 'flatten', 'softmax', 'sigmoid', 'unitNorm', 'inf', 'float64', 'constructor');
const specs = fc.tuple(fc.array(fc.tuple(oneOf(...paths), fc.oneof(words, size, junk, fc.array(size, { maxLength: 4 }), fc.array(size, { maxLength: 5 }).map((values) => Float64Array.from(values)), fc.constant(null).map(() => ({ ...operation(3), name: 'unitNorm', kind: 'dropout', rate: 0.5 }))), fc.boolean()), { maxLength: 3 })).map(([changes]) => {
  const result = structuredClone(description);
  result.layers[0].kernelConstraint = { name: 'maxNorm', maxValue: 1 };
  result.optimizer.clipnorm = 1;
  for (const [way, value, missing] of changes) {
    let at = result;
    for (const key of way.slice(0, -1)) at = typeof at === 'object' && at !== null ? at[key] : undefined;
    if (typeof at !== 'object' || at === null) continue;
    if (missing && way.length > 1) delete at[way.at(-1)];
    else at[way.at(-1)] = value;
  }
  return result;
});

const flag = fc.boolean();
const orders = fc.oneof(fc.constant(null), fc.tuple(fc.array(fc.integer({ min: 0, max: rows - 1 }), { minLength: rows, maxLength: 60 }), flag).map(([values, shared]) => {
  const order = new Uint32Array(shared ? new SharedArrayBuffer(4 * values.length) : 4 * values.length);
  order.set(values);
  return order;
}));
const pairs = oneOf('live', 'live', 'wide', 'other').map((name) => [new Place(name, 'network'), new Place(name, 'data')]);
const range = fc.tuple(orders, fc.integer({ min: 0, max: 5 }), fc.integer({ min: 6, max: rows }));
const onRows = (...rest) => fc.tuple(pairs, range, ...rest).map(([pair, rowRange, ...more]) => [...pair, ...rowRange, ...more]);
const training = fc.tuple(pairs, range, oneOf(1, 8, 64, 2 ** 40), oneOf(1, 2, 3), oneOf(0, 0, 1), oneOf(0, 5, Infinity, NaN, -1), flag)
  .map(([pair, [rowOrder, from, to], batch, repeat, first, milliseconds, outputs]) => {
    const steps = Math.ceil((to - from) / batch) * repeat;
    return [...pair, rowOrder, from, to, batch, repeat, Math.min(first, steps - 1), scalars(to - from, batch, repeat), milliseconds, outputs];
  });
const network = places('network').map((place) => [place]);
const newStates = fc.tuple(oneOf('live', 'wide', 'other'), flag, fc.integer({ min: 0, max: 1000 })).map(([name, odd, step]) => {
  const list = copied(states[name].parameters);
  return [new Place(name, 'network'), odd ? hostile(list) : list, copied(states[name].slots), step, copied(states[name].statistics)];
});
const mostly = (arbitrary, ...others) => fc.oneof({ weight: 6, arbitrary }, ...others.map((other) => ({ weight: 1, arbitrary: other })));
const permutations = fc.tuple(mostly(fc.nat({ max: 99 }).map((n) => new Uint32Array(n)), junk), mostly(fc.nat(), fc.double(), junk), mostly(fc.nat(), junk), mostly(fc.nat(), fc.double(), junk));
// For each function, arguments that are right most of the time.
const right = {
  info: fc.constant([]),
  createNetwork: fc.tuple(specs, oneOf(null, 'avx2', 'baseline', 'neon'), oneOf(1, 2, 5), flag, flag),
  disposeNetwork: network,
  load: fc.tuple(oneOf('live', 'wide').map((name) => new Place(name, 'network')), oneOf(Uint8Array, Float32Array, Float64Array), oneOf(null, Int32Array, Float32Array), flag, flag, flag)
    .map(([place, Kind, Targets, weighted, borrowX, borrowY]) => [place, filled(Kind, 5 * rows, (i) => i % 5), rows, Targets === null ? null : filled(Targets, 3 * rows, (i) => i % 3), weighted ? new Float64Array(rows).fill(1) : null, borrowX, borrowY]),
  disposeData: places('data').map((place) => [place]),
  train: training,
  trainSync: training,
  abort: network,
  beginReading: fc.tuple(networks, flag),
  abortReading: places('reading').map((place) => [place]),
  endReading: places('reading').map((place) => [place]),
  evaluate: onRows(flag, flag, readings),
  evaluateSync: onRows(flag, flag),
  predict: onRows(flag, flag, readings),
  predictSync: onRows(flag, flag),
  fillUniform: fc.tuple(mostly(fc.nat({ max: 99 }).map((n) => new Float32Array(n)), fc.nat({ max: 99 }).map((n) => new Float64Array(n)), junk), mostly(fc.nat(), fc.double(), junk), mostly(fc.nat(), junk), mostly(fc.nat(), fc.double(), junk), fc.double(), fc.double()),
  permute: permutations,
  permuteAsync: permutations,
  firstUnusable: fc.tuple(networks, fc.oneof(typed, junk)),
  predictArray: fc.tuple(oneOf('live', 'wide').map((name) => new Place(name, 'network')), oneOf(Uint8Array, Float32Array, Float64Array), fc.integer({ min: 1, max: 9 }), flag, flag, oneOf(null, undefined, Float32Array, Float64Array), fc.integer({ min: 0, max: 40 }))
    .map(([place, Kind, count, logits, published, Out, room]) => [place, filled(Kind, 5 * count, (i) => i % 5), count, logits, published, typeof Out === 'function' ? new Out(room) : Out]),
  forwardTrain: onRows(),
  backward: fc.tuple(fc.integer({ min: 6, max: rows }), flag).map(([count, dx]) => [new Place('live', 'network'), new Float32Array(3 * count), dx]),
  applyGradients: fc.tuple(parameters, flag).map(([list, wide]) => [new Place(wide ? 'wide' : 'live', 'network'), list, Float64Array.of(0.1, 1, 1, 0, 0)]),
  lossAndGradients: onRows(),
  publish: network,
  publishAsync: network,
  getState: network,
  getStateAsync: network,
  setState: newStates,
  adoptState: newStates,
};
const names = Object.keys(addon);
const unknown = names.filter((name) => right[name] === undefined);
if (unknown.length > 0) throw new Error(`no arguments for ${unknown.join(', ')}`);
// Up to three arguments are replaced, and sometimes the rest is cut off.
const odd = fc.oneof(typed, size, junk, networks, datas, readings, slots);
const call = oneOf(...names).chain((name) => fc.tuple(fc.constant(name), right[name], fc.array(fc.tuple(fc.nat({ max: 10 }), odd), { maxLength: 3 }), fc.nat({ max: 40 })))
  .map(([name, args, changes, cut]) => {
    const result = [...args];
    for (const [at, value] of changes) if (args.length > 0) result[at % args.length] = value;
    return [name, result.slice(0, cut)];
  });
// backward needs a forward pass over as many rows: a sequence of its own.
const passes = fc.tuple(fc.integer({ min: 6, max: rows }), flag, fc.array(call, { maxLength: 1 }))
  .map(([count, dx, between]) => [['forwardTrain', [new Place('live', 'network'), new Place('live', 'data'), null, 0, count]], ...between, ['backward', [new Place('live', 'network'), new Float32Array(3 * count), dx]]]);

const note = (name, error) => {
  errors += 1;
  const code = error instanceof Error ? error.code : undefined;
  if (typeof code !== 'string' || !code.startsWith('ERR_') || code === 'ERR_INTERNAL') throw new Error(`${name}: an error without a code of ours`, { cause: error });
  codes[code] = (codes[code] ?? 0) + 1;
};
await fc.assert(
  fc.asyncProperty(fc.oneof({ weight: 6, arbitrary: fc.array(call, { minLength: 1, maxLength: 6 }) }, { weight: 1, arbitrary: passes }), async (sequence) => {
    const made = makeAll();
    const pending = [];
    for (const [name, args] of sequence) {
      calls += 1;
      try {
        const result = addon[name](...fillIn(args, made));
        const right = () => {
          worked[name] = (worked[name] ?? 0) + 1;
        };
        if (result instanceof Promise) pending.push(result.then(right, (error) => note(name, error)));
        else right();
      } catch (error) {
        note(name, error);
      }
    }
    await Promise.all(pending);
    return true;
  }),
  { numRuns: Number(runs), seed: Number(seed), endOnFailure: true },
);
// All of it left a network that was not touched as it was.
if (JSON.stringify(addon.getState(first.live.network)) !== JSON.stringify(states.live)) throw new Error('a network changed that nobody trained');
console.log(JSON.stringify({ calls, errors, codes, worked, functions: names.length }));
