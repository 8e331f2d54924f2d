// What nabla is compared with: a row for each peer and number of threads. `needs` names what must be installed.
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { peers, python } from '../lib/places.mjs';
import { PARTS } from './parts.mjs';

const py = (file) => join(peers, 'python', `${file}.py`);
const js = (file) => join(peers, 'js', `${file}.mjs`);
// Two pools of spinning threads, PyTorch's and OpenBLAS's, would fight: OpenBLAS's OpenMP build shares PyTorch's.
const OPENMP = { LD_LIBRARY_PATH: '/usr/lib/x86_64-linux-gnu/openblas-openmp:/usr/lib/aarch64-linux-gnu/openblas-openmp' };

const TRAINING = ['W1', 'W2', 'W3', 'W5', 'W6', 'W8', 'W8-10k'];
const INFERENCE = ['W4a', 'W4b', 'W8-one'];
/** Where threads change nothing: too small to split. */
const SMALL = ['W3', 'W4b', 'W8-one'];
const PYTHON = [
  { name: 'numpy-notebook', label: 'NumPy as notebooks write it', file: 'numpy_notebook', module: 'numpy', workloads: ['W1', 'W2', 'W3'] },
  { name: 'numpy-f32', label: 'NumPy float32', file: 'numpy_f32', module: 'numpy', workloads: [...TRAINING, ...INFERENCE] },
  { name: 'torch-eager', label: 'PyTorch', file: 'torch_eager', module: 'torch', workloads: [...TRAINING, ...INFERENCE] },
  { name: 'torch-manual', label: 'PyTorch by hand', file: 'torch_manual', module: 'torch', workloads: TRAINING },
  { name: 'torch-jit', label: 'PyTorch traced', file: 'torch_manual', module: 'torch', workloads: INFERENCE },
  // Its initial weights and shuffles are its own, and it has no dropout.
  { name: 'sklearn', label: 'scikit-learn', file: 'sklearn_mlp', module: 'sklearn', workloads: ['W2', 'W5', 'W6', 'W8', 'W8-10k', ...INFERENCE], differs: ['W2', 'W5', 'W6', 'W8', 'W8-10k'] },
];

/** @returns rows: { name, label, threads, command, env, needs, differs }; `differs`: computes something else, its result is not compared */
export function peerRows(workload) {
  const counts = SMALL.includes(workload) ? [1] : [...new Set([1, availableParallelism()])];
  const part = (name) => String(PARTS[name]?.[workload] ?? 0);
  const rows = PYTHON.filter(({ workloads }) => workloads.includes(workload)).flatMap(({ name, label, file, module, differs = [] }) =>
    counts.map((threads) => ({
      name,
      label: `${label}, ${threads} thread${threads === 1 ? '' : 's'}`,
      threads,
      command: [python, py(file), workload, String(threads), part(name)],
      env: OPENMP,
      needs: `python3 ${module}`,
      differs: differs.includes(workload),
    })),
  );
  for (const backend of ['wasm', 'cpu']) {
    const name = `tfjs-${backend}`;
    rows.push({ name, label: `tfjs ${backend}`, threads: 1, command: ['node', js('tfjs'), workload, backend, part(name)], needs: `npm @tensorflow/tfjs${backend === 'wasm' ? '-backend-wasm' : ''}` });
  }
  if (['W2', 'W3', 'W4a', 'W4b'].includes(workload)) {
    rows.push({ name: 'brain.js', label: 'brain.js', threads: 1, command: ['node', js('brain'), workload, part('brain.js')], needs: 'npm brain.js', differs: true });
  }
  if (INFERENCE.includes(workload)) {
    for (const threads of counts) {
      rows.push({ name: 'onnxruntime-node', label: `ONNX Runtime Node, ${threads} thread${threads === 1 ? '' : 's'}`, threads, command: ['node', js('onnx'), workload, 'node', String(threads)], needs: 'npm onnxruntime-node' });
    }
    for (const threads of counts) {
      rows.push({ name: 'onnxruntime-web', label: `ONNX Runtime wasm, ${threads} thread${threads === 1 ? '' : 's'}`, threads, command: ['node', js('onnx'), workload, 'web', String(threads)], needs: 'npm onnxruntime-web' });
    }
  }
  return rows;
}

export function csvRows() {
  const text = ['numpy', 'pandas'].map((module) => ({
    name: module === 'numpy' ? 'numpy-loadtxt' : 'pandas', label: module === 'numpy' ? 'NumPy loadtxt' : 'pandas', command: [python, py('csv_readers'), 'W7', module], needs: `python3 ${module}`,
  }));
  const packages = ['papaparse', 'udsv', 'csv-parse'].map((name) => ({ name, label: name, command: ['node', js('csv'), 'W7', name], needs: `npm ${name}` }));
  return [...text, ...packages, { name: 'js-loop', label: 'a loop over the bytes, no checks', command: ['node', js('csv'), 'W7', 'loop'] }];
}
