// An executor whose loss is a function of the user's: each step goes forward and back in the backend, with the function between.
import { checkScalars, scalarStride, stepCount } from '../backend/contract/checks.js';
import type { BackwardResult, DataHandle, EvaluateOptions, EvaluateResult, Executor, ExecutorState, ForwardResult, LoadOptions, LossAndGradients, PredictOptions, Reading, Rows, TrainOptions, TrainResult, WeightsChoice } from '../backend/contract/executor.js';
import { outputSize, parameterShapes, STEP_NUMBERS, type NetworkSpec } from '../backend/contract/spec.js';
import { densePenalty } from '../backend/typescript/dense.js';
import { absolutePenalty, addPenaltyGradient } from '../backend/typescript/penalties.js';
import { roundedTo } from '../backend/typescript/reductions.js';
import { type InputArray, type DType, type FloatArray, isNumericTypedArray } from '../base/arrays.js';
import { getEnvironment } from '../base/environment.js';
import { NablaError, show } from '../base/errors.js';
import { toMatrix } from './inputs/samples.js';
import type { CustomLoss } from './losses/custom-loss.js';

const op = 'losses.custom';
/** Milliseconds of work on this thread after which the event loop has a turn. */
const BREATH = 12;

/** Samples in the backend, their targets here. */
class CustomData implements DataHandle {
  readonly inner: DataHandle;
  readonly targets: FloatArray | null;
  readonly sampleWeight: Float64Array | null;

  constructor(inner: DataHandle, { y, sampleWeight }: LoadOptions, dtype: DType) {
    this.inner = inner;
    this.targets = y === undefined ? null : copied(y.values, dtype);
    this.sampleWeight = sampleWeight?.slice() ?? null;
  }
  get rows(): number {
    return this.inner.rows;
  }
  get features(): number {
    return this.inner.features;
  }
  dispose(): void {
    this.inner.dispose();
  }
}

function copied(values: ArrayLike<number>, dtype: DType): FloatArray {
  return dtype === 'float32' ? Float32Array.from(values) : Float64Array.from(values);
}
/** The values in the network's type, copied where they are in another. */
function typed(values: InputArray, dtype: DType): FloatArray {
  if (dtype === 'float32') return values instanceof Float32Array ? values : Float32Array.from(values);
  return values instanceof Float64Array ? values : Float64Array.from(values);
}

/** What the function gave for some rows, checked. */
interface Worked {
  readonly loss: number;
  /** null where the loss is not finite: nothing is done with it. */
  readonly gradient: FloatArray | null;
}

/** The backend's weights of a moment, and their penalties. */
class CustomReading implements Reading {
  readonly inner: Reading;
  readonly penalty: number;

  constructor(inner: Reading, penalty: number) {
    this.inner = inner;
    this.penalty = penalty;
  }
  abort(): void {
    this.inner.abort();
  }
  dispose(): void {
    this.inner.dispose();
  }
}

function customReading(reading: Reading): CustomReading {
  if (reading instanceof CustomReading) return reading;
  throw new NablaError('ERR_TYPE', `[${op}] a reading comes from read. Expected one of this network for reading, received ${show(reading)}.`);
}

/** Wraps an executor of a network without loss. @param loss one with a function */
export class CustomLossExecutor implements Executor {
  readonly #inner: Executor;
  readonly #loss: CustomLoss;
  readonly #units: number;
  readonly #penalised: boolean;
  #publishedPenalty = 0;
  /** The function is being called: the backend holds its step. */
  #inFunction = false;
  #breath: number;

  constructor(inner: Executor, loss: CustomLoss) {
    this.#inner = inner;
    this.#loss = loss;
    this.#units = outputSize(inner.spec);
    this.#penalised = inner.spec.layers.some((layer) => layer.kind === 'dense' && (layer.l2 !== 0 || (layer.l1 ?? 0) !== 0));
    this.#breath = getEnvironment().now();
  }

  get backend(): Executor['backend'] {
    return this.#inner.backend;
  }
  get isa(): Executor['isa'] {
    return this.#inner.isa;
  }
  get threads(): number {
    return this.#inner.threads;
  }
  get spec(): NetworkSpec {
    return this.#inner.spec;
  }

