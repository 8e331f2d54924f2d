// Columns of a history whose epochs are single steps: for the smallest networks lists of numbers take as long to make as the training. Such columns stay as
// the backend gave them and become lists when somebody looks.
import type { History } from './history.js';

/** Values of one column: `values` times `factor`, divided by `divisor`; without values first, first + 1, … */
export interface ColumnPart {
  readonly values: Float64Array | Uint32Array | null;
  readonly count: number;
  readonly first: number;
  readonly factor: number;
  readonly divisor: number;
}

/** From so many epochs of one call on a column waits; shorter ones are lists at once. */
const WORTH_WAITING = 1024;

/** What `console.log` asks an object for in Node. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/** Adds the epochs of many steps to a history. */
export class StepColumns {
  readonly #history: History;
  /** Parts that wait, by column. */
  readonly #waiting = new Map<string, ColumnPart[]>();

  constructor(history: History) {
    this.#history = history;
  }

  /** Adds `count` epochs from `first` on. @param figures their columns, each of `count` values */
  add(first: number, count: number, figures: Readonly<Record<string, Pick<ColumnPart, 'values' | 'factor' | 'divisor'>>>): void {
    const { history } = this.#history;
    this.#append(this.#history, 'epoch', { values: null, count, first, factor: 1, divisor: 1 });
    for (const [name, figure] of Object.entries(figures)) this.#append(history, name, { ...figure, count, first: 0 });
  }

  #append(target: object, name: string, part: ColumnPart): void {
    const waiting = this.#waiting.get(name);
    if (waiting !== undefined) {
      waiting.push(part);
      return;
    }
    const before: unknown = Reflect.get(target, name);
    const list: unknown[] = Array.isArray(before) ? before : [];
    if (part.count < WORTH_WAITING) {
      extend(list, part);
      Reflect.set(target, name, list);
      return;
    }
    const parts = [part];
    this.#waiting.set(name, parts);
    const settle = (value: unknown): void => {
      this.#waiting.delete(name);
      Object.defineProperty(target, name, { value, enumerable: true, configurable: true, writable: true });
    };
    const get = (): unknown[] => {
      for (const each of parts) extend(list, each);
      settle(list);
      return list;
    };
    Object.defineProperty(target, name, { get, set: settle, enumerable: true, configurable: true });
    if (!Object.hasOwn(target, INSPECT)) Object.defineProperty(target, INSPECT, { value: () => ({ ...target }), configurable: true });
  }
}

function extend(list: unknown[], { values, count, first, factor, divisor }: ColumnPart): void {
  const from = list.length;
  list.length += count;
  if (values === null) for (let i = 0; i < count; i++) list[from + i] = first + i;
  else for (let i = 0; i < count; i++) list[from + i] = (values[i] * factor) / divisor;
}
