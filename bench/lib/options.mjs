// The command line of `npm run bench`.
import { parseArgs } from 'node:util';
import { WORKLOADS, matching } from '../workloads/index.mjs';

export const usage = `npm run bench -- [options]
  --only W2,W4      these workloads (W4: W4a and W4b); default all:
                    ${Object.keys(WORKLOADS).join(', ')}
  --rows TEXT,...   rows whose name or label contains one of the texts
                    (nabla, avx2, typescript, numpy, torch, sklearn, tfjs, onnx, …)
  --rounds N        fresh processes a row, default 5
  --json FILE       write the results as JSON
  --chart FILE.svg  draw them; a PNG file of the same name beside it
  --sweep           instead of the workloads: cost as the work grows, and 60 random
                    networks against NumPy and PyTorch (--json, --chart, --rounds, --force)
  --force           print ratios although the machine is busy, marked with ?
  --help            this text
npm run bench:setup installs the peers; without it the rows of nabla run alone.`;

export class UsageError extends Error {}

/** @throws UsageError */
export function readOptions(args) {
  let values;
  try {
    values = parseArgs({
      args,
      options: {
        only: { type: 'string' }, rows: { type: 'string' }, rounds: { type: 'string' }, json: { type: 'string' }, chart: { type: 'string' },
        sweep: { type: 'boolean', default: false }, force: { type: 'boolean', default: false }, help: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError(error.message);
  }
  const rounds = Number(values.rounds ?? (values.sweep ? 3 : 5));
  if (!Number.isInteger(rounds) || rounds < 1) throw new UsageError(`--rounds takes an integer of at least 1, received ${values.rounds}`);
  if (values.chart !== undefined && !values.chart.endsWith('.svg')) throw new UsageError(`--chart takes a name that ends in .svg, received ${values.chart}`);
  const ids = (values.only?.split(',') ?? Object.keys(WORKLOADS)).flatMap((text) => {
    const found = values.only === undefined ? [text] : matching(text);
    if (found.length === 0) throw new UsageError(`unknown workload ${text}. Known: ${Object.keys(WORKLOADS).join(', ')}`);
    return found;
  });
  return { ...values, rounds, ids: [...new Set(ids)], texts: values.rows?.split(',') };
}
