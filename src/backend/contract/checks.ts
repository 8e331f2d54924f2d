// What both backends refuse before anything changes: the meaning of specs, data and calls. Types are checked too, since callers may be JavaScript.
import type { InputArray, DType, FloatArray } from '../../base/arrays.js';
import { NablaError, show } from '../../base/errors.js';
import type { NablaErrorCode } from '../../base/errors.js';
import type { ExecutorState, LoadOptions, GemmChoice, PlanChoice, Rows, TrainOptions, WeightsChoice } from './executor.js';
import { activationOps, lossOps, namesOf, optimizerOps } from './ops.js';
import { checkSettings } from './settings.js';
import { outputSize, parameterShapes, slotNames, statisticShapes, STEP_NUMBERS, takesBatchStatistics } from './spec.js';
import type { ActivationSpec, ClippingSpec, ConstraintSpec, NetworkSpec } from './spec.js';

function fail(code: NablaErrorCode, op: string, rule: string, expected: string, name: string, received: unknown): never {
  throw new NablaError(code, `[${op}] ${rule}. Expected ${expected} for ${name}, received ${show(received)}.`);
}

function number(op: string, name: string, value: unknown, rule: string, expected: string, accept: (value: number) => boolean): void {
  if (typeof value !== 'number') fail('ERR_TYPE', op, rule, expected, name, value);
  if (!accept(value)) fail('ERR_RANGE', op, rule, expected, name, value);
}

function whole(op: string, name: string, value: unknown, lowest: number, rule: string): void {
  number(op, name, value, rule, `a whole number of at least ${lowest}`, (n) => Number.isInteger(n) && n >= lowest);
}

function oneOf(op: string, name: string, value: unknown, valid: readonly unknown[]): void {
  if (!valid.includes(value)) fail('ERR_OPTION', op, `unknown ${name}`, `one of ${valid.map((item) => JSON.stringify(item)).join(', ')}`, name, value);
}

function flag(op: string, name: string, value: unknown): void {
  if (typeof value !== 'boolean') fail('ERR_TYPE', op, `${name} is a flag`, 'true or false', name, value);
}

function factors(op: string, name: string, values: unknown, count: number): void {
  if (values === null) return;
  if (!Array.isArray(values)) fail('ERR_TYPE', op, `${name} are numbers, one an output`, 'an array or null', name, values);
  if (values.length !== count) fail('ERR_SHAPE', op, `${name} has one number an output`, `${count} numbers`, name, values);
  values.forEach((value, i) => number(op, `${name}[${i}]`, value, 'factors are finite and not negative', 'a finite number of at least 0', atLeastZero));
}

const atLeastZero = (n: number): boolean => n >= 0 && n < Infinity;
const aboveZero = (n: number): boolean => n > 0 && n < Infinity;
const belowOne = (n: number): boolean => n >= 0 && n < 1;

