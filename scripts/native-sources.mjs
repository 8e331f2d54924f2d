// Reads native/sources.txt for the two build files: node scripts/native-sources.mjs files TARGET | flags TARGET ARCH | msvc TARGET ARCH
// Prints one item a line (gyp's `<!@` and CMake both split on that).
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));

/** @returns {Map<string, { files: string[], flags: string[], flagsX64: string[], msvc: string[], msvcX64: string[] }>} targets in file order */
export function readSources() {
  const targets = new Map();
  let target;
  readFileSync(join(top, 'native/sources.txt'), 'utf8').split('\n').forEach((raw, index) => {
    const line = raw.replace(/#.*/, '').trim();
    const at = `native/sources.txt:${index + 1}`;
    if (line === '') return;
    const name = /^\[(\w+)\]$/.exec(line)?.[1];
    if (name !== undefined) {
      if (targets.has(name)) throw new Error(`${at}: [${name}] appears twice`);
      target = { files: [], flags: [], flagsX64: [], msvc: [], msvcX64: [] };
      targets.set(name, target);
      return;
    }
    if (target === undefined) throw new Error(`${at}: a line before the first [target]`);
    const [word, ...rest] = line.split(/\s+/);
    if (word === 'flags') target.flags.push(...rest);
    else if (word === 'flags-x64') target.flagsX64.push(...rest);
    else if (word === 'msvc') target.msvc.push(...rest);
    else if (word === 'msvc-x64') target.msvcX64.push(...rest);
    else {
      if (rest.length > 0) throw new Error(`${at}: one file a line`);
      target.files.push(word);
    }
  });
  return targets;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [what, name, arch] = process.argv.slice(2);
  const target = readSources().get(name);
  if (target === undefined) throw new Error(`no [${name}] in native/sources.txt`);
  // Checked for the wanted target only: the packed tarball has no tests.
  const absent = target.files.find((file) => !existsSync(join(top, file)));
  if (absent !== undefined) throw new Error(`native/sources.txt: ${absent} does not exist`);
  const x64 = arch === 'x64';
  const items = { files: target.files, flags: [...target.flags, ...(x64 ? target.flagsX64 : [])], msvc: [...target.msvc, ...(x64 ? target.msvcX64 : [])] }[what];
  if (items === undefined) throw new Error('usage: native-sources.mjs files|flags|msvc TARGET [ARCH]');
  process.stdout.write(items.map((item) => `${item}\n`).join(''));
}
