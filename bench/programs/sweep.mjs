// nabla in the sweep: node sweep.mjs shapes|growth. Prints seconds of a step (or an epoch) for every network, through fit.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { load, uniforms } from '../lib/data.mjs';
import { cache } from '../lib/places.mjs';
import { spread } from '../lib/sample.mjs';
import { GROWTH } from '../sweep/shapes.mjs';
import { build } from './networks.mjs';

const LEAST_SECONDS = 0.08;

/** Median seconds of an epoch; an epoch counts its share of what a fit of several costs. */
async function epochSeconds(net, x, y) {
  const model = build(net, {});
  const start = performance.now();
  await model.fit(x, y, { epochs: 1, batchSize: net.batch });
  const first = (performance.now() - start) / 1000;
  const epochs = first > 0.5 ? 1 : 4;
  const taken = [];
  const end = performance.now() + LEAST_SECONDS * 1000;
  do {
    const at = performance.now();
    await model.fit(x, y, { epochs, batchSize: net.batch });
    taken.push((performance.now() - at) / 1000 / epochs);
  } while (performance.now() < end || (taken.length < 3 && first < 0.5));
  model.dispose();
  return spread(taken).median;
}

async function shapes() {
  const all = JSON.parse(readFileSync(join(cache, 'shapes.json'), 'utf8'));
  const results = [];
  for (const net of all) {
    const { x, y } = load(net);
    results.push((await epochSeconds(net, x, y)) / (net.rows / net.batch));
  }
  return results;
}

/** Random bytes as pictures, made once for the largest point and cut. */
async function growth() {
  const most = Math.max(...GROWTH.flatMap(({ points }) => points.map(({ rows }) => rows)));
  const next = uniforms(3);
  const block = Uint8Array.from({ length: 784 * 1000 }, () => 256 * next());
  const x = new Uint8Array(most * 784);
  for (let at = 0; at < x.length; at += block.length) x.set(block.subarray(0, Math.min(block.length, x.length - at)), at);
  const y = Uint8Array.from({ length: most }, () => 10 * next());
  const results = [];
  for (const { points, per } of GROWTH) {
    const seconds = [];
    for (const net of points) {
      const epoch = await epochSeconds({ ...net, data: 'mnist' }, x.subarray(0, net.rows * 784), y.subarray(0, net.rows));
      seconds.push(per === 'epoch' ? epoch : epoch / (net.rows / net.batch));
    }
    results.push(seconds);
  }
  return results;
}

console.log(JSON.stringify(process.argv[2] === 'growth' ? await growth() : await shapes()));
