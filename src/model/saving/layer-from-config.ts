// A layer as a record describes it.
import { checkName } from '../../base/checks.js';
import { checkActivation } from '../layers/activations.js';
import { layers } from '../layers/index.js';
import type { Layer } from '../layers/layer.js';
import { storedNormalization } from '../layers/normalization.js';
import { checkBiasConstraint, checkKernelConstraint } from '../parameters/constraints.js';
import { checkInitializerConfig, type InitializerConfig } from '../parameters/initializers.js';
import { regularizers } from '../parameters/regularizers.js';
import type { Fields } from './record-fields.js';

/** @param op named in errors @param fields of the layer @throws ERR_FORMAT, and what the layer's function refuses */
export function layerFromConfig(op: string, fields: Fields): Layer {
  const kind = checkName(op, 'layer', fields.get('kind'), ['input', 'flatten', 'reshape', 'rescaling', 'normalization', 'dense', 'activation', 'dropout', 'gaussianNoise', 'prelu', 'layerNormalization', 'batchNormalization']);
  const name = fields.text('name');
  const given = fields.get('inputShape');
  const shape = given === undefined ? {} : { inputShape: fields.numbers('inputShape') };
  switch (kind) {
    case 'input':
      return layers.input({ shape: fields.numbers('shape'), name });
    case 'flatten':
      return layers.flatten({ name, ...shape });
    case 'reshape':
      return layers.reshape({ targetShape: fields.numbers('targetShape'), name, ...shape });
    case 'rescaling':
      return layers.rescaling({ scale: fields.number('scale'), offset: fields.number('offset'), name, ...shape });
    case 'normalization':
      return storedNormalization({ mean: fields.numbers('mean'), variance: fields.numbers('variance'), name, ...shape });
    case 'activation':
      return layers.activation({ activation: checkActivation(op, fields.get('activation')), name });
    case 'dropout':
      return layers.dropout({ rate: fields.number('rate'), name });
    case 'gaussianNoise':
      return layers.gaussianNoise({ stddev: fields.number('stddev'), name, ...shape });
    case 'prelu':
      return layers.prelu({ alphaInitializer: drawable(op, fields.get('alphaInitializer')), trainable: trainableOf(fields), name, ...shape });
    case 'layerNormalization':
      return layers.layerNormalization({ ...normFields(op, fields), name, ...shape });
    case 'batchNormalization':
      return layers.batchNormalization({ ...normFields(op, fields), momentum: fields.number('momentum'), name, ...shape });
    case 'dense': {
      const l2 = fields.number('l2');
      const l1 = fields.get('l1') === undefined ? 0 : fields.number('l1');
      return layers.dense({
        name,
        units: fields.number('units'),
        activation: checkActivation(op, fields.get('activation')),
        useBias: fields.flag('useBias'),
        kernelInitializer: drawable(op, fields.get('kernelInitializer')),
        biasInitializer: drawable(op, fields.get('biasInitializer')),
        kernelRegularizer: l1 === 0 && l2 === 0 ? null : regularizers.l1l2({ l1, l2 }),
        kernelConstraint: checkKernelConstraint(op, fields.get('kernelConstraint')) ?? null,
        biasConstraint: checkBiasConstraint(op, fields.get('biasConstraint')) ?? null,
        learningRateFactor: fields.number('learningRateFactor'),
        trainable: trainableOf(fields),
        ...shape,
      });
    }
  }
}

/** Left out where it is true, and in files of before. */
function trainableOf(fields: Fields): boolean {
  return fields.get('trainable') === undefined ? true : fields.flag('trainable');
}

function normFields(op: string, fields: Fields) {
  return {
    epsilon: fields.number('epsilon'), center: fields.flag('center'), scale: fields.flag('scale'),
    betaInitializer: drawable(op, fields.get('betaInitializer')), gammaInitializer: drawable(op, fields.get('gammaInitializer')), trainable: trainableOf(fields),
  };
}

/** Given arrays are not stored twice: their values are in the tensors. */
function drawable(op: string, value: unknown): InitializerConfig {
  const config = checkInitializerConfig(op, value);
  return config.name === 'array' ? { name: 'zeros' } : config;
}
