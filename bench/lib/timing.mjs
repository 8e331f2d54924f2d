// Clocks for programs in JavaScript, and the line they print.
import process from 'node:process';

/** Wall and processor seconds (all threads) of a piece of work. */
export async function timed(work) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  const result = await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { result, seconds, cpu: (user + system) / 1e6 };
}

export function report(value, cpu, check, more = {}) {
  console.log(JSON.stringify({ value, cpu, rss: process.resourceUsage().maxRSS / 1024, check, ...more }));
}

/** Scales the time of `rows` rows (all epochs together) to the workload's unit. */
export function reportTraining(net, { seconds, cpu }, rows, loss) {
  const scale = net.unitRows / rows / net.unitSeconds;
  report(seconds * scale, cpu * scale, { loss, rows }, rows < net.unitRows ? { part: rows / net.unitRows } : {});
}

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];

/** Calls one after another over all inputs until `seconds` have passed. @returns microseconds: median, p99; processor time of one call */
export function timeCalls(call, inputs, seconds) {
  const taken = [];
  const cpu = process.cpuUsage();
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    for (const input of inputs) {
      const start = performance.now();
      call(input);
      taken.push(performance.now() - start);
    }
  }
  const { user, system } = process.cpuUsage(cpu);
  const sorted = Float64Array.from(taken).sort();
  return { median: quantile(sorted, 0.5) * 1000, p99: quantile(sorted, 0.99) * 1000, cpu: (user + system) / taken.length };
}

/** The same for calls that return promises. */
export async function timeCallsAsync(call, inputs, seconds) {
  const taken = [];
  const cpu = process.cpuUsage();
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end) {
    for (const input of inputs) {
      const start = performance.now();
      await call(input);
      taken.push(performance.now() - start);
      if (performance.now() > end) break;
    }
  }
  const { user, system } = process.cpuUsage(cpu);
  const sorted = Float64Array.from(taken).sort();
  return { median: quantile(sorted, 0.5) * 1000, p99: quantile(sorted, 0.99) * 1000, cpu: (user + system) / taken.length };
}

/** Share of rows whose largest output is the label. @param outputs (rows, classes) */
export function accuracy(outputs, labels, classes = 10) {
  let right = 0;
  for (let row = 0; row < labels.length; row++) {
    let best = 0;
    for (let k = 1; k < classes; k++) if (outputs[row * classes + k] > outputs[row * classes + best]) best = k;
    if (best === labels[row]) right++;
  }
  return right / labels.length;
}
export function meanSquaredError(outputs, values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (outputs[i] - values[i]) ** 2;
  return sum / values.length;
}
