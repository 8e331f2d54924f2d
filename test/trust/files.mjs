// Mutated files: every reader gives a result or a NablaError, in bounded time. The readers run in a worker, so that a hang is found and named.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import * as nabla from '../../dist/index.js';
import { caseRandom, fail, failures, finish, foreign, scratch, untilTimeIsOver } from './common.mjs';

/** Seconds that one file of a few kilobytes may take on a busy machine before it counts as a hang; the usual is under 0.01. */
const LONGEST = 5;
const goldens = fileURLToPath(new URL('../golden/interop/', import.meta.url));

async function watch() {
  const shared = new SharedArrayBuffer(4);
  const now = new Int32Array(shared);
  const worker = new Worker(new URL(import.meta.url), { workerData: { shared }, argv: process.argv.slice(2) });
  let last = -1;
  let since = performance.now();
  const timer = setInterval(() => {
    const current = Atomics.load(now, 0);
    if (current !== last) [last, since] = [current, performance.now()];
    else if (performance.now() - since > 1000 * LONGEST) {
      fail(`case ${current} has run for over ${LONGEST} s`);
      finish({ files: current });
    }
  }, 200);
  worker.on('message', ({ tried, figures, found }) => {
    clearInterval(timer);
    failures.push(...found);
    finish(tried, figures);
  });
  worker.on('error', (error) => {
    fail(`case ${Atomics.load(now, 0)}: the worker ended: ${error.stack}`);
    finish({ files: Atomics.load(now, 0) });
  });
}

