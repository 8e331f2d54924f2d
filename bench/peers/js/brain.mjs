// brain.js: node brain.mjs WORKLOAD [ROWS]. Its network learns from one sample at a time, with the squared error and the same activation in every
// layer; that is all it has, so only passes over the data compare.
import { createRequire } from 'node:module';
import process from 'node:process';
import { NETWORKS, limits, load, testImages, toFloats, weights } from '../../lib/data.mjs';
import { accuracy, report, reportTraining, timeCalls, timed } from '../../lib/timing.mjs';

const brain = createRequire(import.meta.url)('brain.js');
const [name, part] = process.argv.slice(2);

function build(net, activation) {
  return new brain.NeuralNetwork({ hiddenLayers: net.sizes.slice(1, -1), inputSize: net.sizes[0], outputSize: net.sizes.at(-1), activation });
}
function samples(net, count) {
  const { x, y } = load(net);
  const inputs = net.sizes[0];
  const outputs = net.sizes.at(-1);
  const floats = net.data === 'mnist' ? toFloats(x.subarray(0, count * inputs)) : x;
  return Array.from({ length: count }, (_, i) => {
    // Plain arrays: its check of the data knows no others.
    const output = new Array(outputs).fill(0);
    if (net.loss === 'crossentropy') output[y[i]] = 1;
    else for (let k = 0; k < outputs; k++) output[k] = y[i * outputs + k];
    return { input: Array.from(floats.subarray(i * inputs, (i + 1) * inputs)), output };
  });
}

async function train(net) {
  const { epochs, count } = limits(net, part);
  const data = samples(net, count);
  const xor = net.data === 'xor';
  // Its check refuses 0 for the threshold and the momentum. Its activation for every layer, the last one too: sigmoid is the one that learns here.
  const settings = { iterations: epochs, errorThresh: 1e-30, learningRate: xor ? 0.3 : 0.1, momentum: 1e-9, log: false };
  build(net, 'sigmoid').train(data.slice(0, 100), { ...settings, iterations: 1 });
  const network = build(net, 'sigmoid');
  const run = await timed(async () => network.train(data, settings));
  reportTraining(net, run, epochs * count, run.result.error);
}

/** Our weights in its fields. */
function predictor(net) {
  const network = build(net, 'relu');
  network.sizes = net.sizes;
  network.initialize();
  weights('W4', net).forEach(({ weight, bias, inputs, units }, index) => {
    for (let unit = 0; unit < units; unit++) {
      network.weights[index + 1][unit] = Array.from(weight.subarray(unit * inputs, (unit + 1) * inputs));
      network.biases[index + 1][unit] = bias[unit];
    }
  });
  return (x) => network.runInput(x);
}
const programs = {
  W4a() {
    const { x, y } = testImages();
    const count = Number(part ?? 0) || 10_000;
    const floats = toFloats(x);
    const predict = predictor(NETWORKS.W2);
    const rows = Array.from({ length: count }, (_, i) => floats.subarray(i * 784, (i + 1) * 784));
    const outputs = new Float32Array(count * 10);
    const all = () => rows.forEach((row, i) => outputs.set(predict(row), i * 10));
    all();
    const { median, cpu } = timeCalls(all, [0], 0.5);
    const scale = 10_000 / count;
    report((median / 1000) * scale, (cpu / 1000) * scale, { accuracy: accuracy(outputs, y.subarray(0, count)), rows: count }, count < 10_000 ? { part: count / 10_000 } : {});
  },
  W4b() {
    const { x, y } = testImages();
    const floats = toFloats(x);
    const predict = predictor(NETWORKS.W2);
    const rows = Array.from({ length: 1000 }, (_, i) => floats.subarray(i * 784, (i + 1) * 784));
    timeCalls(predict, rows, 0.2);
    const { median, p99, cpu } = timeCalls(predict, rows, 1);
    const outputs = Float32Array.from(rows.flatMap((row) => Array.from(predict(row))));
    report(median, cpu, { accuracy: accuracy(outputs, y.subarray(0, 1000)), rows: 1000 }, { p99 });
  },
};
const net = NETWORKS[name];
if (net !== undefined) await train(net);
else await programs[name]();
