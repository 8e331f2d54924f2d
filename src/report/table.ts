/** Lines of a table; the first column to the left, the others to the right. @param rows the first one is the heading */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column]) : cell.padStart(widths[column]))).join('  ').trimEnd()).join('\n');
}

/** Four decimals, for what lies between -1 and 1; '-' for what cannot be told. */
export function ratio(value: number | null): string {
  return value === null ? '-' : value.toFixed(4);
}

/** Four decimals or four digits, for numbers of any size. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(3);
  return size < 1e4 ? value.toFixed(4) : value.toFixed(1);
}

/** How many rows; their weight where it is no whole number. */
export function count(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}

/** NaN and infinities have no place in JSON. */
export function orNull(value: number): number | null {
  return Number.isFinite(value) ? value : null;
}
