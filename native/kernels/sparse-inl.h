// The first layer over samples whose zeros are left out.
#pragma once
#include "activation-inl.h"
#include "tile-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

// The e-th of four entries: values in the quad `av`, input numbers in 16 bits each of `four`.
template <class S>
NABLA_INLINE size_t nth_input(uint64_t four, int e) {
  return static_cast<size_t>(four >> (16 * e) & 0xffff);
}
template <class S, int e, int C>
NABLA_INLINE void sparse_entry(typename S::V av, uint64_t four, const typename S::T* weight, typename S::V (&acc)[C]) {
  const typename S::T* const w = weight + nth_input<S>(four, e) * Wide<S>::width;
  NABLA_UNROLL for (int j = 0; j < C; ++j) acc[j] = S::mad(S::template pick<e>(av), S::load(w + j * S::lanes), acc[j]);
}

template <class S, int e>
NABLA_INLINE Wide<S> w_pick(typename S::V q) {
  Wide<S> r;
  NABLA_EACH r.v[j] = S::template pick<e>(q);
  return r;
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
  size_t n = 0;
  if constexpr (P == 1 && S::quads) {
    // One panel an entry: loading values and input numbers one by one would take as long as the weights.
    for (; n + 4 <= length; n += 4) {
      V av[R];
      uint64_t four[R];
      NABLA_UNROLL for (int r = 0; r < R; ++r) {
        av[r] = S::quad(values[r] + n);
        __builtin_memcpy(&four[r], index[r] + n, sizeof four[r]);
      }
      NABLA_UNROLL for (int r = 0; r < R; ++r) sparse_entry<S, 0, C>(av[r], four[r], weight, acc[r]);
      NABLA_UNROLL for (int r = 0; r < R; ++r) sparse_entry<S, 1, C>(av[r], four[r], weight, acc[r]);
      NABLA_UNROLL for (int r = 0; r < R; ++r) sparse_entry<S, 2, C>(av[r], four[r], weight, acc[r]);
      NABLA_UNROLL for (int r = 0; r < R; ++r) sparse_entry<S, 3, C>(av[r], four[r], weight, acc[r]);
    }
  }
  for (; n < length; ++n) {
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

// The samples that have an input, as columns or bits hold them: call(row, value) for each.
template <class T>
struct ColumnEntries {
  const SparseColumns<T>& c;
  NABLA_INLINE void start() const {}
  NABLA_INLINE bool empty(size_t i) const { return c.starts[i] == c.starts[i + 1]; }
  template <class Call>
  NABLA_INLINE void each(size_t i, const Call& call) const {
    for (size_t n = c.starts[i]; n < c.starts[i + 1]; ++n) call(c.rows[n], c.values[n]);
  }
};
template <class T>
struct BitEntries {
  const SparseBits<T>& b;
  // Inputs come in order, and so do the values in each row's list.
  NABLA_INLINE void start() const {
    for (size_t r = 0; r < b.rows; ++r) b.next[r] = b.begin[r];
  }
  NABLA_INLINE bool empty(size_t i) const { return b.bits[i] == 0; }
  template <class Call>
  NABLA_INLINE void each(size_t i, const Call& call) const {
    for (uint64_t left = b.bits[i]; left != 0; left &= left - 1) {
      const size_t r = static_cast<size_t>(__builtin_ctzll(left));
      call(r, b.values[b.next[r]++]);
    }
  }
};

// One input's gradient over P panels: its samples' values times their dz. Returns 0 in lanes whose weights stayed finite, else NaN.
template <class S, int P, class N, class E>
NABLA_INLINE Wide<S> sparse_column(const N& entries, size_t i, const typename S::T* dz, size_t ldz, size_t input, size_t panel,
                                   const E& epilogue) {
  Wide<S> acc[P];
  NABLA_UNROLL for (int p = 0; p < P; ++p) acc[p] = epilogue.begin(input, panel + p);
  entries.each(i, [&](size_t row, typename S::T value) {
    const Wide<S> v = w_set<S>(value);
    const typename S::T* const d = dz + row * ldz + panel * Wide<S>::width;
    NABLA_UNROLL for (int p = 0; p < P; ++p) acc[p] = w_mad<S>(v, w_load<S>(d + p * Wide<S>::width), acc[p]);
  });
  NABLA_UNROLL for (int p = 0; p < P; ++p) epilogue.finish(input, panel + p, acc[p]);
  Wide<S> odd = w_set<S>(0);
  if (epilogue.updates()) {
    NABLA_UNROLL for (int p = 0; p < P; ++p) {
      const Wide<S> weight = w_load<S>(epilogue.parameter(input, panel + p));
      odd = w_add<S>(odd, w_sub<S>(weight, weight));
    }
  }
  return odd;
}
template <class S, class N, class E>
__attribute__((noinline)) bool sparse_columns(const N& entries, size_t first, size_t count, const typename S::T* dz, size_t ldz,
                                              size_t panels, bool skip_empty, const E& e) {
  Wide<S> odd = w_set<S>(0);
  for (size_t p = 0; p < panels; p += S::column_panels) {
    const size_t side = panels - p < S::column_panels ? panels - p : S::column_panels;
    entries.start();
    for (size_t i = 0; i < count; ++i) {
      if (skip_empty && entries.empty(i)) continue;
      with_count<static_cast<int>(S::column_panels)>(
          side, [&](auto n) __attribute__((always_inline)) {
            odd = w_add<S>(odd, sparse_column<S, decltype(n)::value, N, E>(entries, i, dz, ldz, first + i, p, e));
          });
    }
  }
  return w_fold<S>(odd) == 0;
}

template <class S>
struct SparseKernels {
  using T = typename S::T;
  static constexpr size_t W = Wide<S>::width;

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
    for (size_t from = full; from < s->count; ++from) sparse_row(*s, s->order + from, weight, k, panels, e);
    if (act != Activation::sigmoid && act != Activation::tanh) return;
    for (size_t i = 0; i < s->count; ++i) {
      T* const row = out + s->order[i] * ldo;
      ActivationKernels<S>::activation_forward(act, row, row, ldo);
    }
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
  }

  // A row that has no others beside it: many panels side by side, as in tile_row.
  static NABLA_INLINE void sparse_row(const SparseLists<T>& s, const uint32_t* row, const T* weight, size_t k, size_t panels,
                                      const ForwardEpilogue<S>& e) {
    constexpr size_t most = S::row_panels;
    for (size_t p = 0; p < panels; p += most) {
      const T* const w = weight + p * k * W;
      const size_t length = s.counts[*row];
      with_count<S::row_panels>(
          panels - p < most ? panels - p : most, [&](auto n) __attribute__((always_inline)) {
            sparse_tile<S, 1, decltype(n)::value>(s, row, length, w, k * W, p, e);
          });
    }
  }

  static bool sparse_weight_gradient(const SparseColumns<T>* columns, const T* dz, size_t ldz, size_t inputs, size_t panels,
                                     const GradientSink<T>* sink) {
    return gradient_of(ColumnEntries<T>{*columns}, columns->first, columns->count, dz, ldz, inputs, panels, sink);
  }
  static bool sparse_bit_gradient(const SparseBits<T>* bits, const T* dz, size_t ldz, size_t inputs, size_t panels,
                                  const GradientSink<T>* sink) {
    return gradient_of(BitEntries<T>{*bits}, bits->first, bits->count, dz, ldz, inputs, panels, sink);
  }

  template <class N>
  static NABLA_INLINE bool gradient_of(const N& entries, size_t first, size_t count, const T* dz, size_t ldz, size_t inputs, size_t panels,
                                       const GradientSink<T>* sink) {
    const Update<T>* const u = sink->update;
    // p - rate * 0 is p: inputs that no sample has are left alone.
    if (u != nullptr && !sink->accumulate && plain_sgd(*u))
      return sparse_columns<S>(entries, first, count, dz, ldz, panels, true, SgdEpilogue<S>{u->parameters, -u->rate, inputs});
    if (u != nullptr && !sink->accumulate && plain_adam(*u))
      return sparse_columns<S>(entries, first, count, dz, ldz, panels, false, AdamEpilogue<S>{*u, inputs});
    return sparse_columns<S>(entries, first, count, dz, ldz, panels, false, GradientEpilogue<S>{sink, inputs});
  }

  static void sparse_scatter(const uint16_t* index, const T* values, size_t count, const T* dz, size_t inputs, size_t panels,
                             T* gradients) {
    for (size_t p = 0; p < panels; ++p) {
      const Wide<S> d = w_load<S>(dz + p * W);
      T* const g = gradients + p * inputs * W;
      size_t n = 0;
      if constexpr (S::quads) {
        // A row's inputs differ: four are loaded before any is stored, and nothing waits for a store.
        for (; n + 4 <= count; n += 4) {
          const typename S::V v = S::quad(values + n);
          uint64_t four;
          __builtin_memcpy(&four, index + n, sizeof four);
          T* const at0 = g + nth_input<S>(four, 0) * W;
          T* const at1 = g + nth_input<S>(four, 1) * W;
          T* const at2 = g + nth_input<S>(four, 2) * W;
          T* const at3 = g + nth_input<S>(four, 3) * W;
          const Wide<S> g0 = w_mad<S>(w_pick<S, 0>(v), d, w_load<S>(at0)), g1 = w_mad<S>(w_pick<S, 1>(v), d, w_load<S>(at1));
          const Wide<S> g2 = w_mad<S>(w_pick<S, 2>(v), d, w_load<S>(at2)), g3 = w_mad<S>(w_pick<S, 3>(v), d, w_load<S>(at3));
          w_store<S>(at0, g0);
          w_store<S>(at1, g1);
          w_store<S>(at2, g2);
          w_store<S>(at3, g3);
        }
      }
      for (; n < count; ++n) {
        T* const at = g + index[n] * W;
        w_store<S>(at, w_mad<S>(w_set<S>(values[n]), d, w_load<S>(at)));
      }
    }
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
