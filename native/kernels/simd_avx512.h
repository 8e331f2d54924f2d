// AVX-512 vectors for kernels-inl.h: one register holds the 16 float32 or 8 float64 virtual lanes.
#pragma once
#include <immintrin.h>

namespace nabla {
namespace NABLA_KERNELS {

struct SimdF32 {
  using T = float;
  using V = __m512;
  using M = __mmask16;
  static constexpr int lanes = 16;
  static constexpr int tile_rows = 14;
  static constexpr int tile_panels = 2;
  static constexpr int sparse_rows = 4;
  static constexpr int sparse_panels = 7;
  static constexpr size_t column_panels = 8;
  static constexpr int row_panels = 8;
  static constexpr bool lists = true;  // has `list`
  static NABLA_INLINE V zero() { return _mm512_setzero_ps(); }
  static NABLA_INLINE V set1(T x) { return _mm512_set1_ps(x); }
  static NABLA_INLINE V load(const T* p) { return _mm512_loadu_ps(p); }
  static NABLA_INLINE void store(T* p, V v) { _mm512_storeu_ps(p, v); }
  static NABLA_INLINE V add(V a, V b) { return _mm512_add_ps(a, b); }
  static NABLA_INLINE V sub(V a, V b) { return _mm512_sub_ps(a, b); }
  static NABLA_INLINE V mul(V a, V b) { return _mm512_mul_ps(a, b); }
  static NABLA_INLINE V div(V a, V b) { return _mm512_div_ps(a, b); }
  static NABLA_INLINE V sqrt(V a) { return _mm512_sqrt_ps(a); }
  static NABLA_INLINE T mad1(T a, T b, T c) { return __builtin_fmaf(a, b, c); }
  static NABLA_INLINE V mad(V a, V b, V c) { return _mm512_fmadd_ps(a, b, c); }
  // (limit < x) ? limit : x and (limit > x) ? limit : x: a NaN x comes through.
  static NABLA_INLINE V min_limit(V limit, V x) { return _mm512_min_ps(limit, x); }
  static NABLA_INLINE V max_limit(V limit, V x) { return _mm512_max_ps(limit, x); }
  static NABLA_INLINE M lt(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
  static NABLA_INLINE M gt(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ); }
  static NABLA_INLINE M ge(V a, V b) { return _mm512_cmp_ps_mask(a, b, _CMP_GE_OQ); }
  static NABLA_INLINE V select(M m, V a, V b) { return _mm512_mask_blend_ps(m, b, a); }
  static NABLA_INLINE V abs(V a) { return _mm512_abs_ps(a); }
  static NABLA_INLINE V copysign(V magnitude, V sign) {
    const __m512i bit = _mm512_set1_epi32(static_cast<int>(0x80000000u));
    return _mm512_castsi512_ps(_mm512_or_si512(_mm512_castps_si512(magnitude), _mm512_and_si512(_mm512_castps_si512(sign), bit)));
  }
  // t = k + 1.5 * 2^23 -> 2^(k + shift)
  static NABLA_INLINE V pow2(V t, int shift) {
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_add_epi32(_mm512_castps_si512(t), _mm512_set1_epi32(127 + shift)), 23));
  }
  // x = m * 2^e with m in [1, 2), x > 0 and normal
  static NABLA_INLINE V split(V x, V& e) {
    const __m512i bits = _mm512_castps_si512(x);
    e = _mm512_sub_ps(_mm512_castsi512_ps(_mm512_or_si512(_mm512_srli_epi32(bits, 23), _mm512_set1_epi32(0x4B000000))),
                      _mm512_set1_ps(8388608.0f + 127.0f));
    return _mm512_castsi512_ps(_mm512_or_si512(_mm512_and_si512(bits, _mm512_set1_epi32(0x7fffff)), _mm512_set1_epi32(0x3f800000)));
  }
  // The lanes added up: halves, quarters, …
  static NABLA_INLINE T fold(V v) {
    const __m256 h = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    const __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    const __m128 p = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(p, _mm_shuffle_ps(p, p, 1)));
  }
  static NABLA_INLINE V load_u8(const unsigned char* p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  // Of `lanes` numbers those that are not 0, put together: their positions from `at` on, their values, and how many.
  static NABLA_INLINE size_t list(const unsigned char* p, size_t at, unsigned short* index, T* values) {
    return list(load_u8(p), at, index, values);
  }
  static NABLA_INLINE size_t list(const T* p, size_t at, unsigned short* index, T* values) { return list(load(p), at, index, values); }
  static NABLA_INLINE size_t list(V x, size_t at, unsigned short* index, T* values) {
    const M some = _mm512_cmp_ps_mask(x, zero(), _CMP_NEQ_UQ);
    const __m512i from = _mm512_set1_epi32(static_cast<int>(at));
    const __m512i positions = _mm512_add_epi32(from, _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(index), _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(some, positions)));
    store(values, _mm512_maskz_compress_ps(some, x));
    return static_cast<size_t>(__builtin_popcount(some));
  }
};

