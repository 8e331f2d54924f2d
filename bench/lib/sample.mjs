// One measurement: a row's program in a fresh process. It prints one JSON line { value, cpu, rss, check } last.
import { spawn } from 'node:child_process';
import process from 'node:process';
import { environment } from './places.mjs';

const LIMIT_MS = 10 * 60_000;

/** @returns what the program printed @throws with the end of what it wrote to stderr */
export function sample({ label, command, env, threads }) {
  return new Promise((resolve, reject) => {
    const [file, ...args] = command;
    const child = spawn(file === 'node' ? process.execPath : file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: environment(threads, env), timeout: LIMIT_MS });
    let out = '';
    let err = '';
    child.stdout.on('data', (text) => (out += text));
    child.stderr.on('data', (text) => (err += text));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const last = out.trim().split('\n').at(-1) ?? '';
      try {
        const result = code === 0 ? JSON.parse(last) : undefined;
        if (Array.isArray(result) || Number.isFinite(result?.value)) return resolve(result);
      } catch {
        // Told below.
      }
      reject(new Error(`${label}: ended with ${signal ?? code}: ${(err || out).trim().split('\n').slice(-3).join(' | ')}`));
    });
  });
}

export function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1) };
}
