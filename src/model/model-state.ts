// What is behind a Sequential: layers, weights, the executor that holds them, and the states it can be in.
import type { Executor, ExecutorState, WeightsChoice } from '../backend/contract/executor.js';
import { parameterShapes, slotNames, slotStart, statisticShapes, type NetworkSpec } from '../backend/contract/spec.js';
import { createExecutor } from '../backend/create.js';
import type { FloatArray } from '../base/arrays.js';
import { checkList, checkReal } from '../base/checks.js';
import { getEnvironment } from '../base/environment.js';
import { NablaError, show } from '../base/errors.js';
import { perform, type Flow } from '../base/sync-async.js';
import { checkMetrics, type Metric } from '../metrics/by-name.js';
import type { LbfgsJob } from '../train/full-batch.js';
import type { LbfgsMemory } from '../train/lbfgs.js';
import { buildSpec } from './build-spec.js';
import { CustomLossExecutor } from './custom-loss-executor.js';
import { initialStatistics, initialWeights, statisticNames, toStatistic } from './initial-weights.js';
import { checkLayer, type Layer } from './layers/layer.js';
import { resolveStructure, type Structure } from './layers/structure.js';
import { backendOptimizer, checkForLbfgs, freshMemory } from './lbfgs-model.js';
import { checkLoss, isElementwise, type Loss } from './losses/index.js';
import { checkOptimizer, stepScalars } from './optimizers/index.js';
import { memoryOfSlots, slotsOfMemory } from './optimizers/lbfgs.js';
import { learningRateConfig, type LearningRate } from './optimizers/learning-rate.js';
import type { Optimizer } from './optimizers/optimizer.js';
import { checkOptimizerState, type OptimizerState } from './optimizers/state.js';
import { toParameter } from './parameters/parameter-arrays.js';
import { parameterNames } from './parameters/parameter-names.js';
import type { DataRule } from './prepare-fit.js';
import type { JsonValue } from './saving/json-value.js';
import type { CompileConfig } from './saving/record.js';
import { checkSettings, type SequentialOptions, type Settings } from './settings.js';

/** Checked arguments of compile. */
export interface Compiled {
  /** null: loaded from a file whose learning rate was a function, no schedule. */
  readonly optimizer: Optimizer | null;
  readonly loss: Loss;
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
  readonly extra?: JsonValue;
  /** Of a record: nobody has checked more than its arrays, which are the model's from now on. */
  readonly optimizerState?: unknown;
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
  /** The epoch after the last finished one. */
  nextEpoch = 0;
  /** What L-BFGS has learned; null for the other optimizers. */
  memory: LbfgsMemory | null = null;
  fitting = false;
  /** The running fit has published weights. */
  published = false;
  stepping = false;
  disposed = false;

  constructor(options: SequentialOptions, layers: readonly unknown[], inherited: Inherited) {
    this.settings = checkSettings(options);
    for (const layer of checkList('sequential', 'layers', layers)) this.layers.push(checkLayer('sequential', layer));
    if (this.layers.length > 0) this.build('sequential', inherited.state);
    if (inherited.compiled !== undefined) this.compile('sequential', inherited.compiled);
    if (inherited.optimizerState !== undefined) this.setOptimizerState('sequential', inherited.optimizerState, true);
  }

  /** Checks everything, then replaces the executor by one to be made. */
  compile(op: string, options: StoredCompile): void {
    this.checkIdle(op);
    const structure = this.build(op);
    const optimizer = options.optimizer === null ? null : checkOptimizer(op, options.optimizer);
    const loss = checkLoss(op, options.loss);
    const metrics = checkMetrics(op, options.metrics, { name: loss.name, elementwise: isElementwise(loss) });
    const { dtype, seed } = this.settings;
    checkForLbfgs(op, optimizer, structure, dtype);
    buildSpec(op, { structure, loss, optimizer: backendOptimizer(optimizer), dtype, seed });
    const { parameters, statistics = [] } = this.#ownState(op);
    this.executor?.dispose();
    this.executor = null;
    this.state = { parameters, slots: {}, step: 0, statistics };
    this.step = 0;
    this.nextEpoch = 0;
    this.memory = freshMemory(optimizer);
    this.compiled = { optimizer, loss, metrics };
    this.rate = optimizer?.learningRate ?? 0;
  }

