// W7 with CSV packages: node csv.mjs W7 papaparse|udsv|csv-parse|loop. Each fills one Uint8Array (rows, 785), the quickest way it offers.
import { createReadStream, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { cache } from '../../lib/places.mjs';
import { report, timed } from '../../lib/timing.mjs';

const require = createRequire(import.meta.url);
const path = join(cache, 'train.csv');
const columns = 785;
const reader = process.argv[3];

const readers = {
  papaparse() {
    const { data } = require('papaparse').parse(readFileSync(path, 'utf8'), { skipEmptyLines: true });
    const out = new Uint8Array((data.length - 1) * columns);
    for (let row = 1; row < data.length; row++) for (let k = 0; k < columns; k++) out[(row - 1) * columns + k] = Number(data[row][k]);
    return out;
  },
  udsv() {
    const { inferSchema, initParser } = require('udsv');
    const text = readFileSync(path, 'utf8');
    const rows = initParser(inferSchema(text)).typedArrs(text);
    const out = new Uint8Array(rows.length * columns);
    rows.forEach((row, i) => out.set(row, i * columns));
    return out;
  },
  async 'csv-parse'() {
    const { parse } = require('csv-parse');
    const out = new Uint8Array(42_000 * columns);
    let at = 0;
    for await (const record of createReadStream(path).pipe(parse({ from_line: 2 }))) {
      for (let k = 0; k < columns; k++) out[at++] = Number(record[k]);
    }
    return out.subarray(0, at);
  },
  /** A loop over the bytes that takes digits and trusts everything else: what a reader without checks costs. */
  loop() {
    const file = readFileSync(path);
    const out = new Uint8Array(42_000 * columns);
    let at = 0;
    let value = 0;
    for (let i = file.indexOf(10) + 1; i < file.length; i++) {
      const byte = file[i];
      if (byte >= 48) value = value * 10 + byte - 48;
      else {
        out[at++] = value;
        value = 0;
      }
    }
    return out;
  },
};
const run = await timed(readers[reader]);
let sum = 0;
for (const value of run.result) sum += value;
report(run.seconds, run.cpu, { rows: run.result.length / columns, sum });
