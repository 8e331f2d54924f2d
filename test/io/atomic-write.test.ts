import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isNablaError } from '../../src/base/errors.js';
import { writeFileAtomic, writeFileAtomicSync, type Content } from '../../src/io/atomic-write.js';
import type { PathLike } from '../../src/io/files.js';
import { isAbandoned, temporaryName } from '../../src/io/temporary-name.js';

let dir = '';
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-atomic-'));
});
afterEach(() => rmSync(dir, { recursive: true }));
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);

type Written = [path: PathLike, data: Content];
/** Writes to a file and is killed before it is done. @returns its number */
function killedWriter(path: string): number | undefined {
  const script = `
    import { writeFileAtomicSync } from ${JSON.stringify(new URL('../../src/io/atomic-write.ts', import.meta.url).href)};
    writeFileAtomicSync('save', ${JSON.stringify(path)}, (function* () { yield new Uint8Array(1000); process.kill(process.pid, 'SIGKILL'); })());`;
  return spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script]).pid;
}
/** What `run` rejects with. */
async function refusal(run: Promise<void>): Promise<string> {
  const error: unknown = await run.catch((e: unknown) => e);
  return isNablaError(error) ? `${error.code} ${error.message}` : `no NablaError: ${String(error)}`;
}

describe.each([
  ['writeFileAtomic', (...args: Written) => writeFileAtomic('save', ...args)],
  ['writeFileAtomicSync', (...args: Written) => Promise.resolve().then(() => writeFileAtomicSync('save', ...args))],
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

  it('leaves the old state when something fails, and says why', async () => {
    const path = join(dir, 'folder');
    mkdirSync(path);
    writeFileSync(join(path, 'inside'), 'x');
    const error: unknown = await write(path, bytes('new')).catch((e: unknown) => e);
    if (!isNablaError(error)) throw error;
    expect(error.code).toBe('ERR_FILE');
    expect(error.message).toContain(JSON.stringify(path));
    expect(readdirSync(dir)).toEqual(['folder']);
    writeFileSync(join(dir, 'a'), 'old');
    const failing = (function* () {
      yield bytes('half');
      throw new Error('no more');
    })();
    const inside: unknown = await write(join(dir, 'a'), failing).catch((e: unknown) => e);
    // Not the file's fault: what the caller's own code throws arrives as it is.
    expect(inside).toEqual(new Error('no more'));
    expect(readFileSync(join(dir, 'a'), 'utf8')).toBe('old');
    expect(readdirSync(dir).sort()).toEqual(['a', 'folder']);
    await expect(write(join(dir, 'absent', 'a'), bytes('x'))).rejects.toThrow(/no such file or folder \(ENOENT\)/);
    await expect(write('', bytes('x'))).rejects.toThrow(/Expected a non-empty string/);
    await expect(write(new URL('https://example.org/a'), bytes('x'))).rejects.toThrow(/file: URL/);
  });

  it.skipIf(process.platform === 'win32')('refuses what is no regular file and leaves it as it is', async () => {
    const pipe = join(dir, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(await refusal(write(pipe, bytes('x')))).toMatch(/^ERR_FILE \[save\] cannot write ".*pipe": it is a pipe\. Expected a regular file/);
    expect(lstatSync(pipe).isFIFO()).toBe(true);
    const socket = join(dir, 's');
    const server = createServer().listen(socket);
    await new Promise((done) => server.once('listening', done));
    expect(await refusal(write(socket, bytes('x')))).toMatch(/it is a socket/);
    expect(lstatSync(socket).isSocket()).toBe(true);
    await new Promise((done) => server.close(done));
    // A link to a device: where the fault is not mended, a run as root replaces the link and not the machine's own device.
    symlinkSync('/dev/null', join(dir, 'null'));
    expect(await refusal(write(join(dir, 'null'), bytes('x')))).toMatch(/it is a device/);
    expect(await refusal(write('/dev/null', bytes('x')))).toMatch(/cannot write "\/dev\/null": it is a device/);
    expect(lstatSync('/dev/null').isCharacterDevice()).toBe(true);
    expect(await refusal(write(dir, bytes('x')))).toMatch(/it is a folder/);
    expect(await refusal(write(`${dir}/absent/`, bytes('x')))).toMatch(/it is a folder/);
    expect(readdirSync(dir).sort()).toEqual(['null', 'pipe']);
  });

  it.skipIf(process.platform === 'win32')('follows links to where there is nothing yet, through other folders, and not in a circle', async () => {
    mkdirSync(join(dir, 'store', 'deep'), { recursive: true });
    symlinkSync('store/deep', join(dir, 'short'));
    symlinkSync('../model.bin', join(dir, 'store', 'deep', 'second'));
    symlinkSync('short/second', join(dir, 'first'));
    await write(join(dir, 'first'), bytes('x'));
    expect(readFileSync(join(dir, 'store', 'model.bin'), 'utf8')).toBe('x');
    expect([join(dir, 'first'), join(dir, 'store', 'deep', 'second')].map((path) => lstatSync(path).isSymbolicLink())).toEqual([true, true]);
    symlinkSync('round', join(dir, 'round'));
    expect(await refusal(write(join(dir, 'round'), bytes('x')))).toMatch(/^ERR_FILE .*links go round in a circle/);
    symlinkSync('absent/file', join(dir, 'nowhere'));
    expect(await refusal(write(join(dir, 'nowhere'), bytes('x')))).toMatch(/^ERR_FILE .*no such file or folder/);
  });

  it('takes every name that the file system takes', async () => {
    for (const name of ['重'.repeat(80), '🐈'.repeat(60), 'x'.repeat(255), '.'.repeat(9)]) {
      await write(join(dir, name), bytes(name));
      expect(readFileSync(join(dir, name), 'utf8')).toBe(name);
    }
    expect(readdirSync(dir)).toHaveLength(4);
    expect(await refusal(write(join(dir, '重'.repeat(90)), bytes('x')))).toMatch(/^ERR_FILE .*name is too long/);
  });

  it.skipIf(process.platform === 'win32')('clears what a killed process left of this name, and only that', async () => {
    const path = join(dir, 'a.bin');
    killedWriter(path);
    const [left] = readdirSync(dir);
    expect(left).toMatch(/^\.a\.bin\..*\.tmp$/);
    const others = ['.a.bin.tmp', '.a.bin.notes.1.x.y.tmp', basename(temporaryName(join(dir, 'b.bin'))), basename(temporaryName(path))];
    for (const name of others) writeFileSync(join(dir, name), 'kept');
    await write(path, bytes('x'));
    expect(readdirSync(dir).sort()).toEqual([...others, 'a.bin'].sort());
  }, 30_000);

  it('survives many writers of one file', async () => {
    const path = join(dir, 'a.bin');
    await Promise.all(Array.from({ length: 20 }, (_, i) => write(path, bytes(String(i).repeat(1000)))));
    expect(readFileSync(path, 'utf8')).toMatch(/^(\d+)\1{999}$/);
    expect(readdirSync(dir)).toEqual(['a.bin']);
  });
});

describe('isAbandoned', () => {
  const target = '/models/a.bin';
  const mine = basename(temporaryName(target));
  const [place = '', pid = ''] = mine.slice('.a.bin.'.length).split('.');
  const now = Date.now();

  it('knows the living from the dead', () => {
    expect(isAbandoned(mine, target, () => now)).toBe(false);
    expect(isAbandoned(`.a.bin.${place}.${process.ppid}.1.1.tmp`, target, () => now)).toBe(false);
    // No process has a number that high.
    expect(isAbandoned(`.a.bin.${place}.1999999999.1.1.tmp`, target, () => now)).toBe(true);
    // A container's first process has number 1 after every start.
    expect(isAbandoned(`.a.bin.${place}.${pid}.${(now - process.uptime() * 1000 - 5000).toString(36).split('.')[0]}.1.tmp`, target, () => now)).toBe(true);
  });

  it('leaves files of other machines for a day', () => {
    const other = '.a.bin.00000000.1999999999.1.1.tmp';
    expect(isAbandoned(other, target, () => now - 3_600_000)).toBe(false);
    expect(isAbandoned(other, target, () => now - 2 * 86_400_000)).toBe(true);
    expect(isAbandoned(other, target, () => { throw new Error('it has gone'); })).toBe(false);
  });
});
