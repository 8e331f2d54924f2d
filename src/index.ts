import './setup-node.js';

export { sequential, Sequential, type CompileOptions, type EvaluateOptions, type TrainOnBatchOptions } from './model/sequential.js';
export type { SequentialOptions } from './model/settings.js';
export type { BackendChoice } from './backend/create.js';
export type { Isa } from './backend/executor.js';
export type { DType, FloatArray, NetworkSpec } from './backend/spec.js';
export type { ArrayInput, NumericTypedArray } from './model/typed-arrays.js';
export type { SampleInput } from './model/predict.js';
export type { FitOptions, ValidationData } from './model/fit-options.js';
export type { ClassWeight } from './model/sample-weights.js';
export { Prediction } from './model/prediction.js';
export { FrozenModel } from './model/frozen.js';
export type { CheckGradientsOptions, GradientCheck, Gradients } from './model/gradients.js';
export type { BackwardOptions, BackwardPass, ForwardPass } from './model/taken-apart.js';

export { layers } from './model/layers.js';
export type { Layer } from './model/layer.js';
export type { DenseOptions } from './model/layer-dense.js';
export type { RescalingOptions } from './model/layer-rescaling.js';
export type { FlattenOptions, InputOptions } from './model/layer-shape.js';
export type { ActivationOptions } from './model/layer-activation.js';
export type { DropoutOptions } from './model/layer-dropout.js';
export type { ActivationName } from './model/activations.js';
export { initializers, type InitializerConfig, type InitializerName, type InitializerOption } from './model/initializers.js';
export { regularizers, type Regularizer } from './model/regularizers.js';
export { losses, type BinaryCrossentropyOptions, type CategoricalCrossentropyOptions, type LossConfig, type LossName, type MeanSquaredErrorOptions } from './model/losses.js';
export { optimizers, type AdamOptions, type LearningRate, type Optimizer, type OptimizerConfig, type OptimizerName, type SgdOptions } from './model/optimizers.js';
export type { MetricName } from './train/metrics.js';

export { metrics, type AreaOptions, type ClassesOptions, type ClassFiguresOptions, type OutputsOptions, type PrecisionRecallOptions, type ScoresOptions } from './metrics/metrics.js';
export type { Numbers } from './metrics/input.js';
export type { BinaryScores, RocCurve, ThresholdFigures, ThresholdGoal } from './metrics/binary-scores.js';
export type { ClassFigures, PrecisionRecallF1 } from './metrics/class-counts.js';
export type { ConfusionMatrix } from './metrics/confusion-matrix.js';
export type { MultiLabelCounts } from './metrics/multi-label.js';
export type { Calibration, CalibrationBin, ProbabilityOptions, ProbabilityScores } from './metrics/probability-scores.js';
export type { RankedScores, ScoreAverage } from './metrics/ranked-scores.js';
export type { RegressionErrors, RegressionFigures } from './metrics/regression-errors.js';
export type { TopKAccuracy } from './metrics/top-k.js';

export type { Callback, CallbackContext, TrainedModel } from './train/callbacks.js';
export { TrainingStopped, type FitParams, type History, type Logs } from './train/history.js';
export type { Dataset } from './train/dataset.js';
export type { Verbose } from './train/progress.js';

export { datasets, type MnistOptions, type TrainAndTest } from './data/mnist.js';
export { ArrayDataset, type ArrayDatasetOptions, type SampleArray, type SplitOptions, type TargetArray } from './data/array-dataset.js';
export { encodeIdx, parseIdx, readIdx, readIdxImagesLabels, type IdxArray, type IdxData, type IdxFiles, type IdxType } from './data/idx.js';
export { CsvDataset, readCsv, type CsvOptions } from './data/csv.js';
export type { NumberType } from './data/growing-numbers.js';
export { writeCsv, writeSubmission, type NamedDataset, type SubmissionOptions, type WriteCsvOptions } from './io/csv-writer.js';
export { encodeNpy, parseNpy, readNpy, writeNpy, type NpyArray, type NpyData, type NpyDtype, type NpyInput } from './io/npy.js';
export { encodeNpz, parseNpz, readNpz, writeNpz, type NpzReadOptions, type NpzWriteOptions } from './io/npz.js';
export { exportNpz, importNpz, type ExportNpzOptions, type ImportNpzOptions, type WeightHolder, type WeightLayout } from './io/weights-npz.js';
export type { PathLike } from './io/files.js';
export { encodeSafetensors, parseSafetensors, readSafetensors, writeSafetensors, type SafetensorsData, type SafetensorsDtype, type SafetensorsFile, type SafetensorsOptions, type SafetensorsTensor } from './io/safetensors.js';
export { loadModel, loadModelSync, saveModel, saveModelSync, type Savable } from './io/model-io.js';
export { sequentialFromRecord, type FromRecordOptions } from './model/from-record.js';
export type { CompileConfig, LayerConfig, ModelConfig, ModelRecord, StoredRecord, TensorRecord } from './model/record.js';

export { isNablaError, NablaError, type NablaErrorCode } from './errors.js';
export { version } from './version.js';
export { RandomState, type RandintArray, type RandintDtype, type RandomStateSnapshot, type Shuffleable, type Size } from './random/numpy.js';
