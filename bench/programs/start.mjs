// From the first line of a script to the end of the first step: node start.mjs start native|typescript ISA|- THREADS|-
const start = performance.now();
const cpu = process.cpuUsage();
const { layers, optimizers, sequential } = await import('nabla');
const [, backend, isa = '-', threads = '-'] = process.argv.slice(2);
const model = sequential({ seed: 42, backend, ...(isa === '-' ? {} : { isa }), ...(threads === '-' ? {} : { threads: Number(threads) }) }, [
  layers.dense({ units: 100, activation: 'relu', inputShape: [784] }),
  layers.dense({ units: 200, activation: 'relu' }),
  layers.dense({ units: 10, activation: 'softmax' }),
]);
model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: 'sparseCategoricalCrossentropy' });
const { loss } = await model.trainOnBatch(new Float32Array(64 * 784).fill(0.5), new Uint8Array(64));
const value = performance.now() - start;
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ value, cpu: (user + system) / 1000, rss: process.resourceUsage().maxRSS / 1024, check: { loss } }));
