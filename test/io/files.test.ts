import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNablaError } from '../../src/base/errors.js';
import * as nabla from '../../src/index.js';
import { fileError, readBytes, readBytesSync } from '../../src/io/files.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-files-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

async function errorOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    if (isNablaError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'nothing was thrown';
}

/** Every public function that reads a file. */
const readers: readonly (readonly [string, (path: string) => unknown])[] = [
  ['readCsv', (path) => nabla.readCsv(path)],
  ['readCsv, labels', (path) => {
    writeFileSync(join(dir, 'x.csv'), 'a,b\n1,2\n');
    return nabla.readCsv(join(dir, 'x.csv'), { labels: path });
  }],
  ['readIdx', (path) => nabla.readIdx(path)],
  ['readIdxImagesLabels', (path) => nabla.readIdxImagesLabels({ images: path, labels: path })],
  ['readNpy', (path) => nabla.readNpy(path)],
  ['readNpz', (path) => nabla.readNpz(path)],
  ['readSafetensors', (path) => nabla.readSafetensors(path)],
  ['loadModel', (path) => nabla.loadModel(path)],
  ['loadModelSync', (path) => nabla.loadModelSync(path)],
  ['readBytesSync', (path) => readBytesSync('readBytesSync', path)],
];

describe.each(readers)('%s', (_, read) => {
  it.skipIf(process.platform === 'win32')('refuses a pipe nobody writes to, without waiting', async () => {
    const pipe = join(dir, 'pipe');
    if (!existsSync(pipe)) execFileSync('mkfifo', [pipe]);
    expect(await errorOf(() => read(pipe))).toMatch(/^ERR_FILE \[\w+\] cannot read ".*pipe": it is a pipe, which may never end/);
  });

  it.skipIf(!existsSync('/dev/zero'))('refuses a device', async () => {
    expect(await errorOf(() => read('/dev/zero'))).toMatch(/^ERR_FILE \[\w+\] cannot read "\/dev\/zero": it is a device, which may never end/);
  });

  it('says which file is missing, is a folder, or has too long a name, and why', async () => {
    expect(await errorOf(() => read(join(dir, 'absent')))).toMatch(/^ERR_FILE .*absent": there is no such file or folder \(ENOENT\)/);
    expect(await errorOf(() => read(dir))).toMatch(/^ERR_FILE .*: it is a folder/);
    writeFileSync(join(dir, 'plain'), '');
    expect(await errorOf(() => read(join(dir, 'plain', 'below')))).toMatch(/^ERR_FILE .*: (a part of the path is not a folder|there is no such file)/);
    const long = await errorOf(() => read(join(dir, 'x'.repeat(100_000))));
    expect(long).toMatch(/^ERR_FILE /);
    expect(long.length).toBeLessThan(400);
  });
});

describe('readBytes', () => {
  it.skipIf(process.platform === 'win32')('refuses a socket', async () => {
    const path = join(dir, 's');
    const server = createServer().listen(path);
    await new Promise((resolve) => server.once('listening', resolve));
    expect(await errorOf(() => readBytes('readBytes', path))).toMatch(/it is a socket/);
    expect(await errorOf(() => readBytesSync('readBytesSync', path))).toMatch(/it is a socket/);
    await new Promise((resolve) => server.close(resolve));
  });

  it('reads a file of any size, an empty one too', async () => {
    for (const size of [0, 1, 70_000]) {
      const path = join(dir, `size-${size}`);
      writeFileSync(path, new Uint8Array(size).fill(7));
      expect([(await readBytes('readBytes', path)).length, readBytesSync('readBytesSync', path).length]).toEqual([size, size]);
    }
  });

  it.skipIf(!existsSync('/proc/self/pagemap'))('ends where a file without a size does not', async () => {
    expect((await readBytes('readBytes', '/proc/self/status')).length).toBeGreaterThan(100);
    expect(readBytesSync('readBytesSync', '/proc/self/status').length).toBeGreaterThan(100);
    // As long as the address space, and of size 0.
    for (const read of [() => readBytes('readBytes', '/proc/self/pagemap'), () => readBytesSync('readBytesSync', '/proc/self/pagemap')]) expect(await errorOf(read)).toMatch(/^ERR_FILE/);
  });

  it.skipIf(!existsSync('/proc/self/fd'))('leaves no file open, whatever happens', async () => {
    const count = (): number => readdirSync('/proc/self/fd').length;
    const before = count();
    for (let i = 0; i < 30; i++) await errorOf(() => readBytes('readBytes', dir));
    for (let i = 0; i < 30; i++) await errorOf(() => readBytesSync('readBytesSync', '/proc/self/pagemap'));
    expect(count()).toBeLessThan(before + 20);
  });
});

it('fileError keeps the cause and bounds what it quotes', () => {
  const cause = new Error('y'.repeat(10_000));
  const error = fileError('readCsv', 'read', 'x'.repeat(10_000), cause);
  expect(error.cause).toBe(cause);
  expect(error.message.length).toBeLessThan(500);
});
