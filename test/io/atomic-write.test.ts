import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isNablaError } from '../../src/errors.js';
import { writeFileAtomic, writeFileAtomicSync } from '../../src/io/atomic-write.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-atomic-'));
});
afterEach(() => rmSync(dir, { recursive: true }));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

describe.each([
  ['writeFileAtomic', writeFileAtomic],
  ['writeFileAtomicSync', (...args: Parameters<typeof writeFileAtomicSync>) => Promise.resolve().then(() => writeFileAtomicSync(...args))],
])('%s', (_, write) => {
  it('writes pieces in order, over what was there, and leaves nothing else', async () => {
    const path = join(dir, 'a.bin');
    await write(path, bytes('first, and much longer'));
    await write(pathToFileURL(path), [bytes('sec'), new Uint8Array(0), bytes('ond')]);
    expect(readFileSync(path, 'utf8')).toBe('second');
    expect(readdirSync(dir)).toEqual(['a.bin']);
  });

  it('keeps the mode of a file that exists and follows a link', async () => {
    const path = join(dir, 'a.bin');
    writeFileSync(path, 'old');
    chmodSync(path, 0o640);
    symlinkSync('a.bin', join(dir, 'link'));
    await write(join(dir, 'link'), bytes('new'));
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(lstatSync(join(dir, 'link')).isSymbolicLink()).toBe(true);
    await write(join(dir, 'b.bin'), bytes('x'));
    writeFileSync(join(dir, 'c.bin'), 'x');
    expect(statSync(join(dir, 'b.bin')).mode).toBe(statSync(join(dir, 'c.bin')).mode);
  });

  it('leaves the old state when the rename fails, and says why', async () => {
    const path = join(dir, 'folder');
    mkdirSync(path);
    writeFileSync(join(path, 'inside'), 'x');
    const error: unknown = await write(path, bytes('new')).catch((e: unknown) => e);
    if (!isNablaError(error)) throw error;
    expect(error.code).toBe('ERR_FILE');
    expect(error.message).toContain(JSON.stringify(path));
    expect(error.cause).toBeInstanceOf(Error);
    expect(readdirSync(dir)).toEqual(['folder']);
    await expect(write(join(dir, 'absent', 'a'), bytes('x'))).rejects.toThrow(/no such file or folder \(ENOENT\)/);
    await expect(write('', bytes('x'))).rejects.toThrow(/Expected a non-empty string/);
    await expect(write(new URL('https://example.org/a'), bytes('x'))).rejects.toThrow(/file: URL/);
  });

  it('survives many writers of one file', async () => {
    const path = join(dir, 'a.bin');
    await Promise.all(Array.from({ length: 20 }, (_, i) => write(path, bytes(String(i).repeat(1000)))));
    expect(readFileSync(path, 'utf8')).toMatch(/^(\d+)\1{999}$/);
    expect(readdirSync(dir)).toEqual(['a.bin']);
  });
});
