// Networks with normalizations, noise or prelu between their products. The third plan: a batch is in memory as a whole and goes through in
// phases; rows are split among the threads but for sums over rows, which are split by units.
#pragma once
#include <memory>

#include "network.h"

namespace nabla {

// A network whose spec is_layered (plan.h).
std::unique_ptr<Network> make_layered(NetworkSpec spec, const KernelSet* kernels, unsigned threads, PlanKind kind);

}  // namespace nabla
