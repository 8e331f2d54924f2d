// The processor's fused multiply-add peak: node rows/peak.mjs ISA 1t|nt
import { availableParallelism } from 'node:os';
import process from 'node:process';
import { loadAddon } from '../../dist/backend/addon.js';

const [isa, threads] = process.argv.slice(2);
const { addon, problem } = loadAddon();
if (addon === null) throw new Error(problem.message);
const cpu = process.cpuUsage();
const value = addon.measurePeak(isa, threads === '1t' ? 1 : availableParallelism());
const { user, system } = process.cpuUsage(cpu);
console.log(JSON.stringify({ value, cpu: (user + system) / 1e6 }));
