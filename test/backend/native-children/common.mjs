// What the child programs share. They talk to the addon itself: no class of src stands between them and its checks.
import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';

/** @param {string} path */
export const addonAt = (path) => createRequire(import.meta.url)(path);

/** An operation by its place in a table of src/backend/contract/ops.ts, as the addon takes it. */
export const operation = (op, ...settings) => ({ op, settings: Float64Array.from(settings) });
const linear = 0;
export const relu = 1;

export const dense = (units, activation = linear) => ({
  kind: 'dense', name: `dense${units}`, units, useBias: true, activation: operation(activation), l2: 0, learningRateFactor: 1,
});
/** A classifier with hidden layers of the given sizes. */
export function spec(inputs, hidden, classes, dtype = 'float32') {
  return {
    inputSize: inputs, layers: [...hidden.map((units) => dense(units, relu)), dense(classes)], head: 'softmax',
    loss: { ...operation(0, 0), reduction: 'mean', weights: null },
    optimizer: operation(0, 0.9, 0, 0), dtype, seed: 1,
  };
}
/** Numbers in [0, 1), the same everywhere. */
export function uniforms(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 4294967296;
  };
}
/** A network with parameters from the seed, and loaded samples with labels. */
export function prepare(addon, description, rows, seed, threads = 2) {
  const next = uniforms(seed);
  const network = addon.createNetwork(description, null, threads, false, false);
  const Floats = description.dtype === 'float64' ? Float64Array : Float32Array;
  const state = addon.getState(network);
  const parameters = state.parameters.map(({ length }) => {
    const array = new Floats(length);
    for (let i = 0; i < length; i++) array[i] = (next() - 0.5) / 4;
    return array;
  });
  addon.setState(network, parameters, state.slots, 0, state.statistics.map((array) => array.fill(1)));
  const classes = description.layers.at(-1).units;
  const x = new Uint8Array(rows * description.inputSize);
  for (let i = 0; i < x.length; i++) x[i] = next() * 3;
  const y = Int32Array.from({ length: rows }, () => next() * classes);
  return { network, data: addon.load(network, x, rows, y, null, false, false), rows };
}
/** Rate, dampening, correction, rate of the momentum, decay: stepNumbers of src/backend/contract/spec.ts. */
export const STEP = Float64Array.of(0.01, 1, 1, 0, 0);
/** Step scalars for passes over rows. */
export const scalars = (rows, batch, repeat) => new Float64Array(STEP.length * Math.ceil(rows / batch) * repeat).map((_, i) => STEP[i % STEP.length]);
/** Trains in asynchronous slices. @returns steps that were done */
export async function trainSlices(addon, { network, data, rows }, batch, repeat, milliseconds) {
  const numbers = scalars(rows, batch, repeat);
  let done = 0;
  while (done < numbers.length / STEP.length) {
    const result = await addon.train(network, data, null, 0, rows, batch, repeat, done, numbers, milliseconds, false);
    done += result.steps;
    if (result.stopped !== 'slice') break;
  }
  return done;
}
/** @returns {string} of all parameters */
export function fingerprint(addon, network) {
  const hash = createHash('sha256');
  for (const array of addon.getState(network).parameters) hash.update(Buffer.from(array.buffer));
  return hash.digest('hex');
}
