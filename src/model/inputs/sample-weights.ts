// Weights of single rows: as Keras, they multiply a row's loss while the mean still divides by the number of rows.
import type { Targets } from '../../backend/contract/executor.js';
import { checkReal } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';
import type { Loss } from '../losses/index.js';
import { toMatrix } from './samples.js';

/** A factor a class: an array (one for every class) or an object from class index to factor (1 for classes it does not name). */
export type ClassWeight = readonly number[] | Readonly<Record<string, number>>;

/** @returns one weight a row, or undefined where none were given @throws ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE */
export function toSampleWeight(op: string, value: unknown, rows: number): Float64Array | undefined {
  if (value === undefined || value === null) return undefined;
  const matrix = toMatrix(value, { op, name: 'sampleWeight', features: 1, shape: [1], dtype: 'float64' });
  if (matrix.rows !== rows) {
    throw new NablaError('ERR_SHAPE', `[${op}] there is one weight a row. Expected ${rows} values for sampleWeight, received ${matrix.rows}.`);
  }
  const weights = Float64Array.from(matrix.values);
  const bad = weights.findIndex((weight) => weight < 0);
  if (bad >= 0) {
    throw new NablaError('ERR_RANGE', `[${op}] sample weights are not negative. Expected 0 or more in row ${bad} of sampleWeight, received ${show(weights[bad])}.`);
  }
  return weights;
}

/** Multiplies every row's weight by that of its class. @returns a fresh array @throws ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_OPTION */
export function applyClassWeight(op: string, classWeight: unknown, targets: Targets, rows: number, units: number, weights: Float64Array | undefined, loss: Loss): Float64Array | undefined {
  if (classWeight === undefined || classWeight === null) return weights;
  const classes = units === 1 ? 2 : units;
  const factors = new Float64Array(classes).fill(1);
  if (Array.isArray(classWeight)) {
    if (classWeight.length !== classes) {
      throw new NablaError('ERR_SHAPE', `[${op}] an array of class weights has one a class. Expected ${classes} values for classWeight, received ${classWeight.length}.`);
    }
    classWeight.forEach((factor: unknown, index) => (factors[index] = checkReal(op, `classWeight[${index}]`, factor, { minimum: 0 })));
  } else if (typeof classWeight === 'object' && !ArrayBuffer.isView(classWeight)) {
    for (const [key, factor] of Object.entries(classWeight)) {
      const index = Number(key);
      if (!/^\d+$/.test(key) || index >= classes) {
        throw new NablaError('ERR_RANGE', `[${op}] class weights are named by class index. Expected 0 to ${classes - 1} in classWeight, received ${show(key)}.`);
      }
      factors[index] = checkReal(op, `classWeight[${key}]`, factor, { minimum: 0 });
    }
  } else {
    throw new NablaError('ERR_TYPE', `[${op}] class weights are an array or an object. Expected { 0: 1, 1: 2.5 } for classWeight, received ${show(classWeight)}.`);
  }
  const result = new Float64Array(rows);
  for (let row = 0; row < rows; row++) result[row] = (weights?.[row] ?? 1) * (factors[classOf(op, targets, row, units, loss)] ?? 1);
  return result;
}

/** The class of a row. Several labels in one row, and values that name no side, have none. */
function classOf(op: string, targets: Targets, row: number, units: number, loss: Loss): number {
  if (targets.kind === 'labels') return targets.values[row] ?? 0;
  if (units === 1) {
    const value = targets.values[row] ?? 0;
    if (value >= 0 && value <= 1) return value >= 0.5 ? 1 : 0;
    if (value === -1) return 0;
    throw new NablaError('ERR_RANGE', `[${op}] class weights go with classes. Expected a target from 0 to 1, or -1, in row ${row} beside classWeight, received ${show(value)}; sampleWeight weighs rows of any kind.`);
  }
  let best = 0;
  let ones = 0;
  for (let unit = 0; unit < units; unit++) {
    const value = targets.values[row * units + unit] ?? 0;
    if (value >= 0.5) ones += 1;
    if (value > (targets.values[row * units + best] ?? 0)) best = unit;
  }
  if (loss.name === 'binaryCrossentropy' && ones !== 1) {
    throw new NablaError(
      'ERR_RANGE',
      `[${op}] a class weight is for a row of one class. Expected one label in row ${row} beside classWeight, received ${ones}; positiveWeights of losses.binaryCrossentropy weigh each output's label, sampleWeight a row.`,
    );
  }
  return best;
}
