// 784-100-200-10 on MNIST: layers as objects, mini-batches, 32 epochs. README.md beside this file has the mathematics.
import process from 'node:process';
import { layers, optimizers, RandomState, sequential, type ArrayDataset, type BackendChoice, type Sequential } from 'nabla';
import { minusOneHot, unstableSoftmax } from '../shared/as-written.js';
import { Command, runExample, UsageError } from '../shared/command.js';
import { apart } from '../shared/compare-biases.js';
import { firstRows, loadPictures } from '../shared/digits.js';
import { count, percent, Progress, row, short, wrap } from '../shared/screen.js';
import { drawCurve } from './curve.js';

export const batchSize = 64;
export const epochs = 32;
const learningRate = 0.05;
/** NumPy gets 97.69 % with seed 42. */
const expectedAccuracy = 0.975;

/** X. Glorot's and Y. Bengio's ("Xavier") initialisation: normal numbers with variance 2 / (inputs + units). */
function xavierNormal(random: RandomState, inputs: number, units: number): Float64Array {
  // The notebook holds weights as (in, out); nabla as (out, in): here is the transpose.
  const drawn = random.normal(0, Math.sqrt(2 / (inputs + units)), [inputs, units]);
  return Float64Array.from({ length: units * inputs }, (_, k) => drawn[(k % inputs) * units + Math.floor(k / inputs)]);
}

