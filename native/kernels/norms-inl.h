// Penalties, norms and factors of rows: what clipping and constraints are made of.
#pragma once
#include "updates-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

template <class S>
struct NormKernels {
  using T = typename S::T;
  static constexpr size_t W = Wide<S>::width;

  static void penalty_gradient(const T* weight, T l2, T l1, size_t count, T* gradients) {
    for (size_t i = 0; i < count; i += W)
      w_store<S>(gradients + i, with_penalties<S>(l2, l1, w_load<S>(weight + i), w_load<S>(gradients + i)));
  }

  // Plain loops over the lanes: the sums are double in both types, and the compiler turns the lanes into vectors.
  static void row_norms(const T* x, size_t inputs, size_t panels, Norm norm, double* out) {
    for (size_t p = 0; p < panels; ++p) {
      double sum[W] = {};
      const T* const panel = x + p * inputs * W;
      for (size_t i = 0; i < inputs; ++i) {
        const T* const v = panel + i * W;
        if (norm == Norm::squares) {
          for (size_t j = 0; j < W; ++j) sum[j] += static_cast<double>(v[j]) * static_cast<double>(v[j]);
        } else {
          for (size_t j = 0; j < W; ++j) {
            const double size = v[j] < 0 ? -static_cast<double>(v[j]) : static_cast<double>(v[j]);
            const double larger = size > sum[j] || size != size ? size : sum[j];
            sum[j] = norm == Norm::largest ? larger : sum[j] + size;
          }
        }
      }
      for (size_t j = 0; j < W; ++j) out[p * W + j] = sum[j];
    }
  }

  static void scale_rows(T* weight, size_t inputs, size_t panels, const T* factors) {
    for (size_t p = 0; p < panels; ++p) {
      const Wide<S> factor = w_load<S>(factors + p * W);
      for (size_t i = 0; i < inputs; ++i) {
        T* const at = weight + (p * inputs + i) * W;
        w_store<S>(at, w_mul<S>(w_load<S>(at), factor));
      }
    }
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
