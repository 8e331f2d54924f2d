// The workloads as one picture: a panel each, time on a logarithmic axis, nabla above those it is compared with.
import { COLORS, dot, line, logScale, picture, short, text } from './svg.mjs';

const PANEL = { width: 400, left: 178, plot: 160, row: 17, head: 40, foot: 26 };
const COLUMNS = 3;

/** The best setting of every name; of nabla's native rows the best of each instruction set. */
function chosen(rows) {
  const groups = new Map();
  for (const row of rows) {
    const key = row.name === 'nabla-native' ? `${row.name} ${row.isa}` : row.name;
    const known = groups.get(key);
    if (known === undefined || row.median < known.median) groups.set(key, row);
  }
  return [...groups.values()];
}

function panel(id, { title, unit, rows }, x, y) {
  const best = chosen(rows);
  const { ticks, place } = logScale(Math.min(...best.map(({ min }) => min)), Math.max(...best.map(({ max }) => max)), x + PANEL.left, x + PANEL.left + PANEL.plot);
  const bottom = y + PANEL.head + best.length * PANEL.row;
  // Titles are long; the part before the colon says what is trained.
  const parts = [text(x, y + 12, `${id}  ${unit}`, { size: 12, weight: 'bold' }), text(x, y + 27, title.length > 62 ? `${title.slice(0, 60)}…` : title, { size: 9.5, color: COLORS.faint })];
  for (const tick of ticks) parts.push(line(place(tick), y + PANEL.head - 4, place(tick), bottom, COLORS.grid), text(place(tick), bottom + 12, short(tick), { size: 8.5, anchor: 'middle', color: COLORS.faint }));
  best.forEach((row, index) => {
    const middle = y + PANEL.head + (index + 0.5) * PANEL.row;
    const own = row.name.startsWith('nabla');
    const color = own ? COLORS.nabla : COLORS.peer;
    parts.push(
      text(x + PANEL.left - 6, middle + 3.5, row.label.replace(/ threads?$/, 't'), { size: 9.5, anchor: 'end', weight: own ? 'bold' : 'normal', color: own ? COLORS.nabla : COLORS.text }),
      line(place(row.min), middle, place(row.max), middle, color, 2),
      dot(place(row.median), middle, 4, color),
      text(place(Math.max(row.median, row.max)) + 7, middle + 3.5, short(row.median), { size: 9, color }),
    );
  });
  return { parts, height: PANEL.head + best.length * PANEL.row + PANEL.foot };
}

/** @param result what --json writes */
export function workloadsChart({ machine, commit, date, busy, workloads }) {
  const bottoms = new Array(COLUMNS).fill(58);
  const parts = [
    text(20, 26, 'nabla and others on the same work: time, less is better (logarithmic; medians, lines from fastest to slowest)', { size: 14, weight: 'bold' }),
    text(20, 44, `${machine.cpu}, ${machine.processors} processors, Node ${machine.node}, ${commit}, ${date.slice(0, 10)}${busy ? ' – THE MACHINE WAS BUSY: proves nothing' : ''}`, { color: COLORS.faint }),
  ];
  for (const [id, workload] of Object.entries(workloads)) {
    if (workload.rows.length === 0) continue;
    const column = bottoms.indexOf(Math.min(...bottoms));
    const drawn = panel(id, workload, 20 + column * PANEL.width, bottoms[column] + 12);
    parts.push(...drawn.parts);
    bottoms[column] += drawn.height + 12;
  }
  return picture(40 + COLUMNS * PANEL.width, Math.max(...bottoms) + 10, parts);
}
