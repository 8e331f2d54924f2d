// npm run bench:lateness: how late the event loop is while big networks train, predict, are saved and loaded: a timer of 10 ms notes by how much it is
// called late. Each scenario is a fresh process; what it builds before the work starts (samples, layers) is not measured.
// "own" is without the time in which this thread could have run and other processes had the processor (Linux: /proc/self/schedstat).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const PERIOD = 10;
const seconds = (n) => n * 1000;

/** Samples of a few numbers, none of them 0, so that no lists are made of them. */
function floats(count) {
  return Float32Array.from({ length: count }, (_, i) => ((i * 2654435761) % 1000) / 1000 + 0.001);
}
function chain(nabla, inputs, hidden, outputs, activation = 'linear', backend = 'native') {
  const { layers, sequential } = nabla;
  return sequential({ seed: 1, backend }, [
    ...hidden.map((units, i) => layers.dense({ units, activation: 'relu', ...(i === 0 ? { inputShape: [inputs] } : {}) })), layers.dense({ units: outputs, activation }),
  ]);
}

/** Half the squared error, by a function. */
function ownLoss(nabla) {
  return nabla.losses.custom({
    name: 'half',
    compute(outputs, targets) {
      const gradient = outputs.map((output, i) => (output - targets[i]) / outputs.length);
      return { loss: gradient.reduce((sum, g) => sum + g * g, 0) * outputs.length / 2, gradient };
    },
  });
}

