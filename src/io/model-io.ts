// Saving and loading models: what stands behind model.save and loadModel.
import { isNablaError, NablaError, showList } from '../errors.js';
import { checkObject, checkOptions } from '../model/checks.js';
import { sequentialFromRecord, type FromRecordOptions } from '../model/from-record.js';
import type { ModelRecord } from '../model/record.js';
import { Sequential } from '../model/sequential.js';
import { recorderOf, type SaveOptions } from '../model/to-record.js';
import { toPath, type PathLike } from './files.js';
import { readModelFile, readModelFileSync, writeModelFile, writeModelFileSync, type StoredModel } from './model-file.js';

/** Anything that can describe itself: a model, or what a model's toRecord gave. */
export type Savable = ModelRecord | { toRecord(options?: SaveOptions): ModelRecord };

/**
 * Writes a model file (.safetensors), in one piece: the file is the old or the new one, never a part.
 * @param model a model, or its record  @param path where to  @param options `includeOptimizer`, default false; a record has its own already
 * @throws ERR_FILE when it cannot be written; ERR_OPTION, ERR_TYPE, ERR_STATE
 * @example await saveModel(model, 'digits.safetensors'); // the same as model.save('digits.safetensors')
 */
export async function saveModel(model: Savable, path: PathLike, options: SaveOptions = {}): Promise<void> {
  const record = recorderOf(model)?.('saveModel', options);
  await writeModelFile(path, record === undefined ? toRecord('saveModel', model, options) : await record);
}

/** saveModel, blocking. */
export function saveModelSync(model: Savable, path: PathLike, options: SaveOptions = {}): void {
  writeModelFileSync(path, toRecord('saveModelSync', model, options));
}

/**
 * Reads a model file: a model with the stored weights, class names and compile arguments. The optimizer goes on where the file has its state
 * (`includeOptimizer`), else it starts anew.
 * @param path file  @param options where the model runs: `backend`, `isa`, `threads`, `plan`
 * @throws ERR_FILE when it cannot be read, ERR_FORMAT when it is damaged or something else, ERR_VERSION when a newer nabla wrote it
 * @example const model = await loadModel('digits.safetensors');
 */
export async function loadModel(path: PathLike, options: FromRecordOptions = {}): Promise<Sequential> {
  checkWhere(options);
  return build(toPath('loadModel', path), await readModelFile(path), options);
}

/** loadModel, blocking. */
export function loadModelSync(path: PathLike, options: FromRecordOptions = {}): Sequential {
  checkWhere(options);
  return build(toPath('loadModelSync', path), readModelFileSync(path), options);
}

/** Wrong options are the caller's fault, not the file's: they are found before it is read. */
function checkWhere(options: FromRecordOptions): void {
  new Sequential(options, []).dispose();
}

function toRecord(op: string, model: Savable, options: SaveOptions): ModelRecord {
  checkObject(op, 'model', model, 'a model or its record');
  if ('toRecord' in model) return model.toRecord(options);
  checkOptions(op, options, ['includeOptimizer', 'extra']);
  if (Object.keys(options).length > 0) throw new NablaError('ERR_OPTION', `[${op}] a record is written as it is. Expected no options (give them to toRecord), received ${showList(Object.keys(options))}.`);
  return model;
}

function build(name: string, stored: StoredModel, options: FromRecordOptions): Sequential {
  let model: Sequential;
  try {
    model = sequentialFromRecord(stored, options);
  } catch (error) {
    // A missing backend or too little memory is no fault of the file.
    if (isNablaError(error) && error.code !== 'ERR_BACKEND' && error.code !== 'ERR_MEMORY' && error.code !== 'ERR_VERSION') {
      throw new NablaError('ERR_FORMAT', `[loadModel] ${name} cannot be made into a model: ${error.message}`, { cause: error });
    }
    throw error;
  }
  const tensor = stored.tensors[0];
  const dtype = tensor?.data instanceof Float64Array ? 'float64' : 'float32';
  if (tensor !== undefined && dtype !== model.dtype) {
    model.dispose();
    throw new NablaError('ERR_FORMAT', `[loadModel] ${name} is a damaged model file. Expected ${model.dtype} tensors as its spec says, received ${dtype}.`);
  }
  return model;
}
