// npm run bench:density: samples kept as lists of what is not 0 against the same samples kept whole (those in shared memory are), over the share of
// elements that are not 0. Below 1 lists are faster. native/core/sparse.cc makes lists up to its most_density; beyond it both are the same.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { layers, optimizers, sequential } from 'nabla';
import { uniforms } from './lib/data.mjs';

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } } });
if (values.help) {
  console.log('npm run bench:density -- [--rounds N] [--json]\n  example: npm run bench:density -- --rounds 3');
  process.exit(0);
}

const NETWORKS = [
  { name: '784-10-10, all rows a step', sizes: [784, 10, 10], rows: 8192, batch: 8192, epochs: 8 },
  { name: '784-100-200-10, batch 64', sizes: [784, 100, 200, 10], rows: 8192, batch: 64, epochs: 2 },
  { name: '784-512-10, batch 128', sizes: [784, 512, 10], rows: 4096, batch: 128, epochs: 1 },
];
const DENSITIES = [0.05, 0.1, 0.15, 0.2, 0.25, 0.29, 0.35];
const median = (list) => [...list].sort((a, b) => a - b)[list.length >> 1];

/** Runs of zeros as in pictures: the share of bytes that are not 0 is `density`. */
function pictures(rows, density, x) {
  const next = uniforms(Math.round(density * 1000));
  for (let at = 0; at < x.length; ) {
    const run = 1 + Math.floor(next() * 16), zero = next() >= density;
    for (const end = Math.min(x.length, at + run); at < end; at++) x[at] = zero ? 0 : 1 + Math.floor(next() * 255);
  }
  return x;
}

const results = [];
for (const net of NETWORKS) {
  for (const density of DENSITIES) {
    if (process.stderr.isTTY) process.stderr.write(`\r${net.name}, ${density}   `);
    const length = net.rows * 784;
    const whole = pictures(net.rows, density, new Uint8Array(new SharedArrayBuffer(length))), listed = new Uint8Array(whole);
    const y = Uint8Array.from({ length: net.rows }, (_, i) => i % 10);
    const model = sequential({ seed: 1, backend: 'native' }, [
      layers.rescaling({ scale: 1 / 255, inputShape: [784] }), ...net.sizes.slice(1, -1).map((units) => layers.dense({ units, activation: 'relu' })), layers.dense({ units: 10, activation: 'softmax' }),
    ]);
    model.compile({ loss: 'sparseCategoricalCrossentropy', optimizer: optimizers.sgd({ learningRate: 0.001 }) });
    const seconds = async (x) => {
      const start = performance.now();
      await model.fit(x, y, { epochs: net.epochs, batchSize: net.batch });
      return performance.now() - start;
    };
    await seconds(listed);
    await seconds(whole);
    const ratios = [];
    for (let round = 0; round < Number(values.rounds) * 2; round++) {
      const a = await seconds(listed), b = await seconds(whole);
      ratios.push(a / b);
    }
    model.dispose();
    results.push({ network: net.name, density, ratio: Number(median(ratios).toFixed(3)) });
  }
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
if (values.json) console.log(JSON.stringify(results));
else {
  console.log(`time with lists over time without, medians of ${values.rounds} pairs\n${'not 0'.padEnd(30)}${DENSITIES.map((d) => d.toFixed(2).padStart(7)).join('')}`);
  for (const { name } of NETWORKS) console.log(`${name.padEnd(30)}${results.filter((r) => r.network === name).map((r) => r.ratio.toFixed(2).padStart(7)).join('')}`);
}
