// The same chains with the zeros of one operand left out. A term 0 · b is ±0 where b is finite, and adding that to a chain, which
// starts at +0 and so never holds -0, changes no bit: callers see to it that b is finite. MNIST's pixels are zero in four of five places.

/** Above this part of nonzero elements the dense product is faster (measured: the two meet near 0.6). */
const DENSE_FROM = 0.5;

/** Nonzero elements line by line: those of line l lie in [starts[l], starts[l + 1]) of indices and values, ascending. */
export interface Nonzeros {
  readonly lines: number;
  readonly starts: Int32Array;
  readonly indices: Int32Array;
  readonly values: Float64Array;
}

/** What lists are kept in; grows. They serve until the next list is made in it, so work that waits for its turn has one of its own. */
export class ListSpace {
  starts = new Int32Array(0);
  next = new Int32Array(0);
  indices = new Int32Array(0);
  values = new Float64Array(0);

  reserve(lines: number, count: number): void {
    if (this.starts.length < lines + 1) {
      this.starts = new Int32Array(lines + 1);
      this.next = new Int32Array(lines + 1);
    }
    if (this.indices.length >= count) return;
    this.indices = new Int32Array(count);
    this.values = new Float64Array(count);
  }
}

function countNonzeros(x: Float64Array, count: number): number {
  let nonzeros = 0;
  for (let i = 0; i < count; i++) if (x[i] !== 0) nonzeros++;
  return nonzeros;
}

/** x (rows, columns) -> its nonzeros by rows, or null where there are too many to gain by it. */
export function nonzerosByRow(space: ListSpace, x: Float64Array, rows: number, columns: number): Nonzeros | null {
  const count = countNonzeros(x, rows * columns);
  if (count > DENSE_FROM * rows * columns) return null;
  space.reserve(rows, count);
  const { starts, indices, values } = space;
  fillRows(x, rows, columns, starts, indices, values);
  return { lines: rows, starts, indices, values };
}

/** x (rows, columns) -> its nonzeros by columns, or null. */
export function nonzerosByColumn(space: ListSpace, x: Float64Array, rows: number, columns: number): Nonzeros | null {
  const count = countNonzeros(x, rows * columns);
  if (count > DENSE_FROM * rows * columns) return null;
  space.reserve(columns, count);
  const { starts, next, indices, values } = space;
  fillColumns(x, rows, columns, starts, next, indices, values);
  return { lines: columns, starts, indices, values };
}

function fillRows(x: Float64Array, rows: number, columns: number, from: Int32Array, index: Int32Array, value: Float64Array): void {
  let at = 0;
  for (let row = 0; row < rows; row++) {
    from[row] = at;
    for (let column = 0; column < columns; column++) {
      const element = x[row * columns + column];
      if (element === 0) continue;
      index[at] = column;
      value[at++] = element;
    }
  }
  from[rows] = at;
}

function fillColumns(x: Float64Array, rows: number, columns: number, from: Int32Array, at: Int32Array, index: Int32Array, value: Float64Array): void {
  at.fill(0, 0, columns + 1);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) if (x[row * columns + column] !== 0) at[column]++;
  }
  startsOf(columns, from, at);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const element = x[row * columns + column];
      if (element === 0) continue;
      index[at[column]] = row;
      value[at[column]++] = element;
    }
  }
}

/** Nonzeros by rows -> the same by columns. */
export function byColumn(space: ListSpace, rows: Nonzeros, columns: number): Nonzeros {
  const count = rows.starts[rows.lines];
  space.reserve(columns, count);
  const { starts, next, indices, values } = space;
  turn(rows.lines, rows.starts, rows.indices, rows.values, columns, starts, next, indices, values);
  return { lines: columns, starts, indices, values };
}

function turn(
  rows: number, rowStarts: Int32Array, columnOf: Int32Array, valueOf: Float64Array,
  columns: number, from: Int32Array, at: Int32Array, index: Int32Array, value: Float64Array,
): void {
  at.fill(0, 0, columns + 1);
  const count = rowStarts[rows];
  for (let k = 0; k < count; k++) at[columnOf[k]]++;
  startsOf(columns, from, at);
  for (let row = 0; row < rows; row++) {
    const end = rowStarts[row + 1];
    for (let k = rowStarts[row]; k < end; k++) {
      const to = at[columnOf[k]]++;
      index[to] = row;
      value[to] = valueOf[k];
    }
  }
}

