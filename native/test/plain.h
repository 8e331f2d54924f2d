// docs/numerics.md in plain scalar loops: what every kernel must equal bit for bit. `fused` chooses how mad rounds.
#pragma once
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "kernels/kernels.h"

namespace plain {

template <class T>
struct Constants;
template <>
struct Constants<float> {
  static constexpr float magic = 12582912.0f, ln2_hi = 0.693359375f, ln2_lo = -2.12194440e-4f, lo = -86.9f, hi = 89.0f, top = 20.0f;
  static constexpr int exp_terms = 7, log_terms = 4, log1p_terms = 8;
};
template <>
struct Constants<double> {
  static constexpr double magic = 6755399441055744.0, ln2_hi = 6.93147180369123816490e-01, ln2_lo = 1.90821492927058770002e-10, lo = -708.0,
                          hi = 710.0, top = 40.0;
  static constexpr int exp_terms = 13, log_terms = 10, log1p_terms = 17;
};

template <class T, bool fused>
struct Math {
  using K = Constants<T>;
  static constexpr size_t lane_count = 64 / sizeof(T);

  static T mad(T a, T b, T c) {
    if (fused) return std::fma(a, b, c);
    return a * b + c;
  }
  // Lanes folded by halves, for a function of the index.
  template <class F>
  static T lanes(size_t n, const F& f) {
    T acc[lane_count] = {};
    for (size_t i = 0; i < n; ++i) acc[i % lane_count] = acc[i % lane_count] + f(i);
    for (size_t h = lane_count / 2; h > 0; h /= 2)
      for (size_t j = 0; j < h; ++j) acc[j] = acc[j] + acc[j + h];
    return acc[0];
  }
  static T expm1_of(T y, int& k) {
    const T t = mad(y, T(1.44269504088896340736), K::magic);
    const T n = t - K::magic;
    T r = mad(n, -K::ln2_hi, y);
    r = mad(n, -K::ln2_lo, r);
    double factorial = 1;
    T c[14];
    for (int i = 2; i <= K::exp_terms; ++i) {
      factorial *= i;
      c[i] = T(1.0 / factorial);
    }
    T p = c[K::exp_terms];
    for (int i = K::exp_terms - 1; i >= 2; --i) p = mad(p, r, c[i]);
    k = static_cast<int>(n);
    return mad(r * r, p, r);
  }
  static T exp(T x) {
    if (x != x) return x;
    T y = K::hi < x ? K::hi : x;
    y = K::lo > y ? K::lo : y;
    int k = 0;
    const T q = expm1_of(y, k);
    const T s = std::ldexp(T(1), k - 1);
    return x < K::lo ? T(0) : mad(s, q, s) * T(2);
  }
  static T tanh(T x) {
    if (x != x) return x;
    T y = T(2) * std::fabs(x);
    y = K::top < y ? K::top : y;
    int k = 0;
    const T q = expm1_of(y, k);
    const T s = std::ldexp(T(1), k);
    const T e = mad(s, q, s - T(1));
    return std::copysign(e / (e + T(2)), x);
  }
  static T sigmoid(T z) {
    const T t = exp(T(0) - std::fabs(z));
    return (z >= 0 ? T(1) : t) / (T(1) + t);
  }
  // (2 s) + (2 s) w R(w)
  static T odd_series(T s, int terms) {
    const T w = s * s, h = s * T(2);
    T p = T(1.0 / (2 * terms + 1));
    for (int i = terms - 1; i >= 1; --i) p = mad(p, w, T(1.0 / (2 * i + 1)));
    return mad(h * w, p, h);
  }
  static T log(T x) {
    if (!(x < T(INFINITY))) return x;
    int exponent = 0;
    T m = std::frexp(x, &exponent) * T(2), e = T(exponent - 1);
    if (m > T(1.41421356237309504880)) {
      m = m * T(0.5);
      e = e + T(1);
    }
    const T f = m - T(1);
    const T p = odd_series(f / (f + T(2)), K::log_terms);
    return mad(e, K::ln2_hi, mad(e, K::ln2_lo, p));
  }
  static T log1p(T t) { return odd_series(t / (t + T(2)), K::log1p_terms); }

