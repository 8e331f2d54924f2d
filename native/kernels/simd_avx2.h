// AVX2 + FMA vectors for kernels-inl.h: two registers hold the virtual lanes.
#pragma once
#include <immintrin.h>

namespace nabla {
namespace NABLA_KERNELS {

// 32-bit words side by side.
struct WordVectors {
  using Words = __m256i;
  static constexpr size_t counters = 8;
  static NABLA_INLINE Words all(unsigned x) { return _mm256_set1_epi32(static_cast<int>(x)); }
  static NABLA_INLINE Words count_from(unsigned x) { return _mm256_add_epi32(all(x), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7)); }
  static NABLA_INLINE Words exclusive(Words a, Words b) { return _mm256_xor_si256(a, b); }
  // The 64 bits of a product, in two halves.
  static NABLA_INLINE void multiply(Words a, unsigned b, Words& high, Words& low) {
    const Words even = _mm256_mul_epu32(a, all(b)), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), all(b));
    high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
    low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
  }
  // Four words of the first counter, four of the second, …
  static NABLA_INLINE void store_by_counter(Words a, Words b, Words c, Words d, unsigned* to) {
    const Words ab0 = _mm256_unpacklo_epi32(a, b), ab1 = _mm256_unpackhi_epi32(a, b);
    const Words cd0 = _mm256_unpacklo_epi32(c, d), cd1 = _mm256_unpackhi_epi32(c, d);
    // Counters 0 and 4, 1 and 5, 2 and 6, 3 and 7.
    const Words q0 = _mm256_unpacklo_epi64(ab0, cd0), q1 = _mm256_unpackhi_epi64(ab0, cd0);
    const Words q2 = _mm256_unpacklo_epi64(ab1, cd1), q3 = _mm256_unpackhi_epi64(ab1, cd1);
    store_words(to, _mm256_permute2x128_si256(q0, q1, 0x20));
    store_words(to + 8, _mm256_permute2x128_si256(q2, q3, 0x20));
    store_words(to + 16, _mm256_permute2x128_si256(q0, q1, 0x31));
    store_words(to + 24, _mm256_permute2x128_si256(q2, q3, 0x31));
  }
  static NABLA_INLINE void store_words(unsigned* to, Words a) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), a); }
};

struct SimdF32 : WordVectors {
  using T = float;
  using V = __m256;
  using M = __m256;
  static constexpr int lanes = 8;
  static constexpr int tile_rows = 6;
  static constexpr int tile_panels = 1;
  static constexpr int sparse_rows = 4;
  static constexpr int sparse_panels = 1;
  static constexpr size_t column_panels = 4;
  static constexpr int row_panels = 6;
  static constexpr bool quads = true;
  static constexpr bool lists = false;
  static NABLA_INLINE V zero() { return _mm256_setzero_ps(); }
  static NABLA_INLINE V set1(T x) { return _mm256_set1_ps(x); }
  static NABLA_INLINE V load(const T* p) { return _mm256_loadu_ps(p); }
  static NABLA_INLINE void store(T* p, V v) { _mm256_storeu_ps(p, v); }
  static NABLA_INLINE V add(V a, V b) { return _mm256_add_ps(a, b); }
  static NABLA_INLINE V sub(V a, V b) { return _mm256_sub_ps(a, b); }
  static NABLA_INLINE V mul(V a, V b) { return _mm256_mul_ps(a, b); }
  static NABLA_INLINE V div(V a, V b) { return _mm256_div_ps(a, b); }
  static NABLA_INLINE V sqrt(V a) { return _mm256_sqrt_ps(a); }
  static NABLA_INLINE T mad1(T a, T b, T c) { return __builtin_fmaf(a, b, c); }
  static NABLA_INLINE V mad(V a, V b, V c) { return _mm256_fmadd_ps(a, b, c); }
  // (limit < x) ? limit : x and (limit > x) ? limit : x: a NaN x comes through.
  static NABLA_INLINE V min_limit(V limit, V x) { return _mm256_min_ps(limit, x); }
  static NABLA_INLINE V max_limit(V limit, V x) { return _mm256_max_ps(limit, x); }
  static NABLA_INLINE M lt(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
  static NABLA_INLINE M gt(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_GT_OQ); }
  static NABLA_INLINE M ge(V a, V b) { return _mm256_cmp_ps(a, b, _CMP_GE_OQ); }
  static NABLA_INLINE V select(M m, V a, V b) { return _mm256_blendv_ps(b, a, m); }
  static NABLA_INLINE V abs(V a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
  static NABLA_INLINE V copysign(V magnitude, V sign) { return _mm256_or_ps(magnitude, _mm256_and_ps(sign, _mm256_set1_ps(-0.0f))); }
  // t = k + 1.5 * 2^23 -> 2^(k + shift)
  static NABLA_INLINE V pow2(V t, int shift) {
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(_mm256_castps_si256(t), _mm256_set1_epi32(127 + shift)), 23));
  }
  // x = m * 2^e with m in [1, 2), x > 0 and normal
  static NABLA_INLINE V split(V x, V& e) {
    const __m256i bits = _mm256_castps_si256(x);
    e = _mm256_sub_ps(_mm256_castsi256_ps(_mm256_or_si256(_mm256_srli_epi32(bits, 23), _mm256_set1_epi32(0x4B000000))),
                      _mm256_set1_ps(8388608.0f + 127.0f));
    return _mm256_castsi256_ps(_mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi32(0x7fffff)), _mm256_set1_epi32(0x3f800000)));
  }
  // The lanes added up: halves, quarters, …
  static NABLA_INLINE T fold(V v) {
    const __m128 q = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    const __m128 p = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(p, _mm_shuffle_ps(p, p, 1)));
  }
  // Four numbers in every group of four lanes, and the e-th of them in all.
  static NABLA_INLINE V quad(const T* p) { return _mm256_broadcast_ps(reinterpret_cast<const __m128*>(p)); }
  template <int e>
  static NABLA_INLINE V pick(V q) {
    return _mm256_permute_ps(q, e * 0x55);
  }
  static NABLA_INLINE V load_u8(const unsigned char* p) {
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
};

