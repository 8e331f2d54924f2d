import { describe, expect, it } from 'vitest';
import { constraints, layers, optimizers, regularizers, sequential, sequentialFromRecord, type Constraint, type Sequential } from '../../../src/index.js';
import { backends, flat, samples } from '../support.js';

const { x, y } = samples(20);

function build(backend: 'native' | 'typescript'): Sequential {
  const model = sequential({ seed: 3, backend }, [
    layers.dense({ units: 5, activation: 'tanh', inputShape: [3], kernelConstraint: constraints.maxNorm(0.5), kernelRegularizer: regularizers.l1l2({ l1: 0.001, l2: 0.002 }) }),
    layers.dense({ units: 6, activation: 'relu', kernelConstraint: 'unitNorm', biasConstraint: 'nonNegative', kernelRegularizer: 'l1' }),
    layers.dense({ units: 4, activation: 'softmax', kernelConstraint: constraints.nonNegative(), biasConstraint: constraints.nonNegative() }),
  ]);
  model.compile({ optimizer: optimizers.nadam({ learningRate: 0.01, globalClipnorm: 0.5, weightDecay: 0.01 }), loss: 'sparseCategoricalCrossentropy' });
  return model;
}

describe.each(backends)('constraints on %s', (backend) => {
  it('hold after fit and after applyGradients, and not before', () => {
    const model = build(backend);
    const norms = (weight: ArrayLike<number>, inputs: number): number[] => Array.from({ length: weight.length / inputs }, (_, o) => Math.hypot(...Array.from(weight).slice(o * inputs, (o + 1) * inputs)));
    const check = (): void => {
      const [first, , second, bias, third, last] = model.getWeights();
      for (const norm of norms(first, 3)) expect(norm).toBeLessThan(0.5 + 1e-6);
      for (const norm of norms(second, 5)) expect(Math.abs(norm - 1)).toBeLessThan(1e-6);
      for (const values of [bias, third, last]) expect(values.every((value) => value >= 0)).toBe(true);
    };
    expect(Math.max(...norms(model.getWeights()[0], 3))).toBeGreaterThan(0.5);
    model.fitSync(x, y, { epochs: 3, batchSize: 7 });
    check();
    const { gradients } = model.gradients(x, y);
    model.applyGradients(Object.fromEntries(Object.entries(gradients).map(([name, values]) => [name, values.map((value) => 5 * value + 1)])));
    check();
  });

  it('are stored with the model, with penalties and clipping', () => {
    const model = build(backend);
    model.fitSync(x, y);
    const record = model.toRecord();
    const again = sequentialFromRecord({ ...record, config: JSON.parse(JSON.stringify(record.config)) }, { backend });
    expect(again.toRecord()).toEqual(record);
    expect(again.spec).toEqual(model.spec);
    // An optimizer starts anew in a file's model: the same is asked of the other one.
    model.compile({ optimizer: optimizers.nadam({ learningRate: 0.01, globalClipnorm: 0.5, weightDecay: 0.01 }), loss: 'sparseCategoricalCrossentropy' });
    for (const one of [model, again]) one.fitSync(x, y, { epochs: 2, shuffle: false });
    expect(flat(again)).toEqual(flat(model));
  });
});

describe('the spec', () => {
  it('holds what was asked for, and nothing else', () => {
    const { layers: list, optimizer } = build('typescript').spec;
    expect(list).toEqual([
      { kind: 'dense', name: 'dense', units: 5, useBias: true, activation: { name: 'tanh' }, l2: 0.004, l1: 0.001, kernelConstraint: { name: 'maxNorm', maxValue: 0.5 }, learningRateFactor: 1 },
      { kind: 'dense', name: 'dense_1', units: 6, useBias: true, activation: { name: 'relu' }, l2: 0, l1: 0.01, kernelConstraint: { name: 'unitNorm' }, biasConstraint: { name: 'nonNegative' }, learningRateFactor: 1 },
      { kind: 'dense', name: 'dense_2', units: 4, useBias: true, activation: { name: 'linear' }, l2: 0, kernelConstraint: { name: 'nonNegative' }, biasConstraint: { name: 'nonNegative' }, learningRateFactor: 1 },
    ]);
    expect(optimizer).toEqual({ name: 'nadam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, momentumDecay: 0.004, weightDecay: 0.01, globalClipnorm: 0.5 });
    expect(Object.keys(layers.dense({ units: 1, kernelConstraint: null, biasConstraint: null, kernelRegularizer: null }).config)).not.toEqual(expect.arrayContaining(['kernelConstraint']));
  });

  it('takes names for defaults', () => {
    const of = (kernelConstraint: Constraint | Constraint['name']): unknown => Reflect.get(layers.dense({ units: 1, kernelConstraint }).config, 'kernelConstraint');
    expect(of('maxNorm')).toEqual({ name: 'maxNorm', maxValue: 2 });
    expect(of('unitNorm')).toEqual(constraints.unitNorm());
    expect(of({ name: 'maxNorm', maxValue: 3 })).toEqual(constraints.maxNorm(3));
    expect(regularizers.l1()).toEqual({ kind: 'l1', l1: 0.01 });
    expect(regularizers.l1l2({ l1: 0.5 })).toEqual({ kind: 'l1l2', l1: 0.5, l2: 0 });
  });
});