/** @param random the generator, seeded @param fresh false: the notebook drew the weights of its XOR network first */
export function buildModel(random: RandomState, backend: BackendChoice, fresh = false): Sequential {
  if (!fresh) {
    random.uniform(0, 1, [2, 3]);
    random.uniform(0, 1, [3, 1]);
  }
  const model = sequential({ dtype: 'float64', backend }, [
    layers.rescaling({ scale: 1 / 255, inputShape: [784] }),
    layers.dense({ name: 'first', units: 100, activation: 'relu', kernelInitializer: xavierNormal(random, 784, 100) }),
    layers.dense({ name: 'second', units: 200, activation: 'relu', kernelInitializer: xavierNormal(random, 100, 200) }),
    layers.dense({ name: 'output', units: 10, activation: 'softmax', kernelInitializer: xavierNormal(random, 200, 10) }),
  ]);
  model.compile({ optimizer: optimizers.sgd({ learningRate }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}

export interface Watched {
  readonly epochs: number;
  /** After every batch: its loss before the update, and the batches done since the start. */
  readonly onBatch?: (loss: number, batches: number, model: Sequential) => void;
  readonly onEpoch?: (epoch: number, model: Sequential) => void | Promise<void>;
}

/** @param shuffled draws a new order of the rows for every epoch; without it the rows come in file order, as in the notebook */
export async function train(model: Sequential, data: ArrayDataset, watched: Watched, shuffled: RandomState | null = null): Promise<void> {
  const progress = new Progress();
  const orders = new Map<number, Uint32Array>();
  const orderOf = (random: RandomState, epoch: number): Uint32Array => {
    const order = orders.get(epoch) ?? random.permutation(data.rows);
    orders.set(epoch, order);
    return order;
  };
  let batches = 0;
  const { onBatch } = watched;
  await model.fit(data, {
    epochs: watched.epochs,
    batchSize,
    ...(shuffled === null ? { shuffle: false } : { order: (epoch: number) => orderOf(shuffled, epoch) }),
    callbacks: {
      ...(onBatch === undefined ? {} : { onBatchEnd: (_: number, { loss }: Readonly<Record<string, number>>) => { onBatch(loss, ++batches, model); } }),
      async onEpochEnd(epoch) {
        progress.clear();
        orders.delete(epoch);
        await watched.onEpoch?.(epoch, model);
        progress.show(`epoch ${epoch + 2} of ${watched.epochs}`);
      },
    },
  });
  progress.clear();
}

/** The notebook's own arithmetic: softmax without its maximum, and a last layer that keeps its class's default rate, 0.1 instead of 0.05. */
export async function trainAsWritten(model: Sequential, data: ArrayDataset, watched: Watched): Promise<void> {
  const progress = new Progress();
  let batches = 0;
  for (let epoch = 0; epoch < watched.epochs; epoch++) {
    for (let from = 0; from < data.rows; from += batchSize) {
      const batch = data.slice(from, Math.min(from + batchSize, data.rows));
      const { logits } = model.forwardTrain(batch.x);
      const probabilities = unstableSoftmax(logits, 10);
      const { gradients } = model.backward(minusOneHot(probabilities, batch, batch.rows), { dx: false });
      // Twice the gradient is twice the rate.
      for (const name of ['output.weight', 'output.bias']) gradients[name].set(gradients[name].map((value) => 2 * value));
      model.applyGradients(gradients);
      watched.onBatch?.(meanLoss(probabilities, batch), ++batches, model);
      progress.show(`epoch ${epoch + 1} of ${watched.epochs}, row ${count(from)}`);
      if (batches % 16 === 0) await new Promise((resolve) => { setImmediate(resolve); });
    }
    progress.clear();
    await watched.onEpoch?.(epoch, model);
  }
}

function meanLoss(probabilities: Float64Array, batch: ArrayDataset): number {
  let sum = 0;
  for (let i = 0; i < batch.rows; i++) sum -= Math.log(probabilities[i * 10 + batch.label(i)]);
  return sum / batch.rows;
}

interface EpochFigures { readonly epoch: number; readonly train: number; readonly test: number; readonly loss: number }

async function main(): Promise<void> {
  const command = new Command('layered', 'A 784-100-200-10 network in mini-batches of 64: its accuracy curve over 32 epochs.', '--rows 6000 --epochs 5 --compare');
  const asWritten = command.flag('as-written', "the notebook's own arithmetic: the last layer's rate is 0.1, softmax without its maximum");
  const compare = command.flag('compare', 'both, side by side: where they part');
  const shuffle = command.flag('shuffle', 'the rows in a new order every epoch, as np.random.permutation draws it');
  const fresh = command.flag('fresh', "seed right before the first layer instead of before the notebook's XOR network");
  const json = command.flag('json', 'results as JSON');
  const wanted = command.integer('epochs', epochs, 'passes over the pictures', 1);
  const rows = command.integer('rows', 60000, 'pictures, from the start of the training set', 10);
  const seed = command.integer('seed', 42, "seed of NumPy's generator");
  const choice = command.text('data', 'mnist|fashion|DIR', 'which pictures (default mnist)');
  const backend = command.backend();
  command.ready();
  if (asWritten && compare) throw new UsageError('--compare shows both variants: leave --as-written out');
  if (shuffle && (asWritten || compare)) throw new UsageError('the notebook does not shuffle: leave --shuffle out');
  const say = (text: string): void => {
    if (!json) console.log(text);
  };

  const pictures = await loadPictures(choice);
  const data = firstRows(pictures.train, rows);
  const { test } = pictures;
  say(`${wrap(`784-100-200-10 in float64 on ${count(data.rows)} pictures in batches of ${batchSize}; ${wanted} epochs with rate ${learningRate}, seed ${seed}${asWritten ? ', as written' : ''}.`)}\n`);
  const run = async (written: boolean): Promise<{ readonly model: Sequential; readonly figures: readonly EpochFigures[]; readonly weights: readonly (readonly ArrayLike<number>[])[] }> => {
    const random = new RandomState(seed);
    const model = buildModel(random, backend, fresh);
    const figures: EpochFigures[] = [];
    const weights: (readonly ArrayLike<number>[])[] = [];
    const watched: Watched = {
      epochs: wanted,
      async onEpoch(epoch, trained) {
        const onTrain = await trained.evaluate(data);
        const onTest = await trained.evaluate(test);
        const found = { epoch: epoch + 1, train: onTrain['accuracy'], test: onTest['accuracy'], loss: onTrain['loss'] };
        figures.push(found);
        weights.push(compare ? trained.getWeights() : []);
        if (!compare) say(`${String(found.epoch).padStart(5)} ${found.loss.toFixed(4).padStart(8)} ${percent(found.train).padStart(9)} ${percent(found.test).padStart(9)}`);
      },
    };
    if (compare) say(`${written ? 'As written' : 'Corrected'} ...`);
    await (written ? trainAsWritten(model, data, watched) : train(model, data, watched, shuffle ? random : null));
    return { model, figures, weights };
  };

  if (compare) {
    const written = await run(true);
    const corrected = await run(false);
    const partings = written.figures.map((w, i) => ({
      epoch: w.epoch, written: w, corrected: corrected.figures[i],
      apart: Object.fromEntries(written.model.parameterNames().map((name, k) => [name, apart(written.weights[i][k], corrected.weights[i][k])])),
    }));
    if (json) console.log(JSON.stringify({ example: 'layered', seed, rows: data.rows, partings }));
    say([
      '\n          test accuracy      training loss        weights apart by',
      'epoch   written corrected  written corrected     first   second   output',
      ...partings.map(({ epoch, written: w, corrected: c, apart: a }) =>
        `${String(epoch).padStart(5)}${percent(w.test).padStart(10)}${percent(c.test).padStart(10)}${w.loss.toFixed(4).padStart(9)}${c.loss.toFixed(4).padStart(10)} ${row([a['first.weight'], a['second.weight'], a['output.weight']].map(short), 9)}`),
    ].join('\n'));
    return;
  }
  say('                 accuracy on\nepoch    loss  training      test');
  const { model, figures } = await run(asWritten);
  const final = figures.at(-1)?.test ?? 0;
  if (json) console.log(JSON.stringify({ example: 'layered', variant: asWritten ? 'as written' : 'corrected', seed, rows: data.rows, backend: model.backend, epochs: figures }));
  say(`\n${drawCurve({ 'training set': figures.map((f) => f.train), 'test set': figures.map((f) => f.test) }, { from: lowest(figures), to: 1, height: 11 })}`);
  say(`\nTest accuracy ${percent(final)}.`);
  const likeTheNotebook = wanted >= epochs && data.rows === 60000 && (choice === '' || choice === 'mnist');
  if (likeTheNotebook && final < expectedAccuracy) {
    process.exitCode = 1;
    console.error(`The test accuracy should be ${percent(expectedAccuracy)} or better.`);
  }
}

/** A round lower end for the curve: 0.9, or further down where the first epochs were worse. */
function lowest(figures: readonly EpochFigures[]): number {
  const least = Math.min(...figures.flatMap((f) => [f.train, f.test]));
  return Math.min(0.9, Math.floor(10 * least) / 10);
}

await runExample(import.meta.url, main);
