// One sample of nabla: node rows/nabla.mjs WORKLOAD native|typescript [ISA THREADS]. Through the public API, everything included.
import process from 'node:process';
import { datasets, layers, optimizers, sequential } from '../../dist/index.js';

const [workload, backend, isa, threads] = process.argv.slice(2);
const options = backend === 'native' ? { backend, isa, threads: Number(threads) } : { backend };

/** Wall and processor seconds of an asynchronous piece of work. */
async function timed(work) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const result = await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { result, seconds, cpu: (user + system) / 1e6 };
}

const programs = {
  async W2() {
    const { train } = await datasets.mnist();
    const build = () => {
      const model = sequential({ ...options, seed: 42 }, [
        layers.rescaling({ scale: 1 / 255, inputShape: [784] }),
        layers.dense({ units: 100, activation: 'relu' }),
        layers.dense({ units: 200, activation: 'relu' }),
        layers.dense({ units: 10, activation: 'softmax' }),
      ]);
      model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
      return model;
    };
    // Compilers and clocks warm up on other weights.
    const first = train.slice(0, 2048);
    await build().fit(first.x, first.y, { epochs: 1, batchSize: 64 });
    const model = build();
    const { result, seconds, cpu } = await timed(() => model.fit(train.x, train.y, { epochs: 1, batchSize: 64 }));
    return { value: seconds, cpu, check: { loss: result.history.loss.at(-1), accuracy: result.history.accuracy.at(-1) } };
  },
};

const run = programs[workload];
if (run === undefined) throw new Error(`unknown workload ${workload}. Known: ${Object.keys(programs).join(', ')}`);
console.log(JSON.stringify(await run()));
