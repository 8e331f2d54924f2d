import { NablaError } from '../base/errors.js';
import type { Flow } from '../base/sync-async.js';
import { checkBoolean, checkOptions } from '../base/checks.js';
import type { ModelCore } from './model-state.js';
import { parameterNames } from './parameters/parameter-names.js';
import { checkJson, type JsonValue } from './saving/json-value.js';
import type { ModelRecord } from './saving/record.js';

/** Options of `save` and `toRecord`. */
export interface SaveOptions {
  /**
   * Also what the optimizer has learned, so that the loaded model trains on with the same bytes as if it had never stopped. Default false: such a file is up
   * to three times as long and of use only for training (Keras' include_optimizer is true).
   */
  readonly includeOptimizer?: boolean;
  /** A program's own data, kept in the file and given back as `extra` of the loaded model: values that JSON holds, at most a million characters of it. Default: the model's `extra`. */
  readonly extra?: JsonValue;
}

/** Makes a model's record beside the event loop. */
export type Recorder = (op: string, options: SaveOptions) => Promise<ModelRecord>;
const recorders = new WeakMap<object, Recorder>();

/** Tells those who write files how to copy a model's weights beside the event loop: `toRecord`, which people call, does not wait. */
export function registerRecorder(model: object, recorder: Recorder): void {
  recorders.set(model, recorder);
}

/** What was registered for a model; undefined for what is no model of ours. */
export function recorderOf(model: object): Recorder | undefined {
  return recorders.get(model);
}

/**
 * The model as it is when this starts. Its arrays are fresh where nobody waits for the event loop, else for reading only.
 * @throws ERR_OPTION, ERR_TYPE; ERR_STATE where the optimizer is wanted and cannot be written
 */
export function* recordFlow(op: string, core: ModelCore, own: Pick<ModelRecord, 'metrics' | 'extra'>, options: SaveOptions): Flow<ModelRecord> {
  checkOptions(op, options, ['includeOptimizer', 'extra']);
  const extra = options.extra === undefined ? own.extra : checkJson(op, 'extra', options.extra);
  const includeOptimizer = checkBoolean(op, 'includeOptimizer', options.includeOptimizer ?? false);
  const structure = core.build(op);
  const compile = core.compileConfig();
  const optimizerState = includeOptimizer ? core.optimizerStateOf(op) : null;
  if (optimizerState !== null && (compile === null || compile.optimizer === null)) {
    throw new NablaError('ERR_STATE', `[${op}] no file can hold a function. Expected a number or one of schedules for the learning rate, or no includeOptimizer, received a function.`);
  }
  const names = parameterNames({ inputSize: structure.inputSize, layers: structure.specLayers });
  const { seed, dtype, classNames } = core.settings;
  const figures = { ...own.metrics };
  const state = yield* core.stateFlow(op);
  const { parameters, statistics = [] } = state;
  return {
    formatVersion: 1,
    config: { layers: structure.configs, dtype, seed, compile },
    tensors: [
      ...core.shapes(structure).map((shape, i) => ({ name: names[i], shape: shape.shape, data: parameters[i] })),
      ...core.movingShapes(structure).map(({ name, size }, i) => ({ name, shape: [size], data: statistics[i] })),
    ],
    ...(classNames === undefined ? {} : { classNames }),
    ...(Object.keys(figures).length === 0 ? {} : { metrics: figures }),
    ...(extra === undefined ? {} : { extra }),
    ...(optimizerState === null ? {} : { optimizerState: optimizerState(state) }),
  };
}
