import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNablaError } from '../../src/base/errors.js';
import { encodeModel } from '../../src/io/model-file.js';
import { loadModel, loadModelSync, saveModel, saveModelSync } from '../../src/io/model-io.js';
import { encodeSafetensors, parseSafetensors } from '../../src/io/safetensors.js';
import { layers } from '../../src/model/layers/index.js';
import type { ModelRecord } from '../../src/model/saving/record.js';
import { Sequential } from '../../src/model/sequential.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-model-io-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

async function errorOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isNablaError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  return 'nothing was thrown';
}

function model(dtype: 'float32' | 'float64' = 'float32'): Sequential {
  const made = new Sequential({ seed: 5, dtype, backend: 'typescript', classNames: ['a', 'b', 'c'] }, [
    layers.rescaling({ scale: 1 / 255, inputShape: [4] }),
    layers.dense({ units: 6, activation: 'tanh' }),
    layers.dropout({ rate: 0.25 }),
    layers.dense({ units: 3, activation: 'softmax', useBias: false }),
  ]);
  made.compile({ optimizer: { learningRate: 0.1, spec: { name: 'sgd', momentum: 0.9, nesterov: true, weightDecay: 0 } }, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  made.metrics['accuracy'] = 0.75;
  return made;
}
const x = Uint8Array.of(0, 50, 100, 255, 9, 8, 7, 6);

/** A file whose spec was edited as text. */
function withSpec(name: string, edit: (spec: string) => string): string {
  const { tensors, metadata } = parseSafetensors(Buffer.concat(encodeModel('save', model().toRecord())));
  const changed = new Map(metadata).set('spec', edit(metadata.get('spec') ?? ''));
  writeFileSync(join(dir, name), Buffer.concat(encodeSafetensors(tensors, changed)));
  return join(dir, name);
}

describe.each(['float32', 'float64'] as const)('a saved %s model', (dtype) => {
  it('comes back with its weights, names, settings and predictions', async () => {
    const path = join(dir, `${dtype}.safetensors`);
    const first = model(dtype);
    await saveModel(first, path);
    const second = await loadModel(path, { backend: 'typescript' });
    expect(second.toRecord()).toEqual(first.toRecord());
    expect(second.classNames).toEqual(['a', 'b', 'c']);
    expect(second.metrics).toEqual({ accuracy: 0.75 });
    expect(second.predictSync(x, { rows: 2 }).data).toEqual(first.predictSync(x, { rows: 2 }).data);
    saveModelSync(second.toRecord(), path);
    expect(loadModelSync(path, { backend: 'typescript' }).getWeights()).toEqual(first.getWeights());
  });
});

describe('loadModel', () => {
  it('names the file and what is wrong with its description', async () => {
    const edits: [string, (spec: string) => string, RegExp][] = [
      ['kind', (s) => s.replace('"kind":"dropout"', '"kind":"conv2d"'), /unknown layer.*received "conv2d"/],
      ['activation', (s) => s.replace('"activation":"tanh"', '"activation":"swosh"'), /unknown activation.*received "swosh"/],
      ['units', (s) => s.replace('"units":6', '"units":"6"'), /layers\[1\].units, received "6"/],
      ['size', (s) => s.replace('"units":6', '"units":7'), /Expected 7 x 4 for "dense.weight", received 6 x 4/],
      ['dtype', (s) => s.replace('"dtype":"float32"', '"dtype":"float64"'), /Expected float64 tensors as its spec says, received float32/],
      ['layers', () => '{"dtype":"float32","seed":1,"layers":{},"compile":null}', /layers, received an object/],
      ['layer', () => '{"dtype":"float32","seed":1,"layers":[null],"compile":null}', /layers\[0\], received null/],
      ['metrics', (s) => s.replace('"metrics":["accuracy"]', '"metrics":[1]'), /metric/],
      ['loss', (s) => s.replace('"sparseCategoricalCrossentropy"', '"hingle"'), /unknown loss.*received "hingle"/],
      ['initializer', (s) => s.replace(/"kernelInitializer":\{[^}]*\}/, '"kernelInitializer":null'), /initializer.*received null/],
      ['array', () => '[]', /Expected an object .*received Array\(0\)/],
      ['seed', (s) => s.replace('"seed":5', '"seed":-1'), /seed/],
    ];
    for (const [name, edit, says] of edits) {
      const path = withSpec(name, edit);
      const message = await errorOf(loadModel(path, { backend: 'typescript' }));
      expect(message).toMatch(/^ERR_FORMAT/);
      expect(message).toContain(path);
      expect(message).toMatch(says);
    }
  });

  it('refuses tensors that are missing or too many', async () => {
    const record = model().toRecord();
    const write = (name: string, tensors: ModelRecord['tensors']): string => {
      // Other programs write such files; saveModel does not.
      writeFileSync(join(dir, name), Buffer.concat(encodeModel('test', { ...record, tensors })));
      return join(dir, name);
    };
    expect(await errorOf(loadModel(write('few', record.tensors.slice(1))))).toMatch(/ERR_FORMAT.*one tensor a parameter/);
    expect(await errorOf(loadModel(write('many', [...record.tensors, { name: 'more', shape: [1], data: new Float32Array(1) }])))).toMatch(/ERR_FORMAT.*received 4 tensors/);
    expect(await errorOf(loadModel(write('renamed', record.tensors.map((t, i) => (i === 0 ? { ...t, name: 'other' } : t)))))).toMatch(/ERR_FORMAT.*other/);
  });

  it("blames wrong options on the caller, and says where a file is not", async () => {
    const path = join(dir, 'ok.safetensors');
    await saveModel(model(), path);
    // @ts-expect-error there is no such backend
    expect(await errorOf(loadModel(path, { backend: 'gpu' }))).toMatch(/^ERR_OPTION/);
    expect(await errorOf(loadModel(join(dir, 'absent'), { backend: 'typescript' }))).toMatch(/^ERR_FILE.*absent/);
  });

  it('writes no record that could not be read again', async () => {
    const path = join(dir, 'never.safetensors');
    const record = new Sequential({}, [layers.dense({ units: 1, inputShape: [1] })]).toRecord();
    for (const bad of [{}, { formatVersion: 1 }, { ...record, config: null }, { ...record, tensors: [] }, { ...record, tensors: record.tensors.map((t) => ({ ...t, shape: [7] })) }]) {
      expect(() => { Reflect.apply(saveModelSync, null, [bad, path]); }).toThrow(expect.objectContaining({ name: 'NablaError', message: expect.stringMatching(/^\[saveModelSync\]/u) as unknown }));
      await expect(Reflect.apply(saveModel, null, [bad, path])).rejects.toMatchObject({ name: 'NablaError' });
      expect(existsSync(path)).toBe(false);
    }
    saveModelSync(record, path);
    expect(loadModelSync(path).toRecord().tensors).toEqual(record.tensors);
  });
});
