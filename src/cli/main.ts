#!/usr/bin/env node
// The command `nabla`: reads the arguments; what a command does is in a file of its name.
import process from 'node:process';
import { Command } from 'commander';
import { isNablaError } from '../base/errors.js';
import { version } from '../base/version.js';
import { buildCommand } from './build.js';
import { infoCommand } from './info.js';
import { endWithReader } from './pipe.js';
import { startCommand } from './start.js';

const program = new Command('nabla')
  .description('Trains and runs dense neural networks at the speed of the machine.')
  .version(version)
  .addHelpText('after', '\nExamples:\n  npx nabla start         train a network that reads digits, in under a minute\n  npx nabla info          what this machine has: addon, instruction set, threads\n  npx nabla build         compile the native addon here\n')
  .showHelpAfterError('(nabla --help shows the commands)');
program.addCommand(startCommand());
program.addCommand(infoCommand());
program.addCommand(buildCommand());

endWithReader();
try {
  // Without arguments commander would print its help as an error.
  if (process.argv.length <= 2) program.outputHelp();
  else await program.parseAsync();
} catch (error) {
  if (!isNablaError(error)) throw error;
  process.stderr.write(`nabla: ${error.message}\n`);
  process.exitCode = 1;
}
