// 784-10-10 on MNIST: He's initialisation, gradient descent on all pictures at once, an honest test set, a digit of one's own. README.md has the mathematics.
import { relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { layers, optimizers, RandomState, sequential, type ArrayDataset, type BackendChoice, type FloatArray, type Sequential } from 'nabla';
import { minusOneHot } from '../shared/as-written.js';
import { Command, runExample, UsageError } from '../shared/command.js';
import { apart } from '../shared/compare-biases.js';
import { descend, descendByHand, score, type Moment, type Watched } from '../shared/descent.js';
import { firstRows, loadPictures } from '../shared/digits.js';
import { columns, count, drawDigits, percent, row, short, wrap } from '../shared/screen.js';
import { readOwnDigit } from './own-digit.js';

export const iterations = 400;
const learningRate = 0.1;

/**
 * W1 (10,784), b1 (10), W2 (10,10), b2 (10): normal numbers with variance 2 / inputs, so that ReLU's outputs keep their size; biases zero.
 * @param prelude the notebook first tries ReLU on ten random numbers, so its weights come after them in the stream
 */
export function initialWeights(seed: number, prelude = true): Float64Array[] {
  const random = new RandomState(seed);
  if (prelude) random.rand(10, 1);
  const heNormal = (units: number, inputs: number): Float64Array => random.randn(units, inputs).map((value) => value * Math.sqrt(2 / inputs));
  return [heNormal(10, 784), new Float64Array(10), heNormal(10, 10), new Float64Array(10)];
}

export function buildModel([W1, b1, W2, b2]: readonly FloatArray[], backend: BackendChoice, scale = 1 / 255): Sequential {
  const model = sequential({ dtype: 'float64', backend }, [
    layers.rescaling({ scale, inputShape: [784] }),
    layers.dense({ name: 'hidden', units: 10, activation: 'relu', weights: [W1, b1] }),
    layers.dense({ name: 'output', units: 10, activation: 'softmax', weights: [W2, b2] }),
  ]);
  model.compile({ optimizer: optimizers.sgd({ learningRate }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}

/** Pixels as the notebook divides them: in float32, whose 24 bits the float64 arithmetic then goes on with. */
export function float32Pixels(data: ArrayDataset): Float32Array {
  return Float32Array.from(data.x, (byte) => byte / 255);
}

/**
 * The notebook's own run: float32 pixels, and a ReLU whose slope at exactly 0 is 1. The two layers are networks of their own, so that what lies
 * between them can be written out. The model is built with scale 1 and has their weights after every step.
 * @returns how often a sum z1 was exactly 0
 */
export async function descendAsWritten(model: Sequential, data: ArrayDataset, watched: Watched): Promise<number> {
  const x = float32Pixels(data);
  const [W1, b1, W2, b2] = model.getWeights();
  const { backend } = model;
  const hidden = sequential({ dtype: 'float64', backend }, [layers.dense({ units: 10, weights: [W1, b1], inputShape: [784] })]);
  const output = sequential({ dtype: 'float64', backend }, [layers.dense({ units: 10, activation: 'softmax', weights: [W2, b2], inputShape: [10] })]);
  hidden.compile({ optimizer: optimizers.sgd({ learningRate }), loss: 'meanSquaredError' });
  output.compile({ optimizer: optimizers.sgd({ learningRate }), loss: 'sparseCategoricalCrossentropy' });
  let zeros = 0;
  await descendByHand(model, data, watched, () => {
    const z1 = hidden.forwardTrain(x).logits;
    const a1 = z1.map((z) => Math.max(z, 0));
    const probabilities = Float64Array.from(output.forwardTrain(a1).outputs);
    const second = output.backward(minusOneHot(probabilities, data, data.rows));
    // Here it is: the slope of ReLU is 1 where z is 0.
    const dz1 = second.dx.map((da, i) => (z1[i] >= 0 ? da : 0));
    const first = hidden.backward(dz1, { dx: false });
    hidden.applyGradients(first.gradients);
    output.applyGradients(second.gradients);
    model.setWeights([...hidden.getWeights(), ...output.getWeights()]);
    for (const z of z1) if (z === 0) zeros++;
    const [dW1, db1] = Object.values(first.gradients);
    const [dW2, db2] = Object.values(second.gradients);
    return { probabilities, gradients: { 'hidden.weight': dW1, 'hidden.bias': db1, 'output.weight': dW2, 'output.bias': db2 } };
  });
  return zeros;
}

/** How often each digit is said. */
export function countsOf(predictions: Uint32Array): number[] {
  const counts = Array.from({ length: 10 }, () => 0);
  for (const digit of predictions) counts[digit]++;
  return counts;
}

const line = (label: string, accuracy: number, predictions: Uint32Array): string => `${label.padStart(9)} ${percent(accuracy).padStart(9)} ${row(countsOf(predictions), 6)}`;

async function main(): Promise<void> {
  const command = new Command('he-init', "A 784-10-10 network from He's initial weights: accuracy and how often it says each digit, an honest test, a digit of your own.", '--rows 6000 --compare');
  const asWritten = command.flag('as-written', "the notebook's own arithmetic: float32 pixels, ReLU with slope 1 at 0, a \"test\" on the training pictures");
  const compare = command.flag('compare', 'both, side by side: where they part');
  const json = command.flag('json', 'results as JSON');
  const updates = command.integer('iterations', iterations, 'updates', 1);
  const rows = command.integer('rows', 60000, 'pictures, from the start of the training set', 10);
  const seed = command.integer('seed', 0, "seed of NumPy's generator");
  const prelude = !command.flag('no-prelude', 'leave out the ten numbers that the notebook draws before its weights');
  const choice = command.text('data', 'mnist|fashion|DIR', 'which pictures (default mnist)');
  const digit = command.text('digit', 'FILE', 'a digit of your own, PGM or PNG (default my-digit.pgm beside this example)');
  const backend = command.backend();
  command.ready();
  if (asWritten && compare) throw new UsageError('--compare shows both variants: leave --as-written out');
  const say = (text: string): void => {
    if (!json) console.log(text);
  };

  const pictures = await loadPictures(choice);
  const train = firstRows(pictures.train, rows);
  const { test } = pictures;
  const own = digit === '' ? fileURLToPath(new URL('my-digit.pgm', import.meta.url)) : digit;
  const ownPixels = await readOwnDigit(own);
  const printed = (iteration: number): boolean => iteration % 50 === 0;
  say(`${wrap(`784-10-10 in float64 on ${count(train.rows)} pictures; ${updates} updates with rate ${learningRate}, seed ${seed}${asWritten ? ', as written' : ''}.`)}\n`);

  const run = async (written: boolean): Promise<{ readonly model: Sequential; readonly moments: readonly Moment[]; readonly zeros: number }> => {
    const model = buildModel(initialWeights(seed, prelude), backend, written ? 1 : 1 / 255);
    const moments: Moment[] = [];
    const watched: Watched = {
      iterations: updates, printed, gradients: compare,
      onMoment(moment) {
        moments.push(moment);
        if (!compare) say(line(String(moment.iteration), moment.accuracy, moment.predictions));
      },
    };
    if (compare) say(`${written ? 'As written' : 'Corrected'} ...`);
    if (written) return { model, moments, zeros: await descendAsWritten(model, train, watched) };
    await descend(model, train, watched);
    return { model, moments, zeros: 0 };
  };
  if (compare) {
    const written = await run(true);
    const corrected = await run(false);
    await showComparison(written, corrected, { train, test, json });
    return;
  }

  say(`iteration  accuracy ${row(Array.from({ length: 10 }, (_, i) => `${i}s`), 6)}`);
  const { model, moments, zeros } = await run(asWritten);
  // The model as written takes pixels that are divided already.
  const ready = (data: ArrayDataset): FloatArray | Uint8Array => (asWritten ? Float64Array.from(data.x, (byte) => byte / 255) : Uint8Array.from(data.x));
  const onTest = (await model.predict(ready(test), { rows: test.rows })).argmax();
  const result = { train: score((await model.predict(asWritten ? float32Pixels(train) : train.x, { rows: train.rows })).argmax(), train).accuracy, test: score(onTest, test).accuracy };
  if (json) {
    console.log(JSON.stringify({
      example: 'he-init', variant: asWritten ? 'as written' : 'corrected', seed, rows: train.rows, backend: model.backend,
      moments: moments.map(({ iteration, loss, accuracy, predictions }) => ({ iteration, loss, accuracy, counts: countsOf(predictions) })), ...result,
    }));
    return;
  }
  say(`${line('test', result.test, onTest)}\n`);
  if (asWritten) say(`${wrap(`The notebook shows ${percent(result.train)} as its test accuracy: it tests on the training pictures. Sums that were exactly 0: ${zeros}.`)}\n`);
  const answers = await model.predict(asWritten ? Float64Array.from(ownPixels, (byte) => byte / 255) : ownPixels);
  const [best] = answers.argmax();
  say(drawDigits([{ pixels: ownPixels, caption: `says ${best} (${(100 * answers.row(0)[best]).toFixed(0)} %)` }], columns));
  say(`\n${wrap(`That was ${relative(process.cwd(), own)}: open it in a text editor, or give --digit a PGM or PNG of yours.`)}`);
}

interface Run { readonly model: Sequential; readonly moments: readonly Moment[]; readonly zeros: number }

async function showComparison(written: Run, corrected: Run, { train, test, json }: { readonly train: ArrayDataset; readonly test: ArrayDataset; readonly json: boolean }): Promise<void> {
  const pixels = apart(float32Pixels(train), Float64Array.from(train.x, (byte) => byte / 255));
  const rows = written.moments.map((w, i) => {
    const c = corrected.moments[i];
    return { iteration: w.iteration, accuracy: { written: w.accuracy, corrected: c.accuracy }, W1: apart(w.weights[0], c.weights[0]), b1: apart(w.weights[1], c.weights[1]), W2: apart(w.weights[2], c.weights[2]), b2: apart(w.weights[3], c.weights[3]) };
  });
  const claimed = score((await written.model.predict(float32Pixels(train), { rows: train.rows })).argmax(), train).accuracy;
  const honest = score((await corrected.model.predict(test.x)).argmax(), test).accuracy;
  if (json) {
    console.log(JSON.stringify({ example: 'he-init', rows: train.rows, pixels, zeros: written.zeros, partings: rows, claimed, honest }));
    return;
  }
  console.log([
    `\nFloat32 pixels are off by at most ${short(pixels)}.`,
    `Sums that were exactly 0, where the slopes differ: ${written.zeros}.`,
    '',
    '                  accuracy            weights apart by',
    'iteration   written corrected        W1       b1       W2       b2',
    ...rows.map(({ iteration, accuracy, W1, b1, W2, b2 }) =>
      `${String(iteration).padStart(9)}${percent(accuracy.written).padStart(10)}${percent(accuracy.corrected).padStart(10)} ${row([W1, b1, W2, b2].map(short), 9)}`),
    '',
    wrap(`Test accuracy as the notebook reports it, on the training pictures: ${percent(claimed)}. On the test set: ${percent(honest)}.`),
  ].join('\n'));
}

await runExample(import.meta.url, main);
