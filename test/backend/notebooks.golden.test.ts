// Whole training runs of two notebooks against NumPy: test/golden/seeds. Initial weights come out of the same generator calls, in order.
import { afterAll, describe, expect, it } from 'vitest';
import type { ExecutorState } from '../../src/backend/contract/executor.js';
import { datasets } from '../../src/data/mnist.js';
import { RandomState } from '../../src/random/numpy.js';
import { goldenJson } from '../golden-files.js';
import { isas, native, typescript, type Configuration } from './configurations.js';
import { dense, network, rescaling, stepOf } from './networks.js';

/** What the goldens hold of an array. */
interface Checksum { readonly shape: readonly number[]; readonly sum: number; readonly sumsq: number; readonly abs_sum: number; readonly first5: readonly number[]; readonly last5: readonly number[] }
type Checksums = Readonly<Record<string, Checksum>>;
interface Score { readonly correct: number; readonly n: number; readonly loss_mean_cross_entropy: number }
interface Golden003 {
  readonly init: Checksums;
  readonly printed: readonly { readonly iteration: number; readonly loss_mean_cross_entropy: number; readonly correct: number }[];
  readonly after_iteration: Readonly<Record<string, Checksums>>;
  readonly final: Checksums;
  readonly final_full_small: { readonly b1: readonly number[][]; readonly W2: readonly number[][]; readonly b2: readonly number[][] };
  readonly final_train: Score;
  readonly final_test_t10k: { readonly correct: number; readonly n: number };
}
interface Golden004 {
  readonly init: Checksums;
  readonly init_eval: { readonly train: Score; readonly test_t10k: Score };
  readonly first_100_batch_losses: readonly number[];
  readonly after_batches: Readonly<Record<string, { readonly weights: Checksums }>>;
  readonly after_epochs: Readonly<Record<string, { readonly train: Score; readonly test_t10k: Score; readonly weights?: Checksums }>>;
}

// |a - b| <= 1e-9·max(1, |b|), for sums relative to the sum of magnitudes. Worst measured 1.8e-14; NumPy's own other orders of summation give 6e-14.
const TOLERANCE = 1e-9;
let worst = 0;
let runs = 0;

function close(what: string, actual: number, expected: number, scale = Math.max(1, Math.abs(expected))): void {
  const error = Math.abs(actual - expected) / scale;
  if (!(error <= TOLERANCE)) expect.fail(`${what}: ${actual} instead of ${expected}`);
  worst = Math.max(worst, error);
}

/** @param values row-major, in the golden's orientation */
function checkArray(what: string, values: Float64Array, golden: Checksum): void {
  expect(values.length, what).toBe(golden.shape.reduce((product, size) => product * size));
  const total = (f: (value: number) => number): number => values.reduce((sum, value) => sum + f(value), 0);
  close(`${what} sum`, total((value) => value), golden.sum, Math.max(1, golden.abs_sum));
  close(`${what} sum of squares`, total((value) => value * value), golden.sumsq);
  close(`${what} sum of magnitudes`, total(Math.abs), golden.abs_sum);
  golden.first5.forEach((value, i) => close(`${what}[${i}]`, values[i], value));
  golden.last5.forEach((value, i) => close(`${what}[-${5 - i}]`, values[values.length - golden.last5.length + i], value));
}

