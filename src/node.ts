// What Node.js offers to the library: loaded by the entry for its effect.
import { totalmem } from 'node:os';
import process from 'node:process';
import { loadAddon } from './backend/native/addon.js';
import { createNativeExecutor, nativeFillUniform, nativeInfo } from './backend/native/executor.js';
import { registerBackend } from './backend/registry.js';
import { setEnvironment } from './base/environment.js';
import { writeModelFile } from './io/model-file.js';
import { setModelWriter } from './model/saving/model-writer.js';

/** Bytes the machine has or, where that is less, the cgroup allows. */
function memoryLimit(): number {
  // Not there before Node 20.12 in every build; 0 or a huge number where nothing is set.
  const constrained: unknown = typeof process.constrainedMemory === 'function' ? process.constrainedMemory() : 0;
  const total = totalmem();
  return typeof constrained === 'number' && constrained > 0 && constrained < total ? constrained : total;
}

registerBackend('native', {
  problem({ isa }) {
    const result = loadAddon();
    if (result.addon === null) return result.problem.message;
    const { isas } = nativeInfo();
    return isa === undefined || isas.includes(isa) ? null : `this processor runs ${isas.join(', ')}, not ${isa}.`;
  },
  create: createNativeExecutor,
  fillUniform: nativeFillUniform,
});

const output = { listened: false, closed: false };

/** Progress whose reader has gone is nobody's error: a training goes on in silence. Listeners of the program's own are called as ever. */
function write(text: string): void {
  if (output.closed) return;
  if (!output.listened) {
    output.listened = true;
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' || error.code === 'ERR_STREAM_DESTROYED') output.closed = true;
      else if (process.stdout.listenerCount('error') === 1) throw error;
    });
  }
  process.stdout.write(text);
}

setEnvironment({
  write,
  isTerminal: () => process.stdout.isTTY,
  columns: () => process.stdout.columns ?? 80,
  warn: (message, code) => { process.emitWarning(message, { type: 'NablaWarning', code }); },
  yield: () => new Promise((resolve) => setImmediate(resolve)),
  memoryLimit,
});

setModelWriter((record, path) => writeModelFile('save', path, record));
