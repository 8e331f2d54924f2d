import { describe, expect, it } from 'vitest';
import type { NetworkSpec } from '../../src/backend/contract/spec.js';
import { createExecutor, resolveBackend } from '../../src/backend/create.js';
import { findBackend, registerBackend, type BackendFactory } from '../../src/backend/registry.js';

const spec: NetworkSpec = {
  inputSize: 1, head: 'none', loss: null, optimizer: null, dtype: 'float32', seed: 0,
  layers: [{ kind: 'dense', name: 'd', units: 1, useBias: true, activation: { name: 'linear' }, l2: 0, learningRateFactor: 1 }],
};

function using<Result>(factory: BackendFactory, body: () => Result): Result {
  const before = findBackend('native');
  registerBackend('native', factory);
  try {
    return body();
  } finally {
    if (before !== undefined) registerBackend('native', before);
  }
}
const never = (): never => { throw new Error('not to be made'); };
const quiet = (): void => undefined;

describe('resolveBackend', () => {
  it('takes native where it works', () => {
    using({ problem: () => null, create: never, fillUniform: quiet }, () => {
      expect(resolveBackend('auto', {}, never)).toBe('native');
      expect(resolveBackend('native', {}, never)).toBe('native');
      expect(resolveBackend('typescript', {}, never)).toBe('typescript');
    });
  });

  it('warns and takes TypeScript where it does not', () => {
    const warnings: [string, string][] = [];
    using({ problem: () => 'tried x; fix: npx nabla build', create: never, fillUniform: quiet }, () => {
      expect(resolveBackend('auto', {}, (message, code) => void warnings.push([message, code]))).toBe('typescript');
    });
    expect(warnings).toEqual([[expect.stringMatching(/TypeScript backend.*tried x; fix: npx nabla build/), 'NABLA_NO_ADDON']]);
  });

  it('refuses where native was asked for, by name or by instruction set', () => {
    using({ problem: () => 'tried x', create: never, fillUniform: quiet }, () => {
      expect(() => resolveBackend('native', {}, quiet)).toThrow(expect.objectContaining({ code: 'ERR_BACKEND', message: expect.stringContaining('tried x') }));
      expect(() => resolveBackend('auto', { isa: 'avx2' }, quiet)).toThrow(expect.objectContaining({ code: 'ERR_BACKEND' }));
    });
  });
});

describe('createExecutor', () => {
  it('builds in the backend that was settled on', () => {
    const asked: unknown[] = [];
    const factory: BackendFactory = { problem: () => null, fillUniform: quiet, create: (given, options) => { asked.push(given, options); return createExecutor(given, 'typescript', {}); } };
    using(factory, () => {
      createExecutor(spec, 'native', { threads: 2 });
      expect(asked).toEqual([spec, { threads: 2 }]);
      expect(createExecutor(spec, 'typescript', {}).backend).toBe('typescript');
    });
  });
});
