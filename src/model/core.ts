// What is behind a Sequential: layers, weights, the executor that holds them, and the states it can be in.
import { createExecutor } from '../backend/create.js';
import type { Executor, ExecutorState, WeightsChoice } from '../backend/executor.js';
import { parameterShapes, slotNames, slotStart, statisticShapes, type FloatArray, type NetworkSpec } from '../backend/spec.js';
import { NablaError } from '../errors.js';
import { checkMetrics, type Metric } from '../train/metrics.js';
import { buildSpec } from './build-spec.js';
import type { DataRule } from './fit-options.js';
import { initialStatistics, initialWeights, statisticNames } from './initial-weights.js';
import { checkLayer, type Layer } from './layer.js';
import { checkLoss, type LossConfig } from './losses.js';
import { checkOptimizer, learningRateConfig, stepScalars, type LearningRate, type Optimizer } from './optimizers.js';
import type { CompileConfig } from './record.js';
import { checkSettings, type SequentialOptions, type Settings } from './settings.js';
import { resolveStructure, type Structure } from './structure.js';

/** Checked arguments of compile. */
export interface Compiled {
  /** null: loaded from a file whose learning rate was a function, no schedule. */
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

/** Everything a model is, without the manners of its public methods. */
export class ModelCore {
  readonly settings: Settings;
  readonly layers: Layer[] = [];
  structure: Structure | null = null;
  compiled: Compiled | null = null;
  rate: LearningRate = 0;
  executor: Executor | null = null;
  /** Weights while there is no executor. */
  state: ExecutorState | null = null;
  step = 0;
  fitting = false;
  stepping = false;
  disposed = false;

  constructor(options: SequentialOptions, layers: readonly unknown[], inherited: Inherited) {
    this.settings = checkSettings(options);
    for (const layer of layers) this.layers.push(checkLayer('sequential', layer));
    if (this.layers.length > 0) this.build('sequential', inherited.state);
    if (inherited.compiled !== undefined) this.compile('sequential', inherited.compiled);
  }

  /** Checks everything, then replaces the executor by one to be made. */
  compile(op: string, options: StoredCompile): void {
    this.checkIdle(op);
    const structure = this.build(op);
    const optimizer = options.optimizer === null ? null : checkOptimizer(op, options.optimizer);
    const loss = checkLoss(op, options.loss);
    const metrics = checkMetrics(op, options.metrics, loss);
    const { dtype, seed } = this.settings;
    buildSpec(op, { structure, loss, optimizer: optimizer?.spec ?? null, dtype, seed });
    const { parameters, statistics = [] } = this.takeState(op);
    this.executor?.dispose();
    this.executor = null;
    this.state = { parameters, slots: {}, step: 0, statistics };
    this.step = 0;
    this.compiled = { optimizer, loss, metrics };
    this.rate = optimizer?.learningRate ?? 0;
  }

  /** Takes over weights, optimizer state and compile arguments. */
  adopt(other: ModelCore, state: ExecutorState): void {
    this.state = state;
    this.step = state.step;
    this.compiled = other.compiled;
    this.rate = other.rate;
  }

  /** Replaces the weights. */
  setParameters(op: string, parameters: readonly FloatArray[], statistics: readonly FloatArray[]): void {
    const state = { ...this.takeState(op), parameters, statistics };
    if (this.executor === null) this.state = state;
    else this.executor.setState(state);
  }

  /** The options it was made with. */
  options(): SequentialOptions {
    const { seed, dtype, choice, executorOptions, classNames } = this.settings;
    return { seed, dtype, backend: choice, ...executorOptions, ...(classNames === undefined ? {} : { classNames }) };
  }

  /** The arguments of compile as plain data. */
  compileConfig(): CompileConfig | null {
    if (this.compiled === null) return null;
    const { optimizer, loss, metrics } = this.compiled;
    const learningRate = learningRateConfig(this.rate);
    return {
      optimizer: optimizer === null || learningRate === null ? null : { ...optimizer.spec, learningRate },
      loss,
      metrics: metrics.map((metric) => metric.name),
    };
  }

  /** Checks the layers and makes the initial weights, once. */
  build(op: string, state?: ExecutorState): Structure {
    this.checkAlive(op);
    if (this.structure !== null) return this.structure;
    const structure = resolveStructure(op, this.layers);
    const { dtype, seed } = this.settings;
    // Refuses sizes that cannot be held before any array is made.
    buildSpec(op, { structure, loss: null, optimizer: null, dtype, seed });
    this.state = state ?? { parameters: initialWeights(op, structure, dtype, seed), slots: {}, step: 0, statistics: initialStatistics(structure, dtype) };
    this.step = this.state.step;
    this.structure = structure;
    return structure;
  }

  /** Parameters in canonical order. */
  shapes(structure: Structure): ReturnType<typeof parameterShapes> {
    return parameterShapes({ inputSize: structure.inputSize, layers: structure.specLayers });
  }

