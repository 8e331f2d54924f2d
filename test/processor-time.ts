import process from 'node:process';

/** Milliseconds of processor time that this process has taken: what other processes take does not count. */
export function processorTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
