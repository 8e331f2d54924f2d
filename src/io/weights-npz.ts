// Weights to NumPy and back: W1, b1, W2, b2, … in float64.
import type { FloatArray } from '../base/arrays.js';
import { checkName, checkObject, checkOptions } from '../base/checks.js';
import { brief, NablaError, show, showList } from '../base/errors.js';
import { toPath, type PathLike } from './files.js';
import type { NpyArray, NpyInput } from './npy.js';
import { loadNpz, writeArrays } from './npz.js';

/** A model, or anything that holds weights like one. */
export interface WeightHolder {
  parameterNames(): string[];
  parameterShapes(): (readonly number[])[];
  getWeights(): FloatArray[];
  setWeights(weights: readonly FloatArray[]): void;
}
/** 'out-in': W is (outputs, inputs), for samples in columns (W @ X + b) and PyTorch; 'in-out': W is (inputs, outputs), for samples in rows (X @ W + b) and Keras. */
export type WeightLayout = 'out-in' | 'in-out';

const holderMethods = ['parameterNames', 'parameterShapes', 'getWeights', 'setWeights'] as const;

export interface ExportNpzOptions {
  /** Default 'out-in'. */
  readonly layout?: WeightLayout;
  /** Shape of the biases: 'vector' (n,) or 'column' (n, 1), for W @ X + b. Default 'vector'. */
  readonly biases?: 'vector' | 'column';
}
export interface ImportNpzOptions {
  /** Default 'out-in'. */
  readonly layout?: WeightLayout;
}

/**
 * Writes a model's weights as NumPy arrays: W1, b1 of the first dense layer, W2, b2 of the second, …, float64.
 * @throws ERR_FILE, ERR_OPTION
 * @example await exportNpz(model, 'weights.npz', { biases: 'column' }); // then np.load('weights.npz')['W1'] @ X + np.load('weights.npz')['b1']
 */
export async function exportNpz(model: WeightHolder, path: PathLike, options: ExportNpzOptions = {}): Promise<void> {
  const op = 'exportNpz';
  checkOptions(op, options, ['layout', 'biases']);
  const layout = checkName(op, 'layout', options.layout ?? 'out-in', ['out-in', 'in-out']);
  const biases = checkName(op, 'form of the biases', options.biases ?? 'vector', ['vector', 'column']);
  checkDense(op, model);
  const shapes = model.parameterShapes();
  const weights = model.getWeights();
  const arrays = new Map<string, NpyInput>();
  letters(model).forEach((name, i) => {
    const shape = shapes[i] ?? [];
    const data = Float64Array.from(weights[i] ?? []);
    const [rows = 0, columns = 1] = shape;
    if (shape.length === 1) arrays.set(name, { shape: biases === 'column' ? [rows, 1] : [rows], data });
    else arrays.set(name, layout === 'out-in' ? { shape, data } : { shape: [columns, rows], data: transpose(data, rows, columns) });
  });
  await writeArrays(op, path, arrays, {});
}

/**
 * Gives a model the weights of a .npz file: W1, b1, … as exportNpz writes them, in any real type. A bias may be (n,), (n, 1) or (1, n).
 * Everything is checked before a weight changes.
 * @throws ERR_FILE, ERR_FORMAT when arrays are missing, too many, or of another shape; what setWeights throws
 * @example await importNpz(model, 'weights.npz', { layout: 'in-out' });
 */
export async function importNpz(model: WeightHolder, path: PathLike, options: ImportNpzOptions = {}): Promise<void> {
  const op = 'importNpz';
  checkOptions(op, options, ['layout']);
  const layout = checkName(op, 'layout', options.layout ?? 'out-in', ['out-in', 'in-out']);
  checkDense(op, model);
  const file = brief(toPath(op, path));
  const arrays = await loadNpz(op, path, {});
  const names = letters(model);
  const known = new Set(names);
  const unknown = [...arrays.keys()].filter((name) => !known.has(name));
  const missing = names.filter((name) => !arrays.has(name));
  if (unknown.length > 0 || missing.length > 0) {
    throw new NablaError('ERR_FORMAT', `[${op}] ${file} does not hold this model's weights. Expected ${showList(names)}, received ${showList([...arrays.keys()])}.`);
  }
  const shapes = model.parameterShapes();
  model.setWeights(names.map((name, i) => fitted(op, `${name} of ${file}`, arrays.get(name), shapes[i] ?? [], layout)));
}

function fitted(op: string, name: string, array: NpyArray | undefined, shape: readonly number[], layout: WeightLayout): Float64Array {
  if (array === undefined || array.data instanceof BigInt64Array || array.data instanceof BigUint64Array || array.dtype === 'bool') {
    throw new NablaError('ERR_FORMAT', `[${op}] a weight is a real number. Expected float64 or float32 for ${name}, received ${array?.dtype ?? 'nothing'}.`);
  }
  const data = Float64Array.from(array.data);
  const [rows = 0, columns = 1] = shape;
  const wanted = shape.length === 1 ? [`${rows}`, `${rows},1`, `1,${rows}`] : layout === 'out-in' ? [`${rows},${columns}`] : [`${columns},${rows}`];
  const received = array.shape.join();
  if (!wanted.includes(received)) {
    const turned = shape.length === 2 && received === (layout === 'out-in' ? `${columns},${rows}` : `${rows},${columns}`);
    throw new NablaError('ERR_FORMAT', `[${op}] a weight has its layer's shape. Expected (${(wanted[0] ?? '').replace(',', ', ')}) for ${name}, received (${showList(array.shape)})${turned ? `: pass layout: ${show(layout === 'out-in' ? 'in-out' : 'out-in')}` : ''}.`);
  }
  return shape.length === 2 && layout === 'in-out' ? transpose(data, columns, rows) : data;
}

function checkDense(op: string, model: WeightHolder): void {
  checkObject(op, 'model', model, holderMethods.join(', '));
  for (const method of holderMethods) {
    const found: unknown = Reflect.get(model, method);
    if (typeof found !== 'function') throw new NablaError('ERR_TYPE', `[${op}] a model holds weights. Expected a method ${method} of model, received ${show(found)}.`);
  }
  const other = model.parameterNames().find((name) => !/\.(weight|bias)$/.test(name));
  if (other !== undefined) throw new NablaError('ERR_OPTION', `[${op}] W1, b1, … are what dense layers have. Expected a model of dense layers (saveModel takes all), received one with ${show(other)}.`);
}

/** W1, b1, … for the model's parameters in canonical order. */
function letters(model: WeightHolder): string[] {
  let layer = 0;
  return model.parameterNames().map((name) => {
    if (name.endsWith('.weight')) layer += 1;
    return `${name.endsWith('.weight') ? 'W' : 'b'}${layer}`;
  });
}

/** (rows, columns) -> (columns, rows) */
function transpose(data: Float64Array, rows: number, columns: number): Float64Array {
  const out = new Float64Array(data.length);
  for (let r = 0; r < rows; r++) for (let c = 0; c < columns; c++) out[c * rows + r] = data[r * columns + c];
  return out;
}
