// How far to go along a direction: a step that satisfies the strong Wolfe conditions.
import type { Flow } from '../base/sync-async.js';

/** A point of the ray x + t·d: the loss there and its derivative with respect to t. A value of Infinity is a step too far. */
export interface RayPoint {
  readonly t: number;
  readonly value: number;
  readonly slope: number;
}

/** Sufficient decrease: value <= start + c1·t·slope of the start. */
export const DECREASE = 1e-4;
/** Curvature: |slope| <= c2·|slope of the start|. */
export const CURVATURE = 0.9;
/** Evaluations of one search. */
export const MOST_TRIALS = 25;

/**
 * Line search (J. Nocedal, S. Wright, Numerical Optimization, 2nd edition, algorithms 3.5 and 3.6): steps grow until they enclose a good one, then the
 * bracket shrinks. New steps are minima of cubics (equation 3.59), kept from 1.01 to 10 times the last growth, and in a bracket a tenth of it
 * away from its ends where the step before was close to one too (as PyTorch does).
 * @param start t = 0, its slope below 0 @param first the first step @param evaluate the loss at a step @param narrowest a bracket of which the search ends
 * @returns a point with both conditions; where none was found, one with sufficient decrease, or `start`
 */
export function* wolfeSearch<Point extends RayPoint>(start: Point, first: number, evaluate: (t: number) => Flow<Point>, narrowest: number): Flow<Point> {
  // Written so that NaN never falls enough.
  const fallsEnough = ({ t, value }: RayPoint): boolean => value <= start.value + DECREASE * t * start.slope;
  const isFlat = ({ slope }: RayPoint): boolean => Math.abs(slope) <= -CURVATURE * start.slope;
  let low = start;
  let point = yield* evaluate(first);
  let high: Point;
  let trials = 1;
  for (;;) {
    if (!fallsEnough(point) || (trials > 1 && point.value >= low.value)) {
      high = point;
      break;
    }
    if (isFlat(point)) return point;
    if (point.slope >= 0) {
      [low, high] = [point, low];
      break;
    }
    if (trials === MOST_TRIALS) return point;
    const t = cubicMinimum(low, point, point.t + 0.01 * (point.t - low.t), 10 * point.t);
    low = point;
    point = yield* evaluate(t);
    trials += 1;
  }
  let close = false;
  while (trials < MOST_TRIALS) {
    const from = Math.min(low.t, high.t);
    const to = Math.max(low.t, high.t);
    if (to - from < narrowest) break;
    const margin = 0.1 * (to - from);
    let t = cubicMinimum(low, high, from, to);
    if (Math.min(to - t, t - from) >= margin) close = false;
    else if (close || t >= to || t <= from) {
      t = to - t < t - from ? to - margin : from + margin;
      close = false;
    } else close = true;
    point = yield* evaluate(t);
    trials += 1;
    if (!fallsEnough(point) || point.value >= low.value) high = point;
    else {
      if (isFlat(point)) return point;
      if (point.slope * (high.t - low.t) >= 0) high = low;
      low = point;
    }
  }
  return low;
}

/** Where the cubic with these values and slopes is smallest, limited to [from, to]; their middle where it has no minimum. */
export function cubicMinimum(a: RayPoint, b: RayPoint, from: number, to: number): number {
  const [left, right] = a.t <= b.t ? [a, b] : [b, a];
  const d1 = left.slope + right.slope - (3 * (left.value - right.value)) / (left.t - right.t);
  const square = d1 * d1 - left.slope * right.slope;
  const d2 = Math.sqrt(square);
  const t = right.t - (right.t - left.t) * ((right.slope + d2 - d1) / (right.slope - left.slope + 2 * d2));
  // No minimum, or an end that is not finite.
  if (Number.isNaN(t)) return (from + to) / 2;
  return Math.min(Math.max(t, from), to);
}
