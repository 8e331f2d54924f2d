// What happens to rows between two products besides activations of z and dropout: docs/numerics.md, passes. Plain loops without a fused
// multiply-add, sums in double: every instruction set and both plans give the same bytes.
#pragma once
#include "activation-inl.h"
#include "dropout-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

template <class S>
struct PassKernels {
  using T = typename S::T;
  static constexpr size_t W = Wide<S>::width;

  static void prelu_forward(const T* alpha, const T* x, T* y, size_t rows, size_t units, size_t ld) {
    for (size_t r = 0; r < rows; ++r)
      for (size_t u = 0; u < units; ++u) y[r * ld + u] = x[r * ld + u] > 0 ? x[r * ld + u] : alpha[u] * x[r * ld + u];
  }
  static void prelu_backward(const T* alpha, const T* x, T* d, size_t rows, size_t units, size_t ld) {
    for (size_t r = 0; r < rows; ++r)
      for (size_t u = 0; u < units; ++u) d[r * ld + u] = x[r * ld + u] > 0 ? d[r * ld + u] : d[r * ld + u] * alpha[u];
  }
  static void prelu_sums(const T* x, const T* d, size_t rows, size_t ld, size_t u0, size_t u1, double* sums) {
    for (size_t u = u0; u < u1; ++u) sums[u] = 0;
    for (size_t r = 0; r < rows; ++r)
      for (size_t u = u0; u < u1; ++u) {
        const double v = static_cast<double>(x[r * ld + u]), g = static_cast<double>(d[r * ld + u]);
        sums[u] += v > 0 ? 0.0 : g * v;
      }
  }

  // By the instruction, which __builtin_sqrt is not sure to be: for negative numbers it calls the library.
  static NABLA_INLINE double root(double x) {
    double lanes_of[SimdF64::lanes];
    SimdF64::store(lanes_of, SimdF64::sqrt(SimdF64::set1(x)));
    return lanes_of[0];
  }

