// NetworkSpec: the plain data from which a backend builds a network. Everything is explicit; defaults belong to src/model.
import type { DType } from '../../base/arrays.js';
import { activationOps, optimizerOps, type lossOps, type Specs } from './ops.js';

/** Names of a table's operations with a property of one value. */
type NamesWith<Table, Property> = { [Name in keyof Table]: Table[Name] extends Property ? Name : never }[keyof Table];

/** An activation function, applied to a layer's z = x Wᵀ + b. */
export type ActivationSpec = Specs<typeof activationOps>;
/** Activations whose backward pass needs z. */
export type ActivationOfZ = Specs<typeof activationOps, NamesWith<typeof activationOps, { readonly needsInput: true }>>;

/** Whether an activation is one of z. */
export function isOfZ(activation: ActivationSpec): activation is ActivationOfZ {
  return activationOps[activation.name].needsInput;
}

/** After an update; the norm is of a unit's weights over its inputs. */
export type ConstraintSpec =
  | { readonly name: 'nonNegative' }
  | { readonly name: 'maxNorm'; readonly maxValue: number }
  | { readonly name: 'unitNorm' };

/** x (B,I), weight (O,I), bias (O) -> activation(x weightᵀ + bias) (B,O). */
export interface DenseSpec {
  readonly kind: 'dense';
  readonly name: string;
  /** O */
  readonly units: number;
  readonly useBias: boolean;
  readonly activation: ActivationSpec;
  /** λ: adds λ·weight to the weight's gradient and λ/2·Σweight² to the loss. 0 = none. Biases are not penalised. */
  readonly l2: number;
  /** λ: adds λ·sign(weight) to the weight's gradient and λ·Σ|weight| to the loss. Left out = none. */
  readonly l1?: number;
  /** What the weight is brought back to after each update. */
  readonly kernelConstraint?: ConstraintSpec;
  readonly biasConstraint?: ConstraintSpec & { readonly name: 'nonNegative' };
  /** Multiplies the learning rate of this layer's parameters. */
  readonly learningRateFactor: number;
}
/** x -> x · scale + offset, folded into the load of the first dense layer; only before it. */
export interface RescalingSpec { readonly kind: 'rescaling'; readonly name: string; readonly scale: number; readonly offset: number }
/** x -> (x - mean) / max(√variance, 1e-7), one number a feature, folded into the load like rescaling; only before the first dense layer. */
export interface NormalizationSpec { readonly kind: 'normalization'; readonly name: string; readonly mean: readonly number[]; readonly variance: readonly number[] }
/** Samples are rows already: changes nothing but the shape shown to people. What flatten and reshape become. */
export interface FlattenSpec { readonly kind: 'flatten'; readonly name: string }
/** In training, each element is 0 with probability `rate` and scaled by 1/(1-rate) otherwise (docs/numerics.md, masks). */
export interface DropoutSpec { readonly kind: 'dropout'; readonly name: string; readonly rate: number }
/** An activation that does not follow its dense layer at once. */
export interface ActivationPassSpec { readonly kind: 'activation'; readonly name: string; readonly activation: ActivationSpec }
/** In training, adds deviation · standard normal number (docs/numerics.md, passes). */
export interface GaussianNoiseSpec { readonly kind: 'gaussianNoise'; readonly name: string; readonly deviation: number }
/** What passes with parameters share. */
interface TrainedPass {
  /** Left out: true. false: the parameters have learning rate factor 0, and a batch normalization takes its moving statistics in training too and leaves them as they are. */
  readonly trainable?: boolean;
}
/** z > 0 ? z : alpha · z, alpha (units) trained. */
export interface PreluSpec extends TrainedPass { readonly kind: 'prelu'; readonly name: string }
/** Each row less its mean, by its deviation, times gamma (`scale`), plus beta (`center`). */
export interface LayerNormalizationSpec extends TrainedPass { readonly kind: 'layerNormalization'; readonly name: string; readonly epsilon: number; readonly center: boolean; readonly scale: boolean }
/** Each unit less the batch's mean, by its deviation, times gamma, plus beta; predictions take moving statistics, which keep `momentum` of themselves at an update. */
export interface BatchNormalizationSpec extends TrainedPass {
  readonly kind: 'batchNormalization'; readonly name: string; readonly momentum: number; readonly epsilon: number; readonly center: boolean; readonly scale: boolean;
}
export type PassSpec = ActivationPassSpec | GaussianNoiseSpec | PreluSpec | LayerNormalizationSpec | BatchNormalizationSpec;
export type LayerSpec = DenseSpec | RescalingSpec | NormalizationSpec | FlattenSpec | DropoutSpec | PassSpec;

