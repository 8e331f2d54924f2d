// CONTRIBUTING.md: the files of each "How to add" exist, and name the operation that the reader is told to follow.
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const top = fileURLToPath(new URL('../', import.meta.url));
const text = readFileSync(`${top}CONTRIBUTING.md`, 'utf8');
const recipes = text.split(/^### /mu).slice(1);
const snake = (name: string): string => name.replace(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);

it('tells how to add each kind', () => {
  expect(recipes.map((recipe) => recipe.slice(0, recipe.indexOf('\n')))).toEqual(['How to add an activation', 'How to add a loss', 'How to add an optimizer']);
});

describe.each(recipes.map((recipe) => [recipe.slice(0, recipe.indexOf('\n')), recipe] as const))('%s', (_, recipe) => {
  const examples = [...(/^Follow (.*)$/mu.exec(recipe)?.[1] ?? '').matchAll(/`(\w+)`/gu)].map(([, name]) => name ?? '');
  const steps = recipe.split('\n').filter((line) => /^\d+\. /u.test(line));
  const files = (line: string): string[] => [...line.matchAll(/\b(?:src|native|test|scripts)\/[\w./-]*\w/gu)].map(([path]) => path);

  it('names files that exist', () => {
    const named = files(recipe);
    expect(named.length).toBeGreaterThan(steps.length);
    for (const path of named) expect(existsSync(top + path), path).toBe(true);
  });

  it('each step begins with a file that holds an example', () => {
    for (const line of steps) {
      const [first = ''] = files(line);
      const content = readFileSync(top + first, 'utf8').toLowerCase();
      expect(examples.some((name) => content.includes(name.toLowerCase()) || content.includes(snake(name))), `${first} names ${examples.join(' or ')}`).toBe(true);
    }
  });
});
