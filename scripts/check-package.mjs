// What is packed: publint and arethetypeswrong over the tarball's content, and a look at sizes and names in it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(top, 'node_modules/.bin', name);
const manifest = JSON.parse(readFileSync(join(top, 'package.json'), 'utf8'));
const problems = [];

// --ignore-scripts: the addon is not compiled for this; everything else is as published.
const folder = mkdtempSync(join(tmpdir(), 'nabla-pack-'));
try {
  const build = spawnSync(process.execPath, [join(top, 'scripts/build-js.mjs')], { encoding: 'utf8' });
  if (build.status !== 0) problems.push(`the build failed:\n${build.stderr}`);
  const pack = spawnSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: top, encoding: 'utf8' });
  if (pack.status !== 0) throw new Error(`npm pack failed:\n${pack.stderr}`);
  const parsed = JSON.parse(pack.stdout);
  const [packed] = Array.isArray(parsed) ? parsed : Object.values(parsed);
  const names = packed.files.map(({ path }) => path);
  for (const needed of ['dist/index.js', 'dist/index.d.ts', 'dist/cli/main.js', 'binding.gyp', 'native/sources.txt', 'scripts/build-addon.mjs', 'scripts/native-sources.mjs', 'README.md', 'LICENSE']) {
    if (!names.includes(needed)) problems.push(`the tarball lacks ${needed}`);
  }
  for (const name of names) if (/^(test|bench|examples|src)\/|\.test\.|ubyte|\.idx|\.csv$/.test(name)) problems.push(`the tarball should not hold ${name}`);
  if (packed.unpackedSize > 8e6) problems.push(`the tarball unpacks to ${packed.unpackedSize} bytes (limit 8 MB)`);
  const dependencies = Object.keys(manifest.dependencies ?? {});
  if (dependencies.length > 3) problems.push(`${dependencies.length} production dependencies (limit 3)`);
  if (manifest.scripts.install !== undefined || manifest.scripts.postinstall !== undefined || manifest.gypfile !== false) problems.push('an install script, or gypfile is not false');

  for (const [command, args] of [
    ['publint', ['--strict', '--pack', 'false']],
    // ESM only: a CommonJS import gets the module by require(esm), which this tool reports as cjs-resolves-to-esm.
    ['attw', [join(folder, packed.filename), '--profile', 'node16', '--ignore-rules', 'cjs-resolves-to-esm', '--quiet']],
  ]) {
    const result = spawnSync(bin(command), args, { cwd: top, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1' } });
    if (result.status !== 0) problems.push(`${command}:\n${result.stdout}${result.stderr}${result.error ?? ''}`);
  }
  if (problems.length === 0) console.log(`package: ${names.length} files, ${Math.round(packed.unpackedSize / 1000)} kB unpacked, ${dependencies.length} dependencies`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
