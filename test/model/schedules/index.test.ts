import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layers, optimizers, schedules, sequential, type Schedule, type Sequential } from '../../../src/index.js';
import { encodeModel } from '../../../src/io/model-file.js';
import { checkOptimizer } from '../../../src/model/optimizers/index.js';
import { modelOfBytes } from '../../io/stored-model.js';

const rates = (schedule: (step: number) => number, steps: readonly number[]): number[] => steps.map((step) => schedule(step));
const close = (actual: readonly number[], expected: readonly number[]): void => {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => { expect(actual[i]).toBeCloseTo(value, 14); });
};
const upTo = (steps: number): number[] => Array.from({ length: steps + 1 }, (_, step) => step);
const anyRate = fc.double({ min: 1e-6, max: 10, noNaN: true });
const anySteps = fc.integer({ min: 1, max: 300 });

describe('stepDecay', () => {
  it('falls every n steps', () => {
    close(rates(schedules.stepDecay({ initialLearningRate: 1, every: 3, factor: 0.5 }), [0, 2, 3, 5, 6, 9]), [1, 1, 0.5, 0.5, 0.25, 0.125]);
    close(rates(schedules.stepDecay({ initialLearningRate: 1, every: 1 }), [0, 1, 2]), [1, 0.1, 0.01]);
  });
  it('falls at milestones, twice where one stands twice', () => {
    close(rates(schedules.stepDecay({ initialLearningRate: 8, milestones: [2, 4, 4], factor: 0.5 }), [0, 1, 2, 3, 4, 1000]), [8, 8, 4, 4, 1, 1]);
    close(rates(schedules.stepDecay({ initialLearningRate: 8, milestones: [] }), [0, 1000]), [8, 8]);
  });
});

describe('piecewiseConstant', () => {
  it('changes after its boundaries, as in Keras', () => {
    const schedule = schedules.piecewiseConstant({ boundaries: [100, 110], values: [1, 0.5, 0.1] });
    expect(rates(schedule, [0, 99, 100, 101, 110, 111, 1e9])).toEqual([1, 1, 1, 0.5, 0.5, 0.1, 0.1]);
    expect(rates(schedules.piecewiseConstant({ boundaries: [], values: [0.3] }), [0, 7])).toEqual([0.3, 0.3]);
  });
  it('is the value whose interval holds the step', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 50 }), { maxLength: 8 }), fc.integer({ min: 0, max: 60 }), (list, step) => {
      const boundaries = [...list].sort((a, b) => a - b);
      const schedule = schedules.piecewiseConstant({ boundaries, values: [0, ...boundaries.map((_, i) => i + 1)] });
      expect(schedule(step)).toBe(boundaries.filter((boundary) => boundary < step).length);
    }));
  });
});

describe('exponentialDecay', () => {
  it('goes by fractions of decaySteps, or by whole ones', () => {
    const options = { initialLearningRate: 0.1, decaySteps: 4, decayRate: 0.0625 };
    close(rates(schedules.exponentialDecay(options), [0, 1, 2, 4, 6]), [0.1, 0.05, 0.025, 0.00625, 0.0015625]);
    close(rates(schedules.exponentialDecay({ ...options, staircase: true }), [0, 3, 4, 7, 8]), [0.1, 0.1, 0.00625, 0.00625, 0.000390625]);
  });
  it('falls with every step and meets its staircase at every stair', () => {
    fc.assert(fc.property(anyRate, anySteps, fc.double({ min: 0.01, max: 0.99, noNaN: true }), (initialLearningRate, decaySteps, decayRate) => {
      const options = { initialLearningRate, decaySteps, decayRate };
      const [smooth, stairs] = [schedules.exponentialDecay(options), schedules.exponentialDecay({ ...options, staircase: true })];
      for (const step of upTo(2 * decaySteps)) {
        if (step % decaySteps === 0) expect(smooth(step)).toBe(stairs(step));
        else expect(smooth(step)).toBeLessThan(stairs(step));
        expect(smooth(step + 1)).toBeLessThan(smooth(step));
      }
    }), { numRuns: 30 });
  });
});

