// The suite that every backend passes, in parts.
import { it } from 'vitest';
import type { DType } from '../../src/base/arrays.js';
import { activationCases } from './cases/activations.js';
import { dataCases } from './cases/data.js';
import { errorCases } from './cases/errors.js';
import { limitCases } from './cases/limits.js';
import { lossCases } from './cases/losses.js';
import { maskCases } from './cases/masks.js';
import { passCases } from './cases/passes.js';
import { stateCases } from './cases/states.js';
import { stepCases } from './cases/steps.js';
import { updateCases } from './cases/updates.js';
import { valueLossCases } from './cases/value-losses.js';
import type { Configuration } from './configurations.js';

/** What a part gets: the configuration, the dtype, and `it` with counting. */
export interface Suite {
  readonly make: Configuration['make'];
  readonly isa: Configuration['isa'];
  readonly dtype: DType;
  /** Rounding noise of one step, relative to the largest magnitude: the stated bounds of docs/numerics.md. */
  readonly tolerance: number;
  test(name: string, body: () => void | Promise<void>): void;
}

let count = 0;
/** Cases that ran so far in this file. */
export const casesRun = (): number => count;

export function executorCases({ make, isa }: Configuration, dtype: DType): void {
  const suite: Suite = {
    make, isa, dtype,
    tolerance: dtype === 'float64' ? 1e-12 : 1e-5,
    test(name, body) {
      it(name, async () => {
        count++;
        await body();
      });
    },
  };
  for (const cases of [stepCases, dataCases, activationCases, lossCases, valueLossCases, updateCases, limitCases, maskCases, passCases, stateCases, errorCases]) cases(suite);
}
