// `nabla build`: compiles the addon inside the installed package.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { Command } from 'commander';
import { loadAddon } from '../backend/native/addon.js';
import { packageRoot } from '../backend/native/package-root.js';

export function buildCommand(): Command {
  return new Command('build')
    .description('compile the native addon for this machine (needs python3, make and a C++ compiler)')
    .option('--force', 'compile again although nothing changed', false)
    .option('--verbose', "show the compiler's output", false)
    .addHelpText('after', '\nExamples:\n  npx nabla build\n  npx nabla build --force --verbose\n')
    .action(({ force, verbose }: { force: boolean; verbose: boolean }) => {
      const script = join(packageRoot(), 'scripts/build-addon.mjs');
      const args = [script, '--require', ...(force ? ['--force'] : []), ...(verbose ? ['--verbose'] : [])];
      process.stdout.write('Compiling the native addon …\n');
      const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
      if (status !== 0) {
        process.exitCode = 1;
        return;
      }
      const result = loadAddon();
      if (result.addon === null) {
        process.stderr.write(`${result.problem.message}\n`);
        process.exitCode = 1;
      } else {
        process.stdout.write(`Ready: ${result.path}\n`);
      }
    });
}
