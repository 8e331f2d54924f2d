// The 70,000 digits as one set, as OpenML keeps them: saved as a pair of CSV files, read again, shuffled, learnt. README.md has the mathematics.
import { lstat, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import process from 'node:process';
import { ArrayDataset, layers, optimizers, RandomState, readCsv, sequential, writeCsv, type BackendChoice, type FloatArray, type Sequential } from 'nabla';
import { minusOneHot, oneNumberForAllBiases, unstableSoftmax } from '../shared/as-written.js';
import { Command, runExample, UsageError } from '../shared/command.js';
import { comparisonText, partings } from '../shared/compare-biases.js';
import { descend, descendByHand, score, type Moment, type Watched } from '../shared/descent.js';
import { firstRows, loadPictures } from '../shared/digits.js';
import { columns, count, drawDigits, percent, wrap } from '../shared/screen.js';

const held = 1000;
const learningRate = 0.1;

/** The training set and behind it the test set: OpenML's order of mnist_784. */
export function asOneSet(train: ArrayDataset, test: ArrayDataset): ArrayDataset {
  const x = new Uint8Array((train.rows + test.rows) * train.features);
  x.set(train.x);
  x.set(test.x, train.x.length);
  const y = new Uint8Array(train.rows + test.rows);
  y.set(train.y ?? []);
  y.set(test.y ?? [], train.rows);
  return new ArrayDataset({ x, y, sampleShape: train.sampleShape, ...(train.classNames === undefined ? {} : { classNames: train.classNames }) });
}

/** Writes X.csv (an index column, pixel1, pixel2, …) and y.csv (an index column, class) and reads them again. Files of these names may be the reader's own: they stay. */
export async function throughCsv(data: ArrayDataset, folder: string): Promise<ArrayDataset> {
  const [X, y] = [join(folder, 'X.csv'), join(folder, 'y.csv')];
  for (const path of [X, y]) {
    const found = await lstat(path).catch(() => undefined);
    if (found !== undefined) throw new UsageError(`--csv writes X.csv and y.csv and replaces neither: ${path} is there already`);
  }
  const pixels = Array.from({ length: data.features }, (_, i) => `pixel${i + 1}`);
  await writeCsv(X, data, { columns: pixels, index: true, label: 'class', labels: y, names: data.classNames !== undefined });
  return readCsv(X, { labels: y, sampleShape: data.sampleShape, ...(data.classNames === undefined ? {} : { classNames: data.classNames }) });
}

export interface Prepared {
  readonly fitSet: ArrayDataset;
  readonly heldOut: ArrayDataset;
  /** W1 (10,784), b1 (10), W2 (10,10), b2 (10) */
  readonly initial: readonly Float64Array[];
}

/** np.random.seed(seed), then every draw in the notebook's order. */
export function prepare(all: ArrayDataset, seed: number): Prepared {
  const random = new RandomState(seed);
  const shuffled = all.take(random.permutation(all.rows));
  const uniform = (...shape: number[]): Float64Array => random.rand(...shape).map((value) => value - 0.5);
  return { heldOut: shuffled.slice(0, held), fitSet: shuffled.slice(held), initial: [uniform(10, 784), uniform(10), uniform(10, 10), uniform(10)] };
}

export function buildModel([W1, b1, W2, b2]: readonly FloatArray[], backend: BackendChoice): Sequential {
  const model = sequential({ dtype: 'float64', backend }, [
    layers.rescaling({ scale: 1 / 255, inputShape: [784] }),
    layers.dense({ name: 'hidden', units: 10, activation: 'relu', weights: [W1, b1] }),
    layers.dense({ name: 'output', units: 10, activation: 'softmax', weights: [W2, b2] }),
  ]);
  model.compile({ optimizer: optimizers.sgd({ learningRate }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}

/** The notebook's own step. Its m counts all rows, those held out too: every gradient is a little too small. */
export function descendAsWritten(model: Sequential, data: ArrayDataset, watched: Watched): Promise<void> {
  const m = data.rows + held;
  return descendByHand(model, data, watched, () => {
    const { logits } = model.forwardTrain(data.x);
    const probabilities = unstableSoftmax(logits, 10);
    const { gradients } = model.backward(minusOneHot(probabilities, data, m), { dx: false });
    oneNumberForAllBiases(gradients);
    model.applyGradients(gradients);
    return { probabilities, gradients };
  });
}

async function main(): Promise<void> {
  const command = new Command(
    'openml',
    'All 70,000 digits as one set, written to a pair of CSV files and read again; 784-10-10 learns them, 1,000 are held out.',
    '--rows 6000 --iterations 200',
  );
  const asWritten = command.flag('as-written', "the notebook's own arithmetic: m counts all rows, one bias gradient for a whole layer, softmax without its maximum");
  const compare = command.flag('compare', 'both, side by side: where they part');
  const official = command.flag('official-split', 'learn from the 60,000 training pictures alone, so that the test set is unseen');
  const json = command.flag('json', 'results as JSON');
  const iterations = command.integer('iterations', 500, 'updates', 1);
  const rows = command.integer('rows', 70000, 'pictures, from the start of the set; 1,000 of them are held out', held + 1);
  const seed = command.integer('seed', 0, "seed of NumPy's generator");
  const choice = command.text('data', 'mnist|fashion|DIR', 'which pictures (default mnist)');
  const folder = command.text('csv', 'DIR', 'where X.csv and y.csv go, which must not be there (default: a temporary folder)');
  const backend = command.backend();
  command.ready();
  if (asWritten && compare) throw new UsageError('--compare shows both variants: leave --as-written out');
  const say = (text: string): void => {
    if (!json) console.log(text);
  };

  const { train, test } = await loadPictures(choice);
  const all = firstRows(official ? train : asOneSet(train, test), rows);
  const again = await saveAndRead(all, folder, say);
  const { fitSet, heldOut, initial } = prepare(again, seed);
  // Rows beyond the training set's are test pictures: then there is no unseen test set.
  const unseen = again.rows <= train.rows;
  say(`${wrap(`784-10-10 in float64 on ${count(fitSet.rows)} pictures, ${count(heldOut.rows)} held out; ${iterations} updates with rate ${learningRate}, seed ${seed}${asWritten ? ', as written' : ''}.`)}\n`);
  const printed = (iteration: number): boolean => iteration % 100 === 0 || iteration === iterations - 1;
  const run = async (written: boolean): Promise<{ readonly model: Sequential; readonly moments: readonly Moment[] }> => {
    const model = buildModel(initial, backend);
    const moments: Moment[] = [];
    const watched: Watched = {
      iterations, printed, gradients: compare,
      onMoment(moment) {
        moments.push(moment);
        if (!compare) say(`${String(moment.iteration).padStart(9)} ${percent(moment.accuracy).padStart(9)} ${moment.loss.toFixed(4).padStart(8)}`);
      },
    };
    if (compare) say(`${written ? 'As written' : 'Corrected'} ...`);
    await (written ? descendAsWritten(model, fitSet, watched) : descend(model, fitSet, watched));
    return { model, moments };
  };
  if (compare) {
    const written = await run(true);
    const corrected = await run(false);
    if (json) console.log(JSON.stringify({ example: 'openml', seed, rows: fitSet.rows, partings: partings(written.moments, corrected.moments) }));
    say(`\n${comparisonText(written.moments, corrected.moments)}`);
    return;
  }
  say('iteration  accuracy    loss');
  const { model, moments } = await run(asWritten);
  const predictions = (await model.predict(heldOut.x)).argmax();
  const result = { heldOut: score(predictions, heldOut).accuracy, ...(unseen ? { test: score((await model.predict(test.x)).argmax(), test).accuracy } : {}) };
  if (json) {
    console.log(JSON.stringify({
      example: 'openml', variant: asWritten ? 'as written' : 'corrected', seed, rows: fitSet.rows, backend: model.backend,
      moments: moments.map(({ iteration, loss, accuracy }) => ({ iteration, loss, accuracy })), ...result,
    }));
    return;
  }
  say(`\nHeld out: ${percent(result.heldOut)} of ${count(heldOut.rows)}. ${result.test === undefined ? 'The test set is among what it learnt from.' : `Test set: ${percent(result.test)} of ${count(test.rows)}.`}\n`);
  say(drawDigits([0, 1, 2].map((i) => ({ pixels: heldOut.row(i), caption: `says ${predictions[i]}, is ${heldOut.labelName(i)}` })), columns));
}

async function saveAndRead(all: ArrayDataset, folder: string, say: (text: string) => void): Promise<ArrayDataset> {
  const place = folder === '' ? await mkdtemp(join(tmpdir(), 'nabla-openml-')) : folder;
  try {
    say(`Writing ${count(all.rows)} rows of ${count(all.features)} pixels to X.csv and y.csv, reading them again ...`);
    const begin = performance.now();
    const again = await throughCsv(all, place);
    const megabytes = (await stat(join(place, 'X.csv'))).size / 1e6;
    const same = again.x.length === all.x.length && again.x.every((value, i) => value === all.x[i]) && again.y?.every((value, i) => value === all.y?.[i]) === true;
    say(`${megabytes.toFixed(0)} MB${folder === '' ? '' : ` in ${relative(process.cwd(), place)}`}, ${((performance.now() - begin) / 1000).toFixed(1)} s, ${same ? 'the same numbers' : 'OTHER NUMBERS'}, as ${again.x.constructor.name}.\n`);
    return again;
  } finally {
    if (folder === '') await rm(place, { recursive: true });
  }
}

await runExample(import.meta.url, main);
