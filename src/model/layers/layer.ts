import type { ParameterShape } from '../../backend/contract/spec.js';
import { checkBoolean } from '../../base/checks.js';
import { NablaError, show } from '../../base/errors.js';
import type { LayerConfig } from './config.js';

/** Initial numbers of a layer as they were given; shapes are checked when the model is built and its inputs are known. */
export type InitialValues = Readonly<Partial<Record<ParameterShape['name'], unknown>>>;

/** A layer's description, made by {@link layers}. It holds no trained numbers: one object may serve several models. */
export interface Layer {
  /** `name` is empty where the model shall choose it. */
  readonly config: LayerConfig;
  readonly initial: InitialValues;
}

const noValues: InitialValues = Object.freeze({});
const made = new WeakSet<object>();

/** Makes a layer from a complete description. */
export function makeLayer(config: LayerConfig, initial: InitialValues = noValues): Layer {
  return registerLayer({ config: Object.freeze(config), initial });
}

/** Makes an object known as a layer, for layers that can do more than be described. */
export function registerLayer<Made extends Layer>(layer: Made): Readonly<Made> {
  made.add(layer);
  return Object.freeze(layer);
}

/** @throws ERR_TYPE for what no function of `layers` made */
export function checkLayer(op: string, value: unknown): Layer {
  if (isLayer(value)) return value;
  throw new NablaError('ERR_TYPE', `[${op}] a model is made of layers. Expected layers.dense({ ... }) or another layer, received ${show(value)}.`);
}
function isLayer(value: unknown): value is Layer {
  return typeof value === 'object' && value !== null && made.has(value);
}

/** What a layer's configuration says of `trainable`: nothing where it is true. @throws ERR_TYPE */
export function trainableConfig(op: string, trainable: unknown): { readonly trainable?: false } {
  return checkBoolean(op, 'trainable', trainable ?? true) ? {} : { trainable: false };
}

/** @returns the name, or '' for an automatic one @throws ERR_TYPE */
export function checkLayerName(op: string, name: unknown): string {
  if (name === undefined) return '';
  if (typeof name === 'string' && name !== '') return name;
  throw new NablaError('ERR_TYPE', `[${op}] a name is a string. Expected a non-empty string for name, received ${show(name)}.`);
}
