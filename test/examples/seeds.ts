// NumPy's runs of the notebooks: checksums of weights, losses, accuracies (test/golden/seeds).
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';

export interface Checksum {
  readonly shape: readonly number[];
  readonly sum: number;
  readonly sumsq: number;
  readonly abs_sum: number;
  readonly first5: readonly number[];
  readonly last5: readonly number[];
}
export type Checksums = Readonly<Record<string, Checksum>>;

export function golden<T>(name: string, is: (value: unknown) => value is T): T {
  const value: unknown = JSON.parse(readFileSync(new URL(`../golden/seeds/${name}.json`, import.meta.url), 'utf8'));
  if (!is(value)) throw new Error(`${name}.json is not as expected`);
  return value;
}

/** Agreement with NumPy in float64. Measured: 6e-15 over 400 full-batch steps, 2e-14 over 470 mini-batches. */
export const TOLERANCE = 1e-10;

/** @param actual row-major in the golden's own layout */
export function expectChecksum(actual: Float64Array, expected: Checksum, name: string): void {
  const sum = (values: Float64Array): number => values.reduce((total, value) => total + value, 0);
  expect(actual.length, name).toBe(expected.shape.reduce((product, size) => product * size, 1));
  near(sum(actual), expected.sum, Math.max(1, expected.abs_sum), `${name} sum`);
  near(sum(actual.map(Math.abs)), expected.abs_sum, Math.max(1, expected.abs_sum), `${name} abs_sum`);
  near(sum(actual.map((value) => value * value)), expected.sumsq, Math.max(1, expected.sumsq), `${name} sumsq`);
  expected.first5.forEach((value, i) => near(actual[i], value, Math.max(1, Math.abs(value)), `${name}[${i}]`));
  expected.last5.forEach((value, i) => near(actual[actual.length - expected.last5.length + i], value, Math.max(1, Math.abs(value)), `${name}, from the end ${i}`));
}

export function near(actual: number, expected: number, scale: number, name: string): void {
  const difference = Math.abs(actual - expected);
  worst = Math.max(worst, difference / scale);
  // Written so that NaN fails.
  if (!(difference <= TOLERANCE * scale)) expect.fail(`${name}: expected ${expected}, received ${actual} (difference ${difference})`);
}

let worst = 0;
/** The largest difference that {@link near} has met, of its scale. */
export const worstDifference = (): number => worst;

/** Largest |difference| of two arrays; NaN where either holds one. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let most = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (!(difference <= most)) most = difference;
  }
  return most;
}

/** (rows, columns) -> (columns, rows) */
export function transposed(matrix: Float64Array, rows: number): Float64Array {
  const columns = matrix.length / rows;
  return Float64Array.from(matrix, (_, k) => matrix[(k % rows) * columns + Math.floor(k / rows)]);
}

export function asFloat64(weights: readonly ArrayLike<number>[]): Float64Array[] {
  return weights.map((array) => {
    if (!(array instanceof Float64Array)) throw new Error('expected float64 weights');
    return array;
  });
}
