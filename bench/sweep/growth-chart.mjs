// The sweep as one picture: cost as the work grows beside what arithmetic and memory alone would take, and the sixty networks.
import { COLORS, dot, line, logScale, path, picture, short, text } from '../lib/svg.mjs';

const PANEL = { width: 420, height: 300, left: 52, top: 34, right: 24, bottom: 34 };

function frame(x, y, title, xs, ys) {
  const across = logScale(Math.min(...xs), Math.max(...xs), x + PANEL.left, x + PANEL.width - PANEL.right);
  const up = logScale(Math.min(...ys), Math.max(...ys), y + PANEL.height - PANEL.bottom, y + PANEL.top);
  const [x0, x1, y0, y1] = [x + PANEL.left, x + PANEL.width - PANEL.right, y + PANEL.height - PANEL.bottom, y + PANEL.top];
  const parts = [text(x + PANEL.left, y + 18, title, { size: 12, weight: 'bold' })];
  for (const tick of across.ticks) parts.push(line(across.place(tick), y0, across.place(tick), y1, COLORS.grid), text(across.place(tick), y0 + 14, short(tick), { size: 9, anchor: 'middle', color: COLORS.faint }));
  for (const tick of up.ticks) parts.push(line(x0, up.place(tick), x1, up.place(tick), COLORS.grid), text(x0 - 5, up.place(tick) + 3, short(tick), { size: 9, anchor: 'end', color: COLORS.faint }));
  return { across, up, parts };
}

function growthPanel({ title, points }, x, y) {
  const ms = points.map(({ at, seconds, model }) => ({ at, seconds: seconds * 1e3, model: model === undefined ? undefined : model * 1e3 }));
  const modelled = ms.filter(({ model }) => model !== undefined);
  const { across, up, parts } = frame(x, y, `${title} (ms)`, ms.map(({ at }) => at), [...ms.map(({ seconds }) => seconds), ...modelled.map(({ model }) => model)]);
  const measured = ms.map(({ at, seconds }) => [across.place(at), up.place(seconds)]);
  if (modelled.length > 0) parts.push(path(modelled.map(({ at, model }) => [across.place(at), up.place(model)]), COLORS.peer, 1.5, '5 4'));
  parts.push(path(measured, COLORS.nabla), ...measured.map(([px, py]) => dot(px, py, 3.2, COLORS.nabla)));
  return parts;
}

function shapesPanel(shapes, x, y) {
  const known = shapes.filter(({ times_faster: times }) => times !== undefined);
  if (known.length === 0) return [];
  const times = known.map(({ times_faster: value }) => value);
  const { across, up, parts } = frame(x, y, 'times faster than the best peer, by MFLOP a step', known.map(({ megaflop }) => megaflop), [1, ...times]);
  parts.push(line(x + PANEL.left, up.place(1), x + PANEL.width - PANEL.right, up.place(1), COLORS.text, 1.2));
  for (const { megaflop, times_faster: value } of known) parts.push(dot(across.place(megaflop), up.place(value), 3.2, value < 1 ? COLORS.text : COLORS.nabla));
  return parts;
}

export function growthChart({ machine, busy, growth, shapes }) {
  const parts = [
    text(20, 26, 'How nabla\'s cost grows (dots), and what arithmetic and memory alone would take at the measured peaks (dashed)', { size: 14, weight: 'bold' }),
    text(20, 44, `${machine.cpu}, ${machine.processors} processors, ${machine.commit}${busy ? ' – THE MACHINE WAS BUSY: proves nothing' : ''}`, { color: COLORS.faint }),
  ];
  growth.forEach((series, index) => parts.push(...growthPanel(series, 20 + (index % 2) * PANEL.width, 56 + Math.floor(index / 2) * PANEL.height)));
  parts.push(...shapesPanel(shapes, 20 + 2 * PANEL.width, 56));
  return picture(40 + 3 * PANEL.width, 76 + 2 * PANEL.height, parts);
}
