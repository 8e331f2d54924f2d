// The results as text, at most 80 columns.
const number = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toPrecision(2));

/** Rows in the order given; the ratio compares each with the fastest row of nabla-native. */
export function formatWorkload(id, { title, unit, rows }, { ratios, marked }) {
  const best = Math.min(...rows.filter(({ name }) => name === 'nabla-native').map(({ median }) => median));
  const header = ['', unit, 'min … max', 'CPU', 'GFLOP/s', 'of peak', ratios ? `times${marked ? '?' : ''}` : ''];
  const lines = rows.map((row) => [
    row.label,
    number(row.median),
    `${number(row.min)} … ${number(row.max)}`,
    number(row.cpu),
    row.gflops === undefined ? '' : number(row.gflops),
    row.peak_share === undefined ? '' : `${(100 * row.peak_share).toFixed(0)} %`,
    ratios && Number.isFinite(best) ? number(row.median / best) : '',
  ]);
  const all = [header, ...lines];
  const keep = header.map((_, column) => all.some((line, index) => index > 0 && line[column] !== ''));
  const widths = header.map((_, column) => Math.max(...all.map((line) => line[column].length)));
  const text = all.map((line) =>
    line
      .flatMap((cell, column) => (keep[column] ? [column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column])] : []))
      .join('  ')
      .trimEnd(),
  );
  return [`${id}: ${title}`, ...text].join('\n');
}
