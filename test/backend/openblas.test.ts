// gemm: 'openblas': the same networks with another library's products. Not the same bytes, but the same numbers to rounding.
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { ExecutorState } from '../../src/backend/contract/executor.js';
import type { LayerSpec, NetworkSpec } from '../../src/backend/contract/spec.js';
import { loadAddon } from '../../src/backend/native/addon.js';
import type { DType, FloatArray } from '../../src/base/arrays.js';
import { isNablaError } from '../../src/base/errors.js';
import { layers, optimizers, sequential } from '../../src/index.js';
import { isas, native, skippedBecause, typescript, type Configuration } from './configurations.js';
import { adam, batchNorm, constantScalars, dense, dropout, network, randomData, randomState, expectSameLists, layerNorm, noise, prelu, relativeDifference, rescaling, sgd, sigmoidLoss, softmaxLoss, squaredLoss, uniforms } from './networks.js';

/** Of the largest magnitude in a tensor, after one step; what a step of rounding becomes after more of them is the network's affair. */
const BOUND: Readonly<Record<DType, number>> = { float64: 1e-12, float32: 1e-5 };
const worst: Record<DType, number> = { float64: 0, float32: 0 };

/** Why OpenBLAS cannot be had here, or ''. */
function missing(): string {
  if (skippedBecause !== '') return skippedBecause;
  try {
    native('baseline', 1).make(network('float32', 2, [dense(2)]), { gemm: 'openblas' }).dispose();
    return '';
  } catch (error) {
    if (isNablaError(error) && error.code === 'ERR_BACKEND') return error.message;
    throw error;
  }
}
const absent = missing();

interface Scene { readonly what: string; readonly layers: readonly LayerSpec[]; readonly inputs: number; readonly rows: number; readonly changes: Partial<NetworkSpec> }
const scenes: readonly Scene[] = [
  { what: 'widths that fill no panel', inputs: 13, rows: 37, layers: [dense(17, 'tanh'), dense(5, 'sigmoid'), dense(3)], changes: {} },
  { what: 'wide layers, momentum', inputs: 200, rows: 64, layers: [dense(130, 'relu'), dense(48, 'relu'), dense(10)], changes: { optimizer: sgd({ momentum: 0.9, nesterov: true }) } },
  { what: 'many rows, blocks of samples', inputs: 20, rows: 1500, layers: [dense(16, 'relu'), dense(4)], changes: {} },
  { what: 'more rows than a chunk', inputs: 150, rows: 1100, layers: [dense(230, 'relu'), dense(6)], changes: {} },
  { what: 'Adam, L2 and no bias', inputs: 30, rows: 50, layers: [dense(24, 'gelu', { l2: 0.01, useBias: false }), dense(7)], changes: { optimizer: adam() } },
  { what: 'l1, maxNorm, clipping by norm', inputs: 21, rows: 40, layers: [dense(35, 'tanh', { l1: 0.01, l2: 0.02, kernelConstraint: { name: 'maxNorm', maxValue: 0.5 } }), dense(6, 'linear', { kernelConstraint: { name: 'unitNorm' } })], changes: { optimizer: sgd({ globalClipnorm: 0.1 }) } },
  { what: 'dropout and rescaling', inputs: 40, rows: 60, layers: [rescaling(0.5, 0.25), dropout(0.2), dense(33, 'relu'), dropout(0.5), dense(9)], changes: {} },
  { what: 'normalizations, prelu and noise', inputs: 19, rows: 48, layers: [batchNorm({ epsilon: 0.1 }), dense(35, 'tanh', { l2: 0.01 }), layerNorm({ epsilon: 0.1 }), prelu, noise(0.1), dropout(0.2), dense(20, 'linear', { useBias: false }), batchNorm({ epsilon: 0.1 }), dense(5)], changes: { optimizer: sgd({ clipnorm: 0.2 }) } },
  { what: 'softmax inside, squared error', inputs: 9, rows: 20, layers: [dense(18, 'softmax'), dense(3)], changes: { loss: squaredLoss() } },
  { what: 'one row, one unit', inputs: 3, rows: 1, layers: [dense(1)], changes: { loss: sigmoidLoss() } },
];

