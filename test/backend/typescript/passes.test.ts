// Passes over many rows come in pieces; the pieces never show in a result.
import { describe, expect, it } from 'vitest';
import type { LayerSpec } from '../../../src/backend/contract/spec.js';
import type { DType } from '../../../src/base/arrays.js';
import { createReferenceExecutor } from '../../../src/backend/typescript/executor.js';
import { createNetwork } from '../../../src/backend/typescript/layered.js';
import { passBackward, passForward, type Pass, type PassContext } from '../../../src/backend/typescript/passes.js';
import { finish, PASS_PIECE, type Pieces } from '../../../src/backend/typescript/pieces.js';
import { activationPass, adam, batchNorm, constantScalars, dense, expectSame, expectSameState, layerNorm, network, randomData, randomState, softmaxLoss } from '../networks.js';

const UNITS = 100;
/** Three pieces and a part of one. */
const ROWS = Math.floor((3.4 * PASS_PIECE) / UNITS);

let seed = 7;
function numbers(length: number): Float64Array {
  return Float64Array.from({ length }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.fround(seed / 2 ** 31 - 1);
  });
}
function counted<Result>(work: Pieces<Result>): { pauses: number; result: Result } {
  let pauses = 0, next = work.next();
  for (; next.done !== true; next = work.next()) pauses += 1;
  return { pauses, result: next.value };
}

const rowByRow: Readonly<Record<string, Pass>> = {
  tanh: { kind: 'activation', activation: { name: 'tanh' } },
  gelu: { kind: 'activation', activation: { name: 'gelu' } },
  softmax: { kind: 'activation', activation: { name: 'softmax' } },
  dropout: { kind: 'dropout', dropout: { layer: 1, threshold: 2 ** 30, factor: Math.fround(4 / 3) } },
  gaussianNoise: { kind: 'gaussianNoise', layer: 1, deviation: 0.5 },
  prelu: { kind: 'prelu', alpha: 0 },
  layerNormalization: { kind: 'layerNormalization', epsilon: 1e-3, gamma: 0, beta: 1 },
};

describe.each(['float32', 'float64'] as const)('a pass over many rows in %s', (dtype: DType) => {
  const weights = [numbers(UNITS), numbers(UNITS)];
  const context = (firstRow: number): PassContext => ({ dtype, seed: 5, step: 3, firstRow, training: true, weights, statisticsAt: 2, lanes: new Float64Array(dtype === 'float32' ? 16 : 8) });

  it.each(Object.entries(rowByRow))('%s comes in pieces with the bytes of single rows', (_name, pass) => {
    const x = numbers(ROWS * UNITS), y = new Float64Array(x.length), dy = numbers(x.length), d = dy.slice();
    const forward = counted(passForward(pass, context(0), x, y, ROWS, UNITS));
    expect(forward.pauses).toBeGreaterThanOrEqual(3);
    const gradients = [new Float64Array(UNITS), new Float64Array(UNITS)];
    const back = counted(passBackward(pass, context(0), x, y, forward.result, d, ROWS, UNITS, gradients));
    // The noise passes its gradient on as it is.
    expect(back.pauses).toBeGreaterThanOrEqual(pass.kind === 'gaussianNoise' ? 0 : 3);
    const [oneY, oneD] = [new Float64Array(x.length), dy.slice()];
    const unused = [new Float64Array(UNITS), new Float64Array(UNITS)];
    for (let row = 0; row < ROWS; row++) {
      const cut = (array: Float64Array): Float64Array => array.subarray(row * UNITS, (row + 1) * UNITS);
      const saved = finish(passForward(pass, context(row), cut(x), cut(oneY), 1, UNITS));
      finish(passBackward(pass, context(row), cut(x), cut(oneY), saved, cut(oneD), 1, UNITS, unused));
    }
    expectSame(y, oneY);
    expectSame(d, oneD);
    if (pass.kind === 'prelu' || pass.kind === 'layerNormalization') {
      const sum = new Float64Array(UNITS);
      // Of prelu's slope, and of the shift.
      for (let i = 0; i < x.length; i++) sum[i % UNITS] += pass.kind === 'layerNormalization' ? dy[i] : x[i] > 0 ? 0 : dy[i] * x[i];
      expectSame(gradients[pass.kind === 'prelu' ? 0 : 1], dtype === 'float32' ? Float64Array.from(sum, Math.fround) : sum);
    }
  });

  it('batch normalization comes in pieces, one chain of all rows for each sum', () => {
    const pass: Pass = { kind: 'batchNormalization', epsilon: 1e-3, momentum: 0.9, moves: true, gamma: 0, beta: 1, statistics: 0 };
    const round = dtype === 'float32' ? Math.fround : (value: number): number => value;
    const x = numbers(ROWS * UNITS), y = new Float64Array(x.length), dy = numbers(x.length), d = dy.slice();
    const { pauses, result: saved } = counted(passForward(pass, context(0), x, y, ROWS, UNITS));
    // Mean, squares, values.
    expect(pauses).toBeGreaterThanOrEqual(9);
    const gradients = [new Float64Array(UNITS), new Float64Array(UNITS)];
    expect(counted(passBackward(pass, context(0), x, y, saved, d, ROWS, UNITS, gradients)).pauses).toBeGreaterThanOrEqual(6);
    const mean = new Float64Array(UNITS), squares = new Float64Array(UNITS), dgamma = new Float64Array(UNITS), dbeta = new Float64Array(UNITS);
    for (let i = 0; i < x.length; i++) mean[i % UNITS] += x[i];
    for (let u = 0; u < UNITS; u++) mean[u] /= ROWS;
    for (let i = 0; i < x.length; i++) squares[i % UNITS] += (x[i] - mean[i % UNITS]) * (x[i] - mean[i % UNITS]);
    const factor = squares.map((sum) => round(1 / Math.sqrt(sum / ROWS + pass.epsilon)));
    const normal = x.map((value, i) => (value - round(mean[i % UNITS])) * factor[i % UNITS]);
    expectSame(y, normal.map((value, i) => round(value * weights[0][i % UNITS] + weights[1][i % UNITS])));
    for (let i = 0; i < x.length; i++) {
      dgamma[i % UNITS] += dy[i] * normal[i];
      dbeta[i % UNITS] += dy[i];
    }
    expectSame(gradients[0], dgamma.map(round));
    expectSame(gradients[1], dbeta.map(round));
    const meanD = dbeta.map((sum) => round(sum / ROWS)), meanDNormal = dgamma.map((sum) => round(sum / ROWS)), slope = factor.map((value, u) => round(weights[0][u] * value));
    expectSame(d, dy.map((value, i) => round(slope[i % UNITS] * (value - meanD[i % UNITS] - normal[i] * meanDNormal[i % UNITS]))));
  });
});

