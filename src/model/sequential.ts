// The model that people hold: layers, weights, and everything that is done with them.
import type { Isa } from '../backend/contract/executor.js';
import type { NetworkSpec } from '../backend/contract/spec.js';
import type { DType, FloatArray, ArrayInput, TargetInput } from '../base/arrays.js';
import { checkInteger, checkOptions, checkReal } from '../base/checks.js';
import { getEnvironment } from '../base/environment.js';
import { NablaError, show } from '../base/errors.js';
import { inspectAs } from '../base/inspected.js';
import { checkSignal, stopOf } from '../base/signal.js';
import { runAsync, runSync } from '../base/sync-async.js';
import { countsPerRow, type MetricName } from '../metrics/by-name.js';
import type { LossName } from '../metrics/loss-names.js';
import type { TrainedModel } from '../train/callbacks.js';
import type { Dataset } from '../train/dataset.js';
import { evaluateFlow, type EvaluateJob } from '../train/evaluate.js';
import type { History, Logs } from '../train/history.js';
import { fitFlow } from '../train/loop.js';
import { checkedOptions, isPlainOptions, onlyEpoch } from './fit-arguments.js';
import { FrozenModel } from './frozen.js';
import { compareWithDifferences, computeGradients, type CheckGradientsOptions, type GradientCheck, type Gradients } from './gradients/gradients.js';
import { applyGradients, backward, forwardTrain, type BackwardOptions, type BackwardPass, type ForwardPass } from './gradients/manual-step.js';
import type { ClassWeight } from './inputs/sample-weights.js';
import { checkLayer, type Layer } from './layers/layer.js';
import type { Loss } from './losses/index.js';
import { findLayer, modelLayers, sliceOf, type ModelLayer } from './model-layer.js';
import { ModelCore, type Inherited } from './model-state.js';
import type { OptimizerName } from './optimizers/index.js';
import type { Optimizer } from './optimizers/optimizer.js';
import type { OptimizerState } from './optimizers/state.js';
import { parameterNames } from './parameters/parameter-names.js';
import { predict, predictSync, type PredictOptions, type PredictSource, type SampleInput } from './predict.js';
import type { Prediction } from './prediction.js';
import { checkData, loadData, ownTargets, prepareFit, splitDataset, type FitOptions, type PreparedFit } from './prepare-fit.js';
import { checkJson, type JsonValue } from './saving/json-value.js';
import { modelWriter } from './saving/model-writer.js';
import type { ModelRecord } from './saving/record.js';
import type { SequentialOptions } from './settings.js';
import { modelLine, summaryText } from './summary.js';
import { recordFlow, registerRecorder, type SaveOptions } from './to-record.js';

/** Arguments of `compile`. */
export interface CompileOptions {
  readonly optimizer: Optimizer | OptimizerName;
  readonly loss: Loss | LossName;
  readonly metrics?: readonly MetricName[];
}
/** Options of `trainOnBatch`. */
export interface TrainOnBatchOptions {
  readonly sampleWeight?: ArrayInput;
  readonly classWeight?: ClassWeight;
}
/** Options of `evaluate`. */
export interface EvaluateOptions {
  readonly sampleWeight?: ArrayInput;
  /** Keras's rows a call, 1 or more. Nabla cuts the rows itself and no figure depends on it: checked, without effect. */
  readonly batchSize?: number;
  /** Ends the call within a slice: ERR_ABORTED, with the signal's reason as cause. Default: none. Calls without a promise look at it before they begin. */
  readonly signal?: AbortSignal | null;
}

