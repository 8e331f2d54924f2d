// Shapes that a file claims: any number of dimensions, of any size.

/** Product of the dimensions; Infinity above 2^53, which no file holds. */
export function elementCount(shape: readonly number[]): number {
  if (shape.includes(0)) return 0;
  let count = 1;
  for (const size of shape) {
    count *= size;
    if (count > Number.MAX_SAFE_INTEGER) return Infinity;
  }
  return count;
}

/** A count for an error message. */
export function countText(count: number): string {
  return count === Infinity ? 'over 2^53' : String(count);
}
