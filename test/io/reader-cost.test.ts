// Every reader's cost grows like its file: for each field that an input can make long, four times the length may not cost much more than four times the time.
import { describe, expect, it } from 'vitest';
import { isNablaError } from '../../src/base/errors.js';
import { parseIdx } from '../../src/data/idx.js';
import { parseNpy, encodeNpy } from '../../src/io/npy.js';
import { encodeNpz, parseNpz } from '../../src/io/npz.js';
import { encodeSafetensors, parseSafetensors, type SafetensorsTensor } from '../../src/io/safetensors.js';
import { processorTime } from '../processor-time.js';
import { modelOfBytes } from './stored-model.js';

/** A file whose size is in n, and who reads it; refusals count too. */
interface Case {
  readonly make: (n: number) => Uint8Array;
  readonly read: (bytes: Uint8Array) => unknown;
  /** The smallest n: what is read there takes some milliseconds. */
  readonly n: number;
}

const floats = (name: string, shape: readonly number[]): SafetensorsTensor => ({ name, dtype: 'F32', shape, data: new Float32Array(shape.reduce((p, d) => p * d, 1)) });
const one = (bytes: readonly Uint8Array[]): Uint8Array => Buffer.concat(bytes);
const times = (n: number, item: (i: number) => string): string => Array.from({ length: n }, (_, i) => item(i)).join(',');

/** A safetensors file by the text of its header, with as many bytes of data. */
function withHeader(text: string, data = 0): Uint8Array {
  const header = Buffer.from(text);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(data)]);
}

const denseLayer = (name: string): object => ({
  kind: 'dense', name, units: 1, activation: 'linear', useBias: true, kernelInitializer: { name: 'zeros' }, biasInitializer: { name: 'zeros' }, l2: 0, learningRateFactor: 1, inputShape: [1],
});
interface ModelParts { layers?: readonly object[]; tensors?: readonly SafetensorsTensor[]; compile?: object | null; extra?: Readonly<Record<string, string>> }
function modelFile({ layers = [denseLayer('d')], tensors = [], compile = null, extra = {} }: ModelParts): Uint8Array {
  const spec = JSON.stringify({ layers, dtype: 'float32', seed: 0, compile });
  const metadata = new Map(Object.entries({ format: 'nabla-model', formatVersion: '1', nablaVersion: '0', numericsVersion: '1', spec, ...extra }));
  return one(encodeSafetensors(tensors, metadata));
}
const names = (n: number, before = 'd'): string[] => Array.from({ length: n }, (_, i) => `${before}${i}`);
const slots = (list: readonly string[]): string => JSON.stringify({ step: 0, nextEpoch: 0, learningRate: 0.1, slots: list });

const safetensors = (make: Case['make'], n: number): Case => ({ make, n, read: (bytes) => parseSafetensors(bytes) });
const model = (make: Case['make'], n: number): Case => ({ make, n, read: (bytes) => modelOfBytes(bytes, { backend: 'typescript' }) });
const compiled = { optimizer: { name: 'adam', learningRate: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0, amsgrad: false }, loss: { name: 'meanSquaredError' }, metrics: [] };

