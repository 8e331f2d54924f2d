// The model that people hold: layers, weights, and everything that is done with them.
import { createExecutor } from '../backend/create.js';
import type { Executor, ExecutorState, Isa, WeightsChoice } from '../backend/executor.js';
import { parameterShapes, slotNames, type DType, type FloatArray, type NetworkSpec } from '../backend/spec.js';
import { NablaError, show } from '../errors.js';
import type { TrainedModel } from '../train/callbacks.js';
import { evaluateFlow, type EvaluateJob } from '../train/evaluate.js';
import type { Dataset } from '../train/dataset.js';
import { runAsync, runSync } from '../train/flow.js';
import type { History, Logs } from '../train/history.js';
import { getHost } from '../train/host.js';
import { fitFlow } from '../train/loop.js';
import { checkMetrics, countsPerRow, type Metric, type MetricName } from '../train/metrics.js';
import { buildSpec } from './build-spec.js';
import { checkInteger, checkOptions, checkReal } from './checks.js';
import { checkData, loadData, ownTargets, prepareFit, splitDataset, type DataRule, type FitOptions, type PreparedFit } from './fit-options.js';
import { FrozenModel } from './frozen.js';
import { compareWithDifferences, computeGradients, parameterNames, type CheckGradientsOptions, type GradientCheck, type Gradients } from './gradients.js';
import { initialWeights, toParameter } from './initial-weights.js';
import { checkLayer, type Layer } from './layer.js';
import { checkLoss, type LossConfig, type LossName } from './losses.js';
import { checkOptimizer, stepScalars, type LearningRate, type Optimizer, type OptimizerName } from './optimizers.js';
import { predict, predictSync, type PredictSource, type SampleInput } from './predict.js';
import type { Prediction } from './prediction.js';
import type { CompileConfig, ModelRecord } from './record.js';
import type { ClassWeight } from './sample-weights.js';
import { checkSettings, type SequentialOptions, type Settings } from './settings.js';
import { resolveStructure, type Structure } from './structure.js';
import { summaryText } from './summary.js';
import { applyGradients, backward, forwardTrain, type BackwardOptions, type BackwardPass, type ForwardPass } from './taken-apart.js';
import type { ArrayInput } from './typed-arrays.js';

/** Arguments of `compile`. */
export interface CompileOptions {
  readonly optimizer: Optimizer | OptimizerName;
  readonly loss: LossConfig | LossName;
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
}

interface Compiled {
  /** null: loaded from a file whose learning rate was a function. */
  readonly optimizer: Optimizer | null;
  readonly loss: LossConfig;
  readonly metrics: readonly Metric[];
}
/** Arguments of compile that nobody has checked yet. */
export interface StoredCompile {
  readonly optimizer: unknown;
  readonly loss: unknown;
  readonly metrics?: unknown;
}
/** What a model takes over from a record or from another model. */
export interface Inherited {
  readonly state?: ExecutorState;
  readonly compiled?: StoredCompile;
  readonly metrics?: Readonly<Record<string, number>>;
}

/** A chain of layers. Made by {@link sequential}. */
export class Sequential implements TrainedModel {
  /** Set it to true and a running fit ends after its current epoch. */
  stopTraining = false;
  /** Figures stored in the model's file, for example { testAccuracy: 0.98 }. */
  readonly metrics: Record<string, number>;
  readonly #settings: Settings;
  readonly #layers: Layer[] = [];
  #structure: Structure | null = null;
  #compiled: Compiled | null = null;
  #rate: LearningRate = 0;
  #executor: Executor | null = null;
  /** Weights while there is no executor. */
  #state: ExecutorState | null = null;
  #step = 0;
  #fitting = false;
  #stepping = false;
  #disposed = false;

