// The layers of a built model, as people ask for them, and models of some of them.
import type { ExecutorState } from '../backend/contract/executor.js';
import type { FloatArray, ArrayInput } from '../base/arrays.js';
import { checkInteger } from '../base/checks.js';
import { NablaError, show } from '../base/errors.js';
import { didYouMean } from '../base/nearest.js';
import type { LayerConfig } from './layers/config.js';
import { makeLayer, type Layer } from './layers/layer.js';
import { resolveStructure, type Structure } from './layers/structure.js';
import type { ModelCore } from './model-state.js';

/** One layer of a model: what it is, and its numbers. Given by `model.layers` and `model.getLayer`. */
export interface ModelLayer {
  /** Position in the model, from 0. */
  readonly index: number;
  /** As given, or dense, dense_1, … */
  readonly name: string;
  /** Everything but its numbers. */
  readonly config: LayerConfig;
  /** Shape of what it gives for one sample. */
  readonly outputShape: readonly number[];
  /** Number of its numbers: parameters and moving statistics. */
  countParams(): number;
  /** Fresh arrays: its parameters (weight (out, in), bias, …), then its moving statistics; none where it learns nothing. @throws ERR_BUSY, ERR_STATE */
  getWeights(): FloatArray[];
  /** Takes arrays in the order of getWeights; all are checked before any is taken. @throws ERR_SHAPE, ERR_TYPE, ERR_NON_FINITE, ERR_BUSY, ERR_STATE */
  setWeights(weights: readonly ArrayInput[]): void;
}

class BuiltLayer implements ModelLayer {
  readonly index: number;
  readonly name: string;
  readonly config: LayerConfig;
  readonly outputShape: readonly number[];
  readonly #core: ModelCore;

  constructor(core: ModelCore, { configs, rows }: Structure, index: number) {
    this.#core = core;
    this.index = index;
    this.name = configs[index].name;
    this.config = configs[index];
    this.outputShape = rows[index].outputShape;
  }

  countParams(): number {
    return this.#core.build('countParams').rows[this.index].parameters;
  }

  getWeights(): FloatArray[] {
    this.#core.checkNotStepping('getWeights');
    const all = allWeights(this.#core.takeState('getWeights'));
    return ownPositions(this.#core, this.name).map((position) => all[position]);
  }

  setWeights(weights: readonly ArrayInput[]): void {
    const op = 'setWeights';
    this.#core.checkNotStepping(op);
    const positions = ownPositions(this.#core, this.name);
    const given: unknown = weights;
    if (!Array.isArray(given) || given.length !== positions.length) {
      throw new NablaError('ERR_SHAPE', `[${op}] there is one array a parameter. Expected ${positions.length} arrays for weights of ${show(this.name)}, received ${show(given)}.`);
    }
    const list: readonly unknown[] = given;
    const all: unknown[] = allWeights(this.#core.takeState(op));
    positions.forEach((position, i) => (all[position] = list[i]));
    this.#core.setWeights(op, all);
  }
}

const allWeights = ({ parameters, statistics = [] }: ExecutorState): FloatArray[] => [...parameters, ...statistics];

/** Where a layer's arrays are among those of getWeights. */
function ownPositions(core: ModelCore, name: string): number[] {
  const structure = core.build('getLayer');
  const own = structure.specLayers.findIndex((layer) => layer.name === name);
  return [...core.shapes(structure), ...core.movingShapes(structure)].flatMap(({ layer }, position) => (layer === own ? [position] : []));
}

/** Every layer of a model; none where it has none yet. */
export function modelLayers(op: string, core: ModelCore): readonly ModelLayer[] {
  core.checkAlive(op);
  if (core.layers.length === 0) return [];
  const structure = core.build(op);
  return structure.configs.map((_, index) => new BuiltLayer(core, structure, index));
}

/** @param which a name, or a position; -1 is the last one @throws ERR_OPTION for a name that no layer has, ERR_RANGE, ERR_TYPE */
export function findLayer(op: string, core: ModelCore, which: unknown): ModelLayer {
  const layers = modelLayers(op, core);
  if (typeof which === 'string') {
    const found = layers.find(({ name }) => name === which);
    if (found !== undefined) return found;
    const names = layers.map(({ name }) => name);
    const listed = `${names.slice(0, 12).map(show).join(', ')}${names.length > 12 ? ', …' : ''}`;
    throw new NablaError('ERR_OPTION', `[${op}] no layer has this name. Expected one of ${listed}, received ${show(which)}.${didYouMean(which, names)}`);
  }
  const position = checkInteger(op, 'nameOrIndex', which, -layers.length, layers.length - 1);
  return layers[position < 0 ? position + layers.length : position];
}

/** The layers from..to-1 with copies of their numbers, ready to make a model of. @throws ERR_RANGE, ERR_TYPE; ERR_OPTION, ERR_SHAPE for layers that are no model */
export function sliceOf(op: string, core: ModelCore, from: unknown, to: unknown): { layers: Layer[]; state: ExecutorState } {
  const { configs, rows } = core.build(op);
  const first = checkInteger(op, 'from', from, 0, configs.length - 1);
  const end = checkInteger(op, 'to', to, first + 1, configs.length);
  const layers = configs.slice(first, end).map((config, i) => makeLayer(config, core.layers[first + i].initial));
  if (first > 0) layers.unshift(makeLayer({ kind: 'input', name: freeName(configs), shape: rows[first - 1].outputShape }));
  resolveStructure(op, layers); // With this function's name in errors.
  const { parameters, statistics = [] } = core.takeState(op);
  const positions = new Set(configs.slice(first, end).flatMap(({ name }) => ownPositions(core, name)));
  return {
    layers,
    state: {
      parameters: parameters.filter((_, position) => positions.has(position)),
      slots: {},
      step: 0,
      statistics: statistics.filter((_, i) => positions.has(parameters.length + i)),
    },
  };
}

/** A name for the layer that tells a part's input shape. */
function freeName(configs: readonly LayerConfig[]): string {
  const taken = new Set(configs.map(({ name }) => name));
  let name = 'input';
  for (let i = 1; taken.has(name); i++) name = `input_${i}`;
  return name;
}
