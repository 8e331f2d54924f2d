// The dense layer's three products and its penalty.
import { multiply } from './matmul.js';
import { PASS_PIECE, pieceColumns, type Pieces } from './pieces.js';
import { foldLanes } from './reductions.js';
import { allFinite, byColumn, multiplyNonzeros, nonzerosByColumn, nonzerosByRow, type ListSpace, type Nonzeros } from './sparse.js';

/** x (rows, inputs), weight (units, inputs), bias (units) or null -> z = x weightᵀ + bias (rows, units). `listed`: x by its nonzeros; x
 * itself is then filled only where zeros may not be left out. */
export function* denseForward(
  space: ListSpace, x: Float64Array, weight: Float64Array, bias: Float64Array | null, z: Float64Array, rows: number, inputs: number, units: number, listed: Nonzeros | null = null,
): Pieces<void> {
  // One row is not worth a look at all weights.
  const nonzeros = listed ?? (rows > 1 ? nonzerosByRow(space, x, rows, inputs) : null);
  const long = weight.length > PASS_PIECE;
  if (long) yield;
  const sparse = nonzeros !== null && allFinite(weight, weight.length);
  if (!sparse && listed !== null) expand(listed, x, inputs);
  if (long) yield;
  const width = pieceColumns(rows * inputs);
  for (let from = 0; from < units; from += width) {
    if (from > 0) yield;
    const end = Math.min(from + width, units);
    if (sparse) multiplyNonzeros(nonzeros, weight, 1, inputs, z, units, 1, from, end, false);
    else multiply(x, 0, inputs, 1, weight, from * inputs, 1, inputs, z, from, units, rows, end - from, inputs, false);
  }
  if (bias === null) return;
  for (let row = 0; row < rows; row++) {
    const at = row * units;
    for (let o = 0; o < units; o++) z[at + o] += bias[o];
  }
}

/** dz (rows, units), x (rows, inputs) -> dweight = dzᵀ x (units, inputs), dbias = Σ_rows dz (units) or null. With `continued`
 * both chains go on from what the arrays hold, so that rows may come in parts. `listed` as in denseForward. */
export function* denseBackward(
  space: ListSpace, dz: Float64Array, x: Float64Array, dweight: Float64Array, dbias: Float64Array | null,
  rows: number, inputs: number, units: number, continued: boolean, listed: Nonzeros | null = null,
): Pieces<void> {
  const nonzeros = listed === null ? nonzerosByColumn(space, x, rows, inputs) : byColumn(space, listed, inputs);
  const sparse = nonzeros !== null && allFinite(dz, rows * units);
  if (!sparse && listed !== null) expand(listed, x, inputs);
  if (rows * (inputs + units) > PASS_PIECE) yield;
  const [columns, width] = sparse ? [units, pieceColumns(rows * inputs)] : [inputs, pieceColumns(rows * units)];
  for (let from = 0; from < columns; from += width) {
    if (from > 0) yield;
    const end = Math.min(from + width, columns);
    if (sparse) multiplyNonzeros(nonzeros, dz, units, 1, dweight, 1, inputs, from, end, continued);
    else multiply(dz, 0, 1, units, x, from, inputs, 1, dweight, from, inputs, units, end - from, rows, continued);
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
export function* denseBackwardInput(
  dz: Float64Array, weight: Float64Array, dx: Float64Array, rows: number, inputs: number, units: number,
): Pieces<void> {
  const width = pieceColumns(rows * units);
  for (let from = 0; from < inputs; from += width) {
    if (from > 0) yield;
    multiply(dz, 0, units, 1, weight, from, inputs, 1, dx, from, inputs, rows, Math.min(width, inputs - from), units, false);
  }
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
