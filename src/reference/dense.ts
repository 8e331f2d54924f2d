// The dense layer's three products and its penalty.
import { multiply } from './matmul.js';
import { foldLanes } from './reductions.js';
import { allFinite, byColumn, multiplyNonzeros, nonzerosByColumn, nonzerosByRow, type Nonzeros } from './sparse.js';

/** x (rows, inputs), weight (units, inputs), bias (units) or null -> z = x weightᵀ + bias (rows, units). `listed`: x by its nonzeros; x
 * itself is then filled only where zeros may not be left out. */
export function denseForward(
  x: Float64Array, weight: Float64Array, bias: Float64Array | null, z: Float64Array, rows: number, inputs: number, units: number, listed: Nonzeros | null = null,
): void {
  // One row is not worth a look at all weights.
  const nonzeros = listed ?? (rows > 1 ? nonzerosByRow(x, rows, inputs) : null);
  if (nonzeros !== null && allFinite(weight, weight.length)) multiplyNonzeros(nonzeros, weight, 1, inputs, z, units, 1, units, false);
  else {
    if (listed !== null) expand(listed, x, inputs);
    multiply(x, 0, inputs, 1, weight, 0, 1, inputs, z, 0, units, rows, units, inputs, false);
  }
  if (bias === null) return;
  for (let row = 0; row < rows; row++) {
    const at = row * units;
    for (let o = 0; o < units; o++) z[at + o] += bias[o];
  }
}

/** dz (rows, units), x (rows, inputs) -> dweight = dzᵀ x (units, inputs), dbias = Σ_rows dz (units) or null. With `continued`
 * both chains go on from what the arrays hold, so that rows may come in parts. `listed` as in denseForward. */
export function denseBackward(
  dz: Float64Array, x: Float64Array, dweight: Float64Array, dbias: Float64Array | null,
  rows: number, inputs: number, units: number, continued: boolean, listed: Nonzeros | null = null,
): void {
  const nonzeros = listed === null ? nonzerosByColumn(x, rows, inputs) : byColumn(listed, inputs);
  if (nonzeros !== null && allFinite(dz, rows * units)) multiplyNonzeros(nonzeros, dz, units, 1, dweight, 1, inputs, units, continued);
  else {
    if (listed !== null) expand(listed, x, inputs);
    multiply(dz, 0, 1, units, x, 0, inputs, 1, dweight, 0, inputs, units, inputs, rows, continued);
  }
  if (dbias === null) return;
  if (!continued) dbias.fill(0);
  for (let row = 0; row < rows; row++) {
    const at = row * units;
    for (let o = 0; o < units; o++) dbias[o] += dz[at + o];
  }
}

/** Nonzeros by rows -> x (rows, inputs), zeros written out. */
function expand(listed: Nonzeros, x: Float64Array, inputs: number): void {
  x.fill(0, 0, listed.lines * inputs);
  for (let line = 0; line < listed.lines; line++) {
    for (let k = listed.starts[line]; k < listed.starts[line + 1]; k++) x[line * inputs + listed.indices[k]] = listed.values[k];
  }
}

/** dz (rows, units), weight (units, inputs) -> dx = dz weight (rows, inputs). */
export function denseBackwardInput(
  dz: Float64Array, weight: Float64Array, dx: Float64Array, rows: number, inputs: number, units: number,
): void {
  multiply(dz, 0, units, 1, weight, 0, inputs, 1, dx, 0, inputs, rows, inputs, units, false);
}

/** weight (units, inputs) -> l2/2 · Σ weight². */
export function densePenalty(weight: Float64Array, inputs: number, units: number, l2: number): number {
  const lanes = new Float64Array(8);
  for (let o = 0; o < units; o++) {
    let sum = 0;
    for (let i = o * inputs; i < (o + 1) * inputs; i++) sum += weight[i] * weight[i];
    lanes[o & 7] += sum;
  }
  return (l2 / 2) * foldLanes(lanes);
}
