// The largest errors of our own functions over spread points; used by the test and by scripts/measure-elementary.mjs.
import { exp, log, log1p, sigmoid, tanh } from '../../src/math/elementary.js';
import { exactExp, exactLog, exactLog1p, exactSigmoid, exactTanh, ulpError, type Exact } from './exact.js';

interface Range { readonly from: number; readonly to: number }
interface Measured { readonly name: string; readonly range: string; readonly worst: number; readonly at: number }

/** Points of a range by a low-discrepancy walk, the ends included; geometric where the range spans magnitudes. */
function* points({ from, to }: Range, count: number, geometric: boolean): Generator<number> {
  yield from;
  yield to;
  for (let i = 1; i <= count; i++) {
    const u = (i * 0.6180339887498949) % 1;
    yield geometric ? Math.exp(Math.log(from) * (1 - u) + Math.log(to) * u) : from + u * (to - from);
  }
}

function worstOf(name: string, f: (x: number) => number, exact: (x: number) => Exact, range: Range, count: number, geometric = false): Measured {
  let worst = 0;
  let at = range.from;
  for (const x of points(range, count, geometric)) {
    const error = ulpError(f(x), exact(x));
    if (!(error <= worst)) {
      worst = error;
      at = x;
    }
  }
  return { name, range: `[${range.from}, ${range.to}]`, worst, at };
}

/** Largest error of each function in units in the last place over `count` points a range. */
export function measureElementary(count: number): Measured[] {
  return [
    worstOf('exp', exp, exactExp, { from: -707.9, to: 709.7 }, count),
    worstOf('exp', exp, exactExp, { from: -1, to: 1 }, count),
    worstOf('log', log, exactLog, { from: 2.3e-308, to: 1.7e308 }, count, true),
    worstOf('log', log, exactLog, { from: 0.5, to: 2.5 }, count),
    worstOf('log1p', log1p, exactLog1p, { from: 1e-30, to: 1 }, count, true),
    worstOf('log1p', log1p, exactLog1p, { from: 0.001, to: 1 }, count),
    worstOf('tanh', tanh, exactTanh, { from: 1e-9, to: 25 }, count, true),
    worstOf('tanh', tanh, exactTanh, { from: 0.01, to: 3 }, count),
    worstOf('sigmoid', sigmoid, exactSigmoid, { from: -700, to: 40 }, count),
    worstOf('sigmoid', sigmoid, exactSigmoid, { from: -6, to: 6 }, count),
  ];
}