describe('polynomialDecay', () => {
  it('is linear by default, ends at endLearningRate and stays there', () => {
    close(rates(schedules.polynomialDecay({ initialLearningRate: 1, decaySteps: 4, endLearningRate: 0.2 }), [0, 1, 2, 3, 4, 5, 400]), [1, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2]);
    expect(schedules.polynomialDecay({ initialLearningRate: 1, decaySteps: 4 })(4)).toBe(0.0001);
  });
  it('bends by its power', () => {
    close(rates(schedules.polynomialDecay({ initialLearningRate: 1, decaySteps: 4, endLearningRate: 0, power: 0.5 }), [0, 3, 4]), [1, 0.5, 0]);
    close(rates(schedules.polynomialDecay({ initialLearningRate: 5, decaySteps: 10, endLearningRate: 1, power: 2 }), [0, 5, 9, 10]), [5, 2, 1.04, 1]);
  });
  it('cycles: each cycle decays from the beginning over a longer time', () => {
    // Step 4 ends the first cycle; from step 5 the decay is over 8 steps: 1 - 5/8 = 3/8.
    const schedule = schedules.polynomialDecay({ initialLearningRate: 1, decaySteps: 4, endLearningRate: 0, cycle: true });
    close(rates(schedule, [0, 1, 4, 5, 8, 9, 12]), [1, 0.75, 0, 0.375, 0, 0.25, 0]);
  });
  it('never rises without cycle, and ends at the end rate', () => {
    fc.assert(fc.property(anySteps, fc.double({ min: 0.1, max: 5, noNaN: true }), (decaySteps, power) => {
      const schedule = schedules.polynomialDecay({ initialLearningRate: 1, decaySteps, endLearningRate: 0.25, power });
      expect(schedule(0)).toBe(1);
      for (const step of upTo(decaySteps)) expect(schedule(step + 1)).toBeLessThanOrEqual(schedule(step));
      expect(schedule(decaySteps)).toBe(0.25);
    }), { numRuns: 50 });
  });
});

describe('cosineDecay', () => {
  it('falls along half a wave to alpha of the top, and stays', () => {
    close(rates(schedules.cosineDecay({ initialLearningRate: 2, decaySteps: 4 }), [0, 1, 2, 3, 4, 5]), [2, 1 + Math.SQRT1_2, 1, 1 - Math.SQRT1_2, 0, 0]);
    close(rates(schedules.cosineDecay({ initialLearningRate: 2, decaySteps: 6, alpha: 0.5 }), [0, 2, 3, 4, 6, 99]), [2, 1.75, 1.5, 1.25, 1, 1]);
  });
  it('warms up to its target first', () => {
    const schedule = schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 2, alpha: 0.25, warmupTarget: 0.5, warmupSteps: 4 });
    close(rates(schedule, [0, 1, 2, 3, 4, 5, 6, 7]), [0.1, 0.2, 0.3, 0.4, 0.5, 0.3125, 0.125, 0.125]);
  });
  it('never rises after the warm-up, is continuous at its borders, ends at alpha', () => {
    fc.assert(fc.property(fc.integer({ min: 2, max: 300 }), fc.integer({ min: 2, max: 50 }), fc.double({ min: 0, max: 1, noNaN: true }), (decaySteps, warmupSteps, alpha) => {
      const schedule = schedules.cosineDecay({ initialLearningRate: 0, decaySteps, alpha, warmupTarget: 1, warmupSteps });
      expect(schedule(warmupSteps)).toBe(1);
      expect(1 - schedule(warmupSteps - 1)).toBeCloseTo(1 / warmupSteps, 12);
      for (const step of upTo(decaySteps)) expect(schedule(warmupSteps + step + 1)).toBeLessThanOrEqual(schedule(warmupSteps + step));
      expect(schedule(warmupSteps + decaySteps)).toBe(alpha);
    }), { numRuns: 50 });
  });
});

