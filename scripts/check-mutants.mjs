// Mutation check: makes one small mistake at a time in a copy of the project and wants at least one test to fail each time.
// Usage: see below, or --help. Exits 1 where a mistake survives.
// Without --native the TypeScript backend's formulas are changed and its own tests run, native being absent from the copy, so that
// equality of the two backends proves nothing here. With --native the C++ is changed and rebuilt each time (slow).
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nativeMutants } from './mutants/native.mjs';
import { typescriptMutants } from './mutants/typescript.mjs';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const { values: { native, only, list, help } } = parseArgs({
  options: { native: { type: 'boolean', default: false }, only: { type: 'string', default: '' }, list: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
});
if (help) {
  console.log(`node scripts/check-mutants.mjs [--native] [--only WORD] [--list]
  --native  mistakes in C++ instead of TypeScript
  --only    those whose file or description has the word; all of them take hours
  --list    names them
  example: node scripts/check-mutants.mjs --only prelu`);
  process.exit(0);
}
const GOLDENS = ['test/backend/gradients.golden.test.ts', 'test/backend/optimizers.golden.test.ts', 'test/backend/limits.golden.test.ts', 'test/backend/layers.golden.test.ts'];
// In order, until one fails: the slow ones see only what the quick ones let pass.
const TESTS = native ? [GOLDENS, ['test/backend/executor.test.ts'], ['test/backend/parity.test.ts', 'test/backend/layered-parity.test.ts']] : [['test/backend/typescript', 'test/math', 'test/backend/executor.test.ts', ...GOLDENS]];
const COPIED = ['src', 'test', 'package.json', 'tsconfig.json', 'tsconfig.check.json', 'vitest.config.ts', ...(native ? ['native', 'scripts', 'binding.gyp', 'build'] : [])];
const RUN_LIMIT_MS = 600_000;

const mutants = (native ? nativeMutants : typescriptMutants).filter(({ file, why }) => `${file} ${why}`.includes(only));
if (list) {
  for (const { file, why } of mutants) console.log(`${file}: ${why}`);
  process.exit(0);
}

const copy = mkdtempSync(join(tmpdir(), 'nabla-mutants-'));
process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const name of COPIED) if (existsSync(join(top, name))) cpSync(join(top, name), join(copy, name), { recursive: true });
symlinkSync(join(top, 'node_modules'), join(copy, 'node_modules'));

// A quicker build: the bits are the source's, not the optimiser's, and the kernels' source is one for every instruction set.
if (native) {
  edit('native/sources.txt', '-O3', '-O1');
  edit('native/kernels/kernels_avx512.cc', '#if defined(__AVX512F__)', '#if 0 && defined(__AVX512F__)');
}

function edit(file, find, replace) {
  const path = join(copy, file);
  const source = readFileSync(path, 'utf8');
  if (!source.includes(find)) throw new Error(`${file} does not hold ${find}`);
  writeFileSync(path, source.replace(find, replace));
}

/** The copy's files that a mutant's `file` names; a star in the last part stands for anything. */
function candidates(file) {
  const [folder, name] = [dirname(file), basename(file)];
  if (!name.includes('*')) return [join(copy, file)];
  const [head, tail] = name.split('*');
  return readdirSync(join(copy, folder)).filter((entry) => entry.startsWith(head) && entry.endsWith(tail)).map((entry) => join(copy, folder, entry));
}

/** Builds and tests the copy. @param groups of tests @returns `failed`: the first test that failed; `error`: what kept the tests from running; neither where all passed */
function run(groups) {
  if (native) {
    const built = spawnSync(process.execPath, ['scripts/build-addon.mjs', '--require'], { cwd: copy, encoding: 'utf8', timeout: RUN_LIMIT_MS });
    if (built.status !== 0) return { error: `does not build: ${(built.stderr + built.stdout).slice(-2000)}` };
  }
  for (const tests of groups) {
    const verdict = runTests(tests);
    if (verdict.failed !== undefined || verdict.error !== undefined) return verdict;
  }
  return {};
}

function runTests(tests) {
  const report = join(copy, 'report.json');
  rmSync(report, { force: true });
  const result = spawnSync(process.execPath, [join(copy, 'node_modules/vitest/vitest.mjs'), 'run', '--reporter=json', `--outputFile=${report}`, ...tests], {
    cwd: copy, encoding: 'utf8', timeout: RUN_LIMIT_MS, env: { ...process.env, NABLA_REQUIRE_NATIVE: native ? '1' : '0' },
  });
  if (!existsSync(report)) {
    // Where the mistake ends the process or never ends, no report is written: that is a failed run too, once the unchanged copy has passed.
    return result.error !== undefined || result.signal !== null ? { failed: `no end: ${result.signal ?? result.error.message}` } : { error: `no report: ${result.stderr.slice(-2000)}` };
  }
  const { numFailedTests, numPassedTests, testResults } = JSON.parse(readFileSync(report, 'utf8'));
  if (numPassedTests + numFailedTests === 0) return { error: `no test ran: ${testResults.map(({ message }) => message).join(' ').slice(0, 2000)}` };
  if (numFailedTests > 0) {
    const failed = testResults.flatMap(({ assertionResults }) => assertionResults).find(({ status }) => status === 'failed');
    return { failed: failed === undefined ? 'a test' : failed.fullName };
  }
  return result.status === 0 ? {} : { error: `tests passed, the run did not: ${result.stderr.slice(-2000)}` };
}

// What every mutant's tests say before anything is changed.
const clean = run([...new Set(mutants.map(({ tests }) => JSON.stringify(tests === undefined ? TESTS : [tests])))].flatMap((text) => JSON.parse(text)));
if (clean.failed !== undefined || clean.error !== undefined) {
  console.error(`The unchanged copy does not pass: ${clean.failed ?? clean.error}`);
  process.exit(1);
}

let bad = 0;
for (const { file, find, replace, why, tests } of mutants) {
  const holders = candidates(file).map((path) => ({ path, source: readFileSync(path, 'utf8') })).filter(({ source }) => source.includes(find));
  const [holder] = holders;
  let verdict;
  if (holders.length !== 1 || holder.source.split(find).length !== 2) verdict = { error: `the text to change must occur once, it is in ${holders.length} files` };
  else {
    writeFileSync(holder.path, holder.source.replace(find, () => replace));
    verdict = run(tests === undefined ? TESTS : [tests]);
    writeFileSync(holder.path, holder.source);
  }
  const killed = verdict.failed !== undefined;
  if (!killed) bad++;
  console.log(`${killed ? 'killed  ' : verdict.error === undefined ? 'SURVIVED' : 'BROKEN  '} ${file}: ${why} | ${killed ? verdict.failed : verdict.error ?? 'no test failed'}`);
}
console.log(`${mutants.length - bad} of ${mutants.length} mistakes were noticed`);
process.exitCode = bad === 0 && mutants.length > 0 ? 0 : 1;
