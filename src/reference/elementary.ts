// exp, log, log1p, tanh and sigmoid in float64, as docs/numerics.md writes them out: own polynomials, no Math.exp, because
// engines disagree on the last bits of those. Plain multiply and add: the native baseline copy gives the same bits.
// Largest errors measured by scripts/measure-elementary.mjs are in docs/numerics.md.

const LOG2_E = 1.4426950408889634;
/** Adding 1.5·2^52 rounds to an integer. */
const MAGIC = 6755399441055744;
/** ln 2 in two parts; the first has zeros at its end, so that k times it is exact. */
const LN2_HI = 6.9314718036912381649e-1;
const LN2_LO = 1.90821492927058770002e-10;
const EXP_LOWEST = -708;
const EXP_HIGHEST = 710;
/** exp(40) + 1 is exp(40) to double precision, so tanh is 1 from here on. */
const TANH_TOP = 40;
const SQRT2 = 1.4142135623730951;

const C2 = 1 / 2, C3 = 1 / 6, C4 = 1 / 24, C5 = 1 / 120, C6 = 1 / 720, C7 = 1 / 5040, C8 = 1 / 40320, C9 = 1 / 362880,
  C10 = 1 / 3628800, C11 = 1 / 39916800, C12 = 1 / 479001600, C13 = 1 / 6227020800;

/** POWERS[k + 1023] = 2^k for k from -1022 to 1023. */
const POWERS = new Float64Array(2047);
for (let power = 1, k = 0; k <= 1023; k++, power *= 2) POWERS[1023 + k] = power;
for (let power = 1, k = 0; k >= -1022; k--, power /= 2) POWERS[1023 + k] = power;

/** exp(r) - 1 for |r| <= ln(2)/2. */
function expReduced(r: number): number {
  let p = C13;
  p = p * r + C12;
  p = p * r + C11;
  p = p * r + C10;
  p = p * r + C9;
  p = p * r + C8;
  p = p * r + C7;
  p = p * r + C6;
  p = p * r + C5;
  p = p * r + C4;
  p = p * r + C3;
  p = p * r + C2;
  return r * r * p + r;
}

/** e^x. */
export function exp(x: number): number {
  if (!(x >= EXP_LOWEST)) return x < EXP_LOWEST ? 0 : x;
  const y = x > EXP_HIGHEST ? EXP_HIGHEST : x;
  const k = y * LOG2_E + MAGIC - MAGIC;
  const q = expReduced(k * -LN2_LO + (k * -LN2_HI + y));
  const s = POWERS[k + 1022];
  return (s * q + s) * 2;
}

/** Hyperbolic tangent, as E / (E + 2) with E = e^(2|x|) - 1. */
export function tanh(x: number): number {
  if (x !== x) return x;
  const doubled = 2 * Math.abs(x);
  const y = doubled > TANH_TOP ? TANH_TOP : doubled;
  const k = y * LOG2_E + MAGIC - MAGIC;
  const q = expReduced(k * -LN2_LO + (k * -LN2_HI + y));
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
  const y = x < -TANH_TOP ? -TANH_TOP : x;
  const k = y * LOG2_E + MAGIC - MAGIC;
  const q = expReduced(k * -LN2_LO + (k * -LN2_HI + y));
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
  if (m > SQRT2) {
    m *= 0.5;
    e += 1;
  }
  const f = m - 1;
  const p = twiceAtanh(f / (f + 2), LOG_TERMS);
  return e * LN2_HI + (e * LN2_LO + p);
}

/** log(1 + t) for t in [0, 1]. */
export function log1p(t: number): number {
  return twiceAtanh(t / (t + 2), LOG1P_TERMS);
}
