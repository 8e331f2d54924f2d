// The kernels, written once over a vector type S (SimdF32, SimdF64) and compiled once per instruction set.
// No std templates, no shared inline functions: everything lives in this instruction set's namespace.
// The arithmetic is that of docs/numerics.md; comments here say only why a loop is shaped as it is.
#define NABLA_UNROLL _Pragma("GCC unroll 16")

namespace nabla {
namespace NABLA_KERNELS {

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
  typename S::T lane[Wide<S>::width];
  w_store<S>(lane, a);
  for (int h = Wide<S>::width / 2; h > 0; h /= 2)
    for (int j = 0; j < h; ++j) lane[j] = lane[j] + lane[j + h];
  return lane[0];
}

// Lanes below n from a, the others from b.
template <class S>
NABLA_INLINE Wide<S> w_first(int n, const Wide<S>& a, const Wide<S>& b) {
  static constexpr typename S::T index[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return w_select<S>(w_lt<S>(w_load<S>(index), w_set<S>(static_cast<typename S::T>(n))), a, b);
}

// ---- Functions ----

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

// ---- Updates ----

template <class S>
NABLA_INLINE void apply_update(const Update<typename S::T>& u, size_t at, Wide<S> g) {
  using T = typename S::T;
  T* const parameter = u.parameters + at;
  const Wide<S> p = w_load<S>(parameter);
  if (u.l2 != 0) g = w_mad<S>(w_set<S>(u.l2), p, g);
  if (u.rule == Rule::sgd) {
    if (u.weight_decay != 0) g = w_mad<S>(w_set<S>(u.weight_decay), p, g);
    if (u.momentum != 0) {
      const Wide<S> v = w_mad<S>(w_set<S>(u.momentum), w_load<S>(u.slot0 + at), w_mul<S>(w_set<S>(u.scalar), g));
      w_store<S>(u.slot0 + at, v);
      g = u.nesterov ? w_mad<S>(w_set<S>(u.momentum), v, g) : v;
    }
    w_store<S>(parameter, w_mad<S>(w_set<S>(-u.rate), g, p));
    return;
  }
  const Wide<S> m = w_mad<S>(w_set<S>(u.beta1), w_load<S>(u.slot0 + at), w_mul<S>(w_set<S>(u.one_minus_beta1), g));
  const Wide<S> v = w_mad<S>(w_set<S>(u.beta2), w_load<S>(u.slot1 + at), w_mul<S>(w_mul<S>(w_set<S>(u.one_minus_beta2), g), g));
  w_store<S>(u.slot0 + at, m);
  w_store<S>(u.slot1 + at, v);
  const Wide<S> d = w_mad<S>(w_sqrt<S>(v), w_set<S>(u.scalar), w_set<S>(u.epsilon));
  w_store<S>(parameter, w_mad<S>(w_set<S>(-u.rate), w_div<S>(m, d), p));
}

// Called, not inlined, from the tiles: 28 copies of every rule in each tile would not fit the instruction cache.
template <class S>
__attribute__((noinline)) void apply_update_call(const Update<typename S::T>& u, size_t at, const Wide<S>& g) {
  apply_update<S>(u, at, g);
}

// ---- The tile: R rows x P panels of accumulators, A broadcast with any strides, B contiguous along the vector ----

// A finished tile row goes to an epilogue: begin() gives the accumulator's start (+0, or the chain found in memory), finish() takes the
// result.
template <class S, int R, int P, class E>
NABLA_INLINE void tile(const typename S::T* a, size_t a_row, size_t a_k, size_t k, const typename S::T* b, size_t b_k, size_t b_panel,
                       size_t row, size_t panel, const E& epilogue) {
  using V = typename S::V;
  constexpr int C = Wide<S>::count;
  V acc[R][P * C];
  NABLA_UNROLL for (int r = 0; r < R; ++r) {
    NABLA_UNROLL for (int p = 0; p < P; ++p) {
      const Wide<S> start = epilogue.begin(row + r, panel + p);
      NABLA_UNROLL for (int j = 0; j < C; ++j) acc[r][p * C + j] = start.v[j];
    }
  }
  for (size_t i = 0; i < k; ++i) {
    V bv[P * C];
    NABLA_UNROLL for (int p = 0; p < P; ++p) {
      NABLA_UNROLL for (int j = 0; j < C; ++j) bv[p * C + j] = S::load(b + p * b_panel + j * S::lanes);
    }
    NABLA_UNROLL for (int r = 0; r < R; ++r) {
      const V av = S::set1(a[r * a_row]);
      NABLA_UNROLL for (int c = 0; c < P * C; ++c) acc[r][c] = S::mad(av, bv[c], acc[r][c]);
    }
    a += a_k;
    b += b_k;
  }
  NABLA_UNROLL for (int r = 0; r < R; ++r) {
    NABLA_UNROLL for (int p = 0; p < P; ++p) {
      Wide<S> result;
      NABLA_UNROLL for (int j = 0; j < C; ++j) result.v[j] = acc[r][p * C + j];
      epilogue.finish(row + r, panel + p, result);
    }
  }
}

template <class S, int P, class E>
NABLA_INLINE void tile_rows(int rows, const typename S::T* a, size_t a_row, size_t a_k, size_t k, const typename S::T* b, size_t b_k,
                            size_t b_panel, size_t row, size_t panel, const E& e) {
#define NABLA_CASE(n)                                                                                                              \
  case n:                                                                                                                          \
    if constexpr (n <= S::tile_rows) tile<S, (n <= S::tile_rows ? n : 1), P, E>(a, a_row, a_k, k, b, b_k, b_panel, row, panel, e); \
    break;
  switch (rows) {
    NABLA_CASE(1)
    NABLA_CASE(2)
    NABLA_CASE(3)
    NABLA_CASE(4)
    NABLA_CASE(5)
    NABLA_CASE(6)
    NABLA_CASE(7)
    NABLA_CASE(8)
    NABLA_CASE(9)
    NABLA_CASE(10)
    NABLA_CASE(11)
    NABLA_CASE(12)
    NABLA_CASE(13)
    NABLA_CASE(14)
    default:
      break;
  }
#undef NABLA_CASE
}

// All tiles of rows [r0, r1) x panels [p0, p1). a and b point at row 0 and panel 0.
template <class S, class E>
__attribute__((noinline)) void gemm(const typename S::T* a, size_t a_row, size_t a_k, size_t k, const typename S::T* b, size_t b_k,
                                    size_t b_panel, size_t r0, size_t r1, size_t p0, size_t p1, const E& epilogue) {
  constexpr size_t max_rows = S::tile_rows, max_panels = S::tile_panels;
  const size_t rows = r1 - r0;
  if (rows == 0) return;
  // Rows are split evenly: 32 as 11 + 11 + 10, never 14 + 14 + 4.
  const size_t blocks = (rows + max_rows - 1) / max_rows, base = rows / blocks, extra = rows % blocks;
  // Panels outermost once the weights no longer fit beside the rows in L2: then each is read from memory once.
  const bool panels_outer = k * (p1 - p0) * 64 > (512u << 10);
  const size_t groups = (p1 - p0 + max_panels - 1) / max_panels;
  const size_t outer = panels_outer ? groups : blocks, inner = panels_outer ? blocks : groups;
  for (size_t x = 0; x < outer; ++x) {
    for (size_t y = 0; y < inner; ++y) {
      const size_t block = panels_outer ? y : x, group = panels_outer ? x : y;
      const size_t row = r0 + block * base + (block < extra ? block : extra);
      const int count = static_cast<int>(base + (block < extra ? 1 : 0));
      const size_t panel = p0 + group * max_panels;
      const typename S::T* const at = a + row * a_row;
      const typename S::T* const bt = b + panel * b_panel;
      if (max_panels == 2 && panel + 1 < p1)
        tile_rows<S, max_panels, E>(count, at, a_row, a_k, k, bt, b_k, b_panel, row, panel, epilogue);
      else
        tile_rows<S, 1, E>(count, at, a_row, a_k, k, bt, b_k, b_panel, row, panel, epilogue);
    }
  }
}

// R rows x P panels: as tile, with the inputs that are not 0 listed a row; lists are as long as the longest of the R.
template <class S, int R, int P, class E>
NABLA_INLINE void sparse_tile(const SparseLists<typename S::T>& s, const uint32_t* rows, size_t length, const typename S::T* weight,
                              size_t b_panel, size_t panel, const E& epilogue) {
  using V = typename S::V;
  using T = typename S::T;
  constexpr int C = Wide<S>::count;
  const T* values[R];
  const uint16_t* index[R];
  V acc[R][P * C];
  NABLA_UNROLL for (int r = 0; r < R; ++r) {
    values[r] = s.values + rows[r] * s.ld;
    index[r] = s.index[rows[r]];
    NABLA_UNROLL for (int c = 0; c < P * C; ++c) acc[r][c] = S::zero();
  }
  for (size_t n = 0; n < length; ++n) {
    NABLA_UNROLL for (int r = 0; r < R; ++r) {
      const V av = S::set1(values[r][n]);
      const T* const w = weight + index[r][n] * size_t{Wide<S>::width};
      NABLA_UNROLL for (int p = 0; p < P; ++p) {
        NABLA_UNROLL for (int j = 0; j < C; ++j) acc[r][p * C + j] = S::mad(av, S::load(w + p * b_panel + j * S::lanes), acc[r][p * C + j]);
      }
    }
  }
  NABLA_UNROLL for (int r = 0; r < R; ++r) {
    NABLA_UNROLL for (int p = 0; p < P; ++p) {
      Wide<S> result;
      NABLA_UNROLL for (int j = 0; j < C; ++j) result.v[j] = acc[r][p * C + j];
      epilogue.finish(rows[r], panel + p, result);
    }
  }
}

// One input's gradient over P panels: its samples' values times their dz.
template <class S, int P, class E>
NABLA_INLINE void sparse_column(const uint32_t* rows, const typename S::T* values, size_t count, const typename S::T* dz, size_t ldz,
                                size_t input, size_t panel, const E& epilogue) {
  Wide<S> acc[P];
  NABLA_UNROLL for (int p = 0; p < P; ++p) acc[p] = epilogue.begin(input, panel + p);
  for (size_t n = 0; n < count; ++n) {
    const Wide<S> v = w_set<S>(values[n]);
    const typename S::T* const d = dz + rows[n] * ldz + panel * Wide<S>::width;
    NABLA_UNROLL for (int p = 0; p < P; ++p) acc[p] = w_mad<S>(v, w_load<S>(d + p * Wide<S>::width), acc[p]);
  }
  NABLA_UNROLL for (int p = 0; p < P; ++p) epilogue.finish(input, panel + p, acc[p]);
}
template <class S, class E>
__attribute__((noinline)) void sparse_columns(const SparseColumns<typename S::T>& c, const typename S::T* dz, size_t ldz, size_t panels,
                                              bool skip_empty, const E& e) {
  for (size_t i = 0; i < c.count; ++i) {
    const size_t from = c.starts[i], count = c.starts[i + 1] - from;
    if (count == 0 && skip_empty) continue;
    for (size_t p = 0; p < panels; p += S::column_panels) {
      const size_t left = panels - p < S::column_panels ? panels - p : S::column_panels;
#define NABLA_CASE(n)                                                                                                          \
  case n:                                                                                                                      \
    if constexpr (n <= S::column_panels)                                                                                       \
      sparse_column<S, (n <= S::column_panels ? n : 1), E>(c.rows + from, c.values + from, count, dz, ldz, c.first + i, p, e); \
    break;
      switch (left) {
        NABLA_CASE(1)
        NABLA_CASE(2)
        NABLA_CASE(3)
        NABLA_CASE(4)
        NABLA_CASE(5)
        NABLA_CASE(6)
        NABLA_CASE(7)
        NABLA_CASE(8)
        default:
          break;
      }
#undef NABLA_CASE
    }
  }
}

template <class S>
struct ForwardEpilogue {
  using T = typename S::T;
  T* out;
  size_t ld;
  const T* bias;
  bool relu;
  NABLA_INLINE Wide<S> begin(size_t, size_t) const { return w_set<S>(0); }
  NABLA_INLINE void finish(size_t row, size_t panel, Wide<S> z) const {
    if (bias != nullptr) z = w_add<S>(z, w_load<S>(bias + panel * Wide<S>::width));
    if (relu) z = w_max_limit<S>(w_set<S>(0), z);
    w_store<S>(out + row * ld + panel * Wide<S>::width, z);
  }
};

template <class S>
struct BackwardEpilogue {
  using T = typename S::T;
  T* out;
  size_t ld;
  const T* relu_of;
  NABLA_INLINE Wide<S> begin(size_t, size_t) const { return w_set<S>(0); }
  NABLA_INLINE void finish(size_t row, size_t panel, Wide<S> d) const {
    const size_t at = row * ld + panel * Wide<S>::width;
    if (relu_of != nullptr) d = w_select<S>(w_gt<S>(w_load<S>(relu_of + at), w_set<S>(0)), d, w_set<S>(0));
    w_store<S>(out + at, d);
  }
};

template <class S>
struct GradientEpilogue {
  using T = typename S::T;
  const GradientSink<T>* sink;
  size_t inputs;
  NABLA_INLINE size_t at(size_t row, size_t panel) const { return (panel * inputs + row) * Wide<S>::width; }
  NABLA_INLINE Wide<S> begin(size_t row, size_t panel) const {
    return sink->accumulate ? w_load<S>(sink->gradients + at(row, panel)) : w_set<S>(0);
  }
  NABLA_INLINE void finish(size_t row, size_t panel, const Wide<S>& g) const {
    if (sink->update != nullptr)
      apply_update_call<S>(*sink->update, at(row, panel), g);
    else
      w_store<S>(sink->gradients + at(row, panel), g);
  }
};

// Plain SGD is the common case: its own epilogue keeps the other rules' code out of the tile.
template <class S>
struct SgdEpilogue {
  using T = typename S::T;
  T* parameters;
  T minus_rate;
  size_t inputs;
  NABLA_INLINE Wide<S> begin(size_t, size_t) const { return w_set<S>(0); }
  NABLA_INLINE void finish(size_t row, size_t panel, const Wide<S>& g) const {
    T* const p = parameters + (panel * inputs + row) * Wide<S>::width;
    w_store<S>(p, w_mad<S>(w_set<S>(minus_rate), g, w_load<S>(p)));
  }
};

// ---- Table functions ----

template <class S>
struct Kernels {
  using T = typename S::T;
  static constexpr size_t W = Wide<S>::width;

  template <class X>
  static NABLA_INLINE void load_row(const X* x, size_t features, const Affine<T>* affines, size_t affine_count, T* out) {
    for (size_t i = 0; i < features; ++i) out[i] = static_cast<T>(x[i]);
    for (size_t f = 0; f < affine_count; ++f) {
      const T scale = affines[f].scale, offset = affines[f].offset;
      if (offset == 0)
        for (size_t i = 0; i < features; ++i) out[i] = out[i] * scale;
      else
        for (size_t i = 0; i < features; ++i) out[i] = out[i] * scale + offset;
    }
  }
  // One uint8 row with at most one scale in registers: the way pictures take.
  static NABLA_INLINE void load_u8_row(const uint8_t* x, size_t features, const Affine<T>* affines, size_t affine_count, T* out) {
    if (affine_count > 1 || (affine_count == 1 && affines[0].offset != 0)) return load_row(x, features, affines, affine_count, out);
    const T scale = affine_count == 1 ? affines[0].scale : T(1);
    const typename S::V s = S::set1(scale);
    size_t i = 0;
    // load_u8 may read up to 16 bytes: stop where that could pass the row's end.
    for (; i + 16 <= features; i += S::lanes) S::store(out + i, S::mul(S::load_u8(x + i), s));
    for (; i < features; ++i) out[i] = static_cast<T>(x[i]) * scale;
  }
  static void load_rows(InputType type, const void* x, size_t features, const uint32_t* rows, size_t first_row, size_t count,
                        const Affine<T>* affines, size_t affine_count, T* out, size_t ld) {
    for (size_t r = 0; r < count; ++r) {
      const size_t row = (rows != nullptr ? rows[r] : first_row + r) * features;
      T* const to = out + r * ld;
      if (type == InputType::uint8)
        load_u8_row(static_cast<const uint8_t*>(x) + row, features, affines, affine_count, to);
      else if (type == InputType::float32)
        load_row(static_cast<const float*>(x) + row, features, affines, affine_count, to);
      else
        load_row(static_cast<const double*>(x) + row, features, affines, affine_count, to);
    }
  }

  static void dense_forward(const T* a, size_t lda, size_t m, size_t k, const T* weight, const T* bias, size_t panels, T* out, size_t ldo,
                            Activation act) {
    const ForwardEpilogue<S> e{out, ldo, bias, act == Activation::relu};
    gemm<S>(a, lda, 1, k, weight, W, k * W, 0, m, 0, panels, e);
    finish_activation(act, out, m, panels, ldo);
  }

  static void finish_activation(Activation act, T* out, size_t m, size_t panels, size_t ldo) {
    if (act == Activation::sigmoid) sigmoid_rows(out, m, ldo);
    if (act == Activation::tanh)
      for (size_t r = 0; r < m; ++r)
        for (size_t i = 0; i < panels * W; i += W) w_store<S>(out + r * ldo + i, w_tanh<S>(w_load<S>(out + r * ldo + i)));
  }

  static void sparse_forward(const SparseLists<T>* s, size_t k, const T* weight, const T* bias, size_t panels, T* out, size_t ldo,
                             Activation act) {
    const ForwardEpilogue<S> e{out, ldo, bias, act == Activation::relu};
    constexpr size_t R = S::sparse_rows, P = S::sparse_panels;
    const size_t full = s->count / R * R;
    for (size_t from = 0; from < full; from += R) {
      const size_t length = longest(*s, from);
      for (size_t r = 0; r < R; ++r) {
        const uint32_t row = s->order[from + r];
        for (size_t n = s->counts[row]; n < length; ++n) s->values[row * s->ld + n] = T(0);
      }
    }
    size_t p = 0;
    for (; p + P <= panels; p += P) sparse_panels_of<P>(*s, full, weight, k, p, e);
    for (; p < panels; ++p) sparse_panels_of<1>(*s, full, weight, k, p, e);
    if (act != Activation::sigmoid && act != Activation::tanh) return;
    for (size_t i = 0; i < s->count; ++i) finish_activation(act, out + s->order[i] * ldo, 1, panels, ldo);
  }
  // Longest list of the rows that go through the tile together.
  static NABLA_INLINE size_t longest(const SparseLists<T>& s, size_t from) {
    uint32_t n = 0;
    for (int r = 0; r < S::sparse_rows; ++r) n = s.counts[s.order[from + r]] > n ? s.counts[s.order[from + r]] : n;
    return n;
  }
  template <int P>
  static void sparse_panels_of(const SparseLists<T>& s, size_t full, const T* weight, size_t k, size_t p, const ForwardEpilogue<S>& e) {
    constexpr size_t R = S::sparse_rows;
    for (size_t from = 0; from < full; from += R)
      sparse_tile<S, R, P>(s, s.order + from, longest(s, from), weight + p * k * W, k * W, p, e);
    for (size_t from = full; from < s.count; ++from)
      sparse_tile<S, 1, P>(s, s.order + from, s.counts[s.order[from]], weight + p * k * W, k * W, p, e);
  }

  static void sparse_weight_gradient(const SparseColumns<T>* columns, const T* dz, size_t ldz, size_t inputs, size_t panels,
                                     const GradientSink<T>* sink) {
    const Update<T>* const u = sink->update;
    if (u != nullptr && !sink->accumulate && u->rule == Rule::sgd && u->momentum == 0 && u->weight_decay == 0 && u->l2 == 0) {
      // p - rate * 0 is p: inputs that no sample has are left alone.
      sparse_columns<S>(*columns, dz, ldz, panels, true, SgdEpilogue<S>{u->parameters, -u->rate, inputs});
    } else {
      sparse_columns<S>(*columns, dz, ldz, panels, false, GradientEpilogue<S>{sink, inputs});
    }
  }

  static void sparse_scatter(const uint16_t* index, const T* values, size_t count, const T* dz, size_t inputs, size_t panels,
                             T* gradients) {
    for (size_t p = 0; p < panels; ++p) {
      const Wide<S> d = w_load<S>(dz + p * W);
      T* const g = gradients + p * inputs * W;
      for (size_t n = 0; n < count; ++n) {
        T* const at = g + index[n] * W;
        w_store<S>(at, w_mad<S>(w_set<S>(values[n]), d, w_load<S>(at)));
      }
    }
  }

  // Elementwise activation of one unit over the lanes, and its way back.
  static NABLA_INLINE Wide<S> activate(Activation act, const Wide<S>& z) {
    if (act == Activation::relu) return w_max_limit<S>(w_set<S>(0), z);
    if (act == Activation::sigmoid) return w_sigmoid<S>(z);
    if (act == Activation::tanh) return w_tanh<S>(z);
    return z;
  }
  static NABLA_INLINE Wide<S> derive(Activation act, const Wide<S>& a, const Wide<S>& d) {
    const Wide<S> one = w_set<S>(1), none = w_set<S>(0);
    if (act == Activation::relu) return w_select<S>(w_gt<S>(a, none), d, none);
    if (act == Activation::sigmoid) return w_mul<S>(d, w_mul<S>(a, w_sub<S>(one, a)));
    if (act == Activation::tanh) return w_mul<S>(d, w_sub<S>(one, w_mul<S>(a, a)));
    return d;
  }
  // A scalar's update by the rules of apply_update: plain SGD in registers, the others a panel row at a time.
  static NABLA_INLINE bool plain(const Update<T>& u) { return u.rule == Rule::sgd && u.momentum == 0 && u.weight_decay == 0 && u.l2 == 0; }

  static size_t tiny_steps(TinySteps<T>* t) {
    constexpr size_t most = W;  // units of a layer
    alignas(64) T a[tiny_layers + 1][most][W], dz[tiny_layers][most][W], gradient[W];
    const size_t last = t->layer_count - 1, outputs = t->layers[last].units, rows = t->rows;
    for (size_t i = 0; i < t->layers[0].inputs; ++i) w_store<S>(a[0][i], w_load<S>(t->x + i * W));
    for (size_t step = 0; step < t->steps; ++step) {
      for (size_t l = 0; l < t->layer_count; ++l) {
        const TinyLayer<T>& layer = t->layers[l];
        const T* const weight = layer.weight.parameters;
        for (size_t o = 0; o < layer.units; ++o) {
          Wide<S> z = w_set<S>(0);
          for (size_t i = 0; i < layer.inputs; ++i) z = w_mad<S>(w_load<S>(a[l][i]), w_set<S>(weight[i * W + o]), z);
          if (layer.use_bias) z = w_add<S>(z, w_set<S>(layer.bias.parameters[o]));
          w_store<S>(a[l + 1][o], activate(layer.activation, z));
        }
      }
      const Wide<S> none = w_set<S>(0), one = w_set<S>(1), scale = w_load<S>(t->row_scale);
      alignas(64) T element[most][W];
      uint32_t correct = 0;
      for (size_t o = 0; o < outputs; ++o) {
        const Wide<S> z = w_load<S>(a[last + 1][o]), y = w_load<S>(t->y + o * W);
        if (t->sigmoid_loss) {
          const Wide<S> soft = w_add<S>(w_log1p<S>(w_exp<S>(w_sub<S>(none, w_abs<S>(z)))),
                                        w_select<S>(w_lt<S>(z, none), w_sub<S>(none, z), none));
          w_store<S>(element[o], w_add<S>(none, w_add<S>(w_mul<S>(w_sub<S>(one, y), z), w_mul<S>(one, soft))));
          w_store<S>(dz[last][o], derive(t->layers[last].activation, z, w_mul<S>(w_sub<S>(w_sigmoid<S>(z), y), scale)));
          for (size_t r = 0; r < rows; ++r) correct += (a[last + 1][o][r] >= 0) == (t->y[o * W + r] >= T(0.5)) ? 1u : 0u;
        } else {
          const Wide<S> d = w_sub<S>(z, y);
          w_store<S>(element[o], w_mul<S>(d, d));
          w_store<S>(dz[last][o], derive(t->layers[last].activation, z, w_mul<S>(w_mul<S>(w_set<S>(2), d), scale)));
        }
      }
      // Lanes over outputs: one element each, folded 8-4-2-1.
      for (size_t h = W / 2; h > 0; h /= 2)
        for (size_t o = 0; o < h && o + h < outputs; ++o) w_store<S>(element[o], w_add<S>(w_load<S>(element[o]), w_load<S>(element[o + h])));
      double lanes[8] = {};
      for (size_t r = 0; r < rows; ++r) lanes[r % 8] += t->row_weight[r] * static_cast<double>(element[0][r]);
      for (size_t h = 4; h > 0; h /= 2)
        for (size_t j = 0; j < h; ++j) lanes[j] += lanes[j + h];
      const double loss = lanes[0] / t->denominator;
      t->losses[step] = loss;
      t->correct[step] = correct;
      if (!(loss - loss == 0)) return step;
      for (size_t l = last; l > 0; --l) {
        const TinyLayer<T>& layer = t->layers[l];
        const T* const weight = layer.weight.parameters;
        for (size_t i = 0; i < layer.inputs; ++i) {
          Wide<S> d = none;
          for (size_t o = 0; o < layer.units; ++o) d = w_mad<S>(w_load<S>(dz[l][o]), w_set<S>(weight[i * W + o]), d);
          w_store<S>(dz[l - 1][i], derive(t->layers[l - 1].activation, w_load<S>(a[l][i]), d));
        }
      }
      for (size_t l = 0; l < t->layer_count; ++l) {
        TinyLayer<T>& layer = t->layers[l];
        const T rate = static_cast<T>(t->scalars[2 * step] * layer.rate_factor), scalar = static_cast<T>(t->scalars[2 * step + 1]);
        layer.weight.rate = layer.bias.rate = rate;
        layer.weight.scalar = layer.bias.scalar = scalar;
        const bool simple = plain(layer.weight);
        // Padding must see gradient 0, also after a wider layer.
        for (size_t j = layer.units; j < W; ++j) gradient[j] = 0;
        for (size_t i = 0; i < layer.inputs; ++i) {
          for (size_t o = 0; o < layer.units; ++o) {
            T g = 0;
            for (size_t r = 0; r < rows; ++r) g = S::mad1(dz[l][o][r], a[l][i][r], g);
            T& p = layer.weight.parameters[i * W + o];
            if (simple)
              p = S::mad1(-rate, g, p);
            else
              gradient[o] = g;
          }
          if (!simple) apply_update_call<S>(layer.weight, i * W, w_load<S>(gradient));
        }
        if (!layer.use_bias) continue;
        for (size_t o = 0; o < layer.units; ++o) {
          T g = 0;
          for (size_t r = 0; r < rows; ++r) g = g + dz[l][o][r];
          T& p = layer.bias.parameters[o];
          if (simple)
            p = S::mad1(-rate, g, p);
          else
            gradient[o] = g;
        }
        if (!simple) apply_update_call<S>(layer.bias, 0, w_load<S>(gradient));
      }
    }
    return t->steps;
  }

  static void load_values(InputType type, const void* x, size_t count, const Affine<T>* affines, size_t affine_count, T* out) {
    load_rows(type, x, count, nullptr, 0, 1, affines, affine_count, out, count);
  }

  static bool all_finite(const T* x, size_t count) {
    Wide<S> sum = w_set<S>(0);
    // x - x is 0 for finite numbers and NaN otherwise; the sum keeps a NaN.
    for (size_t i = 0; i < count; i += W) sum = w_add<S>(sum, w_sub<S>(w_load<S>(x + i), w_load<S>(x + i)));
    return w_fold<S>(sum) == 0;
  }

  static void dense_backward_input(const T* dz, size_t ldz, size_t m, size_t o, const T* transposed, size_t panels, T* dx, size_t ldx,
                                   const T* a, Activation act) {
    const BackwardEpilogue<S> e{dx, ldx, act == Activation::relu ? a : nullptr};
    gemm<S>(dz, ldz, 1, o, transposed, W, (o + W - 1) / W * W * W, 0, m, 0, panels, e);
    if (a != nullptr && act != Activation::relu && act != Activation::linear && act != Activation::softmax)
      activation_backward(act, a, dx, m, ldx);
  }

  static void weight_gradient(const T* x, size_t ldx, const T* dz, size_t ldz, size_t m, size_t inputs, size_t i0, size_t i1, size_t p0,
                              size_t p1, const GradientSink<T>* sink) {
    const Update<T>* const u = sink->update;
    if (u != nullptr && !sink->accumulate && u->rule == Rule::sgd && u->momentum == 0 && u->weight_decay == 0 && u->l2 == 0) {
      const SgdEpilogue<S> e{u->parameters, -u->rate, inputs};
      gemm<S>(x, 1, ldx, m, dz, ldz, W, i0, i1, p0, p1, e);
    } else {
      const GradientEpilogue<S> e{sink, inputs};
      gemm<S>(x, 1, ldx, m, dz, ldz, W, i0, i1, p0, p1, e);
    }
  }

  static void bias_gradient(const T* dz, size_t ldz, size_t m, size_t p0, size_t p1, const GradientSink<T>* sink) {
    for (size_t p = p0; p < p1; ++p) {
      Wide<S> g = sink->accumulate ? w_load<S>(sink->gradients + p * W) : w_set<S>(0);
      for (size_t r = 0; r < m; ++r) g = w_add<S>(g, w_load<S>(dz + r * ldz + p * W));
      if (sink->update != nullptr)
        apply_update_call<S>(*sink->update, p * W, g);
      else
        w_store<S>(sink->gradients + p * W, g);
    }
  }

  static void update(const Update<T>* u, const T* gradients, size_t begin, size_t end) {
    for (size_t i = begin; i < end; i += W) apply_update<S>(*u, i, w_load<S>(gradients + i));
  }

  static void sum_blocks(const T* blocks, size_t count, size_t stride, size_t begin, size_t end, T* out) {
    for (size_t i = begin; i < end; i += W) {
      Wide<S> g = w_load<S>(blocks + i);
      for (size_t b = 1; b < count; ++b) g = w_add<S>(g, w_load<S>(blocks + b * stride + i));
      w_store<S>(out + i, g);
    }
  }

  static void transpose_weight(const T* weight, size_t inputs, size_t panels, size_t q0, size_t q1, size_t p0, size_t p1, T* transposed) {
    for (size_t q = q0; q < q1; ++q) {
      const size_t n = inputs - q * W < W ? inputs - q * W : W;
      for (size_t p = p0; p < p1; ++p) {
        const T* const from = weight + (p * inputs + q * W) * W;
        T* const to = transposed + (q * panels + p) * W * W;
        for (size_t i = 0; i < n; ++i)
          for (size_t o = 0; o < W; ++o) to[o * W + i] = from[i * W + o];
      }
    }
  }

  static void activation_backward(Activation act, const T* a, T* da, size_t rows, size_t ld) {
    const Wide<S> one = w_set<S>(1), none = w_set<S>(0);
    for (size_t i = 0; i < rows * ld; i += W) {
      const Wide<S> v = w_load<S>(a + i), d = w_load<S>(da + i);
      if (act == Activation::relu)
        w_store<S>(da + i, w_select<S>(w_gt<S>(v, none), d, none));
      else if (act == Activation::sigmoid)
        w_store<S>(da + i, w_mul<S>(d, w_mul<S>(v, w_sub<S>(one, v))));
      else if (act == Activation::tanh)
        w_store<S>(da + i, w_mul<S>(d, w_sub<S>(one, w_mul<S>(v, v))));
    }
  }

  // Largest of n values, exact in any order (NaN is left to the sum that follows).
  static NABLA_INLINE T max_of(const T* z, size_t n) {
    T m = z[0];
    for (size_t i = 1; i < n; ++i) m = z[i] > m ? z[i] : m;
    return m;
  }
  // e = exp(z - m) over n values, written to e (padded to the width with 0): the lanes' sum.
  static NABLA_INLINE T exp_sum(const T* z, size_t n, T m, T* e) {
    Wide<S> lanes = w_set<S>(0);
    const Wide<S> none = w_set<S>(0), shift = w_set<S>(m);
    for (size_t i = 0; i < n; i += W) {
      Wide<S> v = w_exp<S>(w_sub<S>(w_load<S>(z + i), shift));
      if (n - i < W) v = w_first<S>(static_cast<int>(n - i), v, none);
      w_store<S>(e + i, v);
      lanes = w_add<S>(lanes, v);
    }
    return w_fold<S>(lanes);
  }
  static void softmax_rows(T* z, size_t rows, size_t units, size_t ld) {
    for (size_t r = 0; r < rows; ++r) {
      T* const row = z + r * ld;
      const Wide<S> sum = w_set<S>(exp_sum(row, units, max_of(row, units), row));
      for (size_t i = 0; i < units; i += W) w_store<S>(row + i, w_div<S>(w_load<S>(row + i), sum));
    }
  }
  static void softmax_backward(const T* a, T* da, size_t rows, size_t units, size_t ld) {
    for (size_t r = 0; r < rows; ++r) {
      Wide<S> lanes = w_set<S>(0);
      // Padding is 0 in both: adding it leaves the lanes as they are.
      for (size_t i = 0; i < units; i += W) lanes = w_add<S>(lanes, w_mul<S>(w_load<S>(da + r * ld + i), w_load<S>(a + r * ld + i)));
      const Wide<S> s = w_set<S>(w_fold<S>(lanes));
      for (size_t i = 0; i < units; i += W) {
        const Wide<S> d = w_mul<S>(w_load<S>(a + r * ld + i), w_sub<S>(w_load<S>(da + r * ld + i), s));
        w_store<S>(da + r * ld + i, d);
      }
    }
  }
  static void sigmoid_rows(T* z, size_t rows, size_t ld) {
    for (size_t r = 0; r < rows; ++r)
      for (size_t i = 0; i < ld; i += W) w_store<S>(z + r * ld + i, w_sigmoid<S>(w_load<S>(z + r * ld + i)));
  }

  static NABLA_INLINE size_t argmax(const T* z, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; ++i)
      if (z[i] > z[best]) best = i;
    return best;
  }

  static NABLA_INLINE T scalar_log(T x) {
    T out[W];
    w_store<S>(out, w_log<S>(w_set<S>(x)));
    return out[0];
  }

  static void softmax_cross_entropy(const LossRows<T>* l) {
    const size_t n = l->outputs;
    const bool general = l->kind == TargetKind::values || l->smoothing || l->class_weights != nullptr;
    const Wide<S> none = w_set<S>(0);
    for (size_t r = 0; r < l->rows; ++r) {
      const T* const z = l->logits + r * l->ld;
      const int32_t label = l->kind == TargetKind::labels ? l->labels[r] : 0;
      const T* const values = l->kind == TargetKind::values ? l->values + r * l->ld : nullptr;
      // dlogits, or the outputs, double as the scratch for e.
      T* const e = l->dlogits != nullptr ? l->dlogits + r * l->ld : l->outputs_out + r * l->ld;
      const T m = max_of(z, n);
      const T sum = exp_sum(z, n, m, e);
      const T log_sum = scalar_log(sum);
      const Wide<S> ws = w_set<S>(sum), wm = w_set<S>(m), wl = w_set<S>(log_sum);
      if (l->correct != nullptr && l->kind != TargetKind::none)
        *l->correct += argmax(z, n) == (values != nullptr ? argmax(values, n) : static_cast<size_t>(label)) ? 1u : 0u;
      const Wide<S> g = w_set<S>(l->row_scale != nullptr ? l->row_scale[r] : T(0));
      if (!general) {
        l->row_loss[r] = static_cast<double>(log_sum - (z[label] - m));
        for (size_t i = 0; i < n; i += W) {
          const Wide<S> p = w_div<S>(w_load<S>(e + i), ws);
          if (l->outputs_out != nullptr) w_store<S>(l->outputs_out + r * l->ld + i, p);
          if (l->dlogits != nullptr) w_store<S>(e + i, p);
        }
        if (l->dlogits != nullptr) {
          e[label] = e[label] - T(1);
          for (size_t i = 0; i < n; i += W) w_store<S>(e + i, w_mul<S>(w_load<S>(e + i), g));
        }
        continue;
      }
      // Two passes: U and the loss first, then the gradient.
      Wide<S> lanes_u = none, lanes_l = none;
      for (size_t i = 0; i < n; i += W) {
        const Wide<S> u = target(*l, values, label, i, n);
        const Wide<S> logp = w_sub<S>(w_sub<S>(w_load<S>(z + i), wm), wl);
        Wide<S> term = w_mul<S>(u, logp);
        if (n - i < W) term = w_first<S>(static_cast<int>(n - i), term, none);
        lanes_u = w_add<S>(lanes_u, u);
        lanes_l = w_add<S>(lanes_l, term);
      }
      const Wide<S> total = w_set<S>(w_fold<S>(lanes_u));
      l->row_loss[r] = static_cast<double>(-w_fold<S>(lanes_l));
      for (size_t i = 0; i < n; i += W) {
        const Wide<S> p = w_div<S>(w_load<S>(e + i), ws);
        if (l->outputs_out != nullptr) w_store<S>(l->outputs_out + r * l->ld + i, p);
        if (l->dlogits != nullptr) {
          const Wide<S> d = w_mul<S>(w_sub<S>(w_mul<S>(p, total), target(*l, values, label, i, n)), g);
          w_store<S>(e + i, d);
        }
      }
    }
  }
  // u_i = weight_i * t_i for lanes i .. i + width; 0 beyond n.
  static NABLA_INLINE Wide<S> target(const LossRows<T>& l, const T* values, int32_t label, size_t i, size_t n) {
    Wide<S> t;
    if (values != nullptr) {
      t = w_load<S>(values + i);
      if (l.smoothing) t = w_add<S>(w_mul<S>(t, w_set<S>(l.smoothing_on)), w_set<S>(l.smoothing_off));
    } else {
      T row[W];
      for (size_t j = 0; j < W; ++j) row[j] = static_cast<size_t>(label) == i + j ? l.smoothing_on : l.smoothing_off;
      t = w_load<S>(row);
    }
    if (l.class_weights != nullptr) t = w_mul<S>(w_load<S>(l.class_weights + i), t);
    return n - i < W ? w_first<S>(static_cast<int>(n - i), t, w_set<S>(0)) : t;
  }

  static void sigmoid_cross_entropy(const LossRows<T>* l) {
    const size_t n = l->outputs;
    const Wide<S> none = w_set<S>(0), one = w_set<S>(1);
    for (size_t r = 0; r < l->rows; ++r) {
      const T* const z = l->logits + r * l->ld;
      const T* const y = l->values + r * l->ld;
      const Wide<S> g = w_set<S>(l->row_scale != nullptr ? l->row_scale[r] : T(0));
      Wide<S> lanes = none;
      for (size_t i = 0; i < n; i += W) {
        const Wide<S> zi = w_load<S>(z + i), yi = w_load<S>(y + i);
        const Wide<S> p = w_sigmoid<S>(zi);
        const Wide<S> rest = w_sub<S>(one, yi);
        const Wide<S> soft =
            w_add<S>(w_log1p<S>(w_exp<S>(w_sub<S>(none, w_abs<S>(zi)))), w_select<S>(w_lt<S>(zi, none), w_sub<S>(none, zi), none));
        Wide<S> c = one;
        if (l->class_weights != nullptr) c = w_add<S>(one, w_mul<S>(w_sub<S>(w_load<S>(l->class_weights + i), one), yi));
        Wide<S> loss = w_add<S>(w_mul<S>(rest, zi), w_mul<S>(c, soft));
        Wide<S> d = l->class_weights != nullptr ? w_add<S>(rest, w_mul<S>(c, w_sub<S>(p, one))) : w_sub<S>(p, yi);
        d = w_mul<S>(d, g);
        if (n - i < W) {
          const int left = static_cast<int>(n - i);
          loss = w_first<S>(left, loss, none);
          d = w_first<S>(left, d, none);
        }
        lanes = w_add<S>(lanes, loss);
        if (l->outputs_out != nullptr) w_store<S>(l->outputs_out + r * l->ld + i, p);
        if (l->dlogits != nullptr) w_store<S>(l->dlogits + r * l->ld + i, d);
      }
      l->row_loss[r] = static_cast<double>(w_fold<S>(lanes));
      if (l->correct != nullptr)
        for (size_t i = 0; i < n; ++i) *l->correct += (z[i] >= 0) == (y[i] >= T(0.5)) ? 1u : 0u;
    }
  }

  static void mean_squared_error(const LossRows<T>* l) {
    const size_t n = l->outputs;
    const Wide<S> none = w_set<S>(0);
    for (size_t r = 0; r < l->rows; ++r) {
      const Wide<S> g = w_set<S>(l->row_scale != nullptr ? l->row_scale[r] : T(0));
      Wide<S> lanes = none;
      for (size_t i = 0; i < n; i += W) {
        const Wide<S> a = w_load<S>(l->logits + r * l->ld + i);
        Wide<S> d = w_sub<S>(a, w_load<S>(l->values + r * l->ld + i));
        if (n - i < W) d = w_first<S>(static_cast<int>(n - i), d, none);
        lanes = w_add<S>(lanes, w_mul<S>(d, d));
        if (l->outputs_out != nullptr) w_store<S>(l->outputs_out + r * l->ld + i, a);
        if (l->dlogits != nullptr) w_store<S>(l->dlogits + r * l->ld + i, w_mul<S>(w_mul<S>(w_set<S>(2), d), g));
      }
      l->row_loss[r] = static_cast<double>(w_fold<S>(lanes));
    }
  }

  static void square_rows(const T* weight, size_t inputs, size_t panels, T* out) {
    for (size_t p = 0; p < panels; ++p) {
      Wide<S> acc = w_set<S>(0);
      for (size_t i = 0; i < inputs; ++i) {
        const Wide<S> v = w_load<S>(weight + (p * inputs + i) * W);
        acc = w_mad<S>(v, v, acc);
      }
      w_store<S>(out + p * W, acc);
    }
  }

  // Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011).
  static NABLA_INLINE void philox(uint32_t c[4], uint32_t k0, uint32_t k1) {
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{0xD2511F53u} * c[0], b = uint64_t{0xCD9E8D57u} * c[2];
      const uint32_t n0 = static_cast<uint32_t>(b >> 32) ^ c[1] ^ k0, n2 = static_cast<uint32_t>(a >> 32) ^ c[3] ^ k1;
      c[1] = static_cast<uint32_t>(b);
      c[3] = static_cast<uint32_t>(a);
      c[0] = n0;
      c[2] = n2;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
  }
  static void dropout_forward(const T* a, T* out, uint8_t* mask, size_t rows, size_t first_row, size_t units, size_t ld, uint32_t step,
                              uint32_t purpose, const uint32_t* key, uint64_t threshold, T factor) {
    for (size_t r = 0; r < rows; ++r) {
      for (size_t u = 0; u < ld; u += 4) {
        uint32_t c[4] = {static_cast<uint32_t>(u / 4), static_cast<uint32_t>(first_row + r), step, purpose};
        if (u < units) philox(c, key[0], key[1]);
        for (size_t j = 0; j < 4; ++j) {
          const size_t at = r * ld + u + j;
          const bool keep = u + j < units && c[j] >= threshold;
          mask[at] = keep ? 1 : 0;
          out[at] = keep ? a[at] * factor : T(0);
        }
      }
    }
  }
  static void dropout_backward(T* da, const uint8_t* mask, size_t rows, size_t ld, T factor) {
    for (size_t i = 0; i < rows * ld; ++i) da[i] = mask[i] != 0 ? da[i] * factor : T(0);
  }

  static constexpr KernelTable<T> table = {
      load_rows,        dense_forward,   sparse_forward,        sparse_weight_gradient, sparse_scatter,
      tiny_steps,
      load_values,      all_finite,      dense_backward_input,  weight_gradient,        bias_gradient,
      update,           sum_blocks,      transpose_weight,      activation_backward,    softmax_rows,
      softmax_backward, sigmoid_rows,    softmax_cross_entropy, sigmoid_cross_entropy,  mean_squared_error,
      square_rows,      dropout_forward, dropout_backward};
};

// The instruction set's name comes from NABLA_KERNELS itself.
#define NABLA_STRING2(x) #x
#define NABLA_STRING(x) NABLA_STRING2(x)
static constexpr KernelSet kernel_set = {Isa::NABLA_KERNELS, NABLA_STRING(NABLA_KERNELS), &Kernels<SimdF32>::table,
                                         &Kernels<SimdF64>::table};

}  // namespace NABLA_KERNELS
}  // namespace nabla
