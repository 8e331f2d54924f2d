// Many steps of the smallest networks: samples in the lanes, parameters as scalars.
#pragma once
#include "functions-inl.h"
#include "updates-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

template <class S>
struct TinyKernels {
  using T = typename S::T;
  static constexpr size_t W = Wide<S>::width;

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

  // Chains over the rows of O units' dz and I inputs' a at once: their latencies pass together. g[o][i].
  template <int O, int I>
  static NABLA_INLINE void gradient_tile(const T (*dz)[W], const T (*a)[W], size_t rows, T (&g)[O][I]) {
    NABLA_UNROLL for (int o = 0; o < O; ++o) NABLA_UNROLL for (int i = 0; i < I; ++i) g[o][i] = 0;
    for (size_t r = 0; r < rows; ++r)
      NABLA_UNROLL for (int o = 0; o < O; ++o) NABLA_UNROLL for (int i = 0; i < I; ++i) g[o][i] = S::mad1(dz[o][r], a[i][r], g[o][i]);
  }

  // Gradients of a layer's weights in tiles; rows of dz and a beyond its units and inputs hold zeros. Without
  // `gradients` they are used at once.
  template <int O, int I>
  static NABLA_INLINE void weight_tiles(const TinyLayer<T>& layer, const T (*dz)[W], const T (*a)[W], size_t rows, T rate,
                                        T (*gradients)[W]) {
    for (size_t i0 = 0; i0 < layer.inputs; i0 += I)
      for (size_t o0 = 0; o0 < layer.units; o0 += O) {
        T g[O][I];
        gradient_tile<O, I>(dz + o0, a + i0, rows, g);
        NABLA_UNROLL for (int i = 0; i < I; ++i) NABLA_UNROLL for (int o = 0; o < O; ++o) {
          if (i0 + i >= layer.inputs || o0 + o >= layer.units) continue;
          if (gradients != nullptr) {
            gradients[i0 + i][o0 + o] = g[o][i];
          } else {
            T& p = layer.weight.parameters[(i0 + i) * W + o0 + o];
            p = S::mad1(-rate, g[o][i], p);
          }
        }
      }
  }
  static NABLA_INLINE void weight_gradients(const TinyLayer<T>& layer, const T (*dz)[W], const T (*a)[W], size_t rows, T rate,
                                            T (*gradients)[W]) {
    if (layer.units == 1) return weight_tiles<1, 4>(layer, dz, a, rows, rate, gradients);
    if (layer.units == 2) return weight_tiles<2, 2>(layer, dz, a, rows, rate, gradients);
    weight_tiles<4, 2>(layer, dz, a, rows, rate, gradients);
  }

  static size_t tiny_steps(TinySteps<T>* t) {
    constexpr size_t most = W;  // units of a layer
    alignas(64) T a[tiny_layers + 1][most][W], dz[tiny_layers][most][W], gradients[most][W];
    const size_t last = t->layer_count - 1, outputs = t->layers[last].units, rows = t->rows;
    // Tiles read rows beyond a layer's units, and padding must see gradient 0.
    for (size_t l = 0; l <= t->layer_count; ++l)
      for (size_t u = 0; u < most; ++u) w_store<S>(a[l][u], w_set<S>(0));
    for (size_t l = 0; l < t->layer_count; ++l)
      for (size_t u = 0; u < most; ++u) w_store<S>(dz[l][u], w_set<S>(0));
    bool simple[tiny_layers];
    for (size_t l = 0; l < t->layer_count; ++l) simple[l] = plain_sgd(t->layers[l].weight) && plain_sgd(t->layers[l].bias);
    alignas(64) T live[W];
    for (size_t r = 0; r < W; ++r) live[r] = r < rows ? T(1) : T(0);
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
          const Wide<S> soft =
              w_add<S>(w_log1p<S>(w_exp<S>(w_sub<S>(none, w_abs<S>(z)))), w_select<S>(w_lt<S>(z, none), w_sub<S>(none, z), none));
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
      if (outputs > 1)
        for (size_t h = W / 2; h > 0; h /= 2)
          for (size_t o = 0; o < h && o + h < outputs; ++o)
            w_store<S>(element[o], w_add<S>(w_load<S>(element[o]), w_load<S>(element[o + h])));
      // Lanes without a sample may hold anything.
      w_store<S>(element[0], w_select<S>(w_gt<S>(w_load<S>(live), none), w_load<S>(element[0]), none));
      double lanes[8];
      NABLA_UNROLL for (size_t j = 0; j < 8; ++j) {
        lanes[j] = 0.0 + t->row_weight[j] * static_cast<double>(element[0][j]);
        if (W > 8) lanes[j] += t->row_weight[j + W - 8] * static_cast<double>(element[0][j + W - 8]);
      }
      const double loss =
          (((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]))) / t->denominator;
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
      const double* const s = t->scalars + step * t->stride;
      for (size_t l = 0; l < t->layer_count; ++l) {
        TinyLayer<T>& layer = t->layers[l];
        const T rate = static_cast<T>(s[0] * layer.rate_factor);
        if (simple[l]) {
          weight_gradients(layer, dz[l], a[l], rows, rate, nullptr);
        } else {
          layer.weight.decay = layer.bias.decay = static_cast<T>(s[4] * layer.rate_factor);
          layer.weight.rate = layer.bias.rate = rate;
          layer.weight.dampening = layer.bias.dampening = static_cast<T>(s[1]);
          layer.weight.correction = layer.bias.correction = static_cast<T>(s[2]);
          for (size_t i = 0; i < layer.inputs; ++i) w_store<S>(gradients[i], none);
          weight_gradients(layer, dz[l], a[l], rows, rate, gradients);
          for (size_t i = 0; i < layer.inputs; ++i) apply_update_call<S>(layer.weight, i * W, w_load<S>(gradients[i]));
        }
        if (!layer.use_bias) continue;
        w_store<S>(gradients[0], none);
        for (size_t o0 = 0; o0 < layer.units; o0 += 4) {
          T g[4] = {};
          for (size_t r = 0; r < rows; ++r) NABLA_UNROLL for (size_t o = 0; o < 4; ++o) g[o] = g[o] + dz[l][o0 + o][r];
          NABLA_UNROLL for (size_t o = 0; o < 4; ++o) {
            if (o0 + o >= layer.units) continue;
            T& p = layer.bias.parameters[o0 + o];
            if (simple[l])
              p = S::mad1(-rate, g[o], p);
            else
              gradients[0][o0 + o] = g[o];
          }
        }
        if (!simple[l]) apply_update_call<S>(layer.bias, 0, w_load<S>(gradients[0]));
      }
    }
    return t->steps;
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
