// From the list of layers to what a backend can build: names, shapes, and the network's layers with activations where they belong.
import type { ActivationSpec, DenseSpec, LayerSpec } from '../../backend/contract/spec.js';
import { sizeOf } from '../../base/checks.js';
import { NablaError, show, showList } from '../../base/errors.js';
import { activationSpec, type ActivationConfig } from './activations.js';
import type { LayerConfig } from './config.js';
import type { Layer } from './layer.js';
import { reshaped } from './shape.js';

/** A layer as summary() shows it. */
export interface LayerRow {
  readonly name: string;
  readonly kind: string;
  readonly outputShape: readonly number[];
  readonly parameters: number;
}
/** A checked list of layers. */
export interface Structure {
  /** Complete, with names. */
  readonly configs: readonly LayerConfig[];
  readonly rows: readonly LayerRow[];
  /** For the backend; what ends the network still has its activation. */
  readonly specLayers: readonly LayerSpec[];
  /** What layers with parameters were made from, by their position in specLayers. */
  readonly sources: ReadonlyMap<number, Layer>;
  readonly inputShape: readonly number[];
  readonly inputSize: number;
  readonly units: number;
  readonly lastActivation: ActivationSpec['name'];
  /** Trained numbers. */
  readonly parameters: number;
  /** Of layers that are not trainable; counted in `parameters` too. */
  readonly frozen: number;
  /** Numbers of moving statistics. */
  readonly statistics: number;
}

const kindNames: Readonly<Record<LayerConfig['kind'], string>> = {
  input: 'InputLayer', flatten: 'Flatten', reshape: 'Reshape', rescaling: 'Rescaling', normalization: 'Normalization', dense: 'Dense', activation: 'Activation', dropout: 'Dropout',
  gaussianNoise: 'GaussianNoise', prelu: 'PReLU', layerNormalization: 'LayerNormalization', batchNormalization: 'BatchNormalization',
};

