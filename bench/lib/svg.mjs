// Small parts of pictures, written as SVG text.
export const COLORS = { nabla: '#c2410c', light: '#fdba74', peer: '#64748b', grid: '#e2e8f0', text: '#1e293b', faint: '#64748b' };

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]);
const at = (value) => Number(value.toFixed(1));

export const text = (x, y, value, { size = 11, anchor = 'start', color = COLORS.text, weight = 'normal' } = {}) =>
  `<text x="${at(x)}" y="${at(y)}" font-size="${size}" text-anchor="${anchor}" fill="${color}" font-weight="${weight}">${escape(value)}</text>`;
export const line = (x1, y1, x2, y2, color, width = 1, dash = '') =>
  `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" stroke="${color}" stroke-width="${width}"${dash === '' ? '' : ` stroke-dasharray="${dash}"`}/>`;
export const dot = (x, y, r, color) => `<circle cx="${at(x)}" cy="${at(y)}" r="${r}" fill="${color}"/>`;
export const path = (points, color, width = 1.5, dash = '') =>
  `<polyline points="${points.map(([x, y]) => `${at(x)},${at(y)}`).join(' ')}" fill="none" stroke="${color}" stroke-width="${width}"${dash === '' ? '' : ` stroke-dasharray="${dash}"`}/>`;

export function picture(width, height, parts) {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="DejaVu Sans, Verdana, sans-serif">`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** Powers of ten from below `min` to above `max`, and the position of a value between them. */
export function logScale(min, max, from, to) {
  const low = Math.floor(Math.log10(min));
  const high = Math.max(low + 1, Math.ceil(Math.log10(max)));
  return {
    ticks: Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i)),
    place: (value) => from + ((Math.log10(value) - low) / (high - low)) * (to - from),
  };
}
export function short(value) {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))}M`;
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))}k`;
  return value >= 0.001 ? String(Number(value.toPrecision(3))) : value.toExponential(0);
}
