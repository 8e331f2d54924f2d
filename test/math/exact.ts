// exp, log, … to some 250 bits in BigInt arithmetic: what the errors of our own functions are measured against.

const PRECISION = 300n;
const ONE = 1n << PRECISION;

/** A positive number mantissa · 2^exponent. */
export interface Exact { readonly mantissa: bigint; readonly exponent: number }

/** A finite double as mantissa · 2^exponent, exactly. */
function parts(x: number): Exact {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(x));
  const word = view.getBigUint64(0);
  const biased = Number(word >> 52n);
  const fraction = word & ((1n << 52n) - 1n);
  return biased === 0 ? { mantissa: fraction, exponent: -1074 } : { mantissa: fraction | (1n << 52n), exponent: biased - 1075 };
}

const shift = (value: bigint, by: number): bigint => (by >= 0 ? value << BigInt(by) : value >> BigInt(-by));

function fixed(x: number): bigint {
  const { mantissa, exponent } = parts(x);
  const value = shift(mantissa, exponent + Number(PRECISION));
  return x < 0 ? -value : value;
}

/** 2·atanh(s), s in fixed point. */
function twiceAtanh(s: bigint): bigint {
  const square = (s * s) >> PRECISION;
  let power = s;
  let sum = 0n;
  for (let n = 1n; power !== 0n && power !== -1n; n += 2n, power = (power * square) >> PRECISION) sum += power / n;
  return 2n * sum;
}

const LN2 = twiceAtanh(ONE / 3n);

function expFixed(x: bigint): Exact {
  const k = (2n * x + LN2) / (2n * LN2) - (2n * x + LN2 < 0n ? 1n : 0n);
  const r = x - k * LN2;
  let term = ONE;
  let sum = 0n;
  for (let n = 1n; term !== 0n && term !== -1n; n++) {
    sum += term;
    term = ((term * r) >> PRECISION) / n;
  }
  return { mantissa: sum, exponent: Number(k) - Number(PRECISION) };
}

export const exactExp = (x: number): Exact => expFixed(fixed(x));

/** |log x|, x > 0 and not 1. */
export function exactLog(x: number): Exact {
  const { mantissa, exponent } = parts(x);
  const bits = mantissa.toString(2).length;
  const m = shift(mantissa, Number(PRECISION) - bits + 1);
  const value = twiceAtanh(((m - ONE) << PRECISION) / (m + ONE)) + BigInt(exponent + bits - 1) * LN2;
  return { mantissa: value < 0n ? -value : value, exponent: -Number(PRECISION) };
}

export function exactLog1p(t: number): Exact {
  const value = fixed(t);
  return { mantissa: twiceAtanh((value << PRECISION) / (value + 2n * ONE)), exponent: -Number(PRECISION) };
}

/** tanh |x|, x not 0. */
export function exactTanh(x: number): Exact {
  const { mantissa, exponent } = expFixed(2n * fixed(Math.abs(x)));
  const power = shift(mantissa, exponent + Number(PRECISION));
  return { mantissa: ((power - ONE) << PRECISION) / (power + ONE), exponent: -Number(PRECISION) };
}

/** 1 / (1 + e^-x), by way of e^-|x| so that small results keep their digits. */
export function exactSigmoid(x: number): Exact {
  const e = expFixed(-fixed(Math.abs(x)));
  const power = shift(e.mantissa, e.exponent + Number(PRECISION));
  if (x >= 0) return { mantissa: (ONE << PRECISION) / (ONE + power), exponent: -Number(PRECISION) };
  return { mantissa: (e.mantissa << PRECISION) / (ONE + power), exponent: e.exponent };
}

/** |approximate| - exact in units of the exact value's last place. */
export function ulpError(approximate: number, exact: Exact): number {
  const a = parts(approximate);
  const top = exact.mantissa.toString(2).length - 1 + exact.exponent;
  const unit = Math.max(top - 52, -1074);
  const lowest = Math.min(a.exponent, exact.exponent, unit);
  const difference = shift(a.mantissa, a.exponent - lowest) - shift(exact.mantissa, exact.exponent - lowest);
  const absolute = difference < 0n ? -difference : difference;
  return Number((absolute * 1000000n) >> BigInt(unit - lowest)) / 1e6;
}
