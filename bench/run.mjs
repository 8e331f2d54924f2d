// npm run bench -- [--only W2] [--rows nabla] [--rounds 5] [--json FILE] [--force]: see bench/README.md.
// Every sample is a fresh process; rounds go through all rows in turn (A B A B), so that a drifting machine hits all alike.
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { describeMachine, LoadWatch } from './machine.mjs';
import { sample, spread } from './sample.mjs';
import { formatWorkload } from './table.mjs';
import { peakRows, WORKLOADS } from './workloads/index.mjs';

const usage = `npm run bench -- [options]
  --only W2,W4a     these workloads (default: all: ${Object.keys(WORKLOADS).join(', ')})
  --rows TEXT,...   rows whose label contains one of the texts (nabla, typescript, avx2, …)
  --rounds N        fresh processes a row, default 5
  --json FILE       write the results as JSON
  --force           print ratios although the machine is busy (marked)`;

function fail(message) {
  console.error(`bench: ${message}\n${usage}`);
  process.exit(2);
}
let options;
try {
  options = parseArgs({
    options: { only: { type: 'string' }, rows: { type: 'string' }, rounds: { type: 'string', default: '5' }, json: { type: 'string' }, force: { type: 'boolean', default: false }, help: { type: 'boolean', default: false } },
  }).values;
} catch (error) {
  fail(error.message);
}
if (options.help) {
  console.log(usage);
  process.exit(0);
}
const rounds = Number(options.rounds);
if (!Number.isInteger(rounds) || rounds < 1) fail(`--rounds takes an integer of at least 1, received ${options.rounds}`);
const ids = options.only === undefined ? Object.keys(WORKLOADS) : options.only.split(',');
const unknown = ids.find((id) => WORKLOADS[id] === undefined);
if (unknown !== undefined) fail(`unknown workload ${unknown}. Known: ${Object.keys(WORKLOADS).join(', ')}`);

const watch = new LoadWatch();
const machine = describeMachine();
const selected = [];
for (const id of ids) {
  const workload = WORKLOADS[id];
  const wanted = options.rows?.split(',');
  const rows = (await workload.rows()).filter(({ label }) => wanted === undefined || wanted.some((text) => label.includes(text)));
  if (rows.length === 0) fail(`--rows ${options.rows} matches no row of ${id}`);
  selected.push({ id, workload, rows: rows.map((row) => ({ ...row, samples: [] })) });
}
const peaks = (await peakRows()).map((row) => ({ ...row, samples: [] }));

console.log(`${machine.cpu} · ${machine.processors} processors · ${machine.platform} · Node ${machine.node} · nabla ${machine.version} (${machine.commit})`);
const idle = await watch.isIdle();
if (!idle.ok) console.log(`The machine is busy before the start: ${idle.text}.`);

watch.start();
for (let round = 1; round <= rounds; round++) {
  for (const row of peaks) row.samples.push(await sample(row));
  for (const { id, rows } of selected) {
    for (const row of rows) {
      if (process.stderr.isTTY) process.stderr.write(`\r\x1b[Kround ${round}/${rounds}  ${id}  ${row.label}`);
      row.samples.push(await sample(row));
    }
  }
}
if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
const load = watch.stop();
const busy = !idle.ok || !load.ok;

const peak = Object.fromEntries(peaks.map(({ key, samples }) => [key, spread(samples.map(({ value }) => value)).median]));
const workloads = {};
for (const { id, workload, rows } of selected) {
  const results = rows.map((row) => {
    const wall = spread(row.samples.map(({ value }) => value));
    const gflops = workload.gflop === undefined ? undefined : workload.gflop / (wall.median * workload.secondsPerUnit);
    const roof = row.peak === undefined ? undefined : peak[row.peak];
    return {
      name: row.name,
      label: row.label,
      ...(row.isa === undefined ? {} : { isa: row.isa }),
      ...(row.threads === undefined ? {} : { threads: row.threads }),
      ...wall,
      rounds,
      cpu: spread(row.samples.map(({ cpu }) => cpu)).median,
      ...(gflops === undefined ? {} : { gflops }),
      ...(gflops === undefined || roof === undefined ? {} : { peak_share: gflops / roof }),
      ...(row.samples[0]?.check === undefined ? {} : { check: row.samples[0].check }),
    };
  });
  workloads[id] = { title: workload.title, unit: workload.unit, rows: results };
  console.log(`\n${formatWorkload(id, workloads[id], { ratios: !busy || options.force, marked: busy })}`);
}
for (const [key, value] of Object.entries(peak)) console.log(`${key}: ${value.toFixed(1)}`);
if (busy) {
  console.log(`\nThe machine was busy (${load.ok ? idle.text : load.text}): ${options.force ? 'ratios are marked with ? and prove nothing.' : 'no ratios. Run again on an idle machine, or with --force.'}`);
}
if (options.json !== undefined) {
  writeFileSync(options.json, `${JSON.stringify({ machine, commit: machine.commit, date: new Date().toISOString(), busy, peak, workloads }, null, 2)}\n`);
  console.log(`\nwrote ${options.json}`);
}