/** Refuses specs that no backend can build. @throws ERR_OPTION, ERR_TYPE, ERR_RANGE, ERR_SHAPE */
export function checkSpec(op: string, spec: NetworkSpec): void {
  whole(op, 'inputSize', spec.inputSize, 1, 'samples have features');
  oneOf(op, 'dtype', spec.dtype, ['float32', 'float64']);
  oneOf(op, 'head', spec.head, ['none', 'softmax', 'sigmoid']);
  number(op, 'seed', spec.seed, 'a seed is a whole number', '0 to 2^53-1', (n) => Number.isSafeInteger(n) && n >= 0);
  const layers: unknown = spec.layers;
  if (!Array.isArray(layers)) fail('ERR_TYPE', op, 'a network is a list of layers', 'an array', 'layers', layers);
  let denseSeen = false;
  let othersSeen = false;
  spec.layers.forEach((layer, index) => {
    const at = `layers[${index}]`;
    oneOf(op, `${at}.kind`, layer.kind, ['dense', 'rescaling', 'normalization', 'flatten', 'dropout', 'activation', 'gaussianNoise', 'prelu', 'layerNormalization', 'batchNormalization']);
    switch (layer.kind) {
      case 'dense':
        whole(op, `${at}.units`, layer.units, 1, 'a dense layer has units');
        flag(op, `${at}.useBias`, layer.useBias);
        checkActivationSpec(op, `${at}.activation`, layer.activation);
        number(op, `${at}.l2`, layer.l2, 'l2 is a penalty', 'a finite number of at least 0', atLeastZero);
        if (layer.l1 !== undefined) number(op, `${at}.l1`, layer.l1, 'l1 is a penalty', 'a finite number of at least 0', atLeastZero);
        checkConstraintSpec(op, `${at}.kernelConstraint`, layer.kernelConstraint, ['nonNegative', 'maxNorm', 'unitNorm']);
        checkConstraintSpec(op, `${at}.biasConstraint`, layer.biasConstraint, ['nonNegative']);
        number(op, `${at}.learningRateFactor`, layer.learningRateFactor, 'the factor scales the learning rate', 'a finite number of at least 0', atLeastZero);
        denseSeen = othersSeen = true;
        return;
      case 'rescaling':
        number(op, `${at}.scale`, layer.scale, 'rescaling multiplies', 'a finite number', Number.isFinite);
        number(op, `${at}.offset`, layer.offset, 'rescaling adds', 'a finite number', Number.isFinite);
        if (othersSeen) fail('ERR_OPTION', op, 'rescaling belongs to the load of the samples', 'no dense or dropout layer before it', at, layer.kind);
        return;
      case 'normalization':
        checkFeatures(op, `${at}.mean`, layer.mean, spec, 'numbers of the network\'s type', (n) => Number.isFinite(spec.dtype === 'float32' ? Math.fround(n) : n));
        checkFeatures(op, `${at}.variance`, layer.variance, spec, 'finite numbers of at least 0', atLeastZero);
        if (othersSeen) fail('ERR_OPTION', op, 'normalization belongs to the load of the samples', 'no dense or dropout layer before it', at, layer.kind);
        return;
      case 'dropout':
        number(op, `${at}.rate`, layer.rate, 'dropout keeps something', 'a number in [0, 1)', belowOne);
        othersSeen = true;
        return;
      case 'flatten':
        return;
      case 'activation':
        checkActivationSpec(op, `${at}.activation`, layer.activation);
        break;
      case 'gaussianNoise':
        number(op, `${at}.deviation`, layer.deviation, 'a deviation is a width', 'a finite number of at least 0', atLeastZero);
        break;
      case 'prelu':
        checkTrained(op, at, layer);
        break;
      case 'batchNormalization':
        number(op, `${at}.momentum`, layer.momentum, 'momentum keeps a part', 'a number in [0, 1]', (n) => n >= 0 && n <= 1);
        checkNormalization(op, at, layer);
        break;
      case 'layerNormalization':
        checkNormalization(op, at, layer);
        break;
    }
    othersSeen = true;
  });
  if (!denseSeen) fail('ERR_OPTION', op, 'a network has something to learn', 'at least one dense layer', 'layers', spec.layers);
  checkLossSpec(op, spec);
  checkOptimizerSpec(op, spec);
}

function checkTrained(op: string, at: string, layer: { readonly trainable?: boolean }): void {
  if (layer.trainable !== undefined) flag(op, `${at}.trainable`, layer.trainable);
}

function checkNormalization(op: string, at: string, layer: { readonly epsilon: number; readonly center: boolean; readonly scale: boolean; readonly trainable?: boolean }): void {
  checkTrained(op, at, layer);
  number(op, `${at}.epsilon`, layer.epsilon, 'epsilon guards a root and a division', 'a finite number above 0', (n) => n > 0 && n < Infinity);
  flag(op, `${at}.center`, layer.center);
  flag(op, `${at}.scale`, layer.scale);
}

/** Refuses training batches without statistics. @param rows of the smallest batch @throws ERR_RANGE */
export function checkBatchRows(op: string, spec: NetworkSpec, rows: number): void {
  if (rows < 2 && spec.layers.some(takesBatchStatistics)) {
    fail('ERR_RANGE', op, 'batch normalization learns from the differences of a batch\'s rows (another batchSize leaves no single row at the end)', 'at least 2', 'rows of each batch', rows);
  }
}

function checkFeatures(op: string, at: string, values: unknown, spec: NetworkSpec, expected: string, accept: (n: number) => boolean): void {
  const rule = 'each feature has its statistics';
  if (!Array.isArray(values)) fail('ERR_TYPE', op, rule, 'an array of numbers', at, values);
  if (values.length !== spec.inputSize) fail('ERR_SHAPE', op, rule, `${spec.inputSize} numbers`, at, values);
  values.forEach((value, i) => number(op, `${at}[${i}]`, value, rule, expected, accept));
}

