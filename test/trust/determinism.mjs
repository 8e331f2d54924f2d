// Random networks: the same bytes for any number of threads, any instruction set with fused multiply-adds, sync and async, whole or in
// slices, and loaded again from a file in mid-training; float64 on the baseline copy equals plain TypeScript.
import { join } from 'node:path';
import * as nabla from '../../dist/index.js';
import { caseRandom, fail, finish, fingerprint, foreign, scratch, untilTimeIsOver } from './common.mjs';

const { layers, optimizers } = nabla;
const folder = scratch();
const isas = ['baseline', 'avx2', 'avx512', 'neon'].filter((isa) => {
  try {
    nabla.sequential({ backend: 'native', isa }, [layers.dense({ units: 1, inputShape: [1] })]).dispose();
    return true;
  } catch {
    return false;
  }
});

function network(random) {
  const features = random.integer(1, random.chance(0.2) ? 300 : 24);
  const classes = random.integer(2, 12);
  const dtype = random.pick(['float32', 'float64']);
  const hidden = Array.from({ length: random.integer(0, 3) }, () => ({ units: random.integer(1, random.chance(0.2) ? 150 : 40), activation: random.pick(['relu', 'tanh', 'sigmoid', 'gelu', 'selu', 'softplus', 'mish', 'linear']), extra: random.pick(['', '', '', 'dropout', 'batchNormalization', 'layerNormalization', 'gaussianNoise', 'prelu']) }));
  const optimizer = random.pick(['sgd', 'adam', 'adamW', 'rmsprop', 'adagrad', 'adadelta', 'adamax', 'lion', 'nadam']);
  const settings = random.pick([{}, {}, {}, { globalClipnorm: 0.5 }, { clipnorm: 0.3 }, { clipvalue: 0.05 }]);
  const rows = random.integer(2, random.chance(0.1) ? 2000 : 150);
  const sparse = random.chance(0.3) ? 0.1 : 1;
  const x = Float32Array.from({ length: rows * features }, () => (random.next() < sparse ? random.next() * 2 - 1 : 0));
  const y = Int32Array.from({ length: rows }, () => random.integer(0, classes - 1));
  const epochs = random.integer(1, 3);
  let batchSize = random.integer(2, random.chance(0.2) ? rows : 40);
  // Batch normalization wants two rows in every batch.
  while (rows % batchSize === 1) batchSize += 1;
  const build = (options) => {
    const list = hidden.flatMap(({ units, activation, extra }) => [layers.dense({ units, activation }), ...made(extra)]);
    const model = nabla.sequential({ seed: 5, dtype, ...options }, [layers.input({ shape: [features] }), ...list, layers.dense({ units: classes, activation: 'softmax' })]);
    model.compile({ optimizer: optimizers[optimizer]({ learningRate: 0.01, ...settings }), loss: 'sparseCategoricalCrossentropy' });
    return model;
  };
  return { build, dtype, x, y, fit: { epochs, batchSize }, text: `${dtype} ${features}-${hidden.map(({ units, activation, extra }) => `${units}${activation}${extra === '' ? '' : `+${extra}`}`).join('-')}-${classes}, ${optimizer}, ${rows} rows, batch ${batchSize}, ${epochs} epochs` };
}
const made = (extra) => (extra === '' ? [] : [extra === 'dropout' ? layers.dropout({ rate: 0.3 }) : extra === 'gaussianNoise' ? layers.gaussianNoise({ stddev: 0.1 }) : layers[extra]()]);

const ways = {
  async sync(model, { x, y, fit }) { model.fitSync(x, y, fit); return model; },
  async async(model, { x, y, fit }) { await model.fit(x, y, fit); return model; },
  async batches(model, { x, y, fit }) { await model.fit(x, y, { ...fit, callbacks: { onBatchEnd() {} } }); return model; },
  async resumed(model, { x, y, fit }) {
    const path = join(folder, 'half.safetensors');
    await model.fit(x, y, { ...fit, epochs: 1 });
    await model.save(path, { includeOptimizer: true });
    const { backend, isa, threads } = model;
    const again = await nabla.loadModel(path, backend === 'native' ? { backend, isa, threads } : { backend });
    await again.fit(x, y, { ...fit, initialEpoch: again.nextEpoch });
    return again;
  },
};
let trainings = 0;
async function bytes(scene, options, way) {
  const model = scene.build(options);
  const result = await ways[way](model, scene);
  const answer = fingerprint(result);
  trainings += 1;
  if (result !== model) result.dispose();
  model.dispose();
  return answer;
}

const networks = await untilTimeIsOver(async (number) => {
  const random = caseRandom(number);
  const scene = network(random);
  try {
    const fused = isas.filter((isa) => isa !== 'baseline');
    for (const family of [fused, isas.filter((isa) => isa === 'baseline')]) {
      if (family.length === 0) continue;
      const wanted = await bytes(scene, { backend: 'native', isa: family[0], threads: 1 }, 'sync');
      for (const isa of family) {
        const [threads, way] = [random.pick([1, 2, 3, 7]), random.pick(Object.keys(ways))];
        if ((await bytes(scene, { backend: 'native', isa, threads }, way)) !== wanted) fail(`network ${number} (${scene.text}): ${isa}, ${threads} threads, ${way} differs`);
      }
      if (family[0] === 'baseline' && scene.dtype === 'float64' && (await bytes(scene, { backend: 'typescript' }, random.pick(Object.keys(ways)))) !== wanted) fail(`network ${number} (${scene.text}): TypeScript differs from baseline`);
    }
    if (isas.length === 0 && (await bytes(scene, { backend: 'typescript' }, 'sync')) !== (await bytes(scene, { backend: 'typescript' }, random.pick(Object.keys(ways))))) fail(`network ${number} (${scene.text}): TypeScript differs from itself`);
  } catch (error) {
    fail(`network ${number} (${scene.text}): ${foreign(error) || error.message.slice(0, 200)}`);
  }
});
finish({ networks, trainings }, { 'instruction sets': isas.join(', ') || 'none: TypeScript alone' });
