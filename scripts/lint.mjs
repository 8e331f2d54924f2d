// Every static check, all of them even when one fails: npm run lint
import { spawnSync } from 'node:child_process';
import process from 'node:process';

const checks = ['check:types', 'check:eslint', 'check:imports', 'check:ops', 'check:native', 'check:kernels', 'check:format', 'check:api', 'check:package'];
const failed = checks.filter((check) => spawnSync('npm', ['run', '--silent', check], { stdio: 'inherit', shell: process.platform === 'win32' }).status !== 0);
console.log(failed.length === 0 ? 'lint: all checks passed' : `lint: failed: ${failed.join(', ')}`);
if (failed.length > 0) process.exit(1);
