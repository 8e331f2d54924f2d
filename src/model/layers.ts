import { activation } from './layer-activation.js';
import { dense } from './layer-dense.js';
import { dropout } from './layer-dropout.js';
import { rescaling } from './layer-rescaling.js';
import { flatten, input } from './layer-shape.js';

/** The layers a model is made of. */
export const layers = { activation, dense, dropout, flatten, input, rescaling } as const;
