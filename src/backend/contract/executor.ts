// The seam. What crosses it is a whole network and whole steps, never single operations.
// Both backends implement all of Executor; test/backend/executor.cases.ts holds them to it.
import type { FloatArray, InputArray } from '../../base/arrays.js';
import type { NetworkSpec } from './spec.js';

/** Class indices (rows) for softmax cross-entropy, or values (rows, outputs) for any loss. */
export type Targets =
  | { readonly kind: 'labels'; readonly values: Int32Array }
  | { readonly kind: 'values'; readonly values: InputArray };

export interface LoadOptions {
  /** (rows, features), row-major. Copied, or borrowed where it lies in a SharedArrayBuffer. Must be finite. */
  readonly x: InputArray;
  readonly rows: number;
  readonly y?: Targets;
  /** (rows): multiplies each row's loss and gradient; the mean still divides by the number of rows (Keras). */
  readonly sampleWeight?: Float64Array;
  /** The caller has looked through x and the target values with firstUnusable: a second pass over them is spared. Default false. */
  readonly scanned?: boolean;
}
/** Samples held in a backend's memory. */
export interface DataHandle {
  readonly rows: number;
  readonly features: number;
  /** Frees the memory now instead of when the handle is collected. Use after dispose is ERR_STATE. */
  dispose(): void;
}

/** Which rows, in which order: positions [from, to) of `order`, or of 0,1,2,… where order is null. */
export interface Rows {
  readonly order: Uint32Array | null;
  readonly from: number;
  readonly to: number;
}

export interface TrainOptions extends Rows {
  /** Rows a step; the last step of a pass takes what is left. */
  readonly batchSize: number;
  /** Passes over the range, default 1. Steps are counted through all passes. */
  readonly repeat?: number;
  /** STEP_NUMBERS numbers for every step of all passes, or once where they are the same for all. */
  readonly stepScalars: Float64Array;
  /** First step to run, default 0: how a caller goes on after a slice. */
  readonly firstStep?: number;
  /** A slice ends after the step in which this much time has passed. Default 20 async, Infinity sync. At least one step runs. */
  readonly maxMilliseconds?: number;
  /** Also return the outputs (after the head) of the slice's rows, from before each update; the slice then ends where a pass does. Default false. */
  readonly outputs?: boolean;
}
export interface TrainResult {
  /** Steps that were done, updates included. */
  readonly steps: number;
  /** Loss of each step's batch before its update, penalties included; one more than `steps` when stopped by 'nonFinite'. */
  readonly losses: Float64Array;
  /** Right predictions of each step's batch before its update; null where the loss has no notion of right (mean squared error). */
  readonly correct: Uint32Array | null;
  /** 'done': all steps; 'slice': time was up; 'aborted': abort() was called; 'nonFinite': the next step's loss was not finite, its update was not made. */
  readonly stopped: 'done' | 'slice' | 'aborted' | 'nonFinite';
  readonly outputs: FloatArray | null;
}

export interface EvaluateResult {
  /** Weighted sum of the rows' losses; the mean loss is lossSum / denominator + penalty. */
  readonly lossSum: number;
  /** What 'mean' divides by for these rows (docs/numerics.md); 1 with reduction 'sum'. */
  readonly denominator: number;
  /** L1 and L2 penalties of the parameters. */
  readonly penalty: number;
  /** Rows (or, with sigmoid cross-entropy, elements) predicted right; null with mean squared error. */
  readonly correct: number | null;
  /** Outputs after the head where asked for. */
  readonly outputs: FloatArray | null;
}
export interface EvaluateOptions extends Rows {
  readonly outputs?: boolean;
  readonly weights?: WeightsChoice;
}
/** 'current' parameters, or those copied by the last publish(): what predictions see while a fit runs. */
export type WeightsChoice = 'current' | 'published';
export interface PredictOptions extends Rows {
  /** 'outputs': after the head; 'logits': before it. */
  readonly output: 'outputs' | 'logits';
  readonly weights?: WeightsChoice;
}

/** The weights of a moment, for several calls; who changes them leaves those to it. */
export interface Reading {
  /** Ends the calls that read it within a slice, and those to come: ERR_ABORTED. */
  abort(): void;
  /** The weights need not be kept any longer: no call reads it now or later. */
  dispose(): void;
}

export interface ForwardResult {
  /** (rows, outputs) after the head. */
  readonly outputs: FloatArray;
  /** (rows, outputs) before the head: what backward's argument is the gradient of. */
  readonly logits: FloatArray;
  /** What the next dense layer is fed with: after each dense layer and all passes that follow it (dropout, normalizations, …), (rows, units). */
  readonly activations: readonly FloatArray[];
}
export interface BackwardResult {
  /** In canonical order (parameterShapes). Of the data loss alone: no penalties' terms. */
  readonly gradients: readonly FloatArray[];
  /** (rows, features), with respect to the samples as loaded, before rescaling. */
  readonly dx: FloatArray;
}
export interface LossAndGradients extends BackwardResult {
  /** Data loss by the spec's loss and reduction. */
  readonly loss: number;
  /** L1 and L2 penalties; `gradients` contain their gradient here. */
  readonly penalty: number;
  readonly outputs: FloatArray;
}

