// The only tuned part. One product with any strides; register tiles, one accumulator an element, inner index ascending.
// Operands are Float64Array scratch only: a second array kind would make the hot loops polymorphic.

/**
 * c (rows, columns) = Σ_k a(row, k) · b(k, column), each element one chain over ascending k, from +0 or, where `continued`, from c.
 * a(row, k) lies at aAt + row·aRow + k·aInner, b(k, column) at bAt + k·bInner + column·bColumn, c(row, column) at cAt + row·cRow + column.
 */
export function multiply(
  a: Float64Array, aAt: number, aRow: number, aInner: number,
  b: Float64Array, bAt: number, bInner: number, bColumn: number,
  c: Float64Array, cAt: number, cRow: number,
  rows: number, columns: number, inner: number, continued: boolean,
): void {
  const pairedRows = rows - (rows & 1);
  const fullRows = rows - (rows & 3);
  const fullColumns = columns - (columns & 3);
  for (let column = 0; column < fullColumns; column += 4) {
    for (let row = 0; row < pairedRows; row += 2) {
      tile2x4(a, aAt + row * aRow, aRow, aInner, b, bAt + column * bColumn, bInner, bColumn, c, cAt + row * cRow + column, cRow, inner, continued);
    }
    if (pairedRows < rows) {
      tile1x4(a, aAt + pairedRows * aRow, aInner, b, bAt + column * bColumn, bInner, bColumn, c, cAt + pairedRows * cRow + column, 1, inner, continued);
    }
  }
  for (let column = fullColumns; column < columns; column++) {
    // The same tile with the operands' parts exchanged: products commute.
    for (let row = 0; row < fullRows; row += 4) {
      tile1x4(b, bAt + column * bColumn, bInner, a, aAt + row * aRow, aInner, aRow, c, cAt + row * cRow + column, cRow, inner, continued);
    }
    for (let row = fullRows; row < rows; row++) {
      tile1x1(a, aAt + row * aRow, aInner, b, bAt + column * bColumn, bInner, c, cAt + row * cRow + column, inner, continued);
    }
  }
}

// 8 accumulators and 6 operands fit the 16 registers. Measured, best of many: 2 x 4 gives 4.4 to 5.3 GFLOP/s, 3 x 3 4.6 to 5.2, 4 x 4 4.3,
// copying the operands to panels first 4.3 to 5.5 less the copy.
function tile2x4(
  a: Float64Array, aAt: number, aRow: number, aInner: number,
  b: Float64Array, bAt: number, bInner: number, bColumn: number,
  c: Float64Array, cAt: number, cRow: number, inner: number, continued: boolean,
): void {
  let s00 = 0, s01 = 0, s02 = 0, s03 = 0, s10 = 0, s11 = 0, s12 = 0, s13 = 0;
  const c1 = cAt + cRow;
  if (continued) {
    s00 = c[cAt]; s01 = c[cAt + 1]; s02 = c[cAt + 2]; s03 = c[cAt + 3];
    s10 = c[c1]; s11 = c[c1 + 1]; s12 = c[c1 + 2]; s13 = c[c1 + 3];
  }
  let a0 = aAt, a1 = a0 + aRow;
  let b0 = bAt, b1 = b0 + bColumn, b2 = b1 + bColumn, b3 = b2 + bColumn;
  for (let k = 0; k < inner; k++) {
    const y0 = b[b0], y1 = b[b1], y2 = b[b2], y3 = b[b3];
    const x0 = a[a0];
    s00 += x0 * y0; s01 += x0 * y1; s02 += x0 * y2; s03 += x0 * y3;
    const x1 = a[a1];
    s10 += x1 * y0; s11 += x1 * y1; s12 += x1 * y2; s13 += x1 * y3;
    a0 += aInner; a1 += aInner;
    b0 += bInner; b1 += bInner; b2 += bInner; b3 += bInner;
  }
  c[cAt] = s00; c[cAt + 1] = s01; c[cAt + 2] = s02; c[cAt + 3] = s03;
  c[c1] = s10; c[c1 + 1] = s11; c[c1 + 2] = s12; c[c1 + 3] = s13;
}

function tile1x4(
  a: Float64Array, aAt: number, aInner: number,
  b: Float64Array, bAt: number, bInner: number, bColumn: number,
  c: Float64Array, cAt: number, cColumn: number, inner: number, continued: boolean,
): void {
  const c1 = cAt + cColumn, c2 = c1 + cColumn, c3 = c2 + cColumn;
  let s0 = continued ? c[cAt] : 0, s1 = continued ? c[c1] : 0, s2 = continued ? c[c2] : 0, s3 = continued ? c[c3] : 0;
  let a0 = aAt, b0 = bAt, b1 = b0 + bColumn, b2 = b1 + bColumn, b3 = b2 + bColumn;
  for (let k = 0; k < inner; k++) {
    const x = a[a0];
    s0 += x * b[b0]; s1 += x * b[b1]; s2 += x * b[b2]; s3 += x * b[b3];
    a0 += aInner; b0 += bInner; b1 += bInner; b2 += bInner; b3 += bInner;
  }
  c[cAt] = s0; c[c1] = s1; c[c2] = s2; c[c3] = s3;
}

function tile1x1(
  a: Float64Array, aAt: number, aInner: number, b: Float64Array, bAt: number, bInner: number,
  c: Float64Array, cAt: number, inner: number, continued: boolean,
): void {
  let sum = continued ? c[cAt] : 0;
  for (let k = 0; k < inner; k++) sum += a[aAt + k * aInner] * b[bAt + k * bInner];
  c[cAt] = sum;
}
