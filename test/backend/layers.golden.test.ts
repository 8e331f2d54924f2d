// Normalizations, prelu and thresholds against PyTorch: three steps each, with gradients, moving statistics and predictions.
import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import type { LayerSpec } from '../../src/backend/contract/spec.js';
import { golden, goldenJson } from '../golden-files.js';
import { configurations } from './configurations.js';
import { activationPass, batchNorm, constantScalars, dense, floats, layerNorm, network, prelu, randomState, relativeDifference, sgd, squaredLoss } from './networks.js';

type Nested = readonly (number | readonly number[])[];
interface Step { outputs: Nested; loss: number; gradients: Nested[]; dx: Nested; predictions: Nested; statistics: Nested[] }
interface Case { kinds: string[][]; sizes: number[]; rows: number; x: Nested; y: Nested; rate: number; momentum: number; parameters: Nested[]; statistics: Nested[]; steps: Step[]; final: Nested[] }

const names = readdirSync(golden('layers')).filter((name) => name.endsWith('.json'));
const BOUND = { float64: 1e-12, float32: 5e-5 } as const;
/** Measured: float64 4.8e-14, float32 1.8e-5; three steps with momentum lie between a rounding and its figure. */
const worst = { float64: 0, float32: 0 };

function layerOf(kind: string): LayerSpec {
  switch (kind) {
    case 'batch':
      return batchNorm({ momentum: 0.9 });
    case 'batch plain':
      return batchNorm({ epsilon: 1e-3, momentum: 0.75, center: false, scale: false });
    case 'layer':
      return layerNorm();
    case 'layer plain':
      return layerNorm({ epsilon: 1e-3, center: false, scale: false });
    case 'prelu':
      return prelu;
    case 'threshold':
      return { kind: 'activation', name: 'threshold', activation: { name: 'thresholdedRelu', theta: 0.25 } };
    case 'tanh':
    case 'relu':
    case 'sigmoid':
      return activationPass(kind);
    default:
      throw new Error(`unknown kind ${kind}`);
  }
}

describe.each(configurations([1, 3]).map((configuration) => [configuration.name, configuration] as const))('%s and PyTorch', (_name, { make }) => {
  for (const dtype of ['float64', 'float32'] as const) {
    it.each(names)(`%s in ${dtype}`, (file) => {
      const of = goldenJson(`layers/${file}`) as Case;
      const layers = of.kinds.flatMap((kinds, i): LayerSpec[] => [...(i === 0 ? [] : [dense(of.sizes[i] ?? 0)]), ...kinds.map(layerOf)]);
      const spec = network(dtype, of.sizes[0] ?? 0, layers, { loss: squaredLoss(), optimizer: sgd({ momentum: of.momentum }) });
      const executor = make(spec);
      const typed = (values: Nested) => floats(dtype, values.flat());
      executor.setState({ ...randomState(spec, 1), parameters: of.parameters.map(typed), statistics: of.statistics.map(typed) });
      const data = executor.load({ x: typed(of.x), rows: of.rows, y: { kind: 'values', values: typed(of.y) } });
      const all = { order: null, from: 0, to: of.rows };
      const check = (what: string, actual: ArrayLike<number>, expected: Nested): void => {
        const difference = relativeDifference(actual, expected.flat(), 0.1);
        worst[dtype] = Math.max(worst[dtype], difference);
        if (!(difference <= BOUND[dtype])) expect.fail(`${what}: relative difference ${difference}`);
      };
      of.steps.forEach((step, s) => {
        const { loss, outputs, gradients, dx } = executor.lossAndGradients(data, all);
        check(`loss ${s}`, [loss], [step.loss]);
        check(`outputs ${s}`, outputs, step.outputs);
        check(`dx ${s}`, dx, step.dx);
        expect(gradients.length).toBe(step.gradients.length);
        gradients.forEach((gradient, i) => { check(`gradient ${i} of step ${s}`, gradient, step.gradients[i] ?? []); });
        const trained = executor.trainStepsSync(data, { ...all, batchSize: of.rows, stepScalars: constantScalars(spec, 1, of.rate) });
        expect(trained.steps).toBe(1);
        const { statistics = [] } = executor.getState();
        expect(statistics.length).toBe(step.statistics.length);
        statistics.forEach((statistic, i) => { check(`statistic ${i} after step ${s}`, statistic, step.statistics[i] ?? []); });
        check(`predictions after step ${s}`, executor.predictSync(data, { ...all, output: 'outputs' }), step.predictions);
      });
      executor.getState().parameters.forEach((parameter, i) => { check(`parameter ${i} at the end`, parameter, of.final[i] ?? []); });
    });
  }
});

interface Noise { seed: number; layer: number; draws: { step: number; rows: number; units: number; normals: number[] }[] }

describe.each(configurations([2]).map((configuration) => [configuration.name, configuration] as const))('%s and normal numbers made in Python', (_name, { make }) => {
  it.each(['float64', 'float32'] as const)('gaussian noise in %s', (dtype) => {
    const { seed, layer, draws } = goldenJson('noise/normals.json') as Noise;
    for (const { step, rows, units, normals } of draws) {
      const flat = Array.from({ length: layer }, (_, i): LayerSpec => ({ kind: 'flatten', name: `f${i}` }));
      const spec = network(dtype, units, [...flat, { kind: 'gaussianNoise', name: 'noise', deviation: 2 }, dense(units, 'linear', { useBias: false })], { loss: squaredLoss(), seed });
      const executor = make(spec);
      executor.setState({ parameters: [floats(dtype, Array.from({ length: units * units }, (_, i) => (i % (units + 1) === 0 ? 1 : 0)))], slots: {}, step });
      const { outputs } = executor.forwardTrain(executor.load({ x: floats(dtype, new Float64Array(rows * units).fill(0.5)), rows }), { order: null, from: 0, to: rows });
      // Series cut at t^15 and t^14: 1e-15; float32 rounds the result.
      normals.forEach((normal, i) => { expect(Math.abs(outputs[i] - (0.5 + 2 * normal))).toBeLessThan(dtype === 'float64' ? 2e-14 : 1e-6); });
    }
  });
});

it('all files are there', () => expect(names.length).toBe(6));
afterAll(() => console.log(`layers and PyTorch: ${names.length} files, worst relative difference float64 ${worst.float64.toExponential(1)}, float32 ${worst.float32.toExponential(1)}`));
