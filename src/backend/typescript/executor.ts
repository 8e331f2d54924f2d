// The seam, in plain TypeScript: checks, slices and states around Network. Async members work on this thread too, in pieces between which the
// event loop has its turns; nothing may change the network or read its weights of now while a training waits for its turn.
import type { InputArray, DType, FloatArray } from '../../base/arrays.js';
import { NablaError, show } from '../../base/errors.js';
import { permutation } from '../../random/permutation.js';
import {
  checkBatchRows, checkFloats, checkGemm, checkInput, checkLoad, checkMemory, checkOutput, checkParameterArrays, checkPlan, checkRows, checkScalars, checkSpec, checkState, checkTrain, findUnusable,
  checkWeights, memoryWanted, scalarStride, stepCount,
} from '../contract/checks.js';
import type { BackwardResult, DataHandle, EvaluateOptions, EvaluateResult, Executor, ExecutorOptions, ExecutorState, ForwardResult, LoadOptions, LossAndGradients, PredictOptions, Reading, Rows, Targets, TrainOptions, TrainResult, WeightsChoice } from '../contract/executor.js';
import { slotNames, STEP_NUMBERS } from '../contract/spec.js';
import type { NetworkSpec } from '../contract/spec.js';
import { createNetwork } from './layered.js';
import type { Network, Samples } from './network.js';
import { finish, finishInTurns, type Pieces } from './pieces.js';
import { checkReading, ReferenceReading } from './reading.js';
import { listSamples, type SampleLists } from './sample-lists.js';
import type { TinyBatch } from './tiny.js';

/** JavaScript cannot ask the machine; this is what a network may take in a process of usual size. */
const MEMORY_LIMIT = 16 * 2 ** 30;
/** A slice of an async call, so that timers and sockets get their turn. */
const SLICE_MILLISECONDS = 20;
/** Looking at the clock costs a tiny network as much as a layer. */
const TINY_STEPS_A_LOOK = 16;

/**
 * Builds a network in TypeScript. It computes what docs/numerics.md defines, on one thread, in any JavaScript engine.
 * @param spec plain data, checked here
 * @param options `turn`; `plan` is accepted and changes nothing; `isa` and `threads` belong to the native backend
 * @throws ERR_OPTION, ERR_TYPE, ERR_RANGE, ERR_SHAPE for specs that cannot be built, ERR_MEMORY for absurd sizes
 */
export function createReferenceExecutor(spec: NetworkSpec, options: ExecutorOptions): Executor {
  checkSpec('createExecutor', spec);
  checkPlan('createExecutor', options.plan);
  checkGemm('createExecutor', options.gemm);
  if (options.gemm === 'openblas') throw new NablaError('ERR_OPTION', "[createExecutor] OpenBLAS belongs to the native backend. Expected gemm 'nabla' or none in TypeScript, received \"openblas\".");
  checkMemory('createExecutor', 'the network', memoryWanted(spec, 8), MEMORY_LIMIT);
  return new ReferenceExecutor(spec, options.turn ?? later);
}

/** A turn of the event loop in any JavaScript. */
const later = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 0); });

class ReferenceData implements DataHandle, Samples {
  readonly rows: number;
  readonly features: number;
  readonly owner: object;
  readonly y: Targets | null;
  readonly sampleWeight: Float64Array | null;
  #x: InputArray | SampleLists | null;

  constructor(owner: object, features: number, { x, rows, y, sampleWeight }: LoadOptions) {
    this.owner = owner;
    this.rows = rows;
    this.features = features;
    this.#x = isShared(x) ? x : (listSamples(x, rows, features) ?? x.slice());
    this.y = y === undefined ? null : y.kind === 'labels' ? { kind: 'labels', values: y.values.slice() } : { kind: 'values', values: y.values.slice() };
    this.sampleWeight = sampleWeight === undefined ? null : sampleWeight.slice();
  }

  get disposed(): boolean {
    return this.#x === null;
  }

