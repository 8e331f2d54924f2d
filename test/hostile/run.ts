// Two ways through the calls: each place with each value, and random combinations until the time is over.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import * as nabla from '../../src/index.js';
import { attempt, callWith, placesOf } from './attack.js';
import { discover, type Recipes, type Target } from './discover.js';
import { makeRecipes } from './recipes.js';
import { hostileValues, type HostileValue } from './values.js';

/** What is shared by the calls of a run. */
export interface Ground {
  readonly targets: readonly Target[];
  readonly recipes: Recipes;
}

/** Finds the targets and runs `body` in a folder of its own, where hostile names of files end up; silences what is printed. */
export async function onGround<T>(body: (ground: Ground) => Promise<T>, backend: 'auto' | 'typescript' = 'auto'): Promise<T> {
  const before = process.cwd();
  const folder = mkdtempSync(join(tmpdir(), 'nabla-hostile-'));
  // Deep enough that '..' stays inside.
  const inside = mkdtempSync(join(folder, 'a-'));
  const { write } = process.stdout;
  const { log } = console;
  process.chdir(inside);
  process.stdout.write = () => true;
  console.log = () => undefined;
  try {
    const recipes = makeRecipes(inside, backend);
    return await body({ recipes, targets: await discover(nabla, recipes) });
  } finally {
    process.stdout.write = write;
    console.log = log;
    process.chdir(before);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Every place of every target with every `stride`-th value, another start at each place. @returns how many calls, and what was wrong with which */
export async function everyPlace({ targets, recipes }: Ground, stride: (target: Target) => number): Promise<{ calls: number; faults: string[] }> {
  const faults: string[] = [];
  let calls = 0;
  let start = 0;
  for (const target of targets) {
    const step = stride(target);
    for (const place of await placesOf(target, recipes)) {
      start += 1;
      for (let i = start % step; i < hostileValues.length; i += step) {
        const call = callWith(target, recipes, [[place, hostileValues[i]]]);
        const fault = await attempt(call);
        if (fault !== '') faults.push(`${target.name}(${call.what}): ${fault}`);
        calls += 1;
      }
    }
  }
  return { calls, faults };
}

/** Up to three places at once, drawn by a seed, until the time is over. */
export async function randomPlaces({ targets, recipes }: Ground, { seed, milliseconds }: { readonly seed: number; readonly milliseconds: number }): Promise<{ calls: number; faults: string[] }> {
  let state = seed >>> 0;
  const below = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
  const places = new Map<Target, Awaited<ReturnType<typeof placesOf>>>();
  for (const target of targets) places.set(target, await placesOf(target, recipes));
  const end = performance.now() + milliseconds;
  const faults: string[] = [];
  let calls = 0;
  for (; performance.now() < end && faults.length < 20; calls++) {
    const target = targets[below(targets.length)];
    const there = places.get(target) ?? [];
    if (there.length === 0) continue;
    const changes = new Map<string, readonly [readonly (string | number)[], HostileValue]>();
    for (let i = 0; i <= below(3); i++) {
      const place = there[below(there.length)];
      changes.set(place.join('.'), [place, hostileValues[below(hostileValues.length)]]);
    }
    const call = callWith(target, recipes, [...changes.values()]);
    const fault = await attempt(call);
    if (fault !== '') faults.push(`${target.name}(${call.what}): ${fault}`);
  }
  return { calls, faults };
}
