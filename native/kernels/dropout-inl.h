// Masks from Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011).
#pragma once
#include "wide-inl.h"

namespace nabla {
namespace NABLA_KERNELS {

template <class S>
struct DropoutKernels {
  using T = typename S::T;
  static constexpr size_t W = Wide<S>::width;

  // Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, 2011).
  static NABLA_INLINE void philox(uint32_t c[4], uint32_t k0, uint32_t k1) {
    for (int round = 0; round < 10; ++round) {
      const uint64_t a = uint64_t{0xD2511F53u} * c[0], b = uint64_t{0xCD9E8D57u} * c[2];
      const uint32_t n0 = static_cast<uint32_t>(b >> 32) ^ c[1] ^ k0, n2 = static_cast<uint32_t>(a >> 32) ^ c[3] ^ k1;
      c[1] = static_cast<uint32_t>(b);
      c[3] = static_cast<uint32_t>(a);
      c[0] = n0;
      c[2] = n2;
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
  }

  static void dropout_forward(const T* a, T* out, uint8_t* mask, size_t rows, size_t first_row, size_t units, size_t ld, uint32_t step,
                              uint32_t purpose, const uint32_t* key, uint64_t threshold, T factor) {
    for (size_t r = 0; r < rows; ++r) {
      for (size_t u = 0; u < ld; u += 4) {
        uint32_t c[4] = {static_cast<uint32_t>(u / 4), static_cast<uint32_t>(first_row + r), step, purpose};
        if (u < units) philox(c, key[0], key[1]);
        for (size_t j = 0; j < 4; ++j) {
          const size_t at = r * ld + u + j;
          const bool keep = u + j < units && c[j] >= threshold;
          mask[at] = keep ? 1 : 0;
          out[at] = keep ? a[at] * factor : T(0);
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
