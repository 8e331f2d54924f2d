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
  static constexpr size_t groups = 8;

  // The words of counters first, first + 1, …, each four words in a row.
  static NABLA_INLINE void philox(uint32_t first, uint32_t row, uint32_t step, uint32_t purpose, uint32_t k0, uint32_t k1,
                                  uint32_t* words) {
    uint32_t c0[groups], c1[groups], c2[groups], c3[groups];
    for (size_t j = 0; j < groups; ++j) {
      c0[j] = first + static_cast<uint32_t>(j);
      c1[j] = row;
      c2[j] = step;
      c3[j] = purpose;
    }
    for (int round = 0; round < 10; ++round) {
      for (size_t j = 0; j < groups; ++j) {
        const uint64_t a = uint64_t{0xD2511F53u} * c0[j], b = uint64_t{0xCD9E8D57u} * c2[j];
        c0[j] = static_cast<uint32_t>(b >> 32) ^ c1[j] ^ k0;
        c2[j] = static_cast<uint32_t>(a >> 32) ^ c3[j] ^ k1;
        c1[j] = static_cast<uint32_t>(b);
        c3[j] = static_cast<uint32_t>(a);
      }
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    for (size_t j = 0; j < groups; ++j) {
      words[4 * j] = c0[j];
      words[4 * j + 1] = c1[j];
      words[4 * j + 2] = c2[j];
      words[4 * j + 3] = c3[j];
    }
  }

  static void dropout_forward(const T* a, T* out, uint8_t* mask, size_t rows, size_t first_row, size_t units, size_t ld, uint32_t step,
                              uint32_t purpose, const uint32_t* key, uint64_t threshold, T factor) {
    // A threshold of 2^32 keeps nothing.
    const bool none = threshold > 0xffffffffu;
    const uint32_t least = static_cast<uint32_t>(threshold);
    uint32_t words[4 * groups];
    for (size_t r = 0; r < rows; ++r) {
      for (size_t u = 0; u < ld; u += 4 * groups) {
        philox(static_cast<uint32_t>(u / 4), static_cast<uint32_t>(first_row + r), step, purpose, key[0], key[1], words);
        const size_t n = ld - u < 4 * groups ? ld - u : 4 * groups, at = r * ld + u;
        for (size_t j = 0; j < n; ++j) {
          const bool keep = words[j] >= least && u + j < units && !none;
          mask[at + j] = keep ? 1 : 0;
          out[at + j] = keep ? a[at + j] * factor : T(0);
        }
      }
    }
  }

  static void dropout_backward(T* da, const uint8_t* mask, size_t rows, size_t ld, T factor) {
    for (size_t i = 0; i < rows * ld; ++i) da[i] = mask[i] != 0 ? da[i] * factor : T(0);
  }
};

}  // namespace NABLA_KERNELS
}  // namespace nabla
