// What a kernel object for one instruction set may define: only names of its own namespace. An inline function of another namespace
// (std::max, a shared helper) would be a weak symbol compiled with AVX flags, and the linker may keep that copy for everybody: the
// program would then die on processors without AVX, in code that never asked for it.
// node scripts/check-kernels.mjs [ISA=OBJECT-OR-ARCHIVE ...]: default is what node-gyp built.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const given = process.argv.slice(2).map((word) => word.split('='));
const objects = given.length > 0 ? given : ['avx2', 'avx512', 'neon'].map((isa) => [isa, join(top, 'build', 'Release', `kernels_${isa}.a`)]);
const nothing = (why) => {
  console.error(`kernels: ${why}: no symbols were looked at`);
  process.exit(process.env.CI === undefined ? 0 : 1);
};
if (process.platform !== 'linux') nothing('nm of Linux is needed');
if (spawnSync('nm', ['--version'], { stdio: 'ignore' }).status !== 0) nothing('nm is missing (apt-get install binutils)');
if (objects.some(([, path]) => !existsSync(path))) nothing('the addon is not built (npm run build:native)');

const problems = [];
let looked = 0;
for (const [isa, path] of objects) {
  const { status, stdout, stderr } = spawnSync('nm', ['--format=posix', path], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`nm ${path}: ${stderr}`);
  const own = `5nabla${isa.length}${isa}`;
  const entry = `_ZN5nabla${isa.length + 8}${isa}_kernelsEv`;
  let entries = 0;
  for (const line of stdout.split('\n')) {
    const [name, type] = line.split(' ');
    if (type === undefined || name.startsWith('.L')) continue;
    looked += 1;
    if (name === entry) {
      entries += 1;
      continue;
    }
    if (name.includes(own)) continue;
    // Undefined: what the compiler itself calls, or the sanitizers.
    if (type === 'U' && /^(mem(cpy|set|move|cmp)|_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|tsan|stack_chk)_\w+)$/.test(name)) continue;
    // Local to the object: nobody else can get that copy.
    if (/^[a-z]$/.test(type) && !'uvw'.includes(type)) continue;
    problems.push(`${path}: ${type} ${demangled(name)}`);
  }
  if (entries !== 1) problems.push(`${path}: ${entry} is defined ${entries} times`);
}
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error('kernels: only names of the instruction set\'s own namespace may be defined or called there (docs/kernels.md)');
  process.exit(1);
}
console.log(`kernels: ${looked} symbols, each in its instruction set's namespace`);

function demangled(name) {
  const { status, stdout } = spawnSync('c++filt', [name], { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : name;
}