struct SimdF64 : WordVectors {
  using T = double;
  using V = __m256d;
  using M = __m256d;
  static constexpr int lanes = 4;
  static constexpr int tile_rows = 6;
  static constexpr int tile_panels = 1;
  static constexpr int sparse_rows = 4;
  static constexpr int sparse_panels = 1;
  static constexpr size_t column_panels = 4;
  static constexpr int row_panels = 6;
  static constexpr bool quads = true;
  static constexpr bool lists = false;
  static NABLA_INLINE V zero() { return _mm256_setzero_pd(); }
  static NABLA_INLINE V set1(T x) { return _mm256_set1_pd(x); }
  static NABLA_INLINE V load(const T* p) { return _mm256_loadu_pd(p); }
  static NABLA_INLINE void store(T* p, V v) { _mm256_storeu_pd(p, v); }
  static NABLA_INLINE V add(V a, V b) { return _mm256_add_pd(a, b); }
  static NABLA_INLINE V sub(V a, V b) { return _mm256_sub_pd(a, b); }
  static NABLA_INLINE V mul(V a, V b) { return _mm256_mul_pd(a, b); }
  static NABLA_INLINE V div(V a, V b) { return _mm256_div_pd(a, b); }
  static NABLA_INLINE V sqrt(V a) { return _mm256_sqrt_pd(a); }
  static NABLA_INLINE T mad1(T a, T b, T c) { return __builtin_fma(a, b, c); }
  static NABLA_INLINE V mad(V a, V b, V c) { return _mm256_fmadd_pd(a, b, c); }
  static NABLA_INLINE V min_limit(V limit, V x) { return _mm256_min_pd(limit, x); }
  static NABLA_INLINE V max_limit(V limit, V x) { return _mm256_max_pd(limit, x); }
  static NABLA_INLINE M lt(V a, V b) { return _mm256_cmp_pd(a, b, _CMP_LT_OQ); }
  static NABLA_INLINE M gt(V a, V b) { return _mm256_cmp_pd(a, b, _CMP_GT_OQ); }
  static NABLA_INLINE M ge(V a, V b) { return _mm256_cmp_pd(a, b, _CMP_GE_OQ); }
  static NABLA_INLINE V select(M m, V a, V b) { return _mm256_blendv_pd(b, a, m); }
  static NABLA_INLINE V abs(V a) { return _mm256_andnot_pd(_mm256_set1_pd(-0.0), a); }
  static NABLA_INLINE V copysign(V magnitude, V sign) { return _mm256_or_pd(magnitude, _mm256_and_pd(sign, _mm256_set1_pd(-0.0))); }
  static NABLA_INLINE V pow2(V t, int shift) {
    return _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_add_epi64(_mm256_castpd_si256(t), _mm256_set1_epi64x(1023 + shift)), 52));
  }
  static NABLA_INLINE V split(V x, V& e) {
    const __m256i bits = _mm256_castpd_si256(x);
    e = _mm256_sub_pd(_mm256_castsi256_pd(_mm256_or_si256(_mm256_srli_epi64(bits, 52), _mm256_set1_epi64x(0x4330000000000000ll))),
                      _mm256_set1_pd(4503599627370496.0 + 1023.0));
    return _mm256_castsi256_pd(
        _mm256_or_si256(_mm256_and_si256(bits, _mm256_set1_epi64x(0xfffffffffffffll)), _mm256_set1_epi64x(0x3ff0000000000000ll)));
  }
  static NABLA_INLINE T fold(V v) {
    const __m128d q = _mm_add_pd(_mm256_castpd256_pd128(v), _mm256_extractf128_pd(v, 1));
    return _mm_cvtsd_f64(_mm_add_sd(q, _mm_unpackhi_pd(q, q)));
  }
  static NABLA_INLINE V quad(const T* p) { return load(p); }
  template <int e>
  static NABLA_INLINE V pick(V q) {
    return _mm256_permute4x64_pd(q, e * 0x55);
  }
  static NABLA_INLINE V load_u8(const unsigned char* p) {
    int word;
    __builtin_memcpy(&word, p, 4);
    return _mm256_cvtepi32_pd(_mm_cvtepu8_epi32(_mm_cvtsi32_si128(word)));
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