function checkActivationSpec(op: string, at: string, activation: ActivationSpec): void {
  oneOf(op, at, activation.name, namesOf(activationOps));
  checkSettings(op, `${at}.`, activationOps[activation.name].settings, activation);
}

function checkConstraintSpec(op: string, at: string, constraint: ConstraintSpec | undefined, names: readonly string[]): void {
  if (constraint === undefined) return;
  if (typeof constraint !== 'object' || constraint === null) fail('ERR_TYPE', op, 'a constraint is an object with a name', `one of ${names.join(', ')}`, at, constraint);
  oneOf(op, at, constraint.name, names);
  if (constraint.name === 'maxNorm') number(op, `${at}.maxValue`, constraint.maxValue, 'a norm has a limit', 'a finite number above 0', aboveZero);
}

function checkClippingSpec(op: string, clipping: ClippingSpec): void {
  const { clipvalue, clipnorm, globalClipnorm, normType } = clipping;
  const given = Object.entries({ clipvalue, clipnorm, globalClipnorm }).filter(([, limit]) => limit !== undefined);
  for (const [name, limit] of given) number(op, name, limit, 'gradients have a limit', 'a finite number above 0', aboveZero);
  if (given.length > 1) fail('ERR_OPTION', op, 'gradients are clipped in one way', 'one of clipvalue, clipnorm, globalClipnorm', 'the optimizer', given.map(([name]) => name).join(', '));
  if (normType === undefined) return;
  oneOf(op, 'normType', normType, [1, 2, 'inf']);
  if (clipnorm === undefined && globalClipnorm === undefined) fail('ERR_OPTION', op, 'normType belongs to a norm', 'clipnorm or globalClipnorm beside it', 'normType', normType);
}

function checkLossSpec(op: string, spec: NetworkSpec): void {
  const { loss } = spec;
  if (loss === null) return;
  oneOf(op, 'loss', loss.name, namesOf(lossOps));
  oneOf(op, 'reduction', loss.reduction, ['mean', 'sum']);
  checkSettings(op, '', lossOps[loss.name].settings, loss);
  if (loss.name === 'softmaxCrossEntropy') factors(op, 'classWeights', loss.classWeights, outputSize(spec));
  if (loss.name === 'sigmoidCrossEntropy') factors(op, 'positiveWeights', loss.positiveWeights, outputSize(spec));
}

function checkOptimizerSpec(op: string, spec: NetworkSpec): void {
  const { optimizer } = spec;
  if (optimizer === null) return;
  oneOf(op, 'optimizer', optimizer.name, namesOf(optimizerOps));
  checkSettings(op, '', optimizerOps[optimizer.name].settings, optimizer);
  checkClippingSpec(op, optimizer);
}

/** Bytes of parameters, gradients and optimizer state. @param bytesPerNumber of the backend's storage */
export function memoryWanted(spec: NetworkSpec, bytesPerNumber: number): number {
  const numbers = parameterShapes(spec).reduce((sum, shape) => sum + shape.size, 0);
  return numbers * bytesPerNumber * (2 + (spec.optimizer === null ? 0 : slotNames(spec.optimizer).length));
}

/** @throws ERR_MEMORY where `wanted` bytes are more than `limit` */
export function checkMemory(op: string, what: string, wanted: number, limit: number): void {
  if (wanted <= limit) return;
  const mebibytes = (bytes: number): string => `${Math.ceil(bytes / 1048576)} MiB`;
  throw new NablaError('ERR_MEMORY', `[${op}] ${what} must fit in memory. Expected at most ${mebibytes(limit)}, received ${mebibytes(wanted)}.`);
}

/** Refuses arrays that are no samples; what they hold is not looked at. @throws ERR_TYPE, ERR_RANGE, ERR_SHAPE */
export function checkInputShape(op: string, name: string, x: InputArray, rows: number, columns: number): void {
  if (!(x instanceof Uint8Array || x instanceof Float32Array || x instanceof Float64Array)) {
    fail('ERR_TYPE', op, `${name} holds numbers in a known layout`, 'a Uint8Array, Float32Array or Float64Array', name, x);
  }
  whole(op, 'rows', rows, 1, `${name} has rows`);
  if (x.length !== rows * columns) fail('ERR_SHAPE', op, `${name} has rows times columns numbers`, `${rows} x ${columns} = ${rows * columns} numbers`, name, x);
}

/** Finds what a network of a dtype cannot use. @see Executor.firstUnusable */
export type FindUnusable = (x: InputArray) => number;