const layers: readonly LayerSpec[] = [dense(64), batchNorm(), activationPass('tanh'), layerNorm(), dense(8)];

describe('a step of a network with normalizations over many rows', () => {
  const spec = network('float32', 128, layers, { loss: softmaxLoss(), optimizer: adam() });
  const rows = 6000;

  it('is cut everywhere: samples, products, passes and the loss', () => {
    const executor = createReferenceExecutor(spec, {});
    executor.setState(randomState(spec, 1));
    const data = randomData(spec, rows, 2, 'labels');
    const samples = { rows, x: data.x, y: data.y ?? null, sampleWeight: null };
    const net = createNetwork(spec);
    const work = net.trainBatch(samples, null, 0, rows, {});
    const { pauses } = counted(work);
    // 47 parts of 128 rows: forward through two layers, their gradients, the way back through one.
    expect(pauses).toBeGreaterThan(5 * 46);
    const evaluation = counted(net.evaluateBatch(samples, net.weights, null, 0, rows, {}));
    expect(evaluation.pauses).toBeGreaterThan(2 * 46);
  });

  it('has the bytes of the sync call, and is given up where it is aborted', async () => {
    const turn = (): Promise<void> => new Promise((resolve) => { setImmediate(resolve); });
    const make = (): { executor: ReturnType<typeof createReferenceExecutor>; data: ReturnType<ReturnType<typeof createReferenceExecutor>['load']> } => {
      const executor = createReferenceExecutor(spec, { turn });
      executor.setState(randomState(spec, 1));
      return { executor, data: executor.load(randomData(spec, rows, 2, 'labels')) };
    };
    const pass = { order: null, from: 0, to: rows, batchSize: rows, repeat: 2, stepScalars: constantScalars(spec, 2, 0.01) };
    const [waiting, whole, given] = [make(), make(), make()];
    const running = given.executor.trainSteps(given.data, pass);
    await turn();
    given.executor.abort();
    expect(await running).toMatchObject({ steps: 0, stopped: 'aborted' });
    expectSameState(given.executor, whole.executor);
    const result = await waiting.executor.trainSteps(waiting.data, { ...pass, maxMilliseconds: Infinity });
    expect(whole.executor.trainStepsSync(whole.data, pass).losses).toEqual(result.losses);
    expectSameState(waiting.executor, whole.executor);
  });
});
