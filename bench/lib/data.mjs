// The workloads' data and networks for programs in JavaScript. Nothing here is timed.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cache, mnist } from './places.mjs';

export const NETWORKS = JSON.parse(readFileSync(new URL('../workloads/networks.json', import.meta.url), 'utf8'));

function bytes(path) {
  const file = readFileSync(path);
  // A fresh buffer: those of small files are slices of a pool at odd offsets.
  return new Uint8Array(file).buffer;
}

export function trainImages(rows) {
  const x = new Uint8Array(bytes(join(mnist, 'train-images-idx3-ubyte')), 16, rows * 784);
  const y = new Uint8Array(bytes(join(mnist, 'train-labels-idx1-ubyte')), 8, rows);
  return { x, y };
}
export function testImages() {
  return { x: new Uint8Array(bytes(join(mnist, 't10k-images-idx3-ubyte')), 16), y: new Uint8Array(bytes(join(mnist, 't10k-labels-idx1-ubyte')), 8) };
}
export function tabular(rows, features = 30) {
  const x = new Float32Array(bytes(join(cache, 'tabular-x.f32')), 0, rows * features);
  const y = new Float32Array(bytes(join(cache, 'tabular-y.f32')), 0, rows);
  return { x, y };
}
/** The i-th of deterministic uniform numbers in [0, 1). */
export function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** x as stored (bytes for pictures), y; what a peer needs as floats it converts itself. */
export function load(net) {
  if (net.data === 'mnist') return trainImages(net.rows);
  if (net.data === 'xor') return { x: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1), y: Float32Array.of(0, 1, 1, 0) };
  if (net.data === 'tabular') return tabular(net.rows, net.sizes[0]);
  const next = uniforms(1);
  const outputs = net.sizes.at(-1);
  const x = Float32Array.from({ length: net.rows * net.sizes[0] }, next);
  const y = net.loss === 'crossentropy' ? Int32Array.from({ length: net.rows }, () => Math.floor(next() * outputs)) : Float32Array.from({ length: net.rows * outputs }, next);
  return { x, y };
}

export function toFloats(pixels) {
  const out = new Float32Array(pixels.length);
  for (let i = 0; i < out.length; i++) out[i] = Math.fround(pixels[i]) / 255;
  return out;
}

/** [{ weight (out, in), bias (out) or null, inputs, units }] that nabla starts with. */
export function weights(name, net) {
  const flat = net.weights !== undefined ? Float32Array.from(net.weights.flat()) : new Float32Array(bytes(join(cache, `${name}.weights.f32`)));
  let at = 0;
  const take = (count) => flat.subarray(at, (at += count));
  const layers = net.sizes.slice(1).map((units, index) => {
    const inputs = net.sizes[index];
    return { inputs, units, weight: take(inputs * units), bias: net.bias ? take(units) : null };
  });
  if (at !== flat.length) throw new Error(`${name}: ${flat.length} weights, expected ${at}`);
  return layers;
}

/** Row orders of all epochs, or null where rows stay in place. */
export function orders(name, net) {
  if (!net.shuffle) return null;
  const all = new Uint32Array(bytes(join(cache, `${name}.order.u32`)));
  return Array.from({ length: net.epochs }, (_, epoch) => all.subarray(epoch * net.rows, (epoch + 1) * net.rows));
}

/** Epochs and rows of each to measure: all, or a part for those who would take minutes. */
export function limits(net, part) {
  const total = net.rows * net.epochs;
  const wanted = Math.min(total, Number(part ?? 0) || total);
  return wanted >= net.rows ? { epochs: Math.floor(wanted / net.rows), count: net.rows } : { epochs: 1, count: wanted };
}
