// `nabla info`: what this machine has and what nabla would use.
import { availableParallelism, cpus } from 'node:os';
import process from 'node:process';
import { Command } from 'commander';
import { loadAddon } from '../backend/native/addon.js';

interface Info {
  readonly platform: string;
  readonly node: string;
  readonly cpu: string;
  /** Processors this process may use. */
  readonly processors: number;
  readonly backend: 'native' | 'typescript';
  /** The loaded file, or null. */
  readonly addon: string | null;
  /** Instruction sets that the addon has and the processor can run, slowest first; empty without an addon. */
  readonly isas: readonly string[];
  /** The one used by default (NABLA_ISA changes that). */
  readonly isa: string;
  /** Threads used by default (NABLA_THREADS changes that). */
  readonly threads: number;
  /** Why there is no addon. */
  readonly problem: string | null;
}

function collect(): Info {
  const result = loadAddon();
  const native = result.addon?.info();
  return {
    platform: `${process.platform}-${process.arch}`,
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    processors: availableParallelism(),
    backend: result.addon === null ? 'typescript' : 'native',
    addon: result.addon === null ? null : result.path,
    isas: native?.isas ?? [],
    isa: native?.defaultIsa ?? 'typescript',
    threads: native?.threads ?? 1,
    problem: result.addon === null ? result.problem.message : null,
  };
}

export function infoCommand(): Command {
  return new Command('info')
    .description('show platform, addon, instruction sets and threads')
    .option('--json', 'as JSON', false)
    .addHelpText('after', '\nExamples:\n  npx nabla info\n  npx nabla info --json\n')
    .action(({ json }: { json: boolean }) => {
      const info = collect();
      if (json) {
        process.stdout.write(`${JSON.stringify(info, null, 2)}\n`);
        return;
      }
      const { problem, ...rest } = info;
      for (const [name, value] of Object.entries(rest)) process.stdout.write(`${name.padEnd(12)} ${value === null ? 'none' : Array.isArray(value) ? value.join(', ') : String(value)}\n`);
      if (problem !== null) process.stdout.write(`\n${problem}\n`);
    });
}
