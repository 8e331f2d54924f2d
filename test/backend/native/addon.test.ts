import { afterEach, describe, expect, it, vi } from 'vitest';
import { loadAddon } from '../../../src/backend/native/addon.js';

afterEach(() => vi.unstubAllEnvs());

describe('loadAddon', () => {
  it('is absent where NABLA_NO_ADDON says so, with what was tried and how to mend it', () => {
    vi.stubEnv('NABLA_NO_ADDON', '1');
    const result = loadAddon();
    if (result.addon !== null) throw new Error('an addon although it is switched off');
    expect(result.problem.reason).toBe('disabled');
    expect(result.problem.message).toContain('NABLA_NO_ADDON');
    expect(result.problem.message).toContain(`${process.platform}-${process.arch}`);
    expect(result.problem.message).toContain(process.version);
    expect(result.problem.message).toContain('fix: ');
  });
  it('gives the same addon twice, or a problem that names every place looked at', () => {
    vi.stubEnv('NABLA_NO_ADDON', '');
    const first = loadAddon();
    const second = loadAddon();
    if (first.addon !== null) {
      expect(second.addon).toBe(first.addon);
      expect(first.path).toMatch(/\.node$/);
    } else {
      expect(first.problem.tried.length).toBeGreaterThan(0);
      for (const { path, outcome } of first.problem.tried) {
        expect(first.problem.message).toContain(path);
        expect(outcome).not.toBe('');
      }
    }
  });
});
