// A loss that is a function of the user's.
import type { FloatArray, ArrayInput } from '../../base/arrays.js';
import { checkBoolean, checkOptions } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';

/** What a custom loss is told besides outputs and targets. */
export interface CustomLossBatch {
  readonly rows: number;
  /** Numbers of a row. */
  readonly units: number;
  /** One factor a row, class weights included; null where fit was given none. Only where the loss was made with `weighted: true`. */
  readonly sampleWeight: Float64Array | null;
}

/** What a custom loss gives back. */
export interface CustomLossResult {
  /** Mean over the batch's rows. */
  readonly loss: number;
  /** (rows, units): the gradient of `loss` with respect to the outputs. */
  readonly gradient: ArrayInput;
}

/** Options of {@link losses.custom}. */
export interface CustomLossOptions {
  /** How errors and model files call it. */
  readonly name: string;
  /** @param outputs (rows, units) @param targets (rows, units), both in the model's dtype and yours to change */
  readonly compute: (outputs: FloatArray, targets: FloatArray, batch: CustomLossBatch) => CustomLossResult;
  /** The function takes `batch.sampleWeight` into account. Default false: sample and class weights are refused. */
  readonly weighted?: boolean;
}

/** A custom loss as model files hold it: its function they cannot. */
export interface CustomLossConfig {
  readonly name: 'custom';
  readonly lossName: string;
  readonly weighted: boolean;
}

/** A loss made by {@link losses.custom}. */
export class CustomLoss {
  readonly name = 'custom';
  readonly lossName: string;
  readonly weighted: boolean;
  /** null: read from a file, which holds no functions. */
  readonly compute: CustomLossOptions['compute'] | null;

  /** Use {@link losses.custom}. */
  constructor(lossName: string, compute: CustomLossOptions['compute'] | null, weighted: boolean) {
    this.lossName = lossName;
    this.compute = compute;
    this.weighted = weighted;
    Object.freeze(this);
  }

  /** As plain data. */
  toConfig(): CustomLossConfig {
    return { name: this.name, lossName: this.lossName, weighted: this.weighted };
  }
}

/** @throws ERR_OPTION, ERR_TYPE */
export function customLoss(options: CustomLossOptions): CustomLoss {
  const op = 'losses.custom';
  checkOptions(op, options, ['name', 'compute', 'weighted']);
  const compute: unknown = options.compute;
  if (typeof compute !== 'function') {
    throw new NablaError('ERR_TYPE', `[${op}] the loss is a function. Expected (outputs, targets) => ({ loss, gradient }) for compute, received ${show(compute)}.`);
  }
  return new CustomLoss(checkLossName(op, options.name), options.compute, checkBoolean(op, 'weighted', options.weighted ?? false));
}

/** What a model file held in place of a loss, or null where it is none of the user's. @throws ERR_TYPE */
export function storedCustomLoss(op: string, value: unknown): CustomLoss | null {
  if (typeof value !== 'object' || value === null || !('name' in value) || value.name !== 'custom') return null;
  const weighted = 'weighted' in value ? value.weighted : false;
  return new CustomLoss(checkLossName(op, 'lossName' in value ? value.lossName : undefined), null, checkBoolean(op, 'weighted', weighted));
}

function checkLossName(op: string, name: unknown): string {
  if (typeof name === 'string' && name !== '') return name;
  throw new NablaError('ERR_TYPE', `[${op}] a loss has a name. Expected a text such as 'pinball' for name, received ${show(name)}.`);
}

/** Refuses weights that the function would not look at. @throws ERR_OPTION */
export function checkWeightable(op: string, loss: { readonly name: string }, weights: 'sampleWeight' | 'classWeight', given: unknown): void {
  if (given === undefined || given === null || !(loss instanceof CustomLoss) || loss.weighted) return;
  throw new NablaError(
    'ERR_OPTION',
    `[${op}] a custom loss weighs its rows itself. Expected no ${weights}, or losses.custom({ ..., weighted: true }) and a function that uses batch.sampleWeight, received ${weights} for '${loss.lossName}'.`,
  );
}