  firstUnusable(x: InputArray): number {
    return this.#inner.firstUnusable(x);
  }
  permutation(n: number, seed: number, purpose: number, index: number): Uint32Array {
    return this.#inner.permutation(n, seed, purpose, index);
  }
  permutationAsync(n: number, seed: number, purpose: number, index: number): Promise<Uint32Array> {
    return this.#inner.permutationAsync(n, seed, purpose, index);
  }
  load(options: LoadOptions): DataHandle {
    this.#checkBetween('load');
    return new CustomData(this.#inner.load({ x: options.x, rows: options.rows, scanned: options.scanned === true }), options, this.spec.dtype);
  }

  async trainSteps(data: DataHandle, options: TrainOptions): Promise<TrainResult> {
    if (this.#inner.stepAround === undefined) {
      const result = this.trainStepsSync(data, options);
      await this.#breathe();
      return result;
    }
    const { own, rows: given, scalars, last } = this.#nextStep(data, options);
    // The caller may overwrite its order while the step waits.
    const rows = given.order === null ? given : { order: given.order.slice(given.from, given.to), from: 0, to: given.to - given.from };
    const penalty = this.#penalty();
    let losses = new Float64Array(0), kept: FloatArray | null = null;
    const step = await this.#inner.stepAround(own.inner, rows, (outputs) => {
      kept = options.outputs === true ? outputs.slice() : null;
      const { loss, gradient } = this.#work(own, rows, outputs);
      losses = Float64Array.of(loss + penalty);
      return Number.isFinite(losses[0]) ? gradient : null;
    }, scalars);
    if (step === 'aborted') return { steps: 0, losses: new Float64Array(0), correct: null, stopped: 'aborted', outputs: options.outputs === true ? copied([], this.spec.dtype) : null };
    await this.#breathe();
    return { steps: step === 'done' ? 1 : 0, losses, correct: null, stopped: step === 'noGradient' ? 'nonFinite' : last ? 'done' : 'slice', outputs: kept };
  }

  /** One step a call: an error of the function's then leaves every step that was made told. */
  trainStepsSync(data: DataHandle, options: TrainOptions): TrainResult {
    const { own, rows, scalars, last } = this.#nextStep(data, options);
    const penalty = this.#penalty();
    const { outputs } = this.#inner.forwardTrain(own.inner, rows);
    const kept = options.outputs === true ? outputs.slice() : null;
    const { loss, gradient } = this.#work(own, rows, outputs);
    const losses = Float64Array.of(loss + penalty);
    if (gradient === null || !Number.isFinite(losses[0])) return { steps: 0, losses, correct: null, stopped: 'nonFinite', outputs: kept };
    const { gradients } = this.#inner.backward(gradient, { dx: false });
    this.#inner.applyGradients(gradients, scalars);
    return { steps: 1, losses, correct: null, stopped: last ? 'done' : 'slice', outputs: kept };
  }

  /** What the next step is made of, checked. */
  #nextStep(data: DataHandle, options: TrainOptions): { readonly own: CustomData; readonly rows: Rows; readonly scalars: Float64Array; readonly last: boolean } {
    this.#checkBetween('trainSteps');
    const { order, from, to, batchSize, stepScalars } = options;
    const { optimizer } = this.spec;
    if (optimizer === null) throw new NablaError('ERR_STATE', '[trainSteps] the network has an optimizer. Expected an optimizer for spec.optimizer, received null.');
    const width = STEP_NUMBERS;
    const steps = stepCount(options);
    const stride = scalarStride(options);
    checkScalars('trainSteps', 'stepScalars', stepScalars, stride === 0 ? width : steps * width);
    const step = options.firstStep ?? 0;
    const first = from + (step % Math.ceil((to - from) / batchSize)) * batchSize;
    const rows = { order, from: first, to: Math.min(first + batchSize, to) };
    return { own: this.#own(data), rows, scalars: stepScalars.slice(step * stride, step * stride + width), last: step + 1 >= steps };
  }

  /** Gives up a step that waits for its turn; others are over when they return. */
  abort(): void {
    this.#inner.abort();
  }

  read(weights: WeightsChoice): Reading {
    this.#checkBetween('evaluate');
    return new CustomReading(this.#inner.read(weights), this.#penaltyOf(weights));
  }

  async evaluate(data: DataHandle, options: EvaluateOptions, given?: Reading): Promise<EvaluateResult> {
    this.#checkBetween('evaluate');
    const own = this.#own(data);
    const reading = given === undefined ? undefined : customReading(given);
    // That of the weights of this call, as the outputs are.
    const penalty = reading?.penalty ?? this.#penaltyOf(options.weights);
    const { order, from, to, weights = 'current' } = options;
    const outputs = await this.#inner.predict(own.inner, { order, from, to, output: 'outputs', weights }, reading?.inner);
    const result = this.#evaluated(own, options, outputs, penalty);
    await this.#breathe();
    return result;
  }

  evaluateSync(data: DataHandle, options: EvaluateOptions): EvaluateResult {
    this.#checkBetween('evaluate');
    const own = this.#own(data);
    const { order, from, to, weights = 'current' } = options;
    const outputs = this.#inner.predictSync(own.inner, { order, from, to, output: 'outputs', weights });
    return this.#evaluated(own, options, outputs, this.#penaltyOf(weights));
  }

  #evaluated(own: CustomData, { order, from, to, outputs: wanted }: EvaluateOptions, outputs: FloatArray, penalty: number): EvaluateResult {
    const kept = wanted === true ? outputs.slice() : null;
    const { loss } = this.#work(own, { order, from, to }, outputs);
    return { lossSum: loss * (to - from), denominator: to - from, penalty, correct: null, outputs: kept };
  }

  #penaltyOf(weights: WeightsChoice | undefined): number {
    return weights === 'published' ? this.#publishedPenalty : this.#penalty();
  }

  async predict(data: DataHandle, options: PredictOptions, reading?: Reading): Promise<FloatArray> {
    this.#checkBetween('predict');
    return this.#inner.predict(this.#own(data).inner, options, reading === undefined ? undefined : customReading(reading).inner);
  }
  predictSync(data: DataHandle, options: PredictOptions): FloatArray {
    this.#checkBetween('predict');
    return this.#inner.predictSync(this.#own(data).inner, options);
  }
  predictArraySync(x: InputArray, rows: number, output: 'outputs' | 'logits', weights?: WeightsChoice): FloatArray {
    this.#checkBetween('predict');
    return this.#inner.predictArraySync(x, rows, output, weights);
  }

  forwardTrain(data: DataHandle, rows: Rows): ForwardResult {
    this.#checkBetween('forwardTrain');
    return this.#inner.forwardTrain(this.#own(data).inner, rows);
  }
  backward(dLogits: FloatArray, options?: { readonly dx?: boolean }): BackwardResult {
    this.#checkBetween('backward');
    return this.#inner.backward(dLogits, options);
  }
  applyGradients(gradients: readonly FloatArray[], scalars: Float64Array): void {
    this.#checkBetween('applyGradients');
    this.#inner.applyGradients(gradients, scalars);
  }

  lossAndGradients(data: DataHandle, rows: Rows): LossAndGradients {
    this.#checkBetween('gradients');
    const own = this.#own(data);
    const penalty = this.#penalty();
    const { outputs } = this.#inner.forwardTrain(own.inner, rows);
    const kept = outputs.slice();
    const { loss, gradient } = this.#work(own, rows, outputs);
    if (gradient === null) throw new NablaError('ERR_NON_FINITE', `[${op}] the loss is finite. Expected a finite number from '${this.#loss.lossName}', received ${show(loss)}.`);
    const { gradients, dx } = this.#inner.backward(gradient);
    if (this.#penalised) this.#addPenalty(gradients);
    return { loss, penalty, gradients, dx, outputs: kept };
  }

  publish(): void {
    this.#inner.publish();
    this.#publishedPenalty = this.#penalty();
  }
  async publishAsync(): Promise<void> {
    const penalty = this.#penalised ? penaltyOf(this.spec, (await this.#inner.getStateAsync()).parameters) : 0;
    await this.#inner.publishAsync();
    this.#publishedPenalty = penalty;
  }
  getState(): ExecutorState {
    return this.#inner.getState();
  }
  getStateAsync(): Promise<ExecutorState> {
    return this.#inner.getStateAsync();
  }
  setState(state: ExecutorState): void {
    this.#checkBetween('setWeights');
    this.#inner.setState(state);
  }
  adoptState(state: ExecutorState): void {
    this.#checkBetween('setWeights');
    this.#inner.adoptState(state);
  }
  dispose(): void {
    this.#inner.dispose();
  }

  #own(data: DataHandle): CustomData {
    if (data instanceof CustomData) return data;
    throw new NablaError('ERR_TYPE', `[${op}] data comes from load. Expected a handle of this network for data, received ${show(data)}.`);
  }

  /** The backend keeps one forward pass: another call between it and the pass back would mix up their rows. */
  #checkBetween(call: string): void {
    if (!this.#inFunction) return;
    throw new NablaError('ERR_BUSY', `[${op}] the function is called in the middle of a step. Expected no use of the model in '${this.#loss.lossName}', received ${call}.`);
  }

  async #breathe(): Promise<void> {
    if (getEnvironment().now() - this.#breath < BREATH) return;
    await getEnvironment().yield();
    this.#breath = getEnvironment().now();
  }

  /** Calls the function for rows of the data. @throws what it throws; ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE for what it gives */
  #work(data: CustomData, { order, from, to }: Rows, outputs: FloatArray): Worked {
    const { compute, lossName } = this.#loss;
    const { dtype } = this.spec;
    const units = this.#units;
    if (compute === null || data.targets === null) throw new NablaError('ERR_INTERNAL', `[${op}] a custom loss has a function and targets. Expected both, received one.`);
    const rows = to - from;
    const targets = dtype === 'float32' ? new Float32Array(rows * units) : new Float64Array(rows * units);
    const sampleWeight = data.sampleWeight === null ? null : new Float64Array(rows);
    for (let row = 0; row < rows; row++) {
      const at = order === null ? from + row : order[from + row];
      targets.set(data.targets.subarray(at * units, (at + 1) * units), row * units);
      if (sampleWeight !== null && data.sampleWeight !== null) sampleWeight[row] = data.sampleWeight[at];
    }
    this.#inFunction = true;
    let result: unknown;
    try {
      result = compute(outputs, targets, { rows, units, sampleWeight });
    } finally {
      this.#inFunction = false;
    }
    if (typeof result !== 'object' || result === null || !('loss' in result) || !('gradient' in result)) {
      throw new NablaError('ERR_TYPE', `[${op}] the function gives a loss and its gradient at once, without a promise. Expected { loss, gradient } from '${lossName}', received ${show(result)}.`);
    }
    const { loss, gradient } = result;
    if (typeof loss !== 'number') throw new NablaError('ERR_TYPE', `[${op}] the loss is a number, the mean over the rows. Expected a number for loss from '${lossName}', received ${show(loss)}.`);
    if (!Number.isFinite(loss)) return { loss, gradient: null };
    const name = `the gradient of '${lossName}'`;
    const length = Array.isArray(gradient) && typeof gradient[0] === 'number' ? gradient.length : isNumericTypedArray(gradient) ? gradient.length : rows * units;
    if (length !== rows * units) throw shapeError(name, rows, units, `${length} values`);
    const matrix = toMatrix(gradient, { op, name, features: units, shape: [units], dtype });
    if (matrix.rows !== rows) throw shapeError(name, rows, units, `${matrix.rows} rows`);
    return { loss, gradient: typed(matrix.values, dtype) };
  }

  #penalty(): number {
    return this.#penalised ? penaltyOf(this.spec, this.#inner.getState().parameters) : 0;
  }

  /** Adds the penalties' parts. */
  #addPenalty(gradients: readonly FloatArray[]): void {
    const { parameters } = this.#inner.getState();
    const { dtype } = this.spec;
    parameterShapes(this.spec).forEach(({ layer, name }, index) => {
      const dense = this.spec.layers[layer];
      if (dense.kind !== 'dense' || name !== 'weight') return;
      const sums = Float64Array.from(gradients[index]);
      addPenaltyGradient(sums, Float64Array.from(parameters[index]), roundedTo(dtype, dense.l2), roundedTo(dtype, dense.l1 ?? 0));
      gradients[index].set(sums);
    });
  }
}

function shapeError(name: string, rows: number, units: number, received: string): NablaError {
  return new NablaError('ERR_SHAPE', `[${op}] there is one number an output. Expected ${rows} x ${units} values for ${name}, received ${received}.`);
}

/** Σ over penalised layers of l2/2 · Σ weight² + l1 · Σ |weight|. */
function penaltyOf(spec: NetworkSpec, parameters: readonly FloatArray[]): number {
  let sum = 0;
  parameterShapes(spec).forEach(({ layer, name, shape }, index) => {
    const dense = spec.layers[layer];
    if (dense.kind !== 'dense' || name !== 'weight') return;
    const weight = Float64Array.from(parameters[index]);
    const { l2, l1 = 0 } = dense;
    if (l2 !== 0) sum += densePenalty(weight, shape[1], shape[0], l2);
    if (l1 !== 0) sum += absolutePenalty(weight, shape[1], shape[0], l1);
  });
  return sum;
}
