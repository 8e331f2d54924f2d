// npm run bench: see bench/README.md.
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { workloadsChart } from './lib/chart.mjs';
import { writePictures } from './lib/pictures.mjs';
import { findInstalled } from './lib/installed.mjs';
import { checkIdle } from './lib/load.mjs';
import { describeMachine } from './lib/machine.mjs';
import { measureWorkload } from './lib/measure.mjs';
import { readOptions, usage, UsageError } from './lib/options.mjs';
import { Peaks } from './lib/peak.mjs';
import { bench, environment } from './lib/places.mjs';
import { formatWorkload } from './lib/table.mjs';
import { sweep } from './sweep/sweep.mjs';
import { WORKLOADS } from './workloads/index.mjs';
import { instructionSets } from './workloads/nabla-rows.mjs';

let options;
try {
  options = readOptions(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  console.error(`bench: ${error.message}\n${usage}`);
  process.exit(2);
}
if (options.help) {
  console.log(usage);
  process.exit(0);
}

const isas = instructionSets();
const installed = await findInstalled();
const machine = describeMachine(isas, installed.versions);
const peaks = new Peaks(isas);
const progress = (text) => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

/** Rows that were asked for and can run; the others by what they lack. */
function planOf(id) {
  const { texts } = options;
  const rows = WORKLOADS[id].rows().filter(({ name, label }) => texts === undefined || texts.some((text) => label.includes(text) || name.includes(text)));
  const absent = rows.filter((row) => installed.missing(row) !== undefined);
  return { plan: rows.filter((row) => !absent.includes(row)), absent: absent.map((row) => `${row.name} (${installed.missing(row)})`) };
}

console.log(`${machine.cpu} · ${machine.processors} processors · ${isas.join(', ') || 'no addon'} · ${machine.platform} · Node ${machine.node} · nabla ${machine.version} (${machine.commit})`);
console.log(Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`).join(' · ') || 'no peers: npm run bench:setup');
if (!peaks.available) console.log('no peak is measured: npm run bench:setup builds the program that does');
const idle = await checkIdle(!options.force);
if (idle.busy) console.log(`The machine is busy before the start: ${idle.text}.`);

let busy = idle.busy;
const verdict = () => (busy ? (options.force ? 'marked' : '') : 'sure');
const result = { machine, commit: machine.commit, date: new Date().toISOString(), busy, peak: {}, workloads: {} };
const save = () => {
  if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
};

if (options.sweep) {
  const { text, charts, ...data } = await sweep({ rounds: options.rounds, texts: options.texts, peaks, installed, progress });
  progress('');
  busy ||= data.busy;
  Object.assign(result, { busy, peak: peaks.medians(), sweep: data });
  console.log(text(verdict()));
  if (options.chart !== undefined) await writePictures(options.chart, charts(machine, busy));
} else {
  const plans = options.ids.map((id) => ({ id, ...planOf(id) })).filter(({ plan }) => plan.length > 0);
  if (plans.length === 0) {
    console.error(`bench: --rows ${options.rows} matches no row of ${options.ids.join(', ')} that can run\n${usage}`);
    process.exit(2);
  }
  const absent = [...new Set(plans.flatMap((plan) => plan.absent))];
  if (absent.length > 0) console.log(`left out, not installed: ${absent.join(', ')}. npm run bench:setup installs the peers.`);
  progress('making the data');
  const made = spawnSync(process.execPath, [join(bench, 'programs/prepare.mjs'), ...plans.map(({ id }) => id)], { stdio: ['ignore', 'inherit', 'inherit'], env: environment(machine.processors) });
  if (made.status !== 0) process.exit(1);
  for (const { id, plan } of plans) {
    const measured = await measureWorkload(WORKLOADS[id], plan, options.rounds, peaks, (text) => progress(`${id}  ${text}`));
    progress('');
    busy ||= measured.busy;
    result.workloads[id] = measured;
    Object.assign(result, { busy, peak: peaks.medians() });
    console.log(`\n${formatWorkload(id, measured, verdict())}`);
    if (measured.busy) console.log(`busy: ${measured.load}`);
    save();
  }
  if (options.chart !== undefined) await writePictures(options.chart, workloadsChart(result));
}
console.log(`\n${Object.entries(result.peak).map(([key, value]) => `${key} ${value}`).join('\n')}`);
if (busy) console.log(`\nThe machine was busy: ${options.force ? 'ratios are marked with ? and prove nothing.' : 'no ratios. Run again on an idle machine, or with --force.'}`);
save();
for (const file of [options.json, options.chart]) if (file !== undefined) console.log(`wrote ${file}`);
if (Object.values(result.workloads).some(({ failed, differs }) => failed.length + differs.length > 0)) process.exitCode = 1;
