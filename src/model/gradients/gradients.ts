// Gradients for looking at, and their proof by central differences.
import type { Executor, ExecutorState, Targets } from '../../backend/contract/executor.js';
import { parameterShapes, type NetworkSpec } from '../../backend/contract/spec.js';
import { createReferenceExecutor } from '../../backend/typescript/executor.js';
import type { InputArray, FloatArray } from '../../base/arrays.js';
import { permutation } from '../../random/permutation.js';
import { purposes } from '../../random/purposes.js';
import { parameterNames } from '../parameters/parameter-names.js';

/** Loss and gradients of one batch in training mode. */
export interface Gradients {
  /** Data loss and penalty together: what `gradients` are the gradient of. */
  readonly loss: number;
  /** The L1 and L2 penalties in `loss`. */
  readonly penalty: number;
  /** By LAYER.weight (out, in) and LAYER.bias (out). */
  readonly gradients: Readonly<Record<string, FloatArray>>;
  /** (rows, features), with respect to the samples as given. */
  readonly dx: FloatArray;
  /** (rows, outputs), what predict would give, but in training mode. */
  readonly outputs: FloatArray;
}

/** Options of `checkGradients`. */
export interface CheckGradientsOptions {
  /** Half the distance of the two losses, relative to 1. Default 1e-5. */
  readonly epsilon?: number;
  /** At most so many elements of each parameter are checked, drawn by the model's seed. Default 200. */
  readonly elements?: number;
}

/** How far a parameter's gradient is from its central differences. */
export interface GradientCheck {
  readonly name: string;
  /** Largest |gradient - difference| among the checked elements, divided by the larger of the two tensors' largest magnitudes. */
  readonly worst: number;
  /** Where that is: the element's position, for example [out, in]. */
  readonly at: readonly number[];
  /** Both values there. */
  readonly gradient: number;
  readonly difference: number;
  /** How many elements were looked at. */
  readonly checked: number;
}

/** @param executor with loaded data, no job running @param data x, rows, targets */
export function computeGradients(executor: Executor, data: { readonly x: InputArray; readonly rows: number; readonly targets: Targets }): Gradients {
  const handle = executor.load({ x: data.x, rows: data.rows, y: data.targets });
  try {
    const result = executor.lossAndGradients(handle, { order: null, from: 0, to: data.rows });
    const names = parameterNames(executor.spec);
    return {
      loss: result.loss + result.penalty,
      penalty: result.penalty,
      gradients: Object.fromEntries(names.map((name, i) => [name, result.gradients[i]])),
      dx: result.dx,
      outputs: result.outputs,
    };
  } finally {
    handle.dispose();
  }
}

/**
 * Compares gradients with (loss(p + ε) - loss(p - ε)) / 2ε, the losses computed in float64 by the TypeScript backend with the same dropout masks.
 * @param spec of the model @param state its parameters and step @param data the batch @param gradients what is to be proved, canonical order
 * @param options `withLoss` gives an executor its custom loss
 */
export function compareWithDifferences(
  spec: NetworkSpec,
  state: ExecutorState,
  data: { readonly x: InputArray; readonly rows: number; readonly targets: Targets },
  gradients: readonly FloatArray[],
  { epsilon, elements, withLoss = (executor) => executor }: { readonly epsilon: number; readonly elements: number; readonly withLoss?: (executor: Executor) => Executor },
): GradientCheck[] {
  const exact = withLoss(createReferenceExecutor({ ...spec, dtype: 'float64' }, {}));
  try {
    const handle = exact.load({ x: data.x, rows: data.rows, y: data.targets });
    const parameters = state.parameters.map((parameter) => Float64Array.from(parameter));
    const slots = Object.fromEntries(Object.entries(state.slots).map(([name, arrays]) => [name, arrays.map((array) => Float64Array.from(array))]));
    const statistics = (state.statistics ?? []).map((array) => Float64Array.from(array));
    const lossWith = (parameter: Float64Array, element: number, value: number): number => {
      const held = parameter[element];
      parameter[element] = value;
      exact.setState({ parameters, slots, step: state.step, statistics });
      parameter[element] = held;
      const { loss, penalty } = exact.lossAndGradients(handle, { order: null, from: 0, to: data.rows });
      return loss + penalty;
    };
    const shapes = parameterShapes(spec);
    const measured = shapes.map((shape, index) => {
      const parameter = parameters[index];
      const all = permutation(shape.size, spec.seed, purposes.gradientCheck, index).subarray(0, elements);
      return Array.from(all, (element) => {
        const value = parameter[element];
        const above = value + epsilon;
        const below = value - epsilon;
        // above - below, not 2ε: what was really added after rounding.
        return { element, difference: (lossWith(parameter, element, above) - lossWith(parameter, element, below)) / (above - below) };
      });
    });
    const names = parameterNames(spec);
    const scales = measured.map((list, i) => Math.max(largest(gradients[i]), ...list.map(({ difference }) => Math.abs(difference))));
    // A tensor whose gradients are all next to nothing is measured by the others: differences cannot resolve it.
    const floor = 1e-6 * Math.max(...scales);
    return measured.map((list, i) => {
      let worst: GradientCheck = { name: names[i], worst: 0, at: [], gradient: 0, difference: 0, checked: list.length };
      list.forEach(({ element, difference }, n) => {
        const gradient = gradients[i][element];
        const scale = Math.max(scales[i], floor);
        const relative = scale === 0 ? 0 : Math.abs(gradient - difference) / scale;
        if (n === 0 || !(relative <= worst.worst)) worst = { ...worst, worst: relative, at: position(element, shapes[i].shape), gradient, difference };
      });
      return worst;
    });
  } finally {
    exact.dispose();
  }
}

function largest(values: FloatArray): number {
  let most = 0;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return most;
}

function position(element: number, shape: readonly number[]): number[] {
  return shape.length === 2 ? [Math.floor(element / shape[1]), element % shape[1]] : [element];
}
