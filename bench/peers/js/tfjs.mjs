// TensorFlow.js in Node: node tfjs.mjs WORKLOAD wasm|cpu [ROWS]. Its core interface (variables, optimizer.minimize), which costs less than its
// layers' fit. The wasm backend has SIMD; its threads need a browser.
import { createRequire } from 'node:module';
import { dirname, sep } from 'node:path';
import process from 'node:process';
import { NETWORKS, limits, load, orders, tabular, testImages, toFloats, weights } from '../../lib/data.mjs';
import { accuracy, meanSquaredError, report, reportTraining, timeCalls, timed } from '../../lib/timing.mjs';

// It prints advice about a package that no longer installs.
console.warn = () => {};
const require = createRequire(import.meta.url);
const tf = require('@tensorflow/tfjs');
const [name, backend, part] = process.argv.slice(2);
if (backend === 'wasm') {
  const wasm = require('@tensorflow/tfjs-backend-wasm');
  wasm.setWasmPaths(dirname(require.resolve('@tensorflow/tfjs-backend-wasm')) + sep);
}
await tf.setBackend(backend);
await tf.ready();
if (tf.getBackend() !== backend) throw new Error(`${backend} does not start`);

const ACTIVATIONS = { relu: tf.relu, sigmoid: tf.sigmoid, tanh: tf.tanh, linear: (z) => z, softmax: (z) => z };

function variables(layers) {
  return layers.map(({ weight, bias, inputs, units }) => ({
    weight: tf.variable(tf.tidy(() => tf.transpose(tf.tensor2d(weight, [units, inputs])))),
    bias: bias === null ? null : tf.variable(tf.tensor1d(bias)),
  }));
}
function forward(net, layers, x, training) {
  let value = x;
  layers.forEach(({ weight, bias }, index) => {
    const sum = tf.matMul(value, weight);
    value = ACTIVATIONS[net.activations[index]](bias === null ? sum : tf.add(sum, bias));
    const rate = training ? (net.dropout?.[index] ?? 0) : 0;
    if (rate > 0) value = tf.dropout(value, rate);
  });
  return value;
}

function learner(net, layers) {
  const optimizer = net.optimizer === 'sgd' ? tf.train.sgd(net.learningRate) : tf.train.adam(net.learningRate, 0.9, 0.999, 1e-8);
  const outputs = net.sizes.at(-1);
  return (x, y) =>
    tf.tidy(() => {
      const target = net.loss === 'crossentropy' ? tf.oneHot(y, outputs) : y;
      const loss = optimizer.minimize(() => {
        const out = forward(net, layers, x, true);
        return net.loss === 'crossentropy' ? tf.losses.softmaxCrossEntropy(target, out) : tf.losses.meanSquaredError(target, out);
      }, true);
      return loss.dataSync()[0];
    });
}

function epoch(net, step, x, y, order, count) {
  let total = 0;
  for (let at = 0; at < count; at += net.batch) {
    const rows = Math.min(net.batch, count - at);
    const loss = tf.tidy(() => {
      if (rows === net.rows) return step(x, y);
      if (order === null) return step(tf.slice(x, [at, 0], [rows, -1]), tf.slice(y, at, rows));
      const chosen = tf.tensor1d(Int32Array.from(order.subarray(at, at + rows)), 'int32');
      return step(tf.gather(x, chosen), tf.gather(y, chosen));
    });
    total += loss * rows;
  }
  return total / count;
}

async function train(net) {
  const { x, y } = load(net);
  const tx = tf.tensor2d(net.data === 'mnist' ? toFloats(x) : x, [net.rows, net.sizes[0]]);
  const ty = net.loss === 'crossentropy' ? tf.tensor1d(Int32Array.from(y), 'int32') : tf.tensor2d(y, [net.rows, net.sizes.at(-1)]);
  const { epochs, count } = limits(net, part);
  const all = orders(name, net);
  epoch(net, learner(net, variables(weights(name, net))), tx, ty, all?.[0] ?? null, Math.min(count, 2 * net.batch));
  const step = learner(net, variables(weights(name, net)));
  const run = await timed(async () => {
    let loss = 0;
    for (let index = 0; index < epochs; index++) loss = epoch(net, step, tx, ty, all?.[index] ?? null, count);
    return loss;
  });
  reportTraining(net, run, epochs * count, run.result);
}

function predictor(net, saved) {
  const layers = variables(weights(saved, net));
  return (x) =>
    tf.tidy(() => {
      const out = forward(net, layers, tf.tensor2d(x, [x.length / net.sizes[0], net.sizes[0]]), false);
      return (net.loss === 'crossentropy' ? tf.softmax(out) : out).dataSync();
    });
}

const programs = {
  W4a() {
    const { x, y } = testImages();
    const floats = toFloats(x);
    const predict = predictor(NETWORKS.W2, 'W4');
    const check = { accuracy: accuracy(predict(floats), y) };
    const { median, cpu } = timeCalls(predict, [floats], 1);
    report(median / 1000, cpu / 1000, check);
  },
  W4b() {
    const { x, y } = testImages();
    const floats = toFloats(x);
    const predict = predictor(NETWORKS.W2, 'W4');
    const rows = Array.from({ length: 1000 }, (_, i) => floats.subarray(i * 784, (i + 1) * 784));
    timeCalls(predict, rows.slice(0, 100), 0.2);
    const { median, p99, cpu } = timeCalls(predict, rows.slice(0, 500), 1);
    report(median, cpu, { accuracy: accuracy(predict(floats), y) }, { p99 });
  },
  'W8-one'() {
    const { x, y } = tabular(10_000);
    const predict = predictor(NETWORKS.W8, 'W8-one');
    const rows = Array.from({ length: 1000 }, (_, i) => x.subarray(i * 30, (i + 1) * 30));
    timeCalls(predict, rows, 0.2);
    const { median, p99, cpu } = timeCalls(predict, rows, 1);
    report(median, cpu, { loss: meanSquaredError(predict(x), y) }, { p99 });
  },
};
const net = NETWORKS[name];
if (net !== undefined) await train(net);
else await programs[name]();
