// 784-10-10 on MNIST: He's initialisation, full-batch gradient descent. README.md beside this file has the mathematics.
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { datasets, layers, optimizers, RandomState, sequential, type ArrayDataset, type BackendChoice, type Sequential } from 'nabla';

export const iterations = 400;
const every = 50;
const learningRate = 0.1;
/** NumPy gets 89.84 % with seed 0. */
const expectedAccuracy = 0.895;

/** He's initialisation: normal numbers with variance 2 / inputs, so that ReLU's outputs keep their size from layer to layer. */
function heNormal(random: RandomState, units: number, inputs: number): Float64Array {
  return random.randn(units, inputs).map((value) => value * Math.sqrt(2 / inputs));
}

/** The network with the weights that NumPy's generator gives for this seed; biases start at zero. */
export function buildModel(seed: number, backend: BackendChoice): Sequential {
  const random = new RandomState(seed);
  // The notebook tried ReLU on ten random numbers first: the weights come after them in the stream.
  random.rand(10, 1);
  const model = sequential({ dtype: 'float64', backend }, [
    layers.rescaling({ scale: 1 / 255, inputShape: [784] }),
    layers.dense({ units: 10, activation: 'relu', kernelInitializer: heNormal(random, 10, 784) }),
    layers.dense({ units: 10, activation: 'softmax', kernelInitializer: heNormal(random, 10, 10) }),
  ]);
  model.compile({ optimizer: optimizers.sgd({ learningRate }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return model;
}

/** Descends by `count` steps, each on all rows at once. */
export async function descend(model: Sequential, data: ArrayDataset, count: number): Promise<void> {
  await model.fit(data, { epochs: count, batchSize: data.rows, shuffle: false });
}

/** Accuracy and how often each digit is predicted. */
export async function look(model: Sequential, data: ArrayDataset): Promise<{ readonly accuracy: number; readonly counts: readonly number[] }> {
  const counts = Array.from({ length: 10 }, () => 0);
  let right = 0;
  (await model.predict(data.x)).argmax().forEach((digit, i) => {
    counts[digit]++;
    if (digit === data.label(i)) right++;
  });
  return { accuracy: right / data.rows, counts };
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seed: { type: 'string', default: '0' }, backend: { type: 'string', default: 'auto' } } });
  const { seed, backend } = values;
  if (backend !== 'auto' && backend !== 'native' && backend !== 'typescript') throw new Error('--backend takes auto, native or typescript');
  const { train, test } = await datasets.mnist();
  const model = buildModel(Number(seed), backend);
  const line = (label: string, { accuracy, counts }: Awaited<ReturnType<typeof look>>): void =>
    console.log(`${label.padStart(9)}  ${(100 * accuracy).toFixed(2).padStart(8)}  ${counts.map((count) => String(count).padStart(5)).join(' ')}`);

  console.log(`784-10-10 in float64, ${train.rows} pictures, ${iterations} steps of ${learningRate} (${model.backend}, ${model.isa})\n`);
  console.log(`iteration  accuracy  ${Array.from({ length: 10 }, (_, digit) => `${digit}s`.padStart(5)).join(' ')}`);
  for (let i = 0; i < iterations; i += every) {
    line(String(i), await look(model, train));
    await descend(model, train, every);
  }
  line(String(iterations), await look(model, train));
  const final = await look(model, test);
  line('test', final);
  if (final.accuracy < expectedAccuracy) throw new Error(`the test accuracy should be ${100 * expectedAccuracy} % or better`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
