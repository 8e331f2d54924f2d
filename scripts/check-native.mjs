// node-gyp and CMake must compile the same files with the same flags, and every native source must be listed.
// Both builds are configured in a temporary copy; the compile commands they generate are compared, not the build files' text.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative, resolve } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { findNodeGyp, headersDirectory } from './build-addon.mjs';
import { readSources } from './native-sources.mjs';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const problems = [];

const listed = [...readSources().values()].flatMap(({ files }) => files);
const twice = listed.filter((file, index) => listed.indexOf(file) !== index);
const present = readdirSync(join(top, 'native'), { recursive: true }).filter((name) => name.endsWith('.cc')).map((name) => `native/${name.replaceAll('\\', '/')}`);
for (const file of twice) problems.push(`native/sources.txt lists ${file} twice`);
for (const file of present) if (!listed.includes(file)) problems.push(`${file} is not in native/sources.txt`);
for (const file of listed) if (!present.includes(file)) problems.push(`native/sources.txt lists ${file}, which does not exist`);

const work = mkdtempSync(join(tmpdir(), 'nabla-check-native-'));
try {
  for (const name of ['binding.gyp', 'CMakeLists.txt', 'package.json', 'native', 'scripts']) cpSync(join(top, name), join(work, name), { recursive: true });
  symlinkSync(join(top, 'node_modules'), join(work, 'node_modules'));
  const nodedir = headersDirectory();
  run(process.execPath, [findNodeGyp(), 'configure', ...(nodedir === undefined ? [] : [`--nodedir=${nodedir}`]), '--', '-f', 'compile_commands_json']);
  run('cmake', ['-S', '.', '-B', 'build/cmake', '-DCMAKE_BUILD_TYPE=Release']);
  const gypFile = ['Release', 'build/Release', 'build'].map((folder) => join(work, folder, 'compile_commands.json')).find((path) => existsSync(path));
  if (gypFile === undefined) throw new Error('node-gyp wrote no compile_commands.json');
  const gyp = commands(gypFile);
  const cmake = commands(join(work, 'build/cmake/compile_commands.json'));
  const addon = readSources().get('addon')?.files ?? [];
  const tests = readSources().get('tests')?.files ?? [];
  for (const file of present) {
    const fromGyp = gyp.get(file);
    const fromCmake = cmake.get(file);
    // Plain cmake leaves out the addon's own files, node-gyp the tests.
    if (fromGyp === undefined && !tests.includes(file)) problems.push(`${file}: not compiled by node-gyp`);
    if (fromCmake === undefined && !addon.includes(file)) problems.push(`${file}: not compiled by CMake`);
    if (fromGyp !== undefined && fromCmake !== undefined && fromGyp !== fromCmake) problems.push(`${file}: flags differ\n  node-gyp: ${fromGyp}\n  CMake:    ${fromCmake}`);
    const all = fromGyp ?? fromCmake ?? '';
    if (/-march=native|-ffast-math|-Ofast/.test(all)) problems.push(`${file}: compiled with a forbidden flag: ${all}`);
    if (!all.includes('-ffp-contract=off')) problems.push(`${file}: compiled without -ffp-contract=off: ${all}`);
  }
  if (problems.length === 0) console.log(`native: ${present.length} files, node-gyp and CMake agree on sources and flags`);
} finally {
  rmSync(work, { recursive: true, force: true });
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;

function run(command, args) {
  const result = spawnSync(command, args, { cwd: work, encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`${basename(command)} ${args.join(' ')} failed:\n${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`);
}

/** File -> the flags that decide what code comes out, the last of each family winning, sorted. */
function commands(path) {
  const result = new Map();
  if (!existsSync(path)) return result;
  for (const entry of JSON.parse(readFileSync(path, 'utf8'))) {
    const file = relative(work, resolve(entry.directory, entry.file)).replaceAll('\\', '/');
    if (!file.startsWith('native/')) continue;
    // The generators quote differently.
    const words = entry.arguments ?? entry.command.replaceAll(/["']/g, '').split(/\s+/);
    const families = new Map();
    for (const word of words) {
      // What warns, where headers are, what Node defines and how the linker may drop sections differ on purpose.
      if (/^-(ffunction-sections|fdata-sections|fno-omit-frame-pointer|fno-strict-aliasing)$/.test(word)) continue;
      if (/^-O/.test(word)) families.set('-O', word);
      else if (/^-std=/.test(word)) families.set('-std', word);
      else if (/^-f/.test(word)) families.set(word.replace(/^-f(no-)?/, '').replace(/=.*/, ''), word);
      else if (/^-m/.test(word) && word !== '-m64') families.set(word.replace(/=.*/, ''), word);
      else if (word === '-pthread' || /^-DNDEBUG/.test(word)) families.set(word, word);
    }
    result.set(file, [...families.values()].sort().join(' '));
  }
  return result;
}
