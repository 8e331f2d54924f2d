// The machine's peaks: samples of bench/peak for each instruction set, with one thread and with all.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { environment, peakProgram } from './places.mjs';
import { spread } from './sample.mjs';

export class Peaks {
  #isas;
  #samples = new Map();

  /** @param isas fastest first */
  constructor(isas) {
    this.#isas = isas;
  }
  get available() {
    return existsSync(peakProgram) && this.#isas.length > 0;
  }
  sample() {
    if (!this.available) return;
    for (const isa of this.#isas) {
      for (const [suffix, threads] of [['1t', 1], ['nt', availableParallelism()]]) {
        const { status, stdout, stderr } = spawnSync(peakProgram, [isa, String(threads)], { encoding: 'utf8', env: environment(1) });
        if (status !== 0) throw new Error(`${peakProgram}: ${stderr}`);
        const { f32, f64, read } = JSON.parse(stdout);
        const keep = (key, value) => this.#samples.set(key, [...(this.#samples.get(key) ?? []), value]);
        keep(`gflops_f32_${isa}_${suffix}`, f32);
        keep(`gflops_f64_${isa}_${suffix}`, f64);
        if (isa === this.#isas[0]) {
          keep(`gflops_f32_${suffix}`, f32);
          keep(`gflops_f64_${suffix}`, f64);
          keep(`read_gbs_${suffix}`, read);
        }
      }
    }
  }
  /** Medians by name: gflops_f32_1t, gflops_f32_nt, gflops_f64_…, read_gbs_…; the same for each instruction set by name. */
  medians() {
    return Object.fromEntries([...this.#samples].map(([key, values]) => [key, Number(spread(values).median.toFixed(2))]).sort(([a], [b]) => a.length - b.length || (a < b ? -1 : 1)));
  }
}
