// Threads that the system refuses: a process that may start none more, or has no address space for their stacks, trains to the same bytes. Linux.
import { spawnSync } from 'node:child_process';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { fail, finish } from './common.mjs';

const program = fileURLToPath(new URL('limited.mjs', import.meta.url));
if (process.platform !== 'linux' || spawnSync('prlimit', ['--version']).status !== 0) finish({ 'left out (needs Linux and prlimit)': 1 });

function run(limit) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [program, limit], { encoding: 'utf8', timeout: 60_000 });
  if (status !== 0 || signal !== null) {
    fail(`${limit}: exit ${status ?? signal}: ${stderr.slice(-300)}`);
    return null;
  }
  return { ...JSON.parse(stdout), warnings: [...stderr.matchAll(/Warning/gu)].length };
}
const free = run('none');
const figures = {};
for (const limit of ['nproc', 'address space']) {
  const limited = run(limit);
  if (limited === null || free === null) continue;
  figures[limit] = limited.applied ? `held, ${limited.warnings} ${limited.warnings === 1 ? 'warning' : 'warnings'}` : 'could not be set';
  if (limited.weights !== free.weights) fail(`${limit}: other weights than without the limit`);
  if (free.backend === 'native' && limited.applied && limited.warnings > 1) fail(`${limit}: ${limited.warnings} warnings, one is enough`);
}
finish({ limits: 2 }, figures);
