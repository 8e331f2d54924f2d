// A workload's results as text or Markdown.
export const number = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value >= 1 ? value.toFixed(2) : value.toPrecision(2));

/** Time of nabla's fastest native row; its only row where there is no native one. */
export function reference(rows) {
  const native = rows.filter(({ name }) => name === 'nabla-native');
  const own = native.length > 0 ? native : rows.filter(({ name }) => name.startsWith('nabla'));
  return Math.min(...own.map(({ median }) => median));
}

/** @param ratios '' (none), 'sure' or 'marked' (the machine was busy) @returns lines of cells, the header first; columns without content left out */
export function cells({ unit, rows }, ratios) {
  const best = reference(rows);
  const header = ['', unit, 'min … max', 'CPU', 'MB', 'p99', 'GFLOP/s', 'of peak', ratios === '' ? '' : `× nabla${ratios === 'marked' ? '?' : ''}`];
  const lines = rows.map((row) => [
    `${row.label}${row.part === undefined ? '' : ' *'}`,
    number(row.median),
    `${number(row.min)} … ${number(row.max)}`,
    number(row.cpu),
    String(row.rss_mb),
    row.p99 === undefined ? '' : number(row.p99),
    row.gflops === undefined ? '' : number(row.gflops),
    row.peak_share === undefined ? '' : `${(100 * row.peak_share).toFixed(0)} %`,
    ratios === '' || !Number.isFinite(best) ? '' : number(row.median / best),
  ]);
  const all = [header, ...lines];
  const keep = header.map((_, column) => column === 0 || lines.some((line) => line[column] !== ''));
  return all.map((line) => line.filter((_, column) => keep[column]));
}

export function formatWorkload(id, result, ratios) {
  const lines = cells(result, ratios);
  const widths = lines[0].map((_, column) => Math.max(...lines.map((line) => line[column].length)));
  const text = lines.map((line) => line.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]))).join('  ').trimEnd());
  const star = result.rows.some(({ part }) => part !== undefined) ? ['* measured on a part, scaled to the whole'] : [];
  const notes = [...result.failed.map((text) => `did not run: ${text}`), ...result.differs.map((text) => `NOT THE SAME RESULT: ${text}`)];
  return [`${id}: ${result.title}`, ...text, ...star, ...notes].join('\n');
}

export function markdownWorkload(id, result, ratios) {
  const [header, ...lines] = cells(result, ratios);
  const row = (line) => `| ${line.join(' | ')} |`;
  const star = result.rows.some(({ part }) => part !== undefined) ? ['', '\\* measured on a part, scaled to the whole'] : [];
  return [`### ${id}: ${result.title}`, '', row(header), row(header.map((_, i) => (i === 0 ? '---' : '--:'))), ...lines.map(row), ...star].join('\n');
}
