// Pictures of digits as text: two pixels a character, as half blocks.

/** A picture of 28 x 28 bytes and the line below it. */
export interface Drawing {
  readonly pixels: ArrayLike<number>;
  readonly caption: string;
}

const SIZE = 28;
/** MNIST leaves a margin of at least two pixels around the digit. */
const MARGIN = 2;
const INSIDE = SIZE - 2 * MARGIN;
const GAP = '  ';
/** Darker than this is ink. */
const INK = 80;

/** @param drawings pictures @param columns characters that fit on a line @returns lines of text, as many pictures beside each other as fit */
export function drawDigits(drawings: readonly Drawing[], columns: number): string {
  const perLine = Math.max(1, Math.floor((columns + GAP.length) / (INSIDE + GAP.length)));
  const blocks: string[] = [];
  for (let first = 0; first < drawings.length; first += perLine) {
    const line = drawings.slice(first, first + perLine);
    const rows: string[] = [];
    for (let y = MARGIN; y < SIZE - MARGIN; y += 2) rows.push(line.map(({ pixels }) => drawRow(pixels, y)).join(GAP).trimEnd());
    // Rows that are blank in every picture of the line only cost height.
    while (rows[0] === '') rows.shift();
    while (rows.at(-1) === '') rows.pop();
    rows.push(line.map(({ caption }) => caption.slice(0, INSIDE).padEnd(INSIDE)).join(GAP).trimEnd());
    blocks.push(rows.join('\n'));
  }
  return blocks.join('\n\n');
}

function drawRow(pixels: ArrayLike<number>, y: number): string {
  let text = '';
  for (let x = MARGIN; x < SIZE - MARGIN; x++) {
    const above = (pixels[y * SIZE + x] ?? 0) > INK;
    const below = (pixels[(y + 1) * SIZE + x] ?? 0) > INK;
    text += above ? (below ? '█' : '▀') : below ? '▄' : ' ';
  }
  return text;
}
