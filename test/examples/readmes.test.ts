// Every command of the examples' READMEs runs, with options behind it that make it small; every option says what it does.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { loadAddon } from '../../src/backend/native/addon.js';

const top = fileURLToPath(new URL('../../', import.meta.url));
/** What makes a run of the example short. The last of two equal options counts. */
const SMALL: Readonly<Record<string, readonly string[]>> = {
  'digit-recognizer': ['--rows', '1500', '--iterations', '3'],
  openml: ['--rows', '1500', '--iterations', '3'],
  'small-init': ['--rows', '1500', '--iterations', '51'],
  'he-init': ['--rows', '500', '--iterations', '3'],
  layered: ['--rows', '320', '--epochs', '2'],
  xor: ['--steps', '1500'],
};
const names = readdirSync(join(top, 'examples')).filter((name) => existsSync(join(top, 'examples', name, `${name}.ts`)));
const commands = names.flatMap((name) =>
  [...readFileSync(join(top, 'examples', name, 'README.md'), 'utf8').matchAll(/^```sh\n(.*?)^```/gms)].flatMap((match) => match[1].split('\n').filter((line) => line !== '')),
);
const folder = mkdtempSync(join(tmpdir(), 'nabla-examples-'));

function run(name: string, args: readonly string[]): { readonly status: number | null; readonly out: string; readonly error: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', join(top, 'examples', name, `${name}.ts`), ...args], {
    cwd: top, encoding: 'utf8', timeout: 110_000,
    // 'nabla' is the sources: nothing has to be built.
    env: { ...process.env, NO_COLOR: '1', TSX_TSCONFIG_PATH: join(top, 'tsconfig.check.json') },
  });
  return { status, out: stdout, error: stderr };
}
/** What is left of the error stream where a missing addon was told. */
function withoutWarning(error: string): string {
  return loadAddon().addon === null ? error.replace(/^\(node:\d+\) \[NABLA_NO_ADDON\] NablaWarning: .*?\n\(Use `node --trace-warnings.*?\n/s, '') : error;
}
function json(name: string, args: readonly string[]): unknown {
  const { status, out, error } = run(name, [...args, ...SMALL[name], '--json']);
  expect(status, error).toBe(0);
  return JSON.parse(out);
}

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('all examples are known here, and each README has a command', () => {
  expect(names.sort()).toEqual(Object.keys(SMALL).sort());
  for (const name of names) expect(commands.filter((command) => command.startsWith(`npm run example -- ${name}`)).length, name).toBeGreaterThan(1);
});

describe('the commands', () => {
  for (const command of commands) {
    it(command, () => {
      const match = /^npm run example -- ([a-z-]+)(?: (.*))?$/.exec(command);
      expect(match).not.toBeNull();
      const [, name = '', given = ''] = match ?? [];
      const { status, out, error } = run(name, [...given.split(' ').filter((word) => word !== ''), ...SMALL[name]]);
      expect(status, error).toBe(0);
      expect(withoutWarning(error)).toBe('');
      expect(out).not.toContain('\u001B');
      // The unstable softmax of digit-recognizer shows what it does to large numbers.
      expect(out.replace('as written [     NaN     NaN     NaN ]', '')).not.toMatch(/NaN|undefined|\[object/);
      expect(out.split('\n').filter((line) => line.length > 80), 'lines of more than 80 characters').toEqual([]);
    }, 120_000);
  }
});

describe('every example', () => {
  for (const name of names) {
    it(`${name}: help with an example among the options, results as JSON`, () => {
      const help = run(name, ['--help']);
      expect(help.status).toBe(0);
      for (const option of ['--as-written', '--compare', '--json', '--seed', '--backend']) expect(help.out).toContain(option);
      const example = new RegExp(`^For example: {2}npm run example -- ${name} (.*)$`, 'm').exec(help.out)?.[1] ?? '';
      for (const option of example.split(' ').filter((word) => word.startsWith('--'))) expect(help.out).toContain(`  ${option}`);
      expect(example).not.toBe('');
      expect(json(name, ['--backend', 'typescript'])).toMatchObject({ example: name, variant: 'corrected', backend: 'typescript' });
    }, 120_000);
  }
});

it('a command line that cannot be meant is refused, in one line', () => {
  for (const [args, message] of [
    [['--sede', '3'], 'there is no option --sede'],
    [['--steps', 'many'], '--steps takes a whole number from 1, received "many"'],
    [['--as-written', '--compare'], 'leave --as-written out'],
    [['--backend', 'gpu'], '--backend takes auto or native or typescript'],
  ] as const) {
    const { status, out, error } = run('xor', args);
    expect([status, out]).toEqual([2, '']);
    expect(error).toContain(message);
    expect(error.trim().split('\n')).toHaveLength(1);
  }
});

it('digit-recognizer carries weights to NumPy and back', () => {
  const npz = join(folder, 'weights.npz');
  const first = run('digit-recognizer', ['--npz', npz, ...SMALL['digit-recognizer']]);
  expect(first.status, first.error).toBe(0);
  const again = json('digit-recognizer', ['--from-npz', npz]);
  const begun = json('digit-recognizer', []);
  const accuracyAt = (result: unknown): number => {
    if (typeof result !== 'object' || result === null || !('moments' in result) || !Array.isArray(result.moments)) throw new Error('moments expected');
    const [moment]: readonly unknown[] = result.moments;
    return typeof moment === 'object' && moment !== null && 'loss' in moment && typeof moment.loss === 'number' ? moment.loss : NaN;
  };
  // It goes on from where the first run ended.
  expect(accuracyAt(again)).toBeLessThan(accuracyAt(begun));
});

it("digit-recognizer reads Kaggle's files and answers them", () => {
  const header = Array.from({ length: 784 }, (_, i) => `pixel${i}`);
  const pixels = (row: number): string => Array.from({ length: 784 }, (_, i) => String((row * 31 + i * 7) % 256)).join(',');
  const rows = Array.from({ length: 1010 }, (_, row) => row);
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };
  const train = write('train.csv', `label,${header.join(',')}\n${rows.map((row) => `${row % 10},${pixels(row)}`).join('\n')}\n`);
  const test = write('test.csv', `${header.join(',')}\n${rows.slice(0, 3).map(pixels).join('\n')}\n`);
  const submission = join(folder, 'submission.csv');
  const { status, out, error } = run('digit-recognizer', ['--train', train, '--test', test, '--submission', submission, '--iterations', '2']);
  expect(status, error).toBe(0);
  expect(out).toContain('3 answers');
  expect(readFileSync(submission, 'utf8')).toMatch(/^ImageId,Label\n1,\d\n2,\d\n3,\d\n$/);
}, 60_000);
