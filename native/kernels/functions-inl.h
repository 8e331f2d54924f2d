// exp, tanh, sigmoid, log and log1p as docs/numerics.md writes them out; their measured errors are stated there.
#pragma once
#include "wide-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

template <class S>
struct Constants;
template <>
struct Constants<SimdF32> {
  static constexpr float log2e = 1.44269504088896340736f, magic = 12582912.0f;
  static constexpr float ln2_hi = 0.693359375f, ln2_lo = -2.12194440e-4f;
  static constexpr float exp_lo = -86.9f, exp_hi = 89.0f, tanh_top = 20.0f, sqrt2 = 1.41421356237309504880f;
  static constexpr int exp_terms = 6, log_terms = 4, log1p_terms = 8;
};
template <>
struct Constants<SimdF64> {
  static constexpr double log2e = 1.44269504088896340736, magic = 6755399441055744.0;
  static constexpr double ln2_hi = 6.93147180369123816490e-01, ln2_lo = 1.90821492927058770002e-10;
  static constexpr double exp_lo = -708.0, exp_hi = 710.0, tanh_top = 40.0, sqrt2 = 1.41421356237309504880;
  static constexpr int exp_terms = 12, log_terms = 10, log1p_terms = 17;
};

// 1/2!, 1/3!, ... 1/13!
template <class T>
struct Factorials {
  static constexpr T c[12] = {T(1.0 / 2),         T(1.0 / 6),          T(1.0 / 24),          T(1.0 / 120),
                              T(1.0 / 720),       T(1.0 / 5040),       T(1.0 / 40320.0),     T(1.0 / 362880.0),
                              T(1.0 / 3628800.0), T(1.0 / 39916800.0), T(1.0 / 479001600.0), T(1.0 / 6227020800.0)};
};
// 1/3, 1/5, ... 1/35
template <class T>
struct OddReciprocals {
  static constexpr T c[17] = {T(1.0 / 3),  T(1.0 / 5),  T(1.0 / 7),  T(1.0 / 9),  T(1.0 / 11), T(1.0 / 13),
                              T(1.0 / 15), T(1.0 / 17), T(1.0 / 19), T(1.0 / 21), T(1.0 / 23), T(1.0 / 25),
                              T(1.0 / 27), T(1.0 / 29), T(1.0 / 31), T(1.0 / 33), T(1.0 / 35)};
};

template <class S, int terms>
NABLA_INLINE Wide<S> horner(const Wide<S>& x, const typename S::T* c) {
  Wide<S> p = w_set<S>(c[terms - 1]);
  _Pragma("GCC unroll 17") for (int i = terms - 2; i >= 0; --i) p = w_mad<S>(p, x, w_set<S>(c[i]));
  return p;
}

// y = k ln2 + r: q = exp(r) - 1, t carries k.
template <class S>
NABLA_INLINE Wide<S> expm1_reduced(const Wide<S>& y, Wide<S>& t) {
  using K = Constants<S>;
  t = w_mad<S>(y, w_set<S>(K::log2e), w_set<S>(K::magic));
  const Wide<S> k = w_sub<S>(t, w_set<S>(K::magic));
  Wide<S> r = w_mad<S>(k, w_set<S>(-K::ln2_hi), y);
  r = w_mad<S>(k, w_set<S>(-K::ln2_lo), r);
  return w_mad<S>(w_mul<S>(r, r), horner<S, K::exp_terms>(r, Factorials<typename S::T>::c), r);
}
template <class S>
NABLA_INLINE Wide<S> w_pow2(const Wide<S>& t, int shift) {
  Wide<S> r;
  NABLA_EACH r.v[j] = S::pow2(t.v[j], shift);
  return r;
}
template <class S>
NABLA_INLINE Wide<S> w_exp(const Wide<S>& x) {
  using K = Constants<S>;
  const Wide<S> y = w_max_limit<S>(w_set<S>(K::exp_lo), w_min_limit<S>(w_set<S>(K::exp_hi), x));
  Wide<S> t;
  const Wide<S> q = expm1_reduced<S>(y, t);
  const Wide<S> s = w_pow2<S>(t, -1);
  const Wide<S> e = w_mul<S>(w_mad<S>(s, q, s), w_set<S>(2));
  return w_select<S>(w_lt<S>(x, w_set<S>(K::exp_lo)), w_set<S>(0), e);
}
template <class S>
NABLA_INLINE Wide<S> w_tanh(const Wide<S>& x) {
  const Wide<S> y = w_min_limit<S>(w_set<S>(Constants<S>::tanh_top), w_mul<S>(w_set<S>(2), w_abs<S>(x)));
  Wide<S> t;
  const Wide<S> q = expm1_reduced<S>(y, t);
  const Wide<S> s = w_pow2<S>(t, 0);
  const Wide<S> e = w_mad<S>(s, q, w_sub<S>(s, w_set<S>(1)));
  return w_copysign<S>(w_div<S>(e, w_add<S>(e, w_set<S>(2))), x);
}
template <class S>
NABLA_INLINE Wide<S> w_sigmoid(const Wide<S>& z) {
  const Wide<S> one = w_set<S>(1);
  const Wide<S> t = w_exp<S>(w_sub<S>(w_set<S>(0), w_abs<S>(z)));
  return w_div<S>(w_select<S>(w_ge<S>(z, w_set<S>(0)), one, t), w_add<S>(one, t));
}
template <class S>
NABLA_INLINE Wide<S> w_log(const Wide<S>& x) {
  using K = Constants<S>;
  using T = typename S::T;
  Wide<S> e, m;
  NABLA_EACH m.v[j] = S::split(x.v[j], e.v[j]);
  const WideMask<S> high = w_gt<S>(m, w_set<S>(K::sqrt2));
  m = w_select<S>(high, w_mul<S>(m, w_set<S>(T(0.5))), m);
  e = w_select<S>(high, w_add<S>(e, w_set<S>(1)), e);
  const Wide<S> f = w_sub<S>(m, w_set<S>(1));
  const Wide<S> s = w_div<S>(f, w_add<S>(f, w_set<S>(2)));
  const Wide<S> w = w_mul<S>(s, s);
  const Wide<S> h = w_mul<S>(s, w_set<S>(2));
  const Wide<S> p = w_mad<S>(w_mul<S>(h, w), horner<S, K::log_terms>(w, OddReciprocals<T>::c), h);
  const Wide<S> r = w_mad<S>(e, w_set<S>(K::ln2_hi), w_mad<S>(e, w_set<S>(K::ln2_lo), p));
  // +inf and NaN stay as they are; 0 and negative numbers do not occur here (a softmax sum is at least 1).
  return w_select<S>(w_lt<S>(x, w_set<S>(static_cast<T>(__builtin_inf()))), r, x);
}
template <class S>
NABLA_INLINE Wide<S> w_log1p(const Wide<S>& t) {
  const Wide<S> s = w_div<S>(t, w_add<S>(t, w_set<S>(2)));
  const Wide<S> w = w_mul<S>(s, s);
  const Wide<S> h = w_mul<S>(s, w_set<S>(2));
  return w_mad<S>(w_mul<S>(h, w), horner<S, Constants<S>::log1p_terms>(w, OddReciprocals<typename S::T>::c), h);
}

}  // namespace NABLA_KERNELS
}  // namespace nabla
