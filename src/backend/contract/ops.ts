// Every operation a network is made of, as data: what it is called, what it is set with, and what others ask about it. From here come the types of specs,
// the lists of names, the checks of ranges and native/kernels/ops.h (scripts/generate-ops.mjs).

/** A number that an operation is set with; the limits count, unless they are open. */
export interface NumberSetting {
  readonly default: number;
  readonly minimum?: number;
  readonly minimumOpen?: true;
  readonly maximum?: number;
  readonly maximumOpen?: true;
}
/** A switch that an operation is set with. */
export interface FlagSetting {
  readonly default: boolean;
}
/** What an operation is set with, by name, in the order in which C++ gets it. */
export type Settings = Readonly<Record<string, NumberSetting | FlagSetting>>;

/** The settings' values. */
export type Values<Table extends Settings> = { readonly [Name in keyof Table]: Table[Name] extends FlagSetting ? boolean : number };
/** Operations of a table, as plain data: a name, and the settings' values beside it. */
export type Specs<Table extends Readonly<Record<string, { readonly settings: Settings }>>, Name extends keyof Table = keyof Table> = {
  [Each in Name]: { readonly name: Each } & Values<Table[Each]['settings']>;
}[Name];

const none = {} as const;
const share = (value: number): { readonly default: number; readonly minimum: 0; readonly maximum: 1; readonly maximumOpen: true } => ({ default: value, minimum: 0, maximum: 1, maximumOpen: true });
const fromZero = (value: number): { readonly default: number; readonly minimum: 0 } => ({ default: value, minimum: 0 });
const aboveZero = (value: number): { readonly default: number; readonly minimum: 0; readonly minimumOpen: true } => ({ default: value, minimum: 0, minimumOpen: true });
const zeroToOne = { default: 0, minimum: 0, maximum: 1 } as const;
const off = { default: false } as const;

interface ActivationOp {
  /** The backward pass needs what went in; the others' result is enough. Those that do stand behind those that do not. */
  readonly needsInput: boolean;
  /** A row's numbers depend on one another. */
  readonly rowwise?: true;
  readonly settings: Settings;
}
/** Activations. Formulas: docs/numerics.md. */
export const activationOps = {
  linear: { needsInput: false, settings: none },
  relu: { needsInput: false, settings: none },
  sigmoid: { needsInput: false, settings: none },
  tanh: { needsInput: false, settings: none },
  softmax: { needsInput: false, rowwise: true, settings: none },
  relu6: { needsInput: true, settings: none },
  leakyRelu: { needsInput: true, settings: { negativeSlope: { default: 0.2 } } },
  elu: { needsInput: true, settings: { alpha: { default: 1 } } },
  selu: { needsInput: true, settings: none },
  gelu: { needsInput: true, settings: none },
  geluTanh: { needsInput: true, settings: none },
  hardSigmoid: { needsInput: true, settings: none },
  softplus: { needsInput: true, settings: { beta: aboveZero(1), threshold: { default: 20 } } },
  softsign: { needsInput: true, settings: none },
  silu: { needsInput: true, settings: none },
  mish: { needsInput: true, settings: none },
  exponential: { needsInput: true, settings: none },
  thresholdedRelu: { needsInput: true, settings: { theta: { default: 1 } } },
} as const satisfies Readonly<Record<string, ActivationOp>>;

