// The optimizer's state in a model file: its arrays are tensors behind those of the model, the rest is metadata.
import { show, showList, type NablaError } from '../base/errors.js';
import type { LazyOptimizer, LazyTensor } from '../model/from-record.js';
import type { OptimizerState } from '../model/optimizers/state.js';
import type { TensorRecord } from '../model/saving/record.js';

const before = 'optimizer/';
const tensorName = (slot: string, parameter: string): string => `${before}${slot}/${parameter}`;

/** Moving statistics are no parameters: no optimizer touches them. */
const isTrained = ({ name }: Pick<TensorRecord, 'name'>): boolean => !/\.moving(?:Mean|Variance)$/u.test(name);

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
export function decodeOptimizer(description: unknown, all: readonly LazyTensor[], damaged: (text: string) => NablaError): { tensors: LazyTensor[]; optimizer: LazyOptimizer } {
  if (typeof description !== 'object' || description === null) throw damaged(`Expected an object for optimizer, received ${show(description)}.`);
  const field = (key: string): unknown => (Object.hasOwn(description, key) ? Reflect.get(description, key) : undefined);
  const number = (key: string): number => {
    const value = field(key);
    if (typeof value !== 'number') throw damaged(`Expected a number for ${key} of optimizer, received ${show(value)}.`);
    return value;
  };
  const names = field('slots');
  if (!Array.isArray(names) || !names.every((name): name is string => typeof name === 'string' && !name.includes('/')) || new Set(names).size !== names.length) {
    throw damaged(`Expected a list of different names for slots of optimizer, received ${show(names)}.`);
  }
  const known = new Set(names);
  const isOptimizers = ({ name }: LazyTensor): boolean => name.startsWith(before) && known.has(name.slice(before.length, name.indexOf('/', before.length)));
  const tensors = all.filter((tensor) => !isOptimizers(tensor));
  const parameters = tensors.filter(isTrained);
  const byName = new Map(all.map((tensor) => [tensor.name, tensor]));
  // Ends with the first array that is missing: no more pairs are tried than there are tensors.
  const slots = new Map(names.map((slot) => [slot, parameters.map((parameter): LazyTensor => {
    const name = tensorName(slot, parameter.name);
    const tensor = byName.get(name);
    if (tensor === undefined) throw damaged(`Expected a tensor named ${show(name)}, received none.`);
    if (tensor.shape.join() !== parameter.shape.join()) throw damaged(`Expected shape ${showList(parameter.shape, ' x ')} for ${show(name)}, received ${showList(tensor.shape, ' x ')}.`);
    return tensor;
  })]));
  const strays = all.length - tensors.length - names.length * parameters.length;
  if (strays !== 0) throw damaged(`Expected one array of every slot for each parameter, received ${strays} more.`);
  const learningRate = field('learningRate') === null ? null : number('learningRate');
  return { tensors, optimizer: { step: number('step'), nextEpoch: number('nextEpoch'), learningRate, slots } };
}
