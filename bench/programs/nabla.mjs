// One sample of nabla: node nabla.mjs WORKLOAD native|typescript ISA|- THREADS|- [ROWS [OPTIONS]], through the public interface, everything included: the
// arrays' checks and copies, the shuffle, the history. OPTIONS is JSON for `sequential`. ROWS: measure only so many and scale.
import { join } from 'node:path';
import process from 'node:process';
import * as nabla from 'nabla';
import { NETWORKS, limits, load, orders, tabular, testImages, weights } from '../lib/data.mjs';
import { cache } from '../lib/places.mjs';
import { accuracy, meanSquaredError, report, reportTraining, timeCalls, timed } from '../lib/timing.mjs';
import { build } from './networks.mjs';

const [name, backend, isa = '-', threads = '-', part = '0', more = '{}'] = process.argv.slice(2);
const options = { backend, ...(isa === '-' ? {} : { isa }), ...(threads === '-' ? {} : { threads: Number(threads) }), ...JSON.parse(more) };

async function train(net) {
  const { x, y } = load(net);
  const { epochs, count } = limits(net, part);
  const features = net.sizes[0];
  const warm = Math.min(net.rows, net.batch * 20);
  const first = build(net, options);
  await first.fit(x.subarray(0, warm * features), y.subarray(0, warm), { epochs: Math.min(net.epochs, 2), batchSize: net.batch });
  first.dispose();
  const model = build(net, options);
  const settings = { epochs, batchSize: net.batch, ...(count < net.rows ? { order: orders(name, net)[0].subarray(0, count) } : {}) };
  const run = await timed(() => model.fit(x, y, settings));
  reportTraining(net, run, epochs * count, run.result.history.loss.at(-1));
}

function predictor(net, saved) {
  const model = build(net, options);
  model.setWeights(weights(saved, net).flatMap(({ weight, bias }) => [weight, bias]));
  return model;
}

const programs = {
  /** 10,000 pictures a call. */
  W4a() {
    const { x, y } = testImages();
    const model = predictor(NETWORKS.W2, 'W4');
    const all = { rows: y.length };
    const outputs = model.predictSync(x, all).data;
    model.predictSync(x, all);
    const { median, cpu } = timeCalls((images) => model.predictSync(images, all), [x], 1);
    report(median / 1000, cpu / 1000, { accuracy: accuracy(outputs, y) });
  },
  /** One picture a call. */
  W4b() {
    const { x, y } = testImages();
    const model = predictor(NETWORKS.W2, 'W4');
    const rows = Array.from({ length: 1000 }, (_, i) => x.subarray(i * 784, (i + 1) * 784));
    const outputs = new Float32Array(10_000 * 10);
    for (let i = 0; i < 10_000; i++) outputs.set(model.predictSync(x.subarray(i * 784, (i + 1) * 784)).data, i * 10);
    const { median, p99, cpu } = timeCalls((row) => model.predictSync(row), rows, 1);
    report(median, cpu, { accuracy: accuracy(outputs, y) }, { p99 });
  },
  async W7() {
    const run = await timed(() => nabla.readCsv(join(cache, 'train.csv')));
    const { x, y } = run.result;
    const sum = x.reduce((all, value) => all + value, 0) + y.reduce((all, value) => all + value, 0);
    report(run.seconds, run.cpu, { rows: y.length, sum });
  },
  'W8-one'() {
    const net = NETWORKS.W8;
    const { x, y } = tabular(10_000);
    const model = predictor(net, 'W8-one');
    const rows = Array.from({ length: 1000 }, (_, i) => x.subarray(i * 30, (i + 1) * 30));
    timeCalls((row) => model.predictSync(row), rows, 0.2);
    const { median, p99, cpu } = timeCalls((row) => model.predictSync(row), rows, 1);
    report(median, cpu, { loss: meanSquaredError(model.predictSync(x, { rows: 10_000 }).data, y) }, { p99 });
  },
};

const net = NETWORKS[name];
if (net !== undefined) await train(net);
else if (programs[name] !== undefined) await programs[name]();
else throw new Error(`unknown workload ${name}`);
