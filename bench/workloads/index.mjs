// The workloads by name, and the rows that measure the machine's peak in the same run.
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '../../dist/backend/addon.js';
import { instructionSets } from './nabla-rows.mjs';
import { W2 } from './w2.mjs';

export const WORKLOADS = { W2 };

const program = fileURLToPath(new URL('../rows/peak.mjs', import.meta.url));

/** One row for each instruction set, with one thread and with all; `key` is the name in the JSON's `peak`. */
export async function peakRows() {
  const { addon } = loadAddon();
  if (addon === null || typeof addon.measurePeak !== 'function') return [];
  return instructionSets().flatMap((isa) =>
    ['1t', 'nt'].map((threads) => ({ key: `gflops_f32_${isa}_${threads}`, label: `peak ${isa} ${threads}`, command: [process.execPath, program, isa, threads] })),
  );
}
