// node scripts/seeds-dropout.mjs (after npm run build): 784-128-dropout 0.2-10, relu, Adam, batches of 32, five epochs of MNIST, for five seeds.
// Exits 1 where one of them ends below what test/examples/dropout-mnist.test.ts wants of its own.
import process from 'node:process';
import { datasets, layers, sequential } from '../dist/index.js';

const AT_LEAST = 0.975;
const { train, test } = await datasets.mnist();
for (const seed of [1, 2, 3, 4, 5]) {
  const model = sequential({ seed }, [
    layers.rescaling({ scale: 1 / 255, inputShape: [784] }),
    layers.dense({ units: 128, activation: 'relu' }),
    layers.dropout({ rate: 0.2 }),
    layers.dense({ units: 10, activation: 'softmax' }),
  ]);
  model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  await model.fit(train, { epochs: 5, batchSize: 32 });
  const { accuracy } = await model.evaluate(test);
  console.log(`seed ${seed}: test accuracy ${(100 * accuracy).toFixed(2)} % (${model.backend})`);
  if (!(accuracy >= AT_LEAST)) process.exitCode = 1;
  model.dispose();
}
