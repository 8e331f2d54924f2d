// The description in a model file is JSON from outside: its outline is checked here, names and numbers by the layers themselves.
import { show } from '../errors.js';
import type { LayerConfig, ModelConfig } from '../model/record.js';

type Check = (value: unknown) => boolean;
interface Fields { readonly needed: Readonly<Record<string, Check>>; readonly optional?: Readonly<Record<string, Check>> }

const text: Check = (value) => typeof value === 'string';
const number: Check = (value) => typeof value === 'number';
const flag: Check = (value) => typeof value === 'boolean';
const shape: Check = (value) => Array.isArray(value) && value.every(number);
const named: Check = (value) => isObject(value) && text(Reflect.get(value, 'name'));
const inputShape = { inputShape: shape };

const layers: Readonly<Record<LayerConfig['kind'], Fields>> = {
  input: { needed: { shape } },
  flatten: { needed: {}, optional: inputShape },
  rescaling: { needed: { scale: number, offset: number }, optional: inputShape },
  dense: {
    needed: { units: number, activation: text, useBias: flag, kernelInitializer: named, biasInitializer: named, l2: number, learningRateFactor: number },
    optional: inputShape,
  },
  activation: { needed: { activation: text } },
  dropout: { needed: { rate: number }, optional: inputShape },
};
const compile: Fields = {
  needed: { optimizer: (value) => value === null || named(value), loss: named, metrics: (value) => Array.isArray(value) && value.every(text) },
};

/** What is wrong with a description, or undefined: then {@link isModelConfig} holds. */
export function configProblem(value: unknown): string | undefined {
  if (!isObject(value)) return `Expected an object for spec, received ${show(value)}`;
  const described: { readonly dtype?: unknown; readonly seed?: unknown; readonly layers?: unknown; readonly compile?: unknown } = value;
  const { dtype, seed, layers: list, compile: compiled } = described;
  if (dtype !== 'float32' && dtype !== 'float64') return `Expected 'float32' or 'float64' for spec.dtype, received ${show(dtype)}`;
  if (!number(seed)) return `Expected a number for spec.seed, received ${show(seed)}`;
  if (!isArray(list)) return `Expected an array for spec.layers, received ${show(list)}`;
  for (const [i, layer] of list.entries()) {
    const path = `spec.layers[${i}]`;
    if (!isObject(layer)) return `Expected an object for ${path}, received ${show(layer)}`;
    const kind: unknown = Reflect.get(layer, 'kind');
    if (!isKind(kind)) return `Expected one of ${Object.keys(layers).join(', ')} for ${path}.kind, received ${show(kind)}`;
    const problem = fieldProblem(path, layer, { needed: { name: text, ...layers[kind].needed }, optional: layers[kind].optional ?? {} });
    if (problem !== undefined) return problem;
  }
  if (compiled === null) return undefined;
  return isObject(compiled) ? fieldProblem('spec.compile', compiled, compile) : `Expected an object or null for spec.compile, received ${show(compiled)}`;
}

/** True where every member has the kind of value that ModelConfig says; whether a name is a known one is left to who uses it. */
export function isModelConfig(value: unknown): value is ModelConfig {
  return configProblem(value) === undefined;
}

function fieldProblem(path: string, value: object, fields: Fields): string | undefined {
  for (const [name, check] of Object.entries(fields.needed)) {
    const member: unknown = Reflect.get(value, name);
    if (!check(member)) return `Expected a fitting value for ${path}.${name}, received ${show(member)}`;
  }
  for (const [name, check] of Object.entries(fields.optional ?? {})) {
    const member: unknown = Reflect.get(value, name);
    if (member !== undefined && !check(member)) return `Expected a fitting value for ${path}.${name}, received ${show(member)}`;
  }
  return undefined;
}

function isKind(value: unknown): value is LayerConfig['kind'] {
  return typeof value === 'string' && Object.hasOwn(layers, value);
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isArray(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}
