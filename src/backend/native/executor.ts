// The seam over the addon: names for its arguments, and NablaErrors for its errors.
import process from 'node:process';
import type { InputArray, FloatArray } from '../../base/arrays.js';
import { NablaError, show, type NablaErrorCode } from '../../base/errors.js';
import {
  checkBatchRows, checkFloats, checkGemm, checkInputShape, checkLoad, checkOutput, checkParameterArrays, checkPlan, checkRows, checkScalars, checkSpec, checkState, checkTrainShape, checkWeights,
} from '../contract/checks.js';
import type { BackwardResult, DataHandle, EvaluateOptions, EvaluateResult, Executor, ExecutorOptions, ExecutorState, ForwardResult, Isa, LoadOptions, LossAndGradients, PredictOptions, Reading, Rows, TrainOptions, TrainResult, WeightsChoice } from '../contract/executor.js';
import { outputSize, parameterShapes, slotNames, STEP_NUMBERS, type NetworkSpec } from '../contract/spec.js';
import type { NativeAddon, NativeData, NativeInfo, NativeNetwork, NativeState } from './addon-types.js';
import { loadAddon } from './addon.js';
import { encodeSpec } from './encode-spec.js';
import { NativeReadingHandle, readingOf } from './reading.js';

const ISAS: readonly Isa[] = ['baseline', 'avx2', 'avx512', 'neon'];
const SLICE_MILLISECONDS = 20;
const MOST_THREADS = 256;
/** What has fewer numbers is copied or drawn at once: a job would cost the event loop more. */
const WORTH_A_JOB = 1 << 18;
/** Results of so many bytes are copied out of one array: V8 keeps the elements of arrays this small in the object itself, where the addon would make a buffer for each. */
const SMALL_RESULT = 64;

/** The addon, or ERR_BACKEND with what was tried. */
function addon(): NativeAddon {
  const result = loadAddon();
  if (result.addon === null) throw new NablaError('ERR_BACKEND', `[native] ${result.problem.message}`);
  return result.addon;
}

/** What the addon can do here. @throws ERR_BACKEND where there is none */
export function nativeInfo(): NativeInfo {
  return addon().info();
}

/** Uniform numbers of a stream. @see BackendFactory.fillUniform @throws ERR_BACKEND where there is no addon */
export function nativeFillUniform(out: FloatArray, seed: number, purpose: number, index: number, low: number, high: number): void {
  const native = addon();
  call(() => { native.fillUniform(out, seed, purpose, index, low, high); });
}

/**
 * Builds a network in the addon.
 * @param spec plain data, checked here and again in C++
 * @param options `isa` default NABLA_ISA, else the best; `threads` default NABLA_THREADS, else what affinity and cgroup allow
 * @throws ERR_BACKEND no addon, no OpenBLAS where it is wanted, or an instruction set that is not here; ERR_RANGE, ERR_OPTION, ERR_SHAPE, ERR_TYPE, ERR_MEMORY
 */
export function createNativeExecutor(spec: NetworkSpec, options: ExecutorOptions): Executor {
  const native = addon();
  checkSpec('createExecutor', spec);
  checkPlan('createExecutor', options.plan);
  checkGemm('createExecutor', options.gemm);
  const info = native.info();
  const isa = chooseIsa(options.isa ?? environment('NABLA_ISA') ?? info.defaultIsa, info);
  const threads = chooseThreads(options.threads ?? environment('NABLA_THREADS') ?? info.threads);
  return new NativeExecutor(native, spec, isa, threads, options.plan === 'materialised', options.gemm === 'openblas');
}

function environment(name: string): string | undefined {
  const value = process.env[name];
  return value === undefined || value === '' ? undefined : value;
}

function chooseIsa(wanted: string, { isas }: NativeInfo): Isa {
  const isa = ISAS.find((name) => name === wanted);
  if (isa === undefined) throw new NablaError('ERR_OPTION', `[createExecutor] instruction sets have names. Expected one of ${ISAS.join(', ')} for isa, received ${show(wanted)}.`);
  if (!isas.includes(isa)) throw new NablaError('ERR_BACKEND', `[createExecutor] this processor runs ${isas.join(', ')}. Expected one of them for isa, received ${show(isa)}.`);
  return isa;
}

function chooseThreads(wanted: number | string): number {
  const threads = Number(wanted);
  if (!Number.isInteger(threads) || threads < 1 || threads > MOST_THREADS) {
    throw new NablaError('ERR_RANGE', `[createExecutor] threads are counted. Expected a whole number from 1 to ${MOST_THREADS} for threads, received ${show(wanted)}.`);
  }
  return threads;
}

