// Masks from Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011).
#pragma once
#include "wide-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

template <class S>
struct DropoutKernels {
  using T = typename S::T;
  static constexpr size_t W = Wide<S>::width;

  // Counters that go through the rounds side by side, a word of each in a vector.
  static constexpr size_t groups = S::counters;

  // The words of counters first, first + 1, …, each four words in a row.
  static NABLA_INLINE void philox(uint32_t first, uint32_t row, uint32_t step, uint32_t purpose, uint32_t k0, uint32_t k1,
                                  uint32_t* words) {
    using U = typename S::Words;
    U c0 = S::count_from(first), c1 = S::all(row), c2 = S::all(step), c3 = S::all(purpose);
    for (int round = 0; round < 10; ++round) {
      U high0, low0, high2, low2;
      S::multiply(c0, 0xD2511F53u, high0, low0);
      S::multiply(c2, 0xCD9E8D57u, high2, low2);
      c0 = S::exclusive(S::exclusive(high2, c1), S::all(k0));
      c2 = S::exclusive(S::exclusive(high0, c3), S::all(k1));
      c1 = low2;
      c3 = low0;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    S::store_by_counter(c0, c1, c2, c3, words);
  }

  static void random_words(uint32_t counter, uint32_t c1, uint32_t c2, uint32_t c3, const uint32_t* key, uint32_t* words) {
    for (size_t i = 0; i < random_counters; i += groups)
      philox(counter + static_cast<uint32_t>(i), c1, c2, c3, key[0], key[1], words + 4 * i);
  }

  // Inlined once with a known n. Through memory of its own, which overlaps nothing: compilers make vectors of it.
  static NABLA_INLINE void drop(const uint32_t* words, uint32_t least, const T* a, T factor, size_t n, T* out, uint8_t* mask) {
    T dropped[4 * groups];
    uint8_t kept[4 * groups];
    for (size_t j = 0; j < n; ++j) kept[j] = words[j] >= least ? 1 : 0;
    for (size_t j = 0; j < n; ++j) dropped[j] = words[j] >= least ? a[j] * factor : T(0);
    __builtin_memcpy(mask, kept, n);
    __builtin_memcpy(out, dropped, n * sizeof(T));
  }

  static void dropout_forward(const T* a, T* out, uint8_t* mask, size_t rows, size_t first_row, size_t units, size_t ld, uint32_t step,
                              uint32_t purpose, const uint32_t* key, uint64_t threshold, T factor) {
    // A threshold of 2^32 keeps nothing.
    const size_t kept = threshold > 0xffffffffu ? 0 : units;
    const uint32_t least = static_cast<uint32_t>(threshold);
    uint32_t words[4 * groups];
    for (size_t r = 0; r < rows; ++r) {
      size_t u = 0;
      for (; u < kept; u += 4 * groups) {
        philox(static_cast<uint32_t>(u / 4), static_cast<uint32_t>(first_row + r), step, purpose, key[0], key[1], words);
        const size_t at = r * ld + u;
        if (kept - u >= 4 * groups)
          drop(words, least, a + at, factor, 4 * groups, out + at, mask + at);
        else
          drop(words, least, a + at, factor, kept - u, out + at, mask + at);
      }
      for (u = kept; u < ld; ++u) {
        mask[r * ld + u] = 0;
        out[r * ld + u] = 0;
      }
    }
  }

  static void dropout_backward(T* da, const uint8_t* mask, size_t rows, size_t ld, T factor) {
    for (size_t i = 0; i < rows * ld; ++i) da[i] = mask[i] != 0 ? da[i] * factor : T(0);
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
