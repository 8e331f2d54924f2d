// Pieces of the notebooks' own arithmetic. They work on what `backward` takes and what it gives back: the core knows nothing of them.
import type { ArrayDataset, FloatArray } from 'nabla';

/** e^z / Σ e^z a row, as the formula stands: above z = 709 e^z is infinite and the quotient NaN. (rows, classes) -> (rows, classes) */
export function unstableSoftmax(logits: FloatArray, classes: number): Float64Array {
  const probabilities = Float64Array.from(logits, Math.exp);
  for (let start = 0; start < probabilities.length; start += classes) {
    const row = probabilities.subarray(start, start + classes);
    const sum = row.reduce((total, value) => total + value, 0);
    row.forEach((value, i) => { row[i] = value / sum; });
  }
  return probabilities;
}

/** (p - one-hot) / divisor: the gradient of the cross-entropy with respect to the logits, (rows, classes). */
export function minusOneHot(probabilities: Float64Array, data: ArrayDataset, divisor: number): Float64Array {
  const classes = probabilities.length / data.rows;
  const difference = probabilities.slice();
  for (let i = 0; i < data.rows; i++) difference[i * classes + data.label(i)] -= 1;
  return difference.map((value) => value / divisor);
}

/** Every bias of a layer gets the same number, the sum over its units: what np.sum without an axis makes of dZ. */
export function oneNumberForAllBiases(gradients: Readonly<Record<string, FloatArray>>): void {
  for (const [name, gradient] of Object.entries(gradients)) {
    if (!name.endsWith('.bias')) continue;
    let sum = 0;
    for (const value of gradient) sum += value;
    gradient.fill(sum);
  }
}