interface Run { readonly numbers: readonly FloatArray[]; readonly after: ExecutorState }
function run(configuration: Configuration, gemm: 'nabla' | 'openblas', spec: NetworkSpec, rows: number): Run {
  const executor = configuration.make(spec, { gemm });
  executor.setState(randomState(spec, 3));
  const data = executor.load(randomData(spec, rows, 4, spec.loss?.name === 'softmaxCrossEntropy' ? 'labels' : 'values'));
  const all = { order: null, from: 0, to: rows };
  const { gradients, dx, outputs, loss, penalty } = executor.lossAndGradients(data, all);
  const forward = executor.forwardTrain(data, all);
  const back = executor.backward(forward.logits.map((z) => z / rows));
  executor.trainStepsSync(data, { ...all, batchSize: rows, stepScalars: constantScalars(spec, 1, 0.05) });
  const after = executor.getState();
  const predicted = executor.predictSync(data, { ...all, output: 'outputs' });
  const { lossSum } = executor.evaluateSync(data, all);
  executor.setState(after);
  expectSameLists(executor.getState().parameters, after.parameters);
  executor.dispose();
  return { numbers: [...gradients, dx, outputs, Float64Array.of(loss, penalty), ...forward.activations, ...back.gradients, back.dx, ...after.parameters, predicted, Float64Array.of(lossSum)], after };
}

describe.skipIf(absent !== '')(`gemm: 'openblas'${absent === '' ? '' : ` (${absent})`}`, () => {
  for (const isa of isas) {
    for (const dtype of ['float32', 'float64'] as const) {
      it.each(scenes)(`has the numbers of ${isa} ${dtype}: $what`, ({ inputs, layers, changes, rows }) => {
        const spec = network(dtype, inputs, layers, { loss: softmaxLoss(), ...changes });
        // Adam divides a gradient's rounding by epsilon where the gradient is 0: its parameters are compared through the gradients.
        const compared = spec.optimizer?.name === 'adam' ? 6 : Infinity;
        for (const threads of [1, 3]) {
          const own = run(native(isa, threads), 'nabla', spec, rows), other = run(native(isa, threads), 'openblas', spec, rows);
          other.numbers.slice(0, compared).forEach((values, i) => {
            const difference = relativeDifference(values, own.numbers[i]);
            worst[dtype] = Math.max(worst[dtype], difference);
            expect(difference, `array ${i} on ${threads} threads`).toBeLessThanOrEqual(BOUND[dtype]);
          });
        }
      });
    }
  }

  it('trains through the public interface, clones included', async () => {
    const { addon } = loadAddon();
    if (addon === null) throw new Error('no addon');
    // Equal bytes prove nothing: on some processors OpenBLAS adds in the same order. Who was asked for does.
    const created = vi.spyOn(addon, 'createNetwork');
    const next = uniforms(5);
    const x = Float32Array.from({ length: 300 * 6 }, () => next() * 2 - 1);
    const y = Float32Array.from({ length: 300 }, (_, i) => Math.sin(2 * x[6 * i]) * x[6 * i + 1]);
    const losses: number[][] = [];
    for (const gemm of ['nabla', 'openblas'] as const) {
      const model = sequential({ seed: 1, gemm, backend: 'native' }, [layers.dense({ units: 32, activation: 'tanh', inputShape: [6] }), layers.dense({ units: 1 })]);
      model.compile({ loss: 'meanSquaredError', optimizer: optimizers.adam({ learningRate: 0.01 }) });
      await model.fit(x, y, { epochs: 3, batchSize: 32 });
      const copy = model.clone();
      losses.push((await copy.fit(x, y, { epochs: 2, batchSize: 32 })).history['loss']);
    }
    const [own, other] = losses;
    expect(own[1]).toBeLessThan(0.2);
    other.forEach((loss, epoch) => expect(Math.abs(loss - own[epoch])).toBeLessThan(1e-4));
    const asked = created.mock.calls.map(([, , , , openblas]) => openblas);
    created.mockRestore();
    expect(asked.filter((openblas) => openblas)).toHaveLength(asked.length / 2);
    expect(asked.length).toBeGreaterThanOrEqual(4);
  });
});

it.skipIf(skippedBecause !== '')('says how to get OpenBLAS where there is none', () => {
  if (absent !== '') expect(absent).toMatch(/apt-get install libopenblas0/u);
  else expect(native('baseline', 1).make(network('float32', 2, [dense(2)]), { gemm: 'openblas' }).backend).toBe('native');
});

it('belongs to the native backend', () => {
  expect(() => sequential({ backend: 'typescript', gemm: 'openblas' })).toThrow(/\[sequential\] OpenBLAS belongs to the native backend/u);
  expect(() => typescript.make(network('float32', 2, [dense(2)]), { gemm: 'openblas' })).toThrow(/\[createExecutor\] OpenBLAS belongs to the native backend/u);
});

it('is one of two names', () => {
  const options: object = { gemm: 'mkl' };
  expect(() => sequential(options)).toThrow(/nabla.*openblas/u);
});

afterAll(() => console.info(`OpenBLAS against nabla, largest difference: float64 ${worst.float64.toExponential(1)}, float32 ${worst.float32.toExponential(1)}`));
