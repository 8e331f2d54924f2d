// Compiles bench/peak: one object per instruction set, one program.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { bench, peakProgram } from './places.mjs';

const COMMON = ['-std=c++17', '-O2', '-ffp-contract=fast', '-pthread'];
const ISAS = process.arch === 'x64'
  ? [['baseline', 16, []], ['avx2', 32, ['-mavx2', '-mfma']], ['avx512', 64, ['-mavx512f', '-mavx512dq', '-mavx512vl', '-mfma', '-mprefer-vector-width=512']]]
  : [['baseline', 16, []]];

function compile(args) {
  const compiler = process.env.CXX ?? 'g++';
  const { status, stderr, error } = spawnSync(compiler, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${compiler} ${args.join(' ')}: ${error?.message ?? stderr}`);
}

export function buildPeak() {
  const folder = dirname(peakProgram);
  mkdirSync(folder, { recursive: true });
  const objects = ISAS.map(([isa, bytes, flags]) => {
    const object = join(folder, `peak-${isa}.o`);
    compile([...COMMON, ...flags, `-DISA=${isa}`, `-DBYTES=${bytes}`, '-c', join(bench, 'peak/loops.cc'), '-o', object]);
    return object;
  });
  compile([...COMMON, join(bench, 'peak/peak.cc'), ...objects, '-o', peakProgram]);
}
