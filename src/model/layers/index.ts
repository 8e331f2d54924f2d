import { answerForAbsent } from './absent.js';
import { activation, elu, leakyReLU, prelu, thresholdedReLU } from './activation.js';
import { dense } from './dense.js';
import { dropout, gaussianNoise } from './dropout.js';
import { normalization } from './normalization.js';
import { batchNormalization, layerNormalization } from './norms.js';
import { rescaling } from './rescaling.js';
import { flatten, input, reshape } from './shape.js';

/** The layers a model is made of. */
export const layers = answerForAbsent({
  activation, batchNormalization, dense, dropout, elu, flatten, gaussianNoise, input, layerNormalization, leakyReLU, normalization, prelu, rescaling, reshape,
  thresholdedReLU,
} as const);
