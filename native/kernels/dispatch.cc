#include "dispatch.h"

namespace nabla {

const char* isa_name(Isa isa) {
  switch (isa) {
    case Isa::baseline:
      return "baseline";
    case Isa::avx2:
      return "avx2";
    case Isa::avx512:
      return "avx512";
    case Isa::neon:
      return "neon";
  }
  return "unknown";
}

const KernelSet* kernels_for(Isa isa) {
  switch (isa) {
    case Isa::baseline:
      return baseline_kernels();
#if defined(__x86_64__)
    // __builtin_cpu_supports also asks the operating system whether it saves the registers (XCR0).
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? avx2_kernels() : nullptr;
    case Isa::avx512:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                     __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("fma")
                 ? avx512_kernels()
                 : nullptr;
#endif
#if defined(__aarch64__)
    case Isa::neon:
      return neon_kernels();
#endif
    default:
      return nullptr;
  }
}

const KernelSet* best_kernels() {
  const Isa order[] = {Isa::avx512, Isa::avx2, Isa::neon};
  for (const Isa isa : order)
    if (const KernelSet* set = kernels_for(isa)) return set;
  return baseline_kernels();
}

}  // namespace nabla
