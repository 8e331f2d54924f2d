// Tables with quotes go through csv-parse: an optional package, loaded when the first such file is met.
import { createReadStream } from 'node:fs';
import { NablaError } from '../errors.js';
import { roles, type CsvTable } from './csv-table.js';

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
    const records: unknown = parse(text, { relax_column_count: true, skip_empty_lines: false });
    return asCells(Array.isArray(records) ? records[0] : undefined);
  } catch (error) {
    throw libraryError(table, error, line - 1);
  }
}

/** Reads the rest of a file into the table. @param start first byte  @param line its line, from 1 */
export async function readQuoted(table: CsvTable, path: string, start: number, line: number): Promise<void> {
  const { op, name } = table.options;
  const { parse } = await load(op, name, () => import('csv-parse'));
  const file = createReadStream(path, { start, highWaterMark: 1 << 18 });
  const parser = parse({ relax_column_count: true, skip_empty_lines: false, info: true });
  file.on('error', (error) => parser.destroy(error));
  file.pipe(parser);
  let blank = 0;
  let current = line;
  try {
    for await (const item of parser) {
      const { record, lines } = asRecord(item);
      // The library counts a record's last line; errors name its first.
      const first = current;
      current = line + lines;
      if (record.length === 1 && record[0]?.trim() === '') {
        blank += 1;
        continue;
      }
      if (blank > 0) throw table.fail(first - blank, undefined, 'a blank line lies between rows. Expected a row');
      takeRow(table, record, first);
    }
  } catch (error) {
    throw libraryError(table, error, line - 1);
  } finally {
    file.destroy();
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

function asRecord(item: unknown): { record: string[]; lines: number } {
  if (typeof item === 'object' && item !== null && 'record' in item && 'info' in item && typeof item.info === 'object' && item.info !== null && 'lines' in item.info && typeof item.info.lines === 'number') {
    return { record: asCells(item.record), lines: item.info.lines };
  }
  throw new NablaError('ERR_INTERNAL', '[readCsv] csv-parse returned something else than a record and its line.');
}

/** @param before lines before what the library was given */
function libraryError(table: CsvTable, error: unknown, before: number): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string' || !error.code.startsWith('CSV_')) return error;
  const lines = 'lines' in error && typeof error.lines === 'number' ? error.lines : 1;
  const column = 'index' in error && typeof error.index === 'number' ? error.index : undefined;
  return table.fail(before + lines, column, `quotes are misplaced: ${error.message.replace(/ at line \d+/g, '').replace(/\.$/, '')}`);
}
