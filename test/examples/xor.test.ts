// The example xor against NumPy, and its single neuron against central differences.
import { afterAll, describe, expect, it } from 'vitest';
import { perceptron, sigmoidNeuron } from '../../examples/xor/neuron.js';
import { drawRegions } from '../../examples/xor/regions.js';
import { buildModel, descend, descendAsWritten, inputs, passInNumbers, rate, steps, targets, type Moment } from '../../examples/xor/xor.js';
import { loadAddon } from '../../src/backend/native/addon.js';
import type { Sequential } from '../../src/index.js';
import { golden, near, worstDifference } from './seeds.js';

interface Weights { readonly w_hidden: readonly (readonly number[])[]; readonly w_output: readonly (readonly number[])[] }
interface Variant {
  readonly initial: Weights;
  readonly printed: readonly { readonly epoch: number; readonly error_sum: number; readonly sum_squared_error: number; readonly outputs: readonly number[] }[];
  readonly after_epoch: Readonly<Record<string, Weights>>;
  readonly final: Weights & { readonly predictions: readonly number[]; readonly error_sum: number; readonly sum_squared_error: number; readonly solved: boolean };
}
interface Run { readonly rng_seed: number; readonly epochs: number; readonly learning_rate: number; readonly as_written: Variant; readonly corrected: Variant }
const isRun = (value: unknown): value is Run => typeof value === 'object' && value !== null && 'as_written' in value && 'corrected' in value;

/** NumPy's weights are (in, out). */
function expectWeights(model: Sequential, { w_hidden, w_output }: Weights, when: string): void {
  const [W1, W2] = model.getWeights();
  w_hidden.forEach((line, input) => { line.forEach((value, unit) => { near(W1[unit * 2 + input], value, Math.max(1, Math.abs(value)), `w_hidden[${input}][${unit}] ${when}`); }); });
  w_output.forEach(([value], unit) => { near(W2[unit], value, Math.max(1, Math.abs(value)), `w_output[${unit}] ${when}`); });
}

async function follow(run: Run, variant: 'as_written' | 'corrected', backend: 'native' | 'typescript'): Promise<void> {
  const expected = run[variant];
  const model = buildModel(run.rng_seed, backend);
  expectWeights(model, expected.initial, 'at the start');
  const moments: Moment[] = [];
  let compared = 0;
  await (variant === 'as_written' ? descendAsWritten : descend)(model, {
    steps: run.epochs,
    onMoment: (moment) => void moments.push(moment),
    updates: Object.keys(expected.after_epoch).map(Number),
    onUpdate(step, trained) {
      expectWeights(trained, expected.after_epoch[String(step)], `after step ${step}`);
      compared++;
    },
  });
  expect(compared).toBe(6);
  expect(moments.map(({ step }) => step)).toEqual(expected.printed.map(({ epoch }) => epoch));
  expected.printed.forEach((printed, i) => {
    near(moments[i].errorSum, printed.error_sum, 1, `sum of errors at ${printed.epoch}`);
    near(moments[i].sumSquaredError, printed.sum_squared_error, 1, `squared errors at ${printed.epoch}`);
    printed.outputs.forEach((value, k) => { near(moments[i].outputs[k], value, 1, `output ${k} at ${printed.epoch}`); });
  });
  expectWeights(model, expected.final, 'at the end');
  const outputs = model.predictSync(inputs.map((sample) => [...sample])).data;
  expected.final.predictions.forEach((value, i) => { near(outputs[i], value, 1, `prediction ${i}`); });
  expect(outputs.every((output, i) => Math.round(output) === targets[i])).toBe(expected.final.solved);
}

describe.each(['native', 'typescript'] as const)('%s', (backend) => {
  for (const seed of [0, 1, 42]) {
    const run = golden(`004-xor-seed${seed}`, isRun);
    for (const variant of ['as_written', 'corrected'] as const) {
      it.skipIf(backend === 'native' && loadAddon().addon === null)(`seed ${seed}, ${variant}, all 60,000 steps`, async () => {
        expect([run.epochs, run.learning_rate, run.rng_seed]).toEqual([steps, rate, seed]);
        await follow(run, variant, backend);
      }, 120_000);
    }
  }
});

it('the pass in numbers is that of the network', () => {
  const model = buildModel(0, 'typescript');
  const text = passInNumbers(model, 1);
  const { gradients } = model.gradients([[...inputs[1]]], [[targets[1]]]);
  // The model's loss is twice the notebook's.
  const shown = [...text.matchAll(/dw\d = .*\[ *(-?[\d.]+), *(-?[\d.]+)/g)].flatMap((match) => [Number(match[1]), Number(match[2])]);
  expect(shown).toHaveLength(6);
  shown.forEach((value, i) => { expect(value).toBeCloseTo(gradients['hidden.weight'][i] / 2, 4); });
  const output = [...text.matchAll(/dv\d = .* = +(-?[\d.]+)/g)].map((match) => Number(match[1]));
  expect(output).toHaveLength(3);
  output.forEach((value, i) => { expect(value).toBeCloseTo(gradients['output.weight'][i] / 2, 4); });
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
});

describe('one neuron', () => {
  it('the perceptron learns AND and never XOR', () => {
    const and = perceptron(inputs, [0, 0, 0, 1], 20);
    expect(and.outputs).toEqual([0, 0, 0, 1]);
    expect(and.rounds).toBeLessThan(20);
    const xor = perceptron(inputs, targets, 20);
    expect(xor.rounds).toBe(20);
    expect(xor.outputs).not.toEqual([...targets]);
  });

  it('the gradient by hand is the slope of the loss', () => {
    // Without a step the weights are the drawn ones: a tiny step tells the gradient from the change of the loss.
    const at = (rateOf: number, count: number) => sigmoidNeuron(inputs, targets, { rate: rateOf, steps: count, seed: 3 });
    const start = at(0, 0);
    const [a, b, c] = start.gradient;
    const epsilon = 1e-5;
    const slope = (at(epsilon, 1).loss - at(-epsilon, 1).loss) / (2 * epsilon);
    // Along -gradient the loss falls by its squared length.
    expect(slope).toBeCloseTo(-(a * a + b * b + c * c), 9);
    expect(a * a + b * b + c * c).toBeGreaterThan(1e-6);
  });

  it('the sigmoid ends at one half for XOR', () => {
    for (const output of sigmoidNeuron(inputs, targets, { rate: 0.5, steps: 5000, seed: 0 }).outputs) expect(output).toBeCloseTo(0.5, 2);
  });
});

it('regions are drawn where they are', () => {
  // x at least 1/2: the right half.
  const lines = drawRegions((points) => Float64Array.from({ length: points.length / 2 }, (_, i) => points[2 * i]), [{ at: [0, 1], mark: 'A' }, { at: [1, 0], mark: 'B' }]).split('\n');
  expect(lines).toHaveLength(28);
  expect(new Set(lines.slice(1, -2).map((line) => line.replace(/[01AB]/g, ' ').slice(4, 34)))).toEqual(new Set([' '.repeat(30)]));
  expect(lines.find((line) => line.includes('A'))?.indexOf('A')).toBe(4 + 15);
  expect(lines.find((line) => line.includes('B'))?.indexOf('B')).toBe(4 + 45);
  expect(lines.findIndex((line) => line.includes('A'))).toBeLessThan(lines.findIndex((line) => line.includes('B')));
});

afterAll(() => {
  console.log(`XOR: largest difference from NumPy ${worstDifference()}`);
});
