import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { getEnvironment, setEnvironment, type Environment } from '../../src/base/environment.js';
import { Progress } from '../../src/train/progress.js';
import { classifier, samples } from '../model/support.js';

let written: string[] = [];
let time = 0;
let before: Environment;
const pretend = (isTerminal: boolean, columns = 200): void => {
  setEnvironment({ write: (text) => void written.push(text), isTerminal: () => isTerminal, columns: () => columns, now: () => time });
};
beforeEach(() => {
  before = getEnvironment();
  written = [];
  time = 0;
});
afterEach(() => { setEnvironment(before); });

const params = { epochs: 3, steps: 844, samples: 54_000 };

describe('Progress', () => {
  it('rewrites one line in place on a terminal', () => {
    pretend(true);
    const progress = new Progress(1, params, 0);
    progress.beginEpoch();
    time = 100;
    progress.update(0, 422, 27_000, { loss: 0.1234, accuracy: 0.965 });
    expect(written).toEqual(['\rEpoch 1/3  [==========>         ]  422/844  loss 0.1234  accuracy 0.9650  270k samples/s  0.5 s left']);
    time = 110;
    progress.update(0, 500, 32_000, { loss: 0.1, accuracy: 0.9 });
    expect(written).toHaveLength(1);
    time = 200;
    progress.endEpoch(0, { loss: 0.00012, accuracy: 1, val_loss: 0.5 });
    expect(written[1].trimEnd()).toBe('\rEpoch 1/3  loss 1.20e-4  accuracy 1.0000  val_loss 0.5000  0.2 s  270k samples/s  0.4 s left');
    expect(written[1].length).toBeGreaterThanOrEqual(written[0].length);
    expect(written[2]).toBe('\n');
  });

  it('keeps the figures where the terminal is narrow', () => {
    pretend(true, 80);
    const progress = new Progress(1, { epochs: 10, steps: 844, samples: 54_000 }, 0);
    progress.beginEpoch();
    time = 200;
    const logs = { loss: 0.0323, accuracy: 0.9912, val_loss: 0.0812, val_accuracy: 0.9755 };
    progress.endEpoch(9, logs);
    expect(written[0]).toBe('\rEpoch 10/10  loss 0.0323  accuracy 0.9912  val_loss 0.0812  val_accuracy 0.9755');
    progress.update(0, 400, 20_000, { loss: 0.0323, accuracy: 0.9912 });
    expect(written[2].trimEnd().length).toBeLessThanOrEqual(80);
    expect(written[2]).toMatch(/loss 0\.0323 {2}accuracy 0\.9912 {2}100k samples\/s {2}5\.2 s left/);
  });

  it('writes one line an epoch elsewhere, and with verbose 2', () => {
    for (const [verbose, terminal] of [[1, false], [2, true], [2, false]] as const) {
      written = [];
      time = 0;
      pretend(terminal);
      const progress = new Progress(verbose, params, 0);
      progress.beginEpoch();
      time = 1000;
      progress.update(0, 1, 64, { loss: 1 });
      progress.endEpoch(0, { loss: 1 });
      progress.interrupt();
      expect(written).toEqual(['Epoch 1/3  loss 1.0000  1.0 s  54k samples/s  2.0 s left\n']);
    }
  });

  it('ends an unfinished line', () => {
    pretend(true);
    const progress = new Progress(1, params, 0);
    progress.beginEpoch();
    time = 100;
    progress.update(0, 1, 64, { loss: 1 });
    progress.interrupt();
    expect(written[1]).toBe('\n');
  });

  it('is silent unless fit is told otherwise', async () => {
    pretend(false);
    const { x, y } = samples(20);
    await classifier({ seed: 1, backend: 'typescript' }).fit(x, y, { epochs: 2 });
    expect(written).toEqual([]);
    await classifier({ seed: 1, backend: 'typescript' }).fit(x, y, { epochs: 2, verbose: 2 });
    expect(written).toHaveLength(2);
    expect(written[0]).toMatch(/^Epoch 1\/2 {2}loss \d\.\d{4} {2}accuracy \d\.\d{4} /);
  });
});
