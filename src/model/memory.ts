import { slotNames, type OptimizerSpec } from '../backend/contract/spec.js';
import type { DType } from '../base/arrays.js';
import { getEnvironment } from '../base/environment.js';
import { NablaError } from '../base/errors.js';
import type { Structure } from './layers/structure.js';

/** Longest array that every supported engine can make. */
const LONGEST = 2 ** 32 - 1;

/** Refuses a network whose parameters, published copy and optimizer state cannot be held, before any of it is taken. @returns the bytes @throws ERR_MEMORY */
export function stepBytes(op: string, structure: Structure, optimizer: OptimizerSpec | null, dtype: DType): number {
  const width = dtype === 'float32' ? 4 : 8;
  const copies = 2 + (optimizer === null ? 0 : slotNames(optimizer).length);
  const bytes = structure.parameters * width * copies;
  const limit = getEnvironment().memoryLimit();
  const longest = structure.rows.reduce((most, row) => Math.max(most, row.parameters), 0);
  if (longest > LONGEST || bytes > limit) {
    const allowed = longest > LONGEST ? `at most ${LONGEST} parameters a layer` : `at most ${gibibytes(limit)}`;
    throw new NablaError('ERR_MEMORY', `[${op}] the network fits into memory. Expected ${allowed}, received ${structure.parameters} parameters (${gibibytes(bytes)}).`);
  }
  return bytes;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toPrecision(3)} GiB`;
}
