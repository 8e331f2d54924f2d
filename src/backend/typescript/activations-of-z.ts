// Activations whose way back needs z: forward and backward side by side, formulas in docs/numerics.md.
import type { DType } from '../../base/arrays.js';
import { exp, expm1Negative, log1p, normalBelow, sigmoid, tanh } from '../../math/elementary.js';
import type { ActivationOfZ } from '../contract/spec.js';
import { roundedTo } from './reductions.js';

const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA_SCALE = 1.7580993408473768;
const BELL_HEIGHT = 0.3989422804014327;
const GELU_FACTOR = 0.7978845608028654;
const GELU_CUBE = 0.044715;
const SIXTH = 1 / 6;

/** One element: its value, and what da is multiplied by. */
interface Pair {
  readonly forward: (z: number) => number;
  readonly slope: (z: number, a: number) => number;
}

const bell = (z: number): number => exp(-0.5 * (z * z));
const softplus = (z: number): number => (z > 0 ? z : 0) + log1p(exp(-Math.abs(z)));
const geluTanh = (z: number): number => tanh(z * GELU_FACTOR * (z * z * GELU_CUBE + 1));

function pairOf(activation: ActivationOfZ, dtype: DType): Pair {
  switch (activation.name) {
    case 'relu6':
      return { forward: (z) => (z < 0 ? 0 : z > 6 ? 6 : z), slope: (z) => (z > 0 && z < 6 ? 1 : 0) };
    case 'leakyRelu': {
      const slope = roundedTo(dtype, activation.negativeSlope);
      return { forward: (z) => (z > 0 ? z : slope * z), slope: (z) => (z > 0 ? 1 : slope) };
    }
    case 'thresholdedRelu': {
      const theta = roundedTo(dtype, activation.theta);
      return { forward: (z) => (z <= theta ? 0 : z), slope: (z) => (z > theta ? 1 : 0) };
    }
    case 'elu': {
      const alpha = roundedTo(dtype, activation.alpha);
      return { forward: (z) => (z > 0 ? z : alpha * expm1Negative(z)), slope: (z) => (z > 0 ? 1 : alpha * exp(z)) };
    }
    case 'selu': {
      const scale = roundedTo(dtype, SELU_SCALE), alpha = roundedTo(dtype, SELU_ALPHA_SCALE);
      return { forward: (z) => (z > 0 ? scale * z : alpha * expm1Negative(z)), slope: (z) => (z > 0 ? scale : alpha * exp(z)) };
    }
    case 'gelu':
      return {
        forward: (z) => z * normalBelow(z, bell(z)),
        slope: (z) => {
          const height = bell(z);
          return z * height * BELL_HEIGHT + normalBelow(z, height);
        },
      };
    case 'geluTanh':
      return {
        forward: (z) => 0.5 * z * (1 + geluTanh(z)),
        slope: (z) => {
          const t = geluTanh(z);
          return 0.5 * z * (1 - t * t) * ((z * z * (3 * GELU_CUBE) + 1) * GELU_FACTOR) + 0.5 * (1 + t);
        },
      };
    case 'hardSigmoid':
      return {
        forward: (z) => {
          const a = z * SIXTH + 0.5;
          return a < 0 ? 0 : a > 1 ? 1 : a;
        },
        slope: (z) => (z > -3 && z < 3 ? SIXTH : 0),
      };
    case 'softplus': {
      const beta = roundedTo(dtype, activation.beta), threshold = roundedTo(dtype, activation.threshold);
      return { forward: (z) => (beta * z > threshold ? z : softplus(beta * z) / beta), slope: (z) => (beta * z > threshold ? 1 : sigmoid(beta * z)) };
    }
    case 'softsign':
      return {
        forward: (z) => z / (1 + Math.abs(z)),
        slope: (z) => {
          const q = 1 + Math.abs(z);
          return 1 / (q * q);
        },
      };
    case 'silu':
      return {
        forward: (z) => z * sigmoid(z),
        slope: (z) => {
          const s = sigmoid(z);
          return s * (z * (1 - s) + 1);
        },
      };
    case 'mish':
      return {
        forward: (z) => z * tanh(softplus(z)),
        slope: (z) => {
          const t = tanh(softplus(z));
          return z * sigmoid(z) * (1 - t * t) + t;
        },
      };
    case 'exponential':
      return { forward: exp, slope: (_z, a) => a };
  }
}

/** z (count) -> a (count). */
export function forwardOfZ(activation: ActivationOfZ, dtype: DType, z: Float64Array, a: Float64Array, count: number): void {
  const { forward } = pairOf(activation, dtype);
  for (let i = 0; i < count; i++) a[i] = forward(z[i]);
}

/** z, a, da (count each) -> dz = da · activation'(z), in da's place. */
export function backwardOfZ(activation: ActivationOfZ, dtype: DType, z: Float64Array, a: Float64Array, da: Float64Array, count: number): void {
  const { slope } = pairOf(activation, dtype);
  for (let i = 0; i < count; i++) da[i] = da[i] * slope(z[i], a[i]);
}
