// Reliability, shown by trying to break it: npm run test:trust [-- --quick] [--only NAME] [--seed N] [--json]
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const usage = `Usage: npm run test:trust -- [options]

Tries to break what docs/reliability.md promises: mutated files, killed savers, terminated workers, user code that throws,
random networks, hostile calls, refused threads, a held event loop, and the core and the addon under sanitizers.
16 minutes and two builds; needs \`npm run build\` first.

  --quick       a cut of about 4 minutes, without the sanitizers
  --only NAME   one campaign; may be given more than once
  --seed N      another series of random cases (default 1)
  --json        one JSON object instead of the table
  --list        the campaigns
  --help        this text

Example: npm run test:trust -- --only files --seed 7

Exit code: 0 nothing broke, 1 something did, 2 the command was wrong.`;

/** Seconds that each gets: in full, in the quick cut. */
const campaigns = [
  { name: 'files', what: 'mutated files', full: 240, quick: 25 },
  { name: 'kills', what: 'savers killed in mid-save', full: 90, quick: 15 },
  { name: 'workers', what: 'worker threads terminated in mid-training', full: 60, quick: 15 },
  { name: 'reentrancy', what: 'user code that throws, aborts or starts other work during a fit', full: 90, quick: 20 },
  { name: 'determinism', what: 'random networks, the same bytes', full: 150, quick: 30 },
  { name: 'calls', what: 'hostile values in random places of every call', full: 90, quick: 20, flags: ['--import', 'tsx'] },
  { name: 'leaks', what: 'memory that comes back', full: 90, quick: 20, flags: ['--expose-gc'] },
  { name: 'limits', what: 'threads that the system refuses', full: 30, quick: 30 },
  { name: 'loop', what: 'an event loop that is held', full: 120, quick: 15 },
];
/** Builds and runs under a sanitizer; left out of the quick cut. */
const sanitizers = [
  { name: 'address', what: 'core and addon under address and undefined-behaviour sanitizers', sanitize: 'address,undefined', runtimes: ['libasan.so', 'libubsan.so'] },
  { name: 'thread', what: 'core under the thread sanitizer', sanitize: 'thread', runtimes: [] },
];
const BUILD_SECONDS = 900;

const options = parsed();
const known = [...campaigns, ...sanitizers].map(({ name }) => name);
if (options.help) end(usage);
if (options.list) end([...campaigns, ...sanitizers].map(({ name, what }) => `${name.padEnd(12)} ${what}`).join('\n'));
const unknown = options.only.filter((name) => !known.includes(name));
if (unknown.length > 0) end(`test:trust: no campaign '${unknown[0]}'. Expected one of ${known.join(', ')}.`, 2);
if (!/^\d+$/u.test(options.seed)) end(`test:trust: --seed must be a whole number. Received '${options.seed}'.`, 2);
if (!existsSync(join(top, 'dist/index.js'))) end('test:trust: dist/ is missing: run `npm run build` first.', 2);

const results = [];
for (const campaign of campaigns) if (chosen(campaign.name)) report(campaign, attack(campaign));
for (const sanitizer of sanitizers) if (chosen(sanitizer.name) && (!options.quick || options.only.length > 0)) report(sanitizer, instrumented(sanitizer));

const broken = results.filter(({ failures }) => failures.length > 0);
if (options.json) console.log(JSON.stringify({ seed: Number(options.seed), quick: options.quick, results }, null, 2));
else console.log(broken.length === 0 ? `test:trust: nothing broke in ${results.length} campaigns` : `test:trust: ${broken.length} of ${results.length} campaigns found something`);
process.exit(broken.length > 0 ? 1 : 0);

function parsed() {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false }, only: { type: 'string', multiple: true, default: [] }, seed: { type: 'string', default: '1' },
        json: { type: 'boolean', default: false }, list: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    return end(`test:trust: ${error.message}\n\n${usage}`, 2);
  }
}
function end(text, code = 0) {
  (code === 0 ? console.log : console.error)(text);
  process.exit(code);
}
function chosen(name) {
  return options.only.length === 0 || options.only.includes(name);
}

/** Runs a campaign's program in a process of its own, so that a crash is a finding. */
function attack({ name, full, quick, flags = [] }) {
  const seconds = options.quick ? quick : full;
  if (!options.json) process.stderr.write(`${name}: ${seconds} s …\n`);
  const args = [...flags, join(top, 'test/trust', `${name}.mjs`), '--seed', options.seed, '--seconds', String(seconds)];
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 1000 * (2 * seconds + 60), maxBuffer: 2 ** 26 });
  try {
    const { tried, figures, failures } = JSON.parse(stdout.trim().split('\n').at(-1));
    return { tried, figures, failures: status === 0 || failures.length > 0 ? failures : [`exit ${status ?? signal}`] };
  } catch {
    return { tried: {}, figures: {}, failures: [`ended without a result, ${signal ?? `exit ${status}`}: ${stderr.trim().slice(-600)}`] };
  }
}

/** Builds the core's tests and the addon with a sanitizer, runs the tests, then the addon's child programs with the sanitizer's runtime loaded first. */
function instrumented({ name, sanitize, runtimes }) {
  const build = `build/sanitized-${name}`;
  const failures = [];
  const tried = {};
  const step = (what, command, args, seconds, environment = {}) => {
    if (!options.json) process.stderr.write(`${name}: ${what} …\n`);
    const { status, signal, stdout, stderr, error } = spawnSync(command, args, { cwd: top, encoding: 'utf8', timeout: 1000 * seconds, maxBuffer: 2 ** 28, env: { ...process.env, ...environment } });
    if (status !== 0) failures.push(`${what}: ${error?.message ?? `exit ${status ?? signal}`}: ${(stderr + stdout).trim().slice(-800)}`);
    else tried[what] = 1;
    return status === 0;
  };
  if (!step('build', 'npx', ['cmake-js', 'compile', '--out', build, `--CDNABLA_SANITIZE=${sanitize}`], BUILD_SECONDS)) return { tried, figures: {}, failures };
  step("the core's tests", 'ctest', ['--test-dir', build, '--output-on-failure', '--no-tests=error'], BUILD_SECONDS);
  if (runtimes.length === 0) return { tried, figures: {}, failures };
  const addon = join(top, build, 'Release/nabla.node');
  const preload = runtimes.map((library) => spawnSync('g++', [`-print-file-name=${library}`], { encoding: 'utf8' }).stdout.trim()).join(' ');
  // Node itself does not free everything at its end: what it keeps is not ours to report.
  const environment = { LD_PRELOAD: preload, ASAN_OPTIONS: 'detect_leaks=0' };
  for (const [program, ...args] of [['edges'], ['fuzz', '600', options.seed], ['workers'], ['exit', 'finish']]) {
    step(`the addon: ${program}`, process.execPath, [join(top, 'test/backend/native-children', `${program}.mjs`), addon, ...args], 400, environment);
  }
  return { tried, figures: {}, failures };
}

function report({ name, what }, { tried, figures, failures }) {
  results.push({ name, what, tried, figures, failures });
  if (options.json) return;
  const list = (values) => Object.entries(values).map(([key, value]) => `${key} ${typeof value === 'number' ? value.toLocaleString('en') : value}`).join(', ');
  console.log(`${failures.length === 0 ? 'ok  ' : 'FAIL'} ${name.padEnd(12)} ${what}: ${list(tried)}${Object.keys(figures).length > 0 ? `; ${list(figures)}` : ''}`);
  for (const failure of failures) console.log(`       ${failure}`);
}
