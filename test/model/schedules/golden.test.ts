// Schedules against PyTorch: test/golden/schedules, made by scripts/golden/schedules_goldens.py. Their steps are our steps.
import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { callbacks, schedules, type CallbackContext } from '../../../src/index.js';
import { golden, goldenJson } from '../../golden-files.js';

interface ScheduleCase {
  readonly id: string;
  readonly schedule: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly base_lr: number;
  readonly steps: number;
  readonly lr_used_at_step: readonly number[];
  readonly momentum_used_at_step?: readonly number[];
  readonly metric_reported_after_step?: readonly number[];
}

const FILES = 26;
// |a - b| <= 1e-10·|b|; worst measured 2.0e-14, near the end of a cosine that goes down to 0.
const TOLERANCE = 1e-10;
let worst = 0;
const ran = new Set<string>();
let compared = 0;

function check(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    const error = Math.abs(actual[i] - value) / Math.max(Math.abs(value), Number.MIN_VALUE);
    if (!(error <= TOLERANCE)) expect.fail(`step ${i}: ${actual[i]} instead of ${value}`);
    worst = Math.max(worst, error);
    compared += 1;
  });
}

/** A parameter of a case, which has it. */
function number({ parameters }: ScheduleCase, name: string): number {
  const value = parameters[name];
  if (typeof value !== 'number') throw new Error(`${name} is missing`);
  return value;
}
/** PyTorch's options under our names, left out where the case leaves PyTorch's default. */
function renamed({ parameters }: ScheduleCase, names: Readonly<Record<string, string>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(names).filter(([theirs]) => theirs in parameters).map(([theirs, ours]) => [ours, parameters[theirs]]));
}
const cycleNames = { total_steps: 'totalSteps', pct_start: 'pctStart', anneal_strategy: 'annealStrategy', three_phase: 'threePhase' };

/** Reports the case's figures to the callback; rates as PyTorch used them. */
function plateauRates(of: ScheduleCase): number[] {
  const figures = of.metric_reported_after_step ?? [];
  const callback = callbacks.reduceLROnPlateau({
    monitor: 'figure', mode: 'min',
    ...renamed(of, { mode: 'mode', factor: 'factor', patience: 'patience', threshold: 'threshold', threshold_mode: 'thresholdMode', cooldown: 'cooldown', min_lr: 'minLearningRate', eps: 'eps' }),
  });
  const model = { stopTraining: false, learningRate: of.base_lr, getWeights: () => [], setWeights: () => undefined };
  const params = { epochs: figures.length, batchSize: 1, samples: 1, steps: 1 };
  const context: CallbackContext = { model, params, history: { epoch: [], history: {}, params } };
  callback.onTrainBegin();
  return figures.map((figure, epoch) => {
    const logs: Record<string, number> = { figure };
    callback.onEpochEnd(epoch, logs, context);
    return logs['learning_rate'];
  });
}

/** Our function for a case. */
function scheduleOf(of: ScheduleCase): (step: number) => number {
  const initialLearningRate = of.base_lr;
  switch (of.schedule) {
    case 'StepLR':
      return schedules.stepDecay({ initialLearningRate, every: number(of, 'step_size'), factor: number(of, 'gamma') });
    case 'MultiStepLR':
      return schedules.stepDecay({ initialLearningRate, milestones: of.parameters['milestones'] as number[], factor: number(of, 'gamma') });
    case 'ExponentialLR':
      return schedules.exponentialDecay({ initialLearningRate, decaySteps: 1, decayRate: number(of, 'gamma') });
    case 'CosineAnnealingLR':
      return schedules.cosineDecay({ initialLearningRate, decaySteps: number(of, 'T_max'), alpha: number(of, 'eta_min') / initialLearningRate });
    case 'CosineAnnealingWarmRestarts':
      return schedules.cosineDecayRestarts({
        initialLearningRate, firstDecaySteps: number(of, 'T_0'), tMul: number(of, 'T_mult'), alpha: number(of, 'eta_min') / initialLearningRate,
      });
    case 'OneCycleLR':
      return schedules.oneCycle({
        maxLearningRate: number(of, 'max_lr'), totalSteps: number(of, 'total_steps'), ...renamed(of, { ...cycleNames, div_factor: 'divFactor', final_div_factor: 'finalDivFactor' }),
      });
    case 'LinearLR':
      return schedules.warmup(initialLearningRate, { steps: number(of, 'total_iters'), startFactor: number(of, 'start_factor') });
    case 'linear warm-up (t+1)/T then constant':
      return schedules.warmup(initialLearningRate, { steps: number(of, 'warmup_steps') });
    case 'linear warm-up (t+1)/T for t<T, then cosine from base to min over N-T steps': {
      const [steps, total] = [number(of, 'warmup_steps'), number(of, 'total_steps')];
      const cosine = schedules.cosineDecay({ initialLearningRate, decaySteps: total - steps, alpha: number(of, 'min_lr') / initialLearningRate });
      return schedules.warmup(cosine, { steps });
    }
  }
  throw new Error(`no schedule for ${of.schedule}`);
}

const names = readdirSync(golden('schedules'));
const cases = names.map((name) => goldenJson(`schedules/${name}`) as ScheduleCase);

describe('schedules and PyTorch', () => {
  it.each(cases)('$id', (of) => {
    ran.add(of.id);
    expect(of.lr_used_at_step.length).toBe(of.steps);
    if (of.schedule === 'ReduceLROnPlateau') {
      check(plateauRates(of), of.lr_used_at_step);
      return;
    }
    const schedule = scheduleOf(of);
    // PyTorch's plain cosine rises again after T_max; ours, like Keras's, stays down.
    const steps = of.schedule === 'CosineAnnealingLR' ? number(of, 'T_max') + 1 : of.steps;
    check(Array.from({ length: steps }, (_, step) => schedule(step)), of.lr_used_at_step.slice(0, steps));
    if (of.momentum_used_at_step !== undefined) {
      const momentum = schedules.oneCycleMomentum({ totalSteps: of.steps, ...renamed(of, { ...cycleNames, base_momentum: 'baseMomentum', max_momentum: 'maxMomentum' }) });
      check(Array.from({ length: of.steps }, (_, step) => momentum(step)), of.momentum_used_at_step);
    }
  });

  afterAll(() => {
    console.log(`schedules: ${ran.size} of ${names.length} files, ${compared} numbers, worst relative difference ${worst}`);
    expect(names.length).toBe(FILES);
    expect([...ran].map((id) => `sched_${id}.json`).sort()).toEqual([...names].sort());
  });
});
