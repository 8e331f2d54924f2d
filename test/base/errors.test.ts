import { describe, expect, it } from 'vitest';
import { brief, isNablaError, NablaError, show, showList } from '../../src/base/errors.js';

const long = 'x'.repeat(1_000_000);

const revoked = (): unknown => {
  const { proxy, revoke } = Proxy.revocable([], {});
  revoke();
  return proxy;
};

describe('show', () => {
  it('says what a value is', () => {
    expect([show('a'), show(-0), show(null), show(12n), show([1, 2]), show(new Float32Array(3)), show(new Map()), show(Object.create(null))]).toEqual([
      '"a"', '-0', 'null', '12n', 'Array(2)', 'Float32Array(3)', 'a Map', 'an object',
    ]);
  });

  it.each([
    ['text', long],
    ['characters that are escaped', '\u0000'.repeat(1000)],
    ['a long BigInt', 1n << 4_000_000n],
    ['a symbol', Symbol(long)],
    ['the name of a function', Object.defineProperty(() => undefined, 'name', { value: long })],
    ['the name of a class', Object.create({ constructor: Object.defineProperty(() => undefined, 'name', { value: long }) })],
  ])('is short for %s', (_, value) => {
    expect(show(value).length).toBeLessThanOrEqual(220);
  });

  it.each([
    ['a constructor that is null', Object.create({ constructor: null })],
    ['a constructor that is a number', Object.create({ constructor: 1 })],
    ['a name that is none', Object.create({ constructor: Object.defineProperty(() => undefined, 'name', { value: {} }) })],
    ['a proxy that throws', new Proxy({}, { getPrototypeOf() { throw new Error('no'); } })],
    ['a revoked proxy', revoked()],
    ['a function name that throws', Object.defineProperty(() => undefined, 'name', { get() { throw new Error('no'); } })],
  ])('throws nothing at %s', (_, value) => {
    expect(show(value)).toMatch(/^an object$|^function \(anonymous\)$/);
  });
});

describe('messages', () => {
  it('keep both ends of what is cut', () => {
    expect(brief('short')).toBe('short');
    expect(brief(`/begin/${long}/end.csv`)).toMatch(/^\/begin\/x+ \.\.\. x+\/end\.csv$/);
    expect(brief(long)).toHaveLength(199);
    expect(showList([2, 3])).toBe('2, 3');
    expect(showList(Array.from({ length: 40_000 }, () => 1))).toMatch(/^1, 1, .* \(40000 in all\)$/);
    expect(showList(Array.from({ length: 40_000 }, () => long)).length).toBeLessThan(260);
  });

  it('end somewhere, whatever they are made of', () => {
    const error = new NablaError('ERR_FORMAT', `[op] ${long} the end.`);
    expect(isNablaError(error)).toBe(true);
    expect(error.message.length).toBeLessThanOrEqual(2000);
    expect(error.message).toMatch(/^\[op\].*the end\.$/);
  });
});
