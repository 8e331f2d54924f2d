// The core's own tests: CMake + ctest. node scripts/test-native.mjs [--sanitize address,undefined|thread]
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const at = process.argv.indexOf('--sanitize');
const sanitize = at === -1 ? '' : process.argv[at + 1];
if (!['', 'address,undefined', 'thread'].includes(sanitize)) {
  console.error('test-native: --sanitize takes address,undefined or thread');
  process.exit(2);
}
const build = join(top, 'build', sanitize === '' ? 'cmake' : `cmake-${sanitize.replace(',', '-')}`);
const steps = [
  ['cmake', '-S', top, '-B', build, '-DCMAKE_BUILD_TYPE=Release', `-DNABLA_SANITIZE=${sanitize}`],
  ['cmake', '--build', build, '--parallel', '2'],
  ['ctest', '--test-dir', build, '--output-on-failure', '--no-tests=error'],
];
for (const [command, ...args] of steps) {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (status !== 0) {
    console.error(`test-native: ${command} ${args[0]} failed${error === undefined ? '' : ` (${error.message})`}`);
    process.exit(1);
  }
}
