// The kernels compiled for one instruction set: baseline.
#include "kernels.h"

#define NABLA_KERNELS baseline
#define NABLA_INLINE inline __attribute__((always_inline))
#include "simd_baseline.h"

#include "kernels-inl.h"

namespace nabla {
const KernelSet* baseline_kernels() { return &baseline::kernel_set; }
}  // namespace nabla
