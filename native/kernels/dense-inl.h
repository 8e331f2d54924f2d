// Dense layers: forward, backward, gradients into sinks, and the parameters' upkeep.
#pragma once
#include "activation-inl.h"
#include "tile-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

template <class S>
struct DenseKernels {
  using T = typename S::T;
  static constexpr size_t W = Wide<S>::width;

  static void dense_forward(const T* a, size_t lda, size_t m, size_t k, const T* weight, const T* bias, size_t panels, T* out, size_t ldo,
                            Activation act) {
    const ForwardEpilogue<S> e{out, ldo, bias, act == Activation::relu};
    gemm<S>(a, lda, 1, k, weight, W, k * W, 0, m, 0, panels, e);
    if (act == Activation::sigmoid || act == Activation::tanh) ActivationKernels<S>::activation_forward(act, out, out, m * ldo);
  }

  static void dense_backward_input(const T* dz, size_t ldz, size_t m, size_t o, const T* transposed, size_t panels, T* dx, size_t ldx,
                                   const T* a, Activation act) {
    const BackwardEpilogue<S> e{dx, ldx, act == Activation::relu ? a : nullptr};
    gemm<S>(dz, ldz, 1, o, transposed, W, (o + W - 1) / W * W * W, 0, m, 0, panels, e);
    if (a != nullptr && act != Activation::relu && act != Activation::linear && act != Activation::softmax)
      ActivationKernels<S>::activation_backward(act, a, dx, m, ldx);
  }

  static void weight_gradient(const T* x, size_t ldx, const T* dz, size_t ldz, size_t m, size_t inputs, size_t i0, size_t i1, size_t p0,
                              size_t p1, const GradientSink<T>* sink) {
    const Update<T>* const u = sink->update;
    if (u != nullptr && !sink->accumulate && plain_sgd(*u)) {
      const SgdEpilogue<S> e{u->parameters, -u->rate, inputs};
      gemm<S>(x, 1, ldx, m, dz, ldz, W, i0, i1, p0, p1, e);
    } else if (u != nullptr && !sink->accumulate && plain_adam(*u)) {
      const AdamEpilogue<S> e{*u, inputs};
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
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
