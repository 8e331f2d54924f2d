import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { version } from '../../src/base/version.js';
import { encodeModel, writeModelFile, writeModelFileSync } from '../../src/io/model-file.js';
import { encodeSafetensors, parseSafetensors } from '../../src/io/safetensors.js';
import type { ModelRecord } from '../../src/model/saving/record.js';
import { goldenBytes } from '../golden-files.js';
import { messageOf } from '../thrown.js';
import { decodeModel, readModelFile, readModelFileSync } from './stored-model.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-model-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const record: ModelRecord = {
  formatVersion: 1,
  config: {
    layers: [
      { kind: 'rescaling', name: 'rescaling', scale: 1 / 255, offset: 0, inputShape: [3] },
      {
        kind: 'dense', name: 'dense', units: 2, activation: 'softmax', useBias: true, l2: 0, learningRateFactor: 1,
        kernelInitializer: { name: 'heNormal' }, biasInitializer: { name: 'zeros' },
      },
    ],
    dtype: 'float32',
    seed: 9007199254740991,
    compile: null,
  },
  tensors: [
    { name: 'dense.weight', shape: [2, 3], data: Float32Array.of(1, -2, 3.5, -0, 5e-45, 3.4e38) },
    { name: 'dense.bias', shape: [2], data: Float32Array.of(0.1, 0.2) },
  ],
  classNames: ['cat', 'Hündin'],
  metrics: { accuracy: 0.975, loss: NaN },
};

const withoutVersion = ({ config, tensors, classNames, metrics }: ModelRecord): object => ({ config, tensors, ...(classNames === undefined ? {} : { classNames }), ...(metrics === undefined ? {} : { metrics }) });

/** The file of `record` with some of its metadata changed; undefined takes a key away. */
function changed(edits: Readonly<Record<string, string | undefined>>): Uint8Array {
  const { tensors, metadata } = parseSafetensors(Buffer.concat(encodeModel('save', record)));
  const map = new Map(metadata);
  for (const [key, value] of Object.entries(edits)) {
    if (value === undefined) map.delete(key);
    else map.set(key, value);
  }
  return Buffer.concat(encodeSafetensors(tensors, map));
}

