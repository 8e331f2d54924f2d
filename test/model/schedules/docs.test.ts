import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { schedules } from '../../../src/index.js';
import { drawings } from './draw-schedule.js';

const text = readFileSync(new URL('../../../docs/schedules.md', import.meta.url), 'utf8');

it('draws every schedule as docs/schedules.md shows it', () => {
  const shown = [...text.matchAll(/^```text\n(.*?)\n```$/gms)].map(([, drawing]) => drawing);
  expect(shown).toEqual(drawings);
  for (const name of Object.keys(schedules)) {
    // The momentum's curve is the rate's upside down.
    if (name !== 'oneCycleMomentum') expect(shown.some((drawing) => drawing.startsWith(`schedules.${name}(`))).toBe(true);
    expect(text).toMatch(new RegExp(`^\\| \`${name}[\`(]`, 'm'));
  }
});