  static T expm1_negative(T x) {
    const T y = x < -K::top ? -K::top : x;
    int k = 0;
    const T q = expm1_of(y, k);
    const T s = std::ldexp(T(1), k);
    return mad(s, q, s - T(1));
  }
  // scripts/fit-erfc.py
  static std::vector<double> tail() {
    if (sizeof(T) == 8)
      return {0.6384891907762644,     -0.04638191329287261,   -0.08301519880766842,   0.08202564001667029,     -0.027110000494691894,
              -0.004017007539276732,  0.004361326908706129,   0.0006356694490045079,  -0.0007284066406696418,  -0.00022717008289319964,
              0.00010318134323883314, 7.551757199534161e-05,  -7.450531089163594e-07, -1.8203628676395205e-05, -6.775230830310877e-06,
              1.8334885633205495e-06, 2.6690309899749e-06,    7.931706512674357e-07,  -4.2431402969017644e-07, -4.71021503381256e-07,
              -6.415725008011245e-08, 1.1595722574386778e-07, 4.555135154703311e-08,  -1.2315010020673692e-08, -7.138423891493102e-09};
    return {0.638489196,   -0.0463818814,  -0.0830155478,   0.0820247271,    -0.0271059792, -0.00400948154,
            0.00434457983, 0.000608705296, -0.000697853473, -0.000178960224, 8.04017909e-5, 3.16847292e-5};
  }
  static T normal_below(T z, T bell) {
    T y = std::fabs(z) * T(0.70710678118654752440);
    if (y > 100) y = 100;
    const T t = (y - T(2)) / (y + T(2));
    const std::vector<double> c = tail();
    T p = static_cast<T>(c.back());
    for (size_t i = c.size() - 1; i-- > 0;) p = mad(p, t, static_cast<T>(c[i]));
    const T beyond = (p / (T(1) + T(2) * y)) * bell;
    return z >= 0 ? T(1) - beyond : beyond;
  }
  static T softplus(T z) { return (z > 0 ? z : T(0)) + log1p(exp(T(0) - std::fabs(z))); }
  // One element of an activation of z: its value, and what da is multiplied by.
  static T of_z(const nabla::ZActivation<T>& f, T z, T& slope) {
    using nabla::ZFunction;
    const T one = 1, half = T(0.5);
    const T bell = exp(T(-0.5) * (z * z)), scale = T(1.0507009873554804934), alpha = T(1.7580993408473768600);
    switch (f.function) {
      case ZFunction::relu6:
        slope = z > 0 && z < 6 ? one : T(0);
        return z < 0 ? T(0) : z > 6 ? T(6) : z;
      case ZFunction::leaky_relu:
        slope = z > 0 ? one : f.first;
        return z > 0 ? z : f.first * z;
      case ZFunction::elu:
        slope = z > 0 ? one : f.first * exp(z);
        return z > 0 ? z : f.first * expm1_negative(z);
      case ZFunction::selu:
        slope = z > 0 ? scale : alpha * exp(z);
        return z > 0 ? scale * z : alpha * expm1_negative(z);
      case ZFunction::gelu:
        slope = mad(z * bell, T(0.39894228040143267794), normal_below(z, bell));
        return z * normal_below(z, bell);
      case ZFunction::gelu_tanh: {
        const T factor = T(0.79788456080286535588), t = tanh((z * factor) * mad(z * z, T(0.044715), one));
        slope = mad((half * z) * (one - t * t), mad(z * z, T(3 * 0.044715), one) * factor, half * (one + t));
        return (half * z) * (one + t);
      }
      case ZFunction::hard_sigmoid: {
        const T a = mad(z, T(1.0 / 6), half);
        slope = z > -3 && z < 3 ? T(1.0 / 6) : T(0);
        return a < 0 ? T(0) : a > 1 ? one : a;
      }
      case ZFunction::softplus: {
        const T b = f.first * z;
        slope = b > f.second ? one : sigmoid(b);
        return b > f.second ? z : softplus(b) / f.first;
      }
      case ZFunction::thresholded_relu:
        slope = z > f.first ? one : T(0);
        return z <= f.first ? T(0) : z;
      case ZFunction::softsign: {
        const T q = one + std::fabs(z);
        slope = one / (q * q);
        return z / q;
      }
      case ZFunction::silu: {
        const T s = sigmoid(z);
        slope = s * mad(z, one - s, one);
        return z * s;
      }
      case ZFunction::mish: {
        const T t = tanh(softplus(z));
        slope = mad(z * sigmoid(z), one - t * t, t);
        return z * t;
      }
      case ZFunction::exponential:
        slope = exp(z);
        return slope;
    }
    return z;
  }