  /** Takes over weights, optimizer state and compile arguments. */
  adopt(other: ModelCore, state: ExecutorState): void {
    this.state = state;
    this.step = state.step;
    this.nextEpoch = other.nextEpoch;
    this.memory = other.memory?.copy() ?? null;
    this.compiled = other.compiled;
    this.rate = other.rate;
  }

  /** Replaces the weights. */
  setParameters(op: string, parameters: readonly FloatArray[], statistics: readonly FloatArray[]): void {
    const state = { ...this.#ownState(op), parameters, statistics };
    if (this.executor === null) this.state = state;
    else this.executor.adoptState(state);
  }

  /** Takes weights that nobody has checked yet. @throws ERR_SHAPE, ERR_TYPE, ERR_NON_FINITE before any is taken */
  setWeights(op: string, weights: unknown): void {
    const structure = this.build(op);
    const shapes = this.shapes(structure);
    const moving = this.movingShapes(structure);
    if (!Array.isArray(weights) || weights.length !== shapes.length + moving.length) {
      throw new NablaError('ERR_SHAPE', `[${op}] there is one array a parameter${moving.length === 0 ? '' : ' and moving statistic'}. Expected ${shapes.length + moving.length} arrays for weights, received ${show(weights)}.`);
    }
    const names = parameterNames({ inputSize: structure.inputSize, layers: structure.specLayers });
    const list: readonly unknown[] = weights;
    const parameters = shapes.map((shape, i) => toParameter(op, names[i], list[i], shape.shape, this.settings.dtype));
    const statistics = moving.map(({ name, size }, i) => toStatistic(op, name, list[shapes.length + i], size, this.settings.dtype));
    this.setParameters(op, parameters, statistics);
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
      loss: loss.name === 'custom' ? loss.toConfig() : loss,
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
    this.state = state ?? { parameters: initialWeights(op, structure, dtype, seed, this.settings.backend), slots: {}, step: 0, statistics: initialStatistics(structure, dtype) };
    this.step = this.state.step;
    this.structure = structure;
    return structure;
  }

  /** Parameters in canonical order. */
  shapes(structure: Structure): ReturnType<typeof parameterShapes> {
    return parameterShapes({ inputSize: structure.inputSize, layers: structure.specLayers });
  }

  /** Moving statistics with their names, in their order. */
  movingShapes({ inputSize, specLayers }: Structure): { readonly name: string; readonly size: number; readonly layer: number }[] {
    const names = statisticNames({ inputSize, layers: specLayers });
    return statisticShapes({ inputSize, layers: specLayers }).map(({ size, layer }, i) => ({ name: names[i], size, layer }));
  }

  /** The network as the backend is asked for it. */
  spec(op: string): NetworkSpec {
    const { dtype, seed } = this.settings;
    const structure = this.build(op);
    return buildSpec(op, { structure, loss: this.compiled?.loss ?? null, optimizer: backendOptimizer(this.compiled?.optimizer ?? null), dtype, seed });
  }

  /** An executor as the model's settings want it. */
  newExecutor(spec: NetworkSpec): Executor {
    return createExecutor(spec, this.settings.backend, { ...this.settings.executorOptions, turn: () => getEnvironment().yield() });
  }

  /** The executor, made when it is first needed. */
  live(op: string): Executor {
    if (this.executor !== null) return this.executor;
    const spec = this.spec(op);
    const state = this.#ownState(op);
    const executor = this.withLoss(this.newExecutor(spec));
    // Given away: what nobody else holds need not be copied first.
    executor.adoptState(withSlots(spec, state));
    this.executor = executor;
    this.state = null;
    return executor;
  }

  /** What the optimizer has learned. */
  optimizerState(op: string): OptimizerState {
    return this.optimizerStateOf(op)(this.memory === null ? this.takeState(op) : null);
  }

  /** The same of this moment, from a state that arrives later; L-BFGS needs none. @throws ERR_STATE without an optimizer */
  optimizerStateOf(op: string): (state: ExecutorState | null) => OptimizerState {
    const { rate, nextEpoch, step } = this;
    this.requireOptimizer(op);
    const learningRate = typeof rate === 'number' ? rate : null;
    const memory = this.memory?.copy() ?? null;
    const spec = this.spec(op);
    const sizes = parameterShapes(spec).map(({ size }) => size);
    return (state) => {
      if (memory !== null) return { step, nextEpoch, learningRate, slots: slotsOfMemory(memory, sizes) };
      if (state === null) throw new NablaError('ERR_INTERNAL', `[${op}] slots come from a state. Expected one, received none.`);
      return { step, nextEpoch, learningRate, slots: withSlots(spec, state).slots };
    };
  }

  /** Takes what optimizerState gave. @throws ERR_TYPE, ERR_OPTION, ERR_SHAPE, ERR_RANGE, ERR_NON_FINITE before anything changes */
  setOptimizerState(op: string, value: unknown, owned = false): void {
    const optimizer = this.requireOptimizer(op);
    const shapes = this.shapes(this.build(op));
    const names = parameterNames(this.spec(op));
    const checked = checkOptimizerState({ op, optimizer, shapes, names, dtype: this.settings.dtype, owned }, value);
    const { step, nextEpoch, learningRate, slots } = checked;
    if (optimizer.spec.name === 'lbfgs') this.memory = memoryOfSlots(op, optimizer.spec, slots);
    const { parameters, statistics = [] } = this.#ownState(op);
    const state = optimizer.spec.name === 'lbfgs' ? withSlots(this.spec(op), { parameters, slots: {}, step, statistics }) : { parameters, slots, step, statistics };
    if (this.executor === null) this.state = state;
    else this.executor.adoptState(state);
    this.step = step;
    this.nextEpoch = nextEpoch;
    if (learningRate !== null) this.rate = learningRate;
  }

  /** An executor of this network that knows the loss, where that is a function. */
  withLoss(executor: Executor): Executor {
    const loss = this.compiled?.loss;
    return loss?.name === 'custom' && loss.compute !== null ? new CustomLossExecutor(executor, loss) : executor;
  }

  /** Fresh arrays of everything. */
  takeState(op: string): ExecutorState {
    if (this.executor !== null) return this.executor.getState();
    const { parameters, slots, step, statistics = [] } = this.#ownState(op);
    const copy = (arrays: readonly FloatArray[]): FloatArray[] => arrays.map((array) => array.slice());
    return { parameters: copy(parameters), slots: Object.fromEntries(Object.entries(slots).map(([name, arrays]) => [name, copy(arrays)])), step, statistics: copy(statistics) };
  }

  /** The state of when this starts: fresh arrays, or, beside the event loop, arrays for reading only. */
  stateFlow(op: string): Flow<ExecutorState> {
    const { executor } = this;
    return perform(
      () => this.takeState(op),
      async () => (executor === null ? this.#ownState(op) : executor.getStateAsync()),
    );
  }

  /** Everything, in arrays that nobody writes to: for the model itself. */
  #ownState(op: string): ExecutorState {
    const state = this.executor?.getState() ?? this.state;
    if (state === null) throw new NablaError('ERR_INTERNAL', `[${op}] a built model has weights. Expected some, received none.`);
    return state;
  }

  /**
   * Training that goes on at an epoch without its optimizer's state: a schedule goes on at that epoch's first step. Bias corrections need the moments of the
   * steps before, so optimizers that have them begin anew, with a warning.
   */
  goOnAt(initialEpoch: number, stepsPerEpoch: number): void {
    const { executor, compiled } = this;
    if (this.step !== 0 || initialEpoch === 0 || typeof this.rate === 'number' || executor === null || compiled?.optimizer === null || compiled === null) return;
    const { spec } = compiled.optimizer;
    if (spec.name === 'lbfgs' || (spec.name !== 'lion' && 'beta1' in spec)) {
      getEnvironment().warn(
        `fit begins the learning-rate schedule at step 0 although initialEpoch is ${initialEpoch}: ${spec.name} needs its state of the epochs before. Save with { includeOptimizer: true } to go on where training stopped.`,
        'NABLA_SCHEDULE',
      );
      return;
    }
    this.step = initialEpoch * stepsPerEpoch;
    executor.setState({ ...executor.getState(), step: this.step });
  }

  /** Step scalars of the next steps. */
  scalars(steps: number): Float64Array {
    const optimizer = this.compiled?.optimizer;
    if (optimizer === undefined || optimizer === null) throw new NablaError('ERR_INTERNAL', '[fit] a fit has an optimizer. Expected one, received none.');
    return stepScalars(optimizer.spec, this.rate, this.step, steps);
  }

  /** What predictions see. */
  weightsChoice(): WeightsChoice {
    return this.fitting && this.published ? 'published' : 'current';
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
    const { loss } = compiled;
    if (loss.name === 'custom' && loss.compute === null) {
      throw new NablaError(
        'ERR_STATE',
        `[${op}] the model's file could not hold its custom loss '${loss.lossName}'. Expected model.compile({ optimizer, loss: losses.custom({ ... }) }) before ${op}, received a model without its function.`,
      );
    }
    return { compiled, rule: { op, structure: this.build(op), executor: this.live(op), loss: compiled.loss } };
  }

  /** The same for training. @throws ERR_STATE without an optimizer */
  trainable(op: string): { rule: DataRule; compiled: Compiled } {
    this.requireOptimizer(op);
    return this.rule(op);
  }

  /** @throws ERR_STATE without an optimizer */
  requireOptimizer(op: string): Optimizer {
    const { optimizer } = this.requireCompiled(op);
    if (optimizer !== null) return optimizer;
    throw new NablaError('ERR_STATE', `[${op}] the model's file could not hold its learning rate function. Expected model.compile({ optimizer, loss }) before ${op}, received a model without optimizer.`);
  }

  /** The optimizer as a fit finds it where it looks at all rows at once. */
  lbfgsJob(): LbfgsJob | null {
    const { memory } = this;
    const spec = this.compiled?.optimizer?.spec;
    if (memory === null || spec?.name !== 'lbfgs') return null;
    return {
      settings: spec, memory,
      iterations: () => this.step,
      rate: () => (typeof this.rate === 'number' ? this.rate : checkReal('fit', 'the learning rate function\'s result', this.rate(this.step), { minimum: 0 })),
    };
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

/** A state with every slot of the network's optimizer; those that are not there yet as they begin. */
function withSlots(spec: NetworkSpec, state: ExecutorState): ExecutorState {
  const names = spec.optimizer === null ? [] : slotNames(spec.optimizer);
  const start = spec.optimizer === null ? 0 : slotStart(spec.optimizer);
  const fresh = (): FloatArray[] =>
    state.parameters.map((parameter) => {
      const slot = spec.dtype === 'float32' ? new Float32Array(parameter.length) : new Float64Array(parameter.length);
      // Zeros that nobody writes cost nothing.
      return start === 0 ? slot : slot.fill(start);
    });
  return { ...state, slots: Object.fromEntries(names.map((name) => [name, state.slots[name] ?? fresh()])) };
}
