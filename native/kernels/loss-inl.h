// Losses of rows with their gradients.
#pragma once
#include "activation-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

template <class S>
struct LossKernels {
  using T = typename S::T;
  static constexpr size_t W = Wide<S>::width;

  static NABLA_INLINE size_t argmax(const T* z, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; ++i)
      if (z[i] > z[best]) best = i;
    return best;
  }

  // Whether argmax(z) is the label. m: the largest of z, unless one of them is not a number.
  static NABLA_INLINE bool is_first_max(const T* z, size_t n, size_t label, T m, bool numbers) {
    if (!numbers) return argmax(z, n) == label;
    if (z[label] != m) return false;
    for (size_t i = 0; i < label; ++i)
      if (z[i] == m) return false;
    return true;
  }

  // dlogits, or the outputs, double as the scratch for e.
  static NABLA_INLINE T* scratch(const LossRows<T>& l, size_t r) { return (l.dlogits != nullptr ? l.dlogits : l.outputs_out) + r * l.ld; }

  static void softmax_cross_entropy(const LossRows<T>* l) {
    const size_t n = l->outputs;
    const bool general = l->kind == TargetKind::values || l->smoothing || l->class_weights != nullptr;
    const Wide<S> none = w_set<S>(0);
    // Rows in groups of W: their logarithms are taken together.
    alignas(64) T max[W], sums[W], log_sums[W];
    for (size_t j = 0; j < W; ++j) sums[j] = 1;
    for (size_t r = 0; r < l->rows; ++r) {
      if (r % W == 0) {
        for (size_t j = 0; j < W && r + j < l->rows; ++j) {
          const T* const z = l->logits + (r + j) * l->ld;
          max[j] = ActivationKernels<S>::max_of(z, n);
          sums[j] = ActivationKernels<S>::exp_sum(z, n, max[j], scratch(*l, r + j));
        }
        w_store<S>(log_sums, w_log<S>(w_load<S>(sums)));
      }
      const T* const z = l->logits + r * l->ld;
      const int32_t label = l->kind == TargetKind::labels ? l->labels[r] : 0;
      const T* const values = l->kind == TargetKind::values ? l->values + r * l->ld : nullptr;
      T* const e = scratch(*l, r);
      const T m = max[r % W], sum = sums[r % W], log_sum = log_sums[r % W];
      const Wide<S> ws = w_set<S>(sum), wm = w_set<S>(m), wl = w_set<S>(log_sum);
      if (l->correct != nullptr && l->kind != TargetKind::none) {
        const size_t wanted = values != nullptr ? argmax(values, n) : static_cast<size_t>(label);
        *l->correct += is_first_max(z, n, wanted, m, sum == sum) ? 1u : 0u;
      }
      const Wide<S> g = w_set<S>(l->row_scale != nullptr ? l->row_scale[r] : T(0));
      if (!general) {
        l->row_loss[r] = static_cast<double>(log_sum - (z[label] - m));
        for (size_t i = 0; i < n; i += W) {
          const Wide<S> p = w_div<S>(w_load<S>(e + i), ws);
          if (l->outputs_out != nullptr) w_store<S>(l->outputs_out + r * l->ld + i, p);
          const Wide<S> one = w_one<S>(static_cast<ptrdiff_t>(label) - static_cast<ptrdiff_t>(i));
          if (l->dlogits != nullptr) w_store<S>(e + i, w_mul<S>(w_sub<S>(p, one), g));
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
        const Wide<S> zi = w_load<S>(z + i);
        Wide<S> yi = w_load<S>(y + i);
        if (l->smoothing) yi = w_add<S>(w_mul<S>(yi, w_set<S>(l->smoothing_on)), w_set<S>(l->smoothing_off));
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

  // A difference's loss, and its gradient before it is scaled.
  struct Element {
    Wide<S> loss, gradient;
  };
  // log(1 + p), p >= 0.
  static NABLA_INLINE Wide<S> log_one_plus(const Wide<S>& p) {
    const Wide<S> one = w_set<S>(1);
    return w_select<S>(w_gt<S>(p, one), w_log<S>(w_add<S>(p, one)), w_log1p<S>(p));
  }
  // The logarithm of any number.
  static NABLA_INLINE Wide<S> any_log(const Wide<S>& x) {
    const Wide<S> none = w_set<S>(0), nan = w_set<S>(static_cast<T>(__builtin_nan("")));
    const Wide<S> rest = w_select<S>(w_ge<S>(x, none), w_set<S>(static_cast<T>(-__builtin_inf())), nan);
    return w_select<S>(w_gt<S>(x, none), w_log<S>(x), rest);
  }
  static NABLA_INLINE Element element(ElementLoss kind, const Wide<S>& a, const Wide<S>& y, T delta) {
    const Wide<S> none = w_set<S>(0), one = w_set<S>(1), half = w_set<S>(T(0.5)), d = w_sub<S>(a, y), size = w_abs<S>(d),
                  edge = w_set<S>(delta), least = w_set<S>(static_cast<T>(loss_epsilon));
    // max_limit keeps NaN.
    const Wide<S> margin = w_sub<S>(one, w_mul<S>(y, a)), missed = w_max_limit<S>(none, margin);
    const WideMask<S> inside = w_gt<S>(margin, none);
    switch (kind) {
      case ElementLoss::mean_squared_error:
        return {w_mul<S>(d, d), w_mul<S>(w_set<S>(2), d)};
      case ElementLoss::mean_absolute_error:
        return {size, w_select<S>(w_gt<S>(a, y), one, w_select<S>(w_lt<S>(a, y), w_set<S>(-1), none))};
      case ElementLoss::huber: {
        const WideMask<S> near = w_ge<S>(edge, size);
        return {w_select<S>(near, w_mul<S>(half, w_mul<S>(d, d)), w_mul<S>(edge, w_sub<S>(size, w_mul<S>(half, edge)))),
                w_select<S>(near, d, w_select<S>(w_lt<S>(d, none), w_set<S>(-delta), edge))};
      }
      case ElementLoss::log_cosh:
        return {w_sub<S>(w_add<S>(size, w_log1p<S>(w_exp<S>(w_mul<S>(w_set<S>(-2), size)))), w_set<S>(T(0.69314718055994530942))),
                w_tanh<S>(d)};
      case ElementLoss::hinge:
        return {missed, w_select<S>(inside, w_sub<S>(none, y), none)};
      case ElementLoss::squared_hinge:
        return {w_mul<S>(missed, missed), w_select<S>(inside, w_mul<S>(w_mul<S>(w_set<S>(-2), y), margin), none)};
      case ElementLoss::mean_absolute_percentage_error: {
        const Wide<S> whole = w_max_limit<S>(least, w_abs<S>(y)), hundred = w_set<S>(100);
        const Wide<S> down = w_select<S>(w_lt<S>(a, y), w_div<S>(w_set<S>(-100), whole), none);
        return {w_mul<S>(w_div<S>(size, whole), hundred), w_select<S>(w_gt<S>(a, y), w_div<S>(hundred, whole), down)};
      }
      case ElementLoss::mean_squared_logarithmic_error: {
        const Wide<S> apart = w_sub<S>(log_one_plus(w_max_limit<S>(least, a)), log_one_plus(w_max_limit<S>(least, y)));
        const Wide<S> slope = w_div<S>(w_mul<S>(w_set<S>(2), apart), w_add<S>(a, one));
        return {w_mul<S>(apart, apart), w_select<S>(w_gt<S>(a, least), slope, none)};
      }
      case ElementLoss::poisson: {
        const Wide<S> u = w_add<S>(a, least);
        return {w_sub<S>(a, w_mul<S>(y, any_log(u))), w_sub<S>(one, w_div<S>(y, u))};
      }
    }
    return {none, none};
  }

  static void element_loss(const LossRows<T>* l, ElementLoss kind, T delta) {
    const size_t n = l->outputs;
    const Wide<S> none = w_set<S>(0);
    for (size_t r = 0; r < l->rows; ++r) {
      const Wide<S> g = w_set<S>(l->row_scale != nullptr ? l->row_scale[r] : T(0));
      Wide<S> lanes = none;
      for (size_t i = 0; i < n; i += W) {
        const Wide<S> a = w_load<S>(l->logits + r * l->ld + i);
        Element e = element(kind, a, w_load<S>(l->values + r * l->ld + i), delta);
        if (n - i < W) {
          const int left = static_cast<int>(n - i);
          e.loss = w_first<S>(left, e.loss, none);
          e.gradient = w_first<S>(left, e.gradient, none);
        }
        lanes = w_add<S>(lanes, e.loss);
        if (l->outputs_out != nullptr) w_store<S>(l->outputs_out + r * l->ld + i, a);
        if (l->dlogits != nullptr) w_store<S>(l->dlogits + r * l->ld + i, w_mul<S>(e.gradient, g));
      }
      l->row_loss[r] = static_cast<double>(w_fold<S>(lanes));
    }
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
