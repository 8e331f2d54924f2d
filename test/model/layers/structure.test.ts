import { describe, expect, it } from 'vitest';
import { layers, losses, regularizers, sequential } from '../../../src/index.js';
import { buildSpec } from '../../../src/model/build-spec.js';
import { checkLayer } from '../../../src/model/layers/layer.js';
import { resolveStructure } from '../../../src/model/layers/structure.js';

const list = [
  layers.input({ shape: [2, 3] }),
  layers.flatten(),
  layers.rescaling({ scale: 0.5, offset: -1 }),
  layers.dense({ units: 4, kernelRegularizer: regularizers.l2(0.1) }),
  layers.activation('tanh'),
  layers.dropout({ rate: 0.25 }),
  layers.dense({ units: 3, activation: 'softmax', learningRateFactor: 2, name: 'out' }),
].map((layer) => checkLayer('test', layer));

describe('resolveStructure', () => {
  const structure = resolveStructure('test', list);

  it('names layers, follows shapes and counts parameters', () => {
    expect(structure.rows).toEqual([
      { name: 'input', kind: 'InputLayer', outputShape: [2, 3], parameters: 0 },
      { name: 'flatten', kind: 'Flatten', outputShape: [6], parameters: 0 },
      { name: 'rescaling', kind: 'Rescaling', outputShape: [6], parameters: 0 },
      { name: 'dense', kind: 'Dense', outputShape: [4], parameters: 28 },
      { name: 'activation', kind: 'Activation', outputShape: [4], parameters: 0 },
      { name: 'dropout', kind: 'Dropout', outputShape: [4], parameters: 0 },
      { name: 'out', kind: 'Dense', outputShape: [3], parameters: 15 },
    ]);
    expect(structure).toMatchObject({ inputSize: 6, units: 3, lastActivation: 'softmax', parameters: 43 });
  });

  it('gives an activation layer to the dense layer before it, and twice Keras\' l2 to the backend', () => {
    expect(structure.specLayers).toEqual([
      { kind: 'flatten', name: 'flatten' },
      { kind: 'rescaling', name: 'rescaling', scale: 0.5, offset: -1 },
      { kind: 'dense', name: 'dense', units: 4, useBias: true, activation: { name: 'tanh' }, l2: 0.2, learningRateFactor: 1 },
      { kind: 'dropout', name: 'dropout', rate: 0.25 },
      { kind: 'dense', name: 'out', units: 3, useBias: true, activation: { name: 'softmax' }, l2: 0, learningRateFactor: 2 },
    ]);
  });

  it('reshapes what has as many numbers; a -1 is what is left', () => {
    const shaped = (...targets: number[][]) =>
      resolveStructure('test', [layers.input({ shape: [12] }), ...targets.map((targetShape) => layers.reshape({ targetShape })), layers.flatten(), layers.dense({ units: 2 })].map((layer) => checkLayer('test', layer)));
    expect(shaped([3, 4], [2, -1, 2], [-1]).rows.map((row) => row.outputShape)).toEqual([[12], [3, 4], [2, 3, 2], [12], [12], [2]]);
    expect(shaped([3, 4]).specLayers.map((layer) => layer.kind)).toEqual(['flatten', 'flatten', 'dense']);
    for (const wrong of [[5], [3, 5], [5, -1], [24, -1]]) {
      expect(() => shaped(wrong)).toThrow(expect.objectContaining({ code: 'ERR_SHAPE', message: expect.stringContaining('12 numbers') }));
    }
    // Between dense layers, and rows again before the next one.
    const between = [layers.dense({ units: 6, inputShape: [2] }), layers.reshape({ targetShape: [2, 3] }), layers.dense({ units: 1 })].map((layer) => checkLayer('test', layer));
    expect(() => resolveStructure('test', between)).toThrow(/layers\.flatten\(\) before "dense_1".* 2 x 3/);
  });

  it('numbers automatic names as Keras does, around given ones', () => {
    const dense = (name?: string) => checkLayer('test', layers.dense({ units: 1, inputShape: [1], ...(name === undefined ? {} : { name }) }));
    const { rows } = resolveStructure('test', [dense(), dense('dense_1'), dense(), dense()]);
    expect(rows.map((row) => row.name)).toEqual(['dense', 'dense_1', 'dense_2', 'dense_3']);
  });
});

describe('buildSpec', () => {
  const source = { structure: resolveStructure('test', list), optimizer: null, dtype: 'float32', seed: 1 } as const;
  const last = (spec: ReturnType<typeof buildSpec>) => spec.layers.at(-1);

  it('fuses a softmax with its cross-entropy: linear layer, head, loss of logits', () => {
    const spec = buildSpec('test', { ...source, loss: losses.sparseCategoricalCrossentropy({ labelSmoothing: 0.1 }) });
    expect(spec.head).toBe('softmax');
    expect(last(spec)).toMatchObject({ activation: { name: 'linear' } });
    expect(spec.loss).toEqual({ name: 'softmaxCrossEntropy', reduction: 'mean', labelSmoothing: 0.1, classWeights: null });
  });

  it('leaves a softmax in place for a regression loss', () => {
    const spec = buildSpec('test', { ...source, loss: losses.meanSquaredError({ reduction: 'sum' }) });
    expect(spec.head).toBe('none');
    expect(last(spec)).toMatchObject({ activation: { name: 'softmax' } });
    expect(spec.loss).toEqual({ name: 'meanSquaredError', reduction: 'sum' });
  });

  it('predicts with a head before compile', () => {
    const spec = buildSpec('test', { ...source, loss: null });
    expect(spec).toMatchObject({ head: 'softmax', loss: null, optimizer: null });
  });

  it('fuses a sigmoid, or logits that are said to be some', () => {
    const model = sequential({ backend: 'typescript' }, [layers.dense({ units: 2, inputShape: [1] })]);
    model.compile({ optimizer: 'sgd', loss: losses.binaryCrossentropy({ fromLogits: true, positiveWeights: [1, 2] }) });
    expect(model.spec.head).toBe('sigmoid');
    expect(model.spec.loss).toEqual({ name: 'sigmoidCrossEntropy', labelSmoothing: 0, reduction: 'mean', positiveWeights: [1, 2] });
    expect([...model.predictSync([0]).data]).toEqual([0.5, 0.5]);
  });
});

describe('summary', () => {
  it('is Keras\' table, and printed only when asked', () => {
    const model = sequential({ backend: 'typescript' }, list);
    expect(model.summary()).toBe(
      [
        'Model: "sequential"',
        '________________________________________________',
        'Layer (type)             Output Shape    Param #',
        '================================================',
        'input (InputLayer)       (null, 2, 3)          0',
        'flatten (Flatten)        (null, 6)             0',
        'rescaling (Rescaling)    (null, 6)             0',
        'dense (Dense)            (null, 4)            28',
        'activation (Activation)  (null, 4)             0',
        'dropout (Dropout)        (null, 4)             0',
        'out (Dense)              (null, 3)            15',
        '================================================',
        'Total params: 43',
        'Trainable params: 43',
        'Non-trainable params: 0',
        'Seed: 0 (the default; models with the same seed start with the same weights)',
      ].join('\n'),
    );
    expect(sequential([layers.dense({ units: 1000, inputShape: [1234] })]).summary()).toContain('Total params: 1,235,000');
    expect(sequential([layers.dense({ units: 1, inputShape: [2] })], { seed: 7 }).summary()).toMatch(/\nSeed: 7$/);
  });
});