  get x(): InputArray | SampleLists {
    if (this.#x === null) throw new NablaError('ERR_STATE', '[data] the data was disposed of. Expected a live handle for data, received a disposed one.');
    return this.#x;
  }

  dispose(): void {
    this.#x = null;
  }
}

function isShared(x: InputArray): boolean {
  return typeof SharedArrayBuffer !== 'undefined' && x.buffer instanceof SharedArrayBuffer;
}

class ReferenceExecutor implements Executor {
  readonly backend = 'typescript';
  readonly isa = 'typescript';
  readonly threads = 1;
  readonly spec: NetworkSpec;
  readonly #turn: () => Promise<void>;
  #network: Network | null;
  /** A training has begun and waits for its turn, or is at work. */
  #training = false;
  #aborted = false;
  /** Readings, and asynchronous evaluations and predictions, of the weights of now: who changes them leaves those to these. */
  #readers = new Set<object>();

  constructor(spec: NetworkSpec, turn: () => Promise<void>) {
    this.spec = spec;
    this.#turn = turn;
    this.#network = allocate('createExecutor', () => createNetwork(spec));
  }

  firstUnusable(x: InputArray): number {
    this.#live('firstUnusable');
    return findUnusable(this.spec.dtype)(x);
  }

  permutation(n: number, seed: number, purpose: number, index: number): Uint32Array {
    return permutation(n, seed, purpose, index);
  }

  async permutationAsync(n: number, seed: number, purpose: number, index: number): Promise<Uint32Array> {
    return permutation(n, seed, purpose, index);
  }

  load(options: LoadOptions): DataHandle {
    this.#live('load');
    checkLoad(this.spec, options, findUnusable(this.spec.dtype));
    return allocate('load', () => new ReferenceData(this, this.spec.inputSize, options));
  }