const CODES: ReadonlySet<string> = new Set<NablaErrorCode>([
  'ERR_OPTION', 'ERR_SHAPE', 'ERR_TYPE', 'ERR_RANGE', 'ERR_NON_FINITE', 'ERR_STATE', 'ERR_BUSY', 'ERR_ABORTED', 'ERR_MEMORY', 'ERR_BACKEND', 'ERR_INTERNAL',
]);
function isCode(code: unknown): code is NablaErrorCode {
  return typeof code === 'string' && CODES.has(code);
}
/** The addon's errors carry a code; anything else is a broken promise. */
function translated(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code: unknown = 'code' in error ? error.code : undefined;
  return new NablaError(isCode(code) ? code : 'ERR_INTERNAL', error.message, { cause: error });
}
function call<Result>(body: () => Result): Result {
  try {
    return body();
  } catch (error) {
    throw error instanceof NablaError ? error : translated(error);
  }
}
async function callAsync<Result>(body: () => Promise<Result>): Promise<Result> {
  try {
    return await body();
  } catch (error) {
    throw error instanceof NablaError ? error : translated(error);
  }
}

function isShared(array: InputArray): boolean {
  return array.buffer instanceof SharedArrayBuffer;
}

class NativeDataHandle implements DataHandle {
  readonly rows: number;
  readonly features: number;
  readonly owner: object;
  readonly labelled: boolean;
  readonly #native: NativeAddon;
  #data: NativeData | null;

  constructor(native: NativeAddon, owner: object, data: NativeData, features: number, options: LoadOptions) {
    this.#native = native;
    this.#data = data;
    this.owner = owner;
    this.rows = options.rows;
    this.features = features;
    this.labelled = options.y !== undefined;
  }

  get data(): NativeData | null {
    return this.#data;
  }

  dispose(): void {
    if (this.#data !== null) this.#native.disposeData(this.#data);
    this.#data = null;
  }
}

class NativeExecutor implements Executor {
  readonly backend = 'native';
  readonly isa: Isa;
  readonly threads: number;
  readonly spec: NetworkSpec;
  readonly #native: NativeAddon;
  readonly #outputs: number;
  readonly #small: FloatArray;
  readonly #parameters: number;
  #network: NativeNetwork | null;
  /** Length of the logits that the last forwardTrain gave; whether they are still good the addon knows. */
  #takenLogits: number | null = null;

  constructor(native: NativeAddon, spec: NetworkSpec, isa: Isa, threads: number, materialised: boolean, openblas: boolean) {
    this.#native = native;
    this.spec = spec;
    this.isa = isa;
    this.threads = threads;
    this.#outputs = outputSize(spec);
    this.#small = spec.dtype === 'float32' ? new Float32Array(SMALL_RESULT / 4) : new Float64Array(SMALL_RESULT / 8);
    this.#parameters = parameterShapes(spec).reduce((sum, { size }) => sum + size, 0);
    this.#network = call(() => native.createNetwork(encodeSpec(spec), isa, threads, materialised, openblas));
  }

