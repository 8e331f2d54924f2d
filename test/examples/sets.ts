// The pictures of the golden runs.
import { fileURLToPath } from 'node:url';
import { datasets, readIdxImagesLabels } from '../../src/index.js';
import type { Sets } from './two-layer.js';

let mnist: Promise<Sets> | null = null;

/** MNIST whole; of Fashion-MNIST the 2,000 pictures that its runs train on, without a test set. */
export async function setsOf(dataset: 'mnist' | 'fashion'): Promise<Sets> {
  if (dataset === 'mnist') return (mnist ??= datasets.mnist());
  const path = (name: string): string => fileURLToPath(new URL(`../golden/seeds/data/${name}`, import.meta.url));
  const train = await readIdxImagesLabels({ images: path('fashion-train2000-images-idx3-ubyte.gz'), labels: path('fashion-train2000-labels-idx1-ubyte.gz') });
  return { train, test: null };
}