  async trainSteps(data: DataHandle, options: TrainOptions): Promise<TrainResult> {
    this.#idle('trainSteps');
    const steps = this.#train(data, options, options.maxMilliseconds ?? SLICE_MILLISECONDS, true);
    this.#training = true;
    this.#aborted = false;
    try {
      return await finishInTurns(steps, this.#turn);
    } finally {
      this.#training = false;
    }
  }

  trainStepsSync(data: DataHandle, options: TrainOptions): TrainResult {
    this.#idle('trainSteps');
    this.#aborted = false;
    return finish(this.#train(data, options, options.maxMilliseconds ?? Infinity, false));
  }

  /** @param waits the steps wait for turns, while the caller may overwrite its arrays or dispose of the data */
  *#train(data: DataHandle, options: TrainOptions, maxMilliseconds: number, waits: boolean): Pieces<TrainResult> {
    this.#live('trainSteps');
    const { rows, x, y, sampleWeight } = this.#labelled('trainSteps', data);
    const samples = { rows, x, y, sampleWeight };
    checkTrain(this.spec, options, rows);
    const network = this.#changed('trainSteps');
    const cut = waits && options.order !== null;
    const order = cut ? options.order.slice(options.from, options.to) : options.order;
    const [from, to] = cut ? [0, options.to - options.from] : [options.from, options.to];
    const stepScalars = waits ? options.stepScalars.slice() : options.stepScalars;
    const { batchSize } = options;
    const { outputs: width, loss } = network.plan;
    const begin = performance.now();
    const total = stepCount(options);
    const stepsPerPass = Math.ceil((to - from) / batchSize);
    const firstStep = options.firstStep ?? 0;
    const scalarWidth = scalarStride(options);
    const losses: number[] = [];
    const correct: number[] = [];
    const outputs: Float64Array[] = [];
    if (stepsPerPass === 1 && options.outputs !== true && total > 1) {
      const tiny = network.tinyBatch(samples, order, from, to);
      if (tiny !== null) return yield* tinySteps(network, tiny, stepScalars, scalarWidth, firstStep, total, begin + maxMilliseconds);
    }
    let stopped: TrainResult['stopped'] = 'done';
    let step = firstStep;
    while (step < total) {
      if (waits && step > firstStep) yield;
      const first = from + (step % stepsPerPass) * batchSize;
      const end = Math.min(first + batchSize, to);
      const sink = options.outputs === true ? new Float64Array((end - first) * width) : null;
      const batch = network.trainBatch(samples, order, first, end, sink === null ? {} : { outputs: sink });
      const result = yield* this.#unlessAborted(batch);
      if (result === null) {
        stopped = 'aborted';
        break;
      }
      const batchLoss = result.lossSum / result.denominator + network.penalty(network.parameters);
      losses.push(batchLoss);
      correct.push(result.correct);
      if (sink !== null) outputs.push(sink);
      if (!Number.isFinite(batchLoss)) {
        stopped = 'nonFinite';
        network.forget();
        break;
      }
      yield* network.updateInPieces(network.gradients, stepScalars, scalarWidth * step);
      step++;
      if (this.#aborted) {
        stopped = 'aborted';
        break;
      }
      const passEnds = sink !== null && step % stepsPerPass === 0;
      if (step < total && (passEnds || performance.now() - begin >= maxMilliseconds)) {
        stopped = 'slice';
        break;
      }
    }
    return {
      steps: step - firstStep,
      losses: Float64Array.from(losses),
      correct: loss?.countsCorrect === true ? Uint32Array.from(correct) : null,
      stopped,
      outputs: options.outputs === true ? concatenated(this.spec.dtype, outputs) : null,
    };
  }

  /** Work that changes no weights: given up where it is aborted. @returns null then */
  *#unlessAborted<Result>(work: Pieces<Result>): Pieces<Result | null> {
    let piece = work.next();
    while (piece.done !== true) {
      yield;
      if (this.#aborted) return null;
      piece = work.next();
    }
    return piece.value;
  }

  /** Stops a training between two pieces, or behind the update that it is in. */
  abort(): void {
    this.#live('abort');
    this.#aborted = true;
  }

  read(weights: WeightsChoice): Reading {
    const reading = new ReferenceReading(this, this.#weights('read', this.#live('read'), weights), (over) => { this.#readers.delete(over); });
    if (weights !== 'published') this.#readers.add(reading);
    return reading;
  }

  async evaluate(data: DataHandle, options: EvaluateOptions, given?: Reading): Promise<EvaluateResult> {
    if (given === undefined) return this.#reading(this.#evaluate(data, options), options.weights);
    const reading = checkReading('evaluate', this, given);
    return finishInTurns(reading.unlessAborted('evaluate', this.#evaluate(data, options, reading)), this.#turn);
  }

  evaluateSync(data: DataHandle, options: EvaluateOptions): EvaluateResult {
    return finish(this.#evaluate(data, options));
  }

  *#evaluate(data: DataHandle, options: EvaluateOptions, reading?: ReferenceReading): Pieces<EvaluateResult> {
    const network = this.#live('evaluate');
    const { rows, x, y, sampleWeight } = this.#labelled('evaluate', data);
    const samples = { rows, x, y, sampleWeight };
    checkRows('evaluate', options, rows);
    const parameters = reading?.weights ?? this.#weights('evaluate', network, options.weights);
    const { order, from, to } = options;
    const outputs = options.outputs === true ? new Float64Array((to - from) * network.plan.outputs) : null;
    const penalty = network.penalty(parameters);
    const result = yield* network.evaluateBatch(samples, parameters, order, from, to, outputs === null ? {} : { outputs });
    return {
      lossSum: result.lossSum,
      denominator: result.denominator,
      penalty,
      correct: network.plan.loss?.countsCorrect === true ? result.correct : null,
      outputs: outputs === null ? null : given(this.spec.dtype, outputs),
    };
  }

  async predict(data: DataHandle, options: PredictOptions, given?: Reading): Promise<FloatArray> {
    if (given === undefined) return this.#reading(this.#predictRows(data, options), options.weights);
    const reading = checkReading('predict', this, given);
    return finishInTurns(reading.unlessAborted('predict', this.#predictRows(data, options, reading)), this.#turn);
  }

  predictSync(data: DataHandle, options: PredictOptions): FloatArray {
    return finish(this.#predictRows(data, options));
  }

  #predictRows(data: DataHandle, options: PredictOptions, reading?: ReferenceReading): Pieces<FloatArray> {
    const network = this.#live('predict');
    const samples = this.#own('predict', data);
    checkRows('predict', options, samples.rows);
    return this.#predict(network, samples.x, options, options.output, options.weights, reading);
  }

  /** Runs what reads weights; those of now stay what they are until it is done, whoever changes them. */
  async #reading<Result>(work: Pieces<Result>, weights: WeightsChoice | undefined): Promise<Result> {
    const reader = {};
    if (weights !== 'published') this.#readers.add(reader);
    try {
      return await finishInTurns(work, this.#turn);
    } finally {
      this.#readers.delete(reader);
    }
  }

  predictArraySync(x: InputArray, rows: number, output: 'outputs' | 'logits', weights?: WeightsChoice): FloatArray {
    const network = this.#live('predict');
    checkInput('predict', 'x', x, rows, this.spec.inputSize, findUnusable(this.spec.dtype));
    return finish(this.#predict(network, x, { order: null, from: 0, to: rows }, output, weights));
  }

  *#predict(network: Network, x: InputArray | SampleLists, { order, from, to }: Rows, output: 'outputs' | 'logits', weights: WeightsChoice | undefined, reading?: ReferenceReading): Pieces<FloatArray> {
    checkOutput('predict', output);
    const parameters = reading?.weights ?? this.#weights('predict', network, weights);
    const out = allocate('predict', () => new Float64Array((to - from) * network.plan.outputs));
    yield* network.predict(x, parameters, order, from, to, output, out);
    return given(this.spec.dtype, out);
  }

  forwardTrain(data: DataHandle, rows: Rows): ForwardResult {
    const network = this.#resting('forwardTrain');
    const samples = this.#own('forwardTrain', data);
    checkRows('forwardTrain', rows, samples.rows);
    checkBatchRows('forwardTrain', this.spec, rows.to - rows.from);
    const { dtype } = this.spec;
    const { outputs, logits, activations } = allocate('forwardTrain', () => finish(network.forwardTrain(samples, rows)));
    return { outputs: copied(dtype, outputs), logits: copied(dtype, logits), activations: activations.map((a) => copied(dtype, a)) };
  }

  backward(dLogits: FloatArray, options: { readonly dx?: boolean } = {}): BackwardResult {
    const network = this.#resting('backward');
    const rows = network.takenRows;
    if (rows === null) throw new NablaError('ERR_STATE', '[backward] goes back over what forwardTrain left. Expected forwardTrain for the last call, received another or none.');
    checkFloats('backward', 'dLogits', dLogits, rows * network.plan.outputs, this.spec.dtype);
    const { dtype } = this.spec;
    const dx = given(dtype, finish(network.backwardTaken(dLogits, options.dx ?? true)));
    return { gradients: network.gradients.map((gradient) => copied(dtype, gradient)), dx };
  }

  applyGradients(gradients: readonly FloatArray[], scalars: Float64Array): void {
    this.#resting('applyGradients');
    const { optimizer } = this.spec;
    if (optimizer === null) throw new NablaError('ERR_STATE', '[applyGradients] needs an update rule. Expected an optimizer for spec.optimizer, received null.');
    checkParameterArrays('applyGradients', 'gradients', this.spec, gradients);
    checkScalars('applyGradients', 'scalars', scalars, STEP_NUMBERS);
    this.#changed('applyGradients').update(gradients.map((gradient) => Float64Array.from(gradient)), scalars, 0);
  }

  async stepAround(data: DataHandle, rows: Rows, gradientOf: (outputs: FloatArray) => FloatArray | null, scalars: Float64Array): Promise<'done' | 'aborted' | 'noGradient'> {
    this.#resting('trainSteps');
    const { optimizer } = this.spec;
    if (optimizer === null) throw new NablaError('ERR_STATE', '[trainSteps] needs an update rule. Expected an optimizer for spec.optimizer, received null.');
    const own = this.#own('trainSteps', data);
    checkRows('trainSteps', rows, own.rows);
    checkBatchRows('trainSteps', this.spec, rows.to - rows.from);
    checkScalars('trainSteps', 'scalars', scalars, STEP_NUMBERS);
    // The caller may dispose of the data while the step waits.
    const step = this.#around({ rows: own.rows, x: own.x, y: null, sampleWeight: null }, rows, gradientOf, scalars);
    this.#training = true;
    this.#aborted = false;
    try {
      return await finishInTurns(step, this.#turn);
    } finally {
      this.#training = false;
    }
  }

  *#around(samples: Samples, rows: Rows, gradientOf: (outputs: FloatArray) => FloatArray | null, scalars: Float64Array): Pieces<'done' | 'aborted' | 'noGradient'> {
    const network = this.#changed('trainSteps');
    const { dtype } = this.spec;
    const forward = yield* this.#unlessAborted(network.forwardTrain(samples, rows));
    const gradient = forward === null ? null : gradientOf(copied(dtype, forward.outputs));
    const back = gradient === null ? null : yield* this.#unlessAborted(network.backwardTaken(gradient, false));
    if (back === null) {
      network.forget();
      return forward !== null && gradient === null ? 'noGradient' : 'aborted';
    }
    yield* network.updateInPieces(network.gradients, scalars, 0);
    return 'done';
  }

  lossAndGradients(data: DataHandle, rows: Rows): LossAndGradients {
    const network = this.#resting('lossAndGradients');
    const samples = this.#labelled('lossAndGradients', data);
    checkRows('lossAndGradients', rows, samples.rows);
    checkBatchRows('lossAndGradients', this.spec, rows.to - rows.from);
    const { dtype, inputSize } = this.spec;
    const count = rows.to - rows.from;
    const outputs = allocate('lossAndGradients', () => new Float64Array(count * network.plan.outputs));
    const dx = allocate('lossAndGradients', () => new Float64Array(count * inputSize));
    const result = finish(network.trainBatch(samples, rows.order, rows.from, rows.to, { outputs, dx }));
    network.addPenaltyGradients();
    return {
      loss: result.lossSum / result.denominator,
      penalty: network.penalty(network.parameters),
      gradients: network.gradients.map((gradient) => copied(dtype, gradient)),
      dx: given(dtype, dx),
      outputs: given(dtype, outputs),
    };
  }

  publish(): void {
    const network = this.#resting('publish');
    network.published = network.weights.map((array) => array.slice());
  }

  async publishAsync(): Promise<void> {
    this.publish();
  }

  async getStateAsync(): Promise<ExecutorState> {
    return this.getState();
  }

  getState(): ExecutorState {
    const network = this.#resting('getState');
    const { dtype, optimizer } = this.spec;
    const names = optimizer === null ? [] : slotNames(optimizer);
    return {
      parameters: network.parameters.map((parameter) => copied(dtype, parameter)),
      slots: Object.fromEntries(names.map((name, i) => [name, network.slots[i].map((slot) => copied(dtype, slot))])),
      step: network.step,
      statistics: network.statistics.map((array) => copied(dtype, array)),
    };
  }

  setState(state: ExecutorState): void {
    this.#resting('setState');
    checkState(this.spec, state);
    const network = this.#changed('setState');
    network.parameters.forEach((parameter, i) => parameter.set(state.parameters[i]));
    const names = this.spec.optimizer === null ? [] : slotNames(this.spec.optimizer);
    names.forEach((name, n) => network.slots[n].forEach((slot, i) => slot.set(state.slots[name][i])));
    network.statistics.forEach((array, i) => array.set(state.statistics?.[i] ?? []));
    network.step = state.step;
    network.forget();
  }

  adoptState(state: ExecutorState): void {
    this.setState(state);
  }

  dispose(): void {
    this.#network = null;
  }

  #live(op: string): Network {
    if (this.#network === null) throw new NablaError('ERR_STATE', `[${op}] the network was disposed of. Expected a live network for the executor, received a disposed one.`);
    return this.#network;
  }

  #idle(op: string): void {
    if (this.#training) throw new NablaError('ERR_BUSY', `[${op}] one job may change a network at a time. Expected no training to run.`);
  }

  /** The network while no training runs. */
  #resting(op: string): Network {
    const network = this.#live(op);
    this.#idle(op);
    return network;
  }

  /** The network for who changes its weights: those that are being read stay with their readers. */
  #changed(op: string): Network {
    const network = this.#live(op);
    if (this.#readers.size > 0) {
      network.detach();
      this.#readers = new Set();
    }
    return network;
  }

  #own(op: string, data: DataHandle): ReferenceData {
    if (!(data instanceof ReferenceData)) throw new NablaError('ERR_TYPE', `[${op}] data comes from load. Expected a handle of this backend for data, received ${show(data)}.`);
    if (data.owner !== this) throw new NablaError('ERR_STATE', `[${op}] data belongs to the network that loaded it. Expected a handle of this network for data, received another network's.`);
    if (data.disposed) throw new NablaError('ERR_STATE', `[${op}] the data was disposed of. Expected a live handle for data, received a disposed one.`);
    return data;
  }

  #labelled(op: string, data: DataHandle): ReferenceData {
    const own = this.#own(op, data);
    if (this.spec.loss === null) throw new NablaError('ERR_STATE', `[${op}] needs a loss. Expected a loss for spec.loss, received null.`);
    if (own.y === null) throw new NablaError('ERR_STATE', `[${op}] needs targets. Expected data loaded with y for data, received data without.`);
    return own;
  }

  #weights(op: string, network: Network, weights: WeightsChoice | undefined): readonly Float64Array[] {
    checkWeights(op, weights);
    if (weights !== 'published') {
      this.#idle(op);
      return network.weights;
    }
    if (network.published === null) throw new NablaError('ERR_STATE', `[${op}] published weights are those of the last publish(). Expected publish() before weights: 'published', received none.`);
    return network.published;
  }
}

/** Steps [first, total) of a network whose batch stays the same, or as many as there is time for. @param end when time is up */
function* tinySteps(network: Network, tiny: TinyBatch, scalars: Float64Array, width: number, first: number, total: number, end: number): Pieces<TrainResult> {
  const losses = allocate('trainSteps', () => new Float64Array(total - first));
  const correct = allocate('trainSteps', () => new Uint32Array(total - first));
  let stopped: TrainResult['stopped'] = 'done';
  let step = first;
  while (step < total && stopped === 'done') {
    if (step > first) yield;
    const look = Math.min(step + TINY_STEPS_A_LOOK, total);
    while (step < look && tinyStep(network, tiny, scalars, width * step, losses, correct, step - first)) step++;
    if (step < look) stopped = 'nonFinite';
    else if (step < total && performance.now() >= end) stopped = 'slice';
  }
  const seen = step - first + (stopped === 'nonFinite' ? 1 : 0);
  return { steps: step - first, losses: losses.slice(0, seen), correct: network.plan.loss?.countsCorrect === true ? correct.slice(0, seen) : null, stopped, outputs: null };
}

/** One step: apart, since what is called often is compiled soon. @returns whether the loss was finite and the update was made */
function tinyStep(network: Network, tiny: TinyBatch, scalars: Float64Array, at: number, losses: Float64Array, correct: Uint32Array, index: number): boolean {
  const loss = tiny.step() + network.penalty(network.parameters);
  losses[index] = loss;
  correct[index] = tiny.correct;
  if (!Number.isFinite(loss)) {
    network.forget();
    return false;
  }
  network.update(network.gradients, scalars, at);
  return true;
}

/** The engine's refusal to allocate is a RangeError. */
function allocate<Result>(op: string, make: () => Result): Result {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new NablaError('ERR_MEMORY', `[${op}] there must be memory for it. Expected an allocation to succeed for scratch, received ${show(error.message)}.`, { cause: error });
  }
}

/** A fresh array of the network's type. */
function copied(dtype: DType, values: Float64Array): FloatArray {
  return dtype === 'float32' ? new Float32Array(values) : values.slice();
}

/** An array of the network's type made from one that nobody else holds. */
function given(dtype: DType, values: Float64Array): FloatArray {
  return dtype === 'float32' ? new Float32Array(values) : values;
}

function concatenated(dtype: DType, parts: readonly Float64Array[]): FloatArray {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const whole = dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