/** @param op named in errors @param list at least one dense layer, the first one knowing its input shape @throws ERR_OPTION, ERR_SHAPE */
export function resolveStructure(op: string, list: readonly Layer[]): Structure {
  const names = resolveNames(op, list);
  const inputShape = firstShape(op, list);
  let shape = inputShape;
  const configs: LayerConfig[] = [];
  const rows: LayerRow[] = [];
  let frozen = 0;
  const specLayers: LayerSpec[] = [];
  const sources = new Map<number, Layer>();
  let units = 0;
  let parameters = 0;
  let statistics = 0;
  list.forEach((layer, index) => {
    const name = names[index] ?? '';
    const config: LayerConfig = { ...layer.config, name };
    checkInnerShape(op, config, shape, index);
    let own = 0;
    const isKept = keepsParameters(config);
    const kept = isKept ? { trainable: false } : {};
    switch (config.kind) {
      case 'input':
        break;
      case 'flatten':
        shape = [sizeOf(shape)];
        specLayers.push({ kind: 'flatten', name });
        break;
      case 'reshape':
        shape = reshaped(op, name, config.targetShape, shape);
        specLayers.push({ kind: 'flatten', name });
        break;
      case 'rescaling':
        checkPrepares(op, config.kind, specLayers, index);
        specLayers.push({ kind: 'rescaling', name, scale: config.scale, offset: config.offset });
        break;
      case 'normalization':
        checkPrepares(op, config.kind, specLayers, index);
        specLayers.push(normalizationSpec(op, config, name, shape));
        break;
      case 'dense': {
        const inputs = rowLength(op, 'dense layers', name, shape);
        own = config.units * inputs + (config.useBias ? config.units : 0);
        const plain = { kind: 'dense', name, units: config.units, useBias: config.useBias, activation: activationSpec(config.activation) } as const;
        if (isKept) {
          specLayers.push({ ...plain, l2: 0, learningRateFactor: 0 });
        } else {
          specLayers.push({
            ...plain,
            l2: 2 * config.l2, // Keras adds l2·Σweight², the backend λ/2·Σweight².
            ...(config.l1 === undefined ? {} : { l1: config.l1 }),
            ...(config.kernelConstraint === undefined ? {} : { kernelConstraint: config.kernelConstraint }),
            ...(config.biasConstraint === undefined ? {} : { biasConstraint: config.biasConstraint }),
            learningRateFactor: config.learningRateFactor,
          });
        }
        sources.set(specLayers.length - 1, layer);
        units = config.units;
        shape = [units];
        break;
      }
      case 'activation':
        mergeActivation(op, specLayers, config.activation, name, index);
        break;
      case 'dropout':
        specLayers.push({ kind: 'dropout', name, rate: config.rate });
        break;
      case 'gaussianNoise':
        specLayers.push({ kind: 'gaussianNoise', name, deviation: config.stddev });
        break;
      case 'prelu':
        own = rowLength(op, 'prelu layers', name, shape);
        specLayers.push({ kind: 'prelu', name, ...kept });
        sources.set(specLayers.length - 1, layer);
        break;
      case 'layerNormalization':
      case 'batchNormalization': {
        const { epsilon, center, scale } = config;
        const width = rowLength(op, 'normalizations', name, shape);
        own = width * ((scale ? 1 : 0) + (center ? 1 : 0));
        const batch = config.kind === 'batchNormalization';
        specLayers.push(batch ? { kind: config.kind, name, momentum: config.momentum, epsilon, center, scale, ...kept } : { kind: config.kind, name, epsilon, center, scale, ...kept });
        sources.set(specLayers.length - 1, layer);
        if (!batch) break;
        parameters += own;
        if (isKept) frozen += own;
        statistics += 2 * width;
        configs.push(config);
        rows.push({ name, kind: kindNames[config.kind], outputShape: shape, parameters: own + 2 * width });
        return;
      }
    }
    parameters += own;
    if (isKept) frozen += own;
    configs.push(config);
    rows.push({ name, kind: kindNames[config.kind], outputShape: shape, parameters: own });
  });
  const last = specLayers.at(-1);
  if (units === 0) throw new NablaError('ERR_OPTION', `[${op}] a network has a dense layer. Expected at least one layers.dense, received none.`);
  if (last === undefined || !['dense', 'activation', 'prelu', 'layerNormalization', 'batchNormalization'].includes(last.kind)) {
    throw new NablaError('ERR_OPTION', `[${op}] a network ends with a dense layer. Expected layers.dense (an activation, prelu or normalization may be behind it) as the last one, received layers.${last?.kind ?? 'none'}.`);
  }
  const lastActivation = last.kind === 'dense' || last.kind === 'activation' ? last.activation.name : 'linear';
  if (lastActivation === 'softmax' && units === 1) {
    throw new NablaError('ERR_OPTION', `[${op}] a softmax over one unit is always 1. Expected 2 units or more, or activation 'sigmoid', received 1 unit.`);
  }
  return { configs, rows, specLayers, sources, inputShape, inputSize: sizeOf(inputShape), units, lastActivation, parameters, frozen, statistics };
}

/** Whether a layer has parameters and does not learn. */
function keepsParameters(config: LayerConfig): boolean {
  switch (config.kind) {
    case 'dense':
    case 'prelu':
    case 'layerNormalization':
    case 'batchNormalization':
      return config.trainable === false;
    default:
      return false;
  }
}

/** Numbers of a row. @throws ERR_SHAPE for samples of several dimensions */
function rowLength(op: string, what: string, name: string, shape: readonly number[]): number {
  if (shape.length === 1) return shape[0] ?? 0;
  throw new NablaError('ERR_SHAPE', `[${op}] ${what} take rows. Expected layers.flatten() before ${show(name)}, received samples of shape ${showList(shape, ' x ')}.`);
}

function resolveNames(op: string, list: readonly Layer[]): string[] {
  const counts = new Map<string, number>();
  const taken = new Set<string>();
  const claim = (name: string): string => {
    if (taken.has(name)) throw new NablaError('ERR_OPTION', `[${op}] layer names are unique. Expected another name, received ${show(name)} twice.`);
    taken.add(name);
    return name;
  };
  for (const layer of list) if (layer.config.name !== '') claim(layer.config.name);
  return list.map(({ config }) => {
    if (config.name !== '') return config.name;
    for (;;) {
      const count = counts.get(config.kind) ?? 0;
      counts.set(config.kind, count + 1);
      const name = count === 0 ? config.kind : `${config.kind}_${count}`;
      if (!taken.has(name)) return claim(name);
    }
  });
}

