// Activations whose way back needs z, forward and backward: docs/numerics.md.
#pragma once
#include "functions-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

template <class S>
struct ZActivationKernels {
  using T = typename S::T;
  using V = Wide<S>;
  static constexpr size_t W = Wide<S>::width;
  static constexpr T selu_scale = T(1.0507009873554804934193349852946), selu_alpha = T(1.7580993408473768599402175208123);
  static constexpr T bell_height = T(0.39894228040143267793994605993438), gelu_factor = T(0.79788456080286535587989211986876);
  static constexpr T gelu_cube = T(0.044715), gelu_cube3 = T(3 * 0.044715), sixth = T(1.0 / 6);

  static NABLA_INLINE V set(T x) { return w_set<S>(x); }
  static NABLA_INLINE V mul(const V& a, const V& b) { return w_mul<S>(a, b); }
  static NABLA_INLINE V positive(const V& z, const V& then, const V& otherwise) { return w_select<S>(w_gt<S>(z, set(0)), then, otherwise); }
  static NABLA_INLINE V inside(const V& z, T lo, T hi, const V& then) {
    return w_select<S>(w_gt<S>(z, set(lo)), w_select<S>(w_lt<S>(z, set(hi)), then, set(0)), set(0));
  }
  static NABLA_INLINE V clamp(const V& z, T lo, T hi) { return w_min_limit<S>(set(hi), w_max_limit<S>(set(lo), z)); }
  static NABLA_INLINE V bell(const V& z) { return w_exp<S>(mul(set(T(-0.5)), mul(z, z))); }
  static NABLA_INLINE V softplus(const V& z) {
    return w_add<S>(positive(z, z, set(0)), w_log1p<S>(w_exp<S>(w_sub<S>(set(0), w_abs<S>(z)))));
  }
  static NABLA_INLINE V gelu_tanh(const V& z) {
    return w_tanh<S>(mul(mul(z, set(gelu_factor)), w_mad<S>(mul(z, z), set(gelu_cube), set(1))));
  }

  static NABLA_INLINE V forward(const ZActivation<T>& f, const V& z) {
    switch (f.function) {
      case ZFunction::relu6:
        return clamp(z, 0, 6);
      case ZFunction::leaky_relu:
        return positive(z, z, mul(set(f.first), z));
      case ZFunction::elu:
        return positive(z, z, mul(set(f.first), w_expm1_negative<S>(z)));
      case ZFunction::selu:
        return positive(z, mul(set(selu_scale), z), mul(set(selu_alpha), w_expm1_negative<S>(z)));
      case ZFunction::gelu:
        return mul(z, w_normal_below<S>(z, bell(z)));
      case ZFunction::gelu_tanh:
        return mul(mul(set(T(0.5)), z), w_add<S>(set(1), gelu_tanh(z)));
      case ZFunction::hard_sigmoid:
        return clamp(w_mad<S>(z, set(sixth), set(T(0.5))), 0, 1);
      case ZFunction::softplus: {
        const V scaled = mul(set(f.first), z);
        return w_select<S>(w_gt<S>(scaled, set(f.second)), z, w_div<S>(softplus(scaled), set(f.first)));
      }
      case ZFunction::softsign:
        return w_div<S>(z, w_add<S>(set(1), w_abs<S>(z)));
      case ZFunction::silu:
        return mul(z, w_sigmoid<S>(z));
      case ZFunction::mish:
        return mul(z, w_tanh<S>(softplus(z)));
      case ZFunction::exponential:
        return w_exp<S>(z);
      case ZFunction::thresholded_relu:
        return w_select<S>(w_ge<S>(set(f.first), z), set(0), z);
    }
    return z;
  }

  // What da is multiplied by.
  static NABLA_INLINE V slope(const ZActivation<T>& f, const V& z, const V& a) {
    const V one = set(1);
    switch (f.function) {
      case ZFunction::relu6:
        return inside(z, 0, 6, one);
      case ZFunction::leaky_relu:
        return positive(z, one, set(f.first));
      case ZFunction::elu:
        return positive(z, one, mul(set(f.first), w_exp<S>(z)));
      case ZFunction::selu:
        return positive(z, set(selu_scale), mul(set(selu_alpha), w_exp<S>(z)));
      case ZFunction::gelu: {
        const V height = bell(z);
        return w_mad<S>(mul(z, height), set(bell_height), w_normal_below<S>(z, height));
      }
      case ZFunction::gelu_tanh: {
        const V t = gelu_tanh(z);
        const V inner = mul(w_mad<S>(mul(z, z), set(gelu_cube3), one), set(gelu_factor));
        return w_mad<S>(mul(mul(set(T(0.5)), z), w_sub<S>(one, mul(t, t))), inner, mul(set(T(0.5)), w_add<S>(one, t)));
      }
      case ZFunction::hard_sigmoid:
        return inside(z, -3, 3, set(sixth));
      case ZFunction::softplus: {
        const V scaled = mul(set(f.first), z);
        return w_select<S>(w_gt<S>(scaled, set(f.second)), one, w_sigmoid<S>(scaled));
      }
      case ZFunction::softsign: {
        const V q = w_add<S>(one, w_abs<S>(z));
        return w_div<S>(one, mul(q, q));
      }
      case ZFunction::silu: {
        const V s = w_sigmoid<S>(z);
        return mul(s, w_mad<S>(z, w_sub<S>(one, s), one));
      }
      case ZFunction::mish: {
        const V t = w_tanh<S>(softplus(z));
        return w_mad<S>(mul(z, w_sigmoid<S>(z)), w_sub<S>(one, mul(t, t)), t);
      }
      case ZFunction::exponential:
        return a;
      case ZFunction::thresholded_relu:
        return w_select<S>(w_gt<S>(z, set(f.first)), one, set(0));
    }
    return one;
  }

  static void z_forward(const ZActivation<T>* f, const T* z, T* a, size_t count) {
    const ZActivation<T> own = *f;
    for (size_t i = 0; i < count; i += W) w_store<S>(a + i, forward(own, w_load<S>(z + i)));
  }
  static void z_backward(const ZActivation<T>* f, const T* z, const T* a, T* da, size_t count) {
    const ZActivation<T> own = *f;
    for (size_t i = 0; i < count; i += W) w_store<S>(da + i, mul(w_load<S>(da + i), slope(own, w_load<S>(z + i), w_load<S>(a + i))));
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
