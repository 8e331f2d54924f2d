// The optimizer's state in a model file: its arrays are tensors behind those of the model, the rest is metadata.
import { show } from '../errors.js';
import type { NablaError } from '../errors.js';
import type { FloatArray } from '../backend/spec.js';
import type { OptimizerState } from '../model/optimizer-state.js';
import type { TensorRecord } from '../model/record.js';

const tensorName = (slot: string, parameter: string): string => `optimizer/${slot}/${parameter}`;

/** Moving statistics are no parameters: no optimizer touches them. */
const isTrained = ({ name }: TensorRecord): boolean => !/\.moving(?:Mean|Variance)$/u.test(name);

/** The metadata. */
export function encodeOptimizer({ step, nextEpoch, learningRate, slots }: OptimizerState): string {
  return JSON.stringify({ step, nextEpoch, learningRate, slots: Object.keys(slots) });
}

/** The tensors: slot after slot. @param tensors of the model */
export function optimizerTensors(tensors: readonly TensorRecord[], { slots }: OptimizerState): TensorRecord[] {
  const parameters = tensors.filter(isTrained);
  return Object.entries(slots).flatMap(([slot, arrays]) => parameters.map(({ name, shape }, i) => ({ name: tensorName(slot, name), shape, data: arrays[i] })));
}

/**
 * Parts a file's tensors into the model's and the optimizer's. What the values mean is checked where the model takes them.
 * @param description parsed metadata @param all of the file @param damaged makes the error
 */
export function decodeOptimizer(description: unknown, all: readonly TensorRecord[], damaged: (text: string) => NablaError): { tensors: TensorRecord[]; optimizerState: OptimizerState } {
  if (typeof description !== 'object' || description === null) throw damaged(`Expected an object for optimizer, received ${show(description)}.`);
  const field = (key: string): unknown => (Object.hasOwn(description, key) ? Reflect.get(description, key) : undefined);
  const number = (key: string): number => {
    const value = field(key);
    if (typeof value !== 'number') throw damaged(`Expected a number for ${key} of optimizer, received ${show(value)}.`);
    return value;
  };
  const names = field('slots');
  if (!Array.isArray(names) || !names.every((name): name is string => typeof name === 'string') || new Set(names).size !== names.length) {
    throw damaged(`Expected a list of different names for slots of optimizer, received ${show(names)}.`);
  }
  const isOptimizers = ({ name }: TensorRecord): boolean => names.some((slot) => name.startsWith(tensorName(slot, '')));
  const tensors = all.filter((tensor) => !isOptimizers(tensor));
  const parameters = tensors.filter(isTrained);
  const byName = new Map(all.map((tensor) => [tensor.name, tensor]));
  const slots = Object.fromEntries(names.map((slot) => [slot, parameters.map((parameter): FloatArray => {
    const name = tensorName(slot, parameter.name);
    const tensor = byName.get(name);
    if (tensor === undefined) throw damaged(`Expected a tensor named ${show(name)}, received none.`);
    if (tensor.shape.join() !== parameter.shape.join()) throw damaged(`Expected shape ${parameter.shape.join(' x ')} for ${show(name)}, received ${tensor.shape.join(' x ')}.`);
    return tensor.data;
  })]));
  const learningRate = field('learningRate') === null ? null : number('learningRate');
  const strays = all.length - tensors.length - names.length * parameters.length;
  if (strays !== 0) throw damaged(`Expected one array of every slot for each parameter, received ${strays} more.`);
  return { tensors, optimizerState: { step: number('step'), nextEpoch: number('nextEpoch'), learningRate, slots } };
}
