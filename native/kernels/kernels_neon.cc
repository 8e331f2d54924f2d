// The kernels compiled for one instruction set: neon.
#include "kernels.h"

#define NABLA_KERNELS neon
#define NABLA_INLINE inline __attribute__((always_inline))
#if defined(__aarch64__)
#include "simd_neon.h"

#include "kernels-inl.h"

namespace nabla {
const KernelSet* neon_kernels() { return &neon::kernel_set; }
}  // namespace nabla
#else
namespace nabla {
const KernelSet* neon_kernels() { return nullptr; }
}  // namespace nabla
#endif
