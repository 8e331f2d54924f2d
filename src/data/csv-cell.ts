// One cell of a table of numbers.

const number = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;

/** The number that a cell writes, blanks around it allowed; undefined for anything else: text, nothing, NaN, infinity, a number too large. */
export function parseNumber(cell: string): number | undefined {
  const text = cell.trim();
  if (!number.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}
