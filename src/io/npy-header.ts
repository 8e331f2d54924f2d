// The header of a .npy file: a Python dictionary with three keys, as a literal. Only literals are understood, nothing is evaluated.
import { show, showList, type NablaError } from '../base/errors.js';

export interface NpyHeader { readonly descr: string; readonly fortranOrder: boolean; readonly shape: readonly number[] }
type Literal = string | number | boolean | null | { readonly kind: 'tuple' | 'list' | 'dict'; readonly items: readonly Literal[] };
type Fail = (text: string) => NablaError;

/** NumPy's own limit for files that nobody vouches for. */
const maxLength = 10_000;
const maxDepth = 20;

/** @throws what `fail` makes of the text */
export function parseNpyHeader(text: string, fail: Fail): NpyHeader {
  if (text.length > maxLength) throw fail(`its header is too long. Expected at most ${maxLength} characters, received ${text.length}.`);
  const items = new Parser(text, fail).dictionary();
  const entries = new Map<string, Literal>();
  for (let i = 0; i < items.length; i += 2) {
    const key = items[i];
    if (typeof key !== 'string' || entries.has(key)) throw fail(`a key of its header comes once and is text. Received ${describe(key)}.`);
    entries.set(key, items[i + 1] ?? null);
  }
  if (entries.size !== 3 || !['descr', 'fortran_order', 'shape'].every((key) => entries.has(key))) {
    throw fail(`its header has three keys. Expected descr, fortran_order and shape, received ${showList([...entries.keys()])}.`);
  }
  const descr = entries.get('descr');
  if (typeof descr === 'object' && descr !== null && descr.kind === 'list') throw fail('it holds records with several fields. Expected one type of real numbers for descr, received a list.');
  if (typeof descr !== 'string') throw fail(`descr names the type. Expected text for descr, received ${describe(descr)}.`);
  const fortranOrder = entries.get('fortran_order');
  if (typeof fortranOrder !== 'boolean') throw fail(`fortran_order is a switch. Expected True or False, received ${describe(fortranOrder)}.`);
  const shape = entries.get('shape');
  if (typeof shape !== 'object' || shape === null || shape.kind !== 'tuple') throw fail(`a shape is a tuple. Expected one such as (4,) for shape, received ${describe(shape)}.`);
  const sizes = shape.items.map((size) => {
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) throw fail(`a dimension is a whole number from 0. Received ${describe(size)} in shape.`);
    return size;
  });
  return { descr, fortranOrder, shape: sizes };
}

function describe(value: Literal | undefined): string {
  return typeof value === 'object' && value !== null ? `a ${value.kind}` : show(value);
}

class Parser {
  readonly #text: string;
  readonly #fail: Fail;
  #at = 0;

  constructor(text: string, fail: Fail) {
    this.#text = text;
    this.#fail = fail;
  }

  /** The whole text: one dictionary. @returns keys and values in turn */
  dictionary(): readonly Literal[] {
    const value = this.#value(0);
    this.#blanks();
    if (typeof value !== 'object' || value === null || value.kind !== 'dict' || this.#at !== this.#text.length) throw this.#fail('its header is no Python dictionary.');
    return value.items;
  }

  #value(depth: number): Literal {
    this.#blanks();
    const c = this.#text.charAt(this.#at);
    if (depth > maxDepth) throw this.#fail('its header is nested too deeply.');
    if (c === '{') return { kind: 'dict', items: this.#items('}', depth, true).items };
    if (c === '[') return { kind: 'list', items: this.#items(']', depth, false).items };
    if (c === '(') {
      const { items, comma } = this.#items(')', depth, false);
      // Parentheses around one value without a comma are just parentheses.
      return items.length === 1 && !comma ? (items[0] ?? null) : { kind: 'tuple', items };
    }
    if (c === "'" || c === '"') return this.#string(c);
    const word = /[-+\w.]*/y;
    word.lastIndex = this.#at;
    const found = word.exec(this.#text)?.[0] ?? '';
    this.#at += found.length;
    if (found === 'True' || found === 'False') return found === 'True';
    if (found === 'None') return null;
    if (/^-?\d+$/.test(found)) return Number(found);
    // A number that is not whole stays what it is, for the error to show.
    if (/^-?\d+\.\d*$/.test(found)) return found;
    throw this.#fail(`its header cannot be read at character ${this.#at - found.length}.`);
  }

  #items(close: string, depth: number, pairs: boolean): { items: Literal[]; comma: boolean } {
    this.#at += 1;
    const items: Literal[] = [];
    let comma = false;
    for (;;) {
      this.#blanks();
      if (this.#at >= this.#text.length) throw this.#fail('its header is not closed.');
      if (this.#text.charAt(this.#at) === close) break;
      if (items.length > 0 && !comma) throw this.#fail(`its header lacks a comma at character ${this.#at}.`);
      items.push(this.#value(depth + 1));
      if (pairs) {
        this.#blanks();
        if (this.#text.charAt(this.#at) !== ':') throw this.#fail(`its header lacks a colon at character ${this.#at}.`);
        this.#at += 1;
        items.push(this.#value(depth + 1));
      }
      this.#blanks();
      comma = this.#text.charAt(this.#at) === ',';
      if (comma) this.#at += 1;
    }
    this.#at += 1;
    return { items, comma };
  }

  #string(quote: string): string {
    const end = this.#text.indexOf(quote, this.#at + 1);
    const text = this.#text.slice(this.#at + 1, end);
    if (end === -1 || text.includes('\\') || text.includes('\n')) throw this.#fail('its header has a text that is not closed, or has escapes.');
    this.#at = end + 1;
    return text;
  }

  #blanks(): void {
    while (/[ \t\r\n]/.test(this.#text.charAt(this.#at))) this.#at += 1;
  }
}
