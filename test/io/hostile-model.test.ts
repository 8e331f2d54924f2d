import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isNablaError } from '../../src/base/errors.js';
import { runSync, type Flow } from '../../src/base/sync-async.js';
import { readModel, encodeModel } from '../../src/io/model-file.js';
import { loadModel, loadModelSync } from '../../src/io/model-io.js';
import { encodeSafetensors } from '../../src/io/safetensors.js';
import { modelFlow, sequentialFromRecord } from '../../src/model/from-record.js';
import { layers } from '../../src/model/layers/index.js';
import { sequential } from '../../src/model/sequential.js';
import { messageOf } from '../thrown.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-hostile-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const dense = (units: number, inputs: number) => ({
  kind: 'dense', name: 'd', units, activation: 'linear', useBias: false, kernelInitializer: { name: 'orthogonal', gain: 1 }, biasInitializer: { name: 'zeros' },
  l2: 0, learningRateFactor: 1, inputShape: [inputs],
});
const config = (units: number, inputs: number) => ({ layers: [dense(units, inputs)], dtype: 'float32', seed: 0, compile: null });

/** A file of a few hundred bytes. */
function small(name: string, units: number, inputs: number): string {
  const metadata = new Map([['format', 'nabla-model'], ['formatVersion', '1'], ['nablaVersion', '0.1.0'], ['numericsVersion', '1'], ['spec', JSON.stringify(config(units, inputs))]]);
  const bytes = Buffer.concat(encodeSafetensors([], metadata));
  expect(bytes.length).toBeLessThan(600);
  writeFileSync(join(dir, name), bytes);
  return join(dir, name);
}

// Drawing an orthogonal matrix of that size takes many minutes: a test that draws one does not end in its time.
describe.each([[5000, 5000], [1e9, 1e6], [1e12, 1e12]])('a model of %d x %d weights without its tensors', (units, inputs) => {
  const refusal = /^ERR_FORMAT \[loadModel(Sync)?\] .* cannot be made into a model: a record has one tensor a parameter\. Expected d\.weight, received 0 tensors\.$/;
  it('is refused before anything of its size is made', async () => {
    const path = small(`${units}.safetensors`, units, inputs);
    const error: unknown = await loadModel(path, { backend: 'typescript' }).catch((e: unknown) => e);
    if (!isNablaError(error)) throw error;
    expect(`${error.code} ${error.message}`).toMatch(refusal);
    expect(messageOf(() => loadModelSync(path, { backend: 'typescript' }))).toMatch(refusal);
    expect(messageOf(() => sequentialFromRecord({ formatVersion: 1, config: config(units, inputs), tensors: [] }))).toMatch(/^ERR_FORMAT \[sequentialFromRecord\]/);
    const tensors = [{ name: 'd.weight', shape: [units, inputs], data: new Float32Array(1) }];
    expect(messageOf(() => sequentialFromRecord({ formatVersion: 1, config: config(units, inputs), tensors }))).toMatch(/^ERR_FORMAT \[sequentialFromRecord\] a tensor has its parameter's shape/);
  });
});

describe('loading', () => {
  it('draws nothing: a model whose drawing would take minutes comes at once', () => {
    const data = new Float32Array(2500 * 2500).fill(0.5);
    const model = sequentialFromRecord({ formatVersion: 1, config: config(2500, 2500), tensors: [{ name: 'd.weight', shape: [2500, 2500], data }] }, { backend: 'typescript' });
    expect(model.getWeights()[0].every((value) => value === 0.5)).toBe(true);
    expect(model.toRecord().config.layers[0]).toMatchObject({ kernelInitializer: { name: 'orthogonal' } });
  });

  it('reads and looks through the numbers in pieces', () => {
    const made = sequential({ backend: 'typescript' }, [layers.dense({ units: 1500, inputShape: [1500], kernelInitializer: 'zeros' })]);
    const record = made.toRecord();
    record.tensors[0].data.forEach((_, i, data) => (data[i] = i));
    const bytes = Buffer.concat(encodeModel('save', record));
    const reads: number[] = [];
    const source = {
      size: bytes.length,
      // eslint-disable-next-line require-yield -- the bytes are here
      *read(into: Uint8Array, at: number): Flow<void> {
        reads.push(into.length);
        into.set(bytes.subarray(at, at + into.length));
      },
    };
    function* loaded() {
      return yield* modelFlow('loadModel', yield* readModel('loadModel', 'x', source), { backend: 'typescript' });
    }
    const [weights] = runSync(loaded()).getWeights();
    expect(weights.every((value, i) => value === i)).toBe(true);
    expect(reads.length).toBeGreaterThan(4);
    expect(Math.max(...reads)).toBeLessThanOrEqual(1 << 22);
  });

  it('names the number that is not finite, in any piece', async () => {
    const made = sequential({ backend: 'typescript' }, [layers.dense({ units: 1500, inputShape: [1500], kernelInitializer: 'zeros', name: 'd' })]);
    const record = made.toRecord();
    record.tensors[0].data[2_000_000] = NaN;
    const path = join(dir, 'nan.safetensors');
    writeFileSync(path, Buffer.concat(encodeModel('save', record)));
    await expect(loadModel(path, { backend: 'typescript' })).rejects.toMatchObject({ code: 'ERR_FORMAT', message: expect.stringContaining('Expected a finite number at 2000000 of d.weight, received NaN') });
  });
});