/** firstUnusable in plain TypeScript. */
export function findUnusable(dtype: DType): FindUnusable {
  return (x) => {
    if (x instanceof Uint8Array) return -1;
    if (x instanceof Float32Array) return firstNonFinite32(x);
    return dtype === 'float32' ? firstBeyondFloat32(x) : firstNonFinite64(x);
  };
}

// NaN - NaN and inf - inf are NaN: one subtraction finds both. One function a type keeps the loops monomorphic.
function firstNonFinite32(values: Float32Array): number {
  for (let i = 0; i < values.length; i++) if (values[i] - values[i] !== 0) return i;
  return -1;
}
function firstNonFinite64(values: Float64Array): number {
  for (let i = 0; i < values.length; i++) if (values[i] - values[i] !== 0) return i;
  return -1;
}
function firstBeyondFloat32(values: Float64Array): number {
  for (let i = 0; i < values.length; i++) {
    const value = Math.fround(values[i]);
    if (value - value !== 0) return i;
  }
  return -1;
}

/** Refuses arrays that are no samples. @throws ERR_TYPE, ERR_RANGE, ERR_SHAPE, ERR_NON_FINITE with row and column */
export function checkInput(op: string, name: string, x: InputArray, rows: number, columns: number, find: FindUnusable): void {
  checkInputShape(op, name, x, rows, columns);
  const bad = find(x);
  if (bad >= 0) failAt(op, name, "a finite number of the network's type", 'ERR_NON_FINITE', 'numbers are finite', x[bad], bad, columns);
}

function failAt(op: string, name: string, expected: string, code: NablaErrorCode, rule: string, value: number, index: number, columns: number): never {
  fail(code, op, rule, expected, `${name} row ${Math.floor(index / columns)}, column ${index % columns}`, value);
}

/** Refuses what cannot be loaded. @throws ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_OPTION, ERR_NON_FINITE */
export function checkLoad(spec: NetworkSpec, options: LoadOptions, find: FindUnusable): void {
  const op = 'load';
  const { x, rows, y, sampleWeight } = options;
  const look: FindUnusable = options.scanned === true ? () => -1 : find;
  checkInput(op, 'x', x, rows, spec.inputSize, look);
  const outputs = outputSize(spec);
  if (y !== undefined) {
    oneOf(op, 'y.kind', y.kind, ['labels', 'values']);
    if (y.kind === 'labels') {
      if (!(y.values instanceof Int32Array)) fail('ERR_TYPE', op, 'labels are class indices', 'an Int32Array', 'y', y.values);
      if (y.values.length !== rows) fail('ERR_SHAPE', op, 'there is one label a row', `${rows} labels`, 'y', y.values);
      if (spec.loss !== null && spec.loss.name !== 'softmaxCrossEntropy') {
        fail('ERR_OPTION', op, `class labels go with softmaxCrossEntropy, not with ${spec.loss.name}`, '"values"', 'y.kind', y.kind);
      }
      for (let row = 0; row < rows; row++) {
        const label = y.values[row];
        if (label < 0 || label >= outputs) failAt(op, 'y', `a label from 0 to ${outputs - 1}`, 'ERR_RANGE', 'labels name outputs', label, row, 1);
      }
    } else checkInput(op, 'y', y.values, rows, outputs, look);
  }
  if (sampleWeight === undefined) return;
  if (!(sampleWeight instanceof Float64Array)) fail('ERR_TYPE', op, 'sample weights are numbers, one a row', 'a Float64Array', 'sampleWeight', sampleWeight);
  if (sampleWeight.length !== rows) fail('ERR_SHAPE', op, 'there is one sample weight a row', `${rows} weights`, 'sampleWeight', sampleWeight);
  for (let row = 0; row < rows; row++) {
    const weight = sampleWeight[row];
    if (weight - weight !== 0) failAt(op, 'sampleWeight', 'a finite number', 'ERR_NON_FINITE', 'numbers are finite', weight, row, 1);
    if (weight < 0) failAt(op, 'sampleWeight', 'a number of at least 0', 'ERR_RANGE', 'sample weights are not negative', weight, row, 1);
  }
}

