// Curves in text, as docs/schedules.md shows them.
import { schedules } from '../../../src/index.js';

const ROWS = 7;
const COLUMNS = 61;

/** @param call what is drawn, as it is written in code @param rateAt by step @param last the right-most step, a multiple of 60 */
function draw(call: string, rateAt: (step: number) => number, last: number): string {
  const values = Array.from({ length: COLUMNS }, (_, column) => rateAt((last * column) / (COLUMNS - 1)));
  const top = Math.max(...values);
  const label = (value: number): string => String(Number(value.toPrecision(3))).padStart(6);
  const lines = Array.from({ length: ROWS }, (_, row) => {
    const level = ROWS - 1 - row;
    const points = values.map((value) => (Math.round((value / top) * (ROWS - 1)) === level ? '*' : ' ')).join('').trimEnd();
    return `${row === 0 || row === ROWS - 1 ? label((top * level) / (ROWS - 1)) : ' '.repeat(6)} |${points}`;
  });
  return [call, ...lines, `        0${String(last).padStart(COLUMNS - 1)}`].join('\n');
}

const cosine = schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 48 });

/** The drawings of docs/schedules.md, in its order. */
export const drawings: readonly string[] = [
  draw('schedules.stepDecay({ initialLearningRate: 0.1, every: 15, factor: 0.5 })', schedules.stepDecay({ initialLearningRate: 0.1, every: 15, factor: 0.5 }), 60),
  draw('schedules.stepDecay({ initialLearningRate: 0.1, milestones: [30, 45], factor: 0.5 })', schedules.stepDecay({ initialLearningRate: 0.1, milestones: [30, 45], factor: 0.5 }), 60),
  draw('schedules.piecewiseConstant({ boundaries: [10, 40], values: [0.05, 0.1, 0.02] })', schedules.piecewiseConstant({ boundaries: [10, 40], values: [0.05, 0.1, 0.02] }), 60),
  draw('schedules.exponentialDecay({ initialLearningRate: 0.1, decaySteps: 20, decayRate: 0.3 })', schedules.exponentialDecay({ initialLearningRate: 0.1, decaySteps: 20, decayRate: 0.3 }), 60),
  draw('schedules.polynomialDecay({ initialLearningRate: 0.1, decaySteps: 50, power: 2 })', schedules.polynomialDecay({ initialLearningRate: 0.1, decaySteps: 50, power: 2 }), 60),
  draw('schedules.polynomialDecay({ initialLearningRate: 0.1, decaySteps: 20, cycle: true })', schedules.polynomialDecay({ initialLearningRate: 0.1, decaySteps: 20, cycle: true }), 60),
  draw('schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 50, alpha: 0.1 })', schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 50, alpha: 0.1 }), 60),
  draw('schedules.cosineDecay({ initialLearningRate: 0, decaySteps: 48, warmupTarget: 0.1, warmupSteps: 12 })', schedules.cosineDecay({ initialLearningRate: 0, decaySteps: 48, warmupTarget: 0.1, warmupSteps: 12 }), 60),
  draw('schedules.cosineDecayRestarts({ initialLearningRate: 0.1, firstDecaySteps: 9, mMul: 0.8 })', schedules.cosineDecayRestarts({ initialLearningRate: 0.1, firstDecaySteps: 9, mMul: 0.8 }), 60),
  draw('schedules.oneCycle({ maxLearningRate: 0.1, totalSteps: 60 })', schedules.oneCycle({ maxLearningRate: 0.1, totalSteps: 60 }), 60),
  draw("schedules.oneCycle({ maxLearningRate: 0.1, totalSteps: 60, threePhase: true, pctStart: 0.4, annealStrategy: 'linear' })", schedules.oneCycle({ maxLearningRate: 0.1, totalSteps: 60, threePhase: true, pctStart: 0.4, annealStrategy: 'linear' }), 60),
  draw('schedules.warmup(schedules.cosineDecay({ initialLearningRate: 0.1, decaySteps: 48 }), { steps: 12 })', schedules.warmup(cosine, { steps: 12 }), 60),
  draw('schedules.perEpoch(schedules.exponentialDecay({ initialLearningRate: 0.1, decaySteps: 1, decayRate: 0.7 }), 100)', schedules.perEpoch(schedules.exponentialDecay({ initialLearningRate: 0.1, decaySteps: 1, decayRate: 0.7 }), 100), 600),
];
