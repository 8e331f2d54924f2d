// The tile: R rows x P panels of accumulators, A broadcast with any strides, B contiguous along the vector, and what happens to a
// finished tile row.
#pragma once
#include "updates-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

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
  with_count<S::tile_rows>(
      static_cast<size_t>(rows), [&](auto n) __attribute__((always_inline)) {
        tile<S, decltype(n)::value, P, E>(a, a_row, a_k, k, b, b_k, b_panel, row, panel, e);
      });
}

// One row: what waits is the chain of each panel, so that many panels go side by side.
template <class S, class E>
NABLA_INLINE void tile_row(const typename S::T* a, size_t a_k, size_t k, const typename S::T* b, size_t b_k, size_t b_panel, size_t row,
                           size_t p0, size_t p1, const E& e) {
  constexpr size_t most = S::row_panels;
  for (size_t p = p0; p < p1; p += most) {
    const typename S::T* const bt = b + p * b_panel;
    with_count<static_cast<int>(most)>(
        p1 - p < most ? p1 - p : most, [&](auto n) __attribute__((always_inline)) {
          tile<S, 1, decltype(n)::value, E>(a, 0, a_k, k, bt, b_k, b_panel, row, p, e);
        });
  }
}

// All tiles of rows [r0, r1) x panels [p0, p1). a and b point at row 0 and panel 0.
template <class S, class E>
__attribute__((noinline)) void gemm(const typename S::T* a, size_t a_row, size_t a_k, size_t k, const typename S::T* b, size_t b_k,
                                    size_t b_panel, size_t r0, size_t r1, size_t p0, size_t p1, const E& epilogue) {
  constexpr size_t max_rows = S::tile_rows, max_panels = S::tile_panels;
  const size_t rows = r1 - r0;
  if (rows == 0) return;
  if (rows == 1) return tile_row<S, E>(a + r0 * a_row, a_k, k, b, b_k, b_panel, r0, p0, p1, epilogue);
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
  NABLA_INLINE bool updates() const { return sink->update != nullptr; }
  NABLA_INLINE const T* parameter(size_t row, size_t panel) const { return sink->update->parameters + at(row, panel); }
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
    T* const p = parameter(row, panel);
    w_store<S>(p, w_mad<S>(w_set<S>(minus_rate), g, w_load<S>(p)));
  }
  NABLA_INLINE bool updates() const { return true; }
  NABLA_INLINE T* parameter(size_t row, size_t panel) const { return parameters + (panel * inputs + row) * Wide<S>::width; }
};

// So is plain Adam: its numbers stay in registers, and no call comes between the tiles.
template <class S>
struct AdamEpilogue {
  using T = typename S::T;
  Update<T> u;
  size_t inputs;
  NABLA_INLINE size_t at(size_t row, size_t panel) const { return (panel * inputs + row) * Wide<S>::width; }
  NABLA_INLINE Wide<S> begin(size_t, size_t) const { return w_set<S>(0); }
  NABLA_INLINE void finish(size_t row, size_t panel, const Wide<S>& g) const { adam_step<S>(u, at(row, panel), g); }
  NABLA_INLINE bool updates() const { return true; }
  NABLA_INLINE const T* parameter(size_t row, size_t panel) const { return u.parameters + at(row, panel); }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
