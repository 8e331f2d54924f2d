// What a model file holds, with its numbers.
import { runAsync, runSync, type Flow } from '../../src/base/sync-async.js';
import { withFile, type ByteSource } from '../../src/io/file-source.js';
import { readModel, type StoredModel } from '../../src/io/model-file.js';
import { modelFlow, type FromRecordOptions, type LazyArray } from '../../src/model/from-record.js';
import type { Sequential } from '../../src/model/sequential.js';

function sourceOf(bytes: Uint8Array): ByteSource {
  // eslint-disable-next-line require-yield -- the bytes are here
  return { size: bytes.length, *read(into, at) { into.set(bytes.subarray(at, at + into.length)); } };
}

function* everything(name: string, source: ByteSource): Flow<object> {
  const { tensors, optimizer, ...rest }: StoredModel = yield* readModel('loadModel', name, source);
  function* taken(array: LazyArray) {
    return yield* array.take('loadModel', 'a tensor', array.dtype ?? 'float32');
  }
  const list: object[] = [];
  for (const tensor of tensors) list.push({ name: tensor.name, shape: tensor.shape, data: yield* taken(tensor) });
  if (optimizer === undefined) return { ...rest, tensors: list };
  const slots: Record<string, object[]> = {};
  for (const [slot, arrays] of optimizer.slots) {
    slots[slot] = [];
    for (const array of arrays) slots[slot].push(yield* taken(array));
  }
  return { ...rest, tensors: list, optimizerState: { ...optimizer, slots } };
}

/** The model in the bytes of a file. */
export function decodeModel(bytes: Uint8Array, name = 'the bytes'): object {
  return runSync(everything(name, sourceOf(bytes)));
}

/** A model from the bytes of a file. */
export function modelOfBytes(bytes: Uint8Array, options: FromRecordOptions): Sequential {
  function* made(): Flow<Sequential> {
    return yield* modelFlow('loadModel', yield* readModel('loadModel', 'the bytes', sourceOf(bytes)), options);
  }
  return runSync(made());
}

/** The model in a file, beside the event loop. */
export async function readModelFile(path: string): Promise<object> {
  return runAsync(withFile('loadModel', path, (source) => everything(path, source)));
}

/** The same, blocking. */
export function readModelFileSync(path: string): object {
  return runSync(withFile('loadModel', path, (source) => everything(path, source)));
}
