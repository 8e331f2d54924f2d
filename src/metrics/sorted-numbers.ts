/** Numbers that come one by one and are read in order. Reading sorts only what is new, so that a look after every batch stays linear. */
export class SortedNumbers {
  #sorted: Float64Array = new Float64Array(0);
  #tail: Float64Array = new Float64Array(64);
  #waiting = 0;

  get length(): number {
    return this.#sorted.length + this.#waiting;
  }

  add(value: number): void {
    if (this.#waiting === this.#tail.length) {
      const larger = new Float64Array(this.#tail.length * 2);
      larger.set(this.#tail);
      this.#tail = larger;
    }
    this.#tail[this.#waiting++] = value;
  }

  /** All of them, ascending, NaN last; not to be changed. */
  values(): Float64Array {
    if (this.#waiting === 0) return this.#sorted;
    const fresh = this.#tail.slice(0, this.#waiting).sort();
    this.#sorted = this.#sorted.length === 0 ? fresh : merge(this.#sorted, fresh);
    this.#waiting = 0;
    return this.#sorted;
  }
}

function merge(a: Float64Array, b: Float64Array): Float64Array {
  const out = new Float64Array(a.length + b.length);
  let i = 0;
  let j = 0;
  for (let k = 0; k < out.length; k++) {
    // NaN is never smaller: it comes last on both sides.
    const first = j >= b.length || (i < a.length && (a[i] <= b[j] || Number.isNaN(b[j])));
    out[k] = first ? a[i++] : b[j++];
  }
  return out;
}

/**
 * Quantiles with linear interpolation (NumPy's default): position (n - 1)·q.
 * @param sorted ascending, at least one @param q from 0 to 1
 */
export function quantile(sorted: Float64Array, q: number): number {
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}
