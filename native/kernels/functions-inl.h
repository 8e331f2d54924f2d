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

// Powers of (y - 2) / (y + 2) for (1 + 2y) e^(y^2) erfc(y) / 2: scripts/fit-erfc.py.
template <class T>
struct Tail;
template <>
struct Tail<double> {
  static constexpr int terms = 25;
  static constexpr double c[terms] = {
      0.6384891907762644,     -0.04638191329287261,   -0.08301519880766842,   0.08202564001667029,     -0.027110000494691894,
      -0.004017007539276732,  0.004361326908706129,   0.0006356694490045079,  -0.0007284066406696418,  -0.00022717008289319964,
      0.00010318134323883314, 7.551757199534161e-05,  -7.450531089163594e-07, -1.8203628676395205e-05, -6.775230830310877e-06,
      1.8334885633205495e-06, 2.6690309899749e-06,    7.931706512674357e-07,  -4.2431402969017644e-07, -4.71021503381256e-07,
      -6.415725008011245e-08, 1.1595722574386778e-07, 4.555135154703311e-08,  -1.2315010020673692e-08, -7.138423891493102e-09};
};
template <>
struct Tail<float> {
  static constexpr int terms = 12;
  static constexpr float c[terms] = {0.638489196f,   -0.0463818814f,  -0.0830155478f,   0.0820247271f,    -0.0271059792f, -0.00400948154f,
                                     0.00434457983f, 0.000608705296f, -0.000697853473f, -0.000178960224f, 8.04017909e-5f, 3.16847292e-5f};
};

template <class S, int terms>
NABLA_INLINE Wide<S> horner(const Wide<S>& x, const typename S::T* c) {
  Wide<S> p = w_set<S>(c[terms - 1]);
  _Pragma("GCC unroll 24") for (int i = terms - 2; i >= 0; --i) p = w_mad<S>(p, x, w_set<S>(c[i]));
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
// e^x - 1 for x <= 0; anything for other x.
template <class S>
NABLA_INLINE Wide<S> w_expm1_negative(const Wide<S>& x) {
  const Wide<S> none = w_set<S>(0);
  const Wide<S> y = w_max_limit<S>(w_set<S>(-Constants<S>::tanh_top), w_min_limit<S>(none, x));
  Wide<S> t;
  const Wide<S> q = expm1_reduced<S>(y, t);
  const Wide<S> s = w_pow2<S>(t, 0);
  return w_mad<S>(s, q, w_sub<S>(s, w_set<S>(1)));
}
// The part of a standard normal distribution below z; bell is e^(-z^2 / 2).
template <class S>
NABLA_INLINE Wide<S> w_normal_below(const Wide<S>& z, const Wide<S>& bell) {
  using T = typename S::T;
  const Wide<S> one = w_set<S>(1), two = w_set<S>(2);
  const Wide<S> y = w_min_limit<S>(w_set<S>(100), w_mul<S>(w_abs<S>(z), w_set<S>(T(0.70710678118654752440))));
  const Wide<S> t = w_div<S>(w_sub<S>(y, two), w_add<S>(y, two));
  const Wide<S> tail = w_mul<S>(w_div<S>(horner<S, Tail<T>::terms>(t, Tail<T>::c), w_add<S>(one, w_mul<S>(two, y))), bell);
  return w_select<S>(w_ge<S>(z, w_set<S>(0)), w_sub<S>(one, tail), tail);
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
