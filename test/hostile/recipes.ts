// Arguments that work, so that one of them at a time can be replaced. What is not here is tried with hostile values in every place.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as nabla from '../../src/index.js';
import type { Recipes } from './discover.js';

/** @param folder where files are read and written @param backend of the models that are called */
export function makeRecipes(folder: string, backend: 'auto' | 'typescript'): Recipes {
  const file = (name: string): string => join(folder, name);
  const x = (): Float32Array => Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1);
  const y = (): Uint8Array => Uint8Array.of(0, 1, 1, 0);
  const set = (): nabla.ArrayDataset => new nabla.ArrayDataset({ x: x(), y: y(), sampleShape: [2], classNames: ['no', 'yes'] });
  const stop: nabla.Callback = { onEpochEnd: (_epoch, _logs, { model }) => { model.stopTraining = true; } };
  function model(optimizer: nabla.OptimizerName = 'sgd'): nabla.Sequential {
    const made = nabla.sequential({ seed: 1, threads: 1, backend }, [nabla.layers.dense({ units: 3, activation: 'tanh', inputShape: [2] }), nabla.layers.dense({ units: 2, activation: 'softmax' })]);
    made.compile({ optimizer, loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] });
    return made;
  }
  // Made once: nothing that is tried changes them.
  const still = model();
  const record = still.toRecord({ includeOptimizer: true });
  const weights = still.getWeights();
  const optimizerState = still.getOptimizerState();
  const tensor = { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) };
  nabla.saveModelSync(still, file('model.safetensors'));
  writeFileSync(file('images.idx'), nabla.encodeIdx({ shape: [2, 1, 2], data: Uint8Array.of(1, 2, 3, 4) }));
  writeFileSync(file('labels.idx'), nabla.encodeIdx({ shape: [2], data: Uint8Array.of(0, 1) }));
  writeFileSync(file('array.npy'), nabla.encodeNpy(tensor));
  writeFileSync(file('arrays.npz'), Buffer.concat(nabla.encodeNpz({ a: tensor })));
  writeFileSync(file('table.csv'), 'a,b,label\n1,2,0\n3,4,1\n');
  const names = ['W1', 'b1', 'W2', 'b2'];
  writeFileSync(file('weights.npz'), Buffer.concat(nabla.encodeNpz(Object.fromEntries(still.parameterShapes().map((shape, i) => [names[i], { shape, data: Float64Array.from(weights[i]) }])))));

  const labels = [0, 1, 1, 0];
  const scores = [0.1, 0.9, 0.8, 0.3];
  const fitOptions = () => ({
    epochs: 2, batchSize: 2, shuffle: true, initialEpoch: 0, sampleWeight: [1, 1, 1, 1], classWeight: { 0: 1, 1: 2 }, callbacks: [stop], verbose: 0,
  });
  const loggers = { model: still, params: { epochs: 1, steps: 1, batchSize: 2 }, history: { epochs: [0] } };
  const hook = () => [0, { loss: 1, val_loss: 1 }, loggers];
  const bytes = (array: Uint8Array | readonly Uint8Array[]) => () => [Array.isArray(array) ? Buffer.concat(array) : array, 'bytes', {}];
  const threeLabels = (options: object) => () => [labels, scores, options];
  const rank = { initialLearningRate: 0.1, decaySteps: 10, decayRate: 0.5 };
  const layer = nabla.layers.dense({ units: 2, inputShape: [2] });

  const args: Record<string, () => readonly unknown[]> = {
    sequential: () => [{ seed: 1, dtype: 'float32', backend: 'auto', threads: 1, plan: 'auto', gemm: 'nabla', classNames: ['a', 'b'] }, [layer]],
    'new Sequential': () => [{ seed: 1 }, [layer]],
    'new Prediction': () => [Float32Array.of(1, 2), 1, null],
    'new ArrayDataset': () => [{ x: x(), y: y(), rows: 4, sampleShape: [2], classNames: ['a', 'b'], name: 'n' }],
    'new CsvDataset': () => [{ x: x(), y: y(), rows: 4 }, ['a', 'b']],
    'new RandomState': () => [1], 'new NablaError': () => ['ERR_TYPE', 'text', {}], 'new CustomLoss': () => ['mine', () => ({ loss: 0, gradient: [0] }), false],
    'new FrozenModel': () => [{}, {}],
    'new TrainingStopped': () => ['ERR_ABORTED', 'text', {}, {}],
    'Sequential.fit': () => [x(), y(), { ...fitOptions(), validationData: [x(), y()] }], 'Sequential.fitSync': () => [x(), y(), { ...fitOptions(), validationSplit: 0.25 }],
    'Sequential.trainOnBatch': () => [x(), y(), { sampleWeight: [1, 1, 1, 1], classWeight: { 0: 1 } }], 'Sequential.trainOnBatchSync': () => [x(), y(), {}],
    'Sequential.evaluate': () => [x(), y(), { sampleWeight: [1, 1, 1, 1] }], 'Sequential.evaluateSync': () => [x(), y(), {}],
    'Sequential.predict': () => [x(), { rows: 4 }], 'Sequential.predictSync': () => [x(), { rows: 4 }], 'Sequential.predictLogits': () => [x(), { rows: 4 }], 'Sequential.predictLogitsSync': () => [x(), { rows: 4 }],
    'FrozenModel.predict': () => [x(), { rows: 4 }], 'FrozenModel.predictSync': () => [x(), { rows: 4 }], 'FrozenModel.predictLogits': () => [x(), { rows: 4 }], 'FrozenModel.predictLogitsSync': () => [x(), { rows: 4 }],
    'Sequential.gradients': () => [x(), y()], 'Sequential.checkGradients': () => [x(), y(), { epsilon: 0.01, elements: 2 }], 'Sequential.forwardTrain': () => [x()],
    'Sequential.backward': () => [[[1, 0], [0, 1]], { dx: true }], 'Sequential.applyGradients': () => [Object.fromEntries(still.parameterNames().map((name, i) => [name, weights[i]]))],
    'Sequential.setWeights': () => [[...weights]], 'Sequential.summary': () => [{ print: false }], 'Sequential.setOptimizerState': () => [{ ...optimizerState }], 'Sequential.toRecord': () => [{ includeOptimizer: true }],
    'Sequential.save': () => [file('saved.safetensors'), { includeOptimizer: true }], 'Sequential.add': () => [nabla.layers.dense({ units: 2 })],
    'Sequential.compile': () => [{ optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] }],
    'ArrayDataset.row': () => [0], 'ArrayDataset.label': () => [0], 'ArrayDataset.labelName': () => [0], 'ArrayDataset.slice': () => [0, 1], 'ArrayDataset.take': () => [[0, 1]],
    'ArrayDataset.split': () => [{ validation: 0.25, test: 1, stratify: false, seed: 1 }],
    'Prediction.row': () => [0],
    'RandomState.seed': () => [1], 'RandomState.setState': () => [new nabla.RandomState(1).getState()], 'RandomState.rand': () => [2, 2], 'RandomState.randn': () => [2, 2], 'RandomState.randomSample': () => [2],
    'RandomState.standardNormal': () => [[2, 2]], 'RandomState.uniform': () => [0, 1, 2], 'RandomState.normal': () => [0, 1, 2], 'RandomState.randint': () => [0, 5, 2, 'int32'], 'RandomState.permutation': () => [5],
    'RandomState.shuffle': () => [[1, 2, 3, 4], 2], 'RandomState.choice': () => [5, 2, false], 'RandomState.binomial': () => [5, 0.5, 2],
    readIdx: () => [file('images.idx')], readIdxImagesLabels: () => [{ images: file('images.idx'), labels: file('labels.idx'), classes: 2, classNames: ['a', 'b'], name: 'n' }],
    encodeIdx: () => [{ ...tensor }], encodeNpy: () => [{ ...tensor }], encodeNpz: () => [{ a: { ...tensor } }, { compress: true }],
    encodeSafetensors: () => [[{ name: 'a', dtype: 'F32', ...tensor }], new Map([['k', 'v']])], writeSafetensors: () => [file('out.safetensors'), [{ name: 'a', dtype: 'F32', ...tensor }], new Map([['k', 'v']])],
    parseIdx: bytes(nabla.encodeIdx(tensor)), parseNpy: bytes(nabla.encodeNpy(tensor)), parseNpz: bytes(nabla.encodeNpz({ a: tensor })), parseSafetensors: bytes(nabla.encodeSafetensors([{ name: 'a', dtype: 'F32', ...tensor }])),
    readNpy: () => [file('array.npy')], writeNpy: () => [file('out.npy'), { ...tensor }], readNpz: () => [file('arrays.npz'), { maxBytes: 1e6 }], writeNpz: () => [file('out.npz'), { a: { ...tensor } }, { compress: false }],
    readSafetensors: () => [file('model.safetensors'), { half: 'bits' }],
    readCsv: () => [file('table.csv'), { header: true, label: 'label', dtype: 'float32', classes: 2, sampleShape: [2], name: 'n' }],
    writeCsv: () => [file('out.csv'), set(), { columns: ['a', 'b'], label: 'l', index: true, labels: file('outlabels.csv'), names: true }],
    writeSubmission: () => [file('sub.csv'), [1, 2], { header: ['a', 'b'], firstId: 1 }],
    exportNpz: () => [still, file('w.npz'), { layout: 'out-in', biases: 'vector' }], importNpz: () => [model(), file('weights.npz'), { layout: 'out-in' }],
    loadModel: () => [file('model.safetensors'), { threads: 1 }], loadModelSync: () => [file('model.safetensors'), { threads: 1 }],
    saveModel: () => [still, file('m.safetensors'), { includeOptimizer: true }], saveModelSync: () => [still, file('m.safetensors'), { includeOptimizer: true }],
    sequentialFromRecord: () => [{ ...record }, { threads: 1 }],
    permutationImportance: () => [still, set(), { metric: 'accuracy', repeats: 1, seed: 1 }],
    report: () => [labels, scores, { task: 'classification', units: 1, classNames: ['a', 'b'], threshold: 0.5, sampleWeight: [1, 1, 1, 1] }],
    'datasets.mnist': () => [{ dir: folder }], 'datasets.fashionMnist': () => [{ dir: folder }],
    'EarlyStopping.onEpochEnd': hook, 'ReduceLROnPlateau.onEpochEnd': hook, 'EarlyStopping.onTrainEnd': () => hook().slice(1),
    'layers.dense': () => [{ units: 2, activation: 'relu', kernelInitializer: 'heNormal', biasInitializer: 'zeros', kernelRegularizer: 'l2', kernelConstraint: nabla.constraints.unitNorm(), useBias: true, inputShape: [2], name: 'd' }],
    'layers.activation': () => ['relu'], 'layers.dropout': () => [{ rate: 0.5 }], 'layers.gaussianNoise': () => [{ stddev: 1 }], 'layers.input': () => [{ shape: [2] }], 'layers.rescaling': () => [{ scale: 1, offset: 0 }],
    'layers.reshape': () => [{ targetShape: [2, 1] }], 'layers.normalization': () => [{ mean: [0, 0], variance: [1, 1] }], 'layers.normalization().adapt': () => [[[1, 2], [3, 4]]],
    'initializers.constant': () => [{ value: 1 }], 'losses.custom': () => [{ name: 'mine', compute: () => ({ loss: 0, gradient: [0] }), weighted: false }],
    'schedules.stepDecay': () => [{ initialLearningRate: 0.1, every: 2, factor: 0.5 }], 'schedules.piecewiseConstant': () => [{ boundaries: [2], values: [0.1, 0.2] }], 'schedules.exponentialDecay': () => [{ ...rank }],
    'schedules.polynomialDecay': () => [{ initialLearningRate: 0.1, decaySteps: 10 }], 'schedules.cosineDecay': () => [{ initialLearningRate: 0.1, decaySteps: 10 }], 'schedules.cosineDecayRestarts': () => [{ initialLearningRate: 0.1, firstDecaySteps: 10 }],
    'schedules.oneCycle': () => [{ maxLearningRate: 0.1, totalSteps: 10 }], 'schedules.oneCycleMomentum': () => [{ totalSteps: 10 }], 'schedules.warmup': () => [0.1, { steps: 2, startFactor: 0.1 }], 'schedules.perEpoch': () => [0.1, 2],
    'new metrics.ConfusionMatrix': () => [2], 'new metrics.MultiLabelCounts': () => [2, 0.5, 'op'], 'new metrics.BinaryScores': () => ['op'], 'new metrics.RankedScores': () => [1, 'op'], 'new metrics.ProbabilityScores': () => [1, {}, 'op'],
    'new metrics.TopKAccuracy': () => [2, 1, 'op'], 'new metrics.RegressionErrors': () => [1, 'op'],
    'metrics.ConfusionMatrix().update': () => [labels, labels, [1, 1, 1, 1]], 'metrics.MultiLabelCounts().update': () => [labels, scores, [1, 1]], 'metrics.BinaryScores().update': () => [labels, scores], 'metrics.BinaryScores().add': () => [true, 0.5],
    'metrics.BinaryScores().bestThreshold': () => [{ maximize: 'f1' }], 'metrics.RankedScores().update': () => [labels, scores], 'metrics.RankedScores().add': () => [0, true, 0.5], 'metrics.ProbabilityScores().update': () => [labels, scores, [1, 1, 1, 1]],
    'metrics.TopKAccuracy().update': () => [labels.slice(2), scores], 'metrics.RegressionErrors().update': () => [labels, scores, [1, 1, 1, 1]], 'metrics.RegressionErrors().addRow': () => [[1], 0, [2], 0, 1],
    'metrics.subsetAccuracy': threeLabels({ labels: 2, threshold: 0.5 }), 'metrics.categoricalAccuracy': threeLabels({ classes: 2 }), 'metrics.sparseCategoricalAccuracy': () => [labels.slice(2), scores, { classes: 2 }],
    'metrics.topKCategoricalAccuracy': () => [labels.slice(2), scores, { classes: 2, k: 1 }], 'metrics.residualQuantiles': () => [labels, scores, [0.5]], 'metrics.bestThreshold': () => [labels, scores, { maximize: 'f1' }],
  };
  for (const name of ['accuracy', 'balancedAccuracy', 'matthewsCorrelation']) args[`metrics.${name}`] = () => [labels, labels];
  for (const name of ['precision', 'recall', 'f1', 'precisionRecallF1', 'confusionMatrix']) args[`metrics.${name}`] = () => [labels, labels, {}];
  for (const name of ['binaryAccuracy', 'rocAuc', 'rocAucPerClass', 'averagePrecision', 'logLoss', 'brierScore', 'calibration', 'expectedCalibrationError', 'meanSquaredError', 'meanAbsoluteError', 'rootMeanSquaredError', 'r2Score']) {
    args[`metrics.${name}`] = threeLabels({});
  }
  args['metrics.rocCurve'] = () => [labels, scores];
  // All options are optional.
  for (const [space, holder] of Object.entries({ optimizers: nabla.optimizers, losses: nabla.losses, initializers: nabla.initializers, activations: nabla.activations, layers: nabla.layers, callbacks: nabla.callbacks })) {
    for (const name of Object.keys(holder)) args[`${space}.${name}`] ??= () => [{}];
  }
  const instances: Record<string, () => unknown> = {
    Sequential: () => { const made = model(); made.forwardTrain(x()); return made; }, FrozenModel: () => still.freeze(), ArrayDataset: set, Prediction: () => new nabla.Prediction(Float32Array.of(1, 2, 3, 4), 2, null), RandomState: () => new nabla.RandomState(1),
    EarlyStopping: () => nabla.callbacks.earlyStopping(), ReduceLROnPlateau: () => nabla.callbacks.reduceLROnPlateau(),
  };
  return { args: new Map(Object.entries(args)), instances: new Map(Object.entries(instances)) };
}
