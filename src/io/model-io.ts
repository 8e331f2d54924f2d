// Saving and loading models: what stands behind model.save and loadModel.
import { checkObject, checkOptions } from '../base/checks.js';
import { brief, isNablaError, NablaError, showList } from '../base/errors.js';
import { perform, runAsync, runSync, type Flow } from '../base/sync-async.js';
import { checkRecord, modelFlow, withoutName, type FromRecordOptions } from '../model/from-record.js';
import type { ModelRecord } from '../model/saving/record.js';
import { Sequential } from '../model/sequential.js';
import { recorderOf, type SaveOptions } from '../model/to-record.js';
import { withFile } from './file-source.js';
import { toPath, type PathLike } from './files.js';
import { readModel, writeModelFile, writeModelFileSync } from './model-file.js';

/** Anything that can describe itself: a model, or what a model's toRecord gave. */
export type Savable = ModelRecord | { toRecord(options?: SaveOptions): ModelRecord };

/** Parameters whose packing takes longer than a call. */
const worthPreparing = 1 << 20;

/**
 * Writes a model file (.safetensors), in one piece: the file is the old or the new one, never a part.
 * @param model a model, or its record  @param path where to  @param options `includeOptimizer`, default false; a record has its own already
 * @throws ERR_FILE when it cannot be written; ERR_OPTION, ERR_TYPE, ERR_STATE
 * @example await saveModel(model, 'digits.safetensors'); // the same as model.save('digits.safetensors')
 */
export async function saveModel(model: Savable, path: PathLike, options: SaveOptions = {}): Promise<void> {
  const op = 'saveModel';
  const record = typeof model === 'object' && model !== null ? recorderOf(model)?.(op, options) : undefined;
  await writeModelFile(op, path, record === undefined ? toRecord(op, model, options) : await record);
}

/** saveModel, blocking. */
export function saveModelSync(model: Savable, path: PathLike, options: SaveOptions = {}): void {
  writeModelFileSync('saveModelSync', path, toRecord('saveModelSync', model, options));
}

/**
 * Reads a model file: a model with the stored weights, class names and compile arguments. The optimizer goes on where the file has its state
 * (`includeOptimizer`), else it starts anew.
 * @param path file  @param options where the model runs: `backend`, `isa`, `threads`, `plan`
 * @throws ERR_FILE when it cannot be read, ERR_FORMAT when it is damaged or something else, ERR_VERSION when a newer nabla wrote it
 * @example const model = await loadModel('digits.safetensors');
 */
export async function loadModel(path: PathLike, options: FromRecordOptions = {}): Promise<Sequential> {
  return runAsync(loading('loadModel', path, options));
}

/** loadModel, blocking. */
export function loadModelSync(path: PathLike, options: FromRecordOptions = {}): Sequential {
  return runSync(loading('loadModelSync', path, options));
}

function* loading(op: string, path: PathLike, options: FromRecordOptions): Flow<Sequential> {
  const name = toPath(op, path);
  // Wrong options are the caller's fault, not the file's: they are found before it is read.
  checkOptions(op, options, ['backend', 'isa', 'threads', 'plan']);
  new Sequential(options, []).dispose();
  return yield* withFile(op, name, function* (source) {
    const stored = yield* readModel(op, name, source);
    try {
      const model = yield* modelFlow(op, stored, options);
      yield* prepare(model);
      return model;
    } catch (error) {
      // A missing backend, too little memory or a disk that fails is no fault of the description.
      if (!isNablaError(error) || ['ERR_BACKEND', 'ERR_MEMORY', 'ERR_VERSION', 'ERR_FILE'].includes(error.code)) throw error;
      throw new NablaError('ERR_FORMAT', `[${op}] ${brief(name)} cannot be made into a model: ${withoutName(error.message)}`, { cause: error });
    }
  });
}

/** Big weights are packed here and not in the first prediction, which somebody may wait for; without an event loop there is nothing to gain. */
function* prepare(model: Sequential): Flow<void> {
  if (model.backend !== 'native' || model.countParams() < worthPreparing) return;
  yield* perform(
    () => undefined,
    async () => {
      await model.predict([new Float32Array(model.spec.inputSize)]);
    },
  );
}

function toRecord(op: string, model: Savable, options: SaveOptions): ModelRecord {
  checkObject(op, 'model', model, 'a model or its record');
  if ('toRecord' in model) return model.toRecord(options);
  checkOptions(op, options, ['includeOptimizer', 'extra']);
  if (Object.keys(options).length > 0) throw new NablaError('ERR_OPTION', `[${op}] a record is written as it is. Expected no options (give them to toRecord), received ${showList(Object.keys(options))}.`);
  checkRecord(op, model);
  return model;
}
