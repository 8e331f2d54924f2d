// Layers as plain data: what their functions make, what files hold.
import type { Constraint, NonNegative } from '../parameters/constraints.js';
import type { InitializerConfig } from '../parameters/initializers.js';
import type { ActivationConfig } from './activations.js';

/** A layer as it is written to a file: everything but its numbers. */
export type LayerConfig =
  | { readonly kind: 'input'; readonly name: string; readonly shape: readonly number[] }
  | { readonly kind: 'flatten'; readonly name: string; readonly inputShape?: readonly number[] }
  | { readonly kind: 'reshape'; readonly name: string; readonly targetShape: readonly number[]; readonly inputShape?: readonly number[] }
  | { readonly kind: 'rescaling'; readonly name: string; readonly scale: number; readonly offset: number; readonly inputShape?: readonly number[] }
  | {
      readonly kind: 'normalization';
      readonly name: string;
      /** One number a feature; null before adapt. */
      readonly mean: readonly number[] | null;
      readonly variance: readonly number[] | null;
      readonly inputShape?: readonly number[];
    }
  | {
      readonly kind: 'dense';
      readonly name: string;
      readonly units: number;
      readonly activation: ActivationConfig;
      readonly useBias: boolean;
      readonly kernelInitializer: InitializerConfig;
      readonly biasInitializer: InitializerConfig;
      /** Keras' l2: adds l2·Σweight² to the loss. */
      readonly l2: number;
      /** Adds l1·Σ|weight| to the loss; left out where it is 0. */
      readonly l1?: number;
      readonly kernelConstraint?: Constraint;
      readonly biasConstraint?: NonNegative;
      readonly learningRateFactor: number;
      /** Left out where it is true. */
      readonly trainable?: boolean;
      readonly inputShape?: readonly number[];
    }
  | { readonly kind: 'activation'; readonly name: string; readonly activation: ActivationConfig }
  | { readonly kind: 'dropout'; readonly name: string; readonly rate: number }
  | { readonly kind: 'gaussianNoise'; readonly name: string; readonly stddev: number; readonly inputShape?: readonly number[] }
  | { readonly kind: 'prelu'; readonly name: string; readonly alphaInitializer: InitializerConfig; readonly trainable?: boolean; readonly inputShape?: readonly number[] }
  | (NormConfig & { readonly kind: 'layerNormalization' })
  | (NormConfig & { readonly kind: 'batchNormalization'; readonly momentum: number });

/** What layer and batch normalization share. */
export interface NormConfig {
  readonly name: string;
  readonly epsilon: number;
  readonly center: boolean;
  readonly scale: boolean;
  readonly betaInitializer: InitializerConfig;
  readonly gammaInitializer: InitializerConfig;
  /** Left out where it is true. */
  readonly trainable?: boolean;
  readonly inputShape?: readonly number[];
}
