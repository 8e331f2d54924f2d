// 784-10-10 on 42,000 digits: gradient descent on all of them at once, from uniform weights. README.md beside this file has the mathematics.
import {
  exportNpz, importNpz, layers, optimizers, RandomState, readCsv, sequential, writeSubmission,
  type ArrayDataset, type BackendChoice, type FloatArray, type Sequential,
} from 'nabla';
import { minusOneHot, oneNumberForAllBiases, unstableSoftmax } from '../shared/as-written.js';
import { Command, runExample, UsageError } from '../shared/command.js';
import { comparisonText, partings } from '../shared/compare-biases.js';
import { descend, descendByHand, score, type Moment, type Watched } from '../shared/descent.js';
import { firstRows, loadPictures } from '../shared/digits.js';
import { columns, count, drawDigits, percent, wrap } from '../shared/screen.js';

const held = 1000;
const learningRate = 0.1;

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

/** The notebook's own step: softmax without its maximum taken out, and one number for all biases of a layer. */
export function descendAsWritten(model: Sequential, data: ArrayDataset, watched: Watched, m = data.rows): Promise<void> {
  return descendByHand(model, data, watched, () => {
    const { logits } = model.forwardTrain(data.x);
    const probabilities = unstableSoftmax(logits, 10);
    const { gradients } = model.backward(minusOneHot(probabilities, data, m), { dx: false });
    oneNumberForAllBiases(gradients);
    model.applyGradients(gradients);
    return { probabilities, gradients };
  });
}

/** Softmax and one-hot in numbers small enough to check by hand. */
export function onSmallVectors(): string {
  const show = (values: Iterable<number>): string => `[ ${Array.from(values, (value) => value.toFixed(4).padStart(7)).join(' ')} ]`;
  const z = [1, 2, 3];
  const e = z.map(Math.exp);
  const sum = e[0] + e[1] + e[2];
  const p = e.map((value) => value / sum);
  const y = [0, 0, 1];
  const big = [1001, 1002, 1003];
  return [
    'Softmax, taken apart:',
    `  z              ${show(z)}`,
    `  e^z            ${show(e)}   their sum ${sum.toFixed(4)}`,
    `  p = e^z / sum  ${show(p)}   their sum ${(p[0] + p[1] + p[2]).toFixed(4)}`,
    'The label 2 of three as a one-hot vector, and what goes back from the loss:',
    `  y              ${show(y)}`,
    `  -log p[2]      ${(-Math.log(p[2])).toFixed(4)}`,
    `  p - y          ${show(p.map((value, i) => value - y[i]))}   their sum ${(p[0] + p[1] + p[2] - 1).toFixed(4)}`,
    `The same z, each 1000 larger: as written ${show(unstableSoftmax(Float64Array.from(big), 3))},`,
    `  with the maximum taken out first       ${show(unstableSoftmax(Float64Array.from(big, (value) => value - 1003), 3))}`,
  ].join('\n');
}

