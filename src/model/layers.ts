import { activation, elu, leakyReLU, thresholdedReLU } from './layer-activation.js';
import { dense } from './layer-dense.js';
import { dropout } from './layer-dropout.js';
import { normalization } from './layer-normalization.js';
import { rescaling } from './layer-rescaling.js';
import { flatten, input, reshape } from './layer-shape.js';

/** The layers a model is made of. */
export const layers = { activation, dense, dropout, elu, flatten, input, leakyReLU, normalization, rescaling, reshape, thresholdedReLU } as const;
