#include "memory_limit.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "aligned.h"
#include "cgroup.h"
#include "error.h"

namespace nabla {

void want_huge_pages(void* data, size_t bytes) {
#if defined(__linux__)
  // Advice: where the system refuses, small pages serve.
  static_cast<void>(madvise(data, bytes & ~size_t{4095}, MADV_HUGEPAGE));
#else
  static_cast<void>(data);
  static_cast<void>(bytes);
#endif
}

void* zero_pages(size_t bytes) {
  constexpr size_t huge = size_t{2} << 20;
  if (bytes > ~size_t{0} - 2 * huge) return nullptr;
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), size = (bytes + page - 1) / page * page;
  void* const raw = mmap(nullptr, size + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  // What lies before and behind the aligned part goes back.
  char* const begin = static_cast<char*>(raw);
  const size_t before = (huge - reinterpret_cast<uintptr_t>(raw) % huge) % huge;
  if (before > 0) munmap(begin, before);
  if (huge - before > 0) munmap(begin + before + size, huge - before);
  return begin + before;
}

void free_pages(void* data, size_t bytes) { munmap(data, bytes); }

double memory_limit() {
  const double machine = static_cast<double>(sysconf(_SC_PHYS_PAGES)) * static_cast<double>(sysconf(_SC_PAGESIZE));
  return std::min(machine, cgroup_memory());
}

void check_memory(const char* op, double bytes) {
  const double limit = memory_limit();
  if (!(bytes <= limit))
    throw Error("ERR_MEMORY", "[" + std::string(op) + "] what is asked for must fit in memory. Expected at most " +
                                  std::to_string(static_cast<long long>(limit / 1048576)) + " MB, received a need of " +
                                  std::to_string(static_cast<long long>(bytes / 1048576 > 9e18 ? 9e18 : bytes / 1048576)) + " MB.");
}

}  // namespace nabla
