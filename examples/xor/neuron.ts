// One neuron, without the library: two weights w, a bias b, z = w·x + b.
import { RandomState } from 'nabla';

type Samples = readonly (readonly [number, number])[];

/** Rosenblatt's rule: out = 1 where z > 0; where that is wrong, w += (y - out) x and b += y - out. Ends with a round without mistakes, or after `most`. */
export function perceptron(inputs: Samples, targets: readonly number[], most: number): { readonly rounds: number; readonly outputs: readonly number[] } {
  const w = [0, 0];
  let b = 0;
  const says = (sample: readonly [number, number]): number => (w[0] * sample[0] + w[1] * sample[1] + b > 0 ? 1 : 0);
  let rounds = 0;
  for (let wrong = 1; wrong > 0 && rounds < most; rounds++) {
    wrong = 0;
    inputs.forEach((sample, i) => {
      const error = targets[i] - says(sample);
      if (error === 0) return;
      wrong++;
      w[0] += error * sample[0];
      w[1] += error * sample[1];
      b += error;
    });
  }
  return { rounds, outputs: inputs.map(says) };
}

/** a = 1/(1 + e^-z), loss = mean of (a - y)²/2; by the chain rule dz = (a - y) · a (1 - a) / n, dw = Σ dz x, db = Σ dz. */
export function sigmoidNeuron(
  inputs: Samples, targets: readonly number[], { rate, steps, seed }: { readonly rate: number; readonly steps: number; readonly seed: number },
): { readonly loss: number; readonly outputs: readonly number[]; readonly gradient: readonly [number, number, number] } {
  const w = Array.from(new RandomState(seed).uniform(-1, 1, 2));
  let b = 0;
  const says = (sample: readonly [number, number]): number => 1 / (1 + Math.exp(-(w[0] * sample[0] + w[1] * sample[1] + b)));
  const gradient = (): readonly [number, number, number] => {
    const sums: [number, number, number] = [0, 0, 0];
    inputs.forEach((sample, i) => {
      const a = says(sample);
      const dz = ((a - targets[i]) * a * (1 - a)) / inputs.length;
      sums[0] += dz * sample[0];
      sums[1] += dz * sample[1];
      sums[2] += dz;
    });
    return sums;
  };
  for (let step = 0; step < steps; step++) {
    const [d0, d1, db] = gradient();
    w[0] -= rate * d0;
    w[1] -= rate * d1;
    b -= rate * db;
  }
  const outputs = inputs.map(says);
  const loss = outputs.reduce((sum, a, i) => sum + (a - targets[i]) ** 2 / 2, 0) / inputs.length;
  return { loss, outputs, gradient: gradient() };
}
