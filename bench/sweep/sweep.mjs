// Where nabla is not the fastest, and how its cost grows.
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { growthChart } from './growth-chart.mjs';
import { LoadWatch } from '../lib/load.mjs';
import { bench, cache, peers, python } from '../lib/places.mjs';
import { sample, spread } from '../lib/sample.mjs';
import { number } from '../lib/table.mjs';
import { describe, GROWTH, modelSeconds, parameters, randomShapes, stepFlop } from './shapes.mjs';

/** More than this for twice the work is named. */
const LARGEST_DOUBLING = 2.5;
const OPENMP = { LD_LIBRARY_PATH: '/usr/lib/x86_64-linux-gnu/openblas-openmp:/usr/lib/aarch64-linux-gnu/openblas-openmp' };

/** @param texts of --rows: limits the peers */
function programs(installed, texts) {
  const counts = [...new Set([1, availableParallelism()])];
  const rows = [['numpy-f32', 'numpy_f32', 'numpy'], ['torch-eager', 'torch_eager', 'torch'], ['torch-manual', 'torch_manual', 'torch']].flatMap(([name, file, module]) =>
    counts.map((threads) => ({ name, label: `${name} ${threads}`, threads, env: OPENMP, command: [python, join(peers, 'python', `${file}.py`), 'sweep', String(threads)], needs: `python3 ${module}` })),
  );
  return [{ name: 'nabla-native', label: 'nabla', command: ['node', join(bench, 'programs/sweep.mjs'), 'shapes'] }, ...rows.filter((row) => installed.missing(row) === undefined && (texts === undefined || texts.some((text) => row.label.includes(text))))];
}
/** The median over rounds of each element. @param lists one array a round */
const medians = (lists) => lists[0].map((_, i) => spread(lists.map((list) => list[i])).median);

/** @returns { shapes, growth, steepest, busy, text(ratios), charts(machine, busy) } */
export async function sweep({ rounds, texts, peaks, installed, progress }) {
  const nets = randomShapes();
  writeFileSync(join(cache, 'shapes.json'), JSON.stringify(nets));
  const rows = programs(installed, texts).map((row) => ({ ...row, samples: [] }));
  const grown = [];
  const watch = new LoadWatch();
  watch.start();
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round}/${rounds}  peak`);
    peaks.sample();
    for (const row of rows) {
      progress(`round ${round}/${rounds}  60 networks  ${row.label}`);
      row.samples.push(await sample(row));
    }
    progress(`round ${round}/${rounds}  growth`);
    grown.push(await sample({ label: 'growth', command: ['node', join(bench, 'programs/sweep.mjs'), 'growth'] }));
  }
  const load = watch.stop();
  const peak = peaks.medians();
  const shapes = nets.map((net, index) => {
    const times = {};
    for (const row of rows) {
      const value = spread(row.samples.map((list) => list[index])).median * 1e6;
      times[row.name] = Math.min(times[row.name] ?? Infinity, Number(value.toPrecision(5)));
    }
    const { 'nabla-native': nabla, ...others } = times;
    const best = Math.min(...Object.values(others));
    return {
      network: describe(net), parameters: parameters(net), megaflop: Number((stepFlop(net) / 1e6).toPrecision(4)), us_per_step: times, ...(Number.isFinite(best) ? { times_faster: Number((best / nabla).toPrecision(4)) } : {}),
    };
  });
  const growth = GROWTH.map((series, index) => {
    const seconds = medians(grown.map((lists) => lists[index]));
    const points = series.points.map((net, i) => ({ at: net.at, seconds: seconds[i], ...(peak.gflops_f32_nt === undefined ? {} : { model: modelSeconds(series, net, peak) }) }));
    return { id: series.id, title: series.title, unit: series.unit, points };
  });
  const steepest = growth.map(({ id, points }) => {
    // Each point against the largest of at most half its size (rounding of sizes allowed for): smaller steps would blow noise up.
    const slopes = points.flatMap((point) => {
      const half = points.filter(({ at }) => at <= 0.52 * point.at).at(-1);
      if (half === undefined) return [];
      return [{ id, from: half.at, to: point.at, doubling: (point.seconds / half.seconds) ** (1 / Math.log2(point.at / half.at)) }];
    });
    return slopes.reduce((a, b) => (b.doubling > a.doubling ? b : a));
  });
  const lost = shapes.filter(({ times_faster: times }) => times < 1).sort((a, b) => a.times_faster - b.times_faster);
  return {
    shapes, growth, steepest, busy: load.busy, load: load.text,
    charts: (machine, busy) => growthChart({ machine, busy, growth, shapes }),
    text(ratios) {
      const mark = ratios === 'marked' ? '?' : '';
      const lines = [`\n${shapes.length} random networks, medians of ${rounds} rounds, the peers' best number of threads`];
      const times = shapes.flatMap(({ times_faster: value }) => (value === undefined ? [] : [value]));
      if (ratios !== '' && times.length > 0) {
        const { median, min, max } = spread(times);
        lines.push(`the best of the peers takes ${number(median)}${mark} times as long in the middle, ${number(min)}${mark} to ${number(max)}${mark}`);
        lines.push(lost.length === 0 ? 'none where a peer is faster' : `${lost.length} where a peer is faster:`);
        for (const { network, us_per_step: us } of lost) lines.push(`  ${network}: ${Object.entries(us).map(([name, value]) => `${name} ${number(value)} us`).join(', ')}`);
      }
      for (const { title, unit, points } of growth) {
        lines.push(`\n${title}`);
        for (const { at, seconds, model } of points) lines.push(`  ${String(at).padStart(9)}  ${number(seconds * 1e3).padStart(8)} ms${unit.slice(1)}${model === undefined ? '' : `, arithmetic and memory alone ${number(model * 1e3)}`}`);
      }
      lines.push('');
      for (const { id, from, to, doubling } of steepest) {
        lines.push(`${id}: the steepest doubling costs ${doubling.toFixed(2)} times (${from} to ${to})${doubling > LARGEST_DOUBLING ? `: MORE THAN ${LARGEST_DOUBLING}` : ''}`);
      }
      return lines.join('\n');
    },
  };
}
