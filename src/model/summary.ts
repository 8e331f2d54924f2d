import type { DType } from '../base/arrays.js';
import { counted, grouped } from '../base/inspected.js';
import type { Structure } from './layers/structure.js';
import type { ModelCore } from './model-state.js';

/** The table of layers that Keras prints, and the seed. @param title the model's name @param structure its layers @param seed of the model @returns lines, without a line break at the end */
export function summaryText(title: string, structure: Structure, seed: number): string {
  const header = ['Layer (type)', 'Output Shape', 'Param #'];
  const rows = structure.rows.map((row) => [`${row.name} (${row.kind})`, `(null, ${row.outputShape.join(', ')})`, grouped(row.parameters)]);
  const widths = header.map((text, column) => Math.max(text.length, ...rows.map((row) => row[column].length)) + 2);
  const line = (cells: readonly string[]): string =>
    cells.map((text, column) => (column === 2 ? text.padStart(widths[column]) : text.padEnd(widths[column]))).join('').trimEnd();
  const width = widths.reduce((sum, value) => sum + value, 0);
  return [
    `Model: "${title}"`,
    '_'.repeat(width),
    line(header),
    '='.repeat(width),
    ...rows.map(line),
    '='.repeat(width),
    `Total params: ${grouped(structure.parameters + structure.statistics)}`,
    `Trainable params: ${grouped(structure.parameters - structure.frozen)}`,
    `Non-trainable params: ${grouped(structure.statistics + structure.frozen)}`,
    `Seed: ${seed}${seed === 0 ? ' (the default; models with the same seed start with the same weights)' : ''}`,
  ].join('\n');
}

/** 784-100-10, 79,510 parameters, float32. */
export function structureLine({ inputSize, specLayers, parameters }: Structure, dtype: DType): string {
  const sizes = specLayers.flatMap((layer) => (layer.kind === 'dense' ? [layer.units] : []));
  return `${[inputSize, ...sizes].join('-')}, ${counted(parameters, 'parameter')}, ${dtype}`;
}

/** A model in one line, for console.log. Nothing is built for it. */
export function modelLine({ disposed, structure, layers, settings, compiled, step }: ModelCore): string {
  if (disposed) return 'disposed';
  const { dtype, backend, seed } = settings;
  const parts = [structure === null ? `${counted(layers.length, 'layer')}, no weights yet, ${dtype}` : structureLine(structure, dtype), backend, `seed ${seed}`];
  if (compiled === null) return [...parts, 'not compiled'].join(', ');
  const loss = compiled.loss.name === 'custom' ? compiled.loss.lossName : compiled.loss.name;
  return [...parts, ...(compiled.optimizer === null ? [] : [compiled.optimizer.spec.name]), loss, counted(step, 'step')].join(', ');
}