describe('model file', () => {
  it('gives back what was written, bit for bit, and the same bytes each time', async () => {
    const path = join(dir, 'a.safetensors');
    await writeModelFile('save', path, record);
    expect(await readModelFile(path)).toEqual({ ...withoutVersion(record), nablaVersion: version, numericsVersion: 1 });
    const bytes = readFileSync(path);
    writeModelFileSync('saveModelSync', path, record);
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(readModelFileSync(path)).toEqual(await readModelFile(path));
    const bare: ModelRecord = { formatVersion: 1, config: record.config, tensors: [{ name: 'd.weight', shape: [1, 1], data: Float64Array.of(Math.PI) }] };
    await writeModelFile('save', path, bare);
    expect(await readModelFile(path)).toEqual({ ...withoutVersion(bare), nablaVersion: version, numericsVersion: 1 });
  });

  it('is plain safetensors to other programs', () => {
    const { tensors, metadata } = parseSafetensors(Buffer.concat(encodeModel('save', record)));
    expect(tensors.map((t) => [t.name, t.dtype, t.shape])).toEqual([['dense.weight', 'F32', [2, 3]], ['dense.bias', 'F32', [2]]]);
    expect([...metadata.keys()]).toEqual(['format', 'formatVersion', 'nablaVersion', 'numericsVersion', 'seed', 'spec', 'classNames', 'metrics']);
    expect([metadata.get('format'), metadata.get('formatVersion'), metadata.get('seed')]).toEqual(['nabla-model', '1', '9007199254740991']);
    expect(JSON.parse(metadata.get('spec') ?? '')).toEqual(record.config);
  });

  it('refuses a newer format by its number, naming who wrote it and what to do', () => {
    const message = messageOf(() => decodeModel(changed({ formatVersion: '2', nablaVersion: '9.1.0', spec: 'not even JSON' }), 'new.safetensors'));
    expect(message).toBe('ERR_VERSION [loadModel] new.safetensors was written by a newer nabla (9.1.0). Expected formatVersion 1 or lower, received 2; update with npm install nabla@latest.');
  });

  it('says what a file is that is none', async () => {
    expect(messageOf(() => decodeModel(goldenBytes('interop/safetensors/mlp_f64.safetensors'), 'x'))).toMatch(/ERR_FORMAT .*x is not a nabla model: .* format "pt", its tensors are "layer0.weight", "layer0.bias", "layer1.weight", \.\.\./);
    expect(messageOf(() => decodeModel(goldenBytes('interop/npz/stored.npz')))).toMatch(/ZIP archive/);
    expect(messageOf(() => decodeModel(goldenBytes('interop/npy/u1.npy')))).toMatch(/NumPy array/);
    expect(messageOf(() => decodeModel(goldenBytes('interop/idx/labels6-idx1-ubyte.gz')))).toMatch(/gzip/);
    expect(messageOf(() => decodeModel(Buffer.from('{"layers": []}')))).toMatch(/JSON text/);
    expect(messageOf(() => decodeModel(Buffer.from('\x89HDF\r\n\x1a\n', 'latin1')))).toMatch(/HDF5/);
    expect(messageOf(() => decodeModel(new Uint8Array(0)))).toMatch(/ERR_FORMAT.*empty/);
    expect(messageOf(() => decodeModel(goldenBytes('bad/safetensors/hole.safetensors'), 'x'))).toMatch(/ERR_FORMAT.*x is not a valid safetensors file/);
    await expect(readModelFile(join(dir, 'absent'))).rejects.toThrow(/absent.*ENOENT/);
  });

  it.each([
    [{ formatVersion: undefined }, /Expected formatVersion/],
    [{ formatVersion: '0' }, /1 or higher/],
    [{ formatVersion: '1.5' }, /whole number for formatVersion/],
    [{ spec: undefined }, /Expected spec/],
    [{ spec: '{' }, /Expected JSON for spec/],
    [{ nablaVersion: undefined }, /Expected nablaVersion/],
    [{ numericsVersion: 'x' }, /whole number for numericsVersion/],
    [{ classNames: '{}' }, /list of text for classNames/],
    [{ classNames: '[1]' }, /list of text for classNames/],
    [{ metrics: '[]' }, /object of numbers for metrics/],
    [{ metrics: '{"a":"b"}' }, /number for the metric "a"/],
  ] as const)('refuses damaged metadata %j', (edits, says) => {
    expect(messageOf(() => decodeModel(changed(edits), 'x'))).toMatch(/ERR_FORMAT.*x is a damaged model file/);
    expect(messageOf(() => decodeModel(changed(edits), 'x'))).toMatch(says);
  });

  it('refuses tensors that are no weights', () => {
    const { metadata } = parseSafetensors(Buffer.concat(encodeModel('save', record)));
    const weights = { name: 'a', dtype: 'F32', shape: [1], data: new Float32Array(1) } as const;
    const file = (other: Parameters<typeof encodeSafetensors>[0][number]): Uint8Array => Buffer.concat(encodeSafetensors([weights, other], metadata));
    expect(messageOf(() => decodeModel(file({ name: 'b', dtype: 'I32', shape: [1], data: new Int32Array(1) })))).toMatch(/Expected F32 or F64 for "b", received I32/);
  });

  it('leaves the old file when the new one cannot be made', async () => {
    const path = join(dir, 'kept.safetensors');
    writeFileSync(path, 'old');
    const twice = { ...record, tensors: [...record.tensors, ...record.tensors] };
    await expect(writeModelFile('save', path, twice)).rejects.toThrow(/a name of its own/);
    expect(readFileSync(path, 'utf8')).toBe('old');
  });
});