/** Refuses row ranges outside the data. @throws ERR_TYPE, ERR_RANGE */
export function checkRows(op: string, rows: Rows, available: number): void {
  const { order, from, to } = rows;
  if (order !== null && !(order instanceof Uint32Array)) fail('ERR_TYPE', op, 'an order lists rows', 'a Uint32Array or null', 'order', order);
  const positions = order === null ? available : order.length;
  whole(op, 'from', from, 0, 'a range starts inside the order');
  whole(op, 'to', to, 0, 'a range ends inside the order');
  if (to > positions) fail('ERR_RANGE', op, 'a range ends inside the order', `at most ${positions}`, 'to', to);
  if (from >= to) fail('ERR_RANGE', op, 'a range has rows', `less than to (${to})`, 'from', from);
  if (order === null) return;
  for (let i = from; i < to; i++) {
    if (order[i] >= available) fail('ERR_RANGE', op, 'an order names rows that exist', `a row below ${available}`, `order[${i}]`, order[i]);
  }
}

/** Steps of all passes of a call. */
export function stepCount(options: Pick<TrainOptions, 'from' | 'to' | 'batchSize' | 'repeat'>): number {
  return Math.ceil((options.to - options.from) / options.batchSize) * (options.repeat ?? 1);
}

/** Refuses training calls that cannot run; what the scalars hold is not looked at. @throws ERR_STATE, ERR_TYPE, ERR_RANGE, ERR_SHAPE */
export function checkTrainShape(spec: NetworkSpec, options: TrainOptions, available: number): void {
  const op = 'trainSteps';
  checkTrainable(op, spec);
  checkRows(op, options, available);
  whole(op, 'batchSize', options.batchSize, 1, 'a batch has rows');
  if (options.repeat !== undefined) whole(op, 'repeat', options.repeat, 1, 'there is at least one pass');
  const rows = options.to - options.from;
  checkBatchRows(op, spec, rows % options.batchSize === 0 ? Math.min(options.batchSize, rows) : rows % options.batchSize);
  const steps = stepCount(options);
  const firstStep = options.firstStep ?? 0;
  whole(op, 'firstStep', firstStep, 0, 'steps are counted from 0');
  if (firstStep >= steps) fail('ERR_RANGE', op, 'the first step is one of the steps', `less than ${steps}`, 'firstStep', firstStep);
  checkStepScalars(op, options.stepScalars, steps, STEP_NUMBERS);
  if (options.maxMilliseconds !== undefined) number(op, 'maxMilliseconds', options.maxMilliseconds, 'a slice takes time', 'a number of at least 0', (n) => n >= 0);
  if (options.outputs !== undefined) flag(op, 'outputs', options.outputs);
}

/** Refuses training calls that cannot run. @throws ERR_STATE, ERR_TYPE, ERR_RANGE, ERR_SHAPE, ERR_NON_FINITE */
export function checkTrain(spec: NetworkSpec, options: TrainOptions, available: number): void {
  checkTrainShape(spec, options, available);
  checkScalarsFinite('trainSteps', 'stepScalars', options.stepScalars);
}

function checkScalarsShape(op: string, name: string, scalars: Float64Array, count: number): void {
  if (!(scalars instanceof Float64Array)) fail('ERR_TYPE', op, 'step scalars are doubles', 'a Float64Array', name, scalars);
  if (scalars.length !== count) fail('ERR_SHAPE', op, 'every step has its scalars', `${count} numbers`, name, scalars);
}

function checkStepScalars(op: string, scalars: Float64Array, steps: number, width: number): void {
  if (!(scalars instanceof Float64Array) || scalars.length !== width) checkScalarsShape(op, 'stepScalars', scalars, steps * width);
}

/** Numbers from one step's scalars to the next one's. */
export function scalarStride({ stepScalars }: Pick<TrainOptions, 'stepScalars'>): number {
  return stepScalars.length === STEP_NUMBERS ? 0 : STEP_NUMBERS;
}

function checkScalarsFinite(op: string, name: string, scalars: Float64Array): void {
  // NaN - NaN and inf - inf are NaN: one subtraction finds both.
  for (let i = 0; i < scalars.length; i++) if (scalars[i] - scalars[i] !== 0) fail('ERR_NON_FINITE', op, 'step scalars are finite', 'a finite number', `${name}[${i}]`, scalars[i]);
}

/** Refuses step scalars that no optimizer can use. @throws ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE */
export function checkScalars(op: string, name: string, scalars: Float64Array, count: number): void {
  checkScalarsShape(op, name, scalars, count);
  checkScalarsFinite(op, name, scalars);
}