/** (rows, columns) -> (columns, rows) */
function transposed(values: Float64Array, rows: number, columns: number): Float64Array {
  return Float64Array.from({ length: values.length }, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
}

const { train, test } = await datasets.mnist();
const bytes = (set: typeof train, rows: number): Uint8Array => {
  if (!(set.x instanceof Uint8Array)) throw new Error('MNIST is uint8');
  return set.x.slice(0, rows * 784);
};
const labels = (set: typeof train, rows: number) => ({ kind: 'labels' as const, values: Int32Array.from((set.y ?? []).slice(0, rows)) });
const TRAIN = { x: bytes(train, 6000), rows: 6000, y: labels(train, 6000) };
const TEST = { x: bytes(test, 10000), rows: 10000, y: labels(test, 10000) };
const constant = (steps: number, rate: number): Float64Array => Float64Array.from(Array.from({ length: steps }, () => [...stepOf({ rate })]).flat());

function notebook003({ make }: Configuration, iterations: number): void {
  const golden = goldenJson('seeds/003-corrected-seed0-6k-mnist.json') as Golden003;
  const random = new RandomState(0);
  random.rand(10, 1);
  const scaled = (count: readonly [number, number], factor: number): Float64Array => random.randn(...count).map((value) => value * factor);
  const parameters = [scaled([10, 784], Math.sqrt(2 / 784)), new Float64Array(10), scaled([10, 10], Math.sqrt(2 / 10)), new Float64Array(10)];
  const check = (what: string, { parameters: now }: Pick<ExecutorState, 'parameters'>, checksums: Checksums): void =>
    ['W1', 'b1', 'W2', 'b2'].forEach((name, i) => checkArray(`${what} ${name}`, Float64Array.from(now[i]), checksums[name]));
  check('initial', { parameters }, golden.init);

  const executor = make(network('float64', 784, [rescaling(1 / 255), dense(10, 'relu'), dense(10)]));
  executor.setState({ parameters, slots: {}, step: 0 });
  const data = executor.load(TRAIN);
  let done = 0;
  for (const stop of [0, 1, 2, 9, 99, 399].filter((iteration) => iteration < iterations)) {
    const steps = stop + 1 - done;
    const { losses, correct } = executor.trainStepsSync(data, { order: null, from: 0, to: 6000, batchSize: 6000, repeat: steps, stepScalars: constant(steps, 0.1) });
    for (const printed of golden.printed.filter(({ iteration }) => iteration >= done && iteration <= stop)) {
      close(`loss of iteration ${printed.iteration}`, losses[printed.iteration - done], printed.loss_mean_cross_entropy);
      expect(correct?.[printed.iteration - done], `right in iteration ${printed.iteration}`).toBe(printed.correct);
    }
    done = stop + 1;
    check(`after ${stop}`, executor.getState(), stop === 399 ? golden.final : golden.after_iteration[String(stop)]);
  }
  expect(done).toBe(iterations);
  runs++;
  if (iterations < 400) return;
  const state = executor.getState();
  for (const [name, i] of [['b1', 1], ['W2', 2], ['b2', 3]] as const) golden.final_full_small[name].flat().forEach((value, k) => close(`final ${name}[${k}]`, state.parameters[i][k], value));
  const trained = executor.evaluateSync(data, { order: null, from: 0, to: 6000 });
  expect(trained.correct).toBe(golden.final_train.correct);
  close('final loss', trained.lossSum / trained.denominator, golden.final_train.loss_mean_cross_entropy);
  expect(executor.evaluateSync(executor.load(TEST), { order: null, from: 0, to: 10000 }).correct).toBe(golden.final_test_t10k.correct);
}

function notebook004({ make }: Configuration, epochs: number): void {
  const golden = goldenJson('seeds/004-mcp-corrected-seed42-6k-e5-mnist.json') as Golden004;
  const random = new RandomState(42);
  random.uniform(0, 1, [2, 3]);
  random.uniform(0, 1, [3, 1]);
  const sizes = [[784, 100], [100, 200], [200, 10]] as const;
  // The notebook's weights are (in, out).
  const parameters = sizes.flatMap(([inputs, units]) => [transposed(random.normal(0, Math.sqrt(2 / (inputs + units)), [inputs, units]), inputs, units), new Float64Array(units)]);
  const check = (what: string, now: ExecutorState['parameters'], checksums: Checksums): void => sizes.forEach(([inputs, units], layer) => {
    checkArray(`${what} W${layer + 1}`, transposed(Float64Array.from(now[2 * layer]), units, inputs), checksums[`W${layer + 1}`]);
    checkArray(`${what} b${layer + 1}`, Float64Array.from(now[2 * layer + 1]), checksums[`b${layer + 1}`]);
  });
  check('initial', parameters, golden.init);

  const executor = make(network('float64', 784, [rescaling(1 / 255), dense(100, 'relu'), dense(200, 'relu'), dense(10)]));
  executor.setState({ parameters, slots: {}, step: 0 });
  const [data, held] = [executor.load(TRAIN), executor.load(TEST)];
  const score = (what: string, expected: { readonly train: Score; readonly test_t10k: Score }): void => {
    for (const [handle, { n, correct, loss_mean_cross_entropy: loss }] of [[data, expected.train], [held, expected.test_t10k]] as const) {
      const result = executor.evaluateSync(handle, { order: null, from: 0, to: n });
      expect(result.correct, what).toBe(correct);
      close(`${what} loss`, result.lossSum / result.denominator, loss);
    }
  };
  score('before training', golden.init_eval);
  const steps = 94 * epochs;
  const pass = { order: null, from: 0, to: 6000, batchSize: 64, repeat: epochs, stepScalars: constant(steps, 0.05) };
  // One step at a time as far as there are checksums of single batches, then epoch by epoch.
  const losses: number[] = [];
  while (losses.length < steps) {
    const single = losses.length < 100;
    const options = single ? { ...pass, firstStep: losses.length, maxMilliseconds: 0 } : { order: null, from: 0, to: 6000, batchSize: 64, firstStep: losses.length % 94, stepScalars: constant(94, 0.05) };
    losses.push(...executor.trainStepsSync(data, options).losses);
    const batch = golden.after_batches[String(losses.length)];
    if (batch !== undefined) check(`after batch ${losses.length}`, executor.getState().parameters, batch.weights);
    if (losses.length % 94 !== 0) continue;
    const epoch = golden.after_epochs[String(losses.length / 94)];
    if (epoch.weights !== undefined) check(`after epoch ${losses.length / 94}`, executor.getState().parameters, epoch.weights);
    score(`after epoch ${losses.length / 94}`, epoch);
  }
  golden.first_100_batch_losses.slice(0, steps).forEach((loss, i) => close(`loss of batch ${i}`, losses[i], loss));
  runs++;
}

const fastest = isas.length === 0 ? [] : [native(isas[isas.length - 1], 2)];
describe('003, corrected: 784-10-10, full batch of 6,000, rate 0.1', () => {
  it('typescript, 100 iterations', () => notebook003(typescript, 100));
  it.each(isas.map((isa) => native(isa, 2)))('$name, 100 iterations', (configuration) => notebook003(configuration, 100));
  it.each(fastest)('$name, all 400 iterations', (configuration) => notebook003(configuration, 400));
});
describe('004, corrected: 784-100-200-10, batches of 64, rate 0.05', () => {
  it('typescript, 2 epochs', () => notebook004(typescript, 2));
  it.each(isas.map((isa) => native(isa, 2)))('$name, all 5 epochs', (configuration) => notebook004(configuration, 5));
});

afterAll(() => {
  console.log(`notebook goldens: ${runs} runs, worst error ${worst.toExponential(1)}`);
  if (runs !== 2 + 2 * isas.length + fastest.length) throw new Error('some notebook runs did not finish');
});