describe('cosineDecayRestarts', () => {
  it('starts again, longer and lower', () => {
    // Cycles of 2 and 4 steps; the second one's top is half of the first one's.
    const schedule = schedules.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 2, mMul: 0.5 });
    close(rates(schedule, [0, 1, 2, 4, 6, 10]), [1, 0.5, 0.5, 0.25, 0.25, 0.125]);
    close(rates(schedules.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 2, tMul: 1, alpha: 0.2 }), [0, 1, 2, 3, 1_000_000]), [1, 0.6, 1, 0.6, 1]);
    // Cycles of 2, 3 and 4.5 steps: a restart between two steps.
    close(rates(schedules.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 2, tMul: 1.5 }), [2, 3, 5, 9]), [1, 0.75, 1, 0.5 * (1 + Math.cos((Math.PI * 4) / 4.5))]);
  });
  it('is at the top of every cycle exactly, and falls within it', () => {
    fc.assert(fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 4 }), (firstDecaySteps, tMul) => {
      const schedule = schedules.cosineDecayRestarts({ initialLearningRate: 0.3, firstDecaySteps, tMul });
      for (let start = 0, length = firstDecaySteps, cycle = 0; cycle < 4; cycle++, start += length, length *= tMul) {
        expect(schedule(start)).toBe(0.3);
        for (let step = start; step < start + length - 1; step++) expect(schedule(step + 1)).toBeLessThan(schedule(step));
      }
    }), { numRuns: 30 });
  });
});

describe('oneCycle', () => {
  it('rises and falls linearly', () => {
    // 0.5 · 10 - 1 = 4: the top; 9 is the last step.
    const schedule = schedules.oneCycle({ maxLearningRate: 1, totalSteps: 10, pctStart: 0.5, annealStrategy: 'linear', divFactor: 5, finalDivFactor: 2 });
    close(rates(schedule, [0, 1, 4, 9, 10, 11]), [0.2, 0.4, 1, 0.1, 0.1, 0.1]);
  });
  it('begins at its top where nothing rises', () => {
    close(rates(schedules.oneCycle({ maxLearningRate: 1, totalSteps: 10, pctStart: 0.1, annealStrategy: 'linear' }), [0, 9]), [1, 1 / 25 / 1e4]);
  });
  it('has one top, and the momentum its bottom there', () => {
    fc.assert(fc.property(fc.integer({ min: 20, max: 200 }), fc.boolean(), fc.constantFrom('cos' as const, 'linear' as const), (totalSteps, threePhase, annealStrategy) => {
      const shape = { totalSteps, threePhase, annealStrategy };
      const list = rates(schedules.oneCycle({ maxLearningRate: 1, ...shape }), upTo(totalSteps - 1));
      const momentum = rates(schedules.oneCycleMomentum(shape), upTo(totalSteps - 1));
      const top = list.indexOf(Math.max(...list));
      expect(Math.abs(top - (0.3 * totalSteps - 1))).toBeLessThanOrEqual(1);
      expect(Math.abs(momentum.indexOf(Math.min(...momentum)) - top)).toBeLessThanOrEqual(1);
      for (let i = 1; i < totalSteps; i++) {
        if (i <= top) expect(list[i]).toBeGreaterThan(list[i - 1]);
        // Where the top lies half-way between two steps, both have the same rate.
        else if (i === top + 1) expect(list[i]).toBeLessThanOrEqual(list[top]);
        else expect(list[i]).toBeLessThan(list[i - 1]);
      }
      expect(list[0]).toBeCloseTo(0.04, 15);
      expect(list[totalSteps - 1]).toBeCloseTo(4e-6, 15);
      expect([momentum[0], momentum[totalSteps - 1]]).toEqual([0.95, 0.95]);
    }), { numRuns: 50 });
  });
});