/** Everything needed to go on bit for bit. Fresh arrays in canonical (out, in) order, never views of internals. */
export interface ExecutorState {
  readonly parameters: readonly FloatArray[];
  /** Optimizer state by slot name, each in the order of the parameters. */
  readonly slots: Readonly<Record<string, readonly FloatArray[]>>;
  /** Updates made so far. */
  readonly step: number;
  /** Moving means and variances in the order of statisticShapes; may be left out where the network has none. */
  readonly statistics?: readonly FloatArray[];
}

/** The plan: 'auto' fuses the update into the gradient kernels where it can, 'materialised' always stores gradients first. Same bytes. */
export type PlanChoice = 'auto' | 'materialised';
/** Whose matrix products: nabla's own, or OpenBLAS where the machine has it (native only; results differ in their last bits and may depend on threads). */
export type GemmChoice = 'nabla' | 'openblas';
/** Instruction sets of the native kernels, slowest first. */
export type Isa = 'baseline' | 'avx2' | 'avx512' | 'neon';
export interface ExecutorOptions {
  /** Native only: default NABLA_ISA or the best the processor has. */
  readonly isa?: Isa;
  /** Native only: default NABLA_THREADS or what affinity and cgroup allow. Never changes a result. */
  readonly threads?: number;
  readonly plan?: PlanChoice;
  /** Default 'nabla'. */
  readonly gemm?: GemmChoice;
  /** TypeScript only: resolves after the event loop has had a turn. Default: a timer, which takes a millisecond in Node.js. */
  readonly turn?: () => Promise<void>;
}

/** A network in a backend. Parameters start at zero: setState follows creation. One writer: train, applyGradients and setState
 * while a train job runs are ERR_BUSY; predict and evaluate of 'published' weights may run at any time. */
export interface Executor {
  readonly backend: 'native' | 'typescript';
  /** 'typescript' for that backend. */
  readonly isa: Isa | 'typescript';
  readonly threads: number;
  readonly spec: NetworkSpec;

  /** Index of the first element that is not finite in the network's dtype, or -1; at the speed of memory. */
  firstUnusable(x: InputArray): number;
  /** What `permutation` of src/random gives, at the backend's speed. */
  permutation(n: number, seed: number, purpose: number, index: number): Uint32Array;
  /** The same beside the event loop. */
  permutationAsync(n: number, seed: number, purpose: number, index: number): Promise<Uint32Array>;
  load(options: LoadOptions): DataHandle;
  trainSteps(data: DataHandle, options: TrainOptions): Promise<TrainResult>;
  trainStepsSync(data: DataHandle, options: TrainOptions): TrainResult;
  /** Ends a running slice after its current step, or in the middle of a step of many rows, which then never was; the slice resolves with stopped: 'aborted'. */
  abort(): void;
  /** The weights as they are now, for evaluate and predict. */
  read(weights: WeightsChoice): Reading;
  /** @param reading whose weights are read, instead of those that `weights` chooses at the call */
  evaluate(data: DataHandle, options: EvaluateOptions, reading?: Reading): Promise<EvaluateResult>;
  evaluateSync(data: DataHandle, options: EvaluateOptions): EvaluateResult;
  predict(data: DataHandle, options: PredictOptions, reading?: Reading): Promise<FloatArray>;
  predictSync(data: DataHandle, options: PredictOptions): FloatArray;
  /** Predicts straight from an array that is used only during the call: the way for single samples. */
  predictArraySync(x: InputArray, rows: number, output: 'outputs' | 'logits', weights?: WeightsChoice): FloatArray;

  /** The training forward pass (dropout active) over the rows; keeps what backward needs until the next call that computes. */
  forwardTrain(data: DataHandle, rows: Rows): ForwardResult;
  /** dLogits (rows, outputs): gradient of a loss with respect to forwardTrain's logits, already averaged as the caller wants.
   * `dx: false` leaves the samples' gradient out (an empty array). */
  backward(dLogits: FloatArray, options?: { readonly dx?: boolean }): BackwardResult;
  /** One optimizer update with given gradients (penalties' terms, clipping and constraints as in a training step); counts as a step. Moving statistics take over those of
   * the last forwardTrain or lossAndGradients since the last update, as a training step does. */
  applyGradients(gradients: readonly FloatArray[], scalars: Float64Array): void;
  /** TypeScript only: forwardTrain, `gradientOf` its outputs, backward and applyGradients in pieces beside the event loop. Aborted or without a gradient the
   * step never was. @returns whether it was made */
  stepAround?(data: DataHandle, rows: Rows, gradientOf: (outputs: FloatArray) => FloatArray | null, scalars: Float64Array): Promise<'done' | 'aborted' | 'noGradient'>;
  /** Loss and gradients of the spec's own loss over the rows as one batch, training mode, no update. */
  lossAndGradients(data: DataHandle, rows: Rows): LossAndGradients;

  /** Copies parameters and statistics to where 'published' predictions read them. */
  publish(): void;
  /** The same beside the event loop; nothing may change the parameters until it is done. */
  publishAsync(): Promise<void>;
  getState(): ExecutorState;
  /** The state of this moment, copied beside the event loop. */
  getStateAsync(): Promise<ExecutorState>;
  /** All arrays are checked before any is taken. */
  setState(state: ExecutorState): void;
  /** The same for arrays that nobody writes to any more: they may be copied beside the event loop, and every later call finds it done. */
  adoptState(state: ExecutorState): void;
  /** Frees native memory now; later calls are ERR_STATE. */
  dispose(): void;
}
