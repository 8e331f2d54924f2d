// Which name somebody meant: another spelling, another library's word, or a slip of the keys.
import { show } from './errors.js';

/** Words of Keras, PyTorch, scikit-learn and habit, spelt as `plain` gives them, and what nabla may call the same. */
const OTHER_WORDS: Readonly<Record<string, readonly string[]>> = {
  lr: ['learningRate'], eta: ['learningRate'], learnrate: ['learningRate'], stepsize: ['learningRate'], eps: ['epsilon'], decay: ['weightDecay'],
  acc: ['accuracy'], f1score: ['f1'], rocauc: ['auc', 'rocAuc'], aucroc: ['auc', 'rocAuc'], r2score: ['r2'], rmse: ['rootMeanSquaredError'], topk: ['topKCategoricalAccuracy'],
  bce: ['binaryCrossentropy'], bceloss: ['binaryCrossentropy'], bcewithlogitsloss: ['binaryCrossentropy'], logloss: ['binaryCrossentropy'],
  cce: ['categoricalCrossentropy'], crossentropy: ['sparseCategoricalCrossentropy'], crossentropyloss: ['sparseCategoricalCrossentropy'], nllloss: ['sparseCategoricalCrossentropy'],
  softmaxcrossentropy: ['sparseCategoricalCrossentropy'], mseloss: ['meanSquaredError'], l1loss: ['meanAbsoluteError'], smoothl1loss: ['huber'], huberloss: ['huber'], kldivergence: ['kullbackLeiblerDivergence'],
  gd: ['sgd'], gradientdescent: ['sgd'], momentum: ['sgd'], bs: ['batchSize'], batch: ['batchSize'], minibatchsize: ['batchSize'],
  iterations: ['epochs'], maxiter: ['epochs'], maxepochs: ['epochs'], numepochs: ['epochs'], nepochs: ['epochs'], validation: ['validationData'], evalset: ['validationData'],
  randomstate: ['seed'], randomseed: ['seed'], rngseed: ['seed'], device: ['backend'], njobs: ['threads'], numthreads: ['threads'], workers: ['threads'],
  outfeatures: ['units'], outputs: ['units'], outputdim: ['units'], neurons: ['units'], size: ['units'], infeatures: ['inputShape'], inputdim: ['inputShape'], inputsize: ['inputShape'], shape: ['inputShape'],
  bias: ['useBias'], init: ['kernelInitializer'], weightinitializer: ['kernelInitializer'], regularizer: ['kernelRegularizer'], constraint: ['kernelConstraint'], nonneg: ['nonNegative'],
  p: ['rate'], prob: ['rate'], std: ['stddev'], negativeslope: ['alpha'], earlystop: ['earlyStopping'], save: ['includeOptimizer'],
  xavier: ['glorotUniform'], xavieruniform: ['glorotUniform'], xaviernormal: ['glorotNormal'], glorot: ['glorotUniform'],
  kaiming: ['heNormal'], kaimingnormal: ['heNormal'], kaiminguniform: ['heUniform'], he: ['heNormal'], lecun: ['lecunNormal'], normal: ['randomNormal'], uniform: ['randomUniform'],
  logistic: ['sigmoid'], identity: ['linear'], none: ['linear'], float: ['float32'], double: ['float64'], cpu: ['native'], wasm: ['typescript'], js: ['typescript'],
};
/** Longer than any name; what comes behind does not matter. */
const LONGEST = 40;

/** Small letters and digits only: batch_size, batch-size and BatchSize are one word. */
function plain(text: string): string {
  return text.slice(0, LONGEST).toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** @param value what was given, anything @param names those there are @returns the one that was most likely meant, or null */
export function nearest(value: unknown, names: readonly string[]): string | null {
  if (typeof value !== 'string') return null;
  const word = plain(value);
  if (word === '') return null;
  const same = names.find((name) => plain(name) === word);
  if (same !== undefined) return same;
  const [prefix, rest] = /^val_/i.test(value) ? ['val_', plain(value.slice(4))] : ['', word];
  const others = Object.hasOwn(OTHER_WORDS, rest) ? OTHER_WORDS[rest] : [];
  const other = others.find((name) => names.includes(prefix + name));
  if (other !== undefined) return prefix + other;
  // A slip in every third letter at most.
  let least = Math.min(3, Math.floor(word.length / 3)) + 1;
  let found: string | null = null;
  for (const name of names) {
    const candidate = plain(name);
    if (Math.abs(candidate.length - word.length) >= least) continue;
    const far = distance(word, candidate);
    if (far >= least) continue;
    least = far;
    found = name;
  }
  return found;
}

/** The end of an error's message. @returns ' Did you mean "NAME"?', or '' where nothing is near */
export function didYouMean(value: unknown, names: readonly string[]): string {
  const name = nearest(value, names);
  return name === null ? '' : ` Did you mean ${show(name)}?`;
}

/** Letters to insert, delete, replace, or swap with the next one. */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      let cost = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, before[j - 2] + 1);
      next.push(cost);
    }
    before = row;
    row = next;
  }
  return row[b.length];
}
