// Activations over rows, forward and backward.
#pragma once
#include "functions-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

template <class S>
struct ActivationKernels {
  using T = typename S::T;
  static constexpr size_t W = Wide<S>::width;

  static void activation_forward(Activation act, const T* z, T* a, size_t count) {
    for (size_t i = 0; i < count; i += W) {
      const Wide<S> v = w_load<S>(z + i);
      if (act == Activation::relu)
        w_store<S>(a + i, w_max_limit<S>(w_set<S>(0), v));
      else if (act == Activation::sigmoid)
        w_store<S>(a + i, w_sigmoid<S>(v));
      else if (act == Activation::tanh)
        w_store<S>(a + i, w_tanh<S>(v));
      else
        w_store<S>(a + i, v);
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
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
