import type { FloatArray } from '../../base/arrays.js';
import { checkName, checkOptions, checkReal } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';
import { didYouMean } from '../../base/nearest.js';
import { fillNormal } from '../../random/normal.js';
import { fillOrthogonal } from '../../random/orthogonal.js';
import type { RandomStream } from '../../random/stream.js';
import { fillTruncatedNormal, truncatedDeviation } from '../../random/truncated-normal.js';
import { fillUniform } from '../../random/uniform.js';

const scaledNames = ['glorotUniform', 'glorotNormal', 'heUniform', 'heNormal', 'lecunUniform', 'lecunNormal'] as const;
const plainNames = ['zeros', 'ones'] as const;
/** Initializers that a name alone describes. */
export const initializerNames = [...scaledNames, ...plainNames, 'randomNormal', 'randomUniform', 'truncatedNormal', 'orthogonal', 'identity', 'varianceScaling'] as const;
/** Name of an initializer. */
export type InitializerName = (typeof initializerNames)[number];

const fanModes = ['fanIn', 'fanOut', 'fanAvg'] as const;
/** By which size `varianceScaling` divides: inputs, units, or the mean of both. */
export type FanMode = (typeof fanModes)[number];
const distributions = ['truncatedNormal', 'normal', 'uniform'] as const;
/** What `varianceScaling` draws from. */
export type ScalingDistribution = (typeof distributions)[number];

/** An initializer as plain data. 'array': the values came from outside and are stored with the model's tensors. */
export type InitializerConfig =
  | { readonly name: (typeof scaledNames)[number] | (typeof plainNames)[number] | 'array' }
  | { readonly name: 'constant'; readonly value: number }
  | { readonly name: 'randomNormal'; readonly mean: number; readonly stddev: number }
  | { readonly name: 'randomUniform'; readonly minval: number; readonly maxval: number }
  | { readonly name: 'truncatedNormal'; readonly mean: number; readonly stddev: number }
  | { readonly name: 'orthogonal' | 'identity'; readonly gain: number }
  | { readonly name: 'varianceScaling'; readonly scale: number; readonly mode: FanMode; readonly distribution: ScalingDistribution };

/** Initial weights: a name, an object of {@link initializers}, or the numbers themselves, (out, in) row-major. */
export type InitializerOption = InitializerName | InitializerConfig | readonly number[] | readonly (readonly number[])[] | Float32Array | Float64Array;