interface LossOp {
  /** 'entropy': of logits, behind a head; 'element': each output with its target; 'row': whole rows. In this order. */
  readonly compares: 'entropy' | 'element' | 'row';
  /** What targets may be. */
  readonly targets: 'any' | 'sign' | 'notNegative' | 'probability' | 'distribution';
  readonly settings: Settings;
}
/** Losses. Formulas: docs/numerics.md. */
export const lossOps = {
  softmaxCrossEntropy: { compares: 'entropy', targets: 'distribution', settings: { labelSmoothing: zeroToOne } },
  sigmoidCrossEntropy: { compares: 'entropy', targets: 'probability', settings: { labelSmoothing: zeroToOne } },
  meanSquaredError: { compares: 'element', targets: 'any', settings: none },
  meanAbsoluteError: { compares: 'element', targets: 'any', settings: none },
  huber: { compares: 'element', targets: 'any', settings: { delta: aboveZero(1) } },
  logCosh: { compares: 'element', targets: 'any', settings: none },
  hinge: { compares: 'element', targets: 'sign', settings: none },
  squaredHinge: { compares: 'element', targets: 'sign', settings: none },
  meanAbsolutePercentageError: { compares: 'element', targets: 'any', settings: none },
  meanSquaredLogarithmicError: { compares: 'element', targets: 'notNegative', settings: none },
  poisson: { compares: 'element', targets: 'notNegative', settings: none },
  kullbackLeiblerDivergence: { compares: 'row', targets: 'distribution', settings: none },
  categoricalHinge: { compares: 'row', targets: 'distribution', settings: none },
  cosineSimilarity: { compares: 'row', targets: 'any', settings: none },
} as const satisfies Readonly<Record<string, LossOp>>;

interface OptimizerOp {
  /** State arrays, each with the parameters' shapes, in their order; `if` names the setting without which there is none. */
  readonly slots: readonly { readonly name: string; readonly if?: string }[];
  readonly settings: Settings;
}
/** Update rules. Formulas: docs/numerics.md. */
export const optimizerOps = {
  sgd: { slots: [{ name: 'momentum', if: 'momentum' }], settings: { momentum: zeroToOne, nesterov: off, weightDecay: fromZero(0) } },
  /** weightDecay is decoupled: weight -= learningRate·weightDecay·weight (AdamW). */
  adam: {
    slots: [{ name: 'firstMoment' }, { name: 'secondMoment' }, { name: 'largestSecondMoment', if: 'amsgrad' }],
    settings: { beta1: share(0.9), beta2: share(0.999), epsilon: fromZero(1e-8), amsgrad: off, weightDecay: fromZero(0) },
  },
  rmsprop: {
    slots: [{ name: 'meanSquare' }, { name: 'meanGradient', if: 'centered' }, { name: 'momentum', if: 'momentum' }],
    settings: { rho: share(0.9), momentum: zeroToOne, epsilon: aboveZero(1e-7), centered: off },
  },
  adagrad: { slots: [{ name: 'sumOfSquares' }], settings: { epsilon: aboveZero(1e-10), initialAccumulatorValue: fromZero(0) } },
  adadelta: { slots: [{ name: 'meanSquare' }, { name: 'meanSquareStep' }], settings: { rho: share(0.9), epsilon: aboveZero(1e-6) } },
  adamax: { slots: [{ name: 'firstMoment' }, { name: 'largestGradient' }], settings: { beta1: share(0.9), beta2: share(0.999), epsilon: aboveZero(1e-7) } },
  /** weightDecay is decoupled. */
  lion: { slots: [{ name: 'momentum' }], settings: { beta1: share(0.9), beta2: share(0.99), weightDecay: fromZero(0) } },
  /** weightDecay is decoupled; momentumDecay is ψ of the momenta beta1·(1 - 0.96^(t·ψ)/2). */
  nadam: {
    slots: [{ name: 'firstMoment' }, { name: 'secondMoment' }],
    settings: { beta1: share(0.9), beta2: share(0.999), epsilon: fromZero(1e-8), momentumDecay: fromZero(0.004), weightDecay: fromZero(0) },
  },
} as const satisfies Readonly<Record<string, OptimizerOp>>;

/** The names in a table, in its order. */
export function namesOf<Table extends Readonly<Record<string, unknown>>>(table: Table): readonly (keyof Table & string)[] {
  return Object.keys(table).filter((name): name is keyof Table & string => Object.hasOwn(table, name));
}
