// OpenBLAS's matrix products in place of our own, for those who ask for them: unpacked weights, nothing fused, outside the promise of the
// same bytes. The library is looked for when it is asked for, never before.
#pragma once
#include "../kernels/kernels.h"

namespace nabla {

// The set with its products by OpenBLAS, for plans with unpacked weights. OpenBLAS is set to one thread a call: the pool splits the work.
// Throws ERR_BACKEND where there is no OpenBLAS.
const KernelSet* openblas_kernels(const KernelSet& set);

}  // namespace nabla
