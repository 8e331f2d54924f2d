import { parameterShapes, statisticShapes, type NetworkSpec, type ParameterShape } from '../backend/contract/spec.js';
import { findBackend } from '../backend/registry.js';
import type { DType, FloatArray } from '../base/arrays.js';
import { checkNumbers } from '../base/checks.js';
import { NablaError } from '../base/errors.js';
import { purposes } from '../random/purposes.js';
import { RandomStream } from '../random/stream.js';
import type { LayerConfig } from './layers/config.js';
import type { Structure } from './layers/structure.js';
import { fillInitial, type InitializerConfig } from './parameters/initializers.js';
import { floatArray, toParameter } from './parameters/parameter-arrays.js';

/** Parameters with fewer numbers are drawn here: a call would cost more. */
const WORTH_A_CALL = 4096;

/** Initial parameters in canonical order: given arrays where there are some, else drawn from the seed, each from its own stream. @param backend draws large ones, the same numbers */
export function initialWeights(op: string, structure: Structure, dtype: DType, seed: number, backend: 'native' | 'typescript'): FloatArray[] {
  const native = backend === 'native' ? findBackend('native') : undefined;
  const { initialWeights: purpose } = purposes;
  const shapes = parameterShapes({ inputSize: structure.inputSize, layers: structure.specLayers });
  return shapes.map((parameter, index) => {
    const layer = structure.sources.get(parameter.layer);
    if (layer === undefined) throw new NablaError('ERR_INTERNAL', '[sequential] parameters belong to layers. Expected one, received none.');
    const given = layer.initial[parameter.name];
    const label = `${structure.specLayers[parameter.layer]?.name ?? ''}.${parameter.name}`;
    if (given !== null && given !== undefined) return toParameter(op, label, given, parameter.shape, dtype);
    const out = floatArray(dtype, parameter.size);
    const [fanOut = 1, fanIn = fanOut] = parameter.shape;
    const uniformly = native === undefined || parameter.size < WORTH_A_CALL ? undefined : (array: FloatArray, low: number, high: number): void => { native.fillUniform(array, seed, purpose, index, low, high); };
    fillInitial(out, initializerOf(layer.config, parameter.name), fanIn, fanOut, new RandomStream(seed, purpose, index), uniformly);
    return out;
  });
}

function initializerOf(config: LayerConfig, name: ParameterShape['name']): InitializerConfig {
  if (config.kind === 'dense') return name === 'weight' ? config.kernelInitializer : config.biasInitializer;
  if (config.kind === 'prelu') return config.alphaInitializer;
  if (config.kind === 'layerNormalization' || config.kind === 'batchNormalization') return name === 'gamma' ? config.gammaInitializer : config.betaInitializer;
  throw new NablaError('ERR_INTERNAL', `[sequential] layers with parameters have initializers. Expected one for ${name}, received layers.${config.kind}.`);
}

/** Moving statistics before the first update: means 0, variances 1. */
export function initialStatistics(structure: Structure, dtype: DType): FloatArray[] {
  return statisticShapes({ inputSize: structure.inputSize, layers: structure.specLayers }).map(({ name, size }) => floatArray(dtype, size).fill(name === 'movingVariance' ? 1 : 0));
}

/** Names of the moving statistics in their order, LAYER.movingMean and LAYER.movingVariance. */
export function statisticNames(spec: Pick<NetworkSpec, 'inputSize' | 'layers'>): string[] {
  return statisticShapes(spec).map((shape) => `${spec.layers[shape.layer]?.name ?? ''}.${shape.name}`);
}

/** Numbers given for a moving statistic. @returns a fresh array @throws ERR_SHAPE, ERR_TYPE, ERR_NON_FINITE, ERR_RANGE for a variance below 0 */
export function toStatistic(op: string, name: string, value: unknown, size: number, dtype: DType): FloatArray {
  const values = toParameter(op, name, value, [size], dtype);
  if (name.endsWith('.movingVariance')) checkNumbers(op, name, values, { minimum: 0 });
  return values;
}
