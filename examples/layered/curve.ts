/** Curves as text, one column a value; the first curve is drawn with `o`, the second with `*`, and so on. */
export function drawCurve(curves: Readonly<Record<string, readonly number[]>>, { from, to, height }: { readonly from: number; readonly to: number; readonly height: number }): string {
  const marks = 'o*+x';
  const names = Object.keys(curves);
  const columns = Math.max(...Object.values(curves).map((values) => values.length));
  const cells = Array.from({ length: height }, () => Array.from({ length: columns }, () => '  '));
  names.forEach((name, index) => {
    curves[name].forEach((value, column) => {
      const row = Math.round(((to - value) / (to - from)) * (height - 1));
      // What lies below the picture is drawn on its lowest line.
      cells[Math.min(Math.max(row, 0), height - 1)][column] = `${marks[index]} `;
    });
  });
  const lines = cells.map((row, i) => `${(100 * (to - (i * (to - from)) / (height - 1))).toFixed(1).padStart(6)} % | ${row.join('')}`.trimEnd());
  return [...lines, `${' '.repeat(9)}+${'-'.repeat(2 * columns)} epochs`, ...names.map((name, i) => `${' '.repeat(11)}${marks[i]} ${name}`)].join('\n');
}
