// NEON vectors for kernels-inl.h: four registers hold the virtual lanes; mad is fused.
#pragma once
#include <arm_neon.h>
#include "words-portable.h"

namespace nabla {
namespace NABLA_KERNELS {

struct SimdF32 : PortableWords {
  using T = float;
  using V = float32x4_t;
  using M = uint32x4_t;
  static constexpr int lanes = 4;
  static constexpr int tile_rows = 6;
  static constexpr int tile_panels = 1;
  static constexpr int sparse_rows = 4;
  static constexpr int sparse_panels = 1;
  static constexpr size_t column_panels = 4;
  static constexpr int row_panels = 6;
  static constexpr bool quads = false;
  static constexpr bool lists = false;
  static NABLA_INLINE V zero() { return vdupq_n_f32(0); }
  static NABLA_INLINE V set1(T x) { return vdupq_n_f32(x); }
  static NABLA_INLINE V load(const T* p) { return vld1q_f32(p); }
  static NABLA_INLINE void store(T* p, V v) { vst1q_f32(p, v); }
  static NABLA_INLINE V add(V a, V b) { return vaddq_f32(a, b); }
  static NABLA_INLINE V sub(V a, V b) { return vsubq_f32(a, b); }
  static NABLA_INLINE V mul(V a, V b) { return vmulq_f32(a, b); }
  static NABLA_INLINE V div(V a, V b) { return vdivq_f32(a, b); }
  static NABLA_INLINE V sqrt(V a) { return vsqrtq_f32(a); }
  static NABLA_INLINE T mad1(T a, T b, T c) { return __builtin_fmaf(a, b, c); }
  static NABLA_INLINE V mad(V a, V b, V c) { return vfmaq_f32(c, a, b); }
  // vminq/vmaxq order zeros and NaN in another way than x86: compare and select as the definition says.
  static NABLA_INLINE V min_limit(V limit, V x) { return select(lt(limit, x), limit, x); }
  static NABLA_INLINE V max_limit(V limit, V x) { return select(gt(limit, x), limit, x); }
  static NABLA_INLINE M lt(V a, V b) { return vcltq_f32(a, b); }
  static NABLA_INLINE M gt(V a, V b) { return vcgtq_f32(a, b); }
  static NABLA_INLINE M ge(V a, V b) { return vcgeq_f32(a, b); }
  static NABLA_INLINE V select(M m, V a, V b) { return vbslq_f32(m, a, b); }
  static NABLA_INLINE V abs(V a) { return vabsq_f32(a); }
  static NABLA_INLINE V copysign(V magnitude, V sign) { return vbslq_f32(vdupq_n_u32(0x80000000u), sign, magnitude); }
  // t = k + 1.5 * 2^23 -> 2^(k + shift)
  static NABLA_INLINE V pow2(V t, int shift) {
    return vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vreinterpretq_s32_f32(t), vdupq_n_s32(127 + shift)), 23));
  }
  // x = m * 2^e with m in [1, 2), x > 0 and normal
  static NABLA_INLINE V split(V x, V& e) {
    const uint32x4_t bits = vreinterpretq_u32_f32(x);
    e = vsubq_f32(vreinterpretq_f32_u32(vorrq_u32(vshrq_n_u32(bits, 23), vdupq_n_u32(0x4B000000u))), vdupq_n_f32(8388608.0f + 127.0f));
    return vreinterpretq_f32_u32(vorrq_u32(vandq_u32(bits, vdupq_n_u32(0x7fffffu)), vdupq_n_u32(0x3f800000u)));
  }
  // The lanes added up: halves, quarters, …
  static NABLA_INLINE T fold(V v) { return (v[0] + v[2]) + (v[1] + v[3]); }
  static NABLA_INLINE V load_u8(const unsigned char* p) {
    const float values[4] = {static_cast<float>(p[0]), static_cast<float>(p[1]), static_cast<float>(p[2]), static_cast<float>(p[3])};
    return vld1q_f32(values);
  }
};

struct SimdF64 : PortableWords {
  using T = double;
  using V = float64x2_t;
  using M = uint64x2_t;
  static constexpr int lanes = 2;
  static constexpr int tile_rows = 6;
  static constexpr int tile_panels = 1;
  static constexpr int sparse_rows = 4;
  static constexpr int sparse_panels = 1;
  static constexpr size_t column_panels = 4;
  static constexpr int row_panels = 6;
  static constexpr bool quads = false;
  static constexpr bool lists = false;
  static NABLA_INLINE V zero() { return vdupq_n_f64(0); }
  static NABLA_INLINE V set1(T x) { return vdupq_n_f64(x); }
  static NABLA_INLINE V load(const T* p) { return vld1q_f64(p); }
  static NABLA_INLINE void store(T* p, V v) { vst1q_f64(p, v); }
  static NABLA_INLINE V add(V a, V b) { return vaddq_f64(a, b); }
  static NABLA_INLINE V sub(V a, V b) { return vsubq_f64(a, b); }
  static NABLA_INLINE V mul(V a, V b) { return vmulq_f64(a, b); }
  static NABLA_INLINE V div(V a, V b) { return vdivq_f64(a, b); }
  static NABLA_INLINE V sqrt(V a) { return vsqrtq_f64(a); }
  static NABLA_INLINE T mad1(T a, T b, T c) { return __builtin_fma(a, b, c); }
  static NABLA_INLINE V mad(V a, V b, V c) { return vfmaq_f64(c, a, b); }
  static NABLA_INLINE V min_limit(V limit, V x) { return select(lt(limit, x), limit, x); }
  static NABLA_INLINE V max_limit(V limit, V x) { return select(gt(limit, x), limit, x); }
  static NABLA_INLINE M lt(V a, V b) { return vcltq_f64(a, b); }
  static NABLA_INLINE M gt(V a, V b) { return vcgtq_f64(a, b); }
  static NABLA_INLINE M ge(V a, V b) { return vcgeq_f64(a, b); }
  static NABLA_INLINE V select(M m, V a, V b) { return vbslq_f64(m, a, b); }
  static NABLA_INLINE V abs(V a) { return vabsq_f64(a); }
  static NABLA_INLINE V copysign(V magnitude, V sign) { return vbslq_f64(vdupq_n_u64(0x8000000000000000ull), sign, magnitude); }
  static NABLA_INLINE V pow2(V t, int shift) {
    return vreinterpretq_f64_s64(vshlq_n_s64(vaddq_s64(vreinterpretq_s64_f64(t), vdupq_n_s64(1023 + shift)), 52));
  }
  static NABLA_INLINE V split(V x, V& e) {
    const uint64x2_t bits = vreinterpretq_u64_f64(x);
    e = vsubq_f64(vreinterpretq_f64_u64(vorrq_u64(vshrq_n_u64(bits, 52), vdupq_n_u64(0x4330000000000000ull))),
                  vdupq_n_f64(4503599627370496.0 + 1023.0));
    return vreinterpretq_f64_u64(vorrq_u64(vandq_u64(bits, vdupq_n_u64(0xfffffffffffffull)), vdupq_n_u64(0x3ff0000000000000ull)));
  }
  static NABLA_INLINE T fold(V v) { return v[0] + v[1]; }
  static NABLA_INLINE V load_u8(const unsigned char* p) {
    const double values[2] = {static_cast<double>(p[0]), static_cast<double>(p[1])};
    return vld1q_f64(values);
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
