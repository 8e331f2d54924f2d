// One measurement: a row's program in a fresh process. It prints one JSON line { value, cpu, check? } last.
import { spawn } from 'node:child_process';
import process from 'node:process';

const LIMIT_MS = 15 * 60_000;

export function sample({ label, command, env }) {
  return new Promise((resolve, reject) => {
    const [file, ...args] = command;
    const child = spawn(file === 'node' ? process.execPath : file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, timeout: LIMIT_MS });
    let out = '';
    let err = '';
    child.stdout.on('data', (text) => (out += text));
    child.stderr.on('data', (text) => (err += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code !== 0) return reject(new Error(`${label}: ${command.join(' ')} ended with ${signal ?? code}\n${err}`));
      const result = JSON.parse(out.trim().split('\n').at(-1) ?? '');
      if (!Number.isFinite(result.value)) return reject(new Error(`${label}: printed no value: ${out}`));
      resolve(result);
    });
  });
}

export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}
