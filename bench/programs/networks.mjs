// A workload's network with nabla's public interface.
import { layers, losses, optimizers, sequential } from 'nabla';

export const SEED = 42;

const LOSSES = { crossentropy: 'sparseCategoricalCrossentropy', mse: 'meanSquaredError' };

/** @param net an entry of networks.json @param options of `sequential`: backend, isa, threads, dtype */
export function build(net, options) {
  const inputs = net.sizes[0];
  const first = net.data === 'mnist' ? [layers.rescaling({ scale: 1 / 255, inputShape: [inputs] })] : [];
  let at = 0;
  const dense = net.sizes.slice(1).flatMap((units, index) => {
    const given = net.weights?.[index];
    const layer = layers.dense({
      units,
      activation: net.activations[index],
      useBias: net.bias,
      ...(given === undefined ? {} : { weights: [Float32Array.from(given)] }),
      ...(at++ === 0 && first.length === 0 ? { inputShape: [inputs] } : {}),
    });
    const rate = net.dropout?.[index] ?? 0;
    return rate > 0 ? [layer, layers.dropout({ rate })] : [layer];
  });
  const model = sequential({ seed: SEED, ...options }, [...first, ...dense]);
  const { learningRate } = net;
  model.compile({
    optimizer: net.optimizer === 'sgd' ? optimizers.sgd({ learningRate }) : optimizers.adam({ learningRate }),
    loss: net.loss === 'mse' ? losses.meanSquaredError({ reduction: 'mean' }) : LOSSES[net.loss],
  });
  return model;
}