/** Whether a network has more between its dense layers than activations and dropout: such take a plan of their own. */
export function isLayered(spec: Pick<NetworkSpec, 'layers'>): boolean {
  const classic: readonly LayerSpec['kind'][] = ['dense', 'rescaling', 'normalization', 'flatten', 'dropout'];
  return spec.layers.some((layer) => !classic.includes(layer.kind));
}

export type Reduction = 'mean' | 'sum';
/** What is minimised. The cross-entropies see logits: the last layer's activation is linear and `head` says what predict applies. */
export type LossSpec =
  | {
      readonly name: 'softmaxCrossEntropy';
      readonly reduction: Reduction;
      /** ε in [0,1]: target mass (1-ε) on the label plus ε/C on every class. */
      readonly labelSmoothing: number;
      /** One weight a class; with labels, 'mean' divides by the sum of the weights of the batch's labels (PyTorch). */
      readonly classWeights: readonly number[] | null;
    }
  | {
      readonly name: 'sigmoidCrossEntropy';
      readonly reduction: Reduction;
      /** One factor an output, on the positive term. */
      readonly positiveWeights: readonly number[] | null;
      /** ε in [0,1]: a target y counts as y·(1-ε) + ε/2. */
      readonly labelSmoothing: number;
    }
  | ElementwiseLossSpec
  | RowLossSpec;
/** Compares each output with its target value. */
export type ElementwiseLossSpec = Specs<typeof lossOps, NamesWith<typeof lossOps, { readonly compares: 'element' }>> & { readonly reduction: Reduction };
/** Compares each row of outputs with its row of values; the mean divides by rows. */
export type RowLossSpec = Specs<typeof lossOps, NamesWith<typeof lossOps, { readonly compares: 'row' }>> & { readonly reduction: Reduction };

/** Update rules; definitions in docs/numerics.md. What varies by step arrives as step scalars, see {@link stepNumbers}. */
export type OptimizerSpec = RuleSpec & ClippingSpec;
/** What is done to the gradients, penalties' parts included, before the rule sees them: at most one of the three. */
export interface ClippingSpec {
  /** Each element is limited to ±clipvalue. */
  readonly clipvalue?: number;
  /** Each parameter's gradient is multiplied by min(1, clipnorm / (its norm + 1e-6)). */
  readonly clipnorm?: number;
  /** All gradients are multiplied by min(1, globalClipnorm / (the norm of all + 1e-6)). */
  readonly globalClipnorm?: number;
  /** Of the two norms: the root of the sum of squares (2, where left out), the sum of magnitudes, or the largest one. */
  readonly normType?: NormType;
}
export type NormType = 1 | 2 | 'inf';
export type RuleSpec = Specs<typeof optimizerOps>;

export interface NetworkSpec {
  /** Features of one sample. */
  readonly inputSize: number;
  /** At least one dense layer. */
  readonly layers: readonly LayerSpec[];
  /** Turns logits into what predict returns by default. 'none' with regression losses. */
  readonly head: 'none' | 'softmax' | 'sigmoid';
  /** null: the network only predicts. */
  readonly loss: LossSpec | null;
  /** null: the network does not train. */
  readonly optimizer: OptimizerSpec | null;
  readonly dtype: DType;
  /** Integer from 0 to 2^53-1; fixes masks and noise. Initial weights and permutations come from src/random. */
  readonly seed: number;
}

/** Numbers that vary by step, at their places in a step's scalars; t counts updates from 1. StepNumbers of native/core/spec.h. */
export const stepNumbers = {
  /** What the step is multiplied by: the learning rate; of adam and adamax divided by 1-beta1^t; of nadam times (1-µ_t) / (1-µ_1·…·µ_t). */
  rate: 0,
  /** sgd: multiplies the gradient on its way into the momentum. 1 = none. */
  dampening: 1,
  /** adam, nadam: 1 / sqrt(1-beta2^t), which multiplies the root of the second moment. */
  correction: 2,
  /** nadam: the learning rate times µ_(t+1) / (1-µ_1·…·µ_(t+1)), which multiplies the first moment. */
  momentumRate: 3,
  /** Decoupled weight decay: the learning rate times weightDecay; 0 = none. */
  decay: 4,
} as const;
/** How many they are. */
export const STEP_NUMBERS = 5;

