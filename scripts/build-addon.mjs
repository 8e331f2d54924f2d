// Builds build/Release/nabla.node with node-gyp: node scripts/build-addon.mjs [--require] [--force] [--verbose]
// Without the tools it says so in one line and exits 0, so that `npm ci` goes on with the TypeScript backend; --require makes that an error.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath, pathToFileURL } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const windows = process.platform === 'win32';

/** Node's headers beside the running binary, if they are there: nothing has to be downloaded then. */
export function headersDirectory() {
  const given = process.env.npm_config_nodedir;
  if (given !== undefined && given !== '') return given;
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  return existsSync(join(prefix, 'include/node/node_api.h')) && existsSync(join(prefix, 'include/node/common.gypi')) ? prefix : undefined;
}

/** node-gyp of the dev dependencies, or the one npm brings along. */
export function findNodeGyp() {
  const candidates = [];
  try {
    candidates.push(require.resolve('node-gyp/bin/node-gyp.js'));
  } catch {
    // an installed package has no dev dependencies
  }
  if (process.env.npm_config_node_gyp !== undefined) candidates.push(process.env.npm_config_node_gyp);
  if (process.env.npm_execpath !== undefined) candidates.push(join(dirname(dirname(process.env.npm_execpath)), 'node_modules/node-gyp/bin/node-gyp.js'));
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    const npm = join(directory, windows ? 'npm.cmd' : 'npm');
    if (!existsSync(npm)) continue;
    const root = windows ? join(directory, 'node_modules/npm') : dirname(dirname(realpathSync(npm)));
    candidates.push(join(root, 'node_modules/node-gyp/bin/node-gyp.js'));
  }
  return candidates.find((path) => existsSync(path));
}

function runs(command) {
  return command !== undefined && command !== '' && spawnSync(command, ['--version'], { stdio: 'ignore', shell: false }).status === 0;
}

/** Names of what a build needs and this machine lacks. On Windows node-gyp looks for Visual Studio itself. */
function missingTools() {
  const missing = [];
  if (![process.env.npm_config_python, process.env.PYTHON, 'python3', 'python', ...(windows ? ['py'] : [])].some(runs)) missing.push('python3');
  if (!windows) {
    if (![process.env.MAKE, 'make', 'gmake'].some(runs)) missing.push('make');
    if (!(process.env.CXX !== undefined ? [process.env.CXX.split(' ')[0]] : ['g++', 'c++', 'clang++']).some(runs)) missing.push('a C++ compiler (g++)');
  }
  if (findNodeGyp() === undefined) missing.push('node-gyp');
  try {
    require.resolve('node-addon-api/package.json');
  } catch {
    missing.push('the package node-addon-api');
  }
  return missing;
}

/** Changes when anything that goes into the addon changes. */
function inputsHash() {
  const hash = createHash('sha256').update(`${process.platform} ${process.arch} ${process.version} ${process.env.CXX ?? ''} ${process.env.CXXFLAGS ?? ''}\n`);
  const files = ['binding.gyp', 'scripts/native-sources.mjs'];
  for (const entry of readdirSync(join(top, 'native'), { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && /\.(cc|h|txt)$/.test(entry.name)) files.push(join(entry.parentPath ?? entry.path, entry.name).slice(top.length + 1));
  }
  for (const file of files.sort()) hash.update(`${file}\n`).update(readFileSync(join(top, file)));
  return hash.digest('hex');
}

/**
 * @param {{ force?: boolean, verbose?: boolean }} options
 * @returns {{ built: 'new' | 'unchanged' } | { built: 'no', why: string, log?: string }}
 */
export function buildAddon(options = {}) {
  const output = join(top, 'build/Release/nabla.node');
  const stamp = join(top, 'build/nabla.stamp');
  const hash = inputsHash();
  if (options.force !== true && existsSync(output) && existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return { built: 'unchanged' };

  const missing = missingTools();
  if (missing.length > 0) {
    const last = missing.pop();
    return { built: 'no', why: `${missing.length > 0 ? `${missing.join(', ')} and ` : ''}${last} ${missing.length > 0 ? 'are' : 'is'} missing` };
  }
  const nodedir = headersDirectory();
  const steps = options.force === true ? ['rebuild'] : ['configure', 'build'];
  const args = [findNodeGyp(), ...steps, '--release', '-j', '2', ...(nodedir === undefined ? [] : [`--nodedir=${nodedir}`])];
  rmSync(stamp, { force: true });
  const verbose = options.verbose === true;
  const result = spawnSync(process.execPath, args, { cwd: top, encoding: 'utf8', maxBuffer: 1 << 28, stdio: verbose ? 'inherit' : ['ignore', 'pipe', 'pipe'] });
  const log = verbose ? '' : `${result.stdout}${result.stderr}`;
  mkdirSync(join(top, 'build'), { recursive: true });
  if (!verbose) writeFileSync(join(top, 'build/addon.log'), log);
  if (result.status !== 0 || !existsSync(output)) return { built: 'no', why: `node-gyp failed (exit ${result.status ?? result.signal ?? 'unknown'})`, log };
  writeFileSync(stamp, hash);
  return { built: 'new' };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(realpathSync(process.argv[1])).href) {
  const args = process.argv.slice(2);
  const unknown = args.find((arg) => !['--require', '--force', '--verbose'].includes(arg));
  if (unknown !== undefined) {
    console.error(`build-addon: unknown option ${unknown}. Known: --require, --force, --verbose.`);
    process.exit(2);
  }
  const result = buildAddon({ force: args.includes('--force'), verbose: args.includes('--verbose') });
  if (result.built === 'no') {
    if (result.log !== undefined) console.error(result.log.split('\n').filter((line) => !/^(gyp info|make: (Enter|Leav)ing)/.test(line)).slice(-40).join('\n'));
    const rest = args.includes('--require') ? '' : ' nabla goes on with its TypeScript backend.';
    const log = result.log === undefined ? '' : ' The whole log: build/addon.log.';
    console.error(`nabla: the native addon was not built: ${result.why}.${rest}${log}`);
    if (args.includes('--require')) process.exit(1);
  }
}
