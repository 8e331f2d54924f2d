// The kernels compiled for one instruction set: avx512.
#include "kernels.h"

// GCC 12 reports its own _mm512_undefined_* (https://gcc.gnu.org/bugzilla/show_bug.cgi?id=105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#define NABLA_KERNELS avx512
#define NABLA_INLINE inline __attribute__((always_inline))
#if defined(__AVX512F__) && defined(__AVX512DQ__)
#include "simd_avx512.h"

#include "kernels-inl.h"

namespace nabla {
const KernelSet* avx512_kernels() { return &avx512::kernel_set; }
}  // namespace nabla
#else
namespace nabla {
const KernelSet* avx512_kernels() { return nullptr; }
}  // namespace nabla
#endif
