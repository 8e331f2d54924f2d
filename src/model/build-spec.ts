// Turns layers and the arguments of compile into a NetworkSpec.
import type { LayerSpec, LossSpec, NetworkSpec, OptimizerSpec } from '../backend/contract/spec.js';
import type { DType } from '../base/arrays.js';
import { NablaError } from '../base/errors.js';
import { withActivation, type Structure } from './layers/structure.js';
import { isElementwise, type Loss, type LossConfig } from './losses/index.js';
import { stepBytes } from './memory.js';

/** What a spec is built from. */
export interface SpecSource {
  readonly structure: Structure;
  /** null: not compiled, the network only predicts. */
  readonly loss: Loss | null;
  readonly optimizer: OptimizerSpec | null;
  readonly dtype: DType;
  readonly seed: number;
}

/**
 * A softmax or sigmoid last layer with its cross-entropy becomes a linear layer, a head and a fused loss; so does a linear last layer with
 * fromLogits. @throws ERR_OPTION for a last layer and a loss that do not go together, ERR_MEMORY
 */
export function buildSpec(op: string, { structure, loss, optimizer, dtype, seed }: SpecSource): NetworkSpec {
  stepBytes(op, structure, optimizer, dtype);
  const head = loss === null ? uncompiledHead(structure) : headFor(op, loss, structure);
  const layers = head === 'none' ? structure.specLayers : withoutLastActivation(structure.specLayers);
  return { inputSize: structure.inputSize, layers, head, loss: loss === null || loss.name === 'custom' ? null : lossSpec(loss), optimizer, dtype, seed };
}

/** The head takes the last activation's place. */
function withoutLastActivation(layers: readonly LayerSpec[]): LayerSpec[] {
  const before = layers.slice(0, -1);
  const last = layers.at(-1);
  if (last === undefined || last.kind === 'activation') return before;
  return [...before, last.kind === 'dense' ? withActivation(last, { name: 'linear' }) : last];
}

function uncompiledHead({ lastActivation }: Structure): NetworkSpec['head'] {
  return lastActivation === 'softmax' || lastActivation === 'sigmoid' ? lastActivation : 'none';
}

function headFor(op: string, loss: Loss, { lastActivation, units }: Structure): NetworkSpec['head'] {
  if (isElementwise(loss)) return 'none';
  const head = loss.name === 'binaryCrossentropy' ? 'sigmoid' : 'softmax';
  const shown = `received ${lastActivation}${loss.fromLogits ? ' with fromLogits' : ''} and ${loss.name}`;
  if (loss.fromLogits) {
    if (lastActivation !== 'linear') {
      throw new NablaError('ERR_OPTION', `[${op}] fromLogits means that the last layer gives logits. Expected a linear last layer, or no fromLogits behind ${head}, ${shown}.`);
    }
  } else if (lastActivation !== head) {
    throw new NablaError('ERR_OPTION', `[${op}] this loss needs its activation in the last layer. Expected activation '${head}' there${otherWay(loss.name, lastActivation)}, ${shown}.`);
  }
  if (head === 'softmax' && units === 1) {
    throw new NablaError('ERR_OPTION', `[${op}] a softmax over one unit is always 1. Expected 2 units or more, or 'sigmoid' with binaryCrossentropy, received 1 unit.`);
  }
  checkLength(op, 'classWeights', loss.name === 'binaryCrossentropy' ? null : loss.classWeights, units);
  checkLength(op, 'positiveWeights', loss.name === 'binaryCrossentropy' ? loss.positiveWeights : null, units);
  return head;
}

function otherWay(loss: LossConfig['name'], activation: string): string {
  if (activation === 'linear') return ' or fromLogits: true';
  if (loss === 'binaryCrossentropy' && activation === 'softmax') return " or loss 'sparseCategoricalCrossentropy'";
  if (loss !== 'binaryCrossentropy' && activation === 'sigmoid') return " or loss 'binaryCrossentropy'";
  return '';
}

function checkLength(op: string, name: string, list: readonly number[] | null, units: number): void {
  if (list !== null && list.length !== units) {
    throw new NablaError('ERR_SHAPE', `[${op}] ${name} has one number an output. Expected ${units} for ${name}, received ${list.length}.`);
  }
}

function lossSpec(loss: LossConfig): LossSpec {
  if (isElementwise(loss)) return loss;
  switch (loss.name) {
    case 'sparseCategoricalCrossentropy':
    case 'categoricalCrossentropy':
      return { name: 'softmaxCrossEntropy', reduction: loss.reduction, labelSmoothing: loss.labelSmoothing, classWeights: loss.classWeights };
    case 'binaryCrossentropy':
      return { name: 'sigmoidCrossEntropy', reduction: loss.reduction, positiveWeights: loss.positiveWeights, labelSmoothing: loss.labelSmoothing };
  }
}
