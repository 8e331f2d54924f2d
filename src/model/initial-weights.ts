import { parameterShapes, type DType, type FloatArray } from '../backend/spec.js';
import { NablaError, show } from '../errors.js';
import { purposes } from '../random/purposes.js';
import { RandomStream } from '../random/stream.js';
import { fillInitial } from './initializers.js';
import { toMatrix } from './samples.js';
import type { Structure } from './structure.js';

/** A fresh array of the network's type. @throws ERR_MEMORY */
export function floatArray(dtype: DType, length: number): FloatArray {
  try {
    return dtype === 'float32' ? new Float32Array(length) : new Float64Array(length);
  } catch (error) {
    throw new NablaError('ERR_MEMORY', `[sequential] the network fits into memory. Expected room for an array of ${length} numbers, received none.`, { cause: error });
  }
}

/** Numbers given for a parameter, rounded to the network's type. @returns a fresh array @throws ERR_SHAPE, ERR_TYPE, ERR_NON_FINITE */
export function toParameter(op: string, name: string, value: unknown, shape: readonly number[], dtype: DType): FloatArray {
  const features = shape.at(-1) ?? 1;
  const matrix = toMatrix(value, { op, name, features, shape: [features], dtype });
  const rows = shape.length === 1 ? 1 : (shape[0] ?? 1);
  if (matrix.rows !== rows) {
    throw new NablaError('ERR_SHAPE', `[${op}] a parameter has its shape, (out, in). Expected ${shape.join(' x ')} for ${name}, received ${matrix.rows} x ${features}.`);
  }
  if (Array.isArray(value) && shape.length === 2 && Array.isArray(value[0]) && value.length !== rows) {
    throw new NablaError('ERR_SHAPE', `[${op}] a parameter has its shape, (out, in). Expected ${shape.join(' x ')} for ${name}, received ${show(value)}.`);
  }
  return dtype === 'float32' ? Float32Array.from(matrix.values) : Float64Array.from(matrix.values);
}

/** Initial parameters in canonical order: given arrays where there are some, else drawn from the seed, each from its own stream. */
export function initialWeights(op: string, structure: Structure, dtype: DType, seed: number): FloatArray[] {
  const shapes = parameterShapes({ inputSize: structure.inputSize, layers: structure.specLayers });
  let denseIndex = -1;
  return shapes.map((parameter, index) => {
    if (parameter.name === 'weight') denseIndex += 1;
    const layer = structure.denseLayers[denseIndex];
    if (layer?.config.kind !== 'dense') throw new NablaError('ERR_INTERNAL', '[sequential] parameters belong to dense layers. Expected one, received none.');
    const given = layer.initial[parameter.name];
    const label = `${structure.specLayers[parameter.layer]?.name ?? ''}.${parameter.name}`;
    if (given !== null && given !== undefined) return toParameter(op, label, given, parameter.shape, dtype);
    const out = floatArray(dtype, parameter.size);
    const [fanOut = 1, fanIn = fanOut] = parameter.shape;
    const config = parameter.name === 'weight' ? layer.config.kernelInitializer : layer.config.biasInitializer;
    fillInitial(out, config, fanIn, fanOut, new RandomStream(seed, purposes.initialWeights, index));
    return out;
  });
}
