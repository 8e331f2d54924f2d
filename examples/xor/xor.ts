// XOR: what one neuron cannot learn and three hidden ones can. README.md beside this file has the mathematics.
import { layers, losses, optimizers, RandomState, sequential, type BackendChoice, type FloatArray, type Sequential } from 'nabla';
import { Command, runExample, UsageError } from '../shared/command.js';
import { apart } from '../shared/compare-biases.js';
import { Progress, row, short } from '../shared/screen.js';
import { drawRegions } from './regions.js';
import { perceptron, sigmoidNeuron } from './neuron.js';

export const inputs = [[0, 0], [0, 1], [1, 0], [1, 1]] as const;
export const targets = [0, 1, 1, 0] as const;
const and = [0, 0, 0, 1] as const;
/** W -= rate · dW of half the sum of squared errors. */
export const rate = 0.1;
export const steps = 60000;

const x = Float64Array.from(inputs.flat());
const y = Float64Array.from(targets);

/** What is known of a step before its update. */
export interface Moment {
  readonly step: number;
  /** The plain sum of y - o: what the notebook prints. It can be near 0 for a bad network. */
  readonly errorSum: number;
  readonly sumSquaredError: number;
  readonly outputs: readonly number[];
}
export interface Watched {
  readonly steps: number;
  readonly onMoment?: (moment: Moment) => void;
  /** After the updates of these steps. */
  readonly onUpdate?: (step: number, model: Sequential) => void;
  readonly updates?: readonly number[];
}

/** 2-3-1 without biases; the weights are NumPy's for this seed. */
export function buildModel(seed: number, backend: BackendChoice): Sequential {
  const random = new RandomState(seed);
  // The notebook holds weights as (in, out); nabla as (out, in): here is the transpose.
  const drawn = random.uniform(0, 1, [2, 3]);
  const W1 = Float64Array.from({ length: 6 }, (_, k) => drawn[(k % 2) * 3 + Math.floor(k / 2)]);
  const W2 = random.uniform(0, 1, [3, 1]);
  const model = sequential({ dtype: 'float64', backend }, [
    layers.dense({ name: 'hidden', units: 3, activation: 'sigmoid', useBias: false, weights: [W1], inputShape: [2] }),
    layers.dense({ name: 'output', units: 1, useBias: false, weights: [W2] }),
  ]);
  // The loss is the sum of squared errors, twice the notebook's: half the rate makes the same steps.
  model.compile({ optimizer: optimizers.sgd({ learningRate: rate / 2 }), loss: losses.meanSquaredError({ reduction: 'sum' }) });
  return model;
}

function momentOf(step: number, outputs: ArrayLike<number>): Moment {
  const errors = targets.map((target, i) => target - outputs[i]);
  return { step, errorSum: errors.reduce((sum, error) => sum + error, 0), sumSquaredError: errors.reduce((sum, error) => sum + error * error, 0), outputs: Array.from(outputs) };
}

/** Gradient descent: both layers' gradients from the weights of the forward pass. */
export async function descend(model: Sequential, watched: Watched): Promise<void> {
  const progress = new Progress();
  const updates = new Set(watched.updates);
  // Between two looks all steps go over in one call.
  const stops = new Set([...updates].map((step) => step + 1));
  for (let step = 0; step < watched.steps; step += 5000) stops.add(step);
  stops.add(watched.steps);
  let done = 0;
  for (const stop of [...stops].filter((step) => step <= watched.steps).sort((a, b) => a - b)) {
    if (stop > done) await model.fit(x, y, { epochs: stop - done, batchSize: 4, shuffle: false });
    done = stop;
    if (updates.has(stop - 1)) watched.onUpdate?.(stop - 1, model);
    if (stop % 5000 === 0 && stop < watched.steps) watched.onMoment?.(momentOf(stop, model.predictSync(x, { rows: inputs.length }).data));
    progress.show(`step ${stop} of ${watched.steps}`);
  }
  progress.clear();
}

/** The notebook's own step: it updates the output layer first and then goes back through the new weights. */
export async function descendAsWritten(model: Sequential, watched: Watched): Promise<void> {
  const progress = new Progress();
  const updates = new Set(watched.updates);
  let W2 = model.getWeights()[1];
  for (let step = 0; step < watched.steps; step++) {
    const { outputs, activations } = model.forwardTrain(x);
    if (step % 5000 === 0) watched.onMoment?.(momentOf(step, outputs));
    // Of the sum of squared errors: 2 (o - y).
    const dOutputs = Float64Array.from(outputs, (output, i) => 2 * (output - y[i]));
    const { gradients } = model.backward(dOutputs, { dx: false });
    const newW2 = W2.map((weight, h) => weight - (rate / 2) * gradients['output.weight'][h]);
    gradients['hidden.weight'].set(hiddenGradient(dOutputs, newW2, activations['hidden']));
    model.applyGradients(gradients);
    W2 = model.getWeights()[1];
    if (updates.has(step)) watched.onUpdate?.(step, model);
    progress.show(`step ${step + 1} of ${watched.steps}`);
    if (step % 256 === 0) await new Promise((resolve) => { setImmediate(resolve); });
  }
  progress.clear();
}

