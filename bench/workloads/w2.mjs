// W2: a small network by mini-batches, where overhead shows.
import { nablaRows } from './nabla-rows.mjs';

const macs = 784 * 100 + 100 * 200 + 200 * 10;
const firstLayer = 784 * 100;

export const W2 = {
  title: '784-100-200-10, ReLU, SGD 0.1, batch 64: one epoch of MNIST (60,000)',
  unit: 's/epoch',
  secondsPerUnit: 1,
  // Forward, weight gradients, and input gradients of all layers but the first; two operations a multiply-add.
  gflop: (60_000 * 2 * (3 * macs - firstLayer)) / 1e9,
  rows: () => nablaRows('W2'),
};