  /** Moving statistics with their names, in their order. */
  movingShapes({ inputSize, specLayers }: Structure): { readonly name: string; readonly size: number }[] {
    const names = statisticNames({ inputSize, layers: specLayers });
    return statisticShapes({ inputSize, layers: specLayers }).map(({ size }, i) => ({ name: names[i], size }));
  }

  /** The network as the backend is asked for it. */
  spec(op: string): NetworkSpec {
    const { dtype, seed } = this.settings;
    const structure = this.build(op);
    return buildSpec(op, { structure, loss: this.compiled?.loss ?? null, optimizer: this.compiled?.optimizer?.spec ?? null, dtype, seed });
  }

  /** The executor, made when it is first needed. */
  live(op: string): Executor {
    if (this.executor !== null) return this.executor;
    const spec = this.spec(op);
    const state = this.takeState(op);
    const executor = createExecutor(spec, this.settings.backend, this.settings.executorOptions);
    const names = spec.optimizer === null ? [] : slotNames(spec.optimizer);
    const start = spec.optimizer === null ? 0 : slotStart(spec.optimizer);
    const fresh = (): FloatArray[] => state.parameters.map((parameter) => (spec.dtype === 'float32' ? new Float32Array(parameter.length) : new Float64Array(parameter.length)).fill(start));
    executor.setState({ ...state, slots: Object.fromEntries(names.map((name) => [name, state.slots[name] ?? fresh()])) });
    this.executor = executor;
    this.state = null;
    return executor;
  }

  /** Fresh arrays of everything. */
  takeState(op: string): ExecutorState {
    if (this.executor !== null) return this.executor.getState();
    if (this.state === null) throw new NablaError('ERR_INTERNAL', `[${op}] a built model has weights. Expected some, received none.`);
    const copy = (arrays: readonly FloatArray[]): FloatArray[] => arrays.map((array) => array.slice());
    const slots = Object.entries(this.state.slots).map(([name, arrays]) => [name, copy(arrays)] as const);
    return { parameters: copy(this.state.parameters), slots: Object.fromEntries(slots), step: this.state.step, statistics: copy(this.state.statistics ?? []) };
  }

  /** Step scalars of the next steps. */
  scalars(steps: number): Float64Array {
    const optimizer = this.compiled?.optimizer;
    if (optimizer === undefined || optimizer === null) throw new NablaError('ERR_INTERNAL', '[fit] a fit has an optimizer. Expected one, received none.');
    return stepScalars(optimizer.spec, this.rate, this.step, steps);
  }

  /** What predictions see. */
  weightsChoice(): WeightsChoice {
    return this.fitting ? 'published' : 'current';
  }

  /** @throws ERR_STATE before compile */
  requireCompiled(op: string): Compiled {
    this.checkAlive(op);
    if (this.compiled === null) throw new NablaError('ERR_STATE', `[${op}] the model is compiled first. Expected model.compile({ optimizer, loss }) before ${op}, received a model without it.`);
    return this.compiled;
  }

  /** What arguments are checked against. @throws ERR_STATE before compile */
  rule(op: string): { rule: DataRule; compiled: Compiled } {
    const compiled = this.requireCompiled(op);
    return { compiled, rule: { op, structure: this.build(op), executor: this.live(op), loss: compiled.loss } };
  }

  /** The same for training. @throws ERR_STATE without an optimizer */
  trainable(op: string): { rule: DataRule; compiled: Compiled } {
    const compiled = this.requireCompiled(op);
    if (compiled.optimizer === null) {
      throw new NablaError('ERR_STATE', `[${op}] the model's file could not hold its learning rate function. Expected model.compile({ optimizer, loss }) before ${op}, received a model without optimizer.`);
    }
    return this.rule(op);
  }

  /** @throws ERR_STATE after dispose */
  checkAlive(op: string): void {
    if (this.disposed) throw new NablaError('ERR_STATE', `[${op}] the model was disposed of. Expected a live model, received a disposed one.`);
  }

  /** @throws ERR_BUSY while a fit runs */
  checkIdle(op: string): void {
    this.checkAlive(op);
    if (this.fitting) throw new NablaError('ERR_BUSY', `[${op}] one fit at a time. Expected a model at rest (await the running fit), received one that is being trained.`);
  }

  /** @throws ERR_BUSY while steps run on another thread */
  checkNotStepping(op: string): void {
    this.checkAlive(op);
    if (this.stepping) throw new NablaError('ERR_BUSY', `[${op}] weights change while steps run. Expected a model at rest or a call from a callback, received one that is being trained.`);
  }

  /** Frees everything, once. */
  dispose(op: string): void {
    if (this.disposed) return;
    this.checkIdle(op);
    this.executor?.dispose();
    this.executor = null;
    this.state = null;
    this.disposed = true;
  }
}