struct SimdF64 {
  using T = double;
  using V = __m512d;
  using M = __mmask8;
  static constexpr int lanes = 8;
  static constexpr int tile_rows = 14;
  static constexpr int tile_panels = 2;
  static constexpr int sparse_rows = 4;
  static constexpr int sparse_panels = 7;
  static constexpr size_t column_panels = 8;
  static constexpr int row_panels = 8;
  static constexpr bool lists = true;
  static NABLA_INLINE V zero() { return _mm512_setzero_pd(); }
  static NABLA_INLINE V set1(T x) { return _mm512_set1_pd(x); }
  static NABLA_INLINE V load(const T* p) { return _mm512_loadu_pd(p); }
  static NABLA_INLINE void store(T* p, V v) { _mm512_storeu_pd(p, v); }
  static NABLA_INLINE V add(V a, V b) { return _mm512_add_pd(a, b); }
  static NABLA_INLINE V sub(V a, V b) { return _mm512_sub_pd(a, b); }
  static NABLA_INLINE V mul(V a, V b) { return _mm512_mul_pd(a, b); }
  static NABLA_INLINE V div(V a, V b) { return _mm512_div_pd(a, b); }
  static NABLA_INLINE V sqrt(V a) { return _mm512_sqrt_pd(a); }
  static NABLA_INLINE T mad1(T a, T b, T c) { return __builtin_fma(a, b, c); }
  static NABLA_INLINE V mad(V a, V b, V c) { return _mm512_fmadd_pd(a, b, c); }
  static NABLA_INLINE V min_limit(V limit, V x) { return _mm512_min_pd(limit, x); }
  static NABLA_INLINE V max_limit(V limit, V x) { return _mm512_max_pd(limit, x); }
  static NABLA_INLINE M lt(V a, V b) { return _mm512_cmp_pd_mask(a, b, _CMP_LT_OQ); }
  static NABLA_INLINE M gt(V a, V b) { return _mm512_cmp_pd_mask(a, b, _CMP_GT_OQ); }
  static NABLA_INLINE M ge(V a, V b) { return _mm512_cmp_pd_mask(a, b, _CMP_GE_OQ); }
  static NABLA_INLINE V select(M m, V a, V b) { return _mm512_mask_blend_pd(m, b, a); }
  static NABLA_INLINE V abs(V a) { return _mm512_abs_pd(a); }
  static NABLA_INLINE V copysign(V magnitude, V sign) {
    const __m512i bit = _mm512_set1_epi64(static_cast<long long>(0x8000000000000000ull));
    return _mm512_castsi512_pd(_mm512_or_si512(_mm512_castpd_si512(magnitude), _mm512_and_si512(_mm512_castpd_si512(sign), bit)));
  }
  static NABLA_INLINE V pow2(V t, int shift) {
    return _mm512_castsi512_pd(_mm512_slli_epi64(_mm512_add_epi64(_mm512_castpd_si512(t), _mm512_set1_epi64(1023 + shift)), 52));
  }
  static NABLA_INLINE V split(V x, V& e) {
    const __m512i bits = _mm512_castpd_si512(x);
    e = _mm512_sub_pd(_mm512_castsi512_pd(_mm512_or_si512(_mm512_srli_epi64(bits, 52), _mm512_set1_epi64(0x4330000000000000ll))),
                      _mm512_set1_pd(4503599627370496.0 + 1023.0));
    return _mm512_castsi512_pd(
        _mm512_or_si512(_mm512_and_si512(bits, _mm512_set1_epi64(0xfffffffffffffll)), _mm512_set1_epi64(0x3ff0000000000000ll)));
  }
  static NABLA_INLINE T fold(V v) {
    const __m256d h = _mm256_add_pd(_mm512_castpd512_pd256(v), _mm512_extractf64x4_pd(v, 1));
    const __m128d q = _mm_add_pd(_mm256_castpd256_pd128(h), _mm256_extractf128_pd(h, 1));
    return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
  }
  static NABLA_INLINE V load_u8(const unsigned char* p) {
    return _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
  static NABLA_INLINE size_t list(const unsigned char* p, size_t at, unsigned short* index, T* values) {
    return list(load_u8(p), at, index, values);
  }
  static NABLA_INLINE size_t list(const T* p, size_t at, unsigned short* index, T* values) { return list(load(p), at, index, values); }
  static NABLA_INLINE size_t list(V x, size_t at, unsigned short* index, T* values) {
    const M some = _mm512_cmp_pd_mask(x, zero(), _CMP_NEQ_UQ);
    const __m256i positions = _mm256_add_epi32(_mm256_set1_epi32(static_cast<int>(at)), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(index), _mm256_cvtepi32_epi16(_mm256_maskz_compress_epi32(some, positions)));
    store(values, _mm512_maskz_compress_pd(some, x));
    return static_cast<size_t>(__builtin_popcount(some));
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
