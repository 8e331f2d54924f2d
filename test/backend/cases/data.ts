// Loading: types, rescaling, ownership of arrays.
import fc from 'fast-check';
import { expect } from 'vitest';
import type { Executor, Targets } from '../../../src/backend/contract/executor.js';
import type { NetworkSpec } from '../../../src/backend/contract/spec.js';
import { permutation } from '../../../src/random/permutation.js';
import type { Suite } from '../executor.cases.js';
import { constantScalars, dense, expectClose, expectSame, expectSameLists, expectSameState, floats, network, normalization, randomData, randomState, rescaling, rounded, sigmoidLoss, squaredLoss, uniforms } from '../networks.js';

export function dataCases({ make, dtype, tolerance, test }: Suite): void {
  const started = (spec: NetworkSpec): Executor => {
    const executor = make(spec);
    executor.setState(randomState(spec, 3));
    return executor;
  };
  const rows = { order: null, from: 0, to: 6 };
  const labels = (count: number, classes: number): Targets => ({ kind: 'labels', values: Int32Array.from({ length: count }, (_, i) => i % classes) });

  test('uint8, float32 and float64 samples of the same values give the same bytes', () => {
    const spec = network(dtype, 20, [rescaling(1 / 255, -0.5), rescaling(3), dense(9, 'relu'), dense(3)]);
    const next = uniforms(5);
    const bytes = Uint8Array.from({ length: 120 }, () => Math.floor(next() * 256));
    const results = [bytes, Float32Array.from(bytes), Float64Array.from(bytes)].map((x) => {
      const executor = started(spec);
      const data = executor.load({ x, rows: 6, y: labels(6, 3) });
      expect([data.rows, data.features]).toEqual([6, 20]);
      const { gradients, dx, outputs, loss } = executor.lossAndGradients(data, rows);
      expectSame(executor.predictArraySync(x, 6, 'outputs'), outputs);
      return { gradients, dx, outputs, loss };
    });
    for (const other of results.slice(1)) expect(other).toEqual(results[0]);
  });

  test('firstUnusable names the first number that is not finite in the dtype', () => {
    const executor = make(network(dtype, 2, [dense(1)]));
    expect(executor.firstUnusable(Uint8Array.of(1, 255))).toBe(-1);
    for (const make of [Float32Array, Float64Array]) {
      expect(executor.firstUnusable(new make([1, -2, 3]))).toBe(-1);
      for (const bad of [NaN, Infinity, -Infinity]) expect(executor.firstUnusable(new make([1, bad, 3, bad]))).toBe(1);
    }
    expect(executor.firstUnusable(Float64Array.of(1, 1e39))).toBe(dtype === 'float32' ? 1 : -1);
    executor.dispose();
    expect(() => executor.firstUnusable(Uint8Array.of(1))).toThrow(expect.objectContaining({ code: 'ERR_STATE' }));
  });

  test('permutation gives what src/random gives', async () => {
    const executor = make(network(dtype, 2, [dense(1)]));
    const whole = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), whole, fc.integer({ min: 1, max: 255 }), whole, (n, seed, purpose, index) => {
        expect(executor.permutation(n, seed, purpose, index)).toEqual(permutation(n, seed, purpose, index));
      }),
    );
    // Long enough that some words are drawn again.
    const long = Buffer.from(permutation(300_000, 7, 2, 5).buffer);
    expect(Buffer.from(executor.permutation(300_000, 7, 2, 5).buffer).equals(long)).toBe(true);
    expect(Buffer.from((await executor.permutationAsync(300_000, 7, 2, 5)).buffer).equals(long)).toBe(true);
    expect(await executor.permutationAsync(300, 7, 2, 5)).toEqual(permutation(300, 7, 2, 5));
    executor.dispose();
  });

  test('load looks through its numbers, or believes that somebody did', () => {
    const executor = make(network(dtype, 2, [dense(1)], { loss: sigmoidLoss() }));
    const x = Float32Array.of(1, NaN), y = { kind: 'values', values: Float32Array.of(1) } as const;
    expect(() => executor.load({ x, rows: 1, y })).toThrow(expect.objectContaining({ code: 'ERR_NON_FINITE' }));
    expect(() => executor.load({ x: x.subarray(1), rows: 1, y, scanned: true })).toThrow(expect.objectContaining({ code: 'ERR_SHAPE' }));
    const data = executor.load({ x, rows: 1, y, scanned: true });
    const result = executor.evaluateSync(data, { order: null, from: 0, to: 1 });
    expect(result.lossSum).toBeNaN();
    executor.dispose();
  });

  test('targets of the same values in every type give the same bytes', () => {
    const spec = network(dtype, 4, [dense(3)], { loss: sigmoidLoss() });
    const bits = Uint8Array.from({ length: 18 }, (_, i) => (i * 7) % 3 & 1);
    const { x } = randomData(spec, 6, 2);
    const results = [bits, Float32Array.from(bits), Float64Array.from(bits)].map((values) => {
      const executor = started(spec);
      return executor.lossAndGradients(executor.load({ x, rows: 6, y: { kind: 'values', values } }), rows);
    });
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
  });

  test('rescaling is scale, then offset, each rounded, and its gradient is scaled back', () => {
    const folded = network(dtype, 5, [rescaling(1 / 3, 0.1), rescaling(1.7), dense(4, 'tanh'), dense(2)]);
    const plain = network(dtype, 5, [dense(4, 'tanh'), dense(2)]);
    const [a, b] = [started(folded), started(plain)];
    const { x } = randomData(plain, 6, 4);
    const [third, tenth, last] = [1 / 3, 0.1, 1.7].map((value) => rounded(dtype, value));
    const scaled = floats(dtype, x).map((value) => rounded(dtype, rounded(dtype, rounded(dtype, value * third) + tenth) * last));
    const folding = a.lossAndGradients(a.load({ x, rows: 6, y: labels(6, 2) }), rows);
    const plainly = b.lossAndGradients(b.load({ x: scaled, rows: 6, y: labels(6, 2) }), rows);
    expectSameLists(folding.gradients, plainly.gradients);
    expectSame(folding.outputs, plainly.outputs);
    expectClose(folding.dx, plainly.dx.map((value) => value * last * third), tolerance);
  });

  test('normalization takes the mean off, then scales, each feature its own, and its gradient is scaled back', () => {
    const mean = [0.1, -2, 300, 0, 1 / 3], variance = [4, 1 / 9, 0.01, 0, 2];
    const folded = network(dtype, 5, [rescaling(3), normalization(mean, variance), rescaling(1.7, 0.1), dense(4, 'tanh'), dense(2)]);
    const plain = network(dtype, 5, [dense(4, 'tanh'), dense(2)]);
    // Mostly zeros, as pictures: backends may keep lists of what is not 0.
    const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i % 4 === 1 ? (i * 37) % 256 : 0));
    for (const x of [randomData(plain, 60, 4).x, bytes]) {
      const round = (value: number): number => rounded(dtype, value);
      const scales = variance.map((value) => round(1 / Math.max(Math.sqrt(value), 1e-7)));
      const normal = floats(dtype, x).map((value, i) => round(round(round(round(round(round(value) * 3) - round(mean[i % 5])) * scales[i % 5]) * round(1.7)) + round(0.1)));
      const all = { order: null, from: 0, to: 60 };
      const [a, b] = [started(folded), started(plain)];
      const folding = a.lossAndGradients(a.load({ x, rows: 60, y: labels(60, 2) }), all);
      const plainly = b.lossAndGradients(b.load({ x: normal, rows: 60, y: labels(60, 2) }), all);
      expectSameLists(folding.gradients, plainly.gradients);
      expectSame(folding.outputs, plainly.outputs);
      expectClose(folding.dx, plainly.dx.map((value, i) => value * round(1.7) * scales[i % 5] * 3), tolerance);
      const [c, d] = [started(folded), started(plain)];
      const pass = { ...all, batchSize: 16, repeat: 2, stepScalars: constantScalars(plain, 8) };
      expectSame(c.trainStepsSync(c.load({ x, rows: 60, y: labels(60, 2) }), pass).losses, d.trainStepsSync(d.load({ x: normal, rows: 60, y: labels(60, 2) }), pass).losses);
      expectSame(c.predictArraySync(x, 60, 'outputs'), d.predictArraySync(normal, 60, 'outputs'));
    }
  });

  test('float64 samples are rounded to the type on load', () => {
    const spec = network(dtype, 3, [dense(2)]);
    const [a, b] = [started(spec), started(spec)];
    const x = Float64Array.from({ length: 18 }, (_, i) => 1 / (i + 3));
    const [first, second] = [a.lossAndGradients(a.load({ x, rows: 6, y: labels(6, 2) }), rows), b.lossAndGradients(b.load({ x: floats(dtype, x), rows: 6, y: labels(6, 2) }), rows)];
    expect(first).toEqual(second);
  });

  test('loaded arrays may be overwritten or transferred', () => {
    const spec = network(dtype, 5, [dense(4, 'relu'), dense(3)]);
    const [a, b] = [started(spec), started(spec)];
    const options = { ...randomData(spec, 12, 4), sampleWeight: Float64Array.from({ length: 12 }, (_, i) => 0.5 + i / 8) };
    const [mine, kept] = [a.load(options), b.load(options)];
    options.x.fill(NaN);
    options.y.values.fill(99);
    options.sampleWeight.fill(-1);
    structuredClone(options.x, { transfer: [options.x.buffer as ArrayBuffer] });
    const pass = { order: null, from: 0, to: 12, batchSize: 5, stepScalars: constantScalars(spec, 3) };
    const result = a.trainStepsSync(mine, pass);
    expect(result.stopped).toBe('done');
    const fresh = { ...randomData(spec, 12, 4), sampleWeight: Float64Array.from({ length: 12 }, (_, i) => 0.5 + i / 8) };
    kept.dispose();
    expect(b.trainStepsSync(b.load(fresh), pass)).toEqual(result);
    expectSameState(a, b);
  });

  test('order and step scalars may be overwritten while a job runs', async () => {
    const spec = network(dtype, 30, [dense(40, 'relu'), dense(3)]);
    const [a, b] = [started(spec), started(spec)];
    const options = randomData(spec, 200, 4);
    const order = Uint32Array.from({ length: 200 }, (_, i) => (i * 7) % 200);
    const stepScalars = constantScalars(spec, 40);
    const pass = { from: 0, to: 200, batchSize: 10, repeat: 2, maxMilliseconds: Infinity };
    const expected = b.trainStepsSync(b.load(options), { ...pass, order: order.slice(), stepScalars: stepScalars.slice() });
    const running = a.trainSteps(a.load(options), { ...pass, order, stepScalars });
    order.fill(4_000_000_000);
    stepScalars.fill(NaN);
    structuredClone(order, { transfer: [order.buffer] });
    expect(await running).toEqual(expected);
    expectSameState(a, b);
  });

  test('samples in shared memory are borrowed', () => {
    const spec = network(dtype, 4, [dense(2)]);
    const executor = started(spec);
    const { x } = randomData(spec, 6, 4);
    const shared = new Float64Array(new SharedArrayBuffer(8 * 24));
    shared.set(x);
    const data = executor.load({ x: shared, rows: 6 });
    expectSame(executor.predictSync(data, { ...rows, output: 'logits' }), executor.predictArraySync(x, 6, 'logits'));
    shared.fill(0.25);
    const quarter = executor.predictArraySync(floats(dtype, new Float64Array(24).fill(0.25)), 6, 'logits');
    expectSame(executor.predictSync(data, { ...rows, output: 'logits' }), quarter);
  });

  test('shared samples that change between calls are seen by training too', () => {
    // Mostly zeros and large enough that a backend might keep lists of what is not 0.
    const spec = network(dtype, 50, [rescaling(1 / 255), dense(20, 'relu'), dense(3)]);
    const [a, b] = [started(spec), started(spec)];
    const next = uniforms(5);
    const batch = (): Uint8Array => Uint8Array.from({ length: 5000 }, () => (next() < 0.85 ? 0 : 1 + Math.floor(next() * 255)));
    const shared = new Uint8Array(new SharedArrayBuffer(5000));
    const y = labels(100, 3);
    const handle = a.load({ x: shared, rows: 100, y });
    const pass = { order: null, from: 0, to: 100, batchSize: 30, repeat: 2, stepScalars: constantScalars(spec, 8) };
    for (let turn = 0; turn < 3; turn++) {
      const x = batch();
      shared.set(x);
      expect(a.trainStepsSync(handle, pass)).toEqual(b.trainStepsSync(b.load({ x, rows: 100, y }), pass));
    }
    expectSameState(a, b);
  });

  test('subarrays are read from where they begin', () => {
    const spec = network(dtype, 4, [dense(2)], { loss: squaredLoss() });
    const [a, b] = [started(spec), started(spec)];
    const { x, y } = randomData(spec, 6, 4);
    const padded = floats(dtype, [9, 9, 9, ...x, 9]).subarray(3, 27);
    const values = Float64Array.from([7, ...y.values, 7]).subarray(1, 13);
    const first = a.lossAndGradients(a.load({ x: padded, rows: 6, y: { kind: 'values', values } }), rows);
    const second = b.lossAndGradients(b.load({ x, rows: 6, y: { kind: 'values', values: values.slice() } }), rows);
    expect(first).toEqual(second);
    expectSame(a.predictArraySync(padded, 6, 'outputs'), second.outputs);
  });

  test('two handles may be used in turn', () => {
    const spec = network(dtype, 5, [dense(4, 'relu'), dense(3)]);
    const [a, b] = [started(spec), started(spec)];
    const parts = [randomData(spec, 6, 1), randomData(spec, 6, 2)];
    const handles = parts.map((part) => a.load(part));
    const pass = { ...rows, batchSize: 6, stepScalars: constantScalars(spec, 1) };
    for (const turn of [0, 1, 0, 1]) {
      a.trainStepsSync(handles[turn], pass);
      b.trainStepsSync(b.load(parts[turn]), pass);
    }
    expectSameState(a, b);
  });
}
