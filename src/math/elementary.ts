// exp, log, log1p, tanh and sigmoid in float64, as docs/numerics.md writes them out: own polynomials, no Math.exp, because
// engines disagree on the last bits of those. Plain multiply and add: the native baseline copy gives the same bits.
// Largest errors measured by scripts/measure-elementary.mjs are in docs/numerics.md.

// Constants stand where they are used: a bundler makes variables of a module's, and the engine loads and checks those at every use.

/** POWERS[k + 1023] = 2^k for k from -1022 to 1023. */
const POWERS = new Float64Array(2047);
for (let power = 1, k = 0; k <= 1023; k++, power *= 2) POWERS[1023 + k] = power;
for (let power = 1, k = 0; k >= -1022; k--, power /= 2) POWERS[1023 + k] = power;

/** y / ln 2, rounded to a whole number by adding 1.5·2^52. */
function wholePart(y: number): number {
  return y * 1.4426950408889634 + 6755399441055744 - 6755399441055744;
}

/** e^r - 1 for r = y - k·ln 2, |r| <= ln(2)/2. ln 2 comes in two parts; the first has zeros at its end, so that k times it is exact. */
function expReduced(y: number, k: number): number {
  const r = k * -1.90821492927058770002e-10 + (k * -6.9314718036912381649e-1 + y);
  let p = 1 / 6227020800;
  p = p * r + 1 / 479001600;
  p = p * r + 1 / 39916800;
  p = p * r + 1 / 3628800;
  p = p * r + 1 / 362880;
  p = p * r + 1 / 40320;
  p = p * r + 1 / 5040;
  p = p * r + 1 / 720;
  p = p * r + 1 / 120;
  p = p * r + 1 / 24;
  p = p * r + 1 / 6;
  p = p * r + 1 / 2;
  return r * r * p + r;
}

/** e^x. */
export function exp(x: number): number {
  // Below, the result is 0.
  if (!(x >= -708)) return x < -708 ? 0 : x;
  const y = x > 710 ? 710 : x;
  const k = wholePart(y);
  const q = expReduced(y, k);
  const s = POWERS[k + 1022];
  return (s * q + s) * 2;
}

/** Hyperbolic tangent, as E / (E + 2) with E = e^(2|x|) - 1. */
export function tanh(x: number): number {
  if (x !== x) return x;
  const doubled = 2 * Math.abs(x);
  // exp(40) + 1 is exp(40) to double precision: tanh is 1 from here on.
  const y = doubled > 40 ? 40 : doubled;
  const k = wholePart(y);
  const q = expReduced(y, k);
  const s = POWERS[k + 1023];
  const e = s * q + (s - 1);
  const result = e / (e + 2);
  return x < 0 || Object.is(x, -0) ? -result : result;
}

/** 1 / (1 + e^-x); never computes e to a positive power. */
export function sigmoid(x: number): number {
  const t = exp(-Math.abs(x));
  return (x >= 0 ? 1 : t) / (1 + t);
}

/** e^x - 1 for x <= 0. */
export function expm1Negative(x: number): number {
  // e^-40 is nothing beside 1.
  const y = x < -40 ? -40 : x;
  const k = wholePart(y);
  const q = expReduced(y, k);
  const s = POWERS[k + 1023];
  return s * q + (s - 1);
}

/** Powers of (y - 2) / (y + 2) for (1 + 2y) · e^(y²) · erfc(y) / 2, by scripts/fit-erfc.py. */
const TAIL = Float64Array.of(
  0.6384891907762644, -0.04638191329287261, -0.08301519880766842, 0.08202564001667029, -0.027110000494691894, -0.004017007539276732, 0.004361326908706129, 0.0006356694490045079,
  -0.0007284066406696418, -0.00022717008289319964, 0.00010318134323883314, 7.551757199534161e-05, -7.450531089163594e-07, -1.8203628676395205e-05, -6.775230830310877e-06, 1.8334885633205495e-06,
  2.6690309899749e-06, 7.931706512674357e-07, -4.2431402969017644e-07, -4.71021503381256e-07, -6.415725008011245e-08, 1.1595722574386778e-07, 4.555135154703311e-08, -1.2315010020673692e-08, -7.138423891493102e-09,
);

/** Φ(z), the part of a standard normal distribution below z. @param bell e^(-z²/2) */
export function normalBelow(z: number, bell: number): number {
  const distance = Math.abs(z) * Math.SQRT1_2;
  const y = distance > 100 ? 100 : distance;
  const t = (y - 2) / (y + 2);
  let p = TAIL[TAIL.length - 1];
  for (let i = TAIL.length - 2; i >= 0; i--) p = p * t + TAIL[i];
  const tail = (p / (1 + 2 * y)) * bell;
  return z >= 0 ? 1 - tail : tail;
}

// log(1 + f) = h + h·w·(1/3 + w/5 + w²/7 + …) with s = f/(f+2), w = s², h = 2s.
const LOG_TERMS = oddReciprocals(10);
const LOG1P_TERMS = oddReciprocals(17);

/** 1/3, 1/5, …, 1/(2n+1). */
function oddReciprocals(n: number): Float64Array {
  return Float64Array.from({ length: n }, (_, i) => 1 / (2 * i + 3));
}

/** 2·atanh(s) by n terms of its series. */
function twiceAtanh(s: number, terms: Float64Array): number {
  const w = s * s;
  const h = 2 * s;
  let r = terms[terms.length - 1];
  for (let i = terms.length - 2; i >= 0; i--) r = r * w + terms[i];
  return h * w * r + h;
}

const bits = new BigUint64Array(1);
const asFloat = new Float64Array(bits.buffer);
const words = new Uint32Array(bits.buffer);
/** Where the exponent lies: index 1 on little-endian machines. */
const HIGH = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 1 : 0;

/** Natural logarithm. */
export function log(x: number): number {
  if (!(x > 0)) return x === 0 ? -Infinity : NaN;
  if (x === Infinity) return x;
  // A subnormal number has no leading 1: lift it first.
  const subnormal = x < 2.2250738585072014e-308;
  asFloat[0] = subnormal ? x * 18014398509481984 : x;
  const high = words[HIGH];
  let e = (high >>> 20) - (subnormal ? 1077 : 1023);
  words[HIGH] = (high & 0xfffff) | 0x3ff00000;
  let m = asFloat[0];
  if (m > 1.4142135623730951) {
    m *= 0.5;
    e += 1;
  }
  const f = m - 1;
  const p = twiceAtanh(f / (f + 2), LOG_TERMS);
  // The parts of ln 2 as in expReduced.
  return e * 6.9314718036912381649e-1 + (e * 1.90821492927058770002e-10 + p);
}

/** log(1 + t) for t in [0, 1]. */
export function log1p(t: number): number {
  return twiceAtanh(t / (t + 2), LOG1P_TERMS);
}