  static void activation(nabla::Activation act, T* z, size_t n) {
    using nabla::Activation;
    if (act == Activation::softmax) {
      T m = z[0];
      for (size_t i = 1; i < n; ++i) m = z[i] > m ? z[i] : m;
      for (size_t i = 0; i < n; ++i) z[i] = exp(z[i] - m);
      const T sum = lanes(n, [&](size_t i) { return z[i]; });
      for (size_t i = 0; i < n; ++i) z[i] = z[i] / sum;
      return;
    }
    for (size_t i = 0; i < n; ++i) {
      if (act == Activation::relu) z[i] = z[i] < 0 ? T(0) : z[i];
      if (act == Activation::sigmoid) z[i] = sigmoid(z[i]);
      if (act == Activation::tanh) z[i] = tanh(z[i]);
    }
  }
  static void activation_backward(nabla::Activation act, const T* a, T* da, size_t n) {
    using nabla::Activation;
    const T s = act == Activation::softmax ? lanes(n, [&](size_t i) { return da[i] * a[i]; }) : T(0);
    for (size_t i = 0; i < n; ++i) {
      if (act == Activation::relu) da[i] = a[i] > 0 ? da[i] : T(0);
      if (act == Activation::sigmoid) da[i] = da[i] * (a[i] * (T(1) - a[i]));
      if (act == Activation::tanh) da[i] = da[i] * (T(1) - a[i] * a[i]);
      if (act == Activation::softmax) da[i] = a[i] * (da[i] - s);
    }
  }
  // a: n numbers `stride` apart, b likewise.
  static T chain(const T* a, size_t a_stride, const T* b, size_t b_stride, size_t n, T start = 0) {
    T acc = start;
    for (size_t i = 0; i < n; ++i) acc = mad(a[i * a_stride], b[i * b_stride], acc);
    return acc;
  }