/** name -> what it does before the clock starts; it gives the work to measure. */
const SCENARIOS = {
  wide: {
    title: 'layers 3,000 wide (18 million parameters), Adam, three epochs',
    prepare(nabla) {
      const x = floats(256 * 3000), y = floats(256 * 10);
      const model = chain(nabla, 3000, [3000, 3000], 10);
      model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
      return () => model.fit(x, y, { epochs: 3, batchSize: 64 });
    },
  },
  lbfgs: {
    title: 'L-BFGS, a million parameters, 12 epochs',
    prepare(nabla) {
      const x = floats(64 * 1000), y = floats(64);
      const model = chain(nabla, 1000, [998], 1);
      model.compile({ optimizer: nabla.optimizers.lbfgs(), loss: 'meanSquaredError' });
      return () => model.fit(x, y, { epochs: 12 });
    },
  },
  order: {
    title: 'an order function, a million rows, four epochs',
    prepare(nabla) {
      const rows = 1_000_000, x = floats(rows * 4), y = floats(rows);
      const order = Uint32Array.from({ length: rows }, (_, i) => rows - 1 - i);
      const model = chain(nabla, 4, [16], 1);
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      return () => model.fit(x, y, { epochs: 4, batchSize: 1024, order: () => order });
    },
  },
  shuffle: {
    title: 'shuffling five million rows, three epochs',
    prepare(nabla) {
      const rows = 5_000_000, x = floats(rows), y = floats(rows);
      const model = chain(nabla, 1, [8], 1);
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      return () => model.fit(x, y, { epochs: 3, batchSize: 4096 });
    },
  },
  predict: {
    title: 'predict of 50,000 rows of 784 bytes, 50 times',
    prepare(nabla) {
      const x = new Uint8Array(50_000 * 784).map((_, i) => 1 + (i % 255));
      const model = chain(nabla, 784, [100], 10, 'softmax');
      model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
      const set = new nabla.ArrayDataset({ x, rows: 50_000 });
      return async () => {
        for (let i = 0; i < 50; i++) await model.predict(set);
      };
    },
  },
  typescript: {
    title: 'TypeScript: layers 1,000 wide, Adam, batches of 64, four steps',
    prepare(nabla) {
      const x = floats(256 * 1000), y = floats(256 * 10);
      const model = chain(nabla, 1000, [1000, 1000], 10, 'linear', 'typescript');
      model.compile({ optimizer: 'adam', loss: 'meanSquaredError' });
      return () => model.fit(x, y, { epochs: 1, batchSize: 64 });
    },
  },
  'typescript-full': {
    title: 'TypeScript: 784-100-10, all of 20,000 rows as one batch, two steps',
    prepare(nabla) {
      const x = floats(20_000 * 784), y = Int32Array.from({ length: 20_000 }, (_, i) => i % 10);
      const model = chain(nabla, 784, [100], 10, 'softmax', 'typescript');
      model.compile({ optimizer: 'sgd', loss: 'sparseCategoricalCrossentropy' });
      return () => model.fit(x, y, { epochs: 2, batchSize: 20_000 });
    },
  },
  batchnorm: {
    title: 'TypeScript: 784-256-10 with batch and layer normalization, all of 8,000 rows as one batch',
    prepare(nabla) {
      const { layers, sequential } = nabla;
      const x = floats(8000 * 784), y = Int32Array.from({ length: 8000 }, (_, i) => i % 10);
      const model = sequential({ seed: 1, backend: 'typescript' }, [
        layers.dense({ units: 256, inputShape: [784] }), layers.batchNormalization(), layers.activation('tanh'), layers.layerNormalization(),
        layers.dense({ units: 10, activation: 'softmax' }),
      ]);
      model.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
      return () => model.fit(x, y, { epochs: 2, batchSize: 8000 });
    },
  },
  custom: {
    title: 'TypeScript: a loss of one\'s own, layers 1,000 wide, batches of 64, four steps, evaluate',
    prepare(nabla) {
      const x = floats(256 * 1000), y = floats(256 * 10);
      const model = chain(nabla, 1000, [1000, 1000], 10, 'linear', 'typescript');
      model.compile({ optimizer: 'adam', loss: ownLoss(nabla) });
      return async () => {
        await model.fit(x, y, { epochs: 1, batchSize: 64 });
        await model.evaluate(x, y);
      };
    },
  },
  'custom-native': {
    title: 'a loss of one\'s own, layers 2,000 wide, batches of 64, eight steps, evaluate',
    prepare(nabla) {
      const x = floats(256 * 2000), y = floats(256 * 10);
      const model = chain(nabla, 2000, [2000, 2000], 10);
      model.compile({ optimizer: 'adam', loss: ownLoss(nabla) });
      return async () => {
        await model.fit(x, y, { epochs: 2, batchSize: 64 });
        await model.evaluate(x, y);
      };
    },
  },
  'lbfgs-typescript': {
    title: 'TypeScript: L-BFGS, 300,000 parameters, four epochs',
    prepare(nabla) {
      const x = floats(256 * 1000), y = floats(256);
      const model = chain(nabla, 1000, [300], 1, 'linear', 'typescript');
      model.compile({ optimizer: nabla.optimizers.lbfgs(), loss: 'meanSquaredError' });
      return () => model.fit(x, y, { epochs: 4 });
    },
  },
  save: {
    title: 'saving 36 million parameters, three times',
    async prepare(nabla, folder) {
      const model = chain(nabla, 4000, [4500, 4000], 1);
      model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
      await model.predict(floats(4000));
      return async () => {
        for (let i = 0; i < 3; i++) await model.save(join(folder, 'model.safetensors'));
      };
    },
  },
  load: {
    title: 'loading 36 million parameters and the first prediction, three times',
    async prepare(nabla, folder) {
      const x = floats(4000), path = join(folder, 'model.safetensors');
      const model = chain(nabla, 4000, [4500, 4000], 1);
      await model.save(path);
      model.dispose();
      return async () => {
        for (let i = 0; i < 3; i++) {
          const loaded = await nabla.loadModel(path);
          await loaded.predict(x);
          loaded.dispose();
        }
      };
    },
  },
};

/** Milliseconds for which this thread has waited for a processor; 0 where the system does not tell. */
function waited() {
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'utf8').split(' ')[1]) / 1e6;
  } catch {
    return 0;
  }
}