/** How initial weights are drawn. fan_in and fan_out are a dense layer's inputs and units; normal distributions are not truncated (PyTorch) unless they say so. */
export const initializers = {
  /** Uniform in ±√(6/(fan_in+fan_out)) (X. Glorot, Y. Bengio 2010): the default of weights. */
  glorotUniform: (): InitializerConfig => ({ name: 'glorotUniform' }),
  /** Normal, variance 2/(fan_in+fan_out). */
  glorotNormal: (): InitializerConfig => ({ name: 'glorotNormal' }),
  /** Uniform in ±√(6/fan_in) (K. He et al. 2015): for relu. */
  heUniform: (): InitializerConfig => ({ name: 'heUniform' }),
  /** Normal, variance 2/fan_in. */
  heNormal: (): InitializerConfig => ({ name: 'heNormal' }),
  /** Uniform in ±√(3/fan_in). */
  lecunUniform: (): InitializerConfig => ({ name: 'lecunUniform' }),
  /** Normal, variance 1/fan_in. */
  lecunNormal: (): InitializerConfig => ({ name: 'lecunNormal' }),
  zeros: (): InitializerConfig => ({ name: 'zeros' }),
  ones: (): InitializerConfig => ({ name: 'ones' }),
  /** Every weight is `value`. @throws ERR_RANGE */
  constant(options: { readonly value: number }): InitializerConfig {
    return checkInitializerConfig('initializers.constant', { ...options, name: 'constant' });
  },
  /** Normal. `mean` default 0, `stddev` default 0.05 (Keras). @throws ERR_RANGE */
  randomNormal(options: { readonly mean?: number; readonly stddev?: number } = {}): InitializerConfig {
    return checkInitializerConfig('initializers.randomNormal', { ...options, name: 'randomNormal' });
  },
  /** Uniform in [minval, maxval), default ±0.05 (Keras). @throws ERR_RANGE */
  randomUniform(options: { readonly minval?: number; readonly maxval?: number } = {}): InitializerConfig {
    return checkInitializerConfig('initializers.randomUniform', { ...options, name: 'randomUniform' });
  },
  /** Normal, drawn again beyond two deviations (Keras). `mean` default 0, `stddev` default 0.05, before the cut: what comes out deviates 0.88 times that. @throws ERR_RANGE */
  truncatedNormal(options: { readonly mean?: number; readonly stddev?: number } = {}): InitializerConfig {
    return checkInitializerConfig('initializers.truncatedNormal', { ...options, name: 'truncatedNormal' });
  },
  /**
   * A random matrix whose rows (columns, where there are more units than inputs) are orthogonal and `gain` long, default 1 (A. Saxe et al. 2013). For
   * weights only. @throws ERR_RANGE
   */
  orthogonal(options: { readonly gain?: number } = {}): InitializerConfig {
    return checkInitializerConfig('initializers.orthogonal', { ...options, name: 'orthogonal' });
  },
  /** `gain` (default 1) where unit and input have the same number, 0 elsewhere. For weights only. @throws ERR_RANGE */
  identity(options: { readonly gain?: number } = {}): InitializerConfig {
    return checkInitializerConfig('initializers.identity', { ...options, name: 'identity' });
  },
  /**
   * Mean 0 and variance scale/n (Keras). @param options `scale` above 0, default 1; `mode` n: 'fanIn' (default), 'fanOut' or 'fanAvg'; `distribution`
   * 'truncatedNormal' (default; widened so that the variance after the cut is scale/n), 'normal' or 'uniform' @throws ERR_RANGE, ERR_OPTION
   */
  varianceScaling(options: { readonly scale?: number; readonly mode?: FanMode; readonly distribution?: ScalingDistribution } = {}): InitializerConfig {
    return checkInitializerConfig('initializers.varianceScaling', { ...options, name: 'varianceScaling' });
  },
} as const;

function member(value: object, name: string, fallback: number | string): unknown {
  const found: unknown = Reflect.get(value, name);
  return found ?? fallback;
}

/** @returns complete plain data @throws ERR_OPTION, ERR_RANGE */
export function checkInitializerConfig(op: string, value: unknown): InitializerConfig {
  const name: unknown = typeof value === 'object' && value !== null && 'name' in value ? value.name : value;
  const options = typeof value === 'object' && value !== null ? value : {};
  switch (name) {
    case 'constant':
      checkOptions(op, options, ['name', 'value']);
      return { name, value: checkReal(op, 'value', Reflect.get(options, 'value')) };
    case 'randomNormal':
    case 'truncatedNormal':
      checkOptions(op, options, ['name', 'mean', 'stddev']);
      return { name, mean: checkReal(op, 'mean', member(options, 'mean', 0)), stddev: checkReal(op, 'stddev', member(options, 'stddev', 0.05), { minimum: 0 }) };
    case 'randomUniform': {
      checkOptions(op, options, ['name', 'minval', 'maxval']);
      const minval = checkReal(op, 'minval', member(options, 'minval', -0.05));
      return { name, minval, maxval: checkReal(op, 'maxval', member(options, 'maxval', 0.05), { minimum: minval }) };
    }
    case 'orthogonal':
    case 'identity':
      checkOptions(op, options, ['name', 'gain']);
      return { name, gain: checkReal(op, 'gain', member(options, 'gain', 1)) };
    case 'varianceScaling':
      checkOptions(op, options, ['name', 'scale', 'mode', 'distribution']);
      return {
        name,
        scale: checkReal(op, 'scale', member(options, 'scale', 1), { minimum: 0, minimumOpen: true }),
        mode: checkName(op, 'mode', member(options, 'mode', 'fanIn'), fanModes),
        distribution: checkName(op, 'distribution', member(options, 'distribution', 'truncatedNormal'), distributions),
      };
    case 'array':
      return { name };
  }
  const found = [...scaledNames, ...plainNames].find((known) => known === name);
  if (found === undefined) {
    throw new NablaError(
      'ERR_OPTION',
      `[${op}] unknown initializer. Expected one of ${initializerNames.join(', ')}, initializers.constant({ value }) or an array, received ${show(name)}.${didYouMean(name, initializerNames)}`,
    );
  }
  checkOptions(op, options, ['name']);
  return { name: found };
}