/** Well-formed files to begin with: kind, bytes, name. */
function seeds(folder) {
  const list = [];
  for (const kind of ['idx', 'npy', 'npz', 'safetensors', 'csv']) {
    for (const name of readdirSync(join(goldens, kind))) {
      const bytes = readFileSync(join(goldens, kind, name));
      if (bytes.length < 20_000) list.push({ kind, bytes });
    }
  }
  list.push({ kind: 'idx', bytes: gzipSync(nabla.encodeIdx({ type: 'uint8', shape: [3, 2], data: new Uint8Array(6) })) });
  const build = (name, extra) => {
    const model = nabla.sequential({ seed: 1 }, [nabla.layers.rescaling({ scale: 0.1, inputShape: [4] }), ...extra, nabla.layers.dense({ units: 3, activation: 'softmax', kernelInitializer: 'orthogonal' })]);
    model.compile({ optimizer: name, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    model.fitSync(Float32Array.from({ length: 40 }, (_, i) => i % 7), Int32Array.from({ length: 10 }, (_, i) => i % 3), { epochs: 2 });
    const path = join(folder, `${name}.safetensors`);
    nabla.saveModelSync(model, path, { includeOptimizer: true });
    list.push({ kind: 'model', bytes: readFileSync(path) });
  };
  build('sgd', []);
  build('adam', [nabla.layers.dense({ units: 5, activation: 'relu' }), nabla.layers.batchNormalization()]);
  build('lbfgs', [nabla.layers.layerNormalization()]);
  build('rmsprop', [nabla.layers.dropout({ rate: 0.2 })]);
  return list;
}

const numbers = ['0', '-1', '1e400', '9007199254740993', '4294967296', '18446744073709551615', '0.5', 'NaN', '""', 'null', '[]', '{}', '1e9', '100000000'];
/** @returns {Uint8Array} bytes with one to three mistakes */
function mutated(random, bytes, others) {
  let result = Buffer.from(bytes);
  for (let i = random.pick([1, 1, 1, 2, 3]); i > 0; i--) {
    const at = random.integer(0, Math.max(0, result.length - 1));
    switch (random.integer(0, 8)) {
      case 0: if (result.length > 0) result[at] ^= 1 << random.integer(0, 7); break;
      case 1: result = result.subarray(0, at); break;
      case 2: if (result.length > 0) result[at] = random.pick([0, 1, 0x7f, 0x80, 0xff, 0x22, 0x2c, 0x0a, 0x5b, 0x7b]); break;
      case 3: result = Buffer.concat([result.subarray(0, at), Buffer.from(Array.from({ length: random.integer(1, 40) }, () => random.integer(0, 255))), result.subarray(at)]); break;
      case 4: result = Buffer.concat([result.subarray(0, at), result.subarray(Math.min(result.length, at + random.integer(1, 40)))]); break;
      case 5: if (result.length >= at + 8) result.writeBigUInt64LE(random.pick([0n, 1n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n]), at); break;
      case 6: { const other = random.pick(others); result = Buffer.concat([result.subarray(0, at), other.subarray(random.integer(0, other.length))]); break; }
      case 7: { // A number of a header's text becomes another.
        const text = result.toString('latin1');
        const places = [...text.slice(0, 4000).matchAll(/\d+(\.\d+)?/gu)];
        if (places.length > 0) { const { 0: found, index } = random.pick(places); result = Buffer.from(text.slice(0, index) + random.pick(numbers) + text.slice(index + found.length), 'latin1'); }
        break;
      }
      default: { const part = result.subarray(at, Math.min(result.length, at + random.integer(1, 60))); result = Buffer.concat([result.subarray(0, at), ...Array.from({ length: random.integer(2, 30) }, () => part), result.subarray(at)]); }
    }
  }
  // What safetensors' first eight bytes say is right again half of the time, so that mutations reach what lies behind.
  if (random.chance(0.5) && result.length > 16 && result[8] === 0x7b) {
    const end = result.lastIndexOf(0x7d, Math.min(result.length, 20_000));
    if (end > 8) result.writeBigUInt64LE(BigInt(end - 7), 0);
  }
  return result;
}

async function attack({ shared }) {
  const now = new Int32Array(shared);
  const folder = scratch();
  const all = seeds(folder);
  const found = [];
  const counts = {};
  const refused = {};
  let slowest = 0;
  const files = await untilTimeIsOver(async (number) => {
    Atomics.store(now, 0, number);
    const random = caseRandom(number);
    const { kind, bytes } = random.pick(all);
    const file = mutated(random, bytes, all.map((other) => other.bytes));
    counts[kind] = (counts[kind] ?? 0) + 1;
    const begun = performance.now();
    try {
      await readers[kind](file, folder, random);
    } catch (error) {
      refused[kind] = (refused[kind] ?? 0) + 1;
      const wrong = foreign(error);
      if (wrong !== '') found.push(`case ${number} (${kind}, ${file.length} bytes): ${wrong}`);
      else if (error.message.length > 2000) found.push(`case ${number} (${kind}): a message of ${error.message.length} characters`);
    }
    slowest = Math.max(slowest, performance.now() - begun);
  });
  parentPort.postMessage({ tried: { files, ...Object.fromEntries(Object.entries(counts).map(([kind, count]) => [`${kind} (refused)`, `${count} (${refused[kind] ?? 0})`])) }, figures: { 'slowest file, ms': Math.round(slowest) }, found: found.slice(0, 20) });
}

const stored = (folder, name, bytes) => {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
};
const readers = {
  idx: (bytes) => nabla.parseIdx(bytes),
  npy: (bytes) => nabla.parseNpy(bytes),
  npz: (bytes) => nabla.parseNpz(bytes),
  safetensors: (bytes) => nabla.parseSafetensors(bytes),
  csv: (bytes, folder, random) => nabla.readCsv(stored(folder, 'x.csv', bytes), random.pick([{}, { label: 0 }, { label: null }, { header: false, label: 0 }, { label: 0, dtype: 'float32' }])),
  model: (bytes, folder) => {
    const model = nabla.loadModelSync(stored(folder, 'm.safetensors', bytes));
    model.predictSync(new Float32Array(model.inputSize ?? 4), undefined);
  },
};

if (isMainThread) await watch();
else await attack(workerData);
