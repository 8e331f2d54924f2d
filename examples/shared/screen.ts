// What the examples print.
import process from 'node:process';
export { drawDigits, type Drawing } from '../../src/cli/draw-digits.js';

/** Width to draw for. */
export const columns = process.stdout.isTTY ? Math.min(process.stdout.columns, 120) : 80;

/** 0.8474 -> '84.74 %' */
export const percent = (fraction: number): string => `${(100 * fraction).toFixed(2)} %`;
/** 42000 -> '42,000' */
export const count = (value: number): string => value.toLocaleString('en');
/** A number in few characters: fixed where that shows three digits, else scientific. */
export function short(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 0.01 && size < 1000 ? value.toPrecision(3) : value.toExponential(1);
}

/** Prose in lines of at most 80 characters. */
export function wrap(text: string): string {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > 80) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join('\n');
}

/** Cells of equal width, to the right. */
export const row = (cells: readonly (string | number)[], width: number): string => cells.map((cell) => String(cell).padStart(width)).join('');

/** A line that rewrites itself on a terminal and stays silent elsewhere, so that output stays clean. */
export class Progress {
  #last = 0;

  /** At most ten times a second. @param text a line */
  show(text: string): void {
    if (!process.stderr.isTTY || performance.now() - this.#last < 100) return;
    this.#last = performance.now();
    process.stderr.write(`\r\u001B[K${text}`);
  }

  /** Wipes the line, before other output. */
  clear(): void {
    if (this.#last > 0) process.stderr.write('\r\u001B[K');
    this.#last = 0;
  }
}
