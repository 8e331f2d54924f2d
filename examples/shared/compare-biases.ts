// Where the notebooks with one number for all biases part from the corrected ones. Accuracy cannot show it.
import type { FloatArray } from 'nabla';
import type { Moment } from './descent.js';
import { percent, short } from './screen.js';

/** Largest |difference| of two arrays. */
export function apart(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    // NaN must not look like agreement.
    if (!(difference <= most)) most = difference;
  }
  return most;
}

const largest = (values: FloatArray): number => apart(values, new Float64Array(values.length));

/** One iteration of both runs, in figures. */
export interface Parting {
  readonly iteration: number;
  readonly accuracy: { readonly written: number; readonly corrected: number };
  /** Largest entry of the output layer's bias gradient. */
  readonly db2: { readonly written: number; readonly corrected: number };
  /** How far any output bias is from where it began. */
  readonly b2Moved: { readonly written: number; readonly corrected: number };
  /** Largest distance of two corresponding weights of the hidden layer. */
  readonly W1: number;
}

/** @param written moments of the run as written @param corrected those of the corrected run, the same iterations */
export function partings(written: readonly Moment[], corrected: readonly Moment[]): Parting[] {
  return written.map((w, i) => {
    const c = corrected[i];
    const db2 = ({ gradients }: Moment): number => largest(gradients?.['output.bias'] ?? new Float64Array());
    return {
      iteration: w.iteration,
      accuracy: { written: w.accuracy, corrected: c.accuracy },
      db2: { written: db2(w), corrected: db2(c) },
      b2Moved: { written: apart(w.weights[3], written[0].weights[3]), corrected: apart(c.weights[3], corrected[0].weights[3]) },
      W1: apart(w.weights[0], c.weights[0]),
    };
  });
}

/** The bias gradients of the first iteration unit by unit, then both runs side by side. */
export function comparisonText(written: readonly Moment[], corrected: readonly Moment[]): string {
  const unit = (values: FloatArray | undefined): string => Array.from(values ?? [], (value) => short(value).padStart(8)).join('').trimStart();
  const lines = [
    'Bias gradients of the first iteration, unit by unit, from the same weights:',
    ...(['hidden.bias', 'output.bias'] as const).flatMap((name) => [
      `  ${name}`,
      `    written   ${unit(written[0]?.gradients?.[name]?.subarray(0, 1))} for every unit`,
      `    corrected ${unit(corrected[0]?.gradients?.[name]?.subarray(0, 5))}`,
      `              ${unit(corrected[0]?.gradients?.[name]?.subarray(5))}`,
    ]),
    '',
    '                  accuracy          largest |db2|       b2 moved by     W1',
    'iteration   written corrected   written corrected  written corrected  apart',
    ...partings(written, corrected).map(({ iteration, accuracy, db2, b2Moved, W1 }) =>
      [
        String(iteration).padStart(9), percent(accuracy.written).padStart(10), percent(accuracy.corrected).padStart(10),
        short(db2.written).padStart(10), short(db2.corrected).padStart(10), short(b2Moved.written).padStart(9), short(b2Moved.corrected).padStart(10), short(W1).padStart(7),
      ].join(''),
    ),
  ];
  return lines.join('\n');
}