  firstUnusable(x: InputArray): number {
    const network = this.#live('firstUnusable');
    return call(() => this.#native.firstUnusable(network, x));
  }

  permutation(n: number, seed: number, purpose: number, index: number): Uint32Array {
    const order = new Uint32Array(n);
    call(() => this.#native.permute(order, seed, purpose, index));
    return order;
  }

  async permutationAsync(n: number, seed: number, purpose: number, index: number): Promise<Uint32Array> {
    if (n < WORTH_A_JOB) return this.permutation(n, seed, purpose, index);
    const order = new Uint32Array(n);
    await callAsync(() => this.#native.permuteAsync(order, seed, purpose, index));
    return order;
  }

  load(options: LoadOptions): DataHandle {
    const network = this.#live('load');
    checkLoad(this.spec, options, (values) => call(() => this.#native.firstUnusable(network, values)));
    const { x, rows, y, sampleWeight } = options;
    const borrowY = y?.kind === 'values' && isShared(y.values);
    const data = call(() => this.#native.load(network, x, rows, y?.values ?? null, sampleWeight ?? null, isShared(x), borrowY));
    return new NativeDataHandle(this.#native, this, data, this.spec.inputSize, options);
  }

  async trainSteps(data: DataHandle, options: TrainOptions): Promise<TrainResult> {
    const args = this.#trainArguments(data, options, options.maxMilliseconds ?? SLICE_MILLISECONDS);
    return callAsync(() => this.#native.train(...args));
  }

  trainStepsSync(data: DataHandle, options: TrainOptions): TrainResult {
    const args = this.#trainArguments(data, options, options.maxMilliseconds ?? Infinity);
    return call(() => this.#native.trainSync(...args));
  }

  #trainArguments(data: DataHandle, options: TrainOptions, maxMilliseconds: number): Parameters<NativeAddon['train']> {
    const network = this.#live('trainSteps');
    const own = this.#labelled('trainSteps', data);
    // C++ looks for scalars that are not finite: of small networks a loop here would be a good part of the time.
    checkTrainShape(this.spec, options, data.rows);
    const { order, from, to, batchSize, repeat, firstStep, stepScalars, outputs } = options;
    return [network, own, order, from, to, batchSize, repeat ?? 1, firstStep ?? 0, stepScalars, maxMilliseconds, outputs ?? false];
  }

  abort(): void {
    const network = this.#live('abort');
    call(() => this.#native.abort(network));
  }

  read(weights: WeightsChoice): Reading {
    const network = this.#live('read');
    checkWeights('read', weights);
    return new NativeReadingHandle(this.#native, this, call(() => this.#native.beginReading(network, weights === 'published')));
  }

  async evaluate(data: DataHandle, options: EvaluateOptions, reading?: Reading): Promise<EvaluateResult> {
    const args = this.#evaluateArguments(data, options);
    const own = readingOf('evaluate', this, reading);
    return callAsync(() => this.#native.evaluate(...args, own));
  }

  evaluateSync(data: DataHandle, options: EvaluateOptions): EvaluateResult {
    const args = this.#evaluateArguments(data, options);
    return call(() => this.#native.evaluateSync(...args));
  }

  #evaluateArguments(data: DataHandle, options: EvaluateOptions): Parameters<NativeAddon['evaluateSync']> {
    const network = this.#live('evaluate');
    const own = this.#labelled('evaluate', data);
    checkRows('evaluate', options, data.rows);
    checkWeights('evaluate', options.weights);
    const { order, from, to, weights, outputs } = options;
    return [network, own, order, from, to, weights === 'published', outputs ?? false];
  }

  async predict(data: DataHandle, options: PredictOptions, reading?: Reading): Promise<FloatArray> {
    const args = this.#predictArguments(data, options);
    const own = readingOf('predict', this, reading);
    return callAsync(() => this.#native.predict(...args, own));
  }

  predictSync(data: DataHandle, options: PredictOptions): FloatArray {
    const args = this.#predictArguments(data, options);
    return call(() => this.#native.predictSync(...args));
  }

  #predictArguments(data: DataHandle, options: PredictOptions): Parameters<NativeAddon['predictSync']> {
    const network = this.#live('predict');
    const own = this.#own('predict', data);
    checkRows('predict', options, data.rows);
    checkOutput('predict', options.output);
    checkWeights('predict', options.weights);
    const { order, from, to, output, weights } = options;
    return [network, own, order, from, to, output === 'logits', weights === 'published'];
  }

  /** The way of single samples: C++ looks for numbers that are not finite. */
  predictArraySync(x: InputArray, rows: number, output: 'outputs' | 'logits', weights?: WeightsChoice): FloatArray {
    const network = this.#live('predict');
    checkOutput('predict', output);
    checkWeights('predict', weights);
    checkInputShape('predict', 'x', x, rows, this.spec.inputSize);
    const count = rows * this.#outputs;
    const out = count <= this.#small.length ? this.#small : null;
    const result = call(() => this.#native.predictArray(network, x, rows, output === 'logits', weights === 'published', out));
    return out === null ? result : out.slice(0, count);
  }

  forwardTrain(data: DataHandle, rows: Rows): ForwardResult {
    const network = this.#live('forwardTrain');
    const own = this.#own('forwardTrain', data);
    checkRows('forwardTrain', rows, data.rows);
    checkBatchRows('forwardTrain', this.spec, rows.to - rows.from);
    const result = call(() => this.#native.forwardTrain(network, own, rows.order, rows.from, rows.to));
    this.#takenLogits = result.logits.length;
    return result;
  }

  backward(dLogits: FloatArray, options: { readonly dx?: boolean } = {}): BackwardResult {
    const network = this.#live('backward');
    checkFloats('backward', 'dLogits', dLogits, this.#takenLogits ?? dLogits.length, this.spec.dtype);
    return call(() => this.#native.backward(network, dLogits, options.dx ?? true));
  }

  applyGradients(gradients: readonly FloatArray[], scalars: Float64Array): void {
    const network = this.#live('applyGradients');
    const { optimizer } = this.spec;
    if (optimizer === null) throw new NablaError('ERR_STATE', '[applyGradients] needs an update rule. Expected an optimizer for spec.optimizer, received null.');
    checkParameterArrays('applyGradients', 'gradients', this.spec, gradients);
    checkScalars('applyGradients', 'scalars', scalars, STEP_NUMBERS);
    call(() => this.#native.applyGradients(network, gradients, scalars));
  }

  lossAndGradients(data: DataHandle, rows: Rows): LossAndGradients {
    const network = this.#live('lossAndGradients');
    const own = this.#labelled('lossAndGradients', data);
    checkRows('lossAndGradients', rows, data.rows);
    checkBatchRows('lossAndGradients', this.spec, rows.to - rows.from);
    return call(() => this.#native.lossAndGradients(network, own, rows.order, rows.from, rows.to));
  }

  publish(): void {
    const network = this.#live('publish');
    call(() => this.#native.publish(network));
  }

  async publishAsync(): Promise<void> {
    if (this.#parameters < WORTH_A_JOB) {
      this.publish();
      return;
    }
    const network = this.#live('publish');
    await callAsync(() => this.#native.publishAsync(network));
  }

  getState(): ExecutorState {
    const network = this.#live('getState');
    return this.#named(call(() => this.#native.getState(network)));
  }

  async getStateAsync(): Promise<ExecutorState> {
    if (this.#parameters < WORTH_A_JOB) return this.getState();
    const network = this.#live('getState');
    return this.#named(await callAsync(() => this.#native.getStateAsync(network)));
  }

  #named({ parameters, slots, step, statistics }: NativeState): ExecutorState {
    return { parameters, slots: Object.fromEntries(this.#slots().map((name, i) => [name, slots[i]])), step, statistics };
  }

  setState(state: ExecutorState): void {
    const args = this.#stateArguments(state);
    call(() => this.#native.setState(...args));
  }

  adoptState(state: ExecutorState): void {
    if (this.#parameters < WORTH_A_JOB) {
      this.setState(state);
      return;
    }
    const args = this.#stateArguments(state);
    // Copying checked arrays cannot fail, and who needs them waits for it in C++.
    call(() => void this.#native.adoptState(...args));
  }

  #stateArguments(state: ExecutorState): Parameters<NativeAddon['setState']> {
    const network = this.#live('setState');
    checkState(this.spec, state);
    return [network, state.parameters, this.#slots().map((name) => state.slots[name]), state.step, state.statistics ?? []];
  }

  dispose(): void {
    const network = this.#network;
    if (network !== null) call(() => this.#native.disposeNetwork(network));
    this.#network = null;
  }

  #slots(): readonly string[] {
    return this.spec.optimizer === null ? [] : slotNames(this.spec.optimizer);
  }

  #live(op: string): NativeNetwork {
    if (this.#network === null) throw new NablaError('ERR_STATE', `[${op}] the network was disposed of. Expected a live network for the executor, received a disposed one.`);
    return this.#network;
  }

  #handle(op: string, data: DataHandle): NativeDataHandle {
    if (!(data instanceof NativeDataHandle)) throw new NablaError('ERR_TYPE', `[${op}] data comes from load. Expected a handle of this backend for data, received ${show(data)}.`);
    if (data.owner !== this) throw new NablaError('ERR_STATE', `[${op}] data belongs to the network that loaded it. Expected a handle of this network for data, received another network's.`);
    return data;
  }

  #own(op: string, data: DataHandle): NativeData {
    const own = this.#handle(op, data).data;
    if (own === null) throw new NablaError('ERR_STATE', `[${op}] the data was disposed of. Expected a live handle for data, received a disposed one.`);
    return own;
  }

  #labelled(op: string, data: DataHandle): NativeData {
    if (this.spec.loss === null) throw new NablaError('ERR_STATE', `[${op}] needs a loss. Expected a loss for spec.loss, received null.`);
    const own = this.#own(op, data);
    if (!this.#handle(op, data).labelled) throw new NablaError('ERR_STATE', `[${op}] needs targets. Expected data loaded with y for data, received data without.`);
    return own;
  }
}
