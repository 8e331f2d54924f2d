// Calls that once read or wrote past memory's end, or ended the process. Prints { name: code or 'ok' }.
import process from 'node:process';
import { addonAt, dense, prepare, relu, spec } from './common.mjs';

const [path] = process.argv.slice(2);
const addon = addonAt(path);
const report = {};
const attempt = async (name, action) => {
  try {
    await action();
    report[name] = 'ok';
  } catch (error) {
    report[name] = error.code ?? `no code: ${error.message}`;
  }
};
const predictor = (inputs, units) => addon.createNetwork({ ...spec(inputs, [], units), loss: null, optimizer: null, head: 'none' }, null, 1, false, false);

const broad = predictor(2048, 1);
// 2^53 rows of 2048 are 2^64 bytes: 0 where a product wraps around.
await attempt('rows that wrap around', () => addon.load(broad, new Uint8Array(0), 2 ** 53, null, null, false, false));
const targets = predictor(1, 2048);
await attempt('targets that wrap around', () => addon.load(targets, new Uint8Array(8), 8, new Float32Array(8), null, false, false));

const fan = predictor(1, 1_000_000);
const one = addon.load(fan, new Uint8Array(1), 1, null, null, false, false);
const many = new Uint32Array(5_000_000);
await attempt('a result that no array holds', () => addon.predictSync(fan, one, many, 0, many.length, false, false));
await attempt('the same, asynchronously', () => addon.predict(fan, one, many, 0, many.length, false, false));
await attempt('a network of one unit and many inputs', () => predictor(2 ** 36, 1));
await attempt('a symbol as instruction set', () => addon.createNetwork(spec(3, [], 2), Symbol('isa'), 1, false, false));

// Borrowing is for shared memory: a plain buffer is copied, whatever the flag says.
await attempt('a borrowed buffer that is transferred', () => {
  const network = predictor(3, 2);
  const x = new Float32Array([1, 2, 3, 4, 5, 6]);
  const data = addon.load(network, x, 2, null, null, true, true);
  structuredClone(x.buffer, { transfer: [x.buffer] });
  addon.setState(network, [Float32Array.of(1, 0, 0, 0, 0, 1), new Float32Array(2)], [], 0);
  const out = addon.predictSync(network, data, null, 0, 2, true, false);
  if (String(out) !== '1,3,4,6') throw new Error(`received ${out}`);
});
await attempt('a getter that disposes of the network', () => {
  const { network } = prepare(addon, spec(5, [4], 3), 10, 1);
  const { parameters, slots } = addon.getState(network);
  const list = [...parameters];
  Object.defineProperty(list, 1, { get: () => (addon.disposeNetwork(network), parameters[1]) });
  addon.setState(network, list, slots, 0);
});
await attempt('a getter that transfers what came before', () => {
  const { network } = prepare(addon, spec(5, [4], 3), 10, 1);
  const { parameters, slots } = addon.getState(network);
  const list = [...parameters];
  Object.defineProperty(list, 3, { get: () => (structuredClone(parameters[0].buffer, { transfer: [parameters[0].buffer] }), parameters[3]) });
  addon.setState(network, list, slots, 0);
});
await attempt('a getter that starts a job', () => {
  const { network, data } = prepare(addon, spec(5, [4], 3), 10, 1);
  const { parameters, slots } = addon.getState(network);
  const list = [...parameters];
  Object.defineProperty(list, 0, { get: () => (void addon.train(network, data, null, 0, 10, 5, 1, 0, new Float64Array(10).fill(0.1), 5, false), parameters[0]) });
  addon.setState(network, list, slots, 0);
});
// Disposed of while a job runs: the job ends with its own result.
await attempt('disposed of in mid-training', async () => {
  const { network, data } = prepare(addon, { ...spec(50, [60], 3), layers: [dense(60, relu), dense(3)] }, 200, 1);
  const running = addon.train(network, data, null, 0, 200, 10, 5, 0, new Float64Array(500).fill(0.01), Infinity, false);
  addon.disposeData(data);
  addon.disposeNetwork(network);
  const { steps } = await running;
  if (steps !== 100) throw new Error(`received ${steps} steps`);
});
console.log(JSON.stringify(report));
