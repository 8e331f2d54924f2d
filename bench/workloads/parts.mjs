// How many rows of a workload the slow ones do; their time is scaled to the whole and marked. A step costs the same at the start as at the end.
export const PARTS = {
  'nabla-typescript': { W1: 410_000, W3: 0, W5: 2_560, W6: 15_040, W8: 100_096 },
  'tfjs-wasm': { W1: 164_000, W2: 3_840, W3: 8_000, W5: 512, W6: 1_920, W8: 12_800, 'W8-10k': 20_000 },
  'tfjs-cpu': { W1: 82_000, W2: 1_280, W3: 8_000, W5: 256, W6: 640, W8: 12_800, 'W8-10k': 10_000 },
  'brain.js': { W2: 1_000, W4a: 500 },
  'numpy-f32': { W3: 40_000 },
  'torch-eager': { W3: 24_000 },
  'torch-manual': { W3: 24_000 },
};
