// What machine this is, and whether others use it while the bench runs.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { dirname } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
/** Share of all processors that others may use before a ratio says nothing. */
const ALLOWED_LOAD = 0.05;

export function describeMachine() {
  const git = (...args) => spawnSync('git', args, { cwd: top, encoding: 'utf8' }).stdout?.trim() ?? '';
  const dirty = git('status', '--porcelain', '--untracked-files=no') !== '';
  return {
    cpu: cpus()[0]?.model ?? 'unknown processor',
    processors: availableParallelism(),
    platform: `${process.platform}-${process.arch}`,
    node: process.versions.node,
    version: JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version,
    commit: `${git('rev-parse', '--short', 'HEAD') || 'no commit'}${dirty ? '+changes' : ''}`,
  };
}

/** Compares the machine's busy time (/proc/stat) with that of this process and its children (/proc/self/stat). */
export class LoadWatch {
  #at = undefined;

  #read() {
    try {
      const [user, nice, system, idle, iowait, irq, softirq, steal] = readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/).slice(1).map(Number);
      const fields = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /, '').split(' ').map(Number);
      // utime, stime, and cutime, cstime of children that were waited for
      const own = fields[11] + fields[12] + fields[13] + fields[14];
      const busy = user + nice + system + irq + softirq + steal;
      return { own, busy, all: busy + idle + iowait };
    } catch {
      return undefined;
    }
  }
  start() {
    this.#at = this.#read();
  }
  stop() {
    const before = this.#at;
    const now = this.#read();
    if (before === undefined || now === undefined) return { ok: false, text: 'the load of this system cannot be read' };
    const others = Math.max(0, now.busy - before.busy - (now.own - before.own)) / Math.max(1, now.all - before.all);
    return { ok: others <= ALLOWED_LOAD, text: `others used ${(100 * others).toFixed(0)} % of its processors, allowed are ${100 * ALLOWED_LOAD} %` };
  }
  async isIdle() {
    this.start();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return this.stop();
  }
}
