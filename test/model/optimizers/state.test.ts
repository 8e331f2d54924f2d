// A training that is stopped, written down and taken up again ends with the bytes of one that went through.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  callbacks, layers, loadModel, loadModelSync, optimizers, regularizers, saveModel, schedules, sequential, sequentialFromRecord, type DType, type Optimizer, type OptimizerState, type Sequential, type SequentialOptions,
} from '../../../src/index.js';
import { encodeModel } from '../../../src/io/model-file.js';
import { encodeSafetensors, parseSafetensors, type SafetensorsTensor } from '../../../src/io/safetensors.js';
import { backends, dtypes, flat, samples } from '../support.js';

const folder = mkdtempSync(join(tmpdir(), 'nabla-state-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;
const fresh = (): string => join(folder, `${files++}.safetensors`);

const data = samples(50);
function model(optimizer: Optimizer, options: SequentialOptions, dropout = 0.25): Sequential {
  const made = sequential({ seed: 11, ...options }, [
    layers.dense({ units: 7, activation: 'tanh', inputShape: [3], kernelRegularizer: regularizers.l2(1e-3) }),
    ...(dropout === 0 ? [] : [layers.dropout({ rate: dropout })]),
    layers.dense({ units: 4, activation: 'softmax', useBias: false }),
  ]);
  made.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
  return made;
}

/** Every optimizer, and every one of its slots. */
const every: readonly (readonly [name: string, make: () => Optimizer, slots: readonly string[]])[] = [
  ['sgd', () => optimizers.sgd({ learningRate: 0.1 }), []],
  ['sgd, nesterov', () => optimizers.sgd({ learningRate: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.01 }), ['momentum']],
  ['sgd, a schedule', () => optimizers.sgd({ learningRate: schedules.cosineDecay({ initialLearningRate: 0.5, decaySteps: 40 }), momentum: 0.5 }), ['momentum']],
  ['adam', () => optimizers.adam({ learningRate: 0.02 }), ['firstMoment', 'secondMoment']],
  ['adam, amsgrad', () => optimizers.adam({ amsgrad: true }), ['firstMoment', 'secondMoment', 'largestSecondMoment']],
  ['adamW', () => optimizers.adamW({ weightDecay: 0.1 }), ['firstMoment', 'secondMoment']],
  ['rmsprop', () => optimizers.rmsprop(), ['meanSquare']],
  ['rmsprop, all', () => optimizers.rmsprop({ centered: true, momentum: 0.5 }), ['meanSquare', 'meanGradient', 'momentum']],
  ['adagrad', () => optimizers.adagrad({ initialAccumulatorValue: 0.1 }), ['sumOfSquares']],
  ['adadelta', () => optimizers.adadelta(), ['meanSquare', 'meanSquareStep']],
  ['adamax', () => optimizers.adamax(), ['firstMoment', 'largestGradient']],
  ['lion', () => optimizers.lion(), ['momentum']],
  ['nadam', () => optimizers.nadam({ weightDecay: 0.01 }), ['firstMoment', 'secondMoment']],
  ['nadam, clipped', () => optimizers.nadam({ globalClipnorm: 0.1 }), ['firstMoment', 'secondMoment']],
];
it('has every optimizer', () => {
  const names = new Set([...every.map(([name]) => name.split(',')[0]), 'lbfgs']);
  expect([...names].sort()).toEqual(Object.keys(optimizers).sort());
});

describe.each(backends.flatMap((backend) => dtypes.map((dtype) => ({ backend, dtype }))))('2 epochs, a file, 3 epochs = 5 epochs, $backend $dtype', ({ backend, dtype }) => {
  it.each(every)('%s', async (_name, make, slots) => {
    const whole = model(make(), { backend, dtype });
    const all = await whole.fit(data.x, data.y, { epochs: 5, batchSize: 16 });
    const first = model(make(), { backend, dtype });
    await first.fit(data.x, data.y, { epochs: 2, batchSize: 16 });
    const path = fresh();
    await first.save(path, { includeOptimizer: true });
    const second = await loadModel(path, { backend });
    expect(second.nextEpoch).toBe(2);
    expect(second.step).toBe(first.step);
    expect(Object.keys(second.getOptimizerState().slots)).toEqual(slots);
    expect(second.getOptimizerState()).toEqual(first.getOptimizerState());
    expect(second.toRecord({ includeOptimizer: true })).toEqual(first.toRecord({ includeOptimizer: true }));
    const rest = await second.fit(data.x, data.y, { epochs: 5, initialEpoch: second.nextEpoch, batchSize: 16 });
    expect(flat(second)).toEqual(flat(whole));
    expect(second.getOptimizerState()).toEqual(whole.getOptimizerState());
    expect(rest.history['loss']).toEqual(all.history['loss'].slice(2));
    // Without the state it would not be the same: the masks and the order begin anew.
    const path2 = fresh();
    await first.save(path2);
    const forgetful = await loadModel(path2, { backend });
    expect([forgetful.step, forgetful.nextEpoch]).toEqual([0, 0]);
    await forgetful.fit(data.x, data.y, { epochs: 5, initialEpoch: 2, batchSize: 16 });
    expect(flat(forgetful)).not.toEqual(flat(whole));
  });

  it('lbfgs', async () => {
    const whole = model(optimizers.lbfgs({ historySize: 4 }), { backend, dtype }, 0);
    await whole.fit(data.x, data.y, { epochs: 14 });
    for (const stop of [0, 2, 9]) {
      const first = model(optimizers.lbfgs({ historySize: 4 }), { backend, dtype }, 0);
      await first.fit(data.x, data.y, { epochs: stop });
      const path = fresh();
      await first.save(path, { includeOptimizer: true });
      const second = await loadModel(path, { backend });
      expect(Object.keys(second.getOptimizerState().slots)).toHaveLength(2 * Math.min(stop, 4));
      await second.fit(data.x, data.y, { epochs: 14, initialEpoch: second.nextEpoch });
      expect(flat(second)).toEqual(flat(whole));
      expect(second.getOptimizerState()).toEqual(whole.getOptimizerState());
    }
  });
});

it.each(backends)('moving statistics go on, too: %s', async (backend) => {
  const make = (): Sequential => {
    const made = sequential({ seed: 3, backend }, [
      layers.dense({ units: 6, inputShape: [3] }), layers.batchNormalization(), layers.prelu(), layers.gaussianNoise({ stddev: 0.1 }), layers.layerNormalization(),
      layers.dense({ units: 4, activation: 'softmax', kernelConstraint: 'maxNorm' }),
    ]);
    made.compile({ optimizer: optimizers.adam({ globalClipnorm: 1 }), loss: 'sparseCategoricalCrossentropy' });
    return made;
  };
  const whole = make();
  whole.fitSync(data.x, data.y, { epochs: 5, batchSize: 25 });
  const first = make();
  first.fitSync(data.x, data.y, { epochs: 2, batchSize: 25 });
  const path = fresh();
  await first.save(path, { includeOptimizer: true });
  const second = loadModelSync(path, { backend });
  const third = make();
  third.setWeights(first.getWeights());
  third.setOptimizerState(first.getOptimizerState());
  for (const each of [first, second, third]) {
    each.fitSync(data.x, data.y, { epochs: 5, initialEpoch: 2, batchSize: 25 });
    expect(flat(each)).toEqual(flat(whole));
    expect([...each.predictSync(data.x).data]).toEqual([...whole.predictSync(data.x).data]);
  }
});

describe.skipIf(backends.length === 1)('from one backend to the other', () => {
  it.each(every)('%s, float64: the same bytes', async (_name, make) => {
    const options = { dtype: 'float64' as const };
    const native = { ...options, backend: 'native' as const, isa: 'baseline' as const };
    const whole = model(make(), { ...options, backend: 'typescript' });
    whole.fitSync(data.x, data.y, { epochs: 4, batchSize: 16 });
    for (const [from, to] of [['typescript', 'native'], ['native', 'typescript']] as const) {
      const first = model(make(), from === 'native' ? native : { ...options, backend: 'typescript' });
      first.fitSync(data.x, data.y, { epochs: 2, batchSize: 16 });
      const path = fresh();
      await saveModel(first, path, { includeOptimizer: true });
      const second = loadModelSync(path, to === 'native' ? { backend: 'native', isa: 'baseline' } : { backend: 'typescript' });
      second.fitSync(data.x, data.y, { epochs: 4, initialEpoch: second.nextEpoch, batchSize: 16 });
      expect(flat(second)).toEqual(flat(whole));
    }
  });
});

const adam = (dtype: DType = 'float32'): Sequential => model(optimizers.adam(), { backend: 'typescript', dtype });

describe('getOptimizerState and setOptimizerState', () => {
  it('are a training taken to another model', () => {
    for (const backend of backends) {
      const one = model(optimizers.adam(), { backend });
      one.fitSync(data.x, data.y, { epochs: 2 });
      const other = model(optimizers.adam(), { backend });
      if (backend === 'native') other.predictSync(data.x);
      other.setWeights(one.getWeights());
      other.setOptimizerState(one.getOptimizerState());
      for (const each of [one, other]) each.fitSync(data.x, data.y, { epochs: 4, initialEpoch: each.nextEpoch });
      expect(flat(other)).toEqual(flat(one));
    }
  });

  it('are copies', () => {
    const one = adam();
    one.fitSync(data.x, data.y);
    const state = one.getOptimizerState();
    const before = structuredClone(state);
    one.setOptimizerState(state);
    state.slots['firstMoment'][0].fill(9);
    expect(one.getOptimizerState()).toEqual(before);
    one.getOptimizerState().slots['firstMoment'][0].fill(9);
    expect(one.getOptimizerState()).toEqual(before);
  });

  it('hold what slots begin with before the first update', () => {
    const made = model(optimizers.adagrad({ initialAccumulatorValue: 0.5 }), { backend: 'typescript' });
    const { slots, ...rest } = made.getOptimizerState();
    expect(rest).toEqual({ step: 0, nextEpoch: 0, learningRate: 0.01 });
    expect(slots['sumOfSquares'].map((array) => [array.length, array[0]])).toEqual([[21, 0.5], [7, 0.5], [28, 0.5]]);
  });

  it('know a learning rate that was changed, in the file too; null leaves it', async () => {
    const one = adam();
    one.fitSync(data.x, data.y, { epochs: 4, callbacks: callbacks.reduceLROnPlateau({ monitor: 'loss', mode: 'max', patience: 0, factor: 0.5 }) });
    expect(one.learningRate).toBeLessThan(0.001);
    const path = fresh();
    await one.save(path, { includeOptimizer: true });
    expect((await loadModel(path)).learningRate).toBe(one.learningRate);
    const other = adam();
    other.setOptimizerState(one.getOptimizerState());
    expect(other.learningRate).toBe(one.learningRate);
    other.setOptimizerState({ ...one.getOptimizerState(), learningRate: null });
    expect(other.learningRate).toBe(one.learningRate);
    const scheduled = model(optimizers.sgd({ learningRate: (step) => 1 / (1 + step) }), { backend: 'typescript' });
    expect(scheduled.getOptimizerState().learningRate).toBeNull();
  });

  it('say in a hook of the epoch that it is done; compile begins anew', async () => {
    const made = adam();
    const seen: number[] = [];
    const path = fresh();
    await made.fit(data.x, data.y, { epochs: 3, callbacks: { onEpochBegin: () => void seen.push(made.nextEpoch), onEpochEnd: async (epoch) => { seen.push(made.getOptimizerState().nextEpoch); if (epoch === 1) await made.save(path, { includeOptimizer: true }); } } });
    expect(seen).toEqual([0, 1, 1, 2, 2, 3]);
    const again = await loadModel(path, { backend: 'typescript' });
    again.fitSync(data.x, data.y, { epochs: 3, initialEpoch: again.nextEpoch });
    expect(flat(again)).toEqual(flat(made));
    // Epochs of one step each go over in one call.
    made.fitSync(data.x, data.y, { epochs: 9, initialEpoch: 3, batchSize: 50 });
    expect(made.nextEpoch).toBe(9);
    made.compile({ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy' });
    expect([made.nextEpoch, made.step]).toEqual([0, 0]);
  });

  const state = (): OptimizerState => adam().getOptimizerState();
  it.each<[string, string, RegExp, () => unknown]>([
    ['nothing', 'ERR_TYPE', /options are an object/, () => null],
    ['unknown members', 'ERR_OPTION', /step, nextEpoch, learningRate, slots, received "iterations"/, () => ({ ...state(), iterations: 3 })],
    ['half a step', 'ERR_RANGE', /step/, () => ({ ...state(), step: 0.5 })],
    ['no epoch', 'ERR_TYPE', /nextEpoch, received undefined/, () => ({ step: 0, learningRate: null, slots: {} })],
    ['a negative rate', 'ERR_RANGE', /learningRate/, () => ({ ...state(), learningRate: -1 })],
    ['no slots', 'ERR_TYPE', /object of lists of arrays for slots/, () => ({ ...state(), slots: [] })],
    ["another optimizer's slots", 'ERR_OPTION', /Expected firstMoment, secondMoment \(adam\) for slots, received momentum/, () => ({ ...state(), slots: { momentum: [] } })],
    ['too many slots', 'ERR_OPTION', /received firstMoment, secondMoment, third/, () => ({ ...state(), slots: { ...state().slots, third: [] } })],
    ['too few arrays', 'ERR_SHAPE', /3 arrays for slots\.secondMoment, received Array\(2\)/, () => ({ ...state(), slots: { ...state().slots, secondMoment: state().slots['secondMoment'].slice(1) } })],
    ['another shape', 'ERR_SHAPE', /slots\.firstMoment of dense\.weight/, () => ({ ...state(), slots: { ...state().slots, firstMoment: state().slots['firstMoment'].map((array) => new Float32Array(array.length + 7)) } })],
    ['NaN', 'ERR_NON_FINITE', /slots\.firstMoment of dense\.weight/, () => ({ ...state(), slots: { ...state().slots, firstMoment: state().slots['firstMoment'].map((array) => array.slice().fill(NaN)) } })],
  ])('refuse %s, changing nothing', (_what, code, text, make) => {
    const made = adam();
    made.fitSync(data.x, data.y);
    const before = made.toRecord({ includeOptimizer: true });
    expect(() => { Reflect.apply(made.setOptimizerState, made, [make()]); }).toThrow(expect.objectContaining({ code, message: expect.stringMatching(text) }));
    expect(made.toRecord({ includeOptimizer: true })).toEqual(before);
  });

  it("refuse pairs of lbfgs that are none's", () => {
    const made = model(optimizers.lbfgs({ historySize: 2 }), { backend: 'typescript' }, 0);
    made.fitSync(data.x, data.y, { epochs: 4 });
    const good = made.getOptimizerState();
    const { move0, ...others } = good.slots;
    const refused = (slots: OptimizerState['slots'], code: string, text: RegExp): void => {
      expect(() => { made.setOptimizerState({ ...good, slots }); }).toThrow(expect.objectContaining({ code, message: expect.stringMatching(text) }));
      expect(made.getOptimizerState()).toEqual(good);
    };
    refused(others, 'ERR_OPTION', /move0, gradientChange0, move1, gradientChange1 \(lbfgs\)/);
    refused({ ...good.slots, move2: move0, gradientChange2: move0 }, 'ERR_OPTION', /Expected move0, .*gradientChange1 \(lbfgs\)/);
    refused({ ...good.slots, move0: move0.map((array) => array.map((value) => -value)) }, 'ERR_RANGE', /same way/);
  });

  it('need a compiled model at rest', async () => {
    const bare = sequential({ backend: 'typescript' }, [layers.dense({ units: 1, inputShape: [1] })]);
    expect(() => bare.getOptimizerState()).toThrow(expect.objectContaining({ code: 'ERR_STATE' }));
    expect(() => bare.toRecord({ includeOptimizer: true })).toThrow(expect.objectContaining({ code: 'ERR_STATE' }));
    await expect(bare.save(fresh(), { includeOptimizer: true })).rejects.toMatchObject({ code: 'ERR_STATE' });
    const made = adam();
    const other = state();
    const running = made.fit(data.x, data.y, { callbacks: { onEpochEnd: () => { made.setOptimizerState(other); } } });
    await expect(running).rejects.toMatchObject({ code: 'ERR_BUSY' });
  });
});

describe('files', () => {
  const bytes = (made: Sequential): { tensors: SafetensorsTensor[]; metadata: Map<string, string> } => {
    const { tensors, metadata } = parseSafetensors(Buffer.concat(encodeModel('save', made.toRecord({ includeOptimizer: true }))));
    return { tensors: [...tensors], metadata: new Map(metadata) };
  };
  it('name the arrays after their slots and parameters', () => {
    const { tensors, metadata } = bytes(adam());
    expect(tensors.map(({ name, shape }) => `${name} ${shape.join()}`)).toEqual([
      'dense.weight 7,3', 'dense.bias 7', 'dense_1.weight 4,7',
      ...['first', 'second'].flatMap((moment) => ['dense.weight 7,3', 'dense.bias 7', 'dense_1.weight 4,7'].map((tensor) => `optimizer/${moment}Moment/${tensor}`)),
    ]);
    expect(JSON.parse(metadata.get('optimizer') ?? '')).toEqual({ step: 0, nextEpoch: 0, learningRate: 0.001, slots: ['firstMoment', 'secondMoment'] });
  });

  it('without the state are what they were', () => {
    const made = adam();
    const plain = Buffer.concat(encodeModel('save', made.toRecord()));
    made.fitSync(data.x, data.y);
    made.setWeights(adam().getWeights());
    expect(Buffer.concat(encodeModel('save', made.toRecord())).equals(plain)).toBe(true);
  });

  const edited = (edit: (file: ReturnType<typeof bytes>) => void): string => {
    const made = adam();
    made.fitSync(data.x, data.y);
    const file = bytes(made);
    edit(file);
    const path = fresh();
    writeFileSync(path, Buffer.concat(encodeSafetensors(file.tensors, file.metadata)));
    return path;
  };
  const withMetadata = (change: Record<string, unknown>): string => edited(({ metadata }) => {
    const held: unknown = JSON.parse(metadata.get('optimizer') ?? '');
    metadata.set('optimizer', JSON.stringify({ ...(typeof held === 'object' ? held : {}), ...change }));
  });
  it.each<[string, RegExp, () => string]>([
    ['a missing array', /named "optimizer\/firstMoment\/dense.weight", received none/, () => edited(({ tensors }) => { tensors.splice(3, 1); })],
    ['an array too many', /received 1 more/, () => edited(({ tensors }) => { tensors.push({ ...tensors[4], name: 'optimizer/firstMoment/dense_9.bias' }); })],
    ['an array of another shape', /Expected shape 7 x 3 for "optimizer\/firstMoment/, () => edited(({ tensors }) => { tensors[3] = { ...tensors[3], shape: [3, 7] }; })],
    ['an array of another type', /Expected float32 tensors as its spec says, received float64/, () => edited(({ tensors }) => { tensors[4] = { ...tensors[4], dtype: 'F64', data: new Float64Array(7) }; })],
    ['NaN', /slots\.secondMoment of dense\.bias/, () => edited(({ tensors }) => { tensors[7] = { ...tensors[7], data: new Float32Array(7).fill(NaN) }; })],
    ['arrays without a description', /one tensor a parameter/, () => edited(({ metadata }) => { metadata.delete('optimizer'); })],
    ['no JSON', /Expected JSON for optimizer/, () => edited(({ metadata }) => { metadata.set('optimizer', '{'); })],
    ['null', /Expected an object for optimizer, received null/, () => edited(({ metadata }) => { metadata.set('optimizer', 'null'); })],
    ['a step in words', /number for step of optimizer, received "two"/, () => withMetadata({ step: 'two' })],
    ['a negative step', /step/, () => withMetadata({ step: -1 })],
    ['no epoch', /number for nextEpoch/, () => withMetadata({ nextEpoch: undefined })],
    ['no rate', /number for learningRate/, () => withMetadata({ learningRate: undefined })],
    ['slots that are no list', /list of different names for slots/, () => withMetadata({ slots: 'firstMoment' })],
    ['a slot twice', /list of different names for slots/, () => withMetadata({ slots: ['firstMoment', 'firstMoment'] })],
    ['fewer slots than arrays', /one tensor a parameter|secondMoment/, () => withMetadata({ slots: ['firstMoment'] })],
    ["another optimizer's slots", /adam/, () => edited(({ tensors, metadata }) => {
      tensors.forEach((tensor, i) => { tensors[i] = { ...tensor, name: tensor.name.replace('secondMoment', 'largestGradient') }; });
      metadata.set('optimizer', (metadata.get('optimizer') ?? '').replace('secondMoment', 'largestGradient'));
    })],
    ['a model that is not compiled', /belongs to a compiled model/, () => edited(({ metadata }) => {
      const spec: unknown = JSON.parse(metadata.get('spec') ?? '');
      metadata.set('spec', JSON.stringify({ ...(typeof spec === 'object' ? spec : {}), compile: null }));
    })],
  ])('refuse %s', async (_what, text, make) => {
    await expect(loadModel(make(), { backend: 'typescript' })).rejects.toMatchObject({ code: 'ERR_FORMAT', message: expect.stringMatching(text) });
  });

  it('cannot hold a function, and a record is written as it is', async () => {
    const made = model(optimizers.sgd({ learningRate: () => 0.1 }), { backend: 'typescript' });
    await expect(made.save(fresh(), { includeOptimizer: true })).rejects.toMatchObject({ code: 'ERR_STATE', message: expect.stringMatching(/no file can hold a function/) });
    await made.save(fresh());
    await expect(saveModel(adam().toRecord(), fresh(), { includeOptimizer: true })).rejects.toMatchObject({ code: 'ERR_OPTION' });
    await expect(Reflect.apply(made.save, made, [fresh(), { optimizer: true }])).rejects.toMatchObject({ code: 'ERR_OPTION' });
    await expect(Reflect.apply(made.save, made, [fresh(), { includeOptimizer: 1 }])).rejects.toMatchObject({ code: 'ERR_TYPE' });
  });

  it('records go through JSON-like copies', () => {
    const made = adam('float64');
    made.fitSync(data.x, data.y, { epochs: 2 });
    const again = sequentialFromRecord(structuredClone(made.toRecord({ includeOptimizer: true })), { backend: 'typescript' });
    for (const each of [made, again]) each.fitSync(data.x, data.y, { epochs: 4, initialEpoch: 2 });
    expect(flat(again)).toEqual(flat(made));
  });
});
