// What machine this is, for the head of every result.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { top } from './places.mjs';

/** @param versions of the peers that are installed */
export function describeMachine(isas, versions) {
  const git = (...args) => spawnSync('git', args, { cwd: top, encoding: 'utf8' }).stdout?.trim() ?? '';
  const dirty = git('status', '--porcelain', '--untracked-files=no') !== '';
  const [processor] = cpus();
  return {
    cpu: processor?.model ?? 'unknown processor',
    processors: availableParallelism(),
    isas,
    memory_gb: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    version: JSON.parse(readFileSync(join(top, 'package.json'), 'utf8')).version,
    commit: `${git('rev-parse', '--short', 'HEAD') || 'no commit'}${dirty ? '+changes' : ''}`,
    versions,
  };
}
