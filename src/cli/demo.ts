// What `nabla start` shows: from nothing to a trained digit recogniser, then native against plain TypeScript. Uses the public API alone.
import { relative, resolve } from 'node:path';
import process from 'node:process';
import { datasets, type ArrayDataset, type Prediction } from '../index.js';
import { compareBackends } from './compare-backends.js';
import { buildDigitsModel, digitsTraining } from './digits.js';
import { drawDigits } from './draw-digits.js';

const FILE = 'digits.safetensors';
/** Plain TypeScript takes seconds an epoch. */
const TYPESCRIPT_EPOCHS = 3;
/** Pictures that the backends are compared on. */
const SLICE = 6400;

const columns = process.stdout.isTTY ? process.stdout.columns : 80;
const print = (text = ''): void => void process.stdout.write(`${text}\n`);
const bold = (text: string): string => (process.stdout.isTTY && (process.env['NO_COLOR'] ?? '') === '' ? `\u001B[1m${text}\u001B[22m` : text);
const count = (value: number): string => value.toLocaleString('en');
const percent = (value: number): string => `${(100 * value).toFixed(2)} %`;

/** Trains, draws, compares and saves. @throws ERR_DEPENDENCY where MNIST is not installed, ERR_FILE */
export async function demo(): Promise<void> {
  const { train, test } = await datasets.mnist();
  const [fitSet, valSet] = train.split({ validation: 6000, stratify: true, seed: 1 });
  const model = buildDigitsModel({ seed: digitsTraining.seed });
  const native = model.backend === 'native';
  const epochs = native ? digitsTraining.epochs : TYPESCRIPT_EPOCHS;

  print(bold('A network that reads digits'));
  print(`MNIST: ${count(fitSet.rows)} pictures to train on, ${count(valSet.rows)} to watch, ${count(test.rows)} to test at the end.`);
  print(`784-100-200-10, ReLU, softmax cross-entropy, SGD 0.1, batches of 64, ${epochs} epochs.`);
  if (native) print(`Native core: ${model.isa}, ${model.threads} ${model.threads === 1 ? 'thread' : 'threads'}.\n`);
  else print(`Plain TypeScript is many times slower: ${epochs} epochs instead of ${digitsTraining.epochs}.\n`);

  const start = performance.now();
  await model.fit(fitSet.x, fitSet.y, { epochs, batchSize: digitsTraining.batchSize, validationData: valSet, verbose: 1 });
  const seconds = (performance.now() - start) / 1000;
  const { accuracy } = await model.evaluate(test.x, test.y);
  print(`\n${bold(`Test accuracy ${percent(accuracy)}`)} on ${count(test.rows)} pictures it never saw; ${seconds.toFixed(1)} s of training.\n`);

  print(bold('What it says about a few of them'));
  print(`${drawAnswers(test, await model.predict(test.x))}\n`);

  if (native) await compare(fitSet);
  else print('Native against TypeScript: needs the native addon.\n`npx nabla info` says what is missing.\n');

  const path = resolve(FILE);
  await model.save(path);
  print(bold(`Saved as ${relative(process.cwd(), path)}`));
  print(`Load it anywhere:  import { loadModel } from 'nabla';`);
  print(`                   const model = await loadModel('${FILE}');`);
  print(`                   (await model.predict(pixels)).argmax(); // 784 bytes each`);
}

/** Three right answers of different digits, and up to three wrong ones: those say more. */
function drawAnswers(test: ArrayDataset, prediction: Prediction): string {
  const answers = prediction.argmax();
  const right: number[] = [];
  const wrong: number[] = [];
  for (let i = 0; i < test.rows && (right.length < 3 || wrong.length < 3); i++) {
    if (answers[i] !== test.label(i)) wrong.push(i);
    else if (right.length < 3 && !right.some((j) => answers[j] === answers[i])) right.push(i);
  }
  const draw = (rows: readonly number[]): string =>
    drawDigits(rows.map((i) => ({ pixels: test.row(i), caption: `says ${answers[i]} (${(100 * prediction.row(i)[answers[i]]).toFixed(0)} %), is ${test.label(i)}` })), columns);
  return `${draw(right)}\n\nand of those that it gets wrong:\n\n${draw(wrong.slice(0, 3))}`;
}

async function compare(fitSet: ArrayDataset): Promise<void> {
  const result = await compareBackends(fitSet.slice(0, SLICE), 3);
  const difference = (value: number): string => value.toExponential(1);
  print(bold('Native against plain TypeScript'));
  print(`The same seed, weights and batches; ${count(SLICE)} pictures; largest difference of`);
  print(`  loss (first batch)            ${difference(result.loss)}`);
  print(`  gradients (of the largest)    ${difference(result.gradients)}`);
  print(`  probabilities after an epoch  ${difference(result.probabilities)}; ${result.otherAnswers === 0 ? 'the same answer to every picture' : `${result.otherAnswers} other answers`}`);
  print(`An epoch of them: native ${(1000 * result.native).toFixed(0)} ms, TypeScript ${(1000 * result.typescript).toFixed(0)} ms: ${bold(`${(result.typescript / result.native).toFixed(0)} times faster`)}.\n`);
}
