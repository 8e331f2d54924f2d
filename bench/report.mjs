// node bench/report.mjs RESULTS.json [SWEEP.json]: writes the tables of results into bench/README.md, between its two marks, and draws both files (SVG and PNG beside them).
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { workloadsChart } from './lib/chart.mjs';
import { writePictures } from './lib/pictures.mjs';
import { bench } from './lib/places.mjs';
import { markdownWorkload, number } from './lib/table.mjs';
import { growthChart } from './sweep/growth-chart.mjs';

const START = '<!-- results -->';
const END = '<!-- end of results -->';
const [file, swept] = process.argv.slice(2);
if (file === undefined) {
  console.error('node bench/report.mjs RESULTS.json [SWEEP.json]');
  process.exit(2);
}
const result = JSON.parse(readFileSync(file, 'utf8'));
const { machine, commit, date, busy, peak, workloads } = result;
const picture = (json) => json.replace(/\.json$/, '.svg');
await writePictures(picture(file), workloadsChart(result));
const versions = Object.entries(machine.versions).map(([name, version]) => `${name} ${version}`).join(', ');
const parts = [
  `${machine.cpu}, ${machine.processors} processors (${machine.isas.join(', ')}), ${machine.platform}, Node ${machine.node}, nabla ${machine.version} (${commit}), ${date.slice(0, 10)}. ${versions}.`,
  ...(busy ? ['**The machine was busy: these figures prove nothing.**'] : []),
  ['| peak | 1 thread | all threads |', '| --- | --: | --: |', ...machine.isas.flatMap((isa) => ['f32', 'f64'].map((type) => `| ${isa} ${type === 'f32' ? 'float32' : 'float64'}, GFLOP/s | ${number(peak[`gflops_${type}_${isa}_1t`])} | ${number(peak[`gflops_${type}_${isa}_nt`])} |`)), `| reading 128 MB, GB/s | ${number(peak.read_gbs_1t)} | ${number(peak.read_gbs_nt)} |`].join('\n'),
  ...Object.entries(workloads).map(([id, result]) => markdownWorkload(id, result, busy ? 'marked' : 'sure')),
];
if (swept !== undefined) {
  const { sweep, busy: loaded, machine: other } = JSON.parse(readFileSync(swept, 'utf8'));
  await writePictures(picture(swept), growthChart({ machine: other, busy: loaded, growth: sweep.growth, shapes: sweep.shapes }));
  const lost = sweep.shapes.filter(({ times_faster: times }) => times < 1);
  parts.push(
    [
      '### The sweep', '', ...(loaded ? ['**The machine was busy: these figures prove nothing.**', ''] : []),
      `Of ${sweep.shapes.length} random networks a peer was faster in ${lost.length}${lost.length === 0 ? '.' : ':'}`,
      ...lost.map(({ network, times_faster: times }) => `- ${network}: the best peer takes ${number(times)} of nabla's time`), '',
      '| what grows | steepest doubling costs |', '| --- | --: |', ...sweep.steepest.map(({ id, from, to, doubling }) => `| ${id} (${from} to ${to}) | × ${number(doubling)} |`),
    ].join('\n'),
  );
}
const readme = join(bench, 'README.md');
const text = readFileSync(readme, 'utf8');
const from = text.indexOf(START);
const to = text.indexOf(END);
if (from < 0 || to < from) throw new Error(`${readme}: the marks ${START} and ${END} are missing`);
writeFileSync(readme, `${text.slice(0, from + START.length)}\n\n${parts.join('\n\n')}\n\n${text.slice(to)}`);
console.log(`wrote ${readme}`);
