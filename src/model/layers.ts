import { answerForAbsent } from './absent-layers.js';
import { activation, elu, leakyReLU, prelu, thresholdedReLU } from './layer-activation.js';
import { dense } from './layer-dense.js';
import { dropout, gaussianNoise } from './layer-dropout.js';
import { normalization } from './layer-normalization.js';
import { batchNormalization, layerNormalization } from './layer-norms.js';
import { rescaling } from './layer-rescaling.js';
import { flatten, input, reshape } from './layer-shape.js';

/** The layers a model is made of. */
export const layers = answerForAbsent({
  activation, batchNormalization, dense, dropout, elu, flatten, gaussianNoise, input, layerNormalization, leakyReLU, normalization, prelu, rescaling, reshape,
  thresholdedReLU,
} as const);