/** @returns loss and optimizer of a spec that has both @throws ERR_STATE where one is missing */
export function checkTrainable(op: string, spec: NetworkSpec): { loss: NonNullable<NetworkSpec['loss']>; optimizer: NonNullable<NetworkSpec['optimizer']> } {
  const { loss, optimizer } = spec;
  if (loss === null) fail('ERR_STATE', op, 'the network has a loss', 'a loss', 'spec.loss', null);
  if (optimizer === null) fail('ERR_STATE', op, 'the network has an optimizer', 'an optimizer', 'spec.optimizer', null);
  return { loss, optimizer };
}

/** Refuses lists of arrays that do not match the parameters. @throws ERR_TYPE, ERR_SHAPE */
export function checkParameterArrays(op: string, name: string, spec: NetworkSpec, arrays: readonly FloatArray[]): void {
  const shapes = parameterShapes(spec);
  if (!Array.isArray(arrays)) fail('ERR_TYPE', op, `${name} are arrays in canonical order`, 'an array of typed arrays', name, arrays);
  if (arrays.length !== shapes.length) fail('ERR_SHAPE', op, `${name} has one array a parameter`, `${shapes.length} arrays`, name, arrays);
  shapes.forEach((shape, i) => checkFloats(op, `${name}[${i}] (${shape.name} of layer ${shape.layer})`, arrays[i], shape.size, spec.dtype));
}

/** Refuses arrays of another type or length than the network's. @throws ERR_TYPE, ERR_SHAPE */
export function checkFloats(op: string, name: string, values: unknown, count: number, dtype: DType): void {
  const right = dtype === 'float32' ? values instanceof Float32Array : values instanceof Float64Array;
  if (!right) fail('ERR_TYPE', op, `the network computes in ${dtype}`, dtype === 'float32' ? 'a Float32Array' : 'a Float64Array', name, values);
  if ((values instanceof Float32Array || values instanceof Float64Array) && values.length !== count) fail('ERR_SHAPE', op, 'lengths fit together', `${count} numbers`, name, values);
}

/** Refuses states of other networks. @throws ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_OPTION */
export function checkState(spec: NetworkSpec, state: ExecutorState): void {
  const op = 'setState';
  checkParameterArrays(op, 'parameters', spec, state.parameters);
  const names = spec.optimizer === null ? [] : slotNames(spec.optimizer);
  const given = Object.keys(state.slots);
  for (const name of given) if (!names.includes(name)) fail('ERR_OPTION', op, 'slots are those of the optimizer', names.length === 0 ? 'none' : names.join(', '), 'slots', name);
  for (const name of names) {
    if (!given.includes(name)) fail('ERR_OPTION', op, 'every slot of the optimizer is given', names.join(', '), 'slots', given.join(', '));
    checkParameterArrays(op, `slots.${name}`, spec, state.slots[name]);
  }
  const statistics: unknown = state.statistics ?? [];
  const wanted = statisticShapes(spec);
  if (!Array.isArray(statistics)) fail('ERR_TYPE', op, 'statistics are arrays in their order', 'an array of typed arrays', 'statistics', statistics);
  if (statistics.length !== wanted.length) fail('ERR_SHAPE', op, 'each batch normalization has a moving mean and a moving variance', `${wanted.length} arrays`, 'statistics', statistics);
  wanted.forEach((shape, i) => checkFloats(op, `statistics[${i}] (${shape.name} of layer ${shape.layer})`, statistics[i], shape.size, spec.dtype));
  number(op, 'step', state.step, 'updates are counted', 'a whole number of at least 0', (n) => Number.isSafeInteger(n) && n >= 0);
}

/** Refuses unknown choices of weights. @throws ERR_OPTION */
export function checkWeights(op: string, weights: WeightsChoice | undefined): void {
  if (weights !== undefined) oneOf(op, 'weights', weights, ['current', 'published']);
}

/** Refuses unknown outputs. @throws ERR_OPTION */
export function checkOutput(op: string, output: 'outputs' | 'logits'): void {
  oneOf(op, 'output', output, ['outputs', 'logits']);
}

/** Refuses unknown plans. @throws ERR_OPTION */
export function checkPlan(op: string, plan: PlanChoice | undefined): void {
  if (plan !== undefined) oneOf(op, 'plan', plan, ['auto', 'materialised']);
}

/** @throws ERR_OPTION */
export function checkGemm(op: string, gemm: GemmChoice | undefined): void {
  if (gemm !== undefined) oneOf(op, 'gemm', gemm, ['nabla', 'openblas']);
}
