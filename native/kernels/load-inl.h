// Samples into T: converted, rescaled, gathered.
#pragma once
#include "wide-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

template <class S>
struct LoadKernels {
  using T = typename S::T;
  static constexpr size_t W = Wide<S>::width;

  template <class X>
  static NABLA_INLINE void load_row(const X* x, size_t features, const Affine<T>* affines, size_t affine_count, T* out) {
    for (size_t i = 0; i < features; ++i) out[i] = static_cast<T>(x[i]);
    for (size_t f = 0; f < affine_count; ++f) {
      const T scale = affines[f].scale, offset = affines[f].offset;
      const T *const means = affines[f].means, *const scales = affines[f].scales;
      if (means != nullptr) {
        for (size_t i = 0; i < features; ++i) out[i] = (out[i] - means[i]) * scales[i];
        continue;
      }
      if (offset == 0)
        for (size_t i = 0; i < features; ++i) out[i] = out[i] * scale;
      else
        for (size_t i = 0; i < features; ++i) out[i] = out[i] * scale + offset;
    }
  }

  static bool at_most_a_scale(const Affine<T>* affines, size_t affine_count) {
    return affine_count == 0 || (affine_count == 1 && affines[0].offset == 0 && affines[0].means == nullptr);
  }

  // One uint8 row with at most one scale in registers: the way pictures take.
  static NABLA_INLINE void load_u8_row(const uint8_t* x, size_t features, const Affine<T>* affines, size_t affine_count, T* out) {
    if (!at_most_a_scale(affines, affine_count)) return load_row(x, features, affines, affine_count, out);
    const T scale = affine_count == 1 ? affines[0].scale : T(1);
    const typename S::V s = S::set1(scale);
    size_t i = 0;
    // load_u8 may read up to 16 bytes: stop where that could pass the row's end.
    for (; i + 16 <= features; i += S::lanes) S::store(out + i, S::mul(S::load_u8(x + i), s));
    for (; i < features; ++i) out[i] = static_cast<T>(x[i]) * scale;
  }

  static void load_rows(InputType type, const void* x, size_t features, const uint32_t* rows, size_t first_row, size_t count,
                        const Affine<T>* affines, size_t affine_count, T* out, size_t ld) {
    for (size_t r = 0; r < count; ++r) {
      const size_t row = (rows != nullptr ? rows[r] : first_row + r) * features;
      T* const to = out + r * ld;
      if (type == InputType::uint8)
        load_u8_row(static_cast<const uint8_t*>(x) + row, features, affines, affine_count, to);
      else if (type == InputType::float32)
        load_row(static_cast<const float*>(x) + row, features, affines, affine_count, to);
      else
        load_row(static_cast<const double*>(x) + row, features, affines, affine_count, to);
    }
  }

  static void load_values(InputType type, const void* x, size_t count, const Affine<T>* affines, size_t affine_count, T* out) {
    if (type != InputType::uint8 || !at_most_a_scale(affines, affine_count))
      return load_rows(type, x, count, nullptr, 0, 1, affines, affine_count, out, count);
    const uint8_t* const bytes = static_cast<const uint8_t*>(x);
    const typename S::V scale = S::set1(affine_count == 1 ? affines[0].scale : T(1));
    for (size_t i = 0; i < count; i += S::lanes) S::store(out + i, S::mul(S::load_u8(bytes + i), scale));
  }

  static size_t list_row(InputType type, const void* x, size_t features, uint16_t* index, void* values) {
    if (type == InputType::uint8) return list_of(static_cast<const uint8_t*>(x), features, index, static_cast<uint8_t*>(values));
    if (type == InputType::float32) return list_of(static_cast<const float*>(x), features, index, static_cast<float*>(values));
    return list_of(static_cast<const double*>(x), features, index, static_cast<double*>(values));
  }

  template <class X>
  static NABLA_INLINE size_t list_of(const X* x, size_t features, uint16_t* index, X* values) {
    size_t n = 0, i = 0;
    if constexpr (S::lists) {
      constexpr size_t lanes = sizeof(X) == 1 ? 16 : 64 / sizeof(X);
      for (; i + lanes <= features; i += lanes) n += S::list(x + i, i, index + n, values + n);
    } else if constexpr (sizeof(X) == 1) {
      // Pictures have long runs of zeros: eight bytes at a time.
      for (; i + 8 <= features; i += 8) {
        uint64_t word;
        __builtin_memcpy(&word, x + i, 8);
        if (word == 0) continue;
        for (size_t j = i; j < i + 8; ++j) n = list_one(x[j], j, index, values, n);
      }
    }
    for (; i < features; ++i) n = list_one(x[i], i, index, values, n);
    return n;
  }
  // Without a branch: what is written for a 0 is written over by the next one.
  template <class X>
  static NABLA_INLINE size_t list_one(X x, size_t i, uint16_t* index, X* values, size_t n) {
    index[n] = static_cast<uint16_t>(i);
    values[n] = x;
    return n + (x != 0 ? 1 : 0);
  }

  static bool all_finite(const T* x, size_t count) {
    Wide<S> sum = w_set<S>(0);
    // x - x is 0 for finite numbers and NaN otherwise; the sum keeps a NaN.
    for (size_t i = 0; i < count; i += W) sum = w_add<S>(sum, w_sub<S>(w_load<S>(x + i), w_load<S>(x + i)));
    return w_fold<S>(sum) == 0;
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