  // One row. g: the row's gradient factor. Returns the row's loss; writes d (dlogits) and p (after the head).
  struct Targets {
    const T* values;  // null: label
    int label;
    const T* weights;  // class or positive weights; null: none
    bool smoothing;
    T on, off;
  };
  static T softmax_cross_entropy(const T* z, size_t n, const Targets& y, T g, T* d, T* p, unsigned& correct) {
    T m = z[0];
    size_t best = 0, wanted = static_cast<size_t>(y.label);
    for (size_t i = 1; i < n; ++i) {
      m = z[i] > m ? z[i] : m;
      if (z[i] > z[best]) best = i;
    }
    if (y.values != nullptr) {
      wanted = 0;
      for (size_t i = 1; i < n; ++i)
        if (y.values[i] > y.values[wanted]) wanted = i;
    }
    correct += best == wanted ? 1 : 0;
    for (size_t i = 0; i < n; ++i) p[i] = exp(z[i] - m);
    const T sum = lanes(n, [&](size_t i) { return p[i]; });
    const T log_sum = log(sum);
    for (size_t i = 0; i < n; ++i) p[i] = p[i] / sum;
    if (y.values == nullptr && !y.smoothing && y.weights == nullptr) {
      for (size_t i = 0; i < n; ++i) d[i] = (p[i] - (i == wanted ? T(1) : T(0))) * g;
      return log_sum - (z[wanted] - m);
    }
    const auto u = [&](size_t i) {
      T t = i == static_cast<size_t>(y.label) ? y.on : y.off;
      if (y.values != nullptr) {
        t = y.values[i];
        if (y.smoothing) t = t * y.on + y.off;
      }
      return y.weights != nullptr ? y.weights[i] * t : t;
    };
    const T total = lanes(n, u);
    for (size_t i = 0; i < n; ++i) d[i] = (p[i] * total - u(i)) * g;
    return -lanes(n, [&](size_t i) { return u(i) * ((z[i] - m) - log_sum); });
  }
  static T sigmoid_cross_entropy(const T* z, size_t n, const Targets& y, T g, T* d, T* p, unsigned& correct) {
    const auto target = [&](size_t i) { return y.smoothing ? y.values[i] * y.on + y.off : y.values[i]; };
    for (size_t i = 0; i < n; ++i) {
      p[i] = sigmoid(z[i]);
      const T t = target(i), c = y.weights != nullptr ? T(1) + (y.weights[i] - T(1)) * t : T(1);
      d[i] = (y.weights != nullptr ? (T(1) - t) + c * (p[i] - T(1)) : p[i] - t) * g;
      correct += (z[i] >= 0) == (y.values[i] >= T(0.5)) ? 1 : 0;
    }
    return lanes(n, [&](size_t i) {
      const T t = target(i), c = y.weights != nullptr ? T(1) + (y.weights[i] - T(1)) * t : T(1);
      const T soft = log1p(exp(T(0) - std::fabs(z[i]))) + (z[i] < 0 ? T(0) - z[i] : T(0));
      return (T(1) - t) * z[i] + c * soft;
    });
  }
  // One element of a loss, and its gradient before it is scaled.
  static T element(nabla::ElementLoss kind, T a, T y, T delta, T& gradient) {
    using nabla::ElementLoss;
    const T d = a - y, size = std::fabs(d), margin = T(1) - y * a;
    switch (kind) {
      case ElementLoss::mean_squared_error:
        gradient = T(2) * d;
        return d * d;
      case ElementLoss::mean_absolute_error:
        gradient = static_cast<T>((a > y) - (a < y));
        return size;
      case ElementLoss::huber:
        gradient = size <= delta ? d : d < 0 ? -delta : delta;
        return size <= delta ? T(0.5) * (d * d) : delta * (size - T(0.5) * delta);
      case ElementLoss::log_cosh:
        gradient = tanh(d);
        return size + log1p(exp(T(-2) * size)) - T(0.69314718055994530942);
      case ElementLoss::hinge:
        gradient = margin > 0 ? T(0) - y : T(0);
        return margin < 0 ? T(0) : margin;
      case ElementLoss::squared_hinge:
        gradient = margin > 0 ? (T(-2) * y) * margin : T(0);
        return margin < 0 ? T(0) : margin * margin;
      case ElementLoss::mean_absolute_percentage_error: {
        const T whole = std::fabs(y) < least() ? least() : std::fabs(y);
        gradient = a > y ? T(100) / whole : a < y ? T(-100) / whole : T(0);
        return (size / whole) * T(100);
      }
      case ElementLoss::mean_squared_logarithmic_error: {
        const T apart = log_one_plus(a < least() ? least() : a) - log_one_plus(y < least() ? least() : y);
        gradient = a > least() ? (T(2) * apart) / (a + T(1)) : T(0);
        return apart * apart;
      }
      case ElementLoss::poisson:
        gradient = T(1) - y / (a + least());
        return a - y * log(a + least());
    }
    return 0;
  }
  static T least() { return static_cast<T>(1e-7); }
  static T log_one_plus(T p) { return p > 1 ? log(p + T(1)) : log1p(p); }

