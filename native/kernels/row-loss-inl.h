// Losses that compare whole rows, with their gradients.
#pragma once
#include "functions-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

template <class S>
struct RowLossKernels {
  using T = typename S::T;
  static constexpr size_t W = Wide<S>::width;

  // n numbers of a row from p + i on, 0 beyond its end.
  static NABLA_INLINE Wide<S> numbers(const T* p, size_t i, size_t n) {
    const Wide<S> v = w_load<S>(p + i);
    return n - i < W ? w_first<S>(static_cast<int>(n - i), v, w_set<S>(0)) : v;
  }
  static NABLA_INLINE void store(T* to, size_t i, size_t n, const Wide<S>& v) {
    w_store<S>(to + i, n - i < W ? w_first<S>(static_cast<int>(n - i), v, w_set<S>(0)) : v);
  }
  static NABLA_INLINE Wide<S> limited(const Wide<S>& x) {
    return w_max_limit<S>(w_set<S>(static_cast<T>(loss_epsilon)), w_min_limit<S>(w_set<S>(1), x));
  }

  // a, y (n) -> the row's loss; its gradient times g goes to d unless that is null.
  static NABLA_INLINE T kl_divergence(const T* a, const T* y, size_t n, T g, T* d) {
    const Wide<S> none = w_set<S>(0), one = w_set<S>(1), least = w_set<S>(static_cast<T>(loss_epsilon)), scale = w_set<S>(g);
    Wide<S> lanes = none;
    for (size_t i = 0; i < n; i += W) {
      const Wide<S> v = w_load<S>(a + i), p = limited(v), q = limited(w_load<S>(y + i));
      const Wide<S> ratio = w_div<S>(q, p), term = w_mul<S>(q, w_log<S>(ratio));
      lanes = w_add<S>(lanes, n - i < W ? w_first<S>(static_cast<int>(n - i), term, none) : term);
      // The limits are flat.
      const Wide<S> slope = w_select<S>(w_ge<S>(v, least), w_select<S>(w_ge<S>(one, v), w_sub<S>(none, ratio), none), none);
      if (d != nullptr) store(d, i, n, w_mul<S>(slope, scale));
    }
    return w_fold<S>(lanes);
  }

  static NABLA_INLINE T categorical_hinge(const T* a, const T* y, size_t n, T g, T* d) {
    const Wide<S> none = w_set<S>(0), one = w_set<S>(1);
    size_t rival = 0;
    T highest = (T(1) - y[0]) * a[0];
    for (size_t i = 1; i < n; ++i) {
      const T other = (T(1) - y[i]) * a[i];
      if (!(other > highest)) continue;
      highest = other;
      rival = i;
    }
    Wide<S> lanes = none;
    for (size_t i = 0; i < n; i += W) lanes = w_add<S>(lanes, w_mul<S>(numbers(y, i, n), numbers(a, i, n)));
    const T margin = (highest - w_fold<S>(lanes)) + T(1);
    if (d != nullptr) {
      const Wide<S> scale = w_set<S>(g);
      for (size_t i = 0; i < n; i += W) {
        const Wide<S> t = w_load<S>(y + i), at_rival = w_one<S>(static_cast<ptrdiff_t>(rival) - static_cast<ptrdiff_t>(i));
        const Wide<S> slope = w_select<S>(w_gt<S>(at_rival, none), w_sub<S>(w_sub<S>(one, t), t), w_sub<S>(none, t));
        store(d, i, n, w_mul<S>(margin > 0 ? slope : none, scale));
      }
    }
    return margin < 0 ? T(0) : margin;
  }

  // The length of a row, in every lane.
  static NABLA_INLINE Wide<S> length(const T* p, size_t n) {
    Wide<S> lanes = w_set<S>(0);
    for (size_t i = 0; i < n; i += W) {
      const Wide<S> v = numbers(p, i, n);
      lanes = w_add<S>(lanes, w_mul<S>(v, v));
    }
    return w_sqrt<S>(w_set<S>(w_fold<S>(lanes)));
  }
  static NABLA_INLINE T cosine_similarity(const T* a, const T* y, size_t n, T g, T* d) {
    const Wide<S> none = w_set<S>(0), least = w_set<S>(static_cast<T>(loss_epsilon)), own = length(a, n);
    const Wide<S> of_a = w_max_limit<S>(least, own), of_y = w_max_limit<S>(least, length(y, n));
    Wide<S> lanes = none;
    for (size_t i = 0; i < n; i += W) lanes = w_add<S>(lanes, w_mul<S>(w_div<S>(numbers(a, i, n), of_a), w_div<S>(numbers(y, i, n), of_y)));
    const T cosine = w_fold<S>(lanes);
    if (d != nullptr) {
      const Wide<S> scale = w_set<S>(g), c = w_set<S>(cosine);
      for (size_t i = 0; i < n; i += W) {
        const Wide<S> p = w_div<S>(numbers(a, i, n), of_a), q = w_div<S>(numbers(y, i, n), of_y);
        // Outputs of next to no length point nowhere: the slope of the limit, 1 / epsilon, would throw the weights away.
        const Wide<S> slope = w_select<S>(w_gt<S>(own, least), w_div<S>(w_sub<S>(w_mul<S>(c, p), q), of_a), none);
        store(d, i, n, w_mul<S>(slope, scale));
      }
    }
    return -cosine;
  }

  static void row_loss(const LossRows<T>* l, RowLoss kind) {
    for (size_t r = 0; r < l->rows; ++r) {
      const T* const a = l->logits + r * l->ld;
      const T* const y = l->values + r * l->ld;
      const T g = l->row_scale != nullptr ? l->row_scale[r] : T(0);
      T* const d = l->dlogits != nullptr ? l->dlogits + r * l->ld : nullptr;
      T loss = 0;
      if (kind == RowLoss::kullback_leibler_divergence) loss = kl_divergence(a, y, l->outputs, g, d);
      if (kind == RowLoss::categorical_hinge) loss = categorical_hinge(a, y, l->outputs, g, d);
      if (kind == RowLoss::cosine_similarity) loss = cosine_similarity(a, y, l->outputs, g, d);
      l->row_loss[r] = static_cast<double>(loss);
      if (l->outputs_out == nullptr) continue;
      for (size_t i = 0; i < l->outputs; i += W) w_store<S>(l->outputs_out + r * l->ld + i, w_load<S>(a + i));
    }
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