/** Counts by column -> where each begins, in both. */
function startsOf(columns: number, from: Int32Array, at: Int32Array): void {
  let sum = 0;
  for (let column = 0; column <= columns; column++) {
    from[column] = sum;
    sum += at[column];
    at[column] = from[column];
  }
}

/** No NaN and no infinity among values[0, count). */
export function allFinite(array: Float64Array, count: number): boolean {
  for (let i = 0; i < count; i++) if (array[i] - array[i] !== 0) return false;
  return true;
}

/**
 * c(line, column) = Σ over the line's nonzeros a_k of a_k · b(k, column), chains as in multiply, for columns [first, end).
 * b(k, column) lies at k·bInner + column·bColumn, c(line, column) at line·cLine + column·cColumn.
 */
export function multiplyNonzeros(
  a: Nonzeros, b: Float64Array, bInner: number, bColumn: number, c: Float64Array, cLine: number, cColumn: number, first: number, end: number, continued: boolean,
): void {
  let column = first;
  for (; column + 8 <= end; column += 8) lines8(a.starts, a.indices, a.values, a.lines, b, column * bColumn, bInner, bColumn, c, column * cColumn, cLine, cColumn, continued);
  for (; column + 2 <= end; column += 2) lines2(a.starts, a.indices, a.values, a.lines, b, column * bColumn, bInner, bColumn, c, column * cColumn, cLine, cColumn, continued);
  if (column < end) lines1(a.starts, a.indices, a.values, a.lines, b, column * bColumn, bInner, c, column * cColumn, cLine, continued);
}

function lines8(
  from: Int32Array, index: Int32Array, value: Float64Array, lines: number, b: Float64Array, bAt: number, bInner: number, bColumn: number,
  c: Float64Array, cAt: number, cLine: number, cColumn: number, continued: boolean,
): void {
  for (let line = 0; line < lines; line++) {
    let s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    const c0 = cAt + line * cLine, c1 = c0 + cColumn, c2 = c1 + cColumn, c3 = c2 + cColumn;
    const c4 = c3 + cColumn, c5 = c4 + cColumn, c6 = c5 + cColumn, c7 = c6 + cColumn;
    if (continued) {
      s0 = c[c0]; s1 = c[c1]; s2 = c[c2]; s3 = c[c3]; s4 = c[c4]; s5 = c[c5]; s6 = c[c6]; s7 = c[c7];
    }
    const end = from[line + 1];
    for (let k = from[line]; k < end; k++) {
      const x = value[k];
      const b0 = bAt + index[k] * bInner, b1 = b0 + bColumn, b2 = b1 + bColumn, b3 = b2 + bColumn, b4 = b3 + bColumn, b5 = b4 + bColumn, b6 = b5 + bColumn;
      s0 += x * b[b0]; s1 += x * b[b1]; s2 += x * b[b2]; s3 += x * b[b3];
      s4 += x * b[b4]; s5 += x * b[b5]; s6 += x * b[b6]; s7 += x * b[b6 + bColumn];
    }
    c[c0] = s0; c[c1] = s1; c[c2] = s2; c[c3] = s3; c[c4] = s4; c[c5] = s5; c[c6] = s6; c[c7] = s7;
  }
}

function lines2(
  from: Int32Array, index: Int32Array, value: Float64Array, lines: number, b: Float64Array, bAt: number, bInner: number, bColumn: number,
  c: Float64Array, cAt: number, cLine: number, cColumn: number, continued: boolean,
): void {
  for (let line = 0; line < lines; line++) {
    const c0 = cAt + line * cLine, c1 = c0 + cColumn;
    let s0 = continued ? c[c0] : 0, s1 = continued ? c[c1] : 0;
    const end = from[line + 1];
    for (let k = from[line]; k < end; k++) {
      const x = value[k];
      const b0 = bAt + index[k] * bInner;
      s0 += x * b[b0]; s1 += x * b[b0 + bColumn];
    }
    c[c0] = s0; c[c1] = s1;
  }
}

function lines1(
  from: Int32Array, index: Int32Array, value: Float64Array, lines: number, b: Float64Array, bAt: number, bInner: number,
  c: Float64Array, cAt: number, cLine: number, continued: boolean,
): void {
  for (let line = 0; line < lines; line++) {
    let sum = continued ? c[cAt + line * cLine] : 0;
    const end = from[line + 1];
    for (let k = from[line]; k < end; k++) sum += value[k] * b[bAt + index[k] * bInner];
    c[cAt + line * cLine] = sum;
  }
}