  // One row: its loss, and the gradient of each output before it is scaled.
  static T row(nabla::RowLoss kind, const T* a, const T* y, size_t n, T* gradient) {
    if (kind == nabla::RowLoss::kullback_leibler_divergence) {
      const auto limited = [](T x) { return x < least() ? least() : x > 1 ? T(1) : x; };
      for (size_t i = 0; i < n; ++i) gradient[i] = a[i] < least() || a[i] > 1 ? T(0) : -(limited(y[i]) / a[i]);
      return lanes(n, [&](size_t i) { return limited(y[i]) * log(limited(y[i]) / limited(a[i])); });
    }
    if (kind == nabla::RowLoss::categorical_hinge) {
      const auto other = [&](size_t i) { return (T(1) - y[i]) * a[i]; };
      size_t rival = 0;
      for (size_t i = 1; i < n; ++i)
        if (other(i) > other(rival)) rival = i;
      const T margin = (other(rival) - lanes(n, [&](size_t i) { return y[i] * a[i]; })) + T(1);
      for (size_t i = 0; i < n; ++i) {
        gradient[i] = i == rival ? (T(1) - y[i]) - y[i] : T(0) - y[i];
        if (!(margin > 0)) gradient[i] = 0;
      }
      return margin < 0 ? T(0) : margin;
    }
    const auto length = [&](const T* x) { return std::sqrt(lanes(n, [&](size_t i) { return x[i] * x[i]; })); };
    const T own = length(a), of_a = own < least() ? least() : own, of_y = length(y) < least() ? least() : length(y);
    const T cosine = lanes(n, [&](size_t i) { return (a[i] / of_a) * (y[i] / of_y); });
    for (size_t i = 0; i < n; ++i) gradient[i] = own > least() ? (cosine * (a[i] / of_a) - y[i] / of_y) / of_a : T(0);
    return -cosine;
  }
  static T mean_squared_error(const T* a, size_t n, const Targets& y, T g, T* d, T* p) {
    for (size_t i = 0; i < n; ++i) {
      p[i] = a[i];
      d[i] = (T(2) * (a[i] - y.values[i])) * g;
    }
    return lanes(n, [&](size_t i) { return (a[i] - y.values[i]) * (a[i] - y.values[i]); });
  }

