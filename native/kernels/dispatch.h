// Which kernel sets this processor can run.
#pragma once
#include "kernels.h"

namespace nabla {

// The set of an instruction set, or null where this build or this processor (or its operating system) lacks it.
const KernelSet* kernels_for(Isa isa);
// The best set this processor has.
const KernelSet* best_kernels();
const char* isa_name(Isa isa);

}  // namespace nabla
