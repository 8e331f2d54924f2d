// 784-100-200-10 on MNIST: three dense layers, mini-batches, 32 epochs. README.md beside this file has the mathematics.
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { datasets, layers, optimizers, RandomState, sequential, type BackendChoice, type Sequential } from 'nabla';
import { drawCurve } from './curve.js';

export const batchSize = 64;
const epochs = 32;
const learningRate = 0.05;
/** NumPy gets 97.69 % with seed 42. */
const expectedAccuracy = 0.975;

/** X. Glorot's and Y. Bengio's ("Xavier") initialisation: normal numbers with variance 2 / (inputs + units). */
function xavierNormal(random: RandomState, inputs: number, units: number): Float64Array {
  // NumPy's notebook holds weights as (in, out); nabla as (out, in): here is the transpose.
  const drawn = random.normal(0, Math.sqrt(2 / (inputs + units)), [inputs, units]);
  return Float64Array.from({ length: units * inputs }, (_, k) => drawn[(k % inputs) * units + Math.floor(k / inputs)]);
}

/** The network with the weights that NumPy's generator gives for this seed; biases start at zero. */
export function buildModel(seed: number, backend: BackendChoice): Sequential {
  const random = new RandomState(seed);
  // The notebook drew the weights of an XOR network first.
  random.uniform(0, 1, [2, 3]);
  random.uniform(0, 1, [3, 1]);
  const model = sequential({ dtype: 'float64', backend }, [
    layers.rescaling({ scale: 1 / 255, inputShape: [784] }),
    layers.dense({ units: 100, activation: 'relu', kernelInitializer: xavierNormal(random, 784, 100) }),
    layers.dense({ units: 200, activation: 'relu', kernelInitializer: xavierNormal(random, 100, 200) }),
    layers.dense({ units: 10, activation: 'softmax', kernelInitializer: xavierNormal(random, 200, 10) }),
  ]);
  model.compile({ optimizer: optimizers.sgd({ learningRate }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { seed: { type: 'string', default: '42' }, backend: { type: 'string', default: 'auto' }, epochs: { type: 'string', default: String(epochs) } },
  });
  const { seed, backend } = values;
  if (backend !== 'auto' && backend !== 'native' && backend !== 'typescript') throw new Error('--backend takes auto, native or typescript');
  const { train, test } = await datasets.mnist();
  const model = buildModel(Number(seed), backend);
  console.log(`784-100-200-10 in float64, ${train.rows} pictures in batches of ${batchSize}, rate ${learningRate} (${model.backend}, ${model.isa})\n`);
  // Rows in file order, as the notebook takes them. The curve watches the test set; nothing is chosen by it.
  const { history } = await model.fit(train, { epochs: Number(values.epochs), batchSize, shuffle: false, validationData: test, verbose: 1 });
  const { accuracy, val_accuracy: testAccuracy } = history;
  console.log(`\n${drawCurve({ 'training set, while learning': accuracy, 'test set': testAccuracy }, { from: 0.9, to: 1, height: 12 })}`);
  const final = testAccuracy.at(-1) ?? 0;
  console.log(`\ntest accuracy ${(100 * final).toFixed(2)} %`);
  if (Number(values.epochs) >= epochs && final < expectedAccuracy) throw new Error(`the test accuracy should be ${100 * expectedAccuracy} % or better`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