async function main(): Promise<void> {
  const command = new Command(
    'digit-recognizer',
    'A 784-10-10 network learns 42,000 digits by gradient descent on all of them at once; 1,000 are held out.',
    '--rows 6000 --iterations 200 --compare',
  );
  const asWritten = command.flag('as-written', "the notebook's own arithmetic: one bias gradient for a whole layer, softmax without its maximum");
  const compare = command.flag('compare', 'both, side by side: where they part');
  const json = command.flag('json', 'results as JSON');
  const iterations = command.integer('iterations', 500, 'updates', 1);
  const rows = command.integer('rows', 42000, 'pictures, from the start of the training set; 1,000 of them are held out', held + 1);
  const seed = command.integer('seed', 0, "seed of NumPy's generator");
  const choice = command.text('data', 'mnist|fashion|DIR', 'which pictures (default mnist)');
  const trainFile = command.text('train', 'FILE', "Kaggle's train.csv, in place of --data");
  const testFile = command.text('test', 'FILE', "Kaggle's test.csv, to be answered");
  const submission = command.text('submission', 'FILE', 'where the answers go (default submission.csv)');
  const npz = command.text('npz', 'FILE', 'write W1, b1, W2, b2 for NumPy');
  const fromNpz = command.text('from-npz', 'FILE', 'begin with the weights of such a file');
  const backend = command.backend();
  command.ready();
  if (asWritten && compare) throw new UsageError('--compare shows both variants: leave --as-written out');

  const train = trainFile === '' ? (await loadPictures(choice)).train : await readCsv(trainFile, { classes: 10, sampleShape: [28, 28], dtype: 'uint8' });
  const test = trainFile === '' ? (await loadPictures(choice)).test : null;
  const { fitSet, heldOut, initial } = prepare(firstRows(train, rows), seed);
  const printed = (iteration: number): boolean => iteration % 10 === 0 || iteration === iterations - 1;
  const say = (text: string): void => {
    if (!json) console.log(text);
  };
  const run = async (written: boolean): Promise<{ readonly model: Sequential; readonly moments: readonly Moment[] }> => {
    const model = buildModel(initial, backend);
    if (fromNpz !== '') await importNpz(model, fromNpz);
    const moments: Moment[] = [];
    const watched: Watched = {
      iterations, printed, gradients: compare,
      onMoment(moment) {
        moments.push(moment);
        if (!compare) say(momentLine(moment, fitSet));
      },
    };
    if (compare) say(`${written ? 'As written' : 'Corrected'} ...`);
    await (written ? descendAsWritten(model, fitSet, watched) : descend(model, fitSet, watched));
    return { model, moments };
  };

  if (!compare) say(`${onSmallVectors()}\n`);
  say(`${wrap(`784-10-10 in float64 on ${count(fitSet.rows)} pictures, ${count(heldOut.rows)} held out; ${iterations} updates with rate ${learningRate}, seed ${seed}${asWritten ? ', as written' : ''}.`)}\n`);
  if (compare) {
    const written = await run(true);
    const corrected = await run(false);
    if (json) console.log(JSON.stringify({ example: 'digit-recognizer', seed, rows: fitSet.rows, partings: partings(written.moments, corrected.moments) }));
    say(`\n${comparisonText(written.moments, corrected.moments)}`);
    return;
  }
  say('iteration  accuracy    loss   of the first 20 it says      and they are');
  const { model, moments } = await run(asWritten);
  const predictions = (await model.predict(heldOut.x)).argmax();
  const result = { heldOut: score(predictions, heldOut).accuracy, ...(test === null ? {} : { test: score((await model.predict(test.x)).argmax(), test).accuracy }) };
  say(`\nHeld out: ${percent(result.heldOut)} of ${count(heldOut.rows)}.${result.test === undefined ? '' : ` Test set: ${percent(result.test)} of ${count(test?.rows ?? 0)}.`}\n`);
  say(drawDigits([0, 1, 2].map((i) => ({ pixels: heldOut.row(i), caption: `says ${predictions[i]}, is ${heldOut.label(i)}` })), columns));
  if (json) {
    console.log(JSON.stringify({
      example: 'digit-recognizer', variant: asWritten ? 'as written' : 'corrected', seed, rows: fitSet.rows, backend: model.backend,
      moments: moments.map(({ iteration, loss, accuracy }) => ({ iteration, loss, accuracy })), ...result,
    }));
  }
  if (npz !== '') {
    await exportNpz(model, npz, { biases: 'column' });
    say(`\nW1, b1, W2, b2 are in ${npz}: np.load('${npz}')['W1'] is (10, 784).`);
  }
  if (testFile === '') return;
  const unlabelled = await readCsv(testFile, { label: null, sampleShape: [28, 28], dtype: 'uint8' });
  const answers = submission === '' ? 'submission.csv' : submission;
  await writeSubmission(answers, (await model.predict(unlabelled.x)).argmax());
  say(`\n${count(unlabelled.rows)} answers are in ${answers}.`);
}

function momentLine({ iteration, accuracy, loss, predictions }: Moment, data: ArrayDataset): string {
  const first = Array.from({ length: Math.min(20, data.rows) }, (_, i) => i);
  return `${String(iteration).padStart(9)} ${percent(accuracy).padStart(9)} ${loss.toFixed(4).padStart(8)}  ${first.map((i) => predictions[i]).join('').padEnd(22)}  ${first.map((i) => data.label(i)).join('')}`;
}

await runExample(import.meta.url, main);
