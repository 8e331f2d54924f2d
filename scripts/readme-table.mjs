// node scripts/readme-table.mjs RESULTS.json: writes the README's table from a run of `npm run bench -- --json RESULTS.json`.
import { readFileSync, writeFileSync } from 'node:fs';
import process from 'node:process';

const START = '<!-- measured:begin -->';
const END = '<!-- measured:end -->';
/** Rows of the table: name in the results and what a reader calls it; the fastest setting of each counts. */
const PROGRAMS = [
  ['nabla-native', 'nabla, native'],
  ['nabla-typescript', 'nabla, plain TypeScript'],
  ['torch-manual', 'PyTorch, gradients by hand'],
  ['torch-eager', 'PyTorch, autograd'],
  ['numpy-f32', 'NumPy, float32, written well'],
  ['numpy-notebook', 'NumPy, as notebooks write it'],
  ['sklearn', 'scikit-learn'],
  ['onnxruntime-node', 'ONNX Runtime (Node)'],
  ['tfjs-wasm', 'tfjs, wasm'],
  ['tfjs-cpu', 'tfjs, cpu'],
  ['brain.js', 'brain.js'],
];
const COLUMNS = [
  ['W2', 'training: 784-100-200-10, batch 64'],
  ['W1', 'training: 784-10-10, full batch of 41,000'],
  ['W4a', 'predicting 10,000 digits'],
];

const [file] = process.argv.slice(2);
if (file === undefined) {
  console.error('node scripts/readme-table.mjs RESULTS.json');
  process.exit(2);
}
const { machine, busy, date, workloads } = JSON.parse(readFileSync(file, 'utf8'));
if (busy) throw new Error('the machine was busy while this was measured: no table is made of it');
const figure = (value) => (value >= 100 ? value.toFixed(0) : value.toPrecision(value < 1 ? 2 : 3));
const columns = COLUMNS.filter(([id]) => workloads[id] !== undefined);
const fastest = (id, name) => Math.min(...workloads[id].rows.filter((row) => row.name === name).map(({ median }) => median));
const rows = PROGRAMS.filter(([name]) => columns.some(([id]) => Number.isFinite(fastest(id, name))));
const cell = (id, name) => {
  const value = fastest(id, name);
  if (!Number.isFinite(value)) return '–';
  const times = value / fastest(id, 'nabla-native');
  return `${figure(value)}${name === 'nabla-native' ? '' : ` (${figure(times)} times)`}`;
};
const table = [
  `| | ${columns.map(([id, title]) => `${title}, ${workloads[id].unit}`).join(' | ')} |`,
  `|---|${columns.map(() => '--:').join('|')}|`,
  ...rows.map(([name, label]) => `| ${name === 'nabla-native' ? `**${label}**` : label} | ${columns.map(([id]) => cell(id, name)).join(' | ')} |`),
  '',
  `Medians of interleaved fresh processes, each program at its best setting; ${machine.cpu}, ${machine.processors} processors, ${machine.isas.at(0)}, Node ${machine.node}, ${date.slice(0, 10)}.`,
];
const readme = new URL('../README.md', import.meta.url);
const text = readFileSync(readme, 'utf8');
const from = text.indexOf(START);
const to = text.indexOf(END);
if (from < 0 || to < from) throw new Error('README.md lacks the marks of its table');
writeFileSync(readme, `${text.slice(0, from + START.length)}\n${table.join('\n')}\n${text.slice(to)}`);
