// nabla's own rows: every instruction set of this machine with one thread and with all, and plain TypeScript.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../rows/nabla.mjs', import.meta.url));
const command = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** Those the processor has and the addon carries, fastest first; empty without an addon. */
export function instructionSets() {
  const info = JSON.parse(spawnSync(process.execPath, [command, 'info', '--json'], { encoding: 'utf8' }).stdout);
  return [...(info.isas ?? [])].reverse();
}

/** @param workload its id, which rows/nabla.mjs knows too */
export function nablaRows(workload) {
  const all = availableParallelism();
  const rows = instructionSets().flatMap((isa) =>
    [...new Set([all, 1])].map((threads) => ({
      name: 'nabla-native',
      label: `nabla ${isa}, ${threads} thread${threads === 1 ? '' : 's'}`,
      isa,
      threads,
      peak: `gflops_f32_${isa}_${threads === 1 ? '1t' : 'nt'}`,
      command: ['node', program, workload, 'native', isa, String(threads)],
    })),
  );
  return [...rows, { name: 'nabla-typescript', label: 'nabla typescript', threads: 1, command: ['node', program, workload, 'typescript'] }];
}
