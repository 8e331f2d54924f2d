// Portable vectors for kernels-inl.h (compiler vector extensions, 16 bytes): SSE2 on x86-64, plain NEON registers on arm64.
// mad is a product and a sum, each rounded: this copy equals the TypeScript backend bit for bit in float64.
#pragma once
#include "words-portable.h"

namespace nabla {
namespace NABLA_KERNELS {

struct SimdF32 : PortableWords {
  using T = float;
  typedef float V __attribute__((vector_size(16)));
  typedef int M __attribute__((vector_size(16)));
  typedef float U __attribute__((vector_size(16), aligned(4), may_alias));
  static constexpr int lanes = 4;
  static constexpr int tile_rows = 2;
  static constexpr int tile_panels = 1;
  static constexpr int sparse_rows = 2;
  static constexpr int sparse_panels = 1;
  static constexpr size_t column_panels = 2;
  static constexpr int row_panels = 2;
  static constexpr bool quads = false;
  static constexpr bool lists = false;
  static NABLA_INLINE V zero() { return V{0, 0, 0, 0}; }
  static NABLA_INLINE V set1(T x) { return V{x, x, x, x}; }
  static NABLA_INLINE V load(const T* p) { return *reinterpret_cast<const U*>(p); }
  static NABLA_INLINE void store(T* p, V v) { *reinterpret_cast<U*>(p) = v; }
  static NABLA_INLINE V add(V a, V b) { return a + b; }
  static NABLA_INLINE V sub(V a, V b) { return a - b; }
  static NABLA_INLINE V mul(V a, V b) { return a * b; }
  static NABLA_INLINE V div(V a, V b) { return a / b; }
  static NABLA_INLINE V sqrt(V a) { return V{__builtin_sqrtf(a[0]), __builtin_sqrtf(a[1]), __builtin_sqrtf(a[2]), __builtin_sqrtf(a[3])}; }
  static NABLA_INLINE T mad1(T a, T b, T c) { return a * b + c; }
  static NABLA_INLINE V mad(V a, V b, V c) { return a * b + c; }
  static NABLA_INLINE V min_limit(V limit, V x) { return select(limit < x, limit, x); }
  static NABLA_INLINE V max_limit(V limit, V x) { return select(limit > x, limit, x); }
  static NABLA_INLINE M lt(V a, V b) { return a < b; }
  static NABLA_INLINE M gt(V a, V b) { return a > b; }
  static NABLA_INLINE M ge(V a, V b) { return a >= b; }
  static NABLA_INLINE V select(M m, V a, V b) { return (V)(((M)a & m) | ((M)b & ~m)); }
  static NABLA_INLINE V abs(V a) { return (V)((M)a & set_int(0x7fffffff)); }
  static NABLA_INLINE V copysign(V magnitude, V sign) { return (V)((M)magnitude | ((M)sign & ~set_int(0x7fffffff))); }
  // t = k + 1.5 * 2^23 -> 2^(k + shift)
  static NABLA_INLINE V pow2(V t, int shift) { return (V)(((M)t + set_int(127 + shift)) << 23); }
  // x = m * 2^e with m in [1, 2), x > 0 and normal
  static NABLA_INLINE V split(V x, V& e) {
    const M bits = (M)x;
    e = (V)((bits >> 23) | set_int(0x4B000000)) - set1(8388608.0f + 127.0f);
    return (V)((bits & set_int(0x7fffff)) | set_int(0x3f800000));
  }
  // The lanes added up: halves, quarters, …
  static NABLA_INLINE T fold(V v) { return (v[0] + v[2]) + (v[1] + v[3]); }
  static NABLA_INLINE V load_u8(const unsigned char* p) {
    return V{static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]), static_cast<float>(p[3])};
  }

 private:
  static NABLA_INLINE M set_int(int x) { return M{x, x, x, x}; }
};

struct SimdF64 : PortableWords {
  using T = double;
  typedef double V __attribute__((vector_size(16)));
  typedef long long M __attribute__((vector_size(16)));
  typedef double U __attribute__((vector_size(16), aligned(8), may_alias));
  static constexpr int lanes = 2;
  static constexpr int tile_rows = 2;
  static constexpr int tile_panels = 1;
  static constexpr int sparse_rows = 2;
  static constexpr int sparse_panels = 1;
  static constexpr size_t column_panels = 2;
  static constexpr int row_panels = 2;
  static constexpr bool quads = false;
  static constexpr bool lists = false;
  static NABLA_INLINE V zero() { return V{0, 0}; }
  static NABLA_INLINE V set1(T x) { return V{x, x}; }
  static NABLA_INLINE V load(const T* p) { return *reinterpret_cast<const U*>(p); }
  static NABLA_INLINE void store(T* p, V v) { *reinterpret_cast<U*>(p) = v; }
  static NABLA_INLINE V add(V a, V b) { return a + b; }
  static NABLA_INLINE V sub(V a, V b) { return a - b; }
  static NABLA_INLINE V mul(V a, V b) { return a * b; }
  static NABLA_INLINE V div(V a, V b) { return a / b; }
  static NABLA_INLINE V sqrt(V a) { return V{__builtin_sqrt(a[0]), __builtin_sqrt(a[1])}; }
  static NABLA_INLINE T mad1(T a, T b, T c) { return a * b + c; }
  static NABLA_INLINE V mad(V a, V b, V c) { return a * b + c; }
  static NABLA_INLINE V min_limit(V limit, V x) { return select(limit < x, limit, x); }
  static NABLA_INLINE V max_limit(V limit, V x) { return select(limit > x, limit, x); }
  static NABLA_INLINE M lt(V a, V b) { return a < b; }
  static NABLA_INLINE M gt(V a, V b) { return a > b; }
  static NABLA_INLINE M ge(V a, V b) { return a >= b; }
  static NABLA_INLINE V select(M m, V a, V b) { return (V)(((M)a & m) | ((M)b & ~m)); }
  static NABLA_INLINE V abs(V a) { return (V)((M)a & set_int(0x7fffffffffffffffll)); }
  static NABLA_INLINE V copysign(V magnitude, V sign) { return (V)((M)magnitude | ((M)sign & ~set_int(0x7fffffffffffffffll))); }
  static NABLA_INLINE V pow2(V t, int shift) { return (V)(((M)t + set_int(1023 + shift)) << 52); }
  static NABLA_INLINE V split(V x, V& e) {
    const M bits = (M)x;
    e = (V)((bits >> 52) | set_int(0x4330000000000000ll)) - set1(4503599627370496.0 + 1023.0);
    return (V)((bits & set_int(0xfffffffffffffll)) | set_int(0x3ff0000000000000ll));
  }
  static NABLA_INLINE T fold(V v) { return v[0] + v[1]; }
  static NABLA_INLINE V load_u8(const unsigned char* p) { return V{static_cast<double>(p[0]), static_cast<double>(p[1])}; }

 private:
  static NABLA_INLINE M set_int(long long x) { return M{x, x}; }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