function givenShape(config: LayerConfig | undefined): readonly number[] | undefined {
  if (config === undefined) return undefined;
  if (config.kind === 'input') return config.shape;
  return 'inputShape' in config ? config.inputShape : undefined;
}

function firstShape(op: string, list: readonly Layer[]): readonly number[] {
  if (list.length === 0) throw new NablaError('ERR_OPTION', `[${op}] a model has layers. Expected at least one layers.dense, received none.`);
  const shape = givenShape(list[0]?.config);
  if (shape === undefined) {
    throw new NablaError('ERR_SHAPE', `[${op}] the first layer knows the shape of a sample. Expected inputShape (for example [784]) in its options, received none.`);
  }
  return shape;
}

function checkInnerShape(op: string, config: LayerConfig, shape: readonly number[], index: number): void {
  const given = givenShape(config);
  if (index === 0 || given === undefined) return;
  if (config.kind === 'input') throw new NablaError('ERR_OPTION', `[${op}] layers.input comes first. Expected it at position 0, received position ${index}.`);
  if (given.join() !== shape.join()) {
    throw new NablaError('ERR_SHAPE', `[${op}] a layer's inputShape is what the layer before gives. Expected ${showList(shape, ' x ')} for ${show(config.name)}, received ${showList(given, ' x ')}.`);
  }
}

/** Into the dense layer before it, or a layer of its own behind other trained layers and noise. */
function mergeActivation(op: string, specLayers: LayerSpec[], config: ActivationConfig, name: string, index: number): void {
  const before = specLayers.at(-1);
  const activation = activationSpec(config);
  if (before !== undefined && ['gaussianNoise', 'prelu', 'layerNormalization', 'batchNormalization'].includes(before.kind)) {
    specLayers.push({ kind: 'activation', name, activation });
    return;
  }
  if (before?.kind !== 'dense' || before.activation.name !== 'linear') {
    throw new NablaError(
      'ERR_OPTION',
      `[${op}] an activation layer follows a linear dense layer. Expected layers.dense without activation (or a normalization) before position ${index}, received ${before === undefined ? 'none' : before.kind === 'dense' ? `one with ${before.activation.name}` : `layers.${before.kind}`}.`,
    );
  }
  specLayers[specLayers.length - 1] = withActivation(before, activation);
}

/** @throws ERR_OPTION where a layer that prepares the samples comes behind one that does not */
function checkPrepares(op: string, kind: 'rescaling' | 'normalization', specLayers: readonly LayerSpec[], index: number): void {
  // What prepares and is there already has passed this check: only the last one is looked at.
  const before = specLayers.findLast((layer) => layer.kind !== 'flatten');
  if (before === undefined || before.kind === 'rescaling' || before.kind === 'normalization') return;
  throw new NablaError('ERR_OPTION', `[${op}] ${kind} prepares the input. Expected layers.${kind} before dense and dropout layers, received it at position ${index}.`);
}

function normalizationSpec(op: string, config: LayerConfig & { readonly kind: 'normalization' }, name: string, shape: readonly number[]): LayerSpec {
  const { mean, variance } = config;
  if (mean === null || variance === null) {
    throw new NablaError('ERR_STATE', `[${op}] a normalization knows its statistics when the model is built. Expected mean and variance, or the layer that its .adapt(data) returns, for ${show(name)}, received neither.`);
  }
  if (mean.length !== sizeOf(shape)) {
    throw new NablaError('ERR_SHAPE', `[${op}] each number of a sample has its mean and variance. Expected ${sizeOf(shape)} (shape ${showList(shape, ' x ')}) for ${show(name)}, received ${mean.length}.`);
  }
  return { kind: 'normalization', name, mean, variance };
}

/** A dense layer with another activation. */
export function withActivation(layer: DenseSpec, activation: ActivationSpec): DenseSpec {
  return { ...layer, activation };
}
