// Gradient descent on all samples at once, watched: with fit, and by hand for the arithmetic that fit does not do.
import type { ArrayDataset, FloatArray, Sequential } from 'nabla';
import { Progress } from './screen.js';

/** What is known of an iteration before its update. */
export interface Moment {
  readonly iteration: number;
  /** Mean of -log(probability of the label). */
  readonly loss: number;
  /** (rows) */
  readonly predictions: Uint32Array;
  readonly correct: number;
  readonly accuracy: number;
  /** In the order of getWeights, from before the update. */
  readonly weights: readonly FloatArray[];
  /** What the update used, by LAYER.weight and LAYER.bias; null where it was not asked for. */
  readonly gradients: Readonly<Record<string, FloatArray>> | null;
}

export interface Watched {
  readonly iterations: number;
  /** Which iterations are looked at. */
  readonly printed: (iteration: number) => boolean;
  readonly onMoment?: (moment: Moment) => void;
  /** After every update. */
  readonly onUpdate?: (iteration: number, model: Sequential) => void;
  /** Moments carry gradients; with fit that costs a further pass. Default false. */
  readonly gradients?: boolean;
}

/** What a step by hand gives back. */
export interface Step {
  /** (rows, classes), from before the update. */
  readonly probabilities: Float64Array;
  readonly gradients: Readonly<Record<string, FloatArray>>;
}

/** Every iteration is an epoch of one batch that holds all rows. */
export async function descend(model: Sequential, data: ArrayDataset, watched: Watched): Promise<void> {
  const { iterations, printed, onMoment, onUpdate } = watched;
  const progress = new Progress();
  let seen: Omit<Moment, 'loss'> | null = null;
  await model.fit(data, {
    epochs: iterations,
    batchSize: data.rows,
    shuffle: false,
    callbacks: {
      async onEpochBegin(iteration) {
        if (!printed(iteration)) return;
        const predictions = (await model.predict(data.x)).argmax();
        const gradients = watched.gradients === true ? model.gradients(data.x, data.y).gradients : null;
        seen = { iteration, predictions, ...score(predictions, data), weights: model.getWeights(), gradients };
      },
      onEpochEnd(iteration, { loss }) {
        progress.clear();
        if (seen !== null) onMoment?.({ ...seen, loss });
        seen = null;
        onUpdate?.(iteration, model);
        progress.show(`iteration ${iteration + 1} of ${iterations}`);
      },
    },
  });
  progress.clear();
}

/** @param step one forward pass, one backward pass and one update */
export async function descendByHand(model: Sequential, data: ArrayDataset, watched: Watched, step: () => Step): Promise<void> {
  const { iterations, printed, onMoment, onUpdate } = watched;
  const progress = new Progress();
  for (let iteration = 0; iteration < iterations; iteration++) {
    const weights = printed(iteration) ? model.getWeights() : null;
    const { probabilities, gradients } = step();
    if (weights !== null) {
      progress.clear();
      const predictions = argmaxOfRows(probabilities, probabilities.length / data.rows);
      onMoment?.({ iteration, loss: meanCrossEntropy(probabilities, data), predictions, ...score(predictions, data), weights, gradients });
    }
    onUpdate?.(iteration, model);
    progress.show(`iteration ${iteration + 1} of ${iterations}`);
    // Timers and signals get their turn.
    await new Promise((resolve) => { setImmediate(resolve); });
  }
  progress.clear();
}

/** How many predictions are the labels. */
export function score(predictions: ArrayLike<number>, data: ArrayDataset): { readonly correct: number; readonly accuracy: number } {
  let correct = 0;
  for (let i = 0; i < data.rows; i++) if (predictions[i] === data.label(i)) correct++;
  return { correct, accuracy: correct / data.rows };
}

function meanCrossEntropy(probabilities: Float64Array, data: ArrayDataset): number {
  const classes = probabilities.length / data.rows;
  let sum = 0;
  for (let i = 0; i < data.rows; i++) sum -= Math.log(probabilities[i * classes + data.label(i)]);
  return sum / data.rows;
}

function argmaxOfRows(values: Float64Array, width: number): Uint32Array {
  return Uint32Array.from({ length: values.length / width }, (_, i) => {
    let best = 0;
    for (let k = 1; k < width; k++) if (values[i * width + k] > values[i * width + best]) best = k;
    return best;
  });
}