/** dO (4,1), W2 (1,3), h (4,3) -> dW1 = (dO W2 ∘ h (1 - h))ᵀ x (3,2) */
function hiddenGradient(dO: Float64Array, W2: FloatArray, h: FloatArray): Float64Array {
  const dW1 = new Float64Array(6);
  for (let unit = 0; unit < 3; unit++) {
    for (let sample = 0; sample < 4; sample++) {
      const a = h[sample * 3 + unit];
      const dz = dO[sample] * W2[unit] * a * (1 - a);
      for (let input = 0; input < 2; input++) dW1[unit * 2 + input] += dz * inputs[sample][input];
    }
  }
  return dW1;
}

/** One sample's way forward and back, every number written out. @param sample 0 to 3 */
export function passInNumbers(model: Sequential, sample: number): string {
  const [W1, W2] = model.getWeights();
  const [input, target] = [inputs[sample], targets[sample]];
  const n = (value: number): string => value.toFixed(4).padStart(7);
  const z = [0, 1, 2].map((unit) => input[0] * W1[2 * unit] + input[1] * W1[2 * unit + 1]);
  const h = z.map((value) => 1 / (1 + Math.exp(-value)));
  const o = h.reduce((sum, value, unit) => sum + value * W2[unit], 0);
  const dO = o - target;
  const dh = Array.from(W2, (weight) => dO * weight);
  const dz = dh.map((value, unit) => value * h[unit] * (1 - h[unit]));
  const lines = [
    `One sample forward and back, x = [${input.join(', ')}], y = ${target}, loss = (o - y)²/2:`,
    ...z.map((value, unit) => `  z${unit + 1} = ${input[0]} · ${n(W1[2 * unit])} + ${input[1]} · ${n(W1[2 * unit + 1])} = ${n(value)}    h${unit + 1} = 1/(1 + e^-z${unit + 1}) = ${n(h[unit])}`),
    `  o  = ${h.map((value, unit) => `${n(value)} · ${n(W2[unit])}`).join(' + ')} = ${n(o)}`,
    `  loss = (${n(o)} - ${target})² / 2 = ${n((dO * dO) / 2)}          do = o - y = ${n(dO)}`,
    ...h.map((value, unit) => `  dv${unit + 1} = do · h${unit + 1} = ${n(dO)} · ${n(value)} = ${n(dO * value)}`),
    ...dz.map((value, unit) => `  dz${unit + 1} = do · v${unit + 1} · h${unit + 1} (1 - h${unit + 1}) = ${n(dO)} · ${n(W2[unit])} · ${n(h[unit])} · ${n(1 - h[unit])} = ${n(value)}`),
    ...dz.map((value, unit) => `  dw${unit + 1} = dz${unit + 1} · x = [${n(value * input[0])}, ${n(value * input[1])} ]`),
  ];
  return lines.join('\n');
}

async function main(): Promise<void> {
  const command = new Command('xor', 'One neuron, then three hidden ones: XOR, with every number of one step written out and the decision boundary drawn.', '--seed 1 --as-written');
  const asWritten = command.flag('as-written', "the notebook's own arithmetic: back through output weights that are updated already");
  const compare = command.flag('compare', 'both, side by side: where they part');
  const json = command.flag('json', 'results as JSON');
  const count = command.integer('steps', steps, 'updates', 1);
  const seed = command.integer('seed', 0, "seed of NumPy's generator");
  const backend = command.backend();
  command.ready();
  if (asWritten && compare) throw new UsageError('--compare shows both variants: leave --as-written out');
  const say = (text: string): void => {
    if (!json) console.log(text);
  };

  if (compare) {
    const text = await comparison(seed, backend, count);
    console.log(json ? JSON.stringify({ example: 'xor', seed, steps: count, partings: text.partings }) : text.text);
    return;
  }
  say(oneNeuron(seed));
  const model = buildModel(seed, backend);
  say(`\n2-3-1 without biases, ${count} steps with rate ${rate}, seed ${seed}${asWritten ? ', as written' : ''}.\n\n${passInNumbers(model, 1)}\n`);
  const moments: Moment[] = [];
  say('   step   sum of errors   squared     outputs for 00, 01, 10, 11');
  const watched: Watched = {
    steps: count,
    onMoment(moment) {
      moments.push(moment);
      say(line(moment));
    },
  };
  await (asWritten ? descendAsWritten(model, watched) : descend(model, watched));
  const final = momentOf(count, model.predictSync(x, { rows: inputs.length }).data);
  say(line(final));
  if (json) {
    console.log(JSON.stringify({ example: 'xor', variant: asWritten ? 'as written' : 'corrected', seed, backend: model.backend, moments, final }));
    return;
  }
  const solved = final.outputs.every((output, i) => Math.round(output) === targets[i]);
  say(`\n${solved ? 'Solved: rounded, the outputs are XOR.' : 'Not solved with these initial weights.'}\nOutputs of at least 0.5 over the square from -0.5 to 1.5:\n`);
  say(drawRegions((points) => model.predictSync(points, { rows: points.length / 2 }).data, inputs.map(([a, b], i) => ({ at: [a, b], mark: String(targets[i]) }))));
}

