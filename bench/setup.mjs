// npm run bench:setup: installs what the bench compares nabla with, and builds the program that measures peaks.
// Debian's packages with apt-get (as root, or through sudo), npm's into bench/peers/node_modules without install scripts.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { buildPeak } from './lib/build-peak.mjs';
import { peakProgram, peers } from './lib/places.mjs';

const DEBIAN = ['g++', 'python3-numpy', 'python3-torch', 'python3-sklearn', 'python3-pandas', 'libopenblas0-openmp', 'libbenchmark-dev', 'fonts-dejavu-core'];
const problems = [];

function run(title, command, options = {}) {
  console.log(`== ${title}: ${command.join(' ')}`);
  const { status, error } = spawnSync(command[0], command.slice(1), { stdio: 'inherit', ...options });
  if (status !== 0) problems.push(`${title}: ${error?.message ?? `exit ${status}`}`);
  return status === 0;
}

const missing = existsSync('/usr/bin/dpkg-query')
  ? DEBIAN.filter((name) => spawnSync('dpkg-query', ['-W', '-f', '${Status}', name], { encoding: 'utf8' }).stdout !== 'install ok installed')
  : [];
if (!existsSync('/usr/bin/dpkg-query')) problems.push('not Debian: install NumPy, PyTorch and scikit-learn for /usr/bin/python3 yourself');
else if (missing.length > 0) {
  const sudo = process.getuid?.() === 0 ? [] : ['sudo'];
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const apt = [...sudo, 'apt-get', '-o', 'DPkg::Lock::Timeout=300'];
  run('package lists', [...apt, 'update', '-qq'], { env });
  run('Debian packages', [...apt, 'install', '-y', '-qq', '--no-install-recommends', ...missing], { env });
}
run('npm packages', ['npm', 'ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: peers });
try {
  console.log('== building the program that measures peaks');
  buildPeak();
  console.log(peakProgram);
} catch (error) {
  problems.push(error.message);
}
for (const problem of problems) console.error(`bench:setup: ${problem}`);
process.exitCode = problems.length > 0 ? 1 : 0;
