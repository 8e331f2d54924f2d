// Vectors of one row of virtual lanes, on top of an instruction set's registers.
#pragma once

#define NABLA_UNROLL _Pragma("GCC unroll 16")

namespace nabla {
namespace NABLA_KERNELS {

template <int n>
struct Count {
  static constexpr int value = n;
};
// Calls body with the count, 1 to most, as a type: what is unrolled so many times has a copy for each.
template <int most, class Body>
NABLA_INLINE void with_count(size_t count, const Body& body) {
  if constexpr (most > 0) {
    if (count == static_cast<size_t>(most)) return body(Count<most>{});
    with_count<most - 1>(count, body);
  }
}

// One row of virtual lanes (16 float32 / 8 float64): the width of a weight panel on every instruction set.
template <class S>
struct Wide {
  using T = typename S::T;
  static constexpr int width = 64 / static_cast<int>(sizeof(T));
  static constexpr int count = width / S::lanes;
  typename S::V v[count];
};
template <class S>
struct WideMask {
  typename S::M v[Wide<S>::count];
};

#define NABLA_EACH NABLA_UNROLL for (int j = 0; j < Wide<S>::count; ++j)

template <class S>
NABLA_INLINE Wide<S> w_set(typename S::T x) {
  Wide<S> r;
  NABLA_EACH r.v[j] = S::set1(x);
  return r;
}
template <class S>
NABLA_INLINE Wide<S> w_load(const typename S::T* p) {
  Wide<S> r;
  NABLA_EACH r.v[j] = S::load(p + j * S::lanes);
  return r;
}
template <class S>
NABLA_INLINE void w_store(typename S::T* p, const Wide<S>& a) {
  NABLA_EACH S::store(p + j * S::lanes, a.v[j]);
}
#define NABLA_BINARY(name)                                            \
  template <class S>                                                  \
  NABLA_INLINE Wide<S> w_##name(const Wide<S>& a, const Wide<S>& b) { \
    Wide<S> r;                                                        \
    NABLA_EACH r.v[j] = S::name(a.v[j], b.v[j]);                      \
    return r;                                                         \
  }
NABLA_BINARY(add)
NABLA_BINARY(sub)
NABLA_BINARY(mul)
NABLA_BINARY(div)
NABLA_BINARY(min_limit)
NABLA_BINARY(max_limit)
NABLA_BINARY(copysign)
#undef NABLA_BINARY
#define NABLA_COMPARE(name)                                               \
  template <class S>                                                      \
  NABLA_INLINE WideMask<S> w_##name(const Wide<S>& a, const Wide<S>& b) { \
    WideMask<S> r;                                                        \
    NABLA_EACH r.v[j] = S::name(a.v[j], b.v[j]);                          \
    return r;                                                             \
  }
NABLA_COMPARE(lt)
NABLA_COMPARE(gt)
NABLA_COMPARE(ge)
#undef NABLA_COMPARE
template <class S>
NABLA_INLINE Wide<S> w_mad(const Wide<S>& a, const Wide<S>& b, const Wide<S>& c) {
  Wide<S> r;
  NABLA_EACH r.v[j] = S::mad(a.v[j], b.v[j], c.v[j]);
  return r;
}
template <class S>
NABLA_INLINE Wide<S> w_select(const WideMask<S>& m, const Wide<S>& a, const Wide<S>& b) {
  Wide<S> r;
  NABLA_EACH r.v[j] = S::select(m.v[j], a.v[j], b.v[j]);
  return r;
}
template <class S>
NABLA_INLINE Wide<S> w_abs(const Wide<S>& a) {
  Wide<S> r;
  NABLA_EACH r.v[j] = S::abs(a.v[j]);
  return r;
}
template <class S>
NABLA_INLINE Wide<S> w_sqrt(const Wide<S>& a) {
  Wide<S> r;
  NABLA_EACH r.v[j] = S::sqrt(a.v[j]);
  return r;
}

// Virtual lanes folded 8-4-2-1.
template <class S>
NABLA_INLINE typename S::T w_fold(const Wide<S>& a) {
  Wide<S> sum = a;
  NABLA_UNROLL for (int h = Wide<S>::count / 2; h > 0; h /= 2) {
    NABLA_UNROLL for (int j = 0; j < h; ++j) sum.v[j] = S::add(sum.v[j], sum.v[j + h]);
  }
  return S::fold(sum.v[0]);
}

// 1 in lane n, 0 in the others; n outside the lanes: 0 in all.
template <class S>
NABLA_INLINE Wide<S> w_one(ptrdiff_t n) {
  static constexpr typename S::T ones[32] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  if (n < 0 || n >= Wide<S>::width) return w_set<S>(0);
  return w_load<S>(ones + 15 - n);
}

// Lanes below n from a, the others from b.
template <class S>
NABLA_INLINE Wide<S> w_first(int n, const Wide<S>& a, const Wide<S>& b) {
  static constexpr typename S::T index[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return w_select<S>(w_lt<S>(w_load<S>(index), w_set<S>(static_cast<typename S::T>(n))), a, b);
}

}  // namespace NABLA_KERNELS
}  // namespace nabla
