// The fast way through a table of numbers: bytes to numbers without a string in between. Lines with quotes are left to csv-quoted.ts.
import { roles as kinds, type CsvTable } from './csv-table.js';
import { isByte } from './growing-numbers.js';

const comma = 44;
const newline = 10;
const carriageReturn = 13;
const quote = 34;
const zero = 48;
/** Digits that a double holds exactly. */
const safeDigits = 15;
const { label, text: textual, ignored } = kinds;

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The text of a cell; undefined where it is not UTF-8. */
export function decodeText(bytes: Uint8Array, from: number, to: number): string | undefined {
  try {
    return decoder.decode(bytes.subarray(from, to));
  } catch {
    return undefined;
  }
}

export interface ScanResult {
  /** Where scanning stopped: the end, or the start of a line that holds a quote. */
  readonly position: number;
  /** Number of the line at that position. */
  readonly line: number;
  /** Blank lines directly before the position: allowed at the end of the file only. */
  readonly blank: number;
  readonly quoted: boolean;
}

/**
 * Reads whole lines into the table.
 * @param bytes the byte at `to - 1` is a newline  @param from start of a line  @param line its number, from 1  @param blank blank lines before it
 * @throws ERR_FORMAT, ERR_RANGE with line and column
 */
export function scanLines(table: CsvTable, bytes: Uint8Array, from: number, to: number, line: number, blank: number): ScanResult {
  const { roles, row, byteRow, columns } = table;
  let at = from;
  while (at < to) {
    const start = at;
    let column = 0;
    let plain = true;
    if (isBlank(bytes, at)) {
      blank += 1;
      line += 1;
      at = bytes.indexOf(newline, at) + 1;
      continue;
    }
    if (blank > 0) throw table.fail(line - blank, undefined, 'a blank line lies between rows. Expected a row');
    for (;;) {
      const cell = at;
      const role = roles[column];
      let c = bytes[at];
      let value = c - zero;
      if (value >= 0 && value <= 9 && role <= label) {
        at += 1;
        c = bytes[at];
        // Most cells of pictures are one digit long: this test in front of the loop saves a quarter of the time.
        if (c !== comma) {
          let digit = c - zero;
          while (digit >= 0 && digit <= 9) {
            value = value * 10 + digit;
            at += 1;
            digit = bytes[at] - zero;
          }
          c = digit + zero;
          if (value > 255) plain = false;
        }
      }
      if ((c !== comma && c !== newline) || at === cell || at - cell > safeDigits) {
        // Anything but a short run of digits.
        while (c !== comma && c !== newline && c !== quote) {
          at += 1;
          c = bytes[at];
        }
        if (c === quote) return { position: start, line, blank: 0, quoted: true };
        const end = c === newline && at > cell && bytes[at - 1] === carriageReturn ? at - 1 : at;
        value = role === ignored ? 0 : slowCell(table, bytes, cell, end, column, line, role);
        if (!isByte(value)) plain = false;
      }
      row[column] = value;
      byteRow[column] = value;
      column += 1;
      at += 1;
      if (c === newline) break;
      if (column === columns) throw table.ragged(line, column + cellsLeft(bytes, at));
    }
    if (column !== columns) throw table.ragged(line, column);
    table.endRow(line, plain);
    line += 1;
  }
  return { position: at, line, blank, quoted: false };
}

/** Cells from here to the end of the line, for an error: commas inside quotes are counted too. */
function cellsLeft(bytes: Uint8Array, from: number): number {
  let cells = 1;
  for (let at = from; bytes[at] !== newline; at++) if (bytes[at] === comma) cells += 1;
  return cells;
}

function slowCell(table: CsvTable, bytes: Uint8Array, from: number, to: number, column: number, line: number, role: number): number {
  const text = decodeText(bytes, from, to);
  if (text === undefined) throw table.fail(line, column, 'a cell holds text in UTF-8. Expected UTF-8, received other bytes');
  return role === textual ? table.textLabel(text, line) : table.number(text, column, line);
}

function isBlank(bytes: Uint8Array, at: number): boolean {
  const c = bytes[at];
  return c === newline || (c === carriageReturn && bytes[at + 1] === newline);
}

/** Where the record that starts at `from` ends (behind its newline), or -1 where it does not end here. Newlines inside quotes do not count. */
export function recordEnd(bytes: Uint8Array, from: number, to: number): number {
  let inside = false;
  for (let at = from; at < to; at++) {
    if (bytes[at] === quote) inside = !inside;
    else if (bytes[at] === newline && !inside) return at + 1;
  }
  return -1;
}
