// The native core against plain TypeScript: the same seed, weights and batches; equality first, speed second.
import type { ArrayDataset } from '../index.js';
import { buildDigitsModel, digitsTraining } from './digits.js';

/** Largest differences and times of the two backends. */
export interface Comparison {
  /** |difference| of the first batch's losses. */
  readonly loss: number;
  /** Largest |difference| of the first batch's gradients, relative to the largest magnitude of their tensor. */
  readonly gradients: number;
  /** Largest |difference| of all probabilities after one epoch of training. */
  readonly probabilities: number;
  /** Pictures whose most likely digit differs then. */
  readonly otherAnswers: number;
  /** Median seconds an epoch. */
  readonly native: number;
  readonly typescript: number;
}

/** @param data the slice to train on @param rounds timed epochs of each backend, taken in turn */
export async function compareBackends(data: ArrayDataset, rounds: number): Promise<Comparison> {
  const { seed, batchSize } = digitsTraining;
  const native = buildDigitsModel({ seed, backend: 'native' });
  const typescript = buildDigitsModel({ seed, backend: 'typescript' });

  const first = data.slice(0, batchSize);
  const a = native.gradients(first.x, first.y);
  const b = typescript.gradients(first.x, first.y);
  let gradients = 0;
  for (const [name, exact] of Object.entries(b.gradients)) {
    const scale = largestDifference(exact, new Float32Array(exact.length));
    gradients = Math.max(gradients, largestDifference(a.gradients[name], exact) / scale);
  }

  // The first epoch also warms both up; what it leaves is compared, the later ones are timed.
  await native.fit(data.x, data.y, { epochs: 1, batchSize });
  await typescript.fit(data.x, data.y, { epochs: 1, batchSize });
  const p = await native.predict(data.x);
  const q = await typescript.predict(data.x);
  const theirs = q.argmax();
  const otherAnswers = p.argmax().reduce((count, answer, i) => count + (answer === theirs[i] ? 0 : 1), 0);

  const times = { native: [0].slice(1), typescript: [0].slice(1) };
  for (let round = 0; round < rounds; round++) {
    for (const [name, model] of [['native', native], ['typescript', typescript]] as const) {
      const start = performance.now();
      await model.fit(data.x, data.y, { epochs: 1, batchSize });
      times[name].push((performance.now() - start) / 1000);
    }
  }
  return {
    loss: Math.abs(a.loss - b.loss),
    gradients,
    probabilities: largestDifference(p.data, q.data),
    otherAnswers,
    native: median(times.native),
    typescript: median(times.typescript),
  };
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    // NaN must not look like agreement.
    if (!(difference <= most)) most = difference;
  }
  return most;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