/** Names of an optimizer's state arrays, each with the parameters' shapes. */
export function slotNames(optimizer: OptimizerSpec): readonly string[] {
  const { slots }: { readonly slots: readonly { readonly name: string; readonly if?: string }[] } = optimizerOps[optimizer.name];
  return slots.filter((slot) => slot.if === undefined || Boolean(Reflect.get(optimizer, slot.if))).map(({ name }) => name);
}

/** What a slot's arrays hold before the first update. */
export function slotStart(optimizer: OptimizerSpec): number {
  return optimizer.name === 'adagrad' ? optimizer.initialAccumulatorValue : 0;
}

/** What multiplies the learning rate of a layer's parameters. */
export function learningRateFactorOf(layer: LayerSpec): number {
  if (layer.kind === 'dense') return layer.learningRateFactor;
  if (layer.kind !== 'prelu' && layer.kind !== 'layerNormalization' && layer.kind !== 'batchNormalization') return 1;
  return layer.trainable === false ? 0 : 1;
}

/** Whether a layer takes the statistics of a training batch. */
export function takesBatchStatistics(layer: LayerSpec): boolean {
  return layer.kind === 'batchNormalization' && layer.trainable !== false;
}

/** One trainable array in canonical order: layer by layer, of a dense layer weight (O,I), then bias (O) where it has one; of a normalization gamma, then beta where it has
 * them, of a prelu alpha (units each). */
export interface ParameterShape { readonly layer: number; readonly name: 'weight' | 'bias' | 'gamma' | 'beta' | 'alpha'; readonly shape: readonly number[]; readonly size: number }

/** Lists the parameters of a spec in canonical order. `layer` is the index into `spec.layers`. */
export function parameterShapes(spec: Pick<NetworkSpec, 'inputSize' | 'layers'>): ParameterShape[] {
  const shapes: ParameterShape[] = [];
  let inputs = spec.inputSize;
  spec.layers.forEach((layer, index) => {
    const vector = (name: ParameterShape['name']): void => void shapes.push({ layer: index, name, shape: [inputs], size: inputs });
    if (layer.kind === 'dense') {
      shapes.push({ layer: index, name: 'weight', shape: [layer.units, inputs], size: layer.units * inputs });
      inputs = layer.units;
      if (layer.useBias) vector('bias');
    }
    if (layer.kind === 'batchNormalization' || layer.kind === 'layerNormalization') {
      if (layer.scale) vector('gamma');
      if (layer.center) vector('beta');
    }
    if (layer.kind === 'prelu') vector('alpha');
  });
  return shapes;
}

/** One array of moving statistics: of each batch normalization mean, then variance (units each). They are no parameters: updates move them, gradients do not. */
export interface StatisticShape { readonly layer: number; readonly name: 'movingMean' | 'movingVariance'; readonly size: number }

/** Lists the moving statistics of a spec. `layer` is the index into `spec.layers`. */
export function statisticShapes(spec: Pick<NetworkSpec, 'inputSize' | 'layers'>): StatisticShape[] {
  let size = spec.inputSize;
  return spec.layers.flatMap((layer, index): StatisticShape[] => {
    if (layer.kind === 'dense') size = layer.units;
    if (layer.kind !== 'batchNormalization') return [];
    return [{ layer: index, name: 'movingMean', size }, { layer: index, name: 'movingVariance', size }];
  });
}

/** Width of the network's output. */
export function outputSize(spec: Pick<NetworkSpec, 'inputSize' | 'layers'>): number {
  let size = spec.inputSize;
  for (const layer of spec.layers) if (layer.kind === 'dense') size = layer.units;
  return size;
}

/** Sample blocks whose gradients are summed apart and then added in order; block j holds rows
 * [floor(j·rows/n), floor((j+1)·rows/n)). Depends on the shape alone (docs/numerics.md, blocks). */
export function gradientBlocks(rows: number, parameters: number): number {
  return rows >= 1024 && parameters <= 32768 ? 16 : 1;
}
