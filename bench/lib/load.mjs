// Whether others use the machine while the bench measures.
import { readFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';

/** Share of all processors that others may use before a ratio says nothing. */
const ALLOWED = 0.05;

/** Compares the machine's busy time (/proc/stat) with that of this process and of its children that have ended (/proc/self/stat). */
export class LoadWatch {
  #at = undefined;

  #read() {
    try {
      const [user, nice, system, idle, iowait, irq, softirq, steal] = readFileSync('/proc/stat', 'utf8').split('\n')[0].trim().split(/\s+/).slice(1).map(Number);
      const fields = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /, '').split(' ').map(Number);
      // utime, stime, and cutime, cstime of children that were waited for
      const own = fields[11] + fields[12] + fields[13] + fields[14];
      // Time stolen by other virtual machines is as lost as time taken by other processes.
      const busy = user + nice + system + irq + softirq + steal;
      return { own, busy, all: busy + idle + iowait };
    } catch {
      return undefined;
    }
  }
  start() {
    this.#at = this.#read();
  }
  /** @returns { busy, text } for the time since start */
  stop() {
    const before = this.#at;
    const now = this.#read();
    if (before === undefined || now === undefined) return { busy: true, text: 'the load of this system cannot be read' };
    const others = Math.max(0, now.busy - before.busy - (now.own - before.own)) / Math.max(1, now.all - before.all);
    return { busy: others > ALLOWED, share: others, text: `other processes used ${(100 * others).toFixed(0)} % of the processors, ${100 * ALLOWED} % are allowed` };
  }
}

/** Looks for a second, and for up to a minute when only the load average still remembers something (this bench's own last run, perhaps). */
export async function checkIdle(patient) {
  const watch = new LoadWatch();
  const cores = availableParallelism();
  for (let tries = 0; ; tries++) {
    watch.start();
    await new Promise((resolve) => setTimeout(resolve, 1000));
    const seen = watch.stop();
    if (seen.busy) return seen;
    const [average] = loadavg();
    if (average <= cores) return seen;
    if (!patient || tries >= 60) return { busy: true, text: `the load average is ${average.toFixed(1)} on ${cores} processors` };
  }
}
