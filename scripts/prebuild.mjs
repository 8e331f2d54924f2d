// Before packing: prebuilds/<platform>-<arch>/ gets this machine's addon, made by prebuildify against the headers at hand (no download).
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { headersDirectory } from './build-addon.mjs';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const folder = join(top, 'prebuilds', `${process.platform}-${process.arch}`);
rmSync(folder, { recursive: true, force: true });
const nodedir = headersDirectory();
const env = { ...process.env, JOBS: '2', ...(nodedir === undefined ? {} : { npm_config_nodedir: nodedir }) };
const prebuildify = join(top, 'node_modules/prebuildify/bin.js');
const result = spawnSync(process.execPath, [prebuildify, '--napi', '--strip', '--tag-libc', '--name', 'nabla'], { cwd: top, env, encoding: 'utf8' });
if (result.status !== 0) {
  console.error(`${result.stdout}${result.stderr}\nprebuild: prebuildify failed`);
  process.exit(1);
}
const files = readdirSync(folder).filter((name) => name.endsWith('.node'));
if (files.length === 0) {
  console.error(`prebuild: no addon in ${folder}`);
  process.exit(1);
}
for (const file of files) console.error(`prebuild: ${file}, ${Math.round(statSync(join(folder, file)).size / 1024)} kB`);
