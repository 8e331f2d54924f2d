// Tables with quotes go through csv-parse: an optional package, loaded when the first such file is met.
import type { FileHandle } from 'node:fs/promises';
import { isNablaError, NablaError } from '../base/errors.js';
import { fileError } from '../io/files.js';
import { roles, type CsvTable } from './csv-table.js';

/** A longer line is refused. */
export const maxLineBytes = 1 << 25;

async function load<T>(op: string, name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (cause) {
    throw new NablaError('ERR_DEPENDENCY', `[${op}] ${name} holds quotes: reading it needs the package csv-parse. Install it with\n  npm i csv-parse`, { cause });
  }
}

/** Cells of one record that holds quotes. @param text the record with its newline  @param line its first line */
export async function parseRecord(table: CsvTable, text: string, line: number): Promise<readonly string[]> {
  const { op, name } = table.options;
  const { parse } = await load(op, name, () => import('csv-parse/sync'));
  try {
    const records: unknown = parse(text, { relax_column_count: true, skip_empty_lines: false, max_record_size: maxLineBytes });
    return asCells(Array.isArray(records) ? records[0] : undefined);
  } catch (error) {
    throw asNablaError(table, error, line - 1, name);
  }
}

/** Reads the rest of a file into the table. @param file stays open  @param path for errors  @param start first byte  @param line its line, from 1 */
export async function readQuoted(table: CsvTable, file: FileHandle, path: string, start: number, line: number): Promise<void> {
  const { op, name } = table.options;
  const { parse } = await load(op, name, () => import('csv-parse'));
  const stream = file.createReadStream({ start, highWaterMark: 1 << 18, autoClose: false });
  // Blank lines are counted by the library: as records they would cost ten times what rows do.
  const parser = parse({ relax_column_count: true, skip_empty_lines: true, max_record_size: maxLineBytes, info: true });
  stream.on('error', (error) => parser.destroy(error));
  stream.pipe(parser);
  let blank = 0;
  let skipped = 0;
  let current = line;
  try {
    for await (const item of parser) {
      const { record, lines, empty } = asRecord(item);
      // The library counts a record's last line; errors name its first.
      const first = current + empty - skipped;
      blank += empty - skipped;
      skipped = empty;
      current = line + lines;
      if (record.length === 1 && record[0]?.trim() === '') {
        blank += 1;
        continue;
      }
      if (blank > 0) throw table.fail(first - blank, undefined, 'a blank line lies between rows. Expected a row');
      takeRow(table, record, first);
    }
  } catch (error) {
    throw asNablaError(table, error, line - 1, path);
  } finally {
    stream.destroy();
  }
}

function takeRow(table: CsvTable, cells: readonly string[], line: number): void {
  if (cells.length !== table.columns) throw table.ragged(line, cells.length);
  cells.forEach((cell, column) => {
    const role = table.roles[column];
    table.row[column] = role === roles.ignored ? 0 : role === roles.text ? table.textLabel(cell, line) : table.number(cell, column, line);
  });
  table.endRow(line, false);
}

function asCells(value: unknown): string[] {
  if (Array.isArray(value) && value.every((cell): cell is string => typeof cell === 'string')) return value;
  throw new NablaError('ERR_INTERNAL', '[readCsv] csv-parse returned something else than cells of text.');
}

/** @returns cells, the line they end on, blank lines so far */
function asRecord(item: unknown): { record: string[]; lines: number; empty: number } {
  const info = member(item, 'info');
  const [lines, empty] = [member(info, 'lines'), member(info, 'empty_lines')];
  if (typeof lines === 'number' && typeof empty === 'number') return { record: asCells(member(item, 'record')), lines, empty };
  throw new NablaError('ERR_INTERNAL', '[readCsv] csv-parse returned something else than a record and its line.');
}

const wrongQuotes: Readonly<Record<string, string>> = {
  INVALID_OPENING_QUOTE: 'a quote stands inside a cell that does not begin with one. Expected a cell such as "5""" for the text 5"',
  CSV_INVALID_CLOSING_QUOTE: 'something follows a closing quote. Expected a comma or the end of the line',
  CSV_QUOTE_NOT_CLOSED: 'a quote is opened and never closed. Expected a closing quote, received the end of the file',
};

/** What csv-parse or the system threw, with file, line and column. @param before lines before what the library was given */
function asNablaError(table: CsvTable, error: unknown, before: number, path: string): NablaError {
  if (isNablaError(error)) return error;
  const [code, lines, index] = [member(error, 'code'), member(error, 'lines'), member(error, 'index')];
  const line = before + (typeof lines === 'number' ? lines : 1);
  const column = typeof index === 'number' ? index : undefined;
  if (code === 'CSV_MAX_RECORD_SIZE') return table.fail(line, column, `a line has a limit. Expected at most ${maxLineBytes} bytes, received more`, 'ERR_FORMAT', error);
  const reason = typeof code === 'string' ? wrongQuotes[code] : undefined;
  if (reason !== undefined) return table.fail(line, column, `quotes are misplaced: ${reason}`, 'ERR_FORMAT', error);
  return fileError(table.options.op, 'read', path, error);
}

function member(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
}