describe('warmup', () => {
  it('goes before a schedule, which then starts', () => {
    const after = schedules.exponentialDecay({ initialLearningRate: 0.8, decaySteps: 1, decayRate: 0.5 });
    close(rates(schedules.warmup(after, { steps: 4 }), [0, 1, 2, 3, 4, 5, 6]), [0.2, 0.4, 0.6, 0.8, 0.8, 0.4, 0.2]);
    close(rates(schedules.warmup(after, { steps: 4, startFactor: 0 }), [0, 1, 2, 3, 4, 5]), [0, 0.2, 0.4, 0.6, 0.8, 0.4]);
    close(rates(schedules.warmup(0.5, { steps: 2, startFactor: 0.5 }), [0, 1, 2, 3]), [0.25, 0.375, 0.5, 0.5]);
  });
  it('goes before a function of the user\'s, which stays a plain function', () => {
    const rate = schedules.warmup((step) => 1 / (step + 1), { steps: 2 });
    close(rates(rate, [0, 1, 2, 3]), [0.5, 1, 1, 0.5]);
    expect(rate).not.toHaveProperty('config');
    expect(() => schedules.warmup(() => NaN, { steps: 2 })(0)).toThrow(expect.objectContaining({ code: 'ERR_RANGE' }));
  });
});

describe('perEpoch', () => {
  it('counts epochs', () => {
    close(rates(schedules.perEpoch(schedules.stepDecay({ initialLearningRate: 1, every: 2, factor: 0.5 }), 3), [0, 5, 6, 11, 12]), [1, 1, 0.5, 0.5, 0.25]);
    close(rates(schedules.perEpoch((epoch) => epoch, 10), [0, 9, 10, 25]), [0, 0, 1, 2]);
  });
});

const every: readonly Schedule[] = [
  schedules.stepDecay({ initialLearningRate: 0.1, every: 2 }),
  schedules.stepDecay({ initialLearningRate: 0.1, milestones: [1, 3], factor: 0.25 }),
  schedules.piecewiseConstant({ boundaries: [2], values: [0.1, 0.01] }),
  schedules.exponentialDecay({ initialLearningRate: 0.1, decaySteps: 3, decayRate: 0.7, staircase: true }),
  schedules.polynomialDecay({ initialLearningRate: 0.1, decaySteps: 5, power: 1.5, cycle: true }),
  schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 5, alpha: 0.1 }),
  schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 5, warmupTarget: 0.2, warmupSteps: 3 }),
  schedules.cosineDecayRestarts({ initialLearningRate: 0.1, firstDecaySteps: 2, tMul: 1.5, mMul: 0.9 }),
  schedules.oneCycle({ maxLearningRate: 0.1, totalSteps: 8, threePhase: true, annealStrategy: 'linear' }),
  schedules.warmup(0.1, { steps: 3 }),
  schedules.warmup(schedules.perEpoch(schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 3 }), 2), { steps: 2, startFactor: 0.1 }),
];

function model(learningRate: Schedule | ((step: number) => number)): Sequential {
  const made = sequential({ seed: 2, dtype: 'float64', backend: 'typescript' }, [layers.dense({ units: 1, inputShape: [1] })]);
  made.compile({ optimizer: optimizers.sgd({ learningRate, momentum: 0.5 }), loss: 'mse' });
  return made;
}

describe.each(every.map((schedule) => [JSON.stringify(schedule.config), schedule] as const))('%s', (_name, schedule) => {
  it('is frozen, comes back from its config and from a model file', () => {
    expect(Object.isFrozen(schedule) && Object.isFrozen(schedule.config)).toBe(true);
    const first = model(schedule);
    const bytes = Buffer.concat(encodeModel('save', first.toRecord()));
    const second = modelOfBytes(bytes, { backend: 'typescript' });
    expect(second.toRecord()).toEqual(first.toRecord());
    const stored = checkOptimizer('test', second.toRecord().config.compile?.optimizer).learningRate;
    if (typeof stored !== 'function') throw new Error('no schedule came back');
    expect(rates(stored, upTo(30))).toEqual(rates(schedule, upTo(30)));
    // The loaded model trains as the first one does.
    const weights = [first, second].map((trained) => {
      trained.fitSync([1, 2, 3, 4], [3, 5, 7, 9], { epochs: 3, batchSize: 2 });
      return trained.getWeights();
    });
    expect(weights[1]).toEqual(weights[0]);
    expect(second.learningRate).toBe(schedule(6));
  });
});

