// The workloads by name: what is done, its unit, its arithmetic, and who does it.
import { NETWORKS } from '../lib/data.mjs';
import { nablaRows } from './nabla-rows.mjs';
import { csvRows, peerRows } from './peer-rows.mjs';

/** Billions of operations in one unit of training: forward, weight gradients, and input gradients of all layers but the first; two a multiply-add. */
function trainingGflop({ sizes, unitRows }) {
  const macs = sizes.slice(1).map((units, i) => units * sizes[i]);
  return (unitRows * 2 * (3 * macs.reduce((a, b) => a + b, 0) - macs[0])) / 1e9;
}
function forwardGflop({ sizes }, rows) {
  return (rows * 2 * sizes.slice(1).reduce((sum, units, i) => sum + units * sizes[i], 0)) / 1e9;
}
function training(name, title, unit, more = {}) {
  const net = NETWORKS[name];
  return { title, unit, secondsPerUnit: net.unitSeconds, gflop: trainingGflop(net), rows: () => [...nablaRows(name), ...peerRows(name)], tolerance: 0.01, ...more };
}
function inference(name, title, unit, secondsPerUnit, more = {}) {
  return { title, unit, secondsPerUnit, rows: () => [...nablaRows(name), ...peerRows(name)], tolerance: 0.002, ...more };
}

export const WORKLOADS = {
  W1: training('W1', '784-10-10, ReLU, softmax: full batch of 41,000 digits, SGD 0.1', 'ms/iteration'),
  W2: training('W2', '784-100-200-10, ReLU: batch 64, SGD 0.1, one epoch of 60,000 digits', 's/epoch'),
  W3: training('W3', 'XOR 2-3(sigmoid)-1, squared error: 60,000 steps of the batch of 4', 's/60,000 steps', { gflop: undefined }),
  W4a: inference('W4a', "W2's network: 10,000 digits in one call", 'ms/call', 1e-3, { gflop: forwardGflop(NETWORKS.W2, 10_000), images: 10_000 }),
  W4b: inference('W4b', "W2's network: one digit a call", 'us/call', 1e-6),
  W5: training('W5', '784-1024-1024-10, ReLU: batch 256, SGD 0.1, one epoch of 60,000 digits', 's/epoch'),
  // Everyone draws masks of their own.
  W6: training('W6', '784-128-dropout 0.2-10, ReLU: Adam, batch 32, one epoch of 60,000 digits', 's/epoch', { tolerance: 0.05 }),
  W7: { title: 'a CSV file of 42,000 x 785 (77 MB) into bytes', unit: 's/file', secondsPerUnit: 1, rows: () => [...nablaRows('W7'), ...csvRows()], tolerance: 0 },
  W8: training('W8', 'tabular 30-64-32-1, ReLU, squared error: Adam, batch 256, one epoch of 1,000,000 rows', 's/epoch'),
  'W8-10k': training('W8-10k', 'the same with 10,000 rows', 'ms/epoch'),
  'W8-one': inference('W8-one', 'the same network: one row a call', 'us/call', 1e-6),
  start: { title: 'importing nabla, building the network of W2, the first step', unit: 'ms', secondsPerUnit: 1e-3, rows: () => nablaRows('start'), tolerance: 0.01 },
};

/** The ids that a text names: exactly one, or all that begin with it (W4: W4a, W4b). */
export function matching(text) {
  return Object.keys(WORKLOADS).filter((id) => id === text || (id.startsWith(text) && !/^\d/.test(id.slice(text.length)) && text !== ''));
}
