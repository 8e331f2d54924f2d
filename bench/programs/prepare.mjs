// Writes what the workloads named need into the cache: node prepare.mjs W2 W4a …
// Peers start from the weights and follow the row orders that nabla makes for its seed, so all of them compute the same numbers.
import { existsSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { permutation } from '../../dist/random/permutation.js';
import { purposes } from '../../dist/random/purposes.js';
import { NETWORKS, load, trainImages, uniforms } from '../lib/data.mjs';
import { encodeOnnx } from '../lib/onnx-file.mjs';
import { cache } from '../lib/places.mjs';
import { build, SEED } from './networks.mjs';

function write(name, data) {
  const path = join(cache, name);
  writeFileSync(`${path}.part`, data);
  renameSync(`${path}.part`, path);
}
function writeFloats(name, arrays) {
  const flat = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const array of arrays) {
    flat.set(array, at);
    at += array.length;
  }
  write(name, new Uint8Array(flat.buffer));
}
const has = (name, size) => existsSync(join(cache, name)) && (size === undefined || statSync(join(cache, name)).size === size);

/** Thirty features in [-1, 1), a smooth target of some of them, a little noise. */
function writeTabular(rows, features) {
  if (has('tabular-x.f32', rows * features * 4) && has('tabular-y.f32', rows * 4)) return;
  const next = uniforms(2024);
  const x = new Float32Array(rows * features);
  const y = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const at = row * features;
    for (let k = 0; k < features; k++) x[at + k] = 2 * next() - 1;
    y[row] = Math.sin(3 * x[at]) + x[at + 1] * x[at + 2] - 0.5 * x[at + 3] ** 2 + 0.3 * x[at + 4] + 0.1 * (next() - 0.5);
  }
  write('tabular-x.f32', new Uint8Array(x.buffer));
  write('tabular-y.f32', new Uint8Array(y.buffer));
}

/** The form of a well-known competition's file: a header, then label and 784 pixels a line. */
function writeCsv() {
  const rows = 42_000;
  if (has('train.csv')) return;
  const { x, y } = trainImages(rows);
  const lines = [`label,${Array.from({ length: 784 }, (_, i) => `pixel${i}`).join(',')}`];
  for (let row = 0; row < rows; row++) lines.push(`${y[row]},${x.subarray(row * 784, row * 784 + 784).join(',')}`);
  write('train.csv', `${lines.join('\n')}\n`);
}

function writeStart(name, net) {
  if (net.weights === undefined) {
    const model = build(net, { backend: 'typescript' });
    writeFloats(`${name}.weights.f32`, model.getWeights());
    model.dispose();
  }
  if (!net.shuffle) return;
  const order = new Uint32Array(net.rows * net.epochs);
  for (let epoch = 0; epoch < net.epochs; epoch++) order.set(permutation(net.rows, SEED, purposes.shuffle, epoch), epoch * net.rows);
  write(`${name}.order.u32`, new Uint8Array(order.buffer));
}

/** A trained network for inference: one epoch of the workload it belongs to. */
async function writeTrained(name, net, onnx) {
  const model = build(net, {});
  const { x, y } = load(net);
  await model.fit(x, y, { epochs: 1, batchSize: net.batch });
  const flat = model.getWeights();
  writeFloats(`${name}.weights.f32`, flat);
  const layers = net.sizes.slice(1).map((units, i) => ({ inputs: net.sizes[i], units, weight: flat[2 * i], bias: flat[2 * i + 1] }));
  write(onnx, encodeOnnx(layers, net.activations));
}

const wanted = new Set(process.argv.slice(2));
const any = (...names) => names.some((name) => wanted.has(name));
if (any('W8', 'W8-10k', 'W8-one')) writeTabular(NETWORKS.W8.rows, NETWORKS.W8.sizes[0]);
if (any('W7')) writeCsv();
for (const [name, net] of Object.entries(NETWORKS)) if (wanted.has(name)) writeStart(name, net);
if (any('W4a', 'W4b')) await writeTrained('W4', NETWORKS.W2, 'W4.onnx');
if (any('W8-one')) await writeTrained('W8-one', NETWORKS['W8-10k'], 'W8-one.onnx');