  static T with_penalties(T l2, T l1, T p, T g) {
    if (l2 != 0) g = mad(l2, p, g);
    if (l1 != 0) g = g + (p > 0 ? l1 : p < 0 ? -l1 : T(0));
    return g;
  }
  // What a norm is made of, over values a stride apart.
  static double norm_sum(const T* x, size_t n, size_t stride, nabla::Norm norm) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) {
      const double v = static_cast<double>(x[i * stride]);
      sum = norm_join(sum, norm == nabla::Norm::squares ? v * v : std::fabs(v), norm);
    }
    return sum;
  }
  static double norm_join(double sum, double part, nabla::Norm norm) {
    if (norm != nabla::Norm::largest) return sum + part;
    return std::isnan(sum) ? sum : std::isnan(part) || part > sum ? part : sum;
  }

  // One parameter with its slots.
  static void update(const nabla::Update<T>& u, T* parameter, T* slot0, T* slot1, T* slot2, T g) {
    T p = *parameter;
    g = with_penalties(u.l2, u.l1, p, g);
    if (u.clips) g = g > u.clip ? u.clip : g < -u.clip ? -u.clip : g;
    if (u.scaled) g = g * u.scale;
    const auto square = [&u](T old, T x) { return mad(u.beta2, old, (u.one_minus_beta2 * x) * x); };
    if (u.rule == nabla::Rule::sgd) {
      if (u.weight_decay != 0) g = mad(u.weight_decay, p, g);
      if (u.momentum != 0) {
        *slot0 = mad(u.momentum, *slot0, u.dampening * g);
        g = u.nesterov ? mad(u.momentum, *slot0, g) : *slot0;
      }
    } else if (u.rule == nabla::Rule::adam) {
      *slot0 = mad(u.beta1, *slot0, u.one_minus_beta1 * g);
      *slot1 = square(*slot1, g);
      T v = *slot1;
      if (u.amsgrad) v = *slot2 = *slot2 > v ? *slot2 : v;
      g = *slot0 / mad(std::sqrt(v), u.correction, u.epsilon);
      if (u.decay != 0) p = mad(-u.decay, p, p);
    } else if (u.rule == nabla::Rule::rmsprop) {
      *slot0 = square(*slot0, g);
      T v = *slot0;
      if (u.centered) {
        *slot1 = mad(u.beta2, *slot1, u.one_minus_beta2 * g);
        v = v - *slot1 * *slot1;
        if (v < 0) v = 0;
      }
      g = g / (std::sqrt(v) + u.epsilon);
      T* const speed = u.centered ? slot2 : slot1;
      if (u.momentum != 0) g = *speed = mad(u.momentum, *speed, g);
    } else if (u.rule == nabla::Rule::adagrad) {
      *slot0 = mad(g, g, *slot0);
      g = g / (std::sqrt(*slot0) + u.epsilon);
    } else if (u.rule == nabla::Rule::adadelta) {
      *slot0 = square(*slot0, g);
      g = (std::sqrt(*slot1 + u.epsilon) / std::sqrt(*slot0 + u.epsilon)) * g;
      *slot1 = square(*slot1, g);
    } else if (u.rule == nabla::Rule::adamax) {
      *slot0 = mad(u.beta1, *slot0, u.one_minus_beta1 * g);
      const T old = u.beta2 * *slot1;
      *slot1 = std::fabs(g) > old ? std::fabs(g) : old;
      g = *slot0 / (*slot1 + u.epsilon);
    } else if (u.rule == nabla::Rule::nadam) {
      *slot0 = mad(u.beta1, *slot0, u.one_minus_beta1 * g);
      *slot1 = square(*slot1, g);
      const T divisor = mad(std::sqrt(*slot1), u.correction, u.epsilon);
      if (u.decay != 0) p = mad(-u.decay, p, p);
      p = mad(-u.momentum_rate, *slot0 / divisor, p);
      g = g / divisor;
    } else {
      const T c = mad(u.beta1, *slot0, u.one_minus_beta1 * g);
      *slot0 = mad(u.beta2, *slot0, u.one_minus_beta2 * g);
      if (u.decay != 0) p = mad(-u.decay, p, p);
      g = static_cast<T>((c > 0) - (c < 0));
    }
    *parameter = mad(-u.rate, g, p);
    if (u.non_negative && *parameter < 0) *parameter = 0;
  }
};

// Philox4x32-10; one word of the mask's stream.
inline uint32_t philox_word(uint32_t unit, uint32_t row, uint32_t step, uint32_t purpose, uint32_t key0, uint32_t key1) {
  uint32_t c[4] = {unit / 4, row, step, purpose};
  for (int round = 0; round < 10; ++round) {
    const uint64_t a = 0xD2511F53ull * c[0], b = 0xCD9E8D57ull * c[2];
    const uint32_t next[4] = {static_cast<uint32_t>(b >> 32) ^ c[1] ^ key0, static_cast<uint32_t>(b),
                              static_cast<uint32_t>(a >> 32) ^ c[3] ^ key1, static_cast<uint32_t>(a)};
    for (int i = 0; i < 4; ++i) c[i] = next[i];
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return c[unit % 4];
}

}  // namespace plain
