/** Samples with their targets, in memory. Readers of files live in src/data; anything of this shape can be given to `fit`. */
export interface Dataset {
  /** (rows, features), row-major, in the type it came in. */
  readonly x: Uint8Array | Float32Array | Float64Array;
  /** Class indices (rows), or values (rows, outputs); null for samples without targets. */
  readonly y: Int32Array | Float32Array | Float64Array | Uint8Array | null;
  readonly rows: number;
  /** Numbers a sample has. */
  readonly features: number;
  /** Shape of one sample as people see it, for example [28, 28]; its product is `features`. */
  readonly shape?: readonly number[];
}

/** True for objects that have the members of a {@link Dataset}. @param value anything */
export function isDataset(value: unknown): value is Dataset {
  return (
    typeof value === 'object' && value !== null && 'x' in value && ArrayBuffer.isView(value.x) && 'y' in value && 'rows' in value && 'features' in value
  );
}
