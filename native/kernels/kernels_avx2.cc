// The kernels compiled for one instruction set: avx2.
#include "kernels.h"

#define NABLA_KERNELS avx2
#define NABLA_INLINE inline __attribute__((always_inline))
#if defined(__AVX2__) && defined(__FMA__)
#include "simd_avx2.h"

#include "kernels-inl.h"

namespace nabla {
const KernelSet* avx2_kernels() { return &avx2::kernel_set; }
}  // namespace nabla
#else
namespace nabla {
const KernelSet* avx2_kernels() { return nullptr; }
}  // namespace nabla
#endif