/** @returns lateness in ms of every call of the timer while the work runs, and the part of it that is this process's own */
async function measure(work) {
  const late = [], own = [];
  let due = 0, timer, before = waited();
  const tick = () => {
    const now = performance.now(), lateness = Math.max(0, now - due), waits = waited();
    late.push(lateness);
    own.push(Math.max(0, lateness - (waits - before)));
    before = waits;
    due = performance.now() + PERIOD;
    timer = setTimeout(tick, PERIOD);
  };
  due = performance.now() + PERIOD;
  timer = setTimeout(tick, PERIOD);
  const start = performance.now();
  await work();
  const took = performance.now() - start;
  // The call that the last stretch of work held up is one of them.
  await new Promise((resolve) => setTimeout(resolve, 2 * PERIOD));
  clearTimeout(timer);
  return { late, own, took };
}

function figures(late) {
  const sorted = [...late].sort((a, b) => a - b);
  const at = (share) => Number(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1));
  return { calls: sorted.length, p50: at(0.5), p99: at(0.99), worst: at(1) };
}

const { values } = parseArgs({
  options: {
    only: { type: 'string' }, package: { type: 'string', default: 'nabla' }, against: { type: 'string' }, rounds: { type: 'string', default: '3' }, child: { type: 'string' }, json: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
  },
});
if (values.help) {
  console.log(`npm run bench:lateness -- [--only NAMES] [--package MODULE] [--against MODULE [--rounds N]] [--json]
  names, separated by commas: ${Object.keys(SCENARIOS).join(', ')}
  MODULE: what is imported, default nabla, or the path of a build's dist/index.js; --against runs both in turn, N times (default 3), and prints medians
  example: npm run bench:lateness -- --only shuffle,save`);
  process.exit(0);
}
if (values.child !== undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'lateness-'));
  try {
    const work = await SCENARIOS[values.child].prepare(await import(values.package), folder);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const { late, own, took } = await measure(work);
    const { p99, worst } = figures(own);
    console.log(JSON.stringify({ ...figures(late), ownP99: p99, ownWorst: worst, seconds: Number((took / seconds(1)).toFixed(2)) }));
  } finally {
    rmSync(folder, { recursive: true });
  }
} else {
  const names = values.only?.split(',') ?? Object.keys(SCENARIOS);
  const unknown = names.find((name) => !Object.hasOwn(SCENARIOS, name));
  if (unknown !== undefined) {
    console.error(`bench:lateness: there is no scenario '${unknown}'. Expected some of ${Object.keys(SCENARIOS).join(', ')}.`);
    process.exit(1);
  }
  const run = (name, module) => {
    const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), '--child', name, '--package', module], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    if (child.status === 0) return JSON.parse(child.stdout);
    // The other build may lack what a scenario needs.
    if (module === values.against) return null;
    process.stderr.write(child.stderr);
    return process.exit(child.status ?? 1);
  };
  const median = (runs) => {
    if (runs.some((figures) => figures === null)) return null;
    const middle = (key) => runs.map((figures) => figures[key]).sort((a, b) => a - b)[Math.floor((runs.length - 1) / 2)];
    return Object.fromEntries(Object.keys(runs[0]).map((key) => [key, middle(key)]));
  };
  const columns = ['p50', 'p99', 'worst', 'ownP99', 'ownWorst', 'calls', 'seconds'];
  const heads = ['p50', 'p99', 'worst', 'own p99', 'own worst', 'calls', 's'];
  const line = (title, figures) => console.log(title.padEnd(72) + columns.map((key) => (figures === null ? '-' : key === 'calls' ? String(figures[key]) : figures[key].toFixed(1)).padStart(10)).join(''));
  if (!values.json) console.log('ms by which a timer of 10 ms is late'.padEnd(72) + heads.map((head) => head.padStart(10)).join(''));
  const rounds = values.against === undefined ? 1 : Math.max(1, Number(values.rounds));
  const results = [];
  for (const name of names) {
    const here = [];
    const there = [];
    for (let round = 0; round < rounds; round++) {
      if (values.against !== undefined) there.push(run(name, values.against));
      here.push(run(name, values.package));
    }
    const result = { name, ...median(here), ...(values.against === undefined ? {} : { against: median(there) }) };
    results.push(result);
    if (values.json) continue;
    line(SCENARIOS[name].title, result);
    if (values.against !== undefined) line(`  ${values.against}`.slice(0, 70), result.against);
  }
  if (values.json) console.log(JSON.stringify(results));
}
