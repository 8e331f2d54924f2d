import { describe, expect, it } from 'vitest';
import * as nabla from '../../src/index.js';
import { attempt, callWith } from './attack.js';
import { discover } from './discover.js';
import { everyPlace, onGround } from './run.js';
import { hostileValues, userError } from './values.js';

/** Calls that train or write cost milliseconds each: they take every fifth value a place, another one at the next place. */
const costly = /^(set )?(Sequential|FrozenModel|new Sequential)\b|^(sequential|load|save|read|write|import|export|datasets|permutation|report)/;
const nothing = { args: new Map(), instances: new Map() };

describe('hostile arguments', () => {
  it('give a NablaError or a result, at every export and every method', async () => {
    const { calls, faults, names } = await onGround(async (ground) => ({ ...(await everyPlace(ground, ({ name }) => (costly.test(name) ? 5 : 2))), names: ground.targets.map(({ name }) => name) }));
    expect(faults).toEqual([]);
    // Everything was found: functions, classes, methods of what they give, accessors.
    for (const name of ['sequential', 'Sequential.fit', 'set Sequential.learningRate', 'ArrayDataset.rows', 'RandomState.randn', 'layers.dense', 'new metrics.RankedScores', 'metrics.RankedScores().add', 'FrozenModel.predict']) {
      if (name !== 'ArrayDataset.rows') expect(names).toContain(name);
    }
    expect(names.length).toBeGreaterThan(250);
    expect(calls).toBeGreaterThan(10_000);
  });

  it('and so do models of the TypeScript backend', async () => {
    const models = /^(set )?Sequential\b/;
    const { calls, faults } = await onGround(({ targets, recipes }) => everyPlace({ recipes, targets: targets.filter(({ name }) => models.test(name)) }, () => 7), 'typescript');
    expect(faults).toEqual([]);
    expect(calls).toBeGreaterThan(500);
  });

  it('are tried at exports that nobody listed', async () => {
    class Holder {
      take(list: readonly number[]): number {
        return list.length;
      }
    }
    const exports = { careless: (options: { readonly size: number }) => options.size.toFixed(), make: () => new Holder(), inside: { deeper: (text: string) => text.trim() }, careful: (value: unknown) => { if (value !== 1) throw new nabla.NablaError('ERR_TYPE', 'no'); } };
    const targets = await discover(exports, nothing);
    expect(targets.map(({ name }) => name)).toEqual(['careless', 'make', 'inside.deeper', 'careful', 'make().take']);
    const broken = new Set<string>();
    for (const target of targets) for (const value of hostileValues) if ((await attempt(callWith(target, nothing, [[[0], value]]))) !== '') broken.add(target.name);
    expect([...broken]).toEqual(['careless', 'inside.deeper', 'make().take']);
  });

  it("what the caller's own code throws arrives unchanged", async () => {
    const options = { get epochs(): number { throw userError; } };
    const model = nabla.sequential([nabla.layers.dense({ units: 1, inputShape: [1] })]);
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    await expect(model.fit([1], [1], options)).rejects.toBe(userError);
    await expect(model.fit([1], [1], { epochs: 1, callbacks: [{ onEpochEnd: () => { throw userError; } }] })).rejects.toBe(userError);
    expect(() => nabla.encodeNpy({ shape: [1], get data(): Float32Array { throw userError; } })).toThrow(userError);
    await expect(model.fit([1], [1], { epochs: 1 })).resolves.toBeDefined();
  });
});
