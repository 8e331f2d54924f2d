// Layers of other libraries that nabla does not have: their names answer what to do instead.
import { NablaError } from '../../base/errors.js';

interface Absent {
  readonly names: readonly string[];
  /** `nabla has no …` */
  readonly what: string;
  readonly instead: string;
}

const ABSENT: readonly Absent[] = [
  {
    names: [
      'conv1d', 'conv2d', 'conv3d', 'conv2dTranspose', 'separableConv2d', 'depthwiseConv2d', 'maxPooling1d', 'maxPooling2d', 'averagePooling1d', 'averagePooling2d',
      'globalMaxPooling2d', 'globalAveragePooling1d', 'globalAveragePooling2d', 'upSampling2d', 'zeroPadding2d', 'cropping2d',
    ],
    what: 'convolutions and no pooling',
    instead: 'layers.flatten() and layers.dense({ units }) for small images, or a library with convolutions',
  },
  {
    names: ['lstm', 'gru', 'rnn', 'simpleRNN', 'convLstm2d', 'bidirectional', 'timeDistributed', 'repeatVector', 'masking', 'attention', 'multiHeadAttention'],
    what: 'recurrent layers and no attention',
    instead: 'a window of fixed length as one row (the last steps side by side) and layers.dense({ units })',
  },
  {
    names: ['embedding'],
    what: 'embeddings',
    instead: 'one-hot rows and layers.dense({ units, useBias: false }), which learns the same table, or vectors looked up before',
  },
  {
    names: ['add', 'average', 'concatenate', 'dot', 'functional', 'maximum', 'minimum', 'model', 'multiply', 'subtract'],
    what: 'branches, a model is one chain of layers',
    instead: 'all inputs side by side in one row, and sequential([...])',
  },
  {
    names: ['lambda', 'permute', 'categoryEncoding', 'stringLookup', 'discretization', 'randomFlip', 'randomRotation', 'randomZoom', 'resizing', 'centerCrop'],
    what: 'layers that call a function or rearrange samples',
    instead: 'samples that were changed before they are given to the model',
  },
  { names: ['alphaDropout', 'gaussianDropout', 'spatialDropout1d', 'spatialDropout2d'], what: 'dropout of this kind', instead: 'layers.dropout({ rate }) or layers.gaussianNoise({ stddev })' },
  { names: ['relu', 'sigmoid', 'softmax', 'tanh'], what: 'layer of its own for this activation', instead: "activation in layers.dense({ ... }), or layers.activation('relu')" },
];

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1);
/** conv2d, Conv2d and Conv2D. */
const spellings = (name: string): string[] => [...new Set([name, capital(name), capital(name).replace(/d$/, 'D').replace(/^(Lstm|Gru|Rnn)$/, (word) => word.toUpperCase())])];

/**
 * Adds functions that throw, one for each spelling of a layer that is not there and for capital letters of those that are. They are not enumerable
 * and not in the type: TypeScript refuses the names, JavaScript gets an answer better than 'is not a function'.
 * @param own what there is, by name @returns the same object
 */
export function answerForAbsent<Own extends object>(own: Own): Own {
  const define = (spelling: string, message: string): void => {
    if (Object.hasOwn(own, spelling)) return;
    const value = (): never => {
      throw new NablaError('ERR_OPTION', message);
    };
    Object.defineProperty(own, spelling, { value });
  };
  for (const { names, what, instead } of ABSENT) {
    for (const spelling of names.flatMap(spellings)) define(spelling, `[layers.${spelling}] nabla has no ${what}. Expected ${instead}, received layers.${spelling}.`);
  }
  for (const name of Object.keys(own)) define(capital(name), `[layers.${capital(name)}] layers are functions that begin with a small letter. Expected layers.${name}({ ... }), received layers.${capital(name)}.`);
  return own;
}
