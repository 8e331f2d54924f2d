// The training loop: epochs and slices over an Executor, callbacks between them. It knows nothing of layers.
import { scalarStride } from '../backend/contract/checks.js';
import type { DataHandle, Executor, Targets, TrainOptions, TrainResult } from '../backend/contract/executor.js';
import { getEnvironment } from '../base/environment.js';
import { perform, runAsync, runSync, type Flow } from '../base/sync-async.js';
import type { Metric, MetricAccumulator } from '../metrics/by-name.js';
import { callHooks, wantsBatches, type Callback, type CallbackContext, type TrainedModel } from './callbacks.js';
import { evaluateFlow, type EvaluateJob } from './evaluate.js';
import { FullBatch, type LbfgsJob } from './full-batch.js';
import { createHistory, recordEpoch, TrainingStopped, type FitParams, type History, type Logs } from './history.js';
import { Progress, type Verbose } from './progress.js';
import { StepColumns } from './step-columns.js';

/** Everything a fit needs, checked and loaded. */
export interface FitJob {
  readonly op: string;
  readonly executor: Executor;
  readonly data: DataHandle;
  readonly targets: Targets;
  readonly units: number;
  readonly params: FitParams;
  readonly initialEpoch: number;
  /** The rows of an epoch in their order; null for 0, 1, 2, … Called once an epoch, before it or while the one before runs. */
  orderOf(epoch: number): Flow<Uint32Array | null>;
  /** true: orderOf gives the same for every epoch. */
  readonly fixedOrder: boolean;
  readonly callbacks: readonly Callback[];
  readonly validation: Omit<EvaluateJob, 'executor' | 'weights' | 'stop'> | null;
  readonly signal: AbortSignal | null;
  readonly verbose: Verbose;
  readonly metrics: readonly Metric[];
  readonly countsPerRow: number;
  readonly model: TrainedModel;
  /** Step scalars of the next steps, from the updates made so far. */
  scalars(steps: number): Float64Array;
  /** Told how many updates were made. */
  advance(steps: number): void;
  /** Told when a job that changes weights starts and ends. */
  stepping(running: boolean): void;
  /** Told when predictions have weights of this fit to read. */
  published(): void;
  /** Told of each finished epoch, before its onEpochEnd. */
  finished(epoch: number): void;
  /** The optimizer where it looks at all rows at once; null for one that the backend has. */
  readonly lbfgs: LbfgsJob | null;
}

/** Steps of one merged call: bounds the scalars and losses that are held. */
const MERGED_STEPS = 65_536;
/** Rows of one call, rounded up to whole batches: more than most machines train on in a slice. */
const WINDOW = 1 << 18;
/** Milliseconds of work on this thread after which the event loop has a turn. */
const BREATH = 12;
/** Milliseconds of a blocking call between two looks at the progress line. */
const SYNC_SLICE = 50;

/** Runs a fit. @returns the history @throws ERR_ABORTED, ERR_NON_FINITE (as TrainingStopped, with the history so far), what callbacks throw */
export function* fitFlow(job: FitJob): Flow<History> {
  const { executor, signal } = job;
  const history = createHistory(job.params);
  const abort = (): void => { executor.abort(); };
  const run = new Run(job, history);
  signal?.addEventListener('abort', abort);
  try {
    yield* run.publish();
    job.published();
    yield* run.fit();
  } finally {
    signal?.removeEventListener('abort', abort);
    run.progress.interrupt();
  }
  return history;
}

/** Sums of an epoch. */
interface Tally {
  lossSum: number;
  rows: number;
  correct: number;
  steps: number;
  readonly accumulators: readonly MetricAccumulator[];
}

class Run {
  readonly progress: Progress;
  readonly #job: FitJob;
  readonly #history: History;
  readonly #columns: StepColumns;
  readonly #context: CallbackContext;
  readonly #outputs: boolean;
  readonly #byBatch: boolean;
  readonly #fullBatch: FullBatch | null;
  /** The next epoch's order, on its way. */
  #prepared: { readonly epoch: number; readonly order: Promise<Uint32Array | null> } | null = null;
  #breath: number;
  /** Stretches of work that are under way and must not be disturbed. */
  #depth = 0;

