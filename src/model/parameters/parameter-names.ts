import { parameterShapes, type NetworkSpec } from '../../backend/contract/spec.js';

/** Names of the parameters in canonical order. */
export function parameterNames(spec: Pick<NetworkSpec, 'inputSize' | 'layers'>): string[] {
  return parameterShapes(spec).map((shape) => `${spec.layers[shape.layer].name}.${shape.name}`);
}
