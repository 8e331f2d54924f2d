// The core's tests as an arm64 program under QEMU: NEON against the plain definitions, and its trainings against the bytes recorded on x86-64.
// Debian: apt-get install cmake g++-aarch64-linux-gnu qemu-user-static. Then: node scripts/test-neon.mjs [TEST ...] (all of [tests], some minutes)
import { spawnSync } from 'node:child_process';
import { writeFileSync, mkdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { readSources } from './native-sources.mjs';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const build = join(top, 'build', 'cmake-neon');
const tests = (readSources().get('tests')?.files ?? []).map((file) => basename(file, '.cc'));
const wanted = process.argv.length > 2 ? process.argv.slice(2) : tests;
const unknown = wanted.filter((name) => !tests.includes(name));
if (unknown.length > 0 || wanted.length === 0) {
  console.error(`test-neon: no test ${unknown.join(', ')}. There are ${tests.join(', ')}`);
  process.exit(2);
}

mkdirSync(build, { recursive: true });
const toolchain = join(build, 'toolchain.cmake');
writeFileSync(toolchain, 'set(CMAKE_SYSTEM_NAME Linux)\nset(CMAKE_SYSTEM_PROCESSOR aarch64)\nset(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)\n');
run('cmake', '-S', top, '-B', build, `-DCMAKE_TOOLCHAIN_FILE=${toolchain}`, '-DCMAKE_BUILD_TYPE=Release', '-DCMAKE_EXE_LINKER_FLAGS=-static');
run('cmake', '--build', build, '--parallel', '2', '--target', ...wanted);
for (const name of wanted) run('qemu-aarch64-static', join(build, name));
console.log(`test-neon: ${wanted.length} programs passed`);

function run(command, ...args) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status === 0) return;
  console.error(`test-neon: ${command} ${args[0]} failed${error === undefined ? '' : ` (${error.message})`}`);
  process.exit(1);
}
