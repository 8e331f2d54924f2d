// How a model reaches a file. src/model runs in browsers too, so the Node entry hands the writer in.
import { NablaError } from '../../base/errors.js';
import type { ModelRecord } from './record.js';

/** Writes a model file. */
export type ModelWriter = (record: ModelRecord, path: string | URL) => Promise<void>;

let writer: ModelWriter = () => Promise.reject(
  new NablaError('ERR_FILE', '[save] this environment has no file system. Expected Node.js for save, received another environment; use toRecord().'),
);

/** The writer in use. */
export function modelWriter(): ModelWriter {
  return writer;
}

/** Replaces the writer. */
export function setModelWriter(replacement: ModelWriter): void {
  writer = replacement;
}
