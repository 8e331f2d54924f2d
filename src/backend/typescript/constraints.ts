// What a parameter is brought back to after an update.
import type { DType } from '../../base/arrays.js';
import type { ConstraintSpec } from '../contract/spec.js';
import { roundedTo, storeAs } from './reductions.js';

/** Added to a norm before it divides (Keras). */
const NORM_GUARD = 1e-7;

/** values (units, inputs), in place: negative ones become 0, or each unit's values are multiplied so that their norm is 1, or at most maxValue. */
export function constrain(constraint: ConstraintSpec, dtype: DType, values: Float64Array, units: number, inputs: number): void {
  if (constraint.name === 'nonNegative') {
    for (let i = 0; i < values.length; i++) if (values[i] < 0) values[i] = 0;
    return;
  }
  for (let o = 0; o < units; o++) {
    let sum = 0;
    for (let i = o * inputs; i < (o + 1) * inputs; i++) sum += values[i] * values[i];
    const norm = Math.sqrt(sum);
    const wanted = constraint.name === 'unitNorm' ? 1 : norm > constraint.maxValue ? constraint.maxValue : norm;
    const factor = roundedTo(dtype, wanted / (NORM_GUARD + norm));
    for (let i = o * inputs; i < (o + 1) * inputs; i++) values[i] *= factor;
  }
  storeAs(dtype, values);
}
