// Where a function of the plane is at least one half, as text.

interface Point { readonly at: readonly [number, number]; readonly mark: string }

const width = 60;
const height = 25;
const [low, high] = [-0.5, 1.5];

/** @param values of points (n, 2), row-major @param points to be marked @returns the square from -0.5 to 1.5, x to the right, y upwards */
export function drawRegions(values: (points: Float64Array) => ArrayLike<number>, points: readonly Point[]): string {
  const place = (cell: number, cells: number): number => low + ((high - low) * (cell + 0.5)) / cells;
  const grid = new Float64Array(2 * width * height);
  for (let line = 0; line < height; line++) {
    for (let column = 0; column < width; column++) {
      grid[2 * (line * width + column)] = place(column, width);
      grid[2 * (line * width + column) + 1] = place(height - 1 - line, height);
    }
  }
  const found = values(grid);
  const cells = Array.from({ length: height }, (_, line) => Array.from({ length: width }, (_, column): string => (found[line * width + column] >= 0.5 ? '▒' : ' ')));
  for (const { at, mark } of points) {
    const column = Math.floor(((at[0] - low) / (high - low)) * width);
    const line = height - 1 - Math.floor(((at[1] - low) / (high - low)) * height);
    cells[line][column] = mark;
  }
  const label = (line: number): string => (line === Math.round(0.25 * (height - 1)) ? '1' : line === Math.round(0.75 * (height - 1)) ? '0' : ' ');
  return [
    `   ┌${'─'.repeat(width)}┐`,
    ...cells.map((line, i) => ` ${label(i)} │${line.join('')}│`),
    `   └${'─'.repeat(width)}┘`,
    `    ${' '.repeat(width / 4)}0${' '.repeat(width / 2 - 1)}1`,
  ].join('\n');
}
