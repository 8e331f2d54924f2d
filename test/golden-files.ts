// Access to the files of test/golden.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** A malformed file: which, what is wrong, and what a reader must do. */
export interface BadFile {
  readonly file: string;
  readonly format: string;
  readonly description: string;
  readonly expect: string;
  readonly pair?: string;
  readonly use_as?: 'images' | 'labels';
  readonly num_classes?: number;
}
export type GoldenNumber = number | string | boolean;
export interface GoldenArray { readonly dtype: string; readonly shape: readonly number[]; readonly fortran_order: boolean; readonly values_c_order: readonly GoldenNumber[] }
/** A valid file and what it holds; which members there are depends on the format. */
export interface GoodFile {
  readonly file: string;
  readonly format: string;
  readonly note: string;
  readonly type_code: number;
  readonly shape: readonly number[];
  readonly values: readonly GoldenNumber[];
  readonly tensors: Readonly<Record<string, { readonly dtype: string; readonly shape: readonly number[]; readonly values: readonly GoldenNumber[] }>>;
  readonly metadata: Readonly<Record<string, string>> | null;
  readonly array: GoldenArray;
  readonly arrays: Readonly<Record<string, GoldenArray>>;
  readonly has_header: boolean;
  readonly header: readonly string[] | null;
  readonly labels: readonly number[];
  readonly rows: readonly (readonly number[])[];
}

/** Absolute path of a golden file. */
export function golden(path: string): string {
  return fileURLToPath(new URL(`golden/${path}`, import.meta.url));
}
export function goldenBytes(path: string): Uint8Array {
  return readFileSync(golden(path));
}
/** Parsed content; what it looks like is for the caller to know. */
export function goldenJson(path: string): unknown {
  return JSON.parse(readFileSync(golden(path), 'utf8'));
}
export function badFiles(format: string): BadFile[] {
  return (goldenJson('bad/index.json') as BadFile[]).filter((entry) => entry.format === format);
}
export function goodFiles(format: string): GoodFile[] {
  return (goldenJson('interop/index.json') as GoodFile[]).filter((entry) => entry.format === format || entry.format === `${format}.gz`);
}
/** JSON has no NaN and no infinities: the index spells them. */
export function goldenNumber(value: GoldenNumber): number {
  if (value === 'nan') return NaN;
  if (value === 'inf') return Infinity;
  return value === '-inf' ? -Infinity : Number(value);
}
