// AVX-512 vectors for kernels-inl.h: one register holds the 16 float32 or 8 float64 virtual lanes.
#pragma once
#include <immintrin.h>

namespace nabla {
namespace NABLA_KERNELS {

// Of as many numbers as a register holds those that are not 0, put together: their positions from `at` on, their values, and how many.
struct Lists {
  static constexpr bool lists = true;
  static NABLA_INLINE __m512i positions(size_t at) {
    return _mm512_add_epi32(_mm512_set1_epi32(static_cast<int>(at)),
                            _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
  }
  // GCC 12 under ThreadSanitizer takes a mask of 8 bits that it has put away for one of 32: it is widened by name.
  static NABLA_INLINE size_t counted(unsigned mask) { return static_cast<size_t>(__builtin_popcount(mask)); }
  static NABLA_INLINE size_t list(const unsigned char* p, size_t at, unsigned short* index, unsigned char* values) {
    const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __mmask16 some = _mm_test_epi8_mask(x, x);
    // A position and its value travel together, in 16 and 8 bits of a lane.
    const __m512i both = _mm512_or_si512(_mm512_slli_epi32(positions(at), 8), _mm512_cvtepu8_epi32(x));
    const __m512i listed = _mm512_maskz_compress_epi32(some, both);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(index), _mm512_cvtepi32_epi16(_mm512_srli_epi32(listed, 8)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(values), _mm512_cvtepi32_epi8(listed));
    return counted(_cvtmask16_u32(some));
  }
  static NABLA_INLINE size_t list(const float* p, size_t at, unsigned short* index, float* values) {
    const __m512 x = _mm512_loadu_ps(p);
    const __mmask16 some = _mm512_cmp_ps_mask(x, _mm512_setzero_ps(), _CMP_NEQ_UQ);
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(index), _mm512_cvtepi32_epi16(_mm512_maskz_compress_epi32(some, positions(at))));
    _mm512_storeu_ps(values, _mm512_maskz_compress_ps(some, x));
    return counted(_cvtmask16_u32(some));
  }
  static NABLA_INLINE size_t list(const double* p, size_t at, unsigned short* index, double* values) {
    const __m512d x = _mm512_loadu_pd(p);
    const __mmask8 some = _mm512_cmp_pd_mask(x, _mm512_setzero_pd(), _CMP_NEQ_UQ);
    const __m256i listed = _mm256_maskz_compress_epi32(some, _mm512_castsi512_si256(positions(at)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(index), _mm256_cvtepi32_epi16(listed));
    _mm512_storeu_pd(values, _mm512_maskz_compress_pd(some, x));
    return counted(_cvtmask8_u32(some));
  }
};

// 32-bit words side by side.
struct WordVectors {
  using Words = __m512i;
  static constexpr size_t counters = 16;
  static NABLA_INLINE Words all(unsigned x) { return _mm512_set1_epi32(static_cast<int>(x)); }
  static NABLA_INLINE Words count_from(unsigned x) { return Lists::positions(x); }
  static NABLA_INLINE Words exclusive(Words a, Words b) { return _mm512_xor_si512(a, b); }
  // The 64 bits of a product, in two halves.
  static NABLA_INLINE void multiply(Words a, unsigned b, Words& high, Words& low) {
    const Words even = _mm512_mul_epu32(a, all(b)), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), all(b));
    high = _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(even, 32), odd);
    low = _mm512_mask_blend_epi32(0xaaaa, even, _mm512_slli_epi64(odd, 32));
  }
  // Four words of the first counter, four of the second, …
  static NABLA_INLINE void store_by_counter(Words a, Words b, Words c, Words d, unsigned* to) {
    const Words ab0 = _mm512_unpacklo_epi32(a, b), ab1 = _mm512_unpackhi_epi32(a, b);
    const Words cd0 = _mm512_unpacklo_epi32(c, d), cd1 = _mm512_unpackhi_epi32(c, d);
    // Counters 0, 4, 8, 12; then 1, 5, 9, 13 and so on.
    const Words q0 = _mm512_unpacklo_epi64(ab0, cd0), q1 = _mm512_unpackhi_epi64(ab0, cd0);
    const Words q2 = _mm512_unpacklo_epi64(ab1, cd1), q3 = _mm512_unpackhi_epi64(ab1, cd1);
    // 0, 8, 1, 9 and 4, 12, 5, 13; 2, 10, 3, 11 and 6, 14, 7, 15.
    const Words e0 = _mm512_shuffle_i32x4(q0, q1, 0x88), e1 = _mm512_shuffle_i32x4(q0, q1, 0xdd);
    const Words e2 = _mm512_shuffle_i32x4(q2, q3, 0x88), e3 = _mm512_shuffle_i32x4(q2, q3, 0xdd);
    // 0, 1, 2, 3; 4 to 7; 8 to 11; 12 to 15.
    store_words(to, _mm512_shuffle_i32x4(e0, e2, 0x88));
    store_words(to + 16, _mm512_shuffle_i32x4(e1, e3, 0x88));
    store_words(to + 32, _mm512_shuffle_i32x4(e0, e2, 0xdd));
    store_words(to + 48, _mm512_shuffle_i32x4(e1, e3, 0xdd));
  }
  static NABLA_INLINE void store_words(unsigned* to, Words a) { _mm512_storeu_si512(to, a); }
};

struct SimdF32 : Lists, WordVectors {
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
  static constexpr bool quads = true;
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
  // Four numbers in every group of four lanes, and the e-th of them in all.
  static NABLA_INLINE V quad(const T* p) { return _mm512_broadcast_f32x4(_mm_loadu_ps(p)); }
  template <int e>
  static NABLA_INLINE V pick(V q) {
    return _mm512_permute_ps(q, e * 0x55);
  }
  static NABLA_INLINE V load_u8(const unsigned char* p) {
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
};

struct SimdF64 : Lists, WordVectors {
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
  static constexpr bool quads = true;
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
  static NABLA_INLINE V quad(const T* p) { return _mm512_broadcast_f64x4(_mm256_loadu_pd(p)); }
  template <int e>
  static NABLA_INLINE V pick(V q) {
    return _mm512_permutex_pd(q, e * 0x55);
  }
  static NABLA_INLINE V load_u8(const unsigned char* p) {
    return _mm512_cvtepi32_pd(_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p))));
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
