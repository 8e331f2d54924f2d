// Powers and the cosine of schedules: own arithmetic, because engines disagree on the last bits of Math.pow and Math.cos.
import { exp, log } from './elementary.js';

/** base^exponent by repeated squaring: multiplications only, so the same bits in every JavaScript engine. @param exponent a whole number from 0 */
export function power(base: number, exponent: number): number {
  let result = 1;
  let factor = base;
  for (let rest = exponent; rest > 0; rest = Math.floor(rest / 2)) {
    if (rest % 2 === 1) result *= factor;
    factor *= factor;
  }
  return result;
}

/** base^exponent. The whole part of the exponent by multiplications, the rest by e^(rest·log base). @param base from 0 @param exponent from 0 */
export function realPower(base: number, exponent: number): number {
  const whole = Math.floor(exponent);
  const rest = exponent - whole;
  return rest === 0 ? power(base, whole) : power(base, whole) * exp(rest * log(base));
}

/** 1/k! for k from 0 to 18. */
const RECIPROCALS = new Float64Array(19);
for (let k = 0, factorial = 1; k < RECIPROCALS.length; factorial *= ++k) RECIPROCALS[k] = 1 / factorial;

/** x^first/first! - x^(first+2)/(first+2)! + …: cosine from 0, sine from 1. Below 1e-17 of error for |x| to π/4. */
function alternating(x: number, first: 0 | 1): number {
  const square = x * x;
  let sum = 0;
  for (let k = 16 + first; k >= first; k -= 2) sum = RECIPROCALS[k] - square * sum;
  return first === 0 ? sum : x * sum;
}

/** cos(π·x), exact where x is a multiple of 1/2, else within 4e-16. @param x from 0 */
export function cosPi(x: number): number {
  const turn = x % 2;
  const half = turn > 1 ? 2 - turn : turn;
  if (half > 0.5) return -cosPiQuarter(1 - half);
  return cosPiQuarter(half);
}
/** @param x 0 to 1/2 */
function cosPiQuarter(x: number): number {
  return x > 0.25 ? alternating(Math.PI * (0.5 - x), 1) : alternating(Math.PI * x, 0);
}
