// Measures the largest errors of exp, log, log1p, tanh and sigmoid (src/math/elementary.ts), in units in the last place, against
// BigInt arithmetic. Usage: npx tsx scripts/measure-elementary.mjs [points a range, default 20000]
import { measureElementary } from '../test/math/elementary.errors.ts';

for (const { name, range, worst, at } of measureElementary(Number(process.argv[2] ?? 20000))) {
  console.log(`| ${name} | ${range} | ${worst.toFixed(3)} | ${at} |`);
}
