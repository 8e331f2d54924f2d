// Tables that are not separated by commas: what they are separated by, for an error that says so.
import { parseNumber } from './csv-cell.js';

const separators = [['\t', 'tabs'], [';', 'semicolons'], ['|', 'pipes']] as const;

/**
 * What the cells of a line without commas seem to be separated by; undefined where nothing shows. Separators inside quotes do not count.
 * @param numbers look at lines of numbers alone: a class may be called a;b
 */
export function otherSeparator(line: string, numbers: boolean): 'tabs' | 'semicolons' | 'pipes' | 'blanks' | undefined {
  // Every second part between quotes lies inside of them.
  const bare = line.split('"').map((part, i) => (i % 2 === 0 ? part : '0')).join('').trim();
  if (bare.includes(',')) return undefined;
  const [character, name] = separators.find(([separator]) => bare.includes(separator)) ?? [' ', 'blanks'];
  // Names may have blanks in them.
  if (character !== ' ' && !numbers) return name;
  const cells = bare.split(character).filter((cell) => cell !== '');
  return cells.length > 1 && cells.every((cell) => parseNumber(cell) !== undefined) ? name : undefined;
}
