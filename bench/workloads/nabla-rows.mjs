// nabla's own rows: every instruction set of this machine with one thread and with all, float64, OpenBLAS where it is built in, and plain TypeScript.
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { bench, top } from '../lib/places.mjs';
import { PARTS } from './parts.mjs';


let known;
/** Those the processor has and the addon carries, fastest first; empty without an addon. */
export function instructionSets() {
  known ??= [...(JSON.parse(spawnSync(process.execPath, [join(top, 'dist/cli/main.js'), 'info', '--json'], { encoding: 'utf8' }).stdout || '{}').isas ?? [])].reverse();
  return known;
}

let openblas;
/** Whether a model can be asked for OpenBLAS and it is found. */
function hasOpenblas() {
  if (openblas === undefined) {
    const script = "import { layers, sequential } from 'nabla'; const m = sequential({ backend: 'native', gemm: 'openblas' }, [layers.dense({ units: 1, inputShape: [1] })]); m.predictSync(new Float32Array(1));";
    openblas = spawnSync(process.execPath, ['--input-type=module', '-e', script], { cwd: bench }).status === 0;
  }
  return openblas;
}

const FLOAT64 = ['W1', 'W2', 'W5'];
const GEMM = ['W1', 'W2', 'W4a', 'W5', 'W6', 'W8', 'W8-10k'];
const counted = (threads) => `${threads} thread${threads === 1 ? '' : 's'}`;

/** @param workload its id, which programs/nabla.mjs knows too */
export function nablaRows(workload) {
  const all = availableParallelism();
  const isas = instructionSets();
  const program = join(bench, 'programs', workload === 'start' ? 'start.mjs' : 'nabla.mjs');
  const command = (isa, threads, options = {}) => ['node', program, workload, 'native', isa, String(threads), '0', JSON.stringify(options)];
  if (workload === 'W7') return [{ name: 'nabla', label: 'nabla readCsv', command: ['node', program, workload, 'typescript'], needs: 'export readCsv' }];
  const share = (dtype, isa, threads) => `gflops_${dtype}_${isa}_${threads === 1 ? '1t' : 'nt'}`;
  const counts = [...new Set([all, 1])];
  const rows = isas.flatMap((isa) =>
    counts.map((threads) => ({ name: 'nabla-native', label: `nabla ${isa}, ${counted(threads)}`, isa, threads, peak: share('f32', isa, threads), command: command(isa, threads) })),
  );
  const best = isas[0];
  if (best !== undefined && FLOAT64.includes(workload)) {
    for (const threads of counts) {
      rows.push({ name: 'nabla-native-f64', label: `nabla ${best} float64, ${counted(threads)}`, isa: best, threads, peak: share('f64', best, threads), command: command(best, threads, { dtype: 'float64' }) });
    }
  }
  if (best !== undefined && GEMM.includes(workload) && hasOpenblas()) {
    for (const threads of counts) {
      rows.push({ name: 'nabla-openblas', label: `nabla gemm openblas, ${counted(threads)}`, isa: best, threads, peak: share('f32', best, threads), command: command(best, threads, { gemm: 'openblas' }) });
    }
  }
  const part = String(PARTS['nabla-typescript'][workload] ?? 0);
  return [...rows, { name: 'nabla-typescript', label: 'nabla typescript', threads: 1, command: ['node', program, workload, 'typescript', '-', '-', part] }];
}