  /** Use {@link sequential}. */
  constructor(options: SequentialOptions, layers: readonly unknown[], inherited: Inherited = {}) {
    this.#settings = checkSettings(options);
    this.metrics = { ...inherited.metrics };
    for (const layer of layers) this.#layers.push(checkLayer('sequential', layer));
    if (this.#layers.length > 0) this.#build('sequential', inherited.state);
    if (inherited.compiled !== undefined) this.#compile('sequential', inherited.compiled);
  }

  /** Which backend computes. */
  get backend(): 'native' | 'typescript' {
    return this.#settings.backend;
  }
  /** Which instruction set computes; 'typescript' for that backend. */
  get isa(): Isa | 'typescript' {
    return this.#live('isa').isa;
  }
  /** How many threads compute. */
  get threads(): number {
    return this.#live('threads').threads;
  }
  get dtype(): DType {
    return this.#settings.dtype;
  }
  get seed(): number {
    return this.#settings.seed;
  }
  get classNames(): readonly string[] | undefined {
    return this.#settings.classNames;
  }
  /** Updates made so far. */
  get step(): number {
    return this.#step;
  }
  /** The learning rate of the next update. Setting it replaces a number or a function. @throws ERR_STATE, ERR_RANGE */
  get learningRate(): number {
    this.#requireCompiled('learningRate');
    return typeof this.#rate === 'number' ? this.#rate : this.#rate(this.#step);
  }
  set learningRate(value: number) {
    this.#requireCompiled('learningRate');
    this.#rate = checkReal('learningRate', 'learningRate', value, { minimum: 0 });
  }
  /** The network as plain data, as the backend sees it. */
  get spec(): NetworkSpec {
    return this.#spec('spec');
  }

  /** Appends a layer; only before the model is used. @returns this @throws ERR_STATE, ERR_TYPE */
  add(layer: Layer): this {
    this.#checkAlive('add');
    if (this.#structure !== null) {
      throw new NablaError('ERR_STATE', '[add] layers are added before the model is used. Expected a model that has made no weights yet, received a built one.');
    }
    this.#layers.push(checkLayer('add', layer));
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
    if (options.optimizer === null) throw new NablaError('ERR_TYPE', "[compile] an optimizer is given. Expected 'sgd', 'adam' or optimizers.sgd({ ... }), received null.");
    this.#compile('compile', options);
  }

  #compile(op: string, options: StoredCompile): void {
    this.#checkIdle(op);
    const structure = this.#build(op);
    const optimizer = options.optimizer === null ? null : checkOptimizer(op, options.optimizer);
    const loss = checkLoss(op, options.loss);
    const metrics = checkMetrics(op, options.metrics, loss);
    const { dtype, seed } = this.#settings;
    buildSpec(op, { structure, loss, optimizer: optimizer?.spec ?? null, dtype, seed });
    const { parameters } = this.#takeState(op);
    this.#executor?.dispose();
    this.#executor = null;
    this.#state = { parameters, slots: {}, step: 0 };
    this.#step = 0;
    this.#compiled = { optimizer, loss, metrics };
    this.#rate = optimizer?.learningRate ?? 0;
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
  async fit(x: ArrayInput, y: ArrayInput | null, options?: FitOptions): Promise<History>;
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
  fitSync(x: ArrayInput, y: ArrayInput | null, options?: FitOptions): History;
  fitSync(x: unknown, ...rest: unknown[]): History {
    const { prepared, done } = this.#beginFit('fitSync', x, rest);
    try {
      return runSync(fitFlow(prepared.job));
    } finally {
      done();
    }
  }

  #beginFit(op: string, x: unknown, rest: readonly unknown[]): { prepared: PreparedFit; done: () => void } {
    this.#checkIdle(op);
    const { rule, compiled } = this.#trainable(op);
    const [y, options] = isPlainOptions(rest[0]) && rest.length < 2 ? [undefined, rest[0]] : [rest[0], rest[1]];
    const prepared = prepareFit(rule, x, y, checkedOptions(op, options), compiled.metrics, {
      model: this,
      scalars: (steps) => this.#scalars(steps),
      advance: (steps) => void (this.#step += steps),
      stepping: (running) => void (this.#stepping = running),
    });
    this.#fitting = true;
    this.stopTraining = false;
    return {
      prepared,
      done: () => {
        this.#fitting = false;
        prepared.dispose();
      },
    };
  }

  /** One update with the given rows as one batch. @returns loss and metrics of the batch before the update @throws as fit */
  async trainOnBatch(x: ArrayInput, y: ArrayInput | null, options: TrainOnBatchOptions = {}): Promise<Logs> {
    checkOptions('trainOnBatch', options, ['sampleWeight', 'classWeight']);
    const history = await this.fit(x, y, { ...options, epochs: 1, batchSize: Number.MAX_SAFE_INTEGER, shuffle: false });
    return onlyEpoch(history);
  }

  /** The same, without waiting. */
  trainOnBatchSync(x: ArrayInput, y: ArrayInput | null, options: TrainOnBatchOptions = {}): Logs {
    checkOptions('trainOnBatchSync', options, ['sampleWeight', 'classWeight']);
    return onlyEpoch(this.fitSync(x, y, { ...options, epochs: 1, batchSize: Number.MAX_SAFE_INTEGER, shuffle: false }));
  }

  /**
   * Loss and metrics over data the model does not learn from. While a fit runs, with the weights of its last finished epoch.
   * @param x samples or a data set @param y targets @param options `sampleWeight` (rows)
   * @returns { loss, accuracy, … } @throws (as rejection) ERR_STATE, ERR_TYPE, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE
   */
  async evaluate(data: Dataset, options?: EvaluateOptions): Promise<Logs>;
  async evaluate(x: ArrayInput, y: ArrayInput | null, options?: EvaluateOptions): Promise<Logs>;
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
  evaluateSync(x: ArrayInput, y: ArrayInput | null, options?: EvaluateOptions): Logs;
  evaluateSync(x: unknown, ...rest: unknown[]): Logs {
    const { job, dispose } = this.#beginEvaluate('evaluateSync', x, rest);
    try {
      return runSync(evaluateFlow(job));
    } finally {
      dispose();
    }
  }

  #beginEvaluate(op: string, x: unknown, rest: readonly unknown[]): { job: EvaluateJob; dispose: () => void } {
    const { rule, compiled } = this.#rule(op);
    const [y, options] = isPlainOptions(rest[0]) && rest.length < 2 ? [undefined, rest[0]] : [rest[0], rest[1]];
    checkOptions(op, options ?? {}, ['sampleWeight']);
    const sampleWeight: unknown = isPlainOptions(options) && 'sampleWeight' in options ? options.sampleWeight : undefined;
    const given = splitDataset(op, x, y, rule.structure.inputSize);
    const checked = checkData(rule, given.x, given.y, sampleWeight);
    const data = loadData(rule.executor, checked);
    return {
      job: {
        executor: rule.executor, data, targets: ownTargets(checked.targets, compiled.metrics), metrics: compiled.metrics,
        countsPerRow: countsPerRow(compiled.loss, rule.structure.units), weights: this.#weightsChoice(),
      },
      dispose: () => { data.dispose(); },
    };
  }

  /**
   * Probabilities for classification, values for regression. While a fit runs, with the weights of its last finished epoch.
   * @param x samples: typed, nested or flat arrays, or a data set
   * @returns (rows, outputs) @throws (as rejection) ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE, ERR_STATE
   * @example const p = await model.predict(images); console.log(p.argmax());
   */
  async predict(x: SampleInput): Promise<Prediction> {
    return predict(this.#source('predict', 'outputs'), x);
  }
  /** The same, without waiting: the fast way for single samples. */
  predictSync(x: SampleInput): Prediction {
    return predictSync(this.#source('predictSync', 'outputs'), x);
  }
  /** Outputs before the softmax or sigmoid; the same as predict where there is none. @see predict */
  async predictLogits(x: SampleInput): Promise<Prediction> {
    return predict(this.#source('predictLogits', 'logits'), x);
  }
  /** The same, without waiting. */
  predictLogitsSync(x: SampleInput): Prediction {
    return predictSync(this.#source('predictLogitsSync', 'logits'), x);
  }

  /**
   * Loss and its gradients for these rows as one batch, in training mode (dropout active); nothing is updated.
   * @param x samples (rows, features) @param y targets
   * @returns loss, gradients by parameter name, dx (rows, features), outputs @throws ERR_STATE, ERR_BUSY, ERR_TYPE, ERR_SHAPE, ERR_RANGE
   */
  gradients(x: ArrayInput, y: ArrayInput | null): Gradients {
    this.#checkNotStepping('gradients');
    const { rule } = this.#rule('gradients');
    return computeGradients(rule.executor, checkData(rule, x, y, undefined));
  }

  /**
   * Proves {@link gradients} by central differences (loss(p + ε) - loss(p - ε)) / 2ε, computed in float64 by the TypeScript backend. A float64
   * model comes out below 1e-7, a float32 one near its rounding (1e-5); a relu whose input is within ε of 0 may show more.
   * @param x a few samples @param y targets @param options `epsilon` default 1e-5; `elements` checked of each parameter, default 200
   * @returns for each parameter the worst relative difference and where it is @throws as gradients
   * @example for (const { name, worst, at } of model.checkGradients(x, y)) console.log(name, worst, at);
   */
  checkGradients(x: ArrayInput, y: ArrayInput | null, options: CheckGradientsOptions = {}): GradientCheck[] {
    const op = 'checkGradients';
    checkOptions(op, options, ['epsilon', 'elements']);
    const epsilon = checkReal(op, 'epsilon', options.epsilon ?? 1e-5, { minimum: 0, minimumOpen: true });
    const elements = checkInteger(op, 'elements', options.elements ?? 200, 1);
    this.#checkNotStepping(op);
    const { rule } = this.#rule(op);
    const data = checkData(rule, x, y, undefined);
    const { gradients } = computeGradients(rule.executor, data);
    const { spec } = rule.executor;
    return compareWithDifferences(spec, rule.executor.getState(), data, parameterNames(spec).map((name) => gradients[name]), { epsilon, elements });
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
    this.#checkNotStepping('forwardTrain');
    return forwardTrain(this.#live('forwardTrain'), this.#build('forwardTrain'), x);
  }

  /**
   * Second part: the gradients of any loss, from its gradient with respect to forwardTrain's logits.
   * @param dLogits (rows, outputs), averaged over the rows as the loss is @param options `dx` default true
   * @throws ERR_STATE without a forwardTrain right before, ERR_BUSY, ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE
   */
  backward(dLogits: ArrayInput, options: BackwardOptions = {}): BackwardPass {
    this.#checkNotStepping('backward');
    return backward(this.#live('backward'), this.#build('backward'), dLogits, options);
  }

  /** Third part: one update of all parameters, with the optimizer and learning rate of compile. @param gradients by name, as backward gives them @throws as backward, ERR_OPTION */
  applyGradients(gradients: Readonly<Record<string, ArrayInput>>): void {
    this.#checkNotStepping('applyGradients');
    const { rule } = this.#trainable('applyGradients');
    applyGradients(rule.executor, gradients, this.#scalars(1));
    this.#step += 1;
  }

  /** Fresh arrays in canonical order: for each dense layer weight (out, in), then bias (out). @throws ERR_BUSY while an update runs */
  getWeights(): FloatArray[] {
    this.#checkNotStepping('getWeights');
    this.#build('getWeights');
    return [...this.#takeState('getWeights').parameters];
  }

  /** Takes weights in the order of getWeights; all are checked before any is taken. @throws ERR_SHAPE, ERR_TYPE, ERR_NON_FINITE, ERR_BUSY */
  setWeights(weights: readonly ArrayInput[]): void {
    const op = 'setWeights';
    this.#checkNotStepping(op);
    const structure = this.#build(op);
    const shapes = this.#shapes(structure);
    const given: unknown = weights;
    if (!Array.isArray(given) || given.length !== shapes.length) {
      throw new NablaError('ERR_SHAPE', `[${op}] there is one array a parameter. Expected ${shapes.length} arrays for weights, received ${show(given)}.`);
    }
    const names = this.parameterNames();
    const list: readonly unknown[] = given;
    const parameters = shapes.map((shape, i) => toParameter(op, names[i], list[i], shape.shape, this.#settings.dtype));
    const state = { ...this.#takeState(op), parameters };
    if (this.#executor === null) this.#state = state;
    else this.#executor.setState(state);
  }

  /** LAYER.weight and LAYER.bias in canonical order. */
  parameterNames(): string[] {
    const structure = this.#build('parameterNames');
    return parameterNames({ inputSize: structure.inputSize, layers: structure.specLayers });
  }

  /** Shapes of the parameters in canonical order. */
  parameterShapes(): (readonly number[])[] {
    return this.#shapes(this.#build('parameterShapes')).map(({ shape }) => shape);
  }

  /** Number of weights and biases. */
  countParams(): number {
    return this.#build('countParams').parameters;
  }

  /** The table of layers, as a string. @param options `print` writes it too, default false @throws ERR_OPTION */
  summary(options: { readonly print?: boolean } = {}): string {
    checkOptions('summary', options, ['print']);
    const text = summaryText('sequential', this.#build('summary'));
    if (options.print === true) getHost().write(`${text}\n`);
    return text;
  }

  /** A second model with the same layers, weights, optimizer state and step; from here on they go their own ways. @throws ERR_BUSY, ERR_STATE */
  clone(): Sequential {
    this.#checkNotStepping('clone');
    this.#build('clone');
    const state = this.#takeState('clone');
    const copy = new Sequential(this.#options(), this.#layers, { metrics: this.metrics });
    copy.#state = state;
    copy.#step = state.step;
    copy.#compiled = this.#compiled;
    copy.#rate = this.#rate;
    return copy;
  }

  /** An immutable predictor with the present weights and no optimizer state. @throws ERR_BUSY, ERR_STATE */
  freeze(): FrozenModel {
    this.#checkNotStepping('freeze');
    const structure = this.#build('freeze');
    const { parameters } = this.#takeState('freeze');
    const spec: NetworkSpec = { ...this.#spec('freeze'), loss: null, optimizer: null };
    const executor = createExecutor(spec, this.#settings.backend, this.#settings.executorOptions);
    executor.setState({ parameters, slots: {}, step: 0 });
    return new FrozenModel(structure, executor);
  }

  /** The model as plain data: what a model file holds. @throws ERR_BUSY, ERR_STATE */
  toRecord(): ModelRecord {
    this.#checkNotStepping('toRecord');
    const structure = this.#build('toRecord');
    const { parameters } = this.#takeState('toRecord');
    const names = this.parameterNames();
    const { seed, dtype, classNames } = this.#settings;
    return {
      formatVersion: 1,
      config: { layers: structure.configs, dtype, seed, compile: this.#compileConfig() },
      tensors: this.#shapes(structure).map((shape, i) => ({ name: names[i], shape: shape.shape, data: parameters[i] })),
      ...(classNames === undefined ? {} : { classNames }),
      ...(Object.keys(this.metrics).length === 0 ? {} : { metrics: { ...this.metrics } }),
    };
  }

  /** Writes the model to a .safetensors file: to a temporary one first, then renamed. @param path where to @throws (as rejection) ERR_FILE, ERR_BUSY */
  async save(path: string | URL): Promise<void> {
    await getHost().saveModel(this.toRecord(), path);
  }

  /** Frees native memory now instead of when the model is collected. Later calls are ERR_STATE. @throws ERR_BUSY while a fit runs */
  dispose(): void {
    if (this.#disposed) return;
    this.#checkIdle('dispose');
    this.#executor?.dispose();
    this.#executor = null;
    this.#state = null;
    this.#disposed = true;
  }

  #options(): SequentialOptions {
    const { seed, dtype, choice, executorOptions, classNames } = this.#settings;
    return { seed, dtype, backend: choice, ...executorOptions, ...(classNames === undefined ? {} : { classNames }) };
  }

  #compileConfig(): CompileConfig | null {
    if (this.#compiled === null) return null;
    const { optimizer, loss, metrics } = this.#compiled;
    const learningRate = this.#rate;
    return {
      optimizer: optimizer === null || typeof learningRate !== 'number' ? null : { ...optimizer.spec, learningRate },
      loss,
      metrics: metrics.map((metric) => metric.name),
    };
  }

  /** Checks the layers and makes the initial weights, once. */
  #build(op: string, state?: ExecutorState): Structure {
    this.#checkAlive(op);
    if (this.#structure !== null) return this.#structure;
    const structure = resolveStructure(op, this.#layers);
    const { dtype, seed } = this.#settings;
    // Refuses sizes that cannot be held before any array is made.
    buildSpec(op, { structure, loss: null, optimizer: null, dtype, seed });
    this.#state = state ?? { parameters: initialWeights(op, structure, dtype, seed), slots: {}, step: 0 };
    this.#step = this.#state.step;
    this.#structure = structure;
    return structure;
  }

  #shapes(structure: Structure): ReturnType<typeof parameterShapes> {
    return parameterShapes({ inputSize: structure.inputSize, layers: structure.specLayers });
  }

  #spec(op: string): NetworkSpec {
    const { dtype, seed } = this.#settings;
    const structure = this.#build(op);
    return buildSpec(op, { structure, loss: this.#compiled?.loss ?? null, optimizer: this.#compiled?.optimizer?.spec ?? null, dtype, seed });
  }

  /** The executor, made when it is first needed. */
  #live(op: string): Executor {
    if (this.#executor !== null) return this.#executor;
    const spec = this.#spec(op);
    const state = this.#takeState(op);
    const executor = createExecutor(spec, this.#settings.backend, this.#settings.executorOptions);
    const names = spec.optimizer === null ? [] : slotNames(spec.optimizer);
    const zeros = (): FloatArray[] => state.parameters.map((parameter) => (spec.dtype === 'float32' ? new Float32Array(parameter.length) : new Float64Array(parameter.length)));
    executor.setState({ ...state, slots: Object.fromEntries(names.map((name) => [name, state.slots[name] ?? zeros()])) });
    this.#executor = executor;
    this.#state = null;
    return executor;
  }

  /** Fresh arrays of everything. */
  #takeState(op: string): ExecutorState {
    if (this.#executor !== null) return this.#executor.getState();
    if (this.#state === null) throw new NablaError('ERR_INTERNAL', `[${op}] a built model has weights. Expected some, received none.`);
    const copy = (arrays: readonly FloatArray[]): FloatArray[] => arrays.map((array) => array.slice());
    const slots = Object.entries(this.#state.slots).map(([name, arrays]) => [name, copy(arrays)] as const);
    return { parameters: copy(this.#state.parameters), slots: Object.fromEntries(slots), step: this.#state.step };
  }

  #scalars(steps: number): Float64Array {
    const optimizer = this.#compiled?.optimizer;
    if (optimizer === undefined || optimizer === null) throw new NablaError('ERR_INTERNAL', '[fit] a fit has an optimizer. Expected one, received none.');
    return stepScalars(optimizer.spec, this.#rate, this.#step, steps);
  }

  #source(op: string, output: PredictSource['output']): PredictSource {
    const executor = this.#live(op);
    return { op, structure: this.#build(op), executor, output, weights: this.#weightsChoice() };
  }

  #weightsChoice(): WeightsChoice {
    return this.#fitting ? 'published' : 'current';
  }

  #requireCompiled(op: string): Compiled {
    this.#checkAlive(op);
    if (this.#compiled === null) throw new NablaError('ERR_STATE', `[${op}] the model is compiled first. Expected model.compile({ optimizer, loss }) before ${op}, received a model without it.`);
    return this.#compiled;
  }

  #rule(op: string): { rule: DataRule; compiled: Compiled } {
    const compiled = this.#requireCompiled(op);
    return { compiled, rule: { op, structure: this.#build(op), executor: this.#live(op), loss: compiled.loss } };
  }

  #trainable(op: string): { rule: DataRule; compiled: Compiled } {
    const compiled = this.#requireCompiled(op);
    if (compiled.optimizer === null) {
      throw new NablaError('ERR_STATE', `[${op}] the model's file could not hold its learning rate function. Expected model.compile({ optimizer, loss }) before ${op}, received a model without optimizer.`);
    }
    return this.#rule(op);
  }

  #checkAlive(op: string): void {
    if (this.#disposed) throw new NablaError('ERR_STATE', `[${op}] the model was disposed of. Expected a live model, received a disposed one.`);
  }

  #checkIdle(op: string): void {
    this.#checkAlive(op);
    if (this.#fitting) throw new NablaError('ERR_BUSY', `[${op}] one fit at a time. Expected a model at rest (await the running fit), received one that is being trained.`);
  }

  #checkNotStepping(op: string): void {
    this.#checkAlive(op);
    if (this.#stepping) throw new NablaError('ERR_BUSY', `[${op}] weights change while steps run. Expected a model at rest or a call from a callback, received one that is being trained.`);
  }
}

function isPlainOptions(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);
}

function checkedOptions(op: string, value: unknown): FitOptions {
  if (value === undefined) return {};
  if (isPlainOptions(value)) return value;
  throw new NablaError('ERR_TYPE', `[${op}] options are an object. Expected { epochs, batchSize, … } for options, received ${show(value)}.`);
}

function onlyEpoch(history: History): Logs {
  return Object.fromEntries(Object.entries(history.history).map(([name, values]) => [name, values[0]]));
}

/**
 * A network as a chain of layers; the first one knows the shape of a sample.
 * @param options `seed` default 0; `dtype` 'float32' (default) or 'float64'; `backend` 'auto' (default), 'native' or 'typescript'; `isa`; `threads`
 * @param layers in order; may be left out and added with `add`
 * @throws ERR_OPTION, ERR_SHAPE, ERR_TYPE, ERR_RANGE, ERR_MEMORY, ERR_BACKEND
 * @example
 * const model = sequential({ seed: 42 }, [
 *   layers.dense({ units: 8, activation: 'tanh', inputShape: [2] }),
 *   layers.dense({ units: 1, activation: 'sigmoid' }),
 * ]);
 */
export function sequential(options: SequentialOptions, layers?: readonly Layer[]): Sequential;
export function sequential(layers?: readonly Layer[]): Sequential;
export function sequential(first: unknown = [], second: unknown = []): Sequential {
  if (Array.isArray(first)) return new Sequential({}, first);
  if (!Array.isArray(second)) throw new NablaError('ERR_TYPE', `[sequential] layers are a list. Expected [layers.dense({ ... }), …] for layers, received ${show(second)}.`);
  if (!isPlainOptions(first)) throw new NablaError('ERR_TYPE', `[sequential] options come first. Expected { seed, dtype, backend } or the list of layers, received ${show(first)}.`);
  return new Sequential(first, second);
}
