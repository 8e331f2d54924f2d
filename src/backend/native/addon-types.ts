// What build/Release/nabla.node exports: native/bind_network.cc in TypeScript. Arguments are plain values in a fixed order;
// src/backend/native/executor.ts is the only caller and gives them names.
import type { FloatArray, InputArray } from '../../base/arrays.js';
import type { EvaluateResult, ForwardResult, BackwardResult, Isa, LossAndGradients, TrainResult } from '../contract/executor.js';
import type { NativeSpec } from './encode-spec.js';

/** Opaque, tagged handles. */
export type NativeNetwork = { readonly nativeNetwork: never };
export type NativeData = { readonly nativeData: never };
export type NativeReading = { readonly nativeReading: never };

export interface NativeInfo {
  /** Instruction sets that this build has and this processor can run, slowest first. */
  readonly isas: readonly Isa[];
  readonly defaultIsa: Isa;
  /** What affinity and cgroup allow. */
  readonly threads: number;
}
export interface NativeState {
  readonly parameters: FloatArray[];
  readonly slots: FloatArray[][];
  readonly statistics: FloatArray[];
  readonly step: number;
}
type RowArguments = [order: Uint32Array | null, from: number, to: number];
type TrainArguments = [
  network: NativeNetwork, data: NativeData, ...rows: RowArguments, batchSize: number, repeat: number, firstStep: number,
  stepScalars: Float64Array, maxMilliseconds: number, outputs: boolean,
];
type EvaluateArguments = [network: NativeNetwork, data: NativeData, ...rows: RowArguments, published: boolean, outputs: boolean];
type PredictArguments = [network: NativeNetwork, data: NativeData, ...rows: RowArguments, logits: boolean, published: boolean];
type StateArguments = [
  network: NativeNetwork, parameters: readonly FloatArray[], slots: readonly (readonly FloatArray[])[], step: number, statistics: readonly FloatArray[],
];

/** Every function throws errors with a `code` of NablaErrorCode. */
export interface NativeAddon {
  info(): NativeInfo;
  createNetwork(spec: NativeSpec, isa: Isa | null, threads: number, materialised: boolean, openblas: boolean): NativeNetwork;
  disposeNetwork(network: NativeNetwork): void;
  load(
    network: NativeNetwork, x: InputArray, rows: number, y: Int32Array | InputArray | null, sampleWeight: Float64Array | null,
    borrowX: boolean, borrowY: boolean,
  ): NativeData;
  disposeData(data: NativeData): void;
  train(...args: TrainArguments): Promise<TrainResult>;
  trainSync(...args: TrainArguments): TrainResult;
  abort(network: NativeNetwork): void;
  /** The weights of now; where new ones are on their way in, those. */
  beginReading(network: NativeNetwork, published: boolean): NativeReading;
  /** Jobs that read it are ERR_ABORTED, each before its next slice. */
  abortReading(reading: NativeReading): void;
  endReading(reading: NativeReading): void;
  /** @param args the last, where given: whose weights are read */
  evaluate(...args: [...EvaluateArguments, reading: NativeReading | null]): Promise<EvaluateResult>;
  evaluateSync(...args: EvaluateArguments): EvaluateResult;
  predict(...args: [...PredictArguments, reading: NativeReading | null]): Promise<FloatArray>;
  predictSync(...args: PredictArguments): FloatArray;
  firstUnusable(network: NativeNetwork, x: InputArray): number;
  /** Fills `out` with what src/random/uniform.ts gives from a stream's beginning. */
  fillUniform(out: FloatArray, seed: number, purpose: number, index: number, low: number, high: number): void;
  /** Fills `order` with what src/random/permutation.ts gives. */
  permute(order: Uint32Array, seed: number, purpose: number, index: number): void;
  /** The same on a thread of its own. */
  permuteAsync(order: Uint32Array, seed: number, purpose: number, index: number): Promise<void>;
  /** @param out takes the result at its start and is returned; null: a fresh array */
  predictArray(network: NativeNetwork, x: InputArray, rows: number, logits: boolean, published: boolean, out: FloatArray | null): FloatArray;
  forwardTrain(network: NativeNetwork, data: NativeData, ...rows: RowArguments): ForwardResult;
  backward(network: NativeNetwork, dLogits: FloatArray, dx: boolean): BackwardResult;
  applyGradients(network: NativeNetwork, gradients: readonly FloatArray[], stepScalars: Float64Array): void;
  lossAndGradients(network: NativeNetwork, data: NativeData, ...rows: RowArguments): LossAndGradients;
  publish(network: NativeNetwork): void;
  publishAsync(network: NativeNetwork): Promise<void>;
  getState(network: NativeNetwork): NativeState;
  /** The state of this moment, copied in the pool. */
  getStateAsync(network: NativeNetwork): Promise<NativeState>;
  setState(...args: StateArguments): void;
  /** The same in the pool: every later call finds it done. The arrays stay as they are until the promise is settled. */
  adoptState(...args: StateArguments): Promise<void>;
}