/** Splits an option into plain data and the numbers, where numbers were given. */
export function checkInitializer(op: string, value: unknown): { config: InitializerConfig; values: unknown } {
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return { config: { name: 'array' }, values: value };
  return { config: checkInitializerConfig(op, value), values: null };
}

/** The same for a bias, which is no matrix. @throws ERR_OPTION for initializers of matrices */
export function checkBiasInitializer(op: string, value: unknown, name = 'biasInitializer'): { config: InitializerConfig; values: unknown } {
  const checked = checkInitializer(op, value);
  if (checked.config.name === 'orthogonal' || checked.config.name === 'identity') {
    const names = initializerNames.filter((name) => name !== 'orthogonal' && name !== 'identity');
    throw new NablaError('ERR_OPTION', `[${op}] a ${name.replace('Initializer', '')} is no matrix. Expected one of ${names.join(', ')} for ${name}, received ${show(checked.config.name)}.`);
  }
  return checked;
}

/**
 * Fills a parameter. Numbers are drawn in double and rounded to the array's type on store.
 * @param out weight (out, in) or bias (out) @param config what to fill with @param fanIn inputs @param fanOut units @param stream the parameter's own
 * @param uniformly a faster way to fillUniform from that stream
 */
export function fillInitial(
  out: FloatArray, config: InitializerConfig, fanIn: number, fanOut: number, stream: RandomStream,
  uniformly: (out: FloatArray, low: number, high: number) => void = (array, low, high) => { fillUniform(array, stream, low, high); },
): void {
  const uniform = (limit: number): void => { uniformly(out, -limit, limit); };
  const normal = (variance: number): void => fillNormal(out, stream, 0, Math.sqrt(variance));
  switch (config.name) {
    case 'glorotUniform':
      uniform(Math.sqrt(6 / (fanIn + fanOut)));
      return;
    case 'glorotNormal':
      normal(2 / (fanIn + fanOut));
      return;
    case 'heUniform':
      uniform(Math.sqrt(6 / fanIn));
      return;
    case 'heNormal':
      normal(2 / fanIn);
      return;
    case 'lecunUniform':
      uniform(Math.sqrt(3 / fanIn));
      return;
    case 'lecunNormal':
      normal(1 / fanIn);
      return;
    case 'zeros':
    case 'array':
      out.fill(0);
      return;
    case 'ones':
      out.fill(1);
      return;
    case 'constant':
      out.fill(config.value);
      return;
    case 'randomNormal':
      fillNormal(out, stream, config.mean, config.stddev);
      return;
    case 'randomUniform':
      uniformly(out, config.minval, config.maxval);
      return;
    case 'truncatedNormal':
      fillTruncatedNormal(out, stream, config.mean, config.stddev);
      return;
    case 'orthogonal':
      fillOrthogonal(out, fanOut, fanIn, stream, config.gain);
      return;
    case 'identity':
      out.fill(0);
      for (let i = 0; i < Math.min(fanIn, fanOut); i++) out[i * fanIn + i] = config.gain;
      return;
    case 'varianceScaling': {
      const variance = config.scale / { fanIn, fanOut, fanAvg: (fanIn + fanOut) / 2 }[config.mode];
      if (config.distribution === 'uniform') uniform(Math.sqrt(3 * variance));
      else if (config.distribution === 'normal') normal(variance);
      else fillTruncatedNormal(out, stream, 0, Math.sqrt(variance) / truncatedDeviation);
      return;
    }
  }
}
