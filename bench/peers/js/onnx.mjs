// ONNX Runtime: node onnx.mjs W4a|W4b|W8-one node|web THREADS. The network's file is read, then run on float32 arrays.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { tabular, testImages, toFloats } from '../../lib/data.mjs';
import { cache } from '../../lib/places.mjs';
import { accuracy, meanSquaredError, report, timeCallsAsync } from '../../lib/timing.mjs';

const [name, kind, threads] = process.argv.slice(2);
const count = Number(threads);
const require = createRequire(import.meta.url);
const ort = kind === 'node' ? require('onnxruntime-node') : require('onnxruntime-web');
if (kind === 'web') ort.env.wasm.numThreads = count;

const tabularData = name === 'W8-one';
const features = tabularData ? 30 : 784;
const session = await ort.InferenceSession.create(readFileSync(join(cache, tabularData ? 'W8-one.onnx' : 'W4.onnx')), {
  ...(kind === 'node' ? { intraOpNumThreads: count, interOpNumThreads: 1 } : { executionProviders: ['wasm'] }),
  graphOptimizationLevel: 'all',
});
const predict = async (x) => (await session.run({ x: new ort.Tensor('float32', x, [x.length / features, features]) })).y.data;

const { x, y } = tabularData ? tabular(10_000) : testImages();
const floats = tabularData ? x : toFloats(x);
const outputs = await predict(floats);
const check = tabularData ? { loss: meanSquaredError(outputs, y) } : { accuracy: accuracy(outputs, y) };
if (name === 'W4a') {
  await predict(floats);
  const { median, cpu } = await timeCallsAsync(predict, [floats], 1);
  report(median / 1000, cpu / 1000, check);
} else {
  const rows = Array.from({ length: 1000 }, (_, i) => floats.subarray(i * features, (i + 1) * features));
  await timeCallsAsync(predict, rows, 0.2);
  const { median, p99, cpu } = await timeCallsAsync(predict, rows, 1);
  report(median, cpu, check, { p99 });
}
// Its thread pools would keep the process alive.
process.exit(0);