/** A chain of layers. Made by {@link sequential}. */
export class Sequential implements TrainedModel {
  /** Set it to true and a running fit ends after its current epoch. */
  stopTraining = false;
  /** Figures stored in the model's file, for example { testAccuracy: 0.98 }. */
  readonly metrics: Record<string, number>;
  /** A program's own data, of the file the model came from or set since; `save` keeps it. */
  extra: JsonValue | undefined;
  readonly #core: ModelCore;
  static {
    inspectAs(this, 'Sequential', (model) => modelLine(model.#core));
  }

  /** Use {@link sequential}. */
  constructor(options: SequentialOptions, layers: readonly unknown[], inherited: Inherited = {}) {
    this.metrics = { ...inherited.metrics };
    this.extra = inherited.extra;
    this.#core = new ModelCore(options, layers, inherited);
    registerRecorder(this, (op, options) => this.#recordBeside(op, options));
  }

  /** Which backend computes. */
  get backend(): 'native' | 'typescript' {
    return this.#core.settings.backend;
  }
  /** Which instruction set computes; 'typescript' for that backend. */
  get isa(): Isa | 'typescript' {
    return this.#core.live('isa').isa;
  }
  /** How many threads compute. */
  get threads(): number {
    return this.#core.live('threads').threads;
  }
  get dtype(): DType {
    return this.#core.settings.dtype;
  }
  get seed(): number {
    return this.#core.settings.seed;
  }
  get classNames(): readonly string[] | undefined {
    return this.#core.settings.classNames;
  }
  /** Updates made so far. */
  get step(): number {
    return this.#core.step;
  }
  /** Number of the epoch after the last finished one; give it to fit as `initialEpoch` to go on. Compile begins anew. */
  get nextEpoch(): number {
    return this.#core.nextEpoch;
  }
  /** The learning rate of the next update. Setting it replaces a number or a function. @throws ERR_STATE, ERR_RANGE */
  get learningRate(): number {
    this.#core.requireCompiled('learningRate');
    return typeof this.#core.rate === 'number' ? this.#core.rate : this.#core.rate(this.#core.step);
  }
  set learningRate(value: number) {
    this.#core.requireCompiled('learningRate');
    this.#core.rate = checkReal('learningRate', 'learningRate', value, { minimum: 0 });
  }
  /** The network as plain data, as the backend sees it. */
  get spec(): NetworkSpec {
    return this.#core.spec('spec');
  }

  /** Appends a layer; only before the model is used. @returns this @throws ERR_STATE, ERR_TYPE */
  add(layer: Layer): this {
    this.#core.checkAlive('add');
    if (this.#core.structure !== null) {
      throw new NablaError('ERR_STATE', '[add] layers are added before the model is used. Expected a model that has made no weights yet, received a built one.');
    }
    this.#core.layers.push(checkLayer('add', layer));
    return this;
  }

  /**
   * Chooses how the model learns. Weights stay, the optimizer starts anew.
   * @param options `optimizer` a name or an object of `optimizers`; `loss` a name or an object of `losses`; `metrics` names, default none
   * @throws ERR_OPTION for unknown names, and for a last layer and a loss that do not go together; ERR_TYPE, ERR_RANGE, ERR_BUSY
   * @example model.compile({ optimizer: optimizers.sgd({ learningRate: 0.1 }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })
   */
  compile(options: CompileOptions): void {
    checkOptions('compile', options, ['optimizer', 'loss', 'metrics']);
    if (options.optimizer === null) throw new NablaError('ERR_TYPE', "[compile] an optimizer is given. Expected a name such as 'sgd' or 'adam', or optimizers.sgd({ ... }), received null.");
    this.#core.compile('compile', options);
  }

  /**
   * Trains. Arrays are copied before this returns its promise; the event loop stays free.
   * @param x samples (rows, features), or a data set
   * @param y class indices (rows) or values (rows, outputs), as the loss wants them
   * @param options see {@link FitOptions}
   * @returns loss and metrics of every epoch: means over the batches, weighted by their rows, while the weights moved
   * @throws (as rejection) ERR_STATE, ERR_BUSY, ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_OPTION before anything changes; ERR_NON_FINITE with the
   * weights as before the step; ERR_ABORTED with the signal's reason as cause. The last two carry `history`.
   * @example const history = await model.fit(x, y, { epochs: 10, batchSize: 64, validationSplit: 0.1, verbose: 1 });
   */
  async fit(data: Dataset, options?: FitOptions): Promise<History>;
  async fit(x: ArrayInput, y: TargetInput | null, options?: FitOptions): Promise<History>;
  async fit(x: unknown, ...rest: unknown[]): Promise<History> {
    const { prepared, done } = this.#beginFit('fit', x, rest);
    try {
      return await runAsync(fitFlow(prepared.job));
    } finally {
      done();
    }
  }

  /** Trains without waiting, for scripts; hooks may not return promises. @see fit */
  fitSync(data: Dataset, options?: FitOptions): History;
  fitSync(x: ArrayInput, y: TargetInput | null, options?: FitOptions): History;
  fitSync(x: unknown, ...rest: unknown[]): History {
    const { prepared, done } = this.#beginFit('fitSync', x, rest);
    try {
      return runSync(fitFlow(prepared.job));
    } finally {
      done();
    }
  }

  #beginFit(op: string, x: unknown, rest: readonly unknown[]): { prepared: PreparedFit; done: () => void } {
    this.#core.checkIdle(op);
    const { rule, compiled } = this.#core.trainable(op);
    const [y, options] = isPlainOptions(rest[0]) && rest.length < 2 ? [undefined, rest[0]] : [rest[0], rest[1]];
    // From here on, so that a getter of x, y or an option that starts another fit, compiles or disposes of the model is refused.
    this.#core.fitting = true;
    this.#core.published = false;
    try {
      const prepared = prepareFit(rule, x, y, checkedOptions(op, options), compiled.metrics, {
        model: this,
        scalars: (steps) => this.#core.scalars(steps),
        advance: (steps) => void (this.#core.step += steps),
        stepping: (running) => void (this.#core.stepping = running),
        published: () => void (this.#core.published = true),
        finished: (epoch) => void (this.#core.nextEpoch = epoch + 1),
        lbfgs: this.#core.lbfgsJob(),
      });
      this.#core.goOnAt(prepared.job.initialEpoch, prepared.job.params.steps);
      this.stopTraining = false;
      return {
        prepared,
        done: () => {
          this.#core.fitting = false;
          prepared.dispose();
        },
      };
    } catch (error) {
      this.#core.fitting = false;
      throw error;
    }
  }

  /** One update with the given rows as one batch. @returns loss and metrics of the batch before the update @throws as fit */
  async trainOnBatch(x: ArrayInput, y: TargetInput | null, options: TrainOnBatchOptions = {}): Promise<Logs> {
    checkOptions('trainOnBatch', options, ['sampleWeight', 'classWeight']);
    const history = await this.fit(x, y, { ...options, epochs: 1, batchSize: Number.MAX_SAFE_INTEGER, shuffle: false });
    return onlyEpoch(history);
  }

  /** The same, without waiting. */
  trainOnBatchSync(x: ArrayInput, y: TargetInput | null, options: TrainOnBatchOptions = {}): Logs {
    checkOptions('trainOnBatchSync', options, ['sampleWeight', 'classWeight']);
    return onlyEpoch(this.fitSync(x, y, { ...options, epochs: 1, batchSize: Number.MAX_SAFE_INTEGER, shuffle: false }));
  }

  /**
   * Loss and metrics over data the model does not learn from, with the weights of the call, whatever changes them before it is done. While a fit
   * runs, those of its last finished epoch.
   * @param x samples or a data set @param y targets @param options `sampleWeight` (rows), `batchSize`, `signal`: see {@link EvaluateOptions}
   * @returns { loss, accuracy, … } @throws (as rejection) ERR_STATE, ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_OPTION, ERR_NON_FINITE; ERR_ABORTED with the signal's
   * reason as cause
   */
  async evaluate(data: Dataset, options?: EvaluateOptions): Promise<Logs>;
  async evaluate(x: ArrayInput, y: TargetInput | null, options?: EvaluateOptions): Promise<Logs>;
  async evaluate(x: unknown, ...rest: unknown[]): Promise<Logs> {
    const { job, dispose } = this.#beginEvaluate('evaluate', x, rest);
    try {
      return await runAsync(evaluateFlow(job));
    } finally {
      dispose();
    }
  }

  /** The same, without waiting. */
  evaluateSync(data: Dataset, options?: EvaluateOptions): Logs;
  evaluateSync(x: ArrayInput, y: TargetInput | null, options?: EvaluateOptions): Logs;
  evaluateSync(x: unknown, ...rest: unknown[]): Logs {
    const { job, dispose } = this.#beginEvaluate('evaluateSync', x, rest);
    try {
      return runSync(evaluateFlow(job));
    } finally {
      dispose();
    }
  }

  #beginEvaluate(op: string, x: unknown, rest: readonly unknown[]): { job: EvaluateJob; dispose: () => void } {
    const { rule, compiled } = this.#core.rule(op);
    const [y, options] = isPlainOptions(rest[0]) && rest.length < 2 ? [undefined, rest[0]] : [rest[0], rest[1]];
    checkOptions(op, options ?? {}, ['sampleWeight', 'batchSize', 'signal']);
    const sampleWeight: unknown = isPlainOptions(options) && 'sampleWeight' in options ? options.sampleWeight : undefined;
    const batchSize: unknown = isPlainOptions(options) && 'batchSize' in options ? options.batchSize : undefined;
    if (batchSize !== undefined) checkInteger(op, 'batchSize', batchSize, 1);
    const signal = checkSignal(op, isPlainOptions(options) && 'signal' in options ? options.signal : undefined);
    const given = splitDataset(op, x, y, rule.structure.inputSize);
    const checked = checkData(rule, given.x, given.y, sampleWeight);
    const data = loadData(rule.executor, checked);
    return {
      job: {
        executor: rule.executor, data, targets: ownTargets(checked.targets, compiled.metrics), metrics: compiled.metrics,
        countsPerRow: countsPerRow(compiled.loss, rule.structure.units), weights: this.#core.weightsChoice(), stop: stopOf(op, signal),
      },
      dispose: () => { data.dispose(); },
    };
  }

  /**
   * Probabilities for classification, values for regression, with the weights of the call, whatever changes them before it is done. While a fit
   * runs, those of its last finished epoch.
   * @param x one sample as a flat array, arrays of samples, a data set or its x
   * @param options `rows` (how many samples a flat array holds), `batchSize`, `signal`: see {@link PredictOptions}
   * @returns (rows, outputs) @throws (as rejection) ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE, ERR_STATE, ERR_OPTION, ERR_RANGE; ERR_ABORTED with the signal's
   * reason as cause
   * @example const p = await model.predict(images); console.log(p.argmax());
   */
  async predict(x: SampleInput, options?: PredictOptions): Promise<Prediction> {
    return predict(this.#source('predict', 'outputs'), x, options);
  }
  /** The same, without waiting: the fast way for single samples. */
  predictSync(x: SampleInput, options?: PredictOptions): Prediction {
    return predictSync(this.#source('predictSync', 'outputs'), x, options);
  }
  /** Outputs before the softmax or sigmoid; the same as predict where there is none. @see predict */
  async predictLogits(x: SampleInput, options?: PredictOptions): Promise<Prediction> {
    return predict(this.#source('predictLogits', 'logits'), x, options);
  }
  /** The same, without waiting. */
  predictLogitsSync(x: SampleInput, options?: PredictOptions): Prediction {
    return predictSync(this.#source('predictLogitsSync', 'logits'), x, options);
  }

  /**
   * Loss and its gradients for these rows as one batch, in training mode (dropout active); nothing is updated.
   * @param x samples (rows, features) @param y targets
   * @returns loss, gradients by parameter name, dx (rows, features), outputs @throws ERR_STATE, ERR_BUSY, ERR_TYPE, ERR_SHAPE, ERR_RANGE
   */
  gradients(x: ArrayInput, y: TargetInput | null): Gradients {
    this.#core.checkNotStepping('gradients');
    const { rule } = this.#core.rule('gradients');
    return computeGradients(rule.executor, checkData(rule, x, y, undefined));
  }

  /**
   * Proves {@link gradients} by central differences (loss(p + ε) - loss(p - ε)) / 2ε, computed in float64 by the TypeScript backend. A float64
   * model comes out below 1e-7, a float32 one near its rounding (1e-5); a relu whose input is within ε of 0 may show more.
   * @param x a few samples @param y targets @param options `epsilon` default 1e-5; `elements` checked of each parameter, default 200
   * @returns for each parameter the worst relative difference and where it is @throws as gradients
   * @example for (const { name, worst, at } of model.checkGradients(x, y)) console.log(name, worst, at);
   */
  checkGradients(x: ArrayInput, y: TargetInput | null, options: CheckGradientsOptions = {}): GradientCheck[] {
    const op = 'checkGradients';
    checkOptions(op, options, ['epsilon', 'elements']);
    const epsilon = checkReal(op, 'epsilon', options.epsilon ?? 1e-5, { minimum: 0, minimumOpen: true });
    const elements = checkInteger(op, 'elements', options.elements ?? 200, 1);
    this.#core.checkNotStepping(op);
    const { rule } = this.#core.rule(op);
    const data = checkData(rule, x, y, undefined);
    const { gradients } = computeGradients(rule.executor, data);
    const { spec } = rule.executor;
    return compareWithDifferences(spec, rule.executor.getState(), data, parameterNames(spec).map((name) => gradients[name]), { epsilon, elements, withLoss: (executor) => this.#core.withLoss(executor) });
  }

  /**
   * First part of a step by hand: the training pass forward (dropout active) over all rows as one batch. Keeps what {@link backward} needs until the
   * model computes something else.
   * @param x samples (rows, features) @throws ERR_BUSY, ERR_STATE, ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE
   * @example
   * const { outputs } = model.forwardTrain(x);
   * const { gradients } = model.backward(outputs.map((p, i) => (p - oneHot[i]) / rows));
   * model.applyGradients(gradients); // the same as one full-batch step of fit
   */
  forwardTrain(x: ArrayInput): ForwardPass {
    this.#core.checkNotStepping('forwardTrain');
    return forwardTrain(this.#core.live('forwardTrain'), this.#core.build('forwardTrain'), x);
  }

  /**
   * Second part: the gradients of any loss, from its gradient with respect to forwardTrain's logits.
   * @param dLogits (rows, outputs), averaged over the rows as the loss is @param options `dx` default true
   * @throws ERR_STATE without a forwardTrain right before, ERR_BUSY, ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE
   */
  backward(dLogits: ArrayInput, options: BackwardOptions = {}): BackwardPass {
    this.#core.checkNotStepping('backward');
    return backward(this.#core.live('backward'), this.#core.build('backward'), dLogits, options);
  }

  /** Third part: one update of all parameters, with the optimizer and learning rate of compile: penalties, clipping and constraints as in a step of fit. @param gradients by name, as backward gives them @throws as backward, ERR_OPTION */
  applyGradients(gradients: Readonly<Record<string, ArrayInput>>): void {
    this.#core.checkNotStepping('applyGradients');
    const { rule, compiled } = this.#core.trainable('applyGradients');
    if (compiled.optimizer?.spec.name === 'lbfgs') {
      throw new NablaError('ERR_STATE', '[applyGradients] lbfgs needs losses to compare. Expected fit, or another optimizer, received gradients alone.');
    }
    applyGradients(rule.executor, gradients, this.#core.scalars(1));
    this.#core.step += 1;
  }

  /** Fresh arrays: the parameters in canonical order (of each dense layer weight (out, in), then bias (out); gamma, beta, alpha), then the moving statistics. @throws ERR_BUSY while an update runs */
  getWeights(): FloatArray[] {
    this.#core.checkNotStepping('getWeights');
    this.#core.build('getWeights');
    const { parameters, statistics = [] } = this.#core.takeState('getWeights');
    return [...parameters, ...statistics];
  }

  /** Takes weights in the order of getWeights; all are checked before any is taken. @throws ERR_SHAPE, ERR_TYPE, ERR_NON_FINITE, ERR_BUSY */
  setWeights(weights: readonly ArrayInput[]): void {
    this.#core.checkNotStepping('setWeights');
    this.#core.setWeights('setWeights', weights);
  }

  /** LAYER.weight, LAYER.bias, LAYER.gamma, … in canonical order. */
  parameterNames(): string[] {
    const structure = this.#core.build('parameterNames');
    return parameterNames({ inputSize: structure.inputSize, layers: structure.specLayers });
  }

  /** Shapes of the parameters in canonical order. */
  parameterShapes(): (readonly number[])[] {
    return this.#core.shapes(this.#core.build('parameterShapes')).map(({ shape }) => shape);
  }

  /** Names of the moving statistics of batch normalizations, LAYER.movingMean and LAYER.movingVariance: what follows the parameters in getWeights. */
  statisticNames(): string[] {
    return this.#core.movingShapes(this.#core.build('statisticNames')).map(({ name }) => name);
  }

  /** The layers in order, with their names; reading it makes the weights, as every use does. @throws as sequential, ERR_STATE after dispose */
  get layers(): readonly ModelLayer[] {
    return modelLayers('layers', this.#core);
  }

  /**
   * One layer.
   * @param nameOrIndex its name, or its position from 0; -1 is the last one
   * @throws ERR_OPTION for a name that no layer has, ERR_RANGE, ERR_TYPE, ERR_STATE
   * @example const [weight, bias] = model.getLayer('dense_1').getWeights();
   */
  getLayer(nameOrIndex: string | number): ModelLayer {
    return findLayer('getLayer', this.#core, nameOrIndex);
  }

  /**
   * A model of some of the layers, with copies of their weights: from here on the two go their own ways. It is not compiled; predict works at once.
   * @param from position of its first layer, default 0 @param to position after its last one, default all
   * @returns a model with the same names, seed, dtype and backend @throws ERR_RANGE, ERR_TYPE; ERR_OPTION, ERR_SHAPE where these layers are no model
   * (it ends with a dense layer and what belongs to it); ERR_BUSY, ERR_STATE
   * @example
   * const encoder = autoencoder.slice(0, autoencoder.getLayer('code').index + 1);
   * const codes = await encoder.predict(set);
   */
  slice(from = 0, to = this.#core.layers.length): Sequential {
    this.#core.checkNotStepping('slice');
    const { layers, state } = sliceOf('slice', this.#core, from, to);
    const { classNames, ...options } = this.#core.options();
    return new Sequential(to === this.#core.layers.length && classNames !== undefined ? { ...options, classNames } : options, layers, { state });
  }

  /** Number of trained numbers. */
  countParams(): number {
    return this.#core.build('countParams').parameters;
  }

  /** The table of layers, as a string. @param options `print` writes it too, default false @throws ERR_OPTION */
  summary(options: { readonly print?: boolean } = {}): string {
    checkOptions('summary', options, ['print']);
    const text = summaryText('sequential', this.#core.build('summary'), this.#core.settings.seed);
    if (options.print === true) getEnvironment().write(`${text}\n`);
    return text;
  }

  /** A second model with the same layers, weights, optimizer state and step; from here on they go their own ways. @throws ERR_BUSY, ERR_STATE */
  clone(): Sequential {
    this.#core.checkNotStepping('clone');
    this.#core.build('clone');
    const state = this.#core.takeState('clone');
    const copy = new Sequential(this.#core.options(), this.#core.layers, this.#kept());
    copy.#core.adopt(this.#core, state);
    return copy;
  }

  /** An immutable predictor with the present weights and no optimizer state. @throws ERR_BUSY, ERR_STATE */
  freeze(): FrozenModel {
    this.#core.checkNotStepping('freeze');
    const structure = this.#core.build('freeze');
    const { parameters, statistics = [] } = this.#core.takeState('freeze');
    const spec: NetworkSpec = { ...this.#core.spec('freeze'), loss: null, optimizer: null };
    const executor = this.#core.newExecutor(spec);
    executor.adoptState({ parameters, slots: {}, step: 0, statistics });
    return new FrozenModel(structure, executor);
  }

  /** What the optimizer has learned and where training stands, as fresh arrays. @throws ERR_BUSY, ERR_STATE before compile */
  getOptimizerState(): OptimizerState {
    this.#core.checkNotStepping('getOptimizerState');
    return this.#core.optimizerState('getOptimizerState');
  }

  /**
   * Goes on from there. With the weights of the same moment, `fit` with `initialEpoch: model.nextEpoch` gives the bytes of a training that never stopped.
   * @param state as getOptimizerState gave it, of the same optimizer; a learningRate of null leaves the rate as it is
   * @throws ERR_TYPE, ERR_OPTION, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE before anything changes; ERR_BUSY, ERR_STATE
   */
  setOptimizerState(state: OptimizerState): void {
    this.#core.checkIdle('setOptimizerState');
    this.#core.setOptimizerState('setOptimizerState', state);
  }

  /** The model as plain data: what a model file holds. @param options `includeOptimizer`, default false @throws ERR_BUSY, ERR_STATE, ERR_OPTION */
  toRecord(options: SaveOptions = {}): ModelRecord {
    this.#core.checkNotStepping('toRecord');
    return runSync(recordFlow('toRecord', this.#core, this.#kept(), options));
  }

  /**
   * Writes the model to a .safetensors file: to a temporary one first, then renamed.
   * @param path where to @param options `includeOptimizer`, default false; `extra`, default the model's @throws (as rejection) ERR_FILE, ERR_BUSY, ERR_STATE, ERR_OPTION
   * @example
   * await model.save('half.safetensors', { includeOptimizer: true });
   * const again = await loadModel('half.safetensors');
   * await again.fit(x, y, { initialEpoch: again.nextEpoch, epochs: 10 });
   */
  async save(path: string | URL, options: SaveOptions = {}): Promise<void> {
    await modelWriter()(await this.#recordBeside('save', options), path);
  }

  /** What goes with the weights. */
  #kept(): Pick<Inherited, 'extra'> & { readonly metrics: Readonly<Record<string, number>> } {
    return { metrics: this.metrics, ...(this.extra === undefined ? {} : { extra: checkJson('extra', 'extra', this.extra) }) };
  }

  async #recordBeside(op: string, options: SaveOptions): Promise<ModelRecord> {
    this.#core.checkNotStepping(op);
    return runAsync(recordFlow(op, this.#core, this.#kept(), options));
  }

  /** Frees native memory now instead of when the model is collected. Later calls are ERR_STATE. @throws ERR_BUSY while a fit runs */
  dispose(): void {
    this.#core.dispose('dispose');
  }

  #source(op: string, output: PredictSource['output']): PredictSource {
    const executor = this.#core.live(op);
    return { op, structure: this.#core.build(op), executor, output, weights: this.#core.weightsChoice() };
  }

}

/**
 * A network as a chain of layers; the first one knows the shape of a sample. Options and layers come in either order.
 * @param options `seed` default 0, not a random one: two models without a seed start with the same weights and see the rows in the same order; `dtype` 'float32' (default) or 'float64'; `backend` 'auto' (default), 'native' or 'typescript'; `isa`; `threads`
 * @param layers in order; may be left out and added with `add`
 * @throws ERR_OPTION, ERR_SHAPE, ERR_TYPE, ERR_RANGE, ERR_MEMORY, ERR_BACKEND
 * @example
 * const model = sequential({ seed: 42 }, [
 *   layers.dense({ units: 8, activation: 'tanh', inputShape: [2] }),
 *   layers.dense({ units: 1, activation: 'sigmoid' }),
 * ]);
 */
export function sequential(options: SequentialOptions, layers?: readonly Layer[]): Sequential;
export function sequential(layers?: readonly Layer[], options?: SequentialOptions): Sequential;
export function sequential(first?: unknown, second?: unknown): Sequential {
  const [layers = [], options = {}] = Array.isArray(first) || isPlainOptions(second) ? [first, second] : [second, first];
  if (!Array.isArray(layers)) throw new NablaError('ERR_TYPE', `[sequential] layers are a list. Expected [layers.dense({ ... }), …] for layers, received ${show(layers)}.`);
  if (!isPlainOptions(options)) throw new NablaError('ERR_TYPE', `[sequential] options are an object. Expected { seed, dtype, backend } for options, received ${show(options)}.`);
  if ('inputs' in options || 'outputs' in options) {
    throw new NablaError('ERR_OPTION', '[sequential] a model is one chain of layers. Expected sequential({ seed }, [layers.dense({ ... }), …]), received inputs and outputs of a functional model.');
  }
  return new Sequential(options, layers);
}