  constructor(job: FitJob, history: History) {
    this.#job = job;
    this.#history = history;
    this.#columns = new StepColumns(history);
    this.#context = { model: job.model, params: job.params, history };
    this.#outputs = job.metrics.some((metric) => !metric.counted);
    this.#byBatch = wantsBatches(job.callbacks);
    const { executor, lbfgs, params: { samples } } = job;
    const step = (options: TrainOptions): Flow<TrainResult> => this.#evaluation(options);
    this.#fullBatch = lbfgs === null ? null : new FullBatch({ executor, samples, outputs: this.#outputs, lbfgs, step, advance: (count) => job.advance(count) });
    this.progress = new Progress(job.verbose, job.params, job.initialEpoch);
    this.#breath = getEnvironment().now();
  }

  *fit(): Flow<void> {
    const { callbacks, params, initialEpoch, model } = this.#job;
    yield* callHooks(callbacks, 'onTrainBegin', (callback) => callback.onTrainBegin?.({}, this.#context));
    let epoch = initialEpoch;
    while (epoch < params.epochs && !model.stopTraining && this.#history.converged === undefined) {
      const merged = this.#mergeable(params.epochs - epoch);
      if (merged > 1) yield* this.#manyEpochs(epoch, merged);
      else yield* this.#epoch(epoch);
      epoch += merged;
    }
    if (callbacks.length === 0) return;
    const last = lastLogs(this.#history);
    yield* callHooks(callbacks, 'onTrainEnd', (callback) => callback.onTrainEnd?.({ ...last }, this.#context));
  }

  /** Epochs of one step each, with nothing to do between them, go over in one call. @returns how many, at least 1 */
  #mergeable(epochs: number): number {
    const { params, callbacks, validation, fixedOrder } = this.#job;
    const plain = this.#fullBatch === null && params.steps === 1 && fixedOrder && callbacks.length === 0 && validation === null && this.progress.silent && !this.#outputs;
    return plain ? Math.min(epochs, MERGED_STEPS) : 1;
  }

  *#manyEpochs(first: number, epochs: number): Flow<void> {
    const { params, model } = this.#job;
    const order = yield* this.#orderOf(first);
    const stepScalars = this.#job.scalars(epochs);
    let done = 0;
    while (done < epochs && !model.stopTraining) {
      const result = yield* this.#slice({ order, from: 0, to: params.samples, batchSize: params.batchSize, repeat: epochs, stepScalars, firstStep: done });
      this.#recordSteps(result, first + done);
      done += result.steps;
      if (done > 0) this.#job.finished(first + done - 1);
      this.#checkStopped(result, first + done, 0);
      yield* this.publish();
      yield* this.#breathe();
    }
  }

  /** Every step of a result is an epoch. */
  #recordSteps({ losses, correct, steps }: TrainResult, first: number): void {
    const { params, metrics, countsPerRow } = this.#job;
    const rows = params.samples;
    const counted = { values: correct ?? new Uint32Array(steps), factor: 1, divisor: rows * countsPerRow };
    const figures = Object.fromEntries(metrics.map(({ name }) => [name, counted]));
    this.#columns.add(first, steps, { loss: { values: losses, factor: rows, divisor: rows }, ...figures });
  }

  *#epoch(epoch: number): Flow<void> {
    const { callbacks, executor, validation } = this.#job;
    yield* callHooks(callbacks, 'onEpochBegin', (callback) => callback.onEpochBegin?.(epoch, {}, this.#context));
    this.progress.beginEpoch();
    const tally = this.#newTally();
    if (this.#fullBatch !== null) yield* this.#search(this.#fullBatch, epoch, tally);
    else if (this.#byBatch) yield* this.#batches(epoch, tally);
    else yield* this.#slices(epoch, tally);
    yield* this.publish();
    const logs = this.#logs(tally);
    if (validation !== null) {
      const figures = yield* evaluateFlow({ ...validation, executor, weights: 'current', stop: { signal: this.#job.signal, error: (cause) => this.#stopped(cause) } });
      for (const [name, value] of Object.entries(figures)) logs[`val_${name}`] = value;
      this.#breath = getEnvironment().now();
    }
    this.progress.endEpoch(epoch, logs);
    this.#job.finished(epoch);
    try {
      yield* callHooks(callbacks, 'onEpochEnd', (callback) => callback.onEpochEnd?.(epoch, logs, this.#context));
    } finally {
      // After the hooks, so that figures they add are kept.
      recordEpoch(this.#history, epoch, logs);
    }
  }

  *#slices(epoch: number, tally: Tally): Flow<void> {
    const { params } = this.#job;
    const order = yield* this.#orderOf(epoch);
    const stepScalars = this.#job.scalars(params.steps);
    while (tally.steps < params.steps) {
      const result = yield* this.#slice(this.#window(tally.steps, order, stepScalars), epoch + 1);
      this.#tally(tally, result, order);
      this.#checkStopped(result, epoch, tally.steps);
      if (!this.progress.silent) this.progress.update(epoch, tally.steps, tally.rows, this.#logs(tally));
      yield* this.#breathe();
    }
  }

  /** The steps from `first` on that a call is asked for: it looks through and copies their part of the order and no more. */
  #window(first: number, order: Uint32Array | null, stepScalars: Float64Array): TrainOptions {
    const { steps, batchSize, samples } = this.#job.params;
    // A last batch that takes in what was left is larger than the others: a call of its own.
    const alike = samples > steps * batchSize ? steps - 1 : steps;
    const last = first < alike ? Math.min(alike, first + Math.ceil(WINDOW / batchSize)) : steps;
    const to = last < steps ? last * batchSize : samples;
    const stride = scalarStride({ stepScalars });
    const scalars = stride === 0 ? stepScalars : stepScalars.subarray(first * stride, last * stride);
    return { order, from: first * batchSize, to, batchSize: first < alike ? batchSize : to - first * batchSize, stepScalars: scalars, outputs: this.#outputs };
  }

  /** One step a call, hooks around each. */
  *#batches(epoch: number, tally: Tally): Flow<void> {
    const { params, callbacks, model } = this.#job;
    const order = yield* this.#orderOf(epoch);
    for (let batch = 0; batch < params.steps && !model.stopTraining; batch++) {
      const from = batch * params.batchSize;
      const to = batch === params.steps - 1 ? params.samples : from + params.batchSize;
      yield* callHooks(callbacks, 'onBatchBegin', (callback) => callback.onBatchBegin?.(batch, { size: to - from }, this.#context));
      const options = { order, from, to, batchSize: to - from, stepScalars: this.#job.scalars(1), outputs: this.#outputs };
      const result = yield* this.#slice(options);
      const own = this.#newTally();
      this.#tally(own, result, order, from);
      this.#tally(tally, result, order, from);
      this.#checkStopped(result, epoch, batch);
      const logs = { ...this.#logs(own), size: to - from };
      yield* callHooks(callbacks, 'onBatchEnd', (callback) => callback.onBatchEnd?.(batch, logs, this.#context));
      if (!this.progress.silent) this.progress.update(epoch, tally.steps, tally.rows, this.#logs(tally));
      yield* this.#breathe();
    }
  }

  /** An epoch of an optimizer that looks at all rows at once: one batch. */
  *#search(fullBatch: FullBatch, epoch: number, tally: Tally): Flow<void> {
    const { callbacks, params: { samples } } = this.#job;
    yield* callHooks(callbacks, 'onBatchBegin', (callback) => callback.onBatchBegin?.(0, { size: samples }, this.#context));
    // Between its steps the network holds weights that are only tried.
    const { result, converged } = yield* this.#stepping(fullBatch.epoch());
    this.#tally(tally, result, null);
    this.#checkStopped(result, epoch, 0);
    if (converged !== null) this.#history.converged = converged;
    yield* callHooks(callbacks, 'onBatchEnd', (callback) => callback.onBatchEnd?.(0, { ...this.#logs(tally), size: samples }, this.#context));
  }

  /** A step that only looks: it is not counted. */
  *#evaluation(options: TrainOptions): Flow<TrainResult> {
    const result = yield* this.#call(options);
    if (result.stopped === 'aborted') this.#checkAborted();
    yield* this.#breathe();
    return result;
  }

  *#slice(options: TrainOptions, nextEpoch?: number): Flow<TrainResult> {
    const result = yield* this.#call(options, nextEpoch);
    this.#job.advance(result.steps);
    return result;
  }

  *#call(options: TrainOptions, nextEpoch?: number): Flow<TrainResult> {
    const { executor, data } = this.#job;
    this.#checkAborted();
    const sync = this.progress.silent ? options : { ...options, maxMilliseconds: SYNC_SLICE };
    return yield* perform(
      () => executor.trainStepsSync(data, sync),
      async () => {
        this.#step(1);
        try {
          const running = executor.trainSteps(data, options);
          if (nextEpoch !== undefined) this.#prepareOrder(nextEpoch);
          return await running;
        } finally {
          this.#step(-1);
        }
      },
    );
  }

  /** Gives predictions the weights of now. */
  *publish(): Flow<void> {
    const { executor } = this.#job;
    yield* this.#stepping(perform(
      () => { executor.publish(); },
      () => executor.publishAsync(),
    ));
  }

  /** Runs what nobody may come between: calls that read or change the weights are refused until it is done. */
  *#stepping<Result>(flow: Flow<Result>): Flow<Result> {
    this.#step(1);
    try {
      return yield* flow;
    } finally {
      this.#step(-1);
    }
  }

  #step(change: 1 | -1): void {
    this.#depth += change;
    this.#job.stepping(this.#depth > 0);
  }

  *#orderOf(epoch: number): Flow<Uint32Array | null> {
    const prepared = this.#prepared;
    this.#prepared = null;
    if (prepared?.epoch === epoch) return yield* perform(() => runSync(this.#job.orderOf(epoch)), () => prepared.order);
    return yield* this.#job.orderOf(epoch);
  }

  /** Shuffles for the next epoch while another thread works on this one. */
  #prepareOrder(epoch: number): void {
    const { params, executor, fixedOrder } = this.#job;
    if (epoch >= params.epochs || executor.backend !== 'native' || fixedOrder || this.#prepared?.epoch === epoch) return;
    const order = runAsync(this.#job.orderOf(epoch));
    // What goes wrong is thrown when the epoch begins.
    order.catch(() => undefined);
    this.#prepared = { epoch, order };
  }

  #newTally(): Tally {
    return { lossSum: 0, rows: 0, correct: 0, steps: 0, accumulators: this.#job.metrics.map((metric) => metric.create()) };
  }

  /** Adds step i of a result. */
  #count(tally: Tally, result: TrainResult, i: number, rows: number): void {
    tally.lossSum += result.losses[i] * rows;
    tally.rows += rows;
    tally.correct += result.correct?.[i] ?? 0;
    tally.steps += 1;
  }

  #tally(tally: Tally, result: TrainResult, order: Uint32Array | null, from = tally.rows): void {
    const { params, metrics, units, targets } = this.#job;
    const before = tally.rows;
    for (let i = 0; i < result.steps; i++) {
      const first = from + i * params.batchSize;
      this.#count(tally, result, i, first === (params.steps - 1) * params.batchSize ? params.samples - first : params.batchSize);
    }
    if (result.outputs === null) return;
    const rowAt = (position: number): number => (order === null ? from + position : order[from + position]);
    const slice = { outputs: result.outputs, rows: tally.rows - before, units, targets, rowAt };
    metrics.forEach((metric, i) => {
      if (!metric.counted) tally.accumulators[i].update(slice);
    });
  }

  #logs(tally: Tally): Logs {
    const logs: Logs = { loss: tally.lossSum / tally.rows };
    this.#job.metrics.forEach((metric, i) => {
      logs[metric.name] = metric.counted ? tally.correct / (tally.rows * this.#job.countsPerRow) : tally.accumulators[i].result();
    });
    return logs;
  }

  #checkStopped(result: TrainResult, epoch: number, step: number): void {
    if (result.stopped === 'nonFinite') {
      const { op, params } = this.#job;
      const loss = result.losses[result.steps];
      throw new TrainingStopped(
        'ERR_NON_FINITE',
        `[${op}] the loss stays finite. Expected a finite loss in epoch ${epoch + 1} of ${params.epochs}, step ${step + 1} of ${params.steps}, received ${loss}; ` +
          'the weights are those before this step. A smaller learning rate or scaled inputs usually help.',
        this.#history,
      );
    }
    if (result.stopped === 'aborted') this.#checkAborted();
  }

  #checkAborted(): void {
    const { signal } = this.#job;
    if (signal?.aborted === true) throw this.#stopped(signal.reason);
  }

  #stopped(cause: unknown): TrainingStopped {
    return new TrainingStopped('ERR_ABORTED', `[${this.#job.op}] stopped by its signal after ${this.#history.epoch.length} finished epochs.`, this.#history, { cause });
  }

  *#breathe(): Flow<void> {
    if (this.#job.executor.backend === 'native' || getEnvironment().now() - this.#breath < BREATH) return;
    yield* perform(
      () => undefined,
      () => getEnvironment().yield(),
    );
    this.#breath = getEnvironment().now();
  }
}

function lastLogs(history: History): Logs {
  const logs: Logs = {};
  for (const [name, values] of Object.entries(history.history)) {
    const value = values.at(-1);
    if (value !== undefined) logs[name] = value;
  }
  return logs;
}
