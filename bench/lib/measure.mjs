// Runs a workload: rounds go through all rows in turn (A B A B …), so that a drifting machine hits all alike; every sample is a fresh process.
import { LoadWatch } from './load.mjs';
import { sample, spread } from './sample.mjs';

const rounded = (value) => Number(value.toPrecision(6));

function summarize(row, samples, workload, peak) {
  const wall = spread(samples.map(({ value }) => value));
  const seconds = wall.median * workload.secondsPerUnit;
  const gflops = workload.gflop === undefined ? undefined : workload.gflop / seconds;
  const roof = row.peak === undefined ? undefined : peak[row.peak];
  const [{ check, part }] = samples;
  const tails = samples.flatMap(({ p99 }) => (p99 === undefined ? [] : [p99]));
  return {
    name: row.name,
    label: row.label,
    ...(row.isa === undefined ? {} : { isa: row.isa }),
    ...(row.threads === undefined ? {} : { threads: row.threads }),
    median: rounded(wall.median),
    min: rounded(wall.min),
    max: rounded(wall.max),
    rounds: samples.length,
    cpu: rounded(spread(samples.map(({ cpu }) => cpu)).median),
    rss_mb: Math.round(spread(samples.map(({ rss }) => rss)).median),
    ...(tails.length === 0 ? {} : { p99: rounded(spread(tails).median) }),
    ...(gflops === undefined ? {} : { gflops: rounded(gflops) }),
    ...(gflops === undefined || roof === undefined ? {} : { peak_share: rounded(gflops / roof) }),
    ...(workload.images === undefined ? {} : { images_per_second: Math.round(workload.images / seconds) }),
    ...(part === undefined ? {} : { part: rounded(part) }),
    check,
  };
}

/** Compares what rows computed with nabla's first row: the same loss, accuracy or sum, as far as they did the same amount of work. */
function compareResults(rows, plan, tolerance) {
  const problems = [];
  const firsts = new Map();
  rows.forEach((row, index) => {
    const { check = {} } = row;
    if (plan[index].differs === true) return;
    for (const [key, value] of Object.entries(check)) {
      if (!['loss', 'accuracy', 'sum'].includes(key)) continue;
      const group = `${key} ${check.rows ?? 'all'}`;
      const first = firsts.get(group);
      if (first === undefined) firsts.set(group, { row, value });
      // Losses of a solved problem are rounding noise.
      else if (!(Math.abs(value - first.value) <= Math.max(1e-6, tolerance * Math.abs(first.value)))) {
        problems.push(`${row.label} has ${key} ${value}, ${first.row.label} has ${first.value}`);
      }
    }
    if (Object.values(check).some((value) => !Number.isFinite(value))) problems.push(`${row.label} computed ${JSON.stringify(check)}`);
  });
  return problems;
}

/** Rows of one name together, its best setting first; nabla's in their own order at the top. */
function arrange(rows) {
  const names = [...new Set(rows.map(({ name }) => name))];
  return names.flatMap((name) => {
    const group = rows.filter((row) => row.name === name);
    return name.startsWith('nabla') ? group : group.sort((a, b) => a.median - b.median);
  });
}

/**
 * @param plan rows to measure @param peaks sampled once a round
 * @returns { title, unit, rows, failed: what did not run, differs: results that are not the same, busy, load }
 */
export async function measureWorkload(workload, plan, rounds, peaks, progress) {
  const watch = new LoadWatch();
  watch.start();
  const samples = plan.map(() => []);
  const failed = [];
  const out = new Set();
  for (let round = 1; round <= rounds; round++) {
    progress(`round ${round}/${rounds}  peak`);
    peaks.sample();
    for (const [index, row] of plan.entries()) {
      if (out.has(index)) continue;
      progress(`round ${round}/${rounds}  ${row.label}`);
      try {
        samples[index].push(await sample(row));
      } catch (error) {
        // One peer that breaks does not stop the others.
        out.add(index);
        failed.push(error.message);
      }
    }
  }
  const load = watch.stop();
  const peak = peaks.medians();
  const kept = plan.map((row, index) => ({ row, taken: samples[index] })).filter((_, index) => !out.has(index));
  const rows = kept.map(({ row, taken }) => summarize(row, taken, workload, peak));
  const differs = compareResults(rows, kept.map(({ row }) => row), workload.tolerance);
  return { title: workload.title, unit: workload.unit, rows: arrange(rows), failed, differs, busy: load.busy, load: load.text };
}