const cases: Readonly<Record<string, Case>> = {
  'safetensors: tensors': safetensors((n) => one(encodeSafetensors(names(n).map((name) => floats(name, [1])))), 4000),
  'safetensors: metadata': safetensors((n) => one(encodeSafetensors([], new Map(names(n).map((name) => [name, name])))), 8000),
  'safetensors: a long text': safetensors((n) => one(encodeSafetensors([], new Map([['a', 'x'.repeat(n)]]))), 500_000),
  'safetensors: dimensions': safetensors((n) => withHeader(`{"a":{"dtype":"U8","shape":[${times(n, () => '9007199254740991')}],"data_offsets":[0,0]}}`), 20_000),
  'safetensors: dimensions of 1': safetensors((n) => withHeader(`{"a":{"dtype":"U8","shape":[${times(n, () => '1')}],"data_offsets":[0,1]}}`, 1), 50_000),
  'safetensors: offsets': safetensors((n) => withHeader(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[${times(n, () => '1')}]}}`, 1), 50_000),
  'safetensors: a name': safetensors((n) => withHeader(`{"${'x'.repeat(n)}":{"dtype":"U9"}}`), 500_000),
  'safetensors: a key twice': safetensors((n) => withHeader(`{${times(n, (i) => `"k${i % (n - 1)}":1`)}}`), 10_000),
  'safetensors: a number': safetensors((n) => withHeader(`{"a":${'1'.repeat(n)}.5}`), 100_000),
  'safetensors: blanks': safetensors((n) => withHeader(`{"a"${' '.repeat(n)}:1}`), 500_000),
  'safetensors: nesting': safetensors((n) => withHeader(`{"a":${'['.repeat(n)}${']'.repeat(n)}}`), 2000),
  'model: layers and tensors': model((n) => modelFile({ layers: names(n).map(denseLayer), tensors: names(n).flatMap((name) => [floats(`${name}.weight`, [1, 1]), floats(`${name}.bias`, [1])]) }), 1500),
  'model: layers of other tensors': model((n) => modelFile({ layers: names(n).map(denseLayer), tensors: names(n, 'e').flatMap((name) => [floats(`${name}.weight`, [1, 1]), floats(`${name}.bias`, [1])]) }), 1500),
  'model: rescalings': model((n) => modelFile({ layers: [...names(n).map((name) => ({ kind: 'rescaling', name, scale: 1, offset: 0, inputShape: [1] })), denseLayer('x')] }), 4000),
  'model: layers without a name': model((n) => modelFile({ layers: names(n).map(() => denseLayer('')) }), 3000),
  'model: sizes of a shape': model((n) => modelFile({ layers: [{ kind: 'input', name: 'i', shape: Array.from({ length: n }, () => 1) }, denseLayer('x')] }), 20_000),
  'model: slots without tensors': model((n) => modelFile({ tensors: [floats('d.weight', [1, 1]), floats('d.bias', [1])], compile: compiled, extra: { optimizer: slots(names(n, 's')) } }), 10_000),
  'model: slots and tensors of other names': model((n) => modelFile({ tensors: names(n, 't').map((name) => floats(name, [1])), compile: compiled, extra: { optimizer: slots(names(n, 's')) } }), 4000),
  'model: slots and their tensors': model((n) => modelFile({
    tensors: [floats('d.weight', [1, 1]), floats('d.bias', [1]), ...names(n, 's').flatMap((slot) => [floats(`optimizer/${slot}/d.weight`, [1, 1]), floats(`optimizer/${slot}/d.bias`, [1])])],
    compile: compiled, extra: { optimizer: slots(names(n, 's')) },
  }), 1500),
  'model: class names': model((n) => modelFile({ tensors: [floats('d.weight', [1, 1]), floats('d.bias', [1])], extra: { classNames: JSON.stringify(names(n)) } }), 20_000),
  'model: metrics': model((n) => modelFile({ tensors: [floats('d.weight', [1, 1]), floats('d.bias', [1])], extra: { metrics: JSON.stringify(Object.fromEntries(names(n).map((name) => [name, 1]))) } }), 10_000),
  'model: an unknown name': model((n) => modelFile({ layers: [{ ...denseLayer('d'), activation: 'x'.repeat(n) }] }), 500_000),
  'npy: values': { n: 500_000, make: (n) => encodeNpy({ shape: [n], data: new Float32Array(n) }), read: (bytes) => parseNpy(bytes) },
  'npz: members': { n: 500, make: (n) => one(encodeNpz(new Map(names(n).map((name) => [name, { shape: [1], data: new Float32Array(1) }])))), read: (bytes) => parseNpz(bytes) },
  'idx: values': { n: 500_000, make: (n) => Buffer.concat([Buffer.from([0, 0, 8, 1, n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255]), Buffer.alloc(n)]), read: (bytes) => parseIdx(bytes) },
};

/** Least time of a few readings, in ms, and the length of the message where there was one. */
function cost({ read }: Case, bytes: Uint8Array): { ms: number; message: number } {
  let ms = Infinity;
  let message = 0;
  for (let i = 0; i < 3; i++) {
    const start = processorTime();
    try {
      read(bytes);
    } catch (error) {
      if (!isNablaError(error)) throw error;
      message = error.message.length;
    }
    ms = Math.min(ms, processorTime() - start);
  }
  return { ms, message };
}

/** Below this a time says nothing. */
const counts = 5;
/** What is quadratic comes out at 16 for four times the length, what is linear at 4. */
const mostForFour = 10;

describe('cost of reading', () => {
  it.each(Object.entries(cases))('%s', (_name, one) => {
    const sizes = [one.n, 2 * one.n, 4 * one.n];
    const files = sizes.map((n) => one.make(n));
    let ratios: number[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      const [first, second, fourth] = files.map((bytes) => cost(one, bytes));
      expect(Math.max(first.message, second.message, fourth.message)).toBeLessThan(1200);
      ratios = [second.ms / Math.max(first.ms, counts), fourth.ms / Math.max(first.ms, counts)];
      if (ratios[1] < mostForFour) return;
    }
    expect(ratios[1], `times n, 2n, 4n: 1, ${ratios.join(', ')}`).toBeLessThan(mostForFour);
  });
});
