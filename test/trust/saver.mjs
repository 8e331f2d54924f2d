// Saves two models in turn under one name until it is killed. node saver.mjs PATH sync|async; prints the fingerprints of both once the first is there.
import process from 'node:process';
import * as nabla from '../../dist/index.js';
import { fingerprint } from './common.mjs';

const [path, way] = process.argv.slice(2);
const models = [1, 2].map((seed) => nabla.sequential({ seed, backend: 'typescript' }, [nabla.layers.dense({ units: 600, inputShape: [700] }), nabla.layers.dense({ units: 3 })]));
nabla.saveModelSync(models[0], path);
console.log(JSON.stringify(models.map((model) => fingerprint(model))));
for (let turn = 1; ; turn++) {
  if (way === 'sync') {
    nabla.saveModelSync(models[turn % 2], path);
    await new Promise((resolve) => setImmediate(resolve));
  } else await nabla.saveModel(models[turn % 2], path);
}
