import type { Structure } from './structure.js';

/** The table of layers that Keras prints. @param title the model's name @param structure its layers @returns lines, without a line break at the end */
export function summaryText(title: string, structure: Structure): string {
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
    `Trainable params: ${grouped(structure.parameters)}`,
    `Non-trainable params: ${grouped(structure.statistics)}`,
  ].join('\n');
}

function grouped(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
