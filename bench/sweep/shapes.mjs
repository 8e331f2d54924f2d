// Sixty random networks and how work grows: what the sweep measures.
import { uniforms } from '../lib/data.mjs';

const SHAPES = 60;

export function parameters({ sizes }) {
  return sizes.slice(1).reduce((sum, units, i) => sum + units * (sizes[i] + 1), 0);
}
/** Operations of one training step: forward, weight gradients, and input gradients of all layers but the first. */
export function stepFlop({ sizes, batch }) {
  const macs = sizes.slice(1).map((units, i) => units * sizes[i]);
  return 2 * batch * (3 * macs.reduce((a, b) => a + b, 0) - macs[0]);
}
/** How people write it: 100-50-10 relu mse adam, batch 32. */
export const describe = ({ sizes, activations, loss, optimizer, batch }) => `${sizes.join('-')} ${activations[0]} ${loss} ${optimizer}, batch ${batch}`;

/** Networks of 1 to 4 hidden layers; sizes and batches spread evenly over their magnitudes. The same sixty every time. */
export function randomShapes() {
  const next = uniforms(60);
  const pick = (items) => items[Math.floor(next() * items.length)];
  const magnitude = (from, to) => Math.round(from * (to / from) ** next());
  return Array.from({ length: SHAPES }, () => {
    const hidden = 1 + Math.floor(next() * 4);
    const loss = pick(['crossentropy', 'mse']);
    const sizes = [magnitude(4, 1024), ...Array.from({ length: hidden }, () => magnitude(4, 1024)), loss === 'mse' ? magnitude(1, 64) : magnitude(2, 100)];
    const activation = pick(['relu', 'relu', 'tanh', 'sigmoid']);
    const batch = magnitude(1, 1024);
    const net = {
      data: 'random', sizes, activations: [...Array.from({ length: hidden }, () => activation), loss === 'mse' ? 'linear' : 'softmax'], bias: true, loss,
      optimizer: pick(['sgd', 'adam']), learningRate: 0.01, batch, epochs: 1, shuffle: true, seconds: 0.08,
    };
    // Around a billion operations an epoch, within reason for tiny and huge networks.
    const steps = Math.min(256, Math.max(4, Math.round(1e9 / stepFlop(net))), Math.max(4, Math.floor(4e6 / (sizes[0] * batch))));
    return { ...net, rows: batch * steps };
  });
}

/** Points of one quantity growing while all else stays; `unit` is what a point's time is for. */
export const GROWTH = [
  {
    id: 'samples', title: 'samples (784-100-10, batch 64): one epoch', unit: 's/epoch', per: 'epoch',
    points: [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000, 600_000].map((rows) => ({ at: rows, rows, sizes: [784, 100, 10], batch: 64 })),
  },
  {
    id: 'parameters', title: 'parameters (784-h-h-10, batch 64): one step', unit: 's/step', per: 'step',
    points: [10e3, 20e3, 40e3, 80e3, 160e3, 320e3, 640e3, 1.28e6, 2.56e6, 5.12e6, 10.24e6, 20.48e6, 40.96e6, 50e6].map((wanted) => {
      // h (h + 796) + 10 = wanted
      const h = Math.max(1, Math.round((-796 + Math.sqrt(796 ** 2 + 4 * (wanted - 10))) / 2));
      const sizes = [784, h, h, 10];
      return { at: parameters({ sizes }), rows: 64 * (wanted > 5e6 ? 4 : 32), sizes, batch: 64 };
    }),
  },
  {
    id: 'batch', title: 'batch (784-100-200-10): one step', unit: 's/step', per: 'step',
    points: Array.from({ length: 13 }, (_, k) => 2 ** k).map((batch) => ({ at: batch, rows: Math.max(8192, 8 * batch), sizes: [784, 100, 200, 10], batch })),
  },
  {
    id: 'layers', title: 'layers of 256 (784-256-…-10, batch 64): one step', unit: 's/step', per: 'step',
    points: [1, 2, 4, 8, 16, 20].map((count) => ({ at: count, rows: 64 * 64, sizes: [784, ...Array.from({ length: count }, () => 256), 10], batch: 64 })),
  },
].map((series) => ({
  ...series,
  points: series.points.map((point) => ({
    ...point, data: 'random', bias: true, loss: 'crossentropy', optimizer: 'sgd', learningRate: 0.01, epochs: 1, shuffle: true,
    activations: [...Array.from({ length: point.sizes.length - 2 }, () => 'relu'), 'softmax'],
  })),
}));

/** Seconds that arithmetic and memory alone would take, on the measured peaks. @param peak medians of the run */
export function modelSeconds(series, net, peak) {
  const steps = series.per === 'epoch' ? net.rows / net.batch : 1;
  const flop = stepFlop(net) / (peak.gflops_f32_nt * 1e9);
  const weights = 4 * parameters(net);
  // Weights beyond the caches are read forward and backward, and read and written by the update; pictures are bytes.
  const bytes = (weights > 16e6 ? 4 * weights : 0) + (net.rows * net.sizes[0] > 16e6 ? net.batch * net.sizes[0] : 0);
  return steps * Math.max(flop, bytes / (peak.read_gbs_nt * 1e9));
}
