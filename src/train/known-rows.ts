// Data sets hand out their samples as one flat array. That such an array is a batch is remembered here, so that predict(set.x) need not be told.
const known = new WeakMap<object, number>();

/** Remembers that an array holds whole samples. @param x flat samples of a data set @param rows how many */
export function rememberRows(x: ArrayBufferView, rows: number): void {
  known.set(x, rows);
}

/** @param x any array @returns the number of samples where a data set has said it */
export function knownRows(x: object): number | undefined {
  return known.get(x);
}
