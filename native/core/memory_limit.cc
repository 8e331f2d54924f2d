#include "memory_limit.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <unistd.h>

#include <fstream>
#include <string>

#include "aligned.h"
#include "error.h"

namespace nabla {

namespace {

// A number in a file, or infinity where there is none ("max").
double number_in(const char* path) {
  std::ifstream file(path);
  double value = 0;
  return file >> value ? value : 1e300;
}

}  // namespace

void want_huge_pages(void* data, size_t bytes) {
#if defined(__linux__)
  // Advice: where the system refuses, small pages serve.
  static_cast<void>(madvise(data, bytes & ~size_t{4095}, MADV_HUGEPAGE));
#else
  static_cast<void>(data);
  static_cast<void>(bytes);
#endif
}

double memory_limit() {
  double limit = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  for (const char* path : {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    const double cgroup = number_in(path);
    if (cgroup < limit) limit = cgroup;
  }
  return limit;
}

void check_memory(const char* op, double bytes) {
  const double limit = memory_limit();
  if (!(bytes <= limit))
    throw Error("ERR_MEMORY", "[" + std::string(op) + "] what is asked for must fit in memory. Expected at most " +
                                  std::to_string(static_cast<long long>(limit / 1048576)) + " MB, received a need of " +
                                  std::to_string(static_cast<long long>(bytes / 1048576 > 9e18 ? 9e18 : bytes / 1048576)) + " MB.");
}

}  // namespace nabla
