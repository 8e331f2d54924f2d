// 784-10-10 from small positive weights and zero biases. README.md beside this file has the mathematics.
import { layers, optimizers, RandomState, sequential, type ArrayDataset, type BackendChoice, type FloatArray, type Sequential } from 'nabla';
import { minusOneHot, oneNumberForAllBiases } from '../shared/as-written.js';
import { Command, runExample, UsageError } from '../shared/command.js';
import { comparisonText, partings } from '../shared/compare-biases.js';
import { descend, descendByHand, score, type Moment, type Watched } from '../shared/descent.js';
import { firstRows, loadPictures } from '../shared/digits.js';
import { columns, count, drawDigits, percent, wrap } from '../shared/screen.js';

const held = 1000;
const learningRate = 0.1;
/** The pictures that the notebook looks at, counted among those held out. */
const shown = [0, 100, 17, 18];

export interface Prepared {
  readonly fitSet: ArrayDataset;
  readonly heldOut: ArrayDataset;
  /** W1 (10,784), b1 (10), W2 (10,10), b2 (10) */
  readonly initial: readonly Float64Array[];
}

/** np.random.seed(seed), then every draw in the notebook's order. Biases begin at zero. */
export function prepare(all: ArrayDataset, seed: number): Prepared {
  const random = new RandomState(seed);
  const shuffled = all.take(random.permutation(all.rows));
  const small = (...shape: number[]): Float64Array => random.rand(...shape).map((value) => value * 0.01);
  return { heldOut: shuffled.slice(0, held), fitSet: shuffled.slice(held), initial: [small(10, 784), new Float64Array(10), small(10, 10), new Float64Array(10)] };
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

/** The notebook's own step: its softmax is sound, its biases get one number a layer. */
export function descendAsWritten(model: Sequential, data: ArrayDataset, watched: Watched): Promise<void> {
  return descendByHand(model, data, watched, () => {
    const probabilities = Float64Array.from(model.forwardTrain(data.x).outputs);
    const { gradients } = model.backward(minusOneHot(probabilities, data, data.rows), { dx: false });
    oneNumberForAllBiases(gradients);
    model.applyGradients(gradients);
    return { probabilities, gradients };
  });
}

async function main(): Promise<void> {
  const command = new Command('small-init', 'A 784-10-10 network begins with weights from 0 to 0.01: what symmetry costs at first, and how it breaks.', '--rows 6000 --as-written');
  const asWritten = command.flag('as-written', "the notebook's own arithmetic: one bias gradient for a whole layer");
  const compare = command.flag('compare', 'both, side by side: where they part');
  const json = command.flag('json', 'results as JSON');
  const iterations = command.integer('iterations', 501, 'updates', 1);
  const rows = command.integer('rows', 42000, 'pictures, from the start of the training set; 1,000 of them are held out', held + 1);
  const seed = command.integer('seed', 0, "seed of NumPy's generator");
  const choice = command.text('data', 'mnist|fashion|DIR', 'which pictures (default mnist)');
  const backend = command.backend();
  command.ready();
  if (asWritten && compare) throw new UsageError('--compare shows both variants: leave --as-written out');
  const say = (text: string): void => {
    if (!json) console.log(text);
  };

  const { train, test } = await loadPictures(choice);
  const { fitSet, heldOut, initial } = prepare(firstRows(train, rows), seed);
  say(`${wrap(`784-10-10 in float64 on ${count(fitSet.rows)} pictures, ${count(heldOut.rows)} held out; ${iterations} updates with rate ${learningRate}, seed ${seed}${asWritten ? ', as written' : ''}.`)}\n`);
  const printed = (iteration: number): boolean => iteration % 50 === 0;
  const run = async (written: boolean): Promise<{ readonly model: Sequential; readonly moments: readonly Moment[] }> => {
    const model = buildModel(initial, backend);
    const moments: Moment[] = [];
    const watched: Watched = {
      iterations, printed, gradients: compare,
      onMoment(moment) {
        moments.push(moment);
        if (!compare) say(`${String(moment.iteration).padStart(9)} ${percent(moment.accuracy).padStart(9)} ${moment.loss.toFixed(4).padStart(8)}  ${bar(moment.accuracy)}`);
      },
    };
    if (compare) say(`${written ? 'As written' : 'Corrected'} ...`);
    await (written ? descendAsWritten(model, fitSet, watched) : descend(model, fitSet, watched));
    return { model, moments };
  };
  if (compare) {
    const written = await run(true);
    const corrected = await run(false);
    if (json) console.log(JSON.stringify({ example: 'small-init', seed, rows: fitSet.rows, partings: partings(written.moments, corrected.moments) }));
    say(`\n${comparisonText(written.moments, corrected.moments)}`);
    return;
  }
  say('iteration  accuracy    loss');
  const { model, moments } = await run(asWritten);
  const answers = await model.predict(heldOut.x);
  const predictions = answers.argmax();
  const result = { heldOut: score(predictions, heldOut).accuracy, test: score((await model.predict(test.x)).argmax(), test).accuracy };
  if (json) {
    console.log(JSON.stringify({
      example: 'small-init', variant: asWritten ? 'as written' : 'corrected', seed, rows: fitSet.rows, backend: model.backend,
      moments: moments.map(({ iteration, loss, accuracy }) => ({ iteration, loss, accuracy })), ...result,
    }));
    return;
  }
  say(`\nHeld out: ${percent(result.heldOut)} of ${count(heldOut.rows)}. Test set: ${percent(result.test)} of ${count(test.rows)}.\nPictures ${shown.join(', ')} of those held out:\n`);
  const caption = (i: number): string => `${i}: ${predictions[i]} (${(100 * answers.row(i)[predictions[i]]).toFixed(0)} %), is ${heldOut.label(i)}`;
  say(drawDigits(shown.map((i) => ({ pixels: heldOut.row(i), caption: caption(i) })), columns));
}

const bar = (accuracy: number): string => '#'.repeat(Math.round(40 * accuracy));

await runExample(import.meta.url, main);
