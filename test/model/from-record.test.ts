import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layers, losses, optimizers, regularizers, sequential, sequentialFromRecord, Sequential, type ModelRecord } from '../../src/index.js';
import { classifier, flat, samples } from './support.js';

const { x, y } = samples(20);
/** The call of a program without types. */
function fromAnything(...args: unknown[]): Sequential {
  const made: unknown = Reflect.apply(sequentialFromRecord, undefined, args);
  if (made instanceof Sequential) return made;
  throw new Error('no model came out');
}

describe('sequentialFromRecord', () => {
  it('gives back what toRecord described, through JSON too', () => {
    const activation = fc.constantFrom('linear' as const, 'relu' as const, 'sigmoid' as const, 'tanh' as const);
    const hidden = fc.record({ units: fc.integer({ min: 1, max: 9 }), activation, useBias: fc.boolean(), l2: fc.constantFrom(0, 0.01), rate: fc.constantFrom(0, 0.5), factor: fc.constantFrom(1, 0.1) });
    fc.assert(
      fc.property(fc.array(hidden, { maxLength: 3 }), fc.nat(), fc.constantFrom('float32' as const, 'float64' as const), fc.boolean(), (middle, seed, dtype, compiled) => {
        const model = sequential({ seed, dtype, backend: 'typescript', classNames: ['a', 'b', 'c', 'd'] }, [
          layers.reshape({ targetShape: [1, -1, 1], inputShape: [3, 1] }),
          layers.flatten(),
          layers.rescaling({ scale: 2, offset: 0.5 }),
          ...middle.flatMap(({ units, activation: name, useBias, l2, rate, factor }) => [
            layers.dense({ units, useBias, kernelRegularizer: l2 === 0 ? null : regularizers.l2(l2), learningRateFactor: factor, kernelInitializer: 'heNormal' }),
            layers.activation(name),
            ...(rate === 0 ? [] : [layers.dropout({ rate })]),
          ]),
          layers.dense({ units: 4, activation: 'softmax', biasInitializer: 'ones' }),
        ]);
        if (compiled) {
          model.compile({ optimizer: optimizers.adam({ learningRate: 0.02 }), loss: losses.sparseCategoricalCrossentropy({ labelSmoothing: 0.1, classWeights: [1, 2, 3, 4] }), metrics: ['accuracy'] });
          model.fitSync(x, y);
        }
        model.metrics['testAccuracy'] = 0.5;
        const record = model.toRecord();
        const again = sequentialFromRecord({ ...record, config: JSON.parse(JSON.stringify(record.config)) }, { backend: 'typescript' });
        expect(again.toRecord()).toEqual(record);
        expect([...again.predictSync(x).data]).toEqual([...model.predictSync(x).data]);
        expect(again.spec).toEqual(model.spec);
        if (compiled) expect(again.evaluateSync(x, y)).toEqual(model.evaluateSync(x, y));
      }),
      { numRuns: 40 },
    );
  });

  it.each(['float32', 'float64'] as const)('takes a %s record that went through JSON, with everything in it', (dtype) => {
    const model = sequential({ seed: 3, dtype, backend: 'typescript', classNames: ['a', 'b', 'c', 'd'] }, [
      layers.dense({ units: 5, activation: 'relu', inputShape: [3] }), layers.batchNormalization(), layers.dense({ units: 4, activation: 'softmax' }),
    ]);
    model.compile({ optimizer: optimizers.adam({ learningRate: 0.02 }), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    model.fitSync(x, y, { epochs: 2 });
    model.metrics['testAccuracy'] = 0.5;
    const record = model.toRecord({ includeOptimizer: true });
    const again = fromAnything(JSON.parse(JSON.stringify(record)), { backend: 'typescript' });
    expect(again.toRecord({ includeOptimizer: true })).toEqual(record);
    for (const trained of [model, again]) trained.fitSync(x, y, { epochs: 4, initialEpoch: 2 });
    expect(again.getWeights()).toEqual(model.getWeights());
    // JSON has no NaN.
    model.metrics['lost'] = NaN;
    expect(fromAnything(JSON.parse(JSON.stringify(model.toRecord())), { backend: 'typescript' }).metrics).toEqual({ testAccuracy: 0.5, lost: NaN });
  });

  it('makes arrays of its own', () => {
    const record = classifier({ seed: 1, backend: 'typescript' }).toRecord({ includeOptimizer: true });
    const model = sequentialFromRecord(record, { backend: 'typescript' });
    const before = flat(model);
    record.tensors[0].data.fill(9);
    expect(flat(model)).toEqual(before);
  });

  it('keeps initial arrays as what they are: stored weights', () => {
    const model = sequential([layers.dense({ units: 1, inputShape: [2], weights: [[[1, 2]], [3]] })]);
    const again = sequentialFromRecord(model.toRecord());
    expect(flat(again)).toEqual([1, 2, 3]);
  });

  it('can evaluate but not train where the learning rate was a function', () => {
    const model = sequential({ backend: 'typescript' }, [layers.dense({ units: 1, inputShape: [1] })]);
    model.compile({ optimizer: optimizers.sgd({ learningRate: () => 0.1 }), loss: 'mse' });
    const again = sequentialFromRecord(model.toRecord(), { backend: 'typescript' });
    expect(again.evaluateSync([1], [2])).toEqual(model.evaluateSync([1], [2]));
    expect(() => again.fitSync([1], [2])).toThrow(expect.objectContaining({ code: 'ERR_STATE', message: expect.stringContaining('learning rate function') }));
    again.compile({ optimizer: 'sgd', loss: 'mse' });
    again.fitSync([1], [2]);
  });

  const record = (): ModelRecord => classifier({ seed: 1, backend: 'typescript' }).toRecord();
  interface Editable { dtype: unknown; layers: Record<string, unknown>[]; compile: Record<string, unknown> }
  const edited = (edit: (config: Editable) => void): unknown => {
    const { layers: list, compile, dtype, seed } = record().config;
    const config = { seed, dtype, layers: list.map((layer) => ({ ...layer })), compile: { ...compile } };
    edit(config);
    return config;
  };
  it.each<[what: string, record: unknown]>([
    ['nothing', undefined], ['null', null], ['a number', 5], ['a list', []], ['a function', () => undefined], ['an empty object', {}],
    ...[undefined, null, 5, {}, 'tensors', [null], [5], [{}], [[]]].map((tensors): [string, unknown] => [`tensors ${JSON.stringify(tensors)}`, { ...record(), tensors }]),
    ...[undefined, null, 5, '3', {}, [null], ['7', '3'], [7.5, 3], [-7, -3], [NaN, 3], [7, 3, 1], [[7, 3]]].map((shape): [string, unknown] => [`shape ${JSON.stringify(shape)}`, { ...record(), tensors: record().tensors.map((t) => ({ ...t, shape })) }]),
    ...[undefined, null, 5, 'data', {}, [], ['a'], { 0: 1, 2: 3 }, new BigInt64Array(21), new DataView(new ArrayBuffer(21)), [[1]], Array(21)].map((data, i): [string, unknown] => [`data ${i}`, { ...record(), tensors: record().tensors.map((t) => ({ ...t, data })) }]),
    ...[null, 5, 'a', {}, [5]].map((names): [string, unknown] => [`class names ${JSON.stringify(names)}`, { ...record(), classNames: names }]),
    ...[null, 5, 'a', [], { a: 'b' }].map((metrics): [string, unknown] => [`metrics ${JSON.stringify(metrics)}`, { ...record(), metrics }]),
    ...[null, 5, [], {}, { step: 1 }, { step: 1, nextEpoch: 1, learningRate: 1, slots: 5 }, { step: 1, nextEpoch: 1, learningRate: 1, slots: { a: 5 } }, { step: 1, nextEpoch: 1, learningRate: 1, slots: { a: [1] } }].map((state): [string, unknown] => [`state ${JSON.stringify(state)}`, { ...record(), optimizerState: state }]),
  ])('refuses %s as sequentialFromRecord', (_what, value) => {
    expect(() => fromAnything(value)).toThrow(expect.objectContaining({ name: 'NablaError', code: expect.stringMatching(/^ERR_(FORMAT|SHAPE|TYPE|OPTION)$/), message: expect.stringMatching(/^\[sequentialFromRecord\]/) }));
  });

  it('refuses options it does not have', () => {
    expect(() => fromAnything(record(), { seed: 3 })).toThrow(expect.objectContaining({ code: 'ERR_OPTION' }));
    expect(() => fromAnything(record(), 5)).toThrow(expect.objectContaining({ code: 'ERR_TYPE' }));
  });

  it.each<[what: string, code: string, text: RegExp, change: () => object]>([
    ['a newer version', 'ERR_VERSION', /newer nabla/, () => ({ formatVersion: 2 })],
    ['no version', 'ERR_FORMAT', /received undefined/, () => ({ formatVersion: undefined })],
    ['no description', 'ERR_FORMAT', /object for config, received null/, () => ({ config: null })],
    ['layers that are none', 'ERR_FORMAT', /array for config\.layers/, () => ({ config: edited((config) => Object.assign(config, { layers: 5 })) })],
    ['an unknown layer', 'ERR_OPTION', /unknown layer.*received "conv2d"/, () => ({ config: edited((config) => { config.layers[0]['kind'] = 'conv2d'; }) })],
    ['an unknown activation', 'ERR_OPTION', /unknown activation.*received "gulu"/, () => ({ config: edited((config) => { config.layers[0]['activation'] = 'gulu'; }) })],
    ['units in words', 'ERR_FORMAT', /number for config\.layers\[0\]\.units, received "7"/, () => ({ config: edited((config) => { config.layers[0]['units'] = '7'; }) })],
    ['an unknown constraint', 'ERR_OPTION', /unknown constraint.*received "bound"/, () => ({ config: edited((config) => { config.layers[0]['kernelConstraint'] = 'bound'; }) })],
    ['a penalty in words', 'ERR_FORMAT', /number for config\.layers\[0\]\.l1, received "1"/, () => ({ config: edited((config) => { config.layers[0]['l1'] = '1'; }) })],
    ['two ways of clipping', 'ERR_OPTION', /clipped in one way/, () => ({ config: edited((config) => { config.compile['optimizer'] = { name: 'sgd', learningRate: 0.1, clipvalue: 1, clipnorm: 1 }; }) })],
    ['an unknown type', 'ERR_OPTION', /float32, float64, received "int8"/, () => ({ config: edited((config) => { config.dtype = 'int8'; }) })],
    ['an unknown loss', 'ERR_OPTION', /unknown loss/, () => ({ config: edited((config) => { config.compile['loss'] = { name: 'hingle' }; }) })],
    ['a missing tensor', 'ERR_FORMAT', /received 3 tensors/, () => ({ tensors: record().tensors.slice(1) })],
    ['a tensor of another name', 'ERR_FORMAT', /named "dense\.weight", received W, /, () => ({ tensors: record().tensors.map((tensor, i) => (i === 0 ? { ...tensor, name: 'W' } : tensor)) })],
    ['a tensor of another shape', 'ERR_FORMAT', /Expected 7 x 3 for "dense\.weight", received 3 x 7/, () => ({ tensors: record().tensors.map((tensor, i) => (i === 0 ? { ...tensor, shape: [3, 7] } : tensor)) })],
    ['weights that are not finite', 'ERR_NON_FINITE', /dense\.bias, received NaN/, () => ({ tensors: record().tensors.map((tensor, i) => (i === 1 ? { ...tensor, data: new Float32Array(7).fill(NaN) } : tensor)) })],
  ])('refuses %s', (_what, code, text, change) => {
    expect(() => sequentialFromRecord({ ...record(), ...change() })).toThrow(expect.objectContaining({ code, message: expect.stringMatching(text) }));
  });
});
