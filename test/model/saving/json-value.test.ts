import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { layers, loadModel, loadModelSync, saveModelSync, sequential, sequentialFromRecord, type Sequential } from '../../../src/index.js';
import { encodeModel } from '../../../src/io/model-file.js';
import { encodeSafetensors, parseSafetensors } from '../../../src/io/safetensors.js';
import { checkJson } from '../../../src/model/saving/json-value.js';
import { messageOf } from '../../thrown.js';

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'nabla-extra-'));
});
afterAll(() => rmSync(dir, { recursive: true }));

const small = (): Sequential => sequential({ backend: 'typescript' }, [layers.dense({ units: 1, inputShape: [2] })]);
const options = { backend: 'typescript' } as const;
const extra = { customer: 17, notes: ['first', null, true, { deep: 'Hündin' }], __proto: -1.5 };

describe('extra', () => {
  it('is kept in the file and by later saves', async () => {
    const path = join(dir, 'a.safetensors');
    const model = small();
    await model.save(path, { extra });
    expect(model.extra).toBeUndefined();
    const again = await loadModel(path, options);
    expect(again.extra).toEqual(extra);
    await again.save(path);
    expect(loadModelSync(path, options).extra).toEqual(extra);
    again.extra = 'another';
    expect(again.clone().extra).toBe('another');
    saveModelSync(again, path);
    expect(loadModelSync(path, options).extra).toBe('another');
    expect(sequentialFromRecord(again.toRecord({ extra: [1] }), options).extra).toEqual([1]);
  });

  it.each<[string, unknown, RegExp]>([
    ['NaN', { a: NaN }, /^ERR_TYPE .*received NaN/],
    ['a date', new Date(), /^ERR_TYPE .*received a Date/],
    ['a map', { a: new Map() }, /^ERR_TYPE .*received a Map/],
    ['a function', { a: () => undefined }, /^ERR_TYPE .*received function/],
    ['a hole', Array(1e9), /^ERR_TYPE .*received undefined/],
    ['a BigInt', [1n], /^ERR_TYPE .*received 1n/],
    ['long text', 'x'.repeat(1_000_001), /^ERR_RANGE .*at most 1000000 characters/],
    ['many numbers', Array.from({ length: 600_000 }, () => 1), /^ERR_RANGE/],
  ])('refuses %s', (_what, value, text) => {
    expect(messageOf(() => checkJson('save', 'extra', value))).toMatch(text);
  });

  it('refuses an object in itself', () => {
    const round: Record<string, unknown> = {};
    round['self'] = round;
    expect(messageOf(() => checkJson('save', 'extra', round))).toMatch(/^ERR_RANGE .*at most 100 levels/);
  });

  it.each(['{', '['.repeat(200) + ']'.repeat(200)])('refuses a file with malformed data %#', async (text) => {
    const { tensors, metadata } = parseSafetensors(Buffer.concat(encodeModel('save', small().toRecord())));
    const path = join(dir, 'bad.safetensors');
    writeFileSync(path, Buffer.concat(encodeSafetensors(tensors, new Map(metadata).set('extra', text))));
    await expect(loadModel(path, options)).rejects.toMatchObject({ code: 'ERR_FORMAT', message: expect.stringMatching(/^\[loadModel\] .*bad\.safetensors is a damaged model file/) });
  });
});
