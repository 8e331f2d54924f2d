import type { Executor } from '../backend/contract/executor.js';
import type { FloatArray } from '../base/arrays.js';
import { NablaError } from '../base/errors.js';
import { inspectAs } from '../base/inspected.js';
import type { Structure } from './layers/structure.js';
import { predict, predictSync, type PredictOptions, type PredictSource, type SampleInput } from './predict.js';
import type { Prediction } from './prediction.js';
import { structureLine } from './summary.js';

/** A model that only predicts: weights that never change, no optimizer state. Made by `model.freeze()`. */
export class FrozenModel {
  readonly #structure: Structure;
  #executor: Executor | null;
  static {
    inspectAs(this, 'FrozenModel', (model) => (model.#executor === null ? 'disposed' : `${structureLine(model.#structure, model.#executor.spec.dtype)}, ${model.#executor.backend}`));
  }

  /** @param structure of the model @param executor with its weights set; belongs to this object from now on */
  constructor(structure: Structure, executor: Executor) {
    this.#structure = structure;
    this.#executor = executor;
  }

  /** Which backend predicts. */
  get backend(): 'native' | 'typescript' {
    return this.#source('backend', 'outputs').executor.backend;
  }

  /** Probabilities or values. @param x samples @param options see {@link PredictOptions} @throws ERR_TYPE, ERR_SHAPE, ERR_NON_FINITE, ERR_STATE, ERR_ABORTED */
  async predict(x: SampleInput, options?: PredictOptions): Promise<Prediction> {
    return predict(this.#source('predict', 'outputs'), x, options);
  }

  /** The same, without waiting. */
  predictSync(x: SampleInput, options?: PredictOptions): Prediction {
    return predictSync(this.#source('predictSync', 'outputs'), x, options);
  }

  /** Outputs before the softmax or sigmoid. */
  async predictLogits(x: SampleInput, options?: PredictOptions): Promise<Prediction> {
    return predict(this.#source('predictLogits', 'logits'), x, options);
  }

  /** The same, without waiting. */
  predictLogitsSync(x: SampleInput, options?: PredictOptions): Prediction {
    return predictSync(this.#source('predictLogitsSync', 'logits'), x, options);
  }

  /** Fresh arrays in the order of the model's getWeights. */
  getWeights(): FloatArray[] {
    const { parameters, statistics = [] } = this.#source('getWeights', 'outputs').executor.getState();
    return [...parameters, ...statistics];
  }

  /** Number of weights and biases. */
  countParams(): number {
    return this.#structure.parameters;
  }

  /** Frees the memory now instead of when the object is collected. */
  dispose(): void {
    this.#executor?.dispose();
    this.#executor = null;
  }

  #source(op: string, output: PredictSource['output']): PredictSource {
    if (this.#executor === null) throw new NablaError('ERR_STATE', `[${op}] the model was disposed of. Expected a live model, received a disposed one.`);
    return { op, structure: this.#structure, executor: this.#executor, output, weights: 'current' };
  }
}