const line = ({ step, errorSum, sumSquaredError, outputs }: Moment): string =>
  `${String(step).padStart(7)} ${short(errorSum).padStart(15)} ${short(sumSquaredError).padStart(9)}    ${row(outputs.map((value) => value.toFixed(4)), 9)}`;

/** AND and XOR for one neuron: a perceptron, then a sigmoid with the squared error and its gradient by hand. */
function oneNeuron(seed: number): string {
  const shown = (output: readonly number[]): string => row(output.map((value) => (Number.isInteger(value) ? String(value) : value.toFixed(3))), 7);
  const lines = ['One neuron, two weights and a bias             00     01     10     11'];
  for (const [name, wanted] of [['AND', and], ['XOR', targets]] as const) {
    const step = perceptron(inputs, wanted, 20);
    const smooth = sigmoidNeuron(inputs, wanted, { rate: 0.5, steps: 5000, seed });
    lines.push(
      `  ${name}                                   wanted ${shown(wanted)}`,
      `    perceptron, ${step.rounds < 20 ? `at rest after ${String(step.rounds).padStart(2)} rounds` : 'no rest in 20 rounds   '}   says ${shown(step.outputs)}`,
      `    sigmoid, 5000 steps, error ${smooth.loss.toFixed(4)}   says ${shown(smooth.outputs)}`,
    );
  }
  return [...lines, 'A line parts AND. No line parts XOR: every output ends near one half.'].join('\n');
}

interface Parting { readonly step: number; readonly errorSum: readonly [number, number]; readonly sumSquaredError: readonly [number, number]; readonly W1: number; readonly W2: number }

async function comparison(seed: number, backend: BackendChoice, count: number): Promise<{ readonly text: string; readonly partings: readonly Parting[] }> {
  const updates = [...new Set([0, 1, 9, 99, 999, 9999, count - 1])].filter((step) => step < count);
  const trace = async (run: typeof descend): Promise<Map<number, { readonly moment: Moment; readonly weights: FloatArray[] }>> => {
    const seen = new Map<number, { readonly moment: Moment; readonly weights: FloatArray[] }>();
    await run(buildModel(seed, backend), {
      steps: count,
      updates,
      onUpdate(step, model) {
        seen.set(step, { moment: momentOf(step + 1, model.predictSync(x, { rows: inputs.length }).data), weights: model.getWeights() });
      },
    });
    return seen;
  };
  const written = await trace(descendAsWritten);
  const corrected = await trace(descend);
  const partings = [...written].flatMap(([step, a]) => {
    const b = corrected.get(step);
    if (b === undefined) return [];
    return [{
      step: step + 1,
      errorSum: [a.moment.errorSum, b.moment.errorSum] as const,
      sumSquaredError: [a.moment.sumSquaredError, b.moment.sumSquaredError] as const,
      W1: apart(a.weights[0], b.weights[0]),
      W2: apart(a.weights[1], b.weights[1]),
    }];
  });
  const lines = partings.map(({ step, errorSum, sumSquaredError, W1, W2 }) =>
    `${String(step).padStart(7)}${row([...errorSum, ...sumSquaredError].map(short), 12)}${row([W1, W2].map(short), 10)}`);
  const text = [
    'The output layer takes the same first step; the hidden one takes another,',
    'through weights that moved.',
    '',
    '              sum of errors           squared errors         apart by',
    '   step     written   corrected     written   corrected    hidden    output',
    ...lines,
  ].join('\n');
  return { text, partings };
}

await runExample(import.meta.url, main);