describe('a model with a schedule', () => {
  it('uses the rate of each step', () => {
    const used: number[] = [];
    const trained = model(schedules.stepDecay({ initialLearningRate: 0.1, every: 2, factor: 0.5 }));
    trained.fitSync([1, 2, 3], [3, 5, 7], { epochs: 2, batchSize: 1, callbacks: { onBatchBegin: () => void used.push(trained.learningRate) } });
    close(used, [0.1, 0.1, 0.05, 0.05, 0.025, 0.025]);
  });
  it('stores a number that replaced the schedule, and nothing for a function of the user\'s', () => {
    const trained = model(every[0]);
    trained.learningRate = 0.25;
    expect(trained.toRecord().config.compile?.optimizer).toMatchObject({ learningRate: 0.25 });
    expect(model((step) => 1 / (step + 1)).toRecord().config.compile?.optimizer).toBeNull();
    // A function is no schedule because it has a config.
    expect(model(Object.assign(() => 0.1, { config: { name: 'stepDecay' } })).toRecord().config.compile?.optimizer).toBeNull();
  });
  it('takes the config instead of the schedule', () => {
    expect(checkOptimizer('test', { name: 'sgd', learningRate: every[0].config }).learningRate).toHaveProperty('config', every[0].config);
  });
});

const of = (text: string): never => JSON.parse(text) as never;
/** A config of so many schedules inside one another. */
function nested(depth: number): object {
  return depth === 1 ? { name: 'exponentialDecay', initialLearningRate: 1, decaySteps: 1, decayRate: 0.5, staircase: false } : { name: 'perEpoch', stepsPerEpoch: 1, schedule: nested(depth - 1) };
}