  // The sum of values(i) for i < n, element i in lane i mod 8.
  template <class Value>
  static NABLA_INLINE double lanes(size_t n, const Value& value) {
    double acc[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    size_t i = 0;
    for (; i + 8 <= n; i += 8)
      for (size_t j = 0; j < 8; ++j) acc[j] += value(i + j);
    for (size_t j = 0; i + j < n; ++j) acc[j] += value(i + j);
    for (size_t h = 4; h > 0; h /= 2)
      for (size_t j = 0; j < h; ++j) acc[j] += acc[j + h];
    return acc[0];
  }

  static void layer_statistics(const T* x, size_t rows, size_t units, size_t ld, double epsilon, T* means, T* factors) {
    const double n = static_cast<double>(units);
    for (size_t r = 0; r < rows; ++r) {
      const T* const row = x + r * ld;
      const double mean = lanes(units, [row](size_t i) { return static_cast<double>(row[i]); }) / n;
      const double squares = lanes(units, [row, mean](size_t i) {
        const double d = static_cast<double>(row[i]) - mean;
        return d * d;
      });
      means[r] = static_cast<T>(mean);
      factors[r] = static_cast<T>(1.0 / root(squares / n + epsilon));
    }
  }

  static void batch_statistics(const T* x, size_t rows, size_t ld, size_t u0, size_t u1, double* mean, double* squares) {
    for (size_t u = u0; u < u1; ++u) mean[u] = squares[u] = 0;
    for (size_t r = 0; r < rows; ++r)
      for (size_t u = u0; u < u1; ++u) mean[u] += static_cast<double>(x[r * ld + u]);
    for (size_t u = u0; u < u1; ++u) mean[u] /= static_cast<double>(rows);
    for (size_t r = 0; r < rows; ++r)
      for (size_t u = u0; u < u1; ++u) {
        const double d = static_cast<double>(x[r * ld + u]) - mean[u];
        squares[u] += d * d;
      }
  }

  static void normalize(const NormRows<T>* n, T* y) {
    const NormRows<T> own = *n;
    for (size_t r = 0; r < own.rows; ++r) {
      const T* const x = own.x + r * own.ld;
      T* const to = y + r * own.ld;
      if (own.by_row) {
        const T mean = own.means[r], factor = own.factors[r];
        for (size_t u = 0; u < own.units; ++u) to[u] = (x[u] - mean) * factor;
      } else {
        for (size_t u = 0; u < own.units; ++u) to[u] = (x[u] - own.means[u]) * own.factors[u];
      }
      if (own.gamma != nullptr)
        for (size_t u = 0; u < own.units; ++u) to[u] = to[u] * own.gamma[u];
      if (own.beta != nullptr)
        for (size_t u = 0; u < own.units; ++u) to[u] = to[u] + own.beta[u];
    }
  }

  static void norm_sums(const NormRows<T>* n, const T* d, size_t u0, size_t u1, double* dgamma, double* dbeta) {
    const NormRows<T> own = *n;
    for (size_t u = u0; u < u1; ++u) dgamma[u] = dbeta[u] = 0;
    for (size_t r = 0; r < own.rows; ++r) {
      const T *const x = own.x + r * own.ld, *const g = d + r * own.ld;
      for (size_t u = u0; u < u1; ++u) {
        const T normal = (x[u] - own.means[own.by_row ? r : u]) * own.factors[own.by_row ? r : u];
        dgamma[u] += static_cast<double>(g[u]) * static_cast<double>(normal);
        dbeta[u] += static_cast<double>(g[u]);
      }
    }
  }

  static void layer_backward(const NormRows<T>* n, T* d) {
    const NormRows<T> own = *n;
    const double count = static_cast<double>(own.units);
    for (size_t r = 0; r < own.rows; ++r) {
      const T* const x = own.x + r * own.ld;
      T* const g = d + r * own.ld;
      const T mean = own.means[r], factor = own.factors[r];
      if (own.gamma != nullptr)
        for (size_t u = 0; u < own.units; ++u) g[u] = g[u] * own.gamma[u];
      const T mean_d = static_cast<T>(lanes(own.units, [g](size_t i) { return static_cast<double>(g[i]); }) / count);
      const T mean_dn = static_cast<T>(lanes(own.units,
                                             [g, x, mean, factor](size_t i) {
                                               const T normal = (x[i] - mean) * factor;
                                               return static_cast<double>(g[i]) * static_cast<double>(normal);
                                             }) /
                                       count);
      for (size_t u = 0; u < own.units; ++u) g[u] = factor * ((g[u] - mean_d) - ((x[u] - mean) * factor) * mean_dn);
    }
  }

  static void batch_backward(const NormRows<T>* n, const T* mean_d, const T* mean_dn, const T* scaled, T* d) {
    const NormRows<T> own = *n;
    for (size_t r = 0; r < own.rows; ++r) {
      const T* const x = own.x + r * own.ld;
      T* const g = d + r * own.ld;
      for (size_t u = 0; u < own.units; ++u)
        g[u] = scaled[u] * ((g[u] - mean_d[u]) - ((x[u] - own.means[u]) * own.factors[u]) * mean_dn[u]);
    }
  }

  // The logarithm of a normal double, as docs/numerics.md writes it, multiply and add rounded apart.
  static NABLA_INLINE double plain_log(double x) {
    uint64_t bits;
    __builtin_memcpy(&bits, &x, 8);
    double e = static_cast<double>(static_cast<int>(bits >> 52) - 1023), m;
    bits = (bits & 0xfffffffffffffull) | 0x3ff0000000000000ull;
    __builtin_memcpy(&m, &bits, 8);
    using K = Constants<SimdF64>;
    if (m > K::sqrt2) {
      m = m * 0.5;
      e = e + 1;
    }
    const double f = m - 1, s = f / (f + 2), w = s * s, h = 2 * s;
    double p = OddReciprocals<double>::c[K::log_terms - 1];
    for (int i = K::log_terms - 2; i >= 0; --i) p = p * w + OddReciprocals<double>::c[i];
    p = h * w * p + h;
    return e * K::ln2_hi + (e * K::ln2_lo + p);
  }
  static NABLA_INLINE double taylor(const double* c, double w) {
    double p = c[6];
    for (int i = 5; i >= 0; --i) p = p * w + c[i];
    return p;
  }
  // Two words -> two normal numbers (Box and Muller 1958).
  static NABLA_INLINE void normal_pair(uint32_t first, uint32_t second, double* out) {
    static constexpr double sine[7] = {-1.0 / 6,        1.0 / 120,          -1.0 / 5040,           1.0 / 362880,
                                       -1.0 / 39916800, 1.0 / 6227020800.0, -1.0 / 1307674368000.0};
    static constexpr double cosine[7] = {-1.0 / 2,       1.0 / 24,        -1.0 / 720,          1.0 / 40320,
                                         -1.0 / 3628800, 1.0 / 479001600, -1.0 / 87178291200.0};
    const double radius = root(-2 * plain_log((static_cast<double>(first) + 0.5) / 4294967296.0));
    const double t = ((static_cast<double>(second & 0x3fffffffu) + 0.5) / 1073741824.0 - 0.5) * 1.5707963267948966;
    const double w = t * t;
    const double s = radius * (t * w * taylor(sine, w) + t), c = radius * (w * taylor(cosine, w) + 1);
    const uint32_t quarter = second >> 30;
    out[0] = quarter == 0 ? c : quarter == 1 ? -s : quarter == 2 ? -c : s;
    out[1] = quarter == 0 ? s : quarter == 1 ? c : quarter == 2 ? -s : -c;
  }
  static void noise_forward(const T* x, T* y, size_t rows, size_t first_row, size_t units, size_t ld, uint32_t step, uint32_t purpose,
                            const uint32_t* key, double deviation) {
    using Masks = DropoutKernels<S>;
    constexpr size_t words_a_time = 4 * Masks::groups;
    uint32_t words[words_a_time];
    double normals[words_a_time];
    for (size_t r = 0; r < rows; ++r) {
      const uint32_t row = static_cast<uint32_t>(first_row + r);
      for (size_t u = 0; u < units; u += words_a_time) {
        Masks::philox(static_cast<uint32_t>(u / 4), row, step, purpose, key[0], key[1], words);
        for (size_t j = 0; j < words_a_time; j += 2) normal_pair(words[j], words[j + 1], normals + j);
        const size_t n = units - u < words_a_time ? units - u : words_a_time, at = r * ld + u;
        for (size_t j = 0; j < n; ++j) y[at + j] = x[at + j] + static_cast<T>(deviation * normals[j]);
      }
    }
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
