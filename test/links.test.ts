// The documents' links: files exist, and links to lines show code that stands there.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const top = fileURLToPath(new URL('../', import.meta.url));
const check = (...files: string[]): { readonly status: number | null; readonly text: string } => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(top, 'scripts/check-links.mjs'), ...files], { cwd: top, encoding: 'utf8' });
  return { status, text: stdout + stderr };
};

it('hold', () => {
  const { status, text } = check();
  expect(status, text).toBe(0);
  // docs/backpropagation.md alone has more than 40.
  expect(Number(/(\d+) links to lines/.exec(text)?.[1])).toBeGreaterThan(40);
});

it('are missed where they do not, and moved on request', () => {
  const folder = join(top, 'build', 'links');
  mkdirSync(folder, { recursive: true });
  try {
    writeFileSync(join(folder, 'doc.md'), '[gone](nowhere.ts) [`const a = 1;`](code.ts#L1) [`answer`](code.ts#L1) [`never there`](code.ts#L1)\n');
    writeFileSync(join(folder, 'code.ts'), '// answer\nconst a = 1;\nexport function answer() {}\n');
    const found = check('build/links/doc.md');
    expect(found.status).toBe(1);
    expect(found.text).toContain('nowhere.ts does not exist');
    expect(found.text).toContain('line 1 does not hold "const a = 1;"; it is on 2');
    expect(found.text).toContain('line 1 does not hold "answer"; it is on 3');
    expect(found.text).toContain('nor does any other');
    expect(check('--fix', 'build/links/doc.md').status).toBe(1);
    expect(readFileSync(join(folder, 'doc.md'), 'utf8')).toBe('[gone](nowhere.ts) [`const a = 1;`](code.ts#L2) [`answer`](code.ts#L3) [`never there`](code.ts#L1)\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

it('every formula of the derivation has its line and its test', () => {
  const sections = readFileSync(join(top, 'docs/backpropagation.md'), 'utf8').split(/^## /m).slice(2);
  for (const section of sections) {
    expect(section, section.slice(0, 40)).toMatch(/\]\(\.\.\/src\/[^)]*#L\d+\)/);
    expect(section, section.slice(0, 40)).toMatch(/test: \[.*\]\(\.\.\/test\/[^)]*#L\d+\)/);
  }
  expect(sections).toHaveLength(9);
});