it.each<[what: string, bad: () => unknown, code: string, part: string]>([
  ['no options', () => schedules.cosineDecay(of('null')), 'ERR_TYPE', 'initialLearningRate, decaySteps, alpha, warmupTarget, warmupSteps'],
  ['an unknown option', () => schedules.exponentialDecay(of('{"initialLearningRate":1,"decaySteps":2,"gamma":0.5}')), 'ERR_OPTION', 'decaySteps, decayRate, staircase'],
  ['a missing rate', () => schedules.exponentialDecay(of('{"decaySteps":2,"decayRate":0.5}')), 'ERR_TYPE', 'initialLearningRate'],
  ['a negative rate', () => schedules.cosineDecay({ initialLearningRate: -1, decaySteps: 2 }), 'ERR_RANGE', 'initialLearningRate'],
  ['no decay steps', () => schedules.polynomialDecay({ initialLearningRate: 1, decaySteps: 0 }), 'ERR_RANGE', 'decaySteps'],
  ['half a step', () => schedules.exponentialDecay({ initialLearningRate: 1, decaySteps: 2.5, decayRate: 0.5 }), 'ERR_RANGE', 'decaySteps'],
  ['decayRate 0', () => schedules.exponentialDecay({ initialLearningRate: 1, decaySteps: 2, decayRate: 0 }), 'ERR_RANGE', 'decayRate'],
  ['power 0', () => schedules.polynomialDecay({ initialLearningRate: 1, decaySteps: 2, power: 0 }), 'ERR_RANGE', 'power'],
  ['a word as flag', () => schedules.polynomialDecay(of('{"initialLearningRate":1,"decaySteps":2,"cycle":"yes"}')), 'ERR_TYPE', 'cycle'],
  ['every and milestones', () => schedules.stepDecay({ initialLearningRate: 1, every: 2, milestones: [1] }), 'ERR_OPTION', 'both'],
  ['neither', () => schedules.stepDecay({ initialLearningRate: 1 }), 'ERR_OPTION', 'neither'],
  ['milestones that fall', () => schedules.stepDecay({ initialLearningRate: 1, milestones: [3, 2] }), 'ERR_RANGE', 'milestones[1]'],
  ['milestones that are no list', () => schedules.stepDecay(of('{"initialLearningRate":1,"milestones":7}')), 'ERR_TYPE', 'milestones'],
  ['boundaries that do not rise', () => schedules.piecewiseConstant({ boundaries: [2, 2], values: [1, 2, 3] }), 'ERR_RANGE', 'boundaries[1]'],
  ['too few values', () => schedules.piecewiseConstant({ boundaries: [2], values: [1] }), 'ERR_SHAPE', '2 values'],
  ['a negative value', () => schedules.piecewiseConstant({ boundaries: [2], values: [1, -1] }), 'ERR_RANGE', 'values[1]'],
  ['alpha above 1', () => schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 2, alpha: 1.5 }), 'ERR_RANGE', 'alpha'],
  ['a warm-up without target', () => schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 2, warmupSteps: 3 }), 'ERR_OPTION', 'warmupTarget'],
  ['a target without warm-up', () => schedules.cosineDecay({ initialLearningRate: 1, decaySteps: 2, warmupTarget: 3 }), 'ERR_OPTION', 'warmupSteps'],
  ['cycles that shrink', () => schedules.cosineDecayRestarts({ initialLearningRate: 1, firstDecaySteps: 2, tMul: 0.5 }), 'ERR_RANGE', 'tMul'],
  ['pctStart above 1', () => schedules.oneCycle({ maxLearningRate: 1, totalSteps: 9, pctStart: 1.1 }), 'ERR_RANGE', 'pctStart'],
  ['pctStart above a half in three phases', () => schedules.oneCycle({ maxLearningRate: 1, totalSteps: 9, pctStart: 0.6, threePhase: true }), 'ERR_RANGE', 'pctStart'],
  ['one step', () => schedules.oneCycle({ maxLearningRate: 1, totalSteps: 1 }), 'ERR_RANGE', 'totalSteps'],
  ['an unknown shape', () => schedules.oneCycle(of('{"maxLearningRate":1,"totalSteps":9,"annealStrategy":"cosine"}')), 'ERR_OPTION', 'cos, linear'],
  ['momentum upside down', () => schedules.oneCycleMomentum({ totalSteps: 9, baseMomentum: 0.9, maxMomentum: 0.8 }), 'ERR_RANGE', 'baseMomentum'],
  ['a warm-up of nothing', () => schedules.warmup(0.1, { steps: 0 }), 'ERR_RANGE', 'steps'],
  ['a warm-up of a word', () => schedules.warmup(of('"sgd"'), { steps: 1 }), 'ERR_TYPE', 'schedule'],
  ['startFactor above 1', () => schedules.warmup(0.1, { steps: 1, startFactor: 2 }), 'ERR_RANGE', 'startFactor'],
  ['stepsPerEpoch 0', () => schedules.perEpoch(0.1, 0), 'ERR_RANGE', 'stepsPerEpoch'],
  ['half a step asked for', () => every[0](0.5), 'ERR_RANGE', 'step'],
  ['a step before the first', () => every[0](-1), 'ERR_RANGE', 'step'],
  ['an unknown schedule in a file', () => checkOptimizer('test', { name: 'sgd', learningRate: { name: 'cosine' } }), 'ERR_OPTION', 'stepDecay, piecewiseConstant, exponentialDecay, polynomialDecay, cosineDecay, cosineDecayRestarts, oneCycle, warmup, perEpoch'],
  ['a warm-up without schedule in a file', () => checkOptimizer('test', { name: 'sgd', learningRate: { name: 'warmup', steps: 3 } }), 'ERR_TYPE', 'schedule'],
  ['nine schedules inside one another', () => checkOptimizer('test', { name: 'sgd', learningRate: nested(9) }), 'ERR_RANGE', 'Expected up to 8'],
  ['a schedule inside itself', () => {
    const config: { name: string; schedule: unknown } = { name: 'warmup', schedule: null };
    config.schedule = config;
    return checkOptimizer('test', { name: 'sgd', learningRate: config });
  }, 'ERR_RANGE', 'Expected up to 8'],
])('refuses %s', (_what, bad, code, part) => {
  expect(bad).toThrow(expect.objectContaining({ code, message: expect.stringContaining(part) }));
});

it('takes eight schedules inside one another', () => {
  expect(checkOptimizer('test', { name: 'sgd', learningRate: nested(8) }).learningRate).toHaveProperty('config', nested(8));
});
